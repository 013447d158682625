/* TLS settings of one host from certs.d folders. */
#ifndef KOC__CERTS_H
#define KOC__CERTS_H

#include "core/dynbuf.h"
#include "core/str.h"

typedef struct koc__certs {
    koc__dynbuf authorities; /* PEM of all *.crt; empty: none */
    char *client_cert;       /* path of X.cert and its X.key, or NULL */
    char *client_key;
} koc__certs;
/* clang-format off */
#define KOC__CERTS_INIT { KOC__DYNBUF_INIT((size_t)16 << 20), NULL, NULL }
/* clang-format on */
void koc__certs_dispose(koc__certs *c);
KOC__DEFINE_AUTO_VAL(koc__certs, koc__certs_dispose);

/* What lies in folder; none or one that cannot be read: nothing. A certificate without its key, or the
 * other way round, is KOC_ENOTFOUND and names what is missing. */
int koc__certs_read(const char *folder, bool *found, koc__certs *out, koc_error **err);
/* The first folder that is there of $HOME/.config/containers, /etc/containers and /etc/docker, each with
 * /certs.d/<host>. */
int koc__certs_of(const char *host, koc__certs *out, koc_error **err);

#endif

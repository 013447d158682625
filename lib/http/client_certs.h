/* TLS settings of one host from certs.d directories. */
#ifndef KOC__CERTS_H
#define KOC__CERTS_H

#include "core/dynbuf.h"
#include "core/str.h"

typedef struct koc__certs {
    koc__dynbuf authorities; /* PEM text of all *.crt; empty: none */
    char *client_cert;       /* path of X.cert and its X.key, or NULL */
    char *client_key;
} koc__certs;
/* clang-format off */
#define KOC__CERTS_INIT { KOC__DYNBUF_INIT((size_t)16 << 20), NULL, NULL }
/* clang-format on */
void koc__certs_dispose(koc__certs *c);
KOC__DEFINE_AUTO_VAL(koc__certs, koc__certs_dispose);

/* Reads certs.d/<host> of the first of $HOME/.config/containers, /etc/containers and /etc/docker
 * that has it. A certificate without its key, or the other way round, is KOC_ENOTFOUND, which
 * names the missing file. */
int koc__certs_of(const char *host, koc__certs *out, koc_error **err);

#endif

/*
 * URLs of registries: http and https only, kept byte for byte (RFC 3986). Decoding and encoding a
 * URL again would break upload sessions and presigned links.
 */
#ifndef KOC__URL_H
#define KOC__URL_H

#include <koc/base.h>

#include "core/cleanup.h"

#define KOC__URL_MAX ((size_t)16 << 10)

typedef struct koc__url {
    char *host;    /* lower case, no brackets round IPv6 */
    char *target;  /* path and query; begins with '/' */
    uint16_t port; /* always set */
    bool https;
} koc__url;
/* clang-format off */
#define KOC__URL_INIT { NULL, NULL, 0, false }
/* clang-format on */

/* KOC_EINVAL: not http(s), user-info, no host, control characters or spaces, too long. A
 * fragment is cut. */
int koc__url_parse(koc_str text, koc__url *out, koc_error **err);
/* From "host[:port]" and a target. */
int koc__url_make(bool https, const char *authority, const char *target, koc__url *out,
                  koc_error **err);
/* RFC 3986, 5.2: absolute, scheme-less, host-relative, path-relative, query only. Empty:
 * KOC_EINVAL. */
int koc__url_resolve(const koc__url *base, koc_str reference, koc__url *out, koc_error **err);
int koc__url_copy(const koc__url *from, koc__url *out, koc_error **err);
/* Appends name=value with '?' or '&'; value is percent-encoded, the rest stays unchanged. */
int koc__url_add_query(koc__url *u, const char *name, koc_str value, koc_error **err);
void koc__url_dispose(koc__url *u);
KOC__DEFINE_AUTO_VAL(koc__url, koc__url_dispose);

/* Same scheme, host and effective port. */
bool koc__url_same_origin(const koc__url *a, const koc__url *b);
/* "https://host:port" with brackets, without a default port. NULL: out of memory, as in the next
 * two. */
char *koc__url_origin(const koc__url *u);
char *koc__url_string(const koc__url *u);
/* For logs and errors: the values of query parameters that may be secret become "...". */
char *koc__url_redacted(const koc__url *u);

/* The host of "host[:port]" without brackets, and its port (0: none). false: not an authority. */
bool koc__authority_split(koc_str text, koc_str *host, uint16_t *port);

#endif

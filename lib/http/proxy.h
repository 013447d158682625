/* The proxy for a URL, by the environment as Go reads it. No I/O. */
#ifndef KOC__PROXY_H
#define KOC__PROXY_H

#include <koc/base.h>

#include "core/str.h"
#include "http/url.h"

/* A proxy and the environment variable that names it (static). */
typedef struct koc__proxy {
    char *url; /* NULL: none */
    const char *variable;
} koc__proxy;
/* Proxy settings as Go reads them. Strings owned. */
typedef struct koc__proxies {
    koc__proxy http;
    koc__proxy https;
    koc__proxy none; /* NO_PROXY */
} koc__proxies;
/* clang-format off */
#define KOC__PROXIES_INIT { { NULL, NULL }, { NULL, NULL }, { NULL, NULL } }
/* clang-format on */
int koc__proxies_from_env(koc__proxies *out, koc_error **err);
void koc__proxies_dispose(koc__proxies *p);
/* The proxy for u, borrowed from p, or NULL. There is none for loopback. */
const koc__proxy *koc__proxies_for(const koc__proxies *p, const koc__url *u);
/* Whether a NO_PROXY list names host:port. */
bool koc__proxy_is_excluded(const char *list, const char *host, uint16_t port);

#endif

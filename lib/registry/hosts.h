/* Which scheme, which proxy: decisions that need only names. No I/O. */
#ifndef KOC__HOSTS_H
#define KOC__HOSTS_H

#include <koc/base.h>

#include "core/cleanup.h"
#include "core/str.h"
#include "registry/url.h"

/* The host asked on the wire: Docker Hub is named index.docker.io but answers elsewhere. */
const char *koc__host_on_wire(const char *registry);
/* Whether list (NULL-terminated, or NULL) names host[:port]; an entry without a port means any port. */
bool koc__host_listed(const koc_strlist *list, const char *registry);

/* A proxy and the variable that names it (static). */
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
/* The proxy for u, borrowed from p, or NULL. Loopback never goes through one. */
const koc__proxy *koc__proxies_for(const koc__proxies *p, const koc__url *u);
/* Whether a NO_PROXY list names host:port. */
bool koc__no_proxy_matches(const char *list, const char *host, uint16_t port);

#endif

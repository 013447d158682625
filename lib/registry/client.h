/* The inside of a client: its settings and the registry hosts that it talked to. */
#ifndef KOC__CLIENT_H
#define KOC__CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include <koc/registry.h>

#include "auth/auth.h"
#include "core/dynbuf.h"
#include "core/map.h"
#include "core/run/context.h"
#include "core/str.h"
#include "http/proxy.h"
#include "http/transport.h"
#include "registry/host/host.h"

KOC__DEFINE_AUTO(koc_client, koc_client_unref);

struct koc_client {
    atomic_uint refs;
    koc_ctx *ctx;
    koc_auth *auth; /* or NULL */
    koc__http_pool *transport;
    uint32_t flags;
    char *user_agent;
    void (*trace_release)(void *trace_payload); /* or NULL */
    void *trace_payload;
    koc__headers fields; /* sent with each request to a registry */
    koc__dynbuf ca_pem;
    koc_strlist *allow_http;
    koc__proxies proxies;
    unsigned rate;               /* requests per second to each host; 0: no limit */
    unsigned max_connections;    /* to each host */
    unsigned max_attempts;       /* of one request */
    int64_t connect_timeout_ms;  /* of one attempt */
    int64_t connect_total_ms;    /* of all attempts */
    int64_t response_timeout_ms; /* 0: longer for a host that answered before */
    pthread_mutex_t mutex;       /* guards all below */
    koc__host **hosts;
    size_t n_hosts, hosts_capacity;
    koc__map *warned; /* texts of Warning headers that were shown */
};

/* The host that references call registry; made when it is asked for the first time. Borrowed
 * from c. */
int koc__client_host(koc_client *c, const char *registry, koc__host **out, koc_error **err);
/* The host that u leads to: redirect targets and token servers have TLS settings too. */
int koc__client_host_of_url(koc_client *c, const koc__url *u, koc__host **out, koc_error **err);
/* Sets the proxy, authorities and client certificate of a request to target. */
void koc__client_route(koc_client *c, const koc__host *target, koc__http_request *rq);
/* Whether this Warning text is new to the client, which shows each text once. */
bool koc__client_note_warning(koc_client *c, const char *text);

#endif

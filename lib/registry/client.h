/* The inside of a client: what is known about each registry host. */
#ifndef KOC__CLIENT_H
#define KOC__CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include <koc/registry.h>

#include "auth/auth.h"
#include "core/dynbuf.h"
#include "core/map.h"
#include "core/run/call.h"
#include "core/run/context.h"
#include "core/str.h"
#include "http/address.h"
#include "http/client_certs.h"
#include "http/proxy.h"
#include "http/transport.h"
#include "registry/host/challenge.h"

KOC__DEFINE_AUTO(koc_client, koc_client_unref);

/* An access token; expires_ms by the monotonic clock. */
typedef struct koc__token {
    char *key; /* repository, mount source, user */
    uint32_t actions;
    char *value;
    int64_t expires_ms;
} koc__token;

/* What was found for a repository: cred NULL means anonymous. */
typedef struct koc__login {
    char *repository;
    koc_credential *cred;
    bool refused; /* the registry or its token server did not accept it */
} koc__login;

typedef struct koc__host {
    koc_client *client;  /* borrowed */
    char *name;          /* as references have it */
    char *wire;          /* "host[:port]" in URLs */
    char *login;         /* what credentials are looked up for */
    char *prefix;        /* in place of "/v2" (hosts.toml), or NULL */
    koc__headers fields; /* sent with each request to it (hosts.toml) */
    bool loopback;
    bool may_http;    /* the user allows plain HTTP for it */
    bool insecure;    /* certificates are not verified */
    koc__certs certs; /* its own, from certs.d and hosts.toml */
    /* Its mirrors (mirrors.c), records that only it knows. */
    struct koc__host **mirrors;
    size_t n_mirrors;
    char *mirror_of;  /* of a mirror: the registry, for "?ns=" */
    uint32_t caps;    /* of a mirror: KOC__CAP_* */
    atomic_bool down; /* a mirror that could not be reached */
    atomic_bool
        distrusted; /* a mirror gave other bytes than it was asked for: the origin alone counts */
    atomic_bool scheme_known;
    atomic_bool https;
    atomic_bool answered;
    atomic_int kind;    /* koc__address of the peer, once it answered */
    atomic_uint misses; /* blobs in a row that were asked for and not there (push.c) */
    /* Behaviour seen, kept for the process. */
    atomic_bool no_expect;
    /* Where an upload begins; never what one of them has tried (upload.c). */
    atomic_bool wants_patch;       /* one came through by PATCH after its PUT was refused */
    atomic_uint_fast64_t body_max; /* a longer body was refused or cut; 0: none was */
    pthread_mutex_t mutex;         /* guards all below */
    pthread_cond_t left;
    bool busy[2]; /* by KOC__GATE_*: see koc__host_enter */
    int64_t pause_until_ms;
    uint32_t rate;          /* requests a second; 0: no limit */
    int64_t next_ns;        /* when the next request may go, with a rate */
    unsigned in_flight;     /* requests that hold a place in the window (window.c) */
    unsigned window_256ths; /* how many may, times 256 */
    /* Authentication: the last challenge, tokens, credentials. */
    koc__scheme scheme;
    char *realm;
    char *service;
    koc__url challenged_at; /* realms may be relative to it */
    koc__token *tokens;
    size_t n_tokens, tokens_capacity;
    koc__login *logins;
    size_t n_logins, logins_capacity;
    koc__map *blobs; /* "repository@digest": what this process knows to be there (blobs.c) */
} koc__host;

enum { KOC__GATE_SCHEME = 0, KOC__GATE_LOGIN = 1 };

struct koc_client {
    atomic_uint refs;
    koc_ctx *ctx;
    koc_auth *auth; /* or NULL */
    koc__transport *transport;
    uint32_t flags;
    char *user_agent;
    koc__dynbuf ca_pem;
    koc_strlist *allow_http;
    koc__proxies proxies;
    unsigned rate; /* requests a second to a host; 0: no limit */
    unsigned max_connections;
    unsigned max_attempts;
    int64_t connect_timeout_ms;  /* a try */
    int64_t connect_total_ms;    /* all tries */
    int64_t response_timeout_ms; /* 0: by what the host did before */
    pthread_mutex_t mutex;       /* guards hosts */
    koc__host **hosts;
    size_t n_hosts, hosts_capacity;
    koc__map *warned; /* texts of Warning headers that were shown */
};

/* The record of a registry; made when it is new. Borrowed from c. */
int koc__client_host(koc_client *c, const char *registry, koc__host **out, koc_error **err);
/* A record that the client does not know of: a mirror's. */
int koc__host_make(koc_client *c, const char *authority, koc__host **out, koc_error **err);
void koc__host_free(koc__host *h);
/* Reads the hosts.toml of h's registry, where there is one: h and its mirrors become what it says. */
int koc__host_configure(koc__host *h, koc_error **err);
/* The record of the host that u leads to: redirect targets and token servers have TLS settings too. */
int koc__client_host_of_url(koc_client *c, const koc__url *u, koc__host **out, koc_error **err);
/* Fills what of a request depends on where it goes: proxy, authorities, client certificate. */
void koc__client_route(koc_client *c, const koc__host *target, koc__http_request *rq);
/* A place among the requests that may go to h at once, as fast as it may be asked (window.c); status 0: no
 * reply came. */
int koc__host_take_place(koc__host *h, koc__call *call, koc_error **err);
void koc__host_leave_place(koc__host *h, int status);
/* One at a time finds out the scheme, one at a time fetches a token: waits, under call, until nobody else
 * is inside. */
int koc__host_enter(koc__host *h, int gate, koc__call *call, koc_error **err);
void koc__host_leave(koc__host *h, int gate);
/* With the mutex held: until something changed, but never longer than it takes to notice a cancel. */
void koc__host_wait_locked(koc__host *h);
/* Where the scheme stands before any request of this process: https, or what a run before this one
 * found out. */
bool koc__host_first_guess_https(koc__host *h);
/* Remembers that the host answered, from this address, by this scheme. */
void koc__host_learn(koc__host *h, bool https, const char *address);

#endif

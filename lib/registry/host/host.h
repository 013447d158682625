/*
 * One registry host, as a client knows it: names, TLS settings and the settings of hosts.toml,
 * which are constant; and pieces that change, each with its own file and lock.
 */
#ifndef KOC__HOST_H
#define KOC__HOST_H

#include <stdatomic.h>

#include <koc/registry.h>

#include "http/client_certs.h"
#include "http/http_message.h"
#include "registry/blob_claims.h"
#include "registry/host/host_reach.h"
#include "registry/host/login_state.h"
#include "registry/host/pacing.h"
#include "registry/upload_state.h"

struct koc__host;

typedef struct koc__mirror {
    struct koc__host *host; /* only this list knows it */
    char *registry;         /* sent as "?ns=" when the mirror has another name; or NULL */
    uint32_t caps;          /* KOC__CAP_* */
    atomic_bool down;       /* it could not be reached */
} koc__mirror;

/* Made by host.c, used by mirrors.c. */
typedef struct koc__mirrors {
    koc__mirror *list;
    size_t count;
    atomic_bool distrusted; /* one sent wrong bytes: only the registry itself is asked */
} koc__mirrors;

typedef struct koc__host {
    koc_client *client; /* borrowed */
    char *name;         /* as references write it */
    char *wire; /* "host[:port]" in URLs; another one than name for Docker Hub, or by hosts.toml */
    char *auth_name;      /* the name that credentials are looked up by */
    char *prefix;         /* replaces "/v2" (hosts.toml); or NULL */
    koc__headers fields;  /* header fields of each request (hosts.toml) */
    bool insecure;        /* certificates are not verified */
    koc__certs certs;     /* of certs.d and hosts.toml */
    koc__mirrors mirrors; /* hosts that are asked before it */
    /* Only the file of a piece looks into it. */
    koc__host_reach *reach;     /* host_reach.c: scheme, address, habits */
    koc__pace *pace;            /* pacing.c: rate, requests in flight, pauses */
    koc__login_state *login;    /* login_state.c: challenge, credentials, tokens */
    koc__blob_claims *claims;   /* blob_claims.c: blobs that are there or under way */
    koc__upload_habits uploads; /* upload_state.c: how uploads to it succeed */
} koc__host;

/* Makes the host that references call registry, with its mirrors and settings from hosts.toml
 * (R-15). */
int koc__host_new(koc_client *c, const char *registry, koc__host **out, koc_error **err);
void koc__host_free(koc__host *h); /* takes NULL */

#endif

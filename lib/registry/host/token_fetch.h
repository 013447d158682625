/* Fetches an access token from the token server that a registry named. */
#ifndef KOC__TOKEN_FETCH_H
#define KOC__TOKEN_FETCH_H

#include "http/http_message.h"
#include "registry/host/host.h"

typedef struct koc__token_request {
    koc__host *host;
    const char *repository;     /* or NULL */
    uint32_t actions;           /* KOC__ACT_* on repository */
    const char *mount_from;     /* a repository to pull from as well, or NULL */
    const char *demanded;       /* the scope that a challenge named, or NULL */
    const koc_credential *cred; /* NULL: anonymous */
} koc__token_request;

int koc__token_fetch(const koc__token_request *want, koc__call *call, koc__token_reply *out,
                     koc_error **err);
/* Adds "Authorization: Basic". */
int koc__basic_header(koc__headers *h, const koc_credential *cred, koc_error **err);

#endif

/* Keys of Amazon Web Services, and calls that are signed with them. */
#ifndef KOC__CLOUD_AWS_H
#define KOC__CLOUD_AWS_H

#include "cloud/cloud_request.h"
#include "core/cleanup.h"
#include "core/run/call.h"
#include "core/str.h"

typedef struct koc__aws_keys {
    char *access; /* NULL: none */
    char *secret;
    char *session; /* or NULL */
} koc__aws_keys;
/* clang-format off */
#define KOC__AWS_KEYS_INIT { NULL, NULL, NULL }
/* clang-format on */
void koc__aws_keys_dispose(koc__aws_keys *k); /* wipes */
KOC__DEFINE_AUTO_VAL(koc__aws_keys, koc__aws_keys_dispose);
/* Copies the three. Without access or secret k stays unchanged. */
int koc__aws_keys_set(koc__aws_keys *k, koc_str access, koc_str secret, koc_str session,
                      koc_error **err);

/* Where services are called. */
typedef struct koc__aws_place {
    const char *region;
    bool china; /* .amazonaws.com.cn */
} koc__aws_place;
/* Whether text is a region that may be part of a host name. */
bool koc__aws_is_region(const char *text);
/* The endpoint of a service: $AWS_ENDPOINT_URL_<variable>, else
 * "https://<host>.<region>.amazonaws.com". Owned by the caller. */
int koc__aws_endpoint(const char *variable, const char *host, koc__aws_place place, char **out,
                      koc_error **err);

typedef struct koc__aws_call {
    const koc__aws_keys *keys;
    const char *url;
    const char *service;
    const char *region;
    const char *content_type;
    const char *target; /* X-Amz-Target, or NULL */
    koc_str body;
} koc__aws_call;
/* Signs with SigV4 and POSTs. */
int koc__aws_post(const koc__aws_call *args, koc__call *call, koc__dynbuf *reply, koc_error **err);

/* --- cloud_aws_sts.c --- */

/* Assumes a role with the token of a cluster or a CI system. session: the name of the role
 * session; or NULL. */
int koc__aws_web_identity(const char *role, const char *token_file, const char *session,
                          koc__aws_place place, koc__call *call, koc__aws_keys *out,
                          koc_error **err);
/* The keys in a reply of STS (XML). */
int koc__aws_sts_reply(koc_str reply, koc__aws_keys *out, koc_error **err);

/* --- where keys come from: *out stays unchanged when there are none --- */

/* The chain of the SDKs: environment, web identity, profile (keys, role, process, single
 * sign-on), container, virtual machine. */
int koc__aws_keys_find(koc__aws_place place, koc__call *call, koc__aws_keys *out, koc_error **err);
/* cloud_aws_profile.c */
int koc__aws_profile_keys(koc__aws_place place, koc__call *call, koc__aws_keys *out,
                          koc_error **err);

#endif

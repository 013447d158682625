/* Keys of Amazon Web Services, and calls signed with them. */
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
/* Copies; all empty or without a secret: stays as it is. */
int koc__aws_keys_set(koc__aws_keys *k, koc_str access, koc_str secret, koc_str session,
                      koc_error **err);

/* A region as it may stand in a host name; false: something else. */
bool koc__aws_is_region(const char *text);
/* The endpoint of a service: $AWS_ENDPOINT_URL_<variable>, else "https://<host>.<region>.amazonaws.com".
 * Owned by the caller. */
int koc__aws_endpoint(const char *variable, const char *host, const char *region, bool china,
                      char **out, koc_error **err);

typedef struct koc__aws_call {
    const koc__aws_keys *keys;
    const char *url;
    const char *service;
    const char *region;
    const char *content_type;
    const char *target; /* X-Amz-Target, or NULL */
    koc_str body;
} koc__aws_call;
/* Signed with SigV4 and POSTed. */
int koc__aws_post(const koc__aws_call *args, koc__call *call, koc__dynbuf *reply, koc_error **err);

/* The SDKs' chain: environment, web identity, profile (keys, role, process, single sign-on), container,
 * machine. region, china: where the role services are asked. *out stays as it is when there are none. */
int koc__aws_keys_find(const char *region, bool china, koc__call *call, koc__aws_keys *out,
                       koc_error **err);
/* --- cloud_aws_profile.c --- */
int koc__aws_of_profile(const char *region, bool china, koc__call *call, koc__aws_keys *out,
                        koc_error **err);
/* --- cloud_aws_keys.c --- */
/* A role taken with the token of a cluster or a CI system. */
int koc__aws_web_identity(const char *role, const char *token_file, const char *session,
                          const char *region, bool china, koc__call *call, koc__aws_keys *out,
                          koc_error **err);
/* The keys in a reply of STS (XML). */
int koc__aws_sts_reply(koc_str reply, koc__aws_keys *out, koc_error **err);

#endif

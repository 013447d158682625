/*
 * Logins of clouds without their helper programs, where HTTPS and what the environment holds are enough
 * Amazon ECR, Google and Azure. Only for that cloud's own host names; a failure means anonymous.
 */
#ifndef KOC__AUTH_CLOUD_H
#define KOC__AUTH_CLOUD_H

#include "auth/auth.h"
#include "core/run/call.h"
#include "core/str.h"

typedef struct koc__ecr_host {
    koc_str region;
    bool china;  /* .amazonaws.com.cn */
    bool public; /* public.ecr.aws */
} koc__ecr_host;
/* "123456789012.dkr.ecr[-fips].eu-west-1.amazonaws.com[.cn]", "public.ecr.aws". */
bool koc__cloud_is_ecr(const char *registry, koc__ecr_host *out);
bool koc__cloud_is_google(const char *registry);
/* "name.azurecr.io", .cn, .de, .us. */
bool koc__cloud_is_azure(const char *registry);

/* *out stays as it is when there is nothing. The helper program, where installed, goes first. */
int koc__cloud_login(const char *registry, koc__call *call, koc_credential **out, koc_error **err);

/* --- each cloud (cloud_*.c): *out stays as it is when nothing is set up --- */
int koc__cloud_aws(const koc__ecr_host *host, koc__call *call, koc_credential **out,
                   koc_error **err);
int koc__cloud_google(koc__call *call, koc_credential **out, koc_error **err);
int koc__cloud_azure(const char *registry, koc__call *call, koc_credential **out, koc_error **err);

#endif

/*
 * Logins of clouds without their helper programs, by HTTPS and the environment: Amazon ECR,
 * Google and Azure. Only for that cloud's own host names; after a failure koc continues
 * anonymously.
 */
#ifndef KOC__CLOUD_LOGINS_H
#define KOC__CLOUD_LOGINS_H

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

/* The helper program, if installed, comes first. *out stays unchanged when there is no
 * credential. */
int koc__cloud_login(const char *registry, koc__call *call, koc_credential **out, koc_error **err);

/* --- each cloud (cloud_*.c): *out stays unchanged when nothing is set up --- */
int koc__cloud_aws(const koc__ecr_host *host, koc__call *call, koc_credential **out,
                   koc_error **err);
int koc__cloud_google(koc__call *call, koc_credential **out, koc_error **err);
int koc__cloud_azure(const char *registry, koc__call *call, koc_credential **out, koc_error **err);

#endif

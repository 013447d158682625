/*
 * Logins of clouds without their helper programs, where plain HTTPS and what the environment holds are
 * enough: Amazon ECR and Google. Only for that cloud's own host names; a failure means anonymous.
 */
#ifndef KOC__AUTH_CLOUD_H
#define KOC__AUTH_CLOUD_H

#include "core/op.h"
#include "core/str.h"
#include "registry/auth.h"

typedef struct koc__ecr_host {
    koc_str region;
    bool china; /* .amazonaws.com.cn */
} koc__ecr_host;
/* "123456789012.dkr.ecr[-fips].eu-west-1.amazonaws.com[.cn]". */
bool koc__cloud_is_ecr(const char *registry, koc__ecr_host *out);
bool koc__cloud_is_google(const char *registry);
/* The value of key in the profile of an INI file (~/.aws/credentials); empty: not there. */
koc_str koc__ini_value(koc_str text, const char *section, const char *key);

/* *out stays as it is when there is nothing. The helper program, where installed, goes first. */
int koc__auth_cloud(const char *registry, koc__op *op, koc_credential **out, koc_error **err);

#endif

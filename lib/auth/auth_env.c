/* Credentials that a CI system leaves in the environment, for its own registry only. */
#include "core/common.h"

#include "auth/auth_env.h"

#include "core/env.h"
#include "core/str.h"

int koc__auth_from_env(const char *registry, koc_credential **out, koc_error **err)
{
    const char *token = koc__env_nonempty("GITHUB_TOKEN"),
               *actor = koc__env_nonempty("GITHUB_ACTOR");

    if (!token || strcmp(registry, "ghcr.io") != 0) {
        return KOC_OK;
    }
    return koc__credential_make(KOC_CRED_BASIC, koc__str(actor ? actor : "unset"),
                                koc__str_trim(koc__str(token)), out, err, "GITHUB_TOKEN");
}

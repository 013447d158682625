#include "core/common.h"

#include "cloud/cloud_logins.h"

#include "auth/auth_helper.h"
#include "core/run/proc.h"

/* --- names --- */

bool koc__cloud_is_ecr(const char *registry, koc__ecr_host *out)
{
    koc_str rest = koc__str(registry), account, word, region;
    if (koc__str_is(rest, "public.ecr.aws")) {
        *out = (koc__ecr_host){KOC__STR("us-east-1"), false, true};
        return true;
    }
    if (!koc__str_cut(rest, '.', &account, &rest) || account.len != 12 ||
        strspn(registry, "0123456789") != 12 || !koc__str_cut(rest, '.', &word, &rest) ||
        !koc__str_is(word, "dkr") || !koc__str_cut(rest, '.', &word, &rest) ||
        !(koc__str_is(word, "ecr") || koc__str_is(word, "ecr-fips")) ||
        !koc__str_cut(rest, '.', &region, &rest) || region.len == 0) {
        return false;
    }
    if (!koc__str_is(rest, "amazonaws.com") && !koc__str_is(rest, "amazonaws.com.cn")) {
        return false;
    }
    *out = (koc__ecr_host){region, koc__str_ends(rest, ".cn"), false};
    return true;
}

bool koc__cloud_is_google(const char *registry)
{
    koc_str r = koc__str(registry);
    return koc__str_is(r, "gcr.io") || koc__str_ends(r, ".gcr.io") ||
           koc__str_ends(r, ".pkg.dev") || koc__str_ends(r, ".google.com");
}

bool koc__cloud_is_azure(const char *registry)
{
    koc_str name, rest;
    return koc__str_cut(koc__str(registry), '.', &name, &rest) && name.len > 0 &&
           (koc__str_is(rest, "azurecr.io") || koc__str_is(rest, "azurecr.cn") ||
            koc__str_is(rest, "azurecr.de") || koc__str_is(rest, "azurecr.us"));
}

/* --- logins --- */

/* The published helper, if it is installed and has an answer. */
static int ask_helper(const char *name, const char *registry, koc__call *call, koc_credential **out,
                      koc_error **err)
{
    KOC__AUTO_STR program = koc__format("docker-credential-%s", name);
    KOC__AUTO_STR path = NULL;
    if (!program) {
        return koc__oom(err);
    }
    if (koc__helper_runs(name) || koc__proc_find(program, NULL, &path, NULL) != KOC_OK) {
        return KOC_OK;
    }
    int rc = koc__helper_get(name, registry, program, call, out, err);
    if (rc == KOC_EPROCESS || rc == KOC_ELIMIT) {
        koc__error_clear(err); /* the user did not configure it, and need not hear of its failure */
        return KOC_OK;
    }
    return rc;
}

static int ask_cloud(const char *registry, koc__call *call, koc_credential **out, koc_error **err)
{
    koc__ecr_host host;
    koc_credential *found = NULL;
    if (koc__cloud_is_ecr(registry, &host)) {
        KOC__TRY(ask_helper("ecr-login", registry, call, &found, err));
        KOC__TRY(found ? KOC_OK : koc__cloud_aws(&host, call, &found, err));
    } else if (koc__cloud_is_google(registry)) {
        KOC__TRY(ask_helper("gcloud", registry, call, &found, err));
        KOC__TRY(found ? KOC_OK : koc__cloud_google(call, &found, err));
    } else if (koc__cloud_is_azure(registry)) {
        KOC__TRY(ask_helper("acr-env", registry, call, &found, err));
        KOC__TRY(found ? KOC_OK : koc__cloud_azure(registry, call, &found, err));
    }
    if (found) {
        *out = found;
    }
    return KOC_OK;
}

int koc__cloud_login(const char *registry, koc__call *call, koc_credential **out, koc_error **err)
{
    koc_error *failure = NULL;
    int rc = ask_cloud(registry, call, out, &failure);
    if (rc == KOC_ECANCELLED || rc == KOC_ENOMEM ||
        (rc == KOC_ETIMEOUT && koc__call_check(call, NULL))) {
        return koc__error_move(err, &failure);
    }
    if (rc != KOC_OK && call) {
        koc__log(call->ctx, KOC_LOG_INFO, "registry", "%s: continuing without credentials: %s",
                 registry, koc_error_message(failure));
    }
    koc_error_free(failure);
    return KOC_OK;
}

/*
 * Google's registries: an access token of the default credentials (a user, a service account, a
 * workload identity), of the virtual machine, or of gcloud, with the user name "_token"
 * (cloud.google.com, "Application Default Credentials").
 */
#include "core/common.h"

#include "cloud/cloud_google.h"
#include "cloud/cloud_logins.h"
#include "core/env.h"
#include "core/io/fs.h"
#include "core/run/proc.h"
#include "text/json.h"

#define FILE_MAX  ((size_t)1 << 20)
#define GCLOUD_MS 60000
#define LINK      "169.254.169.254"

/* A user's refresh token ("authorized_user"). */
static int credential_of_user(const koc__jnode *root, koc__call *call, koc_credential **out,
                              koc_error **err)
{
    static const char *const names[] = {"client_id", "client_secret", "refresh_token"};
    KOC__AUTO_VAL(koc__dynbuf) form = KOC__DYNBUF_INIT(64 << 10);
    KOC__AUTO(koc__json) doc = NULL;
    const char *where = koc__json_str(koc__json_get_folded(root, "token_uri"));
    KOC__TRY(koc__form_field(&form, "grant_type", "refresh_token", err));
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        const char *value = koc__json_str(koc__json_get_folded(root, names[i]));
        if (!value) {
            return koc__error(err, KOC_EFORMAT, "Google's default credentials have no %s",
                              names[i]);
        }
        KOC__TRY(koc__form_field(&form, names[i], value, err));
    }
    int rc = koc__cloud_post_form(where ? where : KOC__GOOGLE_TOKEN_URL, koc__dynbuf_view(&form),
                                  "Google", call, &doc, err);
    koc__dynbuf_wipe(&form);
    KOC__TRY(rc);
    return koc__google_credential(doc, "access_token", KOC__GOOGLE_DEFAULT, out, err);
}

static int credential_of_file(koc__call *call, koc_credential **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(FILE_MAX);
    KOC__AUTO_STR config = koc__xdg("XDG_CONFIG_HOME", ".config");
    KOC__AUTO(koc__json) doc = NULL;
    const char *given = koc__env_nonempty("GOOGLE_APPLICATION_CREDENTIALS");
    const char *directory = koc__env_nonempty("CLOUDSDK_CONFIG");
    KOC__AUTO_STR path =
        given ? koc__strdup(given)
        : directory
            ? koc__format("%s/application_default_credentials.json", directory)
            : koc__format("%s/gcloud/application_default_credentials.json", config ? config : "");

    if (!path) {
        return koc__oom(err);
    }
    if (!given && !koc__fs_is_file(path)) {
        return KOC_OK;
    }
    KOC__TRY(koc__fs_read_file(path, &text, err));
    int rc = koc__json_parse(koc__dynbuf_view(&text), FILE_MAX, path, &doc, NULL);
    koc__dynbuf_wipe(&text);
    if (rc != KOC_OK) {
        return koc__error(err, KOC_EFORMAT, "%s is not JSON", path);
    }
    const koc__jnode *root = koc__json_root(doc);
    const char *type = koc__json_str(koc__json_get_folded(root, "type"));
    if (koc__streq(type, "authorized_user")) {
        return credential_of_user(root, call, out, err);
    }
    if (koc__streq(type, "service_account")) {
        return koc__google_service_account(root, call, out, err);
    }
    if (koc__streq(type, "external_account")) {
        return koc__google_external_account(root, call, out, err);
    }
    return koc__error(err, KOC_EUNSUPPORTED, "%s holds credentials of a kind that koc cannot use",
                      path);
}

static bool on_google(void)
{
    /* Cloud Run hides the firmware. */
    return koc__env_nonempty("K_SERVICE") || koc__env_nonempty("CLOUD_RUN_JOB") ||
           koc__machine_of(NULL) == KOC__MACHINE_GOOGLE;
}

/* The account of the virtual machine. */
static int credential_of_machine(koc__call *call, koc_credential **out, koc_error **err)
{
    const char *host = koc__env_nonempty("GCE_METADATA_HOST");
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    if (!host && !on_google()) {
        return KOC_OK;
    }
    KOC__AUTO_STR url = koc__format(
        "http://%s/computeMetadata/v1/instance/service-accounts/default/token", host ? host : LINK);
    if (!url) {
        return koc__oom(err);
    }
    KOC__TRY(koc__headers_put(&headers, "Metadata-Flavor", "Google", err));
    koc__cloud_query q = {.url = url, .headers = &headers, .local = true};
    KOC__TRY(koc__cloud_get_json(&q, "Google's metadata server", call, &doc, err));
    return koc__google_credential(doc, "access_token", "Google's metadata server", out, err);
}

static int credential_of_gcloud(koc__call *call, koc_credential **out, koc_error **err)
{
    static const char *const argv[] = {
        "gcloud", "config", "config-helper", "--force-auth-refresh", "--format=json(credential)",
        NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    koc__proc p = {.argv = argv, .max_output = FILE_MAX, .timeout_ms = GCLOUD_MS};
    int rc = koc__proc_run(&p, call, &result, err);

    if (rc == KOC_ENOTFOUND) {
        koc__error_clear(err);
        return KOC_OK;
    }
    KOC__TRY(rc);
    rc = result.exit_code == 0
             ? koc__json_parse(koc__dynbuf_view(&result.output), FILE_MAX, "gcloud", &doc, NULL)
             : KOC_EPROCESS;
    koc__dynbuf_wipe(&result.output);
    if (rc != KOC_OK) {
        return koc__error(err, KOC_EPROCESS, "gcloud has no credential");
    }
    const char *token =
        koc__json_str(koc__json_at(koc__json_root(doc), "/credential/access_token"));
    if (!token || !koc__auth_is_token(koc__str(token))) {
        return KOC_OK;
    }
    KOC__TRY(koc__credential_make(KOC_CRED_BASIC, KOC__STR("_token"), koc__str(token), out, err,
                                  "gcloud"));
    koc__credential_lasts(*out, KOC__CLOUD_LIFETIME_MS);
    return KOC_OK;
}

/* A broken source does not hide the next ones; its error is returned only when no source has a
 * credential. */
int koc__cloud_google(koc__call *call, koc_credential **out, koc_error **err)
{
    static int (*const ways[])(koc__call *, koc_credential **, koc_error **) = {
        credential_of_file, credential_of_machine, credential_of_gcloud};
    koc_error *first = NULL;

    for (size_t i = 0; i < KOC__COUNT(ways) && !*out; i++) {
        koc_error *failure = NULL;
        int rc = ways[i](call, out, &failure);
        if (rc == KOC_ECANCELLED || rc == KOC_ENOMEM) {
            koc_error_free(first);
            return koc__error_move(err, &failure);
        }
        if (!first) {
            first = koc__steal(&failure);
        }
        koc_error_free(failure);
    }
    if (first && !*out) {
        return koc__error_move(err, &first);
    }
    koc_error_free(first);
    return KOC_OK;
}

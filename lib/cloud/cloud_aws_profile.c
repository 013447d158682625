/* Profiles of ~/.aws/config and ~/.aws/credentials: keys, roles, programs, single sign-on. */
#include "core/common.h"

#include "cloud/cloud_aws.h"
#include "core/env.h"
#include "core/hash/crypto.h"
#include "core/io/fs.h"
#include "core/run/proc.h"
#include "core/text.h"
#include "text/ini.h"

#define FORM_MAX   ((size_t)256 << 10)
#define PROCESS_MS 60000
#define CHAIN_MAX  4 /* roles that are assumed with the keys of another role */

typedef struct aws_files {
    koc__dynbuf config;
    koc__dynbuf credentials;
    koc__aws_place place;
    koc__call *call;
} aws_files;

static int read_file(const char *variable, const char *name, koc__dynbuf *out, koc_error **err)
{
    const char *given = koc__env_nonempty(variable);
    KOC__AUTO_STR home = koc__home();
    KOC__AUTO_STR path =
        given ? koc__strdup(given) : koc__format("%s/.aws/%s", home ? home : "", name);

    if (!path) {
        return koc__oom(err);
    }
    return koc__fs_is_file(path) ? koc__cloud_read(path, out, err) : KOC_OK;
}

/* A setting of a profile: the credentials file comes before the config file. */
static koc_str setting(const aws_files *f, const char *profile, const char *key)
{
    char section[256];
    koc_str value = koc__ini_value(koc__dynbuf_view(&f->credentials), profile, key);
    if (value.len > 0 || strlen(profile) > 200) {
        return value;
    }
    snprintf(section, sizeof(section), "profile %s", profile);
    value = koc__ini_value(koc__dynbuf_view(&f->config), section, key);
    return value.len > 0 || strcmp(profile, "default") != 0
               ? value
               : koc__ini_value(koc__dynbuf_view(&f->config), "default", key);
}

/* The same as a string; *out NULL: it is not set. */
static int copy_setting(const aws_files *f, const char *profile, const char *key, char **out,
                        koc_error **err)
{
    koc_str value = setting(f, profile, key);
    *out = value.len > 0 ? koc__str_dup(value) : NULL;
    return value.len > 0 && !*out ? koc__oom(err) : KOC_OK;
}

/* --- a program that prints keys --- */

static int keys_of_process(const char *command, koc__call *call, koc__aws_keys *out,
                           koc_error **err)
{
    const char *argv[] = {"sh", "-c", command, NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    koc__proc p = {.argv = argv, .max_output = KOC__CLOUD_REPLY_MAX, .timeout_ms = PROCESS_MS};
    KOC__TRY(koc__proc_run(&p, call, &result, err));
    int rc = result.exit_code == 0 ? koc__json_parse(koc__dynbuf_view(&result.output),
                                                     KOC__CLOUD_REPLY_MAX, "reply", &doc, NULL)
                                   : KOC_EPROCESS;
    koc__dynbuf_wipe(&result.output);
    if (rc != KOC_OK) {
        return koc__error(err, KOC_EPROCESS, "the credential_process of the profile gave no keys");
    }
    const koc__jnode *root = koc__json_root(doc);
    return koc__aws_keys_set(
        out, koc__str(koc__json_str(koc__json_get_folded(root, "AccessKeyId"))),
        koc__str(koc__json_str(koc__json_get_folded(root, "SecretAccessKey"))),
        koc__str(koc__json_str(koc__json_get_folded(root, "SessionToken"))), err);
}

/* --- single sign-on --- */

/* The access token that `aws sso login` left under the SHA-1 of the session's name (or start
 * URL). */
static int read_sso_token(const char *name, koc__json **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(0);
    KOC__AUTO_STR home = koc__home();
    uint8_t digest[20];
    char hex[41];
    KOC__TRY(koc__sha1(koc__str(name), digest, err));
    koc__hex(digest, sizeof(digest), hex);
    KOC__AUTO_STR path = koc__format("%s/.aws/sso/cache/%s.json", home ? home : "", hex);
    if (!path) {
        return koc__oom(err);
    }
    if (!koc__fs_is_file(path)) {
        return koc__error(err, KOC_EAUTH, "not signed in at Amazon: run aws sso login");
    }
    KOC__TRY(koc__cloud_read(path, &text, err));
    int rc = koc__json_parse(koc__dynbuf_view(&text), text.max, "token", out, NULL);
    koc__dynbuf_wipe(&text);
    return rc == KOC_OK ? KOC_OK : koc__error(err, KOC_EFORMAT, "%s is not JSON", path);
}

static int fetch_sso_keys(const char *url, const char *token, koc__call *call, koc__aws_keys *out,
                          koc_error **err)
{
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    koc__cloud_query q = {.url = url, .headers = &headers};
    KOC__TRY(koc__headers_put(&headers, "x-amz-sso_bearer_token", token, err));
    KOC__TRY(koc__cloud_get_json(&q, "Amazon's single sign-on", call, &doc, err));
    const koc__jnode *n = koc__json_get_folded(koc__json_root(doc), "roleCredentials");
    return koc__aws_keys_set(out, koc__str(koc__json_str(koc__json_get_folded(n, "accessKeyId"))),
                             koc__str(koc__json_str(koc__json_get_folded(n, "secretAccessKey"))),
                             koc__str(koc__json_str(koc__json_get_folded(n, "sessionToken"))), err);
}

static int keys_of_sso(const aws_files *f, const char *profile, koc__aws_keys *out, koc_error **err)
{
    KOC__AUTO_STR account = NULL;
    KOC__AUTO_STR role = NULL;
    KOC__AUTO_STR session = NULL;
    KOC__AUTO_STR region = NULL;
    KOC__AUTO_STR url = NULL;
    KOC__AUTO_VAL(koc__dynbuf) query = KOC__DYNBUF_INIT(FORM_MAX);
    KOC__AUTO(koc__json) token = NULL;
    KOC__TRY(copy_setting(f, profile, "sso_account_id", &account, err));
    KOC__TRY(copy_setting(f, profile, "sso_role_name", &role, err));
    KOC__TRY(copy_setting(f, profile, "sso_session", &session, err));
    if (session) {
        KOC__AUTO_STR section = koc__format("sso-session %s", session);
        region =
            section
                ? koc__str_dup(koc__ini_value(koc__dynbuf_view(&f->config), section, "sso_region"))
                : NULL;
    } else {
        KOC__TRY(copy_setting(f, profile, "sso_start_url", &session, err));
        KOC__TRY(copy_setting(f, profile, "sso_region", &region, err));
    }
    if (!account || !role || !session || !region) {
        return KOC_OK;
    }
    KOC__TRY(read_sso_token(session, &token, err));
    const char *bearer = koc__json_str(koc__json_get_folded(koc__json_root(token), "accessToken"));
    KOC__TRY(koc__aws_endpoint("SSO", "portal.sso", (koc__aws_place){region, f->place.china}, &url,
                               err));
    KOC__TRY(koc__form_field(&query, "role_name", role, err));
    KOC__TRY(koc__form_field(&query, "account_id", account, err));
    KOC__AUTO_STR whole =
        koc__format("%s/federation/credentials?%s", url, koc__dynbuf_cstr(&query));
    return whole ? fetch_sso_keys(whole, bearer ? bearer : "", f->call, out, err) : koc__oom(err);
}

/* --- roles --- */

static int assume_role(const aws_files *f, const char *profile, const char *role,
                       const koc__aws_keys *with, koc__aws_keys *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) form = KOC__DYNBUF_INIT(FORM_MAX);
    KOC__AUTO_VAL(koc__dynbuf) reply = KOC__DYNBUF_INIT(KOC__CLOUD_REPLY_MAX);
    KOC__AUTO_STR url = NULL;
    KOC__AUTO_STR external = NULL;
    KOC__AUTO_STR session = NULL;
    KOC__TRY(copy_setting(f, profile, "external_id", &external, err));
    KOC__TRY(copy_setting(f, profile, "role_session_name", &session, err));
    KOC__TRY(koc__aws_endpoint("STS", "sts", f->place, &url, err));
    KOC__TRY(koc__form_field(&form, "Action", "AssumeRole", err));
    KOC__TRY(koc__form_field(&form, "Version", "2011-06-15", err));
    KOC__TRY(koc__form_field(&form, "RoleArn", role, err));
    KOC__TRY(koc__form_field(&form, "RoleSessionName", session ? session : "koc", err));
    if (external) {
        KOC__TRY(koc__form_field(&form, "ExternalId", external, err));
    }
    koc__aws_call args = {.keys = with,
                          .url = url,
                          .service = "sts",
                          .region = f->place.region,
                          .content_type = "application/x-www-form-urlencoded",
                          .body = koc__dynbuf_view(&form)};
    int rc = koc__aws_post(&args, f->call, &reply, err);
    if (rc == KOC_OK) {
        rc = koc__aws_sts_reply(koc__dynbuf_view(&reply), out, err);
    }
    koc__dynbuf_wipe(&reply);
    return rc;
}

static int keys_of(const aws_files *f, const char *profile, int depth, koc__aws_keys *out,
                   koc_error **err);

static int keys_of_role(const aws_files *f, const char *profile, const char *role, int depth,
                        koc__aws_keys *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__aws_keys) with = KOC__AWS_KEYS_INIT;
    KOC__AUTO_STR source = NULL;
    KOC__AUTO_STR file = NULL;
    KOC__TRY(copy_setting(f, profile, "web_identity_token_file", &file, err));
    KOC__TRY(copy_setting(f, profile, "source_profile", &source, err));
    if (file) {
        return koc__aws_web_identity(role, file, NULL, f->place, f->call, out, err);
    }
    if (!source || depth >= CHAIN_MAX) {
        return koc__error(err, KOC_EUNSUPPORTED, "the profile's role has no source that koc knows");
    }
    /* A profile that names itself uses its own keys. */
    if (strcmp(source, profile) == 0) {
        KOC__TRY(koc__aws_keys_set(&with, setting(f, profile, "aws_access_key_id"),
                                   setting(f, profile, "aws_secret_access_key"),
                                   setting(f, profile, "aws_session_token"), err));
    } else {
        KOC__TRY(keys_of(f, source, depth + 1, &with, err));
    }
    if (!with.access) {
        return koc__error(err, KOC_EAUTH, "the profile's source_profile has no keys");
    }
    return assume_role(f, profile, role, &with, out, err);
}

static int keys_of(const aws_files *f, const char *profile, int depth, koc__aws_keys *out,
                   koc_error **err)
{
    KOC__AUTO_STR role = NULL;
    KOC__AUTO_STR command = NULL;
    KOC__TRY(copy_setting(f, profile, "role_arn", &role, err));
    if (role) {
        return keys_of_role(f, profile, role, depth, out, err);
    }
    KOC__TRY(koc__aws_keys_set(out, setting(f, profile, "aws_access_key_id"),
                               setting(f, profile, "aws_secret_access_key"),
                               setting(f, profile, "aws_session_token"), err));
    if (out->access) {
        return KOC_OK;
    }
    KOC__TRY(copy_setting(f, profile, "credential_process", &command, err));
    return command ? keys_of_process(command, f->call, out, err)
                   : keys_of_sso(f, profile, out, err);
}

int koc__aws_profile_keys(koc__aws_place place, koc__call *call, koc__aws_keys *out,
                          koc_error **err)
{
    aws_files f = {KOC__DYNBUF_INIT(0), KOC__DYNBUF_INIT(0), place, call};
    const char *named = koc__env_nonempty("AWS_PROFILE");
    int rc = read_file("AWS_CONFIG_FILE", "config", &f.config, err);
    if (rc == KOC_OK) {
        rc = read_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", &f.credentials, err);
    }
    if (rc == KOC_OK) {
        rc = keys_of(&f, named ? named : "default", 0, out, err);
    }
    koc__dynbuf_wipe(&f.config);
    koc__dynbuf_wipe(&f.credentials);
    return rc;
}

#include "core/common.h"

#include "registry/auth_cloud.h"

#include "core/env.h"
#include "core/fs.h"
#include "core/json.h"
#include "core/proc.h"
#include "core/text.h"
#include "registry/address.h"
#include "registry/auth_helper.h"
#include "registry/hosts.h"
#include "registry/sigv4.h"
#include "registry/token.h"
#include "registry/transport.h"

#define FILE_MAX            ((size_t)1 << 20)
#define CONNECT_MS          10000
#define METADATA_CONNECT_MS 1000
#define ANSWER_MS           30000
#define GCLOUD_MS           60000
#define GOOGLE_TOKEN_URL    "https://oauth2.googleapis.com/token"
#define ECR_TARGET          "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"

/* --- names ---------------------------------------------------------------------------------------- */

bool koc__cloud_is_ecr(const char *registry, koc__ecr_host *out)
{
    koc_str rest = koc__str(registry), account, word, region;

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
    *out = (koc__ecr_host){region, koc__str_ends(rest, ".cn")};
    return true;
}

bool koc__cloud_is_google(const char *registry)
{
    koc_str r = koc__str(registry);

    return koc__str_is(r, "gcr.io") || koc__str_ends(r, ".gcr.io") ||
           koc__str_ends(r, ".pkg.dev") || koc__str_ends(r, ".google.com");
}

koc_str koc__ini_value(koc_str text, const char *section, const char *key)
{
    koc_str line, name, value;
    bool inside = false;

    while (koc__str_split(&text, '\n', &line)) {
        line = koc__str_trim(line);
        if (koc__str_starts(line, "[") && koc__str_ends(line, "]")) {
            inside = koc__str_is(koc__str_trim(koc__str_n(line.ptr + 1, line.len - 2)), section);
        } else if (inside && koc__str_cut(line, '=', &name, &value) &&
                   koc__str_is(koc__str_trim(name), key)) {
            return koc__str_trim(value);
        }
    }
    return (koc_str){"", 0};
}

/* --- one question over HTTP ------------------------------------------------------------------------- */

static int ask(koc__http_request *rq, koc__op *op, koc__buf *body, koc_error **err)
{
    KOC__AUTO(koc__transport) t = NULL;
    KOC__AUTO(koc__exchange) x = NULL;
    KOC__AUTO_VAL(koc__http_reply) reply = KOC__HTTP_REPLY_INIT;
    koc__proxies proxies = {NULL, NULL, NULL};
    koc__failure why;
    char chunk[4096];
    size_t n = 1;

    KOC__TRY(koc__transport_new(1, &t, err));
    KOC__TRY(koc__proxies_from_env(&proxies, err));
    rq->proxy = koc__proxies_for(&proxies, rq->url);
    rq->response_timeout_ms = ANSWER_MS;
    int rc = koc__exchange_open(t, rq, true, op, &reply, &why, &x, err);
    while (rc == KOC_OK && n > 0) {
        rc = koc__exchange_read(x, op, chunk, sizeof(chunk), &n, &why, err);
        rc = rc == KOC_OK ? koc__buf_append(body, chunk, n, err) : rc;
    }
    koc__wipe(chunk, sizeof(chunk));
    koc__proxies_dispose(&proxies);
    if (rc == KOC_OK && reply.status != 200) {
        return koc__error(err, KOC_EAUTH, "%s answered %d", rq->url->host, reply.status);
    }
    return rc;
}

/* --- Amazon ECR -------------------------------------------------------------------------------------- */

typedef struct aws_keys {
    char *access;
    char *secret;
    char *session; /* or NULL */
} aws_keys;

static void aws_keys_dispose(aws_keys *k)
{
    if (k->secret) {
        koc__wipe(k->secret, strlen(k->secret));
    }
    koc__free(k->access);
    koc__free(k->secret);
    koc__free(k->session);
}
KOC__DEFINE_AUTO_VAL(aws_keys, aws_keys_dispose);

static char *dup_or_null(koc_str s)
{
    return s.len > 0 ? koc__str_dup(s) : NULL;
}

static int keys_from_file(aws_keys *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__buf) text = KOC__BUF_INIT(FILE_MAX);
    KOC__AUTO_STR home = koc__home();
    const char *given = koc__env_nonempty("AWS_SHARED_CREDENTIALS_FILE");
    const char *profile =
        koc__env_nonempty("AWS_PROFILE") ? koc__env_nonempty("AWS_PROFILE") : "default";
    KOC__AUTO_STR path =
        given ? koc__strdup(given) : koc__format("%s/.aws/credentials", home ? home : "");

    if (!path) {
        return koc__oom(err);
    }
    if (!koc__fs_is_file(path)) {
        return KOC_OK;
    }
    KOC__TRY(koc__fs_read_file(path, &text, err));
    koc_str all = koc__buf_view(&text);
    out->access = dup_or_null(koc__ini_value(all, profile, "aws_access_key_id"));
    out->secret = dup_or_null(koc__ini_value(all, profile, "aws_secret_access_key"));
    out->session = dup_or_null(koc__ini_value(all, profile, "aws_session_token"));
    koc__buf_wipe(&text);
    return KOC_OK;
}

static int find_keys(aws_keys *out, koc_error **err)
{
    out->access = koc__strdup(koc__env_nonempty("AWS_ACCESS_KEY_ID"));
    out->secret = koc__strdup(koc__env_nonempty("AWS_SECRET_ACCESS_KEY"));
    out->session = koc__strdup(koc__env_nonempty("AWS_SESSION_TOKEN"));
    if (out->access && out->secret) {
        return KOC_OK;
    }
    aws_keys_dispose(out);
    *out = (aws_keys){NULL, NULL, NULL};
    return keys_from_file(out, err);
}

/* "20150830T123600Z" */
static int amazon_time(char out[17], koc_error **err)
{
    KOC__AUTO_VAL(koc__buf) text = KOC__BUF_INIT(64);
    size_t n = 0;

    KOC__TRY(koc__rfc3339(&text, koc__now(), err));
    for (size_t i = 0; i < text.len && n < 16; i++) {
        if (text.ptr[i] != '-' && text.ptr[i] != ':') {
            out[n++] = text.ptr[i];
        }
    }
    out[n] = '\0';
    return KOC_OK;
}

/* Signed fields in the order that signing wants: by name. */
static int ecr_fields(koc__headers *h, const koc__url *url, const aws_keys *keys, const char *time,
                      koc_error **err)
{
    KOC__AUTO_STR origin = koc__url_origin(url);

    if (!origin) {
        return koc__oom(err);
    }
    KOC__TRY(koc__headers_put(h, "content-type", "application/x-amz-json-1.1", err));
    KOC__TRY(koc__headers_put(h, "host", origin + (url->https ? 8 : 7), err));
    KOC__TRY(koc__headers_put(h, "x-amz-date", time, err));
    if (keys->session) {
        KOC__TRY(koc__headers_put(h, "x-amz-security-token", keys->session, err));
    }
    return koc__headers_put(h, "x-amz-target", ECR_TARGET, err);
}

static int ecr_url(const koc__ecr_host *host, koc__url *out, koc_error **err)
{
    const char *given = koc__env_nonempty("AWS_ENDPOINT_URL_ECR");
    KOC__AUTO_STR text = given ? koc__strdup(given)
                               : koc__format("https://api.ecr.%.*s.amazonaws.com%s/",
                                             KOC__FMT(host->region), host->china ? ".cn" : "");

    return text ? koc__url_parse(koc__str(text), out, err) : koc__oom(err);
}

static int ecr_reply(koc_str body, koc_credential **out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO_VAL(koc__buf) plain = KOC__BUF_INIT(64 << 10);
    koc_str user, password;

    KOC__TRY(koc__json_parse(body, KOC__TOKEN_REPLY_MAX, "reply of Amazon ECR", &doc, err));
    const char *token =
        koc__json_str(koc__json_at(koc__json_root(doc), "/authorizationData/0/authorizationToken"));
    if (!token || koc__unbase64(&plain, koc__str(token), NULL) != KOC_OK ||
        !koc__str_cut(koc__buf_view(&plain), ':', &user, &password)) {
        return koc__error(err, KOC_EAUTH, "the reply of Amazon ECR has no token");
    }
    int rc = koc__credential_make(KOC_CRED_BASIC, user, password, out, err, "Amazon ECR");
    koc__buf_wipe(&plain);
    return rc;
}

static int ecr(const koc__ecr_host *host, koc__op *op, koc_credential **out, koc_error **err)
{
    KOC__AUTO_VAL(aws_keys) keys = {NULL, NULL, NULL};
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    KOC__AUTO_VAL(koc__buf) body = KOC__BUF_INIT(KOC__TOKEN_REPLY_MAX);
    KOC__AUTO_STR region = koc__str_dup(host->region);
    KOC__AUTO_STR authorization = NULL;
    char time[17];

    KOC__TRY(find_keys(&keys, err));
    if (!keys.access || !keys.secret) {
        return KOC_OK;
    }
    if (!region) {
        return koc__oom(err);
    }
    KOC__TRY(ecr_url(host, &url, err));
    KOC__TRY(amazon_time(time, err));
    KOC__TRY(ecr_fields(&headers, &url, &keys, time, err));
    koc__sigv4 s = {.access_key = keys.access,
                    .secret_key = keys.secret,
                    .region = region,
                    .service = "ecr",
                    .time = time,
                    .method = "POST",
                    .path = "/",
                    .query = "",
                    .headers = &headers,
                    .body = KOC__STR("{}")};
    KOC__TRY(koc__sigv4_sign(&s, &authorization, err));
    KOC__TRY(koc__headers_put(&headers, "Authorization", authorization, err));
    koc__http_request rq = {.method = "POST",
                            .url = &url,
                            .headers = &headers,
                            .bytes = KOC__STR("{}"),
                            .has_body = true,
                            .connect_timeout_ms = CONNECT_MS};
    int rc = ask(&rq, op, &body, err);
    if (rc == KOC_OK) {
        rc = ecr_reply(koc__buf_view(&body), out, err);
    }
    koc__buf_wipe(&body);
    return rc;
}

/* --- Google ------------------------------------------------------------------------------------------- */

static int google_credential(koc_str body, const char *source, koc_credential **out,
                             koc_error **err)
{
    KOC__AUTO_VAL(koc__token_reply) reply = {NULL, 0};

    KOC__TRY(koc__token_reply_read(body, &reply, err));
    return koc__credential_make(KOC_CRED_BASIC, KOC__STR("_token"), koc__str(reply.token), out, err,
                                "%s", source);
}

static int put_field(koc__buf *form, const char *name, const char *value, koc_error **err)
{
    KOC__TRY(koc__buf_printf(form, err, "&%s=", name));
    return koc__percent(form, koc__str(value), "", err);
}

/* A user's refresh token ("authorized_user"); keys of service accounts need RSA: gcloud does those. */
static int google_refresh(const koc__jnode *root, koc__op *op, koc_credential **out,
                          koc_error **err)
{
    static const char *const names[] = {"client_id", "client_secret", "refresh_token"};
    KOC__AUTO_VAL(koc__buf) form = KOC__BUF_INIT(64 << 10);
    KOC__AUTO_VAL(koc__buf) body = KOC__BUF_INIT(KOC__TOKEN_REPLY_MAX);
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    const char *where = koc__json_get_str(root, "token_uri");

    KOC__TRY(koc__buf_puts(&form, "grant_type=refresh_token", err));
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        const char *value = koc__json_get_str(root, names[i]);
        if (!value) {
            return KOC_OK;
        }
        KOC__TRY(put_field(&form, names[i], value, err));
    }
    KOC__TRY(koc__url_parse(koc__str(where ? where : GOOGLE_TOKEN_URL), &url, err));
    if (!url.https && !koc__host_is_loopback(koc__str(url.host))) {
        return koc__error(err, KOC_EDENIED, "a Google token is not asked for by plain http");
    }
    KOC__TRY(koc__headers_put(&headers, "Content-Type", "application/x-www-form-urlencoded", err));
    koc__http_request rq = {.method = "POST",
                            .url = &url,
                            .headers = &headers,
                            .bytes = koc__buf_view(&form),
                            .has_body = true,
                            .connect_timeout_ms = CONNECT_MS};
    int rc = ask(&rq, op, &body, err);
    koc__buf_wipe(&form);
    if (rc == KOC_OK) {
        rc = google_credential(koc__buf_view(&body), "Google's default credentials", out, err);
    }
    koc__buf_wipe(&body);
    return rc;
}

static int google_file(koc__op *op, koc_credential **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__buf) text = KOC__BUF_INIT(FILE_MAX);
    KOC__AUTO_STR config = koc__xdg("XDG_CONFIG_HOME", ".config");
    KOC__AUTO(koc__json) doc = NULL;
    const char *given = koc__env_nonempty("GOOGLE_APPLICATION_CREDENTIALS");
    KOC__AUTO_STR path =
        given ? koc__strdup(given)
              : koc__format("%s/gcloud/application_default_credentials.json", config ? config : "");

    if (!path) {
        return koc__oom(err);
    }
    if (!koc__fs_is_file(path)) {
        return KOC_OK;
    }
    KOC__TRY(koc__fs_read_file(path, &text, err));
    int rc = koc__json_parse(koc__buf_view(&text), FILE_MAX, path, &doc, NULL);
    koc__buf_wipe(&text);
    if (rc != KOC_OK) {
        return koc__error(err, KOC_EFORMAT, "%s is not JSON", path);
    }
    const char *type = koc__json_get_str(koc__json_root(doc), "type");
    return koc__streq(type, "authorized_user") ? google_refresh(koc__json_root(doc), op, out, err)
                                               : KOC_OK;
}

/* The account of the machine: asked where one says that it is Google's (GCE_METADATA_HOST). */
static int google_metadata(koc__op *op, koc_credential **out, koc_error **err)
{
    const char *host = koc__env_nonempty("GCE_METADATA_HOST");
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__buf) body = KOC__BUF_INIT(KOC__TOKEN_REPLY_MAX);
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;

    if (!host) {
        return KOC_OK;
    }
    KOC__TRY(koc__url_make(
        false, host, "/computeMetadata/v1/instance/service-accounts/default/token", &url, err));
    KOC__TRY(koc__headers_put(&headers, "Metadata-Flavor", "Google", err));
    koc__http_request rq = {.method = "GET",
                            .url = &url,
                            .headers = &headers,
                            .connect_timeout_ms = METADATA_CONNECT_MS};
    int rc = ask(&rq, op, &body, err);
    if (rc == KOC_OK) {
        rc = google_credential(koc__buf_view(&body), "Google's metadata server", out, err);
    }
    koc__buf_wipe(&body);
    return rc;
}

static int google_gcloud(koc__op *op, koc_credential **out, koc_error **err)
{
    static const char *const argv[] = {
        "gcloud", "config", "config-helper", "--force-auth-refresh", "--format=json(credential)",
        NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    koc__proc p = {.argv = argv, .max_output = FILE_MAX, .timeout_ms = GCLOUD_MS};
    int rc = koc__proc_run(&p, op, &result, err);

    if (rc == KOC_ENOTFOUND) {
        koc__error_clear(err);
        return KOC_OK;
    }
    KOC__TRY(rc);
    if (result.exit_code != 0 ||
        koc__json_parse(koc__buf_view(&result.output), FILE_MAX, "gcloud", &doc, NULL) != KOC_OK) {
        return koc__error(err, KOC_EPROCESS, "gcloud has no credential");
    }
    koc__buf_wipe(&result.output);
    const char *token =
        koc__json_str(koc__json_at(koc__json_root(doc), "/credential/access_token"));
    if (!token || !koc__token_usable(koc__str(token))) {
        return KOC_OK;
    }
    return koc__credential_make(KOC_CRED_BASIC, KOC__STR("_token"), koc__str(token), out, err,
                                "gcloud");
}

static int google(koc__op *op, koc_credential **out, koc_error **err)
{
    static int (*const ways[])(koc__op *, koc_credential **,
                               koc_error **) = {google_file, google_metadata, google_gcloud};
    koc_credential *found = NULL;

    for (size_t i = 0; i < KOC__COUNT(ways) && !found; i++) {
        KOC__TRY(ways[i](op, &found, err));
    }
    if (found) {
        *out = found;
    }
    return KOC_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------ */

/* The published helper, where it is installed and has an answer. */
static int ask_helper(const char *name, const char *registry, koc__op *op, koc_credential **out,
                      koc_error **err)
{
    KOC__AUTO_STR program = koc__format("docker-credential-%s", name);
    KOC__AUTO_STR path = NULL;

    if (!program) {
        return koc__oom(err);
    }
    if (koc__proc_find(program, NULL, &path, NULL) != KOC_OK) {
        return KOC_OK;
    }
    int rc = koc__helper_get(name, registry, program, op, out, err);
    if (rc == KOC_EPROCESS) {
        koc__error_clear(err); /* nobody named it: that it fails is not the user's trouble */
        return KOC_OK;
    }
    return rc;
}

static int ask_cloud(const char *registry, koc__op *op, koc_credential **out, koc_error **err)
{
    koc__ecr_host host;
    koc_credential *found = NULL;

    if (koc__cloud_is_ecr(registry, &host)) {
        KOC__TRY(ask_helper("ecr-login", registry, op, &found, err));
        KOC__TRY(found ? KOC_OK : ecr(&host, op, &found, err));
    } else if (koc__cloud_is_google(registry)) {
        KOC__TRY(ask_helper("gcloud", registry, op, &found, err));
        KOC__TRY(found ? KOC_OK : google(op, &found, err));
    }
    if (found) {
        *out = found;
    }
    return KOC_OK;
}

int koc__auth_cloud(const char *registry, koc__op *op, koc_credential **out, koc_error **err)
{
    koc_error *failure = NULL;
    int rc = ask_cloud(registry, op, out, &failure);

    if (rc == KOC_ECANCELLED || rc == KOC_ETIMEOUT || rc == KOC_ENOMEM) {
        return koc__error_move(err, &failure);
    }
    if (rc != KOC_OK && op) {
        koc__log(op->ctx, KOC_LOG_INFO, "registry", "%s: going on without credentials: %s",
                 registry, koc_error_message(failure));
    }
    koc_error_free(failure);
    return KOC_OK;
}

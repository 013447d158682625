/* Amazon ECR: GetAuthorizationToken, private and public (docs.aws.amazon.com/AmazonECR). */
#include "core/common.h"

#include "registry/cloud_aws.h"

#include "core/env.h"
#include "core/text.h"
#include "registry/auth_cloud.h"
#include "registry/sigv4.h"

#define TARGET_PRIVATE "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
#define TARGET_PUBLIC  "SpencerFrontendService.GetAuthorizationToken"

/* --- signed calls --------------------------------------------------------------------------------- */

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
static int signed_fields(koc__headers *h, const koc__url *url, const koc__aws_call *call,
                         const char *time, koc_error **err)
{
    KOC__AUTO_STR origin = koc__url_origin(url);

    if (!origin) {
        return koc__oom(err);
    }
    KOC__TRY(koc__headers_put(h, "content-type", call->content_type, err));
    KOC__TRY(koc__headers_put(h, "host", origin + (url->https ? 8 : 7), err));
    KOC__TRY(koc__headers_put(h, "x-amz-date", time, err));
    if (call->keys->session) {
        KOC__TRY(koc__headers_put(h, "x-amz-security-token", call->keys->session, err));
    }
    return call->target ? koc__headers_put(h, "x-amz-target", call->target, err) : KOC_OK;
}

int koc__aws_post(const koc__aws_call *call, koc__op *op, koc__buf *reply, koc_error **err)
{
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    KOC__AUTO_STR authorization = NULL;
    char time[17];

    KOC__TRY(koc__url_parse(koc__str(call->url), &url, err));
    KOC__TRY(amazon_time(time, err));
    KOC__TRY(signed_fields(&headers, &url, call, time, err));
    koc__sigv4 s = {.access_key = call->keys->access,
                    .secret_key = call->keys->secret,
                    .region = call->region,
                    .service = call->service,
                    .time = time,
                    .method = "POST",
                    .path = url.target,
                    .query = "",
                    .headers = &headers,
                    .body = call->body};
    KOC__TRY(koc__sigv4_sign(&s, &authorization, err));
    KOC__TRY(koc__headers_put(&headers, "Authorization", authorization, err));
    koc__cloud_question q = {.url = call->url, .headers = &headers, .body = call->body};
    return koc__cloud_ask(&q, op, reply, err);
}

bool koc__aws_is_region(const char *text)
{
    return text[0] && strlen(text) < 32 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text);
}

int koc__aws_endpoint(const char *variable, const char *host, const char *region, bool china,
                      char **out, koc_error **err)
{
    KOC__AUTO_STR name = koc__format("AWS_ENDPOINT_URL_%s", variable);
    const char *given = name ? koc__env_nonempty(name) : NULL;

    if (!name) {
        return koc__oom(err);
    }
    if (!given && !koc__aws_is_region(region)) {
        return koc__error(err, KOC_EINVAL, "a region of Amazon's cannot have this name");
    }
    *out = given ? koc__strdup(given)
                 : koc__format("https://%s.%s.amazonaws.com%s", host, region, china ? ".cn" : "");
    return *out ? KOC_OK : koc__oom(err);
}

/* --- ECR ------------------------------------------------------------------------------------------ */

static int read_token(koc_str body, bool public, koc_credential **out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO_VAL(koc__buf) plain = KOC__BUF_INIT(64 << 10);
    koc_str user, password;

    if (koc__json_parse(body, KOC__CLOUD_REPLY_MAX, "reply", &doc, NULL) != KOC_OK) {
        return koc__error(err, KOC_EFORMAT, "the reply of Amazon ECR is not JSON");
    }
    const char *token = koc__json_str(
        koc__json_at(koc__json_root(doc), public ? "/authorizationData/authorizationToken"
                                                 : "/authorizationData/0/authorizationToken"));
    if (!token || koc__unbase64(&plain, koc__str(token), NULL) != KOC_OK ||
        !koc__str_cut(koc__buf_view(&plain), ':', &user, &password)) {
        return koc__error(err, KOC_EAUTH, "the reply of Amazon ECR has no token");
    }
    int rc = koc__credential_make(KOC_CRED_BASIC, user, password, out, err, "Amazon ECR");
    koc__buf_wipe(&plain);
    return rc;
}

int koc__cloud_aws(const koc__ecr_host *host, koc__op *op, koc_credential **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__aws_keys) keys = KOC__AWS_KEYS_INIT;
    KOC__AUTO_VAL(koc__buf) body = KOC__BUF_INIT(KOC__CLOUD_REPLY_MAX);
    KOC__AUTO_STR region = koc__str_dup(host->region);
    KOC__AUTO_STR url = NULL;

    if (!region) {
        return koc__oom(err);
    }
    KOC__TRY(koc__aws_keys_find(region, host->china, op, &keys, err));
    if (!keys.access) {
        return KOC_OK;
    }
    KOC__TRY(koc__aws_endpoint(host->public ? "ECR_PUBLIC" : "ECR",
                               host->public ? "api.ecr-public" : "api.ecr", region, host->china,
                               &url, err));
    koc__aws_call call = {.keys = &keys,
                          .url = url,
                          .service = host->public ? "ecr-public" : "ecr",
                          .region = region,
                          .content_type = "application/x-amz-json-1.1",
                          .target = host->public ? TARGET_PUBLIC : TARGET_PRIVATE,
                          .body = KOC__STR("{}")};
    int rc = koc__aws_post(&call, op, &body, err);
    if (rc == KOC_OK) {
        rc = read_token(koc__buf_view(&body), host->public, out, err);
    }
    koc__buf_wipe(&body);
    if (rc == KOC_OK) {
        koc__credential_lasts(*out, KOC__CLOUD_LIFETIME_MS);
    }
    return rc;
}

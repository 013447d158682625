/* Amazon ECR: GetAuthorizationToken, private and public (docs.aws.amazon.com/AmazonECR). */
#include "core/common.h"

#include "cloud/cloud_aws.h"

#include "cloud/cloud_logins.h"
#include "cloud/sigv4.h"
#include "core/env.h"
#include "core/text.h"

#define TARGET_PRIVATE "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
#define TARGET_PUBLIC  "SpencerFrontendService.GetAuthorizationToken"

/* --- signed calls --------------------------------------------------------------------------------- */

/* "20150830T123600Z" */
static int amazon_time(char out[17], koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(64);
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
static int signed_fields(koc__headers *h, const koc__url *url, const koc__aws_call *args,
                         const char *time, koc_error **err)
{
    KOC__AUTO_STR origin = koc__url_origin(url);

    if (!origin) {
        return koc__oom(err);
    }
    KOC__TRY(koc__headers_put(h, "content-type", args->content_type, err));
    KOC__TRY(koc__headers_put(h, "host", origin + (url->https ? 8 : 7), err));
    KOC__TRY(koc__headers_put(h, "x-amz-date", time, err));
    if (args->keys->session) {
        KOC__TRY(koc__headers_put(h, "x-amz-security-token", args->keys->session, err));
    }
    return args->target ? koc__headers_put(h, "x-amz-target", args->target, err) : KOC_OK;
}

int koc__aws_post(const koc__aws_call *args, koc__call *call, koc__dynbuf *reply, koc_error **err)
{
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    KOC__AUTO_STR authorization = NULL;
    char time[17];

    KOC__TRY(koc__url_parse(koc__str(args->url), &url, err));
    KOC__TRY(amazon_time(time, err));
    KOC__TRY(signed_fields(&headers, &url, args, time, err));
    koc__sigv4 s = {.access_key = args->keys->access,
                    .secret_key = args->keys->secret,
                    .region = args->region,
                    .service = args->service,
                    .time = time,
                    .method = "POST",
                    .path = url.target,
                    .query = "",
                    .headers = &headers,
                    .body = args->body};
    KOC__TRY(koc__sigv4_sign(&s, &authorization, err));
    KOC__TRY(koc__headers_put(&headers, "Authorization", authorization, err));
    koc__cloud_question q = {.url = args->url, .headers = &headers, .body = args->body};
    return koc__cloud_ask(&q, call, reply, err);
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
    KOC__AUTO_VAL(koc__dynbuf) plain = KOC__DYNBUF_INIT(64 << 10);
    koc_str user, password;

    if (koc__json_parse(body, KOC__CLOUD_REPLY_MAX, "reply", &doc, NULL) != KOC_OK) {
        return koc__error(err, KOC_EFORMAT, "the reply of Amazon ECR is not JSON");
    }
    const char *token = koc__json_str(
        koc__json_at(koc__json_root(doc), public ? "/authorizationData/authorizationToken"
                                                 : "/authorizationData/0/authorizationToken"));
    if (!token || koc__unbase64(&plain, koc__str(token), NULL) != KOC_OK ||
        !koc__str_cut(koc__dynbuf_view(&plain), ':', &user, &password)) {
        return koc__error(err, KOC_EAUTH, "the reply of Amazon ECR has no token");
    }
    int rc = koc__credential_make(KOC_CRED_BASIC, user, password, out, err, "Amazon ECR");
    koc__dynbuf_wipe(&plain);
    return rc;
}

int koc__cloud_aws(const koc__ecr_host *host, koc__call *call, koc_credential **out,
                   koc_error **err)
{
    KOC__AUTO_VAL(koc__aws_keys) keys = KOC__AWS_KEYS_INIT;
    KOC__AUTO_VAL(koc__dynbuf) body = KOC__DYNBUF_INIT(KOC__CLOUD_REPLY_MAX);
    KOC__AUTO_STR region = koc__str_dup(host->region);
    KOC__AUTO_STR url = NULL;

    if (!region) {
        return koc__oom(err);
    }
    KOC__TRY(koc__aws_keys_find(region, host->china, call, &keys, err));
    if (!keys.access) {
        return KOC_OK;
    }
    KOC__TRY(koc__aws_endpoint(host->public ? "ECR_PUBLIC" : "ECR",
                               host->public ? "api.ecr-public" : "api.ecr", region, host->china,
                               &url, err));
    koc__aws_call args = {.keys = &keys,
                          .url = url,
                          .service = host->public ? "ecr-public" : "ecr",
                          .region = region,
                          .content_type = "application/x-amz-json-1.1",
                          .target = host->public ? TARGET_PUBLIC : TARGET_PRIVATE,
                          .body = KOC__STR("{}")};
    int rc = koc__aws_post(&args, call, &body, err);
    if (rc == KOC_OK) {
        rc = read_token(koc__dynbuf_view(&body), host->public, out, err);
    }
    koc__dynbuf_wipe(&body);
    if (rc == KOC_OK) {
        koc__credential_lasts(*out, KOC__CLOUD_LIFETIME_MS);
    }
    return rc;
}

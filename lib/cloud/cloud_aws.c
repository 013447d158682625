/* Amazon ECR: GetAuthorizationToken, private and public (docs.aws.amazon.com/AmazonECR). */
#include "core/common.h"

#include "cloud/cloud_aws.h"

#include "cloud/cloud_logins.h"
#include "core/text.h"

#define TARGET_PRIVATE "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
#define TARGET_PUBLIC  "SpencerFrontendService.GetAuthorizationToken"

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
    koc__aws_place place = {region, host->china};
    KOC__TRY(koc__aws_keys_find(place, call, &keys, err));
    if (!keys.access) {
        return KOC_OK;
    }
    KOC__TRY(koc__aws_endpoint(host->public ? "ECR_PUBLIC" : "ECR",
                               host->public ? "api.ecr-public" : "api.ecr", place, &url, err));
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

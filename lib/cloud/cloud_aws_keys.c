/* Finds the keys of Amazon Web Services, in the order of its SDKs. */
#include "core/common.h"

#include "cloud/cloud_aws.h"
#include "core/env.h"
#include "core/text.h"
#include "http/address.h"
#include "text/ini.h"

#define LINK     "http://169.254.169.254" /* metadata of a virtual machine */
#define TASK     "http://169.254.170.2"   /* credentials of a container */
#define IMDS_TTL "300"

static koc_str string_member(const koc__json *doc, const char *name)
{
    return koc__str(koc__json_str(koc__json_get_folded(koc__json_root(doc), name)));
}

static int keys_of_environment(koc__aws_place place, koc__call *call, koc__aws_keys *out,
                               koc_error **err)
{
    const char *file = koc__env_nonempty("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *role = koc__env_nonempty("AWS_ROLE_ARN");
    KOC__TRY(koc__aws_keys_set(out, koc__str(koc__env_nonempty("AWS_ACCESS_KEY_ID")),
                               koc__str(koc__env_nonempty("AWS_SECRET_ACCESS_KEY")),
                               koc__str(koc__env_nonempty("AWS_SESSION_TOKEN")), err));
    if (out->access || !file || !role) {
        return KOC_OK;
    }
    return koc__aws_web_identity(role, file, koc__env_nonempty("AWS_ROLE_SESSION_NAME"), place,
                                 call, out, err);
}

/* --- containers --- */

/* Plain http is allowed to loopback and to the addresses of Amazon's agents. */
static bool is_allowed(const char *text)
{
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    return koc__url_parse(koc__str(text), &url, NULL) == KOC_OK &&
           (url.https || koc__address_is_loopback(koc__str(url.host)) ||
            koc__streq(url.host, "169.254.170.2") || koc__streq(url.host, "169.254.170.23") ||
            koc__streq(url.host, "fd00:ec2::23"));
}

static int put_container_token(koc__headers *headers, koc_error **err)
{
    const char *token = koc__env_nonempty("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    const char *file = koc__env_nonempty("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(0);
    if (!file) {
        return token ? koc__headers_put(headers, "Authorization", token, err) : KOC_OK;
    }
    KOC__TRY(koc__cloud_read(file, &text, err));
    int rc = koc__headers_put(headers, "Authorization", koc__dynbuf_cstr(&text), err);
    koc__dynbuf_wipe(&text);
    return rc;
}

static int keys_of_container(koc__call *call, koc__aws_keys *out, koc_error **err)
{
    const char *full = koc__env_nonempty("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *path = koc__env_nonempty("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    if (!full && !path) {
        return KOC_OK;
    }
    KOC__AUTO_STR url =
        path ? koc__format(TASK "%s%s", path[0] == '/' ? "" : "/", path) : koc__strdup(full);
    if (!url) {
        return koc__oom(err);
    }
    if (!is_allowed(url)) {
        return koc__error(err, KOC_EDENIED,
                          "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor local");
    }
    KOC__TRY(put_container_token(&headers, err));
    koc__cloud_query q = {.url = url, .headers = &headers, .local = true};
    KOC__TRY(koc__cloud_get_json(&q, "the container's agent", call, &doc, err));
    return koc__aws_keys_set(out, string_member(doc, "AccessKeyId"),
                             string_member(doc, "SecretAccessKey"), string_member(doc, "Token"),
                             err);
}

/* --- virtual machines (IMDSv2) --- */

static int get_metadata(const char *base, const char *path, const koc__headers *headers,
                        koc__call *call, koc__dynbuf *reply, koc_error **err)
{
    KOC__AUTO_STR url = koc__format("%s%s", base, path);
    if (!url) {
        return koc__oom(err);
    }
    bool first = strcmp(path, "/latest/api/token") == 0;
    koc__cloud_query q = {
        .method = first ? "PUT" : "GET", .url = url, .headers = headers, .local = true};
    return koc__cloud_send(&q, call, reply, err);
}

static int keys_of_role(const char *base, const koc__headers *headers, koc__call *call,
                        koc__aws_keys *out, koc_error **err)
{
    static const char at[] = "/latest/meta-data/iam/security-credentials/";
    KOC__AUTO_VAL(koc__dynbuf) role = KOC__DYNBUF_INIT(1024);
    KOC__AUTO_VAL(koc__dynbuf) reply = KOC__DYNBUF_INIT(KOC__CLOUD_REPLY_MAX);
    KOC__AUTO(koc__json) doc = NULL;
    koc_str name;
    KOC__TRY(get_metadata(base, at, headers, call, &role, err));
    koc_str rest = koc__dynbuf_view(&role);
    if (!koc__str_word(&rest, &name)) {
        return KOC_OK; /* the virtual machine has no role */
    }
    KOC__AUTO_STR path = koc__format("%s%.*s", at, KOC__FMT(name));
    if (!path) {
        return koc__oom(err);
    }
    KOC__TRY(get_metadata(base, path, headers, call, &reply, err));
    int rc = koc__json_parse(koc__dynbuf_view(&reply), KOC__CLOUD_REPLY_MAX, "reply", &doc, NULL);
    koc__dynbuf_wipe(&reply);
    if (rc != KOC_OK) {
        return koc__error(err, KOC_EFORMAT, "the reply of the metadata server is not JSON");
    }
    return koc__aws_keys_set(out, string_member(doc, "AccessKeyId"),
                             string_member(doc, "SecretAccessKey"), string_member(doc, "Token"),
                             err);
}

static int keys_of_machine(koc__call *call, koc__aws_keys *out, koc_error **err)
{
    const char *base = koc__env_nonempty("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *disabled = koc__env_nonempty("AWS_EC2_METADATA_DISABLED");
    KOC__AUTO_VAL(koc__headers) ask = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__headers) with_token = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__dynbuf) token = KOC__DYNBUF_INIT(4096);
    if ((disabled && koc__str_ieq(koc__str(disabled), KOC__STR("true"))) ||
        (!base && koc__machine_of(NULL) != KOC__MACHINE_AMAZON)) {
        return KOC_OK;
    }
    koc_str trimmed = koc__str(base ? base : LINK);
    trimmed.len -= koc__str_ends(trimmed, "/");
    KOC__AUTO_STR at = koc__str_dup(trimmed);
    if (!at) {
        return koc__oom(err);
    }
    KOC__TRY(koc__headers_put(&ask, "X-aws-ec2-metadata-token-ttl-seconds", IMDS_TTL, err));
    KOC__TRY(get_metadata(at, "/latest/api/token", &ask, call, &token, err));
    int rc =
        koc__headers_put(&with_token, "X-aws-ec2-metadata-token", koc__dynbuf_cstr(&token), err);
    koc__dynbuf_wipe(&token);
    KOC__TRY(rc);
    return keys_of_role(at, &with_token, call, out, err);
}

int koc__aws_keys_find(koc__aws_place place, koc__call *call, koc__aws_keys *out, koc_error **err)
{
    KOC__TRY(keys_of_environment(place, call, out, err));
    if (!out->access) {
        KOC__TRY(koc__aws_profile_keys(place, call, out, err));
    }
    if (!out->access) {
        KOC__TRY(keys_of_container(call, out, err));
    }
    return out->access ? KOC_OK : keys_of_machine(call, out, err);
}

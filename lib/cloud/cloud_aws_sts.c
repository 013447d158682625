/* Amazon's Security Token Service: temporary keys of a role. */
#include "core/common.h"

#include "cloud/cloud_aws.h"

#include "text/ini.h"

#define FORM_MAX ((size_t)256 << 10)

int koc__aws_sts_reply(koc_str reply, koc__aws_keys *out, koc_error **err)
{
    koc_str credentials = koc__xml_text(reply, "Credentials");
    KOC__TRY(koc__aws_keys_set(out, koc__xml_text(credentials, "AccessKeyId"),
                               koc__xml_text(credentials, "SecretAccessKey"),
                               koc__xml_text(credentials, "SessionToken"), err));
    return out->access ? KOC_OK
                       : koc__error(err, KOC_EAUTH, "the reply of Amazon STS has no credentials");
}

static int web_identity_form(const char *role, const char *token, const char *session,
                             koc__dynbuf *form, koc_error **err)
{
    KOC__TRY(koc__form_field(form, "Action", "AssumeRoleWithWebIdentity", err));
    KOC__TRY(koc__form_field(form, "Version", "2011-06-15", err));
    KOC__TRY(koc__form_field(form, "RoleArn", role, err));
    KOC__TRY(koc__form_field(form, "RoleSessionName", session ? session : "koc", err));
    return koc__form_field(form, "WebIdentityToken", token, err);
}

int koc__aws_web_identity(const char *role, const char *token_file, const char *session,
                          koc__aws_place place, koc__call *call, koc__aws_keys *out,
                          koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) token = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) form = KOC__DYNBUF_INIT(FORM_MAX);
    KOC__AUTO_VAL(koc__dynbuf) reply = KOC__DYNBUF_INIT(KOC__CLOUD_REPLY_MAX);
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO_STR url = NULL;
    KOC__TRY(koc__aws_endpoint("STS", "sts", place, &url, err));
    KOC__TRY(koc__headers_put(&headers, "Content-Type", "application/x-www-form-urlencoded", err));
    KOC__TRY(koc__cloud_read(token_file, &token, err));
    int rc = web_identity_form(role, koc__dynbuf_cstr(&token), session, &form, err);
    if (rc == KOC_OK) {
        koc__cloud_query q = {.url = url, .headers = &headers, .body = koc__dynbuf_view(&form)};
        rc = koc__cloud_send(&q, call, &reply, err);
    }
    if (rc == KOC_OK) {
        rc = koc__aws_sts_reply(koc__dynbuf_view(&reply), out, err);
    }
    koc__dynbuf_wipe(&token);
    koc__dynbuf_wipe(&form);
    koc__dynbuf_wipe(&reply);
    return rc;
}

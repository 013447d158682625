#include "core/common.h"

#include "cloud/cloud_google.h"
#include "cloud/cloud_logins.h"
#include "core/hash/crypto.h"
#include "core/text.h"
#include "text/json_write.h"
#include "text/pem.h"

#define TEXT_MAX  ((size_t)256 << 10)
#define LASTS_S   3600
#define EXCHANGE  "urn:ietf:params:oauth:grant-type:token-exchange"
#define ACCESS    "urn:ietf:params:oauth:token-type:access_token"
#define ASSERTION "urn:ietf:params:oauth:grant-type:jwt-bearer"

int koc__google_credential(const koc__json *doc, const char *member, const char *source,
                           koc_credential **out, koc_error **err)
{
    const koc__jnode *root = koc__json_root(doc);
    const char *token = koc__json_str(koc__json_get_folded(root, member));
    int64_t seconds = 0;
    if (!token || !koc__auth_is_token(koc__str(token))) {
        return koc__error(err, KOC_EAUTH, "the reply of Google has no usable token");
    }
    KOC__TRY(koc__credential_make(KOC_CRED_BASIC, KOC__STR("_token"), koc__str(token), out, err,
                                  "%s", source));
    /* A token of the metadata server may be about to expire. */
    int64_t lasts = KOC__CLOUD_LIFETIME_MS;
    if (koc__json_i64(koc__json_get_folded(root, "expires_in"), &seconds) && seconds >= 0) {
        lasts = KOC__MIN(lasts, KOC__MIN(seconds, 86400) * 900);
    }
    koc__credential_lasts(*out, KOC__MAX(lasts, 1000));
    return KOC_OK;
}

/* --- service accounts --- */

/* base64url without padding (RFC 7515, 2). */
static int put_part(koc__dynbuf *out, koc_str data, koc_error **err)
{
    KOC__TRY(koc__base64(out, data, true, err));
    while (out->len > 0 && out->ptr[out->len - 1] == '=') {
        out->len--;
    }
    return KOC_OK;
}

static int put_header(koc__dynbuf *out, const char *key_id, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(TEXT_MAX);
    koc__jw w;
    koc__jw_begin(&w, &text, 0, 0);
    koc__jw_object(&w);
    koc__jw_kv(&w, "alg", "RS256");
    koc__jw_kv(&w, "typ", "JWT");
    koc__jw_kv(&w, "kid", key_id);
    koc__jw_object_end(&w);
    KOC__TRY(koc__jw_end(&w, err));
    return put_part(out, koc__dynbuf_view(&text), err);
}

static int put_claims(koc__dynbuf *out, const char *who, const char *audience, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(TEXT_MAX);
    int64_t now = koc__now();
    koc__jw w;
    koc__jw_begin(&w, &text, 0, 0);
    koc__jw_object(&w);
    koc__jw_kv(&w, "iss", who);
    koc__jw_kv(&w, "scope", KOC__GOOGLE_SCOPE);
    koc__jw_kv(&w, "aud", audience);
    koc__jw_key(&w, "iat");
    koc__jw_i64(&w, now);
    koc__jw_key(&w, "exp");
    koc__jw_i64(&w, now + LASTS_S);
    koc__jw_object_end(&w);
    KOC__TRY(koc__jw_end(&w, err));
    return put_part(out, koc__dynbuf_view(&text), err);
}

/* A signed JWT (RFC 7519). */
static int make_assertion(const koc__jnode *root, const char *audience, koc__dynbuf *out,
                          koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) key = KOC__DYNBUF_INIT(16 << 10);
    KOC__AUTO_VAL(koc__dynbuf) signature = KOC__DYNBUF_INIT(1024);
    const char *who = koc__json_str(koc__json_get_folded(root, "client_email"));
    const char *pem = koc__json_str(koc__json_get_folded(root, "private_key"));
    if (!who || !pem) {
        return koc__error(err, KOC_EFORMAT,
                          "the service account has no client_email or no "
                          "private_key");
    }
    KOC__TRY(put_header(out, koc__json_str(koc__json_get_folded(root, "private_key_id")), err));
    KOC__TRY(koc__dynbuf_putc(out, '.', err));
    KOC__TRY(put_claims(out, who, audience, err));
    int rc = koc__pem_rsa_key(koc__str(pem), &key, err);
    if (rc == KOC_OK) {
        rc = koc__rsa_sha256_sign(koc__dynbuf_view(&key), koc__dynbuf_view(out), &signature, err);
    }
    koc__dynbuf_wipe(&key);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "the service account's private_key");
    }
    KOC__TRY(koc__dynbuf_putc(out, '.', err));
    return put_part(out, koc__dynbuf_view(&signature), err);
}

int koc__google_service_account(const koc__jnode *root, koc__call *call, koc_credential **out,
                                koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) jwt = KOC__DYNBUF_INIT(TEXT_MAX);
    KOC__AUTO_VAL(koc__dynbuf) form = KOC__DYNBUF_INIT(2 * TEXT_MAX);
    KOC__AUTO(koc__json) doc = NULL;
    const char *where = koc__json_str(koc__json_get_folded(root, "token_uri"));
    where = where ? where : KOC__GOOGLE_TOKEN_URL;
    KOC__TRY(make_assertion(root, where, &jwt, err));
    KOC__TRY(koc__form_field(&form, "grant_type", ASSERTION, err));
    int rc = koc__form_field(&form, "assertion", koc__dynbuf_cstr(&jwt), err);
    if (rc == KOC_OK) {
        rc = koc__cloud_post_form(where, koc__dynbuf_view(&form), "Google", call, &doc, err);
    }
    koc__dynbuf_wipe(&jwt);
    koc__dynbuf_wipe(&form);
    KOC__TRY(rc);
    return koc__google_credential(doc, "access_token", KOC__GOOGLE_DEFAULT, out, err);
}

/* --- workload identities --- */

/* text is the token, or JSON with the token in a member: keeps only the token. */
static int extract_token(const koc__jnode *source, koc__dynbuf *text, koc_error **err)
{
    const char *type = koc__json_str(koc__json_at(source, "/format/type"));
    const char *name = koc__json_str(koc__json_at(source, "/format/subject_token_field_name"));
    KOC__AUTO(koc__json) doc = NULL;
    if (!koc__streq(type, "json")) {
        return KOC_OK;
    }
    bool fine = koc__json_parse(koc__dynbuf_view(text), TEXT_MAX, "token", &doc, NULL) == KOC_OK;
    const char *token =
        fine ? koc__json_str(koc__json_get_folded(koc__json_root(doc), name ? name : "")) : NULL;
    koc__dynbuf_clear(text);
    return token ? koc__dynbuf_puts(text, token, err)
                 : koc__error(err, KOC_EFORMAT,
                              "the workload's token is not where the credentials "
                              "say");
}

static int subject_token(const koc__jnode *source, koc__call *call, koc__dynbuf *out,
                         koc_error **err)
{
    const char *file = koc__json_str(koc__json_get_folded(source, "file"));
    const char *url = koc__json_str(koc__json_get_folded(source, "url"));
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    if (file) {
        KOC__TRY(koc__cloud_read(file, out, err));
        return extract_token(source, out, err);
    }
    if (!url || koc__json_str(koc__json_get_folded(source, "environment_id"))) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "the workload's token is in a place that koc cannot read");
    }
    for (const koc__jnode *n = koc__json_child(koc__json_get_folded(source, "headers")); n;
         n = koc__json_next(n)) {
        const char *value = koc__json_str(n);
        KOC__TRY(value ? koc__headers_put(&headers, koc__json_name(n), value, err) : KOC_OK);
    }
    koc__cloud_query q = {.url = url, .headers = &headers};
    KOC__TRY(koc__cloud_send(&q, call, out, err));
    return extract_token(source, out, err);
}

static int exchange_token(const koc__jnode *root, const char *token, koc__call *call,
                          koc__json **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) form = KOC__DYNBUF_INIT(2 * TEXT_MAX);
    const char *where = koc__json_str(koc__json_get_folded(root, "token_url"));
    const char *fields[][2] = {
        {"grant_type", EXCHANGE},
        {"audience", koc__json_str(koc__json_get_folded(root, "audience"))},
        {"scope", KOC__GOOGLE_SCOPE},
        {"requested_token_type", ACCESS},
        {"subject_token_type", koc__json_str(koc__json_get_folded(root, "subject_token_type"))},
        {"subject_token", token},
    };
    int rc = KOC_OK;

    for (size_t i = 0; i < KOC__COUNT(fields) && rc == KOC_OK; i++) {
        rc = fields[i][1] ? koc__form_field(&form, fields[i][0], fields[i][1], err)
                          : koc__error(err, KOC_EFORMAT, "the workload's credentials have no %s",
                                       fields[i][0]);
    }
    if (rc == KOC_OK) {
        rc = where ? koc__cloud_post_form(where, koc__dynbuf_view(&form), "Google", call, out, err)
                   : koc__error(err, KOC_EFORMAT, "the workload's credentials have no token_url");
    }
    koc__dynbuf_wipe(&form);
    return rc;
}

/* The workload may impersonate this service account. */
static int impersonate(const char *url, const char *token, koc__call *call, koc_credential **out,
                       koc_error **err)
{
    static const char body[] = "{\"scope\":[\"" KOC__GOOGLE_SCOPE "\"]}";
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    koc__cloud_query q = {.url = url, .headers = &headers, .body = koc__str(body)};
    KOC__TRY(koc__headers_put(&headers, "Content-Type", "application/json", err));
    KOC__TRY(koc__headers_printf(&headers, "Authorization", err, "Bearer %s", token));
    KOC__TRY(koc__cloud_get_json(&q, "Google", call, &doc, err));
    return koc__google_credential(doc, "accessToken", KOC__GOOGLE_DEFAULT, out, err);
}

int koc__google_external_account(const koc__jnode *root, koc__call *call, koc_credential **out,
                                 koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) token = KOC__DYNBUF_INIT(TEXT_MAX);
    KOC__AUTO(koc__json) doc = NULL;
    const char *url =
        koc__json_str(koc__json_get_folded(root, "service_account_impersonation_url"));

    int rc = subject_token(koc__json_get_folded(root, "credential_source"), call, &token, err);
    if (rc == KOC_OK) {
        rc = exchange_token(root, koc__dynbuf_cstr(&token), call, &doc, err);
    }
    koc__dynbuf_wipe(&token);
    KOC__TRY(rc);
    if (!url) {
        return koc__google_credential(doc, "access_token", KOC__GOOGLE_DEFAULT, out, err);
    }
    const char *federated =
        koc__json_str(koc__json_get_folded(koc__json_root(doc), "access_token"));
    if (!federated || !koc__auth_is_token(koc__str(federated))) {
        return koc__error(err, KOC_EAUTH, "the reply of Google has no usable token");
    }
    return impersonate(url, federated, call, out, err);
}

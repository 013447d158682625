/*
 * Azure Container Registry: exchanges an access token of Microsoft Entra, from the environment or
 * the virtual machine, for the registry's own refresh token (learn.microsoft.com, "Azure Container
 * Registry authentication": POST /oauth2/exchange).
 */
#include "core/common.h"

#include "cloud/cloud_logins.h"
#include "cloud/cloud_request.h"
#include "core/env.h"
#include "core/text.h"

#define FORM_MAX   ((size_t)256 << 10)
#define AUTHORITY  "https://login.microsoftonline.com/"
#define RESOURCE   "https://containerregistry.azure.net"
#define LINK       "http://169.254.169.254"
#define TOKEN_USER "00000000-0000-0000-0000-000000000000" /* the user name of tokens */
#define ASSERTION  "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* A copy of the secret in a member of the reply. */
static int copy_secret(const koc__json *doc, const char *name, char **out, koc_error **err)
{
    const char *token = koc__json_str(koc__json_get_folded(koc__json_root(doc), name));
    if (!token || !token[0]) {
        return koc__error(err, KOC_EAUTH, "the reply of Azure has no %s", name);
    }
    *out = koc__strdup(token);
    return *out ? KOC_OK : koc__oom(err);
}

/* The proof of the client: a secret, or the token that a cluster or a CI system wrote to a file. */
static int put_proof(koc__dynbuf *form, const char *secret, const char *file, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) token = KOC__DYNBUF_INIT(0);
    if (secret) {
        return koc__form_field(form, "client_secret", secret, err);
    }
    KOC__TRY(koc__cloud_read(file, &token, err));
    KOC__TRY(koc__form_field(form, "client_assertion_type", ASSERTION, err));
    int rc = koc__form_field(form, "client_assertion", koc__dynbuf_cstr(&token), err);
    koc__dynbuf_wipe(&token);
    return rc;
}

/* A service principal or a workload identity (OAuth2's client credentials). */
static int token_of_client(koc__call *call, char **out, koc_error **err)
{
    const char *id = koc__env_nonempty("AZURE_CLIENT_ID");
    const char *tenant = koc__env_nonempty("AZURE_TENANT_ID");
    const char *secret = koc__env_nonempty("AZURE_CLIENT_SECRET");
    const char *file = koc__env_nonempty("AZURE_FEDERATED_TOKEN_FILE");
    const char *authority = koc__env_nonempty("AZURE_AUTHORITY_HOST");
    KOC__AUTO_VAL(koc__dynbuf) form = KOC__DYNBUF_INIT(FORM_MAX);
    KOC__AUTO(koc__json) doc = NULL;
    if (!id || !tenant || (!secret && !file)) {
        return KOC_OK;
    }
    authority = authority ? authority : AUTHORITY;
    KOC__AUTO_STR url = koc__format("%s%s%s/oauth2/v2.0/token", authority,
                                    koc__str_ends(koc__str(authority), "/") ? "" : "/", tenant);
    if (!url) {
        return koc__oom(err);
    }
    KOC__TRY(koc__form_field(&form, "grant_type", "client_credentials", err));
    KOC__TRY(koc__form_field(&form, "client_id", id, err));
    KOC__TRY(koc__form_field(&form, "scope", RESOURCE "/.default", err));
    int rc = put_proof(&form, secret, file, err);
    if (rc == KOC_OK) {
        rc = koc__cloud_post_form(url, koc__dynbuf_view(&form), "Azure", call, &doc, err);
    }
    koc__dynbuf_wipe(&form);
    KOC__TRY(rc);
    return copy_secret(doc, "access_token", out, err);
}

/* The query of a managed identity: which resource, which of several identities. */
static int identity_url(const char *base, const char *version, char **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) query = KOC__DYNBUF_INIT(FORM_MAX);
    const char *id = koc__env_nonempty("AZURE_CLIENT_ID");
    KOC__TRY(koc__form_field(&query, "api-version", version, err));
    KOC__TRY(koc__form_field(&query, "resource", RESOURCE, err));
    if (id) {
        KOC__TRY(koc__form_field(&query, "client_id", id, err));
    }
    *out = koc__format("%s%c%s", base, strchr(base, '?') ? '&' : '?', koc__dynbuf_cstr(&query));
    return *out ? KOC_OK : koc__oom(err);
}

/* App Service and Container Apps name an endpoint; virtual machines have a link-local one. */
static int token_of_machine(koc__call *call, char **out, koc_error **err)
{
    const char *endpoint = koc__env_nonempty("IDENTITY_ENDPOINT");
    const char *secret = koc__env_nonempty("IDENTITY_HEADER");
    const char *pod = koc__env_nonempty("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO_STR url = NULL;
    if (endpoint && secret) {
        KOC__TRY(koc__headers_put(&headers, "X-IDENTITY-HEADER", secret, err));
        KOC__TRY(identity_url(endpoint, "2019-08-01", &url, err));
    } else if (pod || koc__machine_of(NULL) == KOC__MACHINE_AZURE) {
        KOC__AUTO_STR base = koc__format("%s/metadata/identity/oauth2/token", pod ? pod : LINK);
        if (!base) {
            return koc__oom(err);
        }
        KOC__TRY(koc__headers_put(&headers, "Metadata", "true", err));
        KOC__TRY(identity_url(base, "2018-02-01", &url, err));
    } else {
        return KOC_OK;
    }
    koc__cloud_query q = {.url = url, .headers = &headers, .local = true};
    KOC__TRY(koc__cloud_get_json(&q, "Azure", call, &doc, err));
    return copy_secret(doc, "access_token", out, err);
}

static int exchange_token(const char *registry, const char *token, koc__call *call,
                          koc_credential **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) form = KOC__DYNBUF_INIT(FORM_MAX);
    KOC__AUTO(koc__json) doc = NULL;
    const char *tenant = koc__env_nonempty("AZURE_TENANT_ID");
    KOC__AUTO_STR url = koc__format("https://%s/oauth2/exchange", registry);
    KOC__AUTO_STR refresh = NULL;
    if (!url) {
        return koc__oom(err);
    }
    KOC__TRY(koc__form_field(&form, "grant_type", "access_token", err));
    KOC__TRY(koc__form_field(&form, "service", registry, err));
    if (tenant) {
        KOC__TRY(koc__form_field(&form, "tenant", tenant, err));
    }
    int rc = koc__form_field(&form, "access_token", token, err);
    if (rc == KOC_OK) {
        rc = koc__cloud_post_form(url, koc__dynbuf_view(&form), "Azure", call, &doc, err);
    }
    koc__dynbuf_wipe(&form);
    KOC__TRY(rc);
    KOC__TRY(copy_secret(doc, "refresh_token", &refresh, err));
    rc = koc__credential_make(KOC_CRED_IDENTITY_TOKEN, KOC__STR(TOKEN_USER), koc__str(refresh), out,
                              err, "Azure's login");
    koc__wipe(refresh, strlen(refresh));
    return rc;
}

int koc__cloud_azure(const char *registry, koc__call *call, koc_credential **out, koc_error **err)
{
    KOC__AUTO_STR token = NULL;
    KOC__TRY(token_of_client(call, &token, err));
    if (!token) {
        KOC__TRY(token_of_machine(call, &token, err));
    }
    if (!token) {
        return KOC_OK;
    }
    int rc = exchange_token(registry, token, call, out, err);
    koc__wipe(token, strlen(token));
    if (rc == KOC_OK) {
        koc__credential_lasts(*out, KOC__CLOUD_LIFETIME_MS);
    }
    return rc;
}

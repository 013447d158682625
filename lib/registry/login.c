/* Logins: whether a registry accepts a credential, and the token that it gives. */
#include "core/common.h"

#include "auth/auth_config.h"
#include "registry/host/token_fetch.h"
#include "registry/operations.h"

#define MOUNTS_MAX 32

int koc_auth_registry(const char *text, koc_buf *out, koc_error **err)
{
    koc_str rest = koc__str_trim(koc__str(text)), path = {"", 0}, host;
    uint16_t port;
    if (!text || !out) {
        return koc__misuse(err, "koc_auth_registry: text or out is NULL");
    }
    if (koc__str_starts(rest, "https://") || koc__str_starts(rest, "http://")) {
        rest = koc__str_from(rest, koc__str_starts(rest, "https://") ? 8 : 7);
    }
    koc_str authority = rest;
    koc__str_cut(rest, '/', &authority, &path);
    bool root = path.len == 0 || koc__str_is(path, "v1") || koc__str_is(path, "v1/") ||
                koc__str_is(path, "v2") || koc__str_is(path, "v2/");
    KOC__AUTO_STR name = koc__str_lower(authority);
    if (!name) {
        return koc__oom(err);
    }
    if (!koc__authority_split(koc__str(name), &host, &port)) {
        return koc__error(err, KOC_EINVAL, "\"%.*s\" is not a registry: host or host:port",
                          KOC__FMT(rest));
    }
    if (!root) {
        koc__error(err, KOC_EINVAL, "\"%.*s\" is a repository: credentials belong to its registry",
                   KOC__FMT(rest));
        koc__error_hint(err, "the registry is %s", name);
        return KOC_EINVAL;
    }
    return koc_buf_set(
        out, koc__config_is_hub(koc__str(name)) ? KOC__STR("index.docker.io") : koc__str(name),
        err);
}

/* A registry may not serve /v2/ (R-13). */
static int ping(koc__request *rq, koc__call *call, koc_error **err)
{
    static const int also[] = {404, 405, 0};
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    rq->method = "GET";
    rq->target = "/v2/";
    rq->also = also;
    return koc__request_run(rq, call, &resp, err);
}

int koc_client_check_login(koc_client *c, const char *registry, const koc_op *user, bool *asked,
                           koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc__request rq = {0};
    if (!c || !registry) {
        return koc__misuse(err, "koc_client_check_login: c or registry is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    KOC__TRY(koc__client_host(c, registry, &rq.host, err));
    int rc = ping(&rq, &call, err);
    if (rc == KOC_EAUTH && !koc__login_is_anonymous(rq.host->login, NULL)) {
        koc__error(err, KOC_EAUTH, "wrong user name or password");
    }
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "cannot log in to %s", registry);
    }
    if (asked) {
        *asked = koc__login_scheme(rq.host->login) != KOC__SCHEME_NONE;
    }
    return KOC_OK;
}

int koc_client_lookup(koc_client *c, const char *registry, const char *repository,
                      const koc_op *user, koc_credential **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_credential *found = NULL;
    if (!c || !registry || !out) {
        return koc__misuse(err, "koc_client_lookup: c, registry or out is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    KOC__TRY(koc__auth_get(c->auth, registry, repository ? repository : "", &call, &found, err));
    *out = found;
    return KOC_OK;
}

/* "repository:a:pull repository:b:pull" */
static int mount_scopes(const char *const *mounts, char **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(16 << 10);
    for (size_t i = 0; mounts[i]; i++) {
        if (i >= MOUNTS_MAX) {
            return koc__error(err, KOC_ELIMIT, "more than %d repositories to mount from",
                              MOUNTS_MAX);
        }
        if (strpbrk(mounts[i], " \t\r\n")) {
            return koc__error(err, KOC_EINVAL, "\"%s\" is not a repository", mounts[i]);
        }
        KOC__TRY(koc__dynbuf_printf(&text, err, "%srepository:%s:pull", i ? " " : "", mounts[i]));
    }
    *out = koc__dynbuf_steal(&text);
    return *out ? KOC_OK : koc__oom(err);
}

static int token_of(koc__request *rq, const char *demanded, koc__call *call, koc__token_reply *out,
                    koc_error **err)
{
    KOC__AUTO(koc_credential) cred = NULL;
    koc_client *c = rq->host->client;
    KOC__TRY(ping(rq, call, err));
    koc__scheme scheme = koc__login_scheme(rq->host->login);
    if (scheme != KOC__SCHEME_BEARER) {
        return koc__error(err, KOC_EUNSUPPORTED, "%s works without tokens (%s)", rq->host->name,
                          scheme == KOC__SCHEME_BASIC ? "it takes the password with every request"
                                                      : "it asks for no login");
    }
    KOC__TRY(koc__auth_get(c->auth, rq->host->auth_name, rq->repository, call, &cred, err));
    if (cred && cred->kind == KOC_CRED_BEARER) {
        out->token = koc__strdup(cred->secret);
        return out->token ? KOC_OK : koc__oom(err);
    }
    koc__token_request want = {.host = rq->host,
                               .repository = rq->repository,
                               .actions = rq->actions,
                               .demanded = demanded,
                               .cred = cred};
    return koc__token_fetch(&want, call, out, err);
}

int koc_client_get_token(koc_client *c, const koc_reference *repo, uint32_t access,
                         const char *const *mounts, const koc_op *user, koc_buf *token,
                         int64_t *lifetime_ms, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__token_reply) reply = {NULL, 0};
    KOC__AUTO_STR demanded = NULL;
    koc__request rq = {.actions = access};
    if (!c || !repo || !token || !access || access > 7) {
        return koc__misuse(
            err,
            "koc_client_get_token: c, repo or token is NULL, or access is not made of KOC_ACCESS_*");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    KOC__TRY(koc__client_host(c, koc_reference_registry(repo), &rq.host, err));
    rq.repository = koc_reference_repository(repo);
    if (mounts && mounts[0]) {
        KOC__TRY(mount_scopes(mounts, &demanded, err));
    }
    int rc = token_of(&rq, demanded, &call, &reply, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "cannot get a token for %s",
                                 koc__reference_context(repo));
    }
    KOC__TRY(koc_buf_set(token, koc__str(reply.token), err));
    if (lifetime_ms) {
        *lifetime_ms = reply.lifetime_ms;
    }
    return KOC_OK;
}

#include "core/common.h"

#include "registry/host/session.h"

#include "auth/auth.h"
#include "http/transport.h"
#include "registry/client.h"
#include "registry/host/token_fetch.h"
#include "registry/registry_error.h"

#define PING_TIMEOUT_MS 30000

static const char *repository_of(const koc__session *s)
{
    return s->repository ? s->repository : "";
}

/* --- credentials --- */

/* A copy of the credential; *out NULL: anonymous. Called between koc__login_enter and leave. */
static int look_up(const koc__session *s, koc_credential **out, koc_error **err)
{
    koc__host *h = s->host;
    KOC__AUTO(koc_credential) found = NULL;
    KOC__AUTO(koc_credential) copy = NULL;
    bool known;
    KOC__TRY(koc__login_find(h->login, repository_of(s), &known, &copy, err));
    if (!known) {
        KOC__TRY(
            koc__auth_get(h->client->auth, h->auth_name, repository_of(s), s->call, &found, err));
        copy = koc__credential_dup(found);
        if (found && !copy) {
            return koc__oom(err);
        }
        koc__log(h->client->ctx, KOC_LOG_DEBUG, "registry", "%s: credentials: %s", h->name,
                 !found          ? "none"
                 : found->source ? found->source
                                 : "given");
        KOC__TRY(koc__login_add(h->login, repository_of(s), found, err));
        found = NULL;
    }
    *out = koc__steal(&copy);
    return KOC_OK;
}

static int get_credential(const koc__session *s, koc_credential **out, koc_error **err)
{
    KOC__TRY(koc__login_enter(s->host->login, s->call, err));
    int rc = look_up(s, out, err);
    koc__login_leave(s->host->login);
    return rc;
}

static void report_rejected(const koc__session *s)
{
    koc__auth_rejected(s->host->client->auth, s->host->auth_name, s->call);
}

/* --- tokens --- */

static char *token_key(const koc__session *s)
{
    return koc__format("%s|%s", repository_of(s), s->mount_from ? s->mount_from : "");
}

/* Called between koc__login_enter and leave. demanded: the scope that a challenge named, or
 * NULL. */
static int fetch_token(const koc__session *s, const char *key, const char *demanded, char **out,
                       koc_error **err)
{
    koc__host *h = s->host;
    KOC__AUTO(koc_credential) cred = NULL;
    KOC__AUTO_VAL(koc__token_reply) reply = {NULL, 0};
    KOC__TRY(look_up(s, &cred, err));
    if (cred && cred->kind == KOC_CRED_BEARER) {
        *out = koc__strdup(cred->secret);
        return *out ? KOC_OK : koc__oom(err);
    }
    koc__token_request want = {.host = h,
                               .repository = s->repository,
                               .actions = s->actions,
                               .mount_from = s->mount_from,
                               .demanded = demanded,
                               .cred = cred};
    int rc = koc__token_fetch(&want, s->call, &reply, err);
    if (s->mount_from && (rc == KOC_EAUTH || rc == KOC_EDENIED)) {
        /* Some servers refuse the whole when they refuse one scope: ask without the source
         * (R-78). */
        koc__error_clear(err);
        want.mount_from = NULL;
        rc = koc__token_fetch(&want, s->call, &reply, err);
    }
    if (rc == KOC_EAUTH && cred) {
        report_rejected(s);
    }
    if (rc == KOC_EAUTH) {
        koc__session_explain(h, s->repository, err);
    }
    KOC__TRY(rc);
    KOC__TRY(koc__login_add_token(h->login, key, s->actions, &reply, err));
    *out = koc__steal(&reply.token);
    return KOC_OK;
}

/* A token that the host took before, else a new one. */
static int get_token(const koc__session *s, char **out, koc_error **err)
{
    koc__login_state *login = s->host->login;
    KOC__AUTO_STR key = token_key(s);
    if (!key) {
        return koc__oom(err);
    }
    *out = koc__login_find_token(login, key, s->actions);
    if (*out) {
        return KOC_OK;
    }
    KOC__TRY(koc__login_enter(login, s->call, err));
    *out = koc__login_find_token(login, key, s->actions); /* another thread may have fetched it */
    int rc = *out ? KOC_OK : fetch_token(s, key, NULL, out, err);
    koc__login_leave(login);
    return rc;
}

/* The registry rejected the token: fetches another one, which also covers what the challenge
 * asks for. */
static int renew_token(const koc__session *s, const koc__challenge *c, koc_error **err)
{
    koc__login_state *login = s->host->login;
    KOC__AUTO_STR key = token_key(s);
    KOC__AUTO_STR token = NULL;
    if (!key) {
        return koc__oom(err);
    }
    bool more = koc__streq(c->error, "insufficient_scope") && c->scope;
    KOC__TRY(koc__login_enter(login, s->call, err));
    koc__login_drop_tokens(login, key);
    int rc = fetch_token(s, key, more ? c->scope : NULL, &token, err);
    koc__login_leave(login);
    if (token) {
        koc__wipe(token, strlen(token));
    }
    return rc;
}

/* --- Authorization --- */

static int bearer_header(koc__headers *headers, const char *token, koc_error **err)
{
    if (!koc__auth_is_token(koc__str(token))) {
        return koc__error(err, KOC_EAUTH, "the access token has characters that no token may have");
    }
    return koc__headers_printf(headers, "Authorization", err, "Bearer %s", token);
}

static int authorize_bearer(koc__session *s, koc__headers *headers, koc_error **err)
{
    KOC__AUTO_STR token = NULL;
    s->sent = true;
    KOC__TRY(get_token(s, &token, err));
    int rc = bearer_header(headers, token, err);
    koc__wipe(token, strlen(token));
    return rc;
}

static bool is_usable(const koc_credential *cred)
{
    return cred && (cred->kind == KOC_CRED_BASIC || cred->kind == KOC_CRED_BEARER);
}

static int authorize_basic(koc__session *s, koc__headers *headers, koc_error **err)
{
    KOC__AUTO(koc_credential) cred = NULL;
    KOC__TRY(get_credential(s, &cred, err));
    if (!is_usable(cred)) {
        return KOC_OK;
    }
    s->sent = true;
    return cred->kind == KOC_CRED_BASIC ? koc__basic_header(headers, cred, err)
                                        : bearer_header(headers, cred->secret, err);
}

int koc__session_authorize(koc__session *s, koc__headers *headers, koc_error **err)
{
    s->sent = false;
    switch (koc__login_scheme(s->host->login)) {
    case KOC__SCHEME_BEARER: return authorize_bearer(s, headers, err);
    case KOC__SCHEME_BASIC: return authorize_basic(s, headers, err);
    default: return KOC_OK;
    }
}

/* --- challenges --- */

/* A 401 without WWW-Authenticate: /v2/ may name the scheme. */
static int ping_for_challenge(const koc__session *s, const koc__url *at, koc__challenge *c,
                              koc_error **err)
{
    koc_client *client = s->host->client;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__http_reply) reply = KOC__HTTP_REPLY_INIT;
    KOC__AUTO_VAL(koc__dynbuf) body = KOC__DYNBUF_INIT(KOC__ERROR_BODY_MAX);
    KOC__TRY(koc__url_resolve(at, KOC__STR("/v2/"), &url, err));
    KOC__TRY(koc__headers_put(&headers, "User-Agent", client->user_agent, err));
    koc__http_request rq = {.method = "GET",
                            .url = &url,
                            .headers = &headers,
                            .connect_timeout_ms = client->connect_timeout_ms,
                            .response_timeout_ms = PING_TIMEOUT_MS};
    koc__client_route(client, s->host, &rq);
    if (koc__exchange_fetch(client->transport, &rq, s->call, &reply, &body, NULL) != KOC_OK) {
        return koc__call_check(s->call, err);
    }
    return koc__challenge_of(&reply.headers, c, err);
}

static void challenged_basic(koc__session *s, const koc_credential *cred, bool rejected,
                             bool *again)
{
    *again = is_usable(cred) && !rejected;
    if (is_usable(cred) && rejected) {
        report_rejected(s);
    }
    s->renewed = *again;
}

static int challenged_bearer(koc__session *s, const koc__challenge *c, const koc_credential *cred,
                             bool rejected, bool *again, koc_error **err)
{
    if (rejected && cred && cred->kind == KOC_CRED_BEARER) {
        return KOC_OK; /* a token that the user gave cannot be renewed */
    }
    if (rejected) {
        KOC__TRY(renew_token(s, c, err));
        s->renewed = true;
    }
    *again = true;
    return KOC_OK;
}

int koc__session_challenged(koc__session *s, const koc__headers *reply, const koc__url *at,
                            bool *again, koc_error **err)
{
    KOC__AUTO_VAL(koc__challenge) c = KOC__CHALLENGE_INIT;
    KOC__AUTO(koc_credential) cred = NULL;
    KOC__TRY(koc__challenge_of(reply, &c, err));
    if (!koc__headers_get(reply, "WWW-Authenticate") && !s->sent) {
        KOC__TRY(ping_for_challenge(s, at, &c, err));
    }
    if (!c.bearer && !c.basic) {
        return c.others ? koc__error(err, KOC_EUNSUPPORTED,
                                     "the registry requires %s authentication, which is not "
                                     "supported",
                                     c.others)
                        : KOC_OK;
    }
    koc__scheme wanted = c.bearer ? KOC__SCHEME_BEARER : KOC__SCHEME_BASIC;
    bool rejected = s->sent && koc__login_scheme(s->host->login) == wanted;
    KOC__TRY(koc__login_set_challenge(s->host->login, &c, at, err));
    if (s->renewed) {
        if (rejected && !c.bearer) {
            report_rejected(s);
        }
        return KOC_OK;
    }
    KOC__TRY(get_credential(s, &cred, err));
    if (c.bearer) {
        return challenged_bearer(s, &c, cred, rejected, again, err);
    }
    challenged_basic(s, cred, rejected, again);
    return KOC_OK;
}

void koc__session_explain(const koc__host *h, const char *repository, koc_error **err)
{
    char text[512];
    if (koc__login_describe(h->login, repository, text, sizeof(text))) {
        koc__error_hint_on(err, KOC_HINT_OTHER_LOGIN, h->auth_name, "credentials used: %s, for %s",
                           text, h->auth_name);
    } else {
        koc__error_hint_on(err, KOC_HINT_LOGIN, h->auth_name, "log in to %s", h->auth_name);
    }
}

/* Credentials on requests: what the host wants, who we are there, tokens. */
#include "core/common.h"

#include "auth/auth.h"
#include "core/clean.h"
#include "core/text.h"
#include "registry/host/request.h"
#include "registry/host/retry.h"

#define TOKENS_MAX      256
#define LOGINS_MAX      256
#define PING_TIMEOUT_MS 30000

/* --- who we are ----------------------------------------------------------------------------------- */

static koc__login *find_login_locked(koc__host *h, const char *repository)
{
    for (size_t i = 0; i < h->n_logins; i++) {
        if (strcmp(h->logins[i].repository, repository) == 0) {
            return &h->logins[i];
        }
    }
    return NULL;
}

/* Takes cred (NULL: anonymous) on success. */
static int add_login_locked(koc__host *h, const char *repository, koc_credential *cred,
                            koc_error **err)
{
    if (h->n_logins >= LOGINS_MAX) {
        koc_credential_free(h->logins[0].cred);
        koc__free(h->logins[0].repository);
        h->logins[0] = h->logins[--h->n_logins];
    }
    if (!koc__grow((void **)&h->logins, &h->logins_capacity, h->n_logins + 1,
                   sizeof(h->logins[0]))) {
        return koc__oom(err);
    }
    char *name = koc__strdup(repository);
    if (!name) {
        return koc__oom(err);
    }
    h->logins[h->n_logins++] = (koc__login){name, cred, false};
    return KOC_OK;
}

/* A copy of the credential for repository; *out NULL: anonymous. Called inside the gate. */
static int look_up(koc__host *h, const char *repository, koc__call *call, koc_credential **out,
                   koc_error **err)
{
    KOC__AUTO(koc_credential) found = NULL;
    koc_credential *copy = NULL;
    bool known, had;

    pthread_mutex_lock(&h->mutex);
    koc__login *l = find_login_locked(h, repository);
    if (l && koc__credential_expired(l->cred)) {
        koc_credential_free(l->cred);
        koc__free(l->repository);
        *l = h->logins[--h->n_logins];
        l = NULL;
    }
    known = l != NULL;
    had = known && l->cred;
    copy = had ? koc__credential_dup(l->cred) : NULL;
    pthread_mutex_unlock(&h->mutex);
    if (had && !copy) {
        return koc__oom(err);
    }
    if (known) {
        *out = copy;
        return KOC_OK;
    }
    KOC__TRY(koc__auth_get(h->client->auth, h->login, repository, call, &found, err));
    if (found) {
        copy = koc__credential_dup(found);
        if (!copy) {
            return koc__oom(err);
        }
    }
    koc__log(h->client->ctx, KOC_LOG_DEBUG, "registry", "%s: credentials: %s", h->name,
             !found          ? "none"
             : found->source ? found->source
                             : "given");
    pthread_mutex_lock(&h->mutex);
    int rc = add_login_locked(h, repository, found, err);
    pthread_mutex_unlock(&h->mutex);
    if (rc != KOC_OK) {
        koc_credential_free(copy);
        return rc;
    }
    found = NULL;
    *out = copy;
    return KOC_OK;
}

static void mark_refused(koc__host *h, const char *repository)
{
    pthread_mutex_lock(&h->mutex);
    koc__login *l = find_login_locked(h, repository);
    if (l) {
        l->refused = true;
    }
    pthread_mutex_unlock(&h->mutex);
}

/* --- tokens in hand --------------------------------------------------------------------------------- */

static char *token_key(const koc__request *rq)
{
    return koc__format("%s|%s", rq->repository ? rq->repository : "",
                       rq->mount_from ? rq->mount_from : "");
}

/* A copy of a token good for rq, or NULL. */
static char *find_token(koc__host *h, const char *key, uint32_t actions)
{
    int64_t now = koc__monotonic_ms();
    char *found = NULL;

    pthread_mutex_lock(&h->mutex);
    for (size_t i = 0; i < h->n_tokens && !found; i++) {
        koc__token *t = &h->tokens[i];
        if (strcmp(t->key, key) == 0 && (t->actions & actions) == actions && t->expires_ms > now) {
            found = koc__strdup(t->value);
        }
    }
    pthread_mutex_unlock(&h->mutex);
    return found;
}

static void drop_token_locked(koc__host *h, size_t i)
{
    koc__wipe(h->tokens[i].value, strlen(h->tokens[i].value));
    koc__free(h->tokens[i].value);
    koc__free(h->tokens[i].key);
    h->tokens[i] = h->tokens[--h->n_tokens];
}

static void drop_tokens(koc__host *h, const char *key)
{
    pthread_mutex_lock(&h->mutex);
    for (size_t i = h->n_tokens; i-- > 0;) {
        if (!key || strcmp(h->tokens[i].key, key) == 0) {
            drop_token_locked(h, i);
        }
    }
    pthread_mutex_unlock(&h->mutex);
}

static int keep_token(koc__host *h, const char *key, uint32_t actions,
                      const koc__token_reply *reply, koc_error **err)
{
    koc__token t = {koc__strdup(key), actions, koc__strdup(reply->token),
                    koc__monotonic_ms() + reply->lifetime_ms};
    bool kept = false;

    pthread_mutex_lock(&h->mutex);
    if (h->n_tokens >= TOKENS_MAX) {
        drop_token_locked(h, 0);
    }
    if (t.key && t.value &&
        koc__grow((void **)&h->tokens, &h->tokens_capacity, h->n_tokens + 1,
                  sizeof(h->tokens[0]))) {
        h->tokens[h->n_tokens++] = t;
        kept = true;
    }
    pthread_mutex_unlock(&h->mutex);
    if (!kept) {
        koc__free(t.key);
        koc__free(t.value);
        return koc__oom(err);
    }
    return KOC_OK;
}

/* Inside the gate. demanded: the scope that a challenge named, or NULL. */
static int fetch_token(koc__host *h, const koc__request *rq, const char *demanded, koc__call *call,
                       char **out, koc_error **err)
{
    KOC__AUTO(koc_credential) cred = NULL;
    KOC__AUTO_VAL(koc__token_reply) reply = {NULL, 0};
    KOC__AUTO_STR key = token_key(rq);
    const char *repository = rq->repository ? rq->repository : "";

    if (!key) {
        return koc__oom(err);
    }
    KOC__TRY(look_up(h, repository, call, &cred, err));
    if (cred && cred->kind == KOC_CRED_BEARER) {
        *out = koc__strdup(cred->secret);
        return *out ? KOC_OK : koc__oom(err);
    }
    int rc = koc__token_fetch(h, rq, cred, demanded, true, call, &reply, err);
    if (rq->mount_from && (rc == KOC_EAUTH || rc == KOC_EDENIED)) {
        /* Some servers give nothing when one scope is refused: then without the source. */
        koc__error_clear(err);
        rc = koc__token_fetch(h, rq, cred, demanded, false, call, &reply, err);
    }
    if (rc == KOC_EAUTH && cred) {
        mark_refused(h, repository);
        koc__auth_rejected(h->client->auth, h->login, call);
    }
    if (rc == KOC_EAUTH) {
        koc__session_explain(h, repository, err);
    }
    KOC__TRY(rc);
    KOC__TRY(keep_token(h, key, rq->actions, &reply, err));
    *out = koc__steal(&reply.token);
    return KOC_OK;
}

/* --- on requests ---------------------------------------------------------------------------------------- */

static int bearer_header(koc__headers *headers, const char *token, koc_error **err)
{
    if (!koc__auth_is_token(koc__str(token))) {
        return koc__error(err, KOC_EAUTH, "the access token has characters that no token may have");
    }
    return koc__headers_printf(headers, "Authorization", err, "Bearer %s", token);
}

static int authorize_bearer(koc__host *h, const koc__request *rq, koc__call *call,
                            koc__headers *headers, koc_error **err)
{
    KOC__AUTO_STR key = token_key(rq);
    KOC__AUTO_STR token = key ? find_token(h, key, rq->actions) : NULL;

    if (!key) {
        return koc__oom(err);
    }
    if (!token) {
        KOC__TRY(koc__host_enter(h, KOC__GATE_LOGIN, call, err));
        token = find_token(h, key, rq->actions); /* perhaps somebody has just fetched it */
        int rc = token ? KOC_OK : fetch_token(h, rq, NULL, call, &token, err);
        koc__host_leave(h, KOC__GATE_LOGIN);
        KOC__TRY(rc);
    }
    int rc = bearer_header(headers, token, err);
    koc__wipe(token, strlen(token));
    return rc;
}

static int credential(koc__host *h, const koc__request *rq, koc__call *call, koc_credential **out,
                      koc_error **err)
{
    KOC__TRY(koc__host_enter(h, KOC__GATE_LOGIN, call, err));
    int rc = look_up(h, rq->repository ? rq->repository : "", call, out, err);
    koc__host_leave(h, KOC__GATE_LOGIN);
    return rc;
}

static int authorize_basic(koc__host *h, const koc__request *rq, koc__call *call,
                           koc__headers *headers, bool *sent, koc_error **err)
{
    KOC__AUTO(koc_credential) cred = NULL;

    KOC__TRY(credential(h, rq, call, &cred, err));
    if (!cred || (cred->kind != KOC_CRED_BASIC && cred->kind != KOC_CRED_BEARER)) {
        return KOC_OK;
    }
    *sent = true;
    return cred->kind == KOC_CRED_BASIC ? koc__basic_header(headers, cred, err)
                                        : bearer_header(headers, cred->secret, err);
}

int koc__session_authorize(koc__host *h, const koc__request *rq, koc__call *call,
                           koc__headers *headers, bool *sent, koc_error **err)
{
    pthread_mutex_lock(&h->mutex);
    koc__scheme scheme = h->scheme;
    pthread_mutex_unlock(&h->mutex);
    switch (scheme) {
    case KOC__SCHEME_BEARER: *sent = true; return authorize_bearer(h, rq, call, headers, err);
    case KOC__SCHEME_BASIC: return authorize_basic(h, rq, call, headers, sent, err);
    default: return KOC_OK;
    }
}

static int remember(koc__host *h, const koc__challenge *c, const koc__url *at, koc_error **err)
{
    KOC__AUTO_STR realm = koc__strdup(c->realm);
    KOC__AUTO_STR service = koc__strdup(c->service);
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;

    if ((c->realm && !realm) || (c->service && !service)) {
        return koc__oom(err);
    }
    KOC__TRY(koc__url_copy(at, &url, err));
    pthread_mutex_lock(&h->mutex);
    h->scheme = c->bearer ? KOC__SCHEME_BEARER : KOC__SCHEME_BASIC;
    koc__free(h->realm);
    koc__free(h->service);
    koc__url_dispose(&h->challenged_at);
    h->realm = koc__steal(&realm);
    h->service = koc__steal(&service);
    h->challenged_at = url;
    url = (koc__url)KOC__URL_INIT;
    pthread_mutex_unlock(&h->mutex);
    return KOC_OK;
}

/* The token we used was refused: fetch another, for what the challenge asks too. */
static int refetch(koc__host *h, const koc__request *rq, const koc__challenge *c, koc__call *call,
                   koc_error **err)
{
    KOC__AUTO_STR key = token_key(rq);
    KOC__AUTO_STR token = NULL;

    if (!key) {
        return koc__oom(err);
    }
    bool more = c->error && strcmp(c->error, "insufficient_scope") == 0 && c->scope;
    KOC__TRY(koc__host_enter(h, KOC__GATE_LOGIN, call, err));
    drop_tokens(h, key);
    int rc = fetch_token(h, rq, more ? c->scope : NULL, call, &token, err);
    koc__host_leave(h, KOC__GATE_LOGIN);
    if (token) {
        koc__wipe(token, strlen(token));
    }
    return rc;
}

/* A 401 that does not say what it wants: /v2/ may. */
static int ask_ping(koc__host *h, const koc__response *resp, koc__call *call, koc__challenge *c,
                    koc_error **err)
{
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    KOC__AUTO_VAL(koc__headers) headers = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__http_reply) reply = KOC__HTTP_REPLY_INIT;
    KOC__AUTO_VAL(koc__dynbuf) body = KOC__DYNBUF_INIT(KOC__ERROR_BODY_MAX);
    koc__failure why;

    KOC__TRY(koc__url_resolve(&resp->url, KOC__STR("/v2/"), &url, err));
    KOC__TRY(koc__headers_put(&headers, "User-Agent", h->client->user_agent, err));
    koc__http_request rq = {.method = "GET",
                            .url = &url,
                            .headers = &headers,
                            .connect_timeout_ms = h->client->connect_timeout_ms,
                            .response_timeout_ms = PING_TIMEOUT_MS};
    koc__client_route(h->client, h, &rq);
    if (koc__send_plain(h->client, &rq, KOC__ERROR_BODY_MAX, call, &reply, &body, &why, NULL) !=
        KOC_OK) {
        return koc__call_check(call, err);
    }
    return koc__challenge_of(&reply.headers, c, err);
}

static int no_challenge(const koc__challenge *c, koc_error **err)
{
    if (c->others) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "the registry wants a login by %s, which is not supported", c->others);
    }
    return KOC_OK;
}

int koc__session_challenged(koc__host *h, const koc__request *rq, const koc__response *resp,
                            bool authorized, bool *refreshed, bool *again, koc__call *call,
                            koc_error **err)
{
    KOC__AUTO_VAL(koc__challenge) c = KOC__CHALLENGE_INIT;
    KOC__AUTO(koc_credential) cred = NULL;

    KOC__TRY(koc__challenge_of(&resp->headers, &c, err));
    if (!koc__headers_get(&resp->headers, "WWW-Authenticate") && !authorized) {
        KOC__TRY(ask_ping(h, resp, call, &c, err));
    }
    if (!c.bearer && !c.basic) {
        return no_challenge(&c, err);
    }
    pthread_mutex_lock(&h->mutex);
    koc__scheme before = h->scheme;
    pthread_mutex_unlock(&h->mutex);
    bool same = before == (c.bearer ? KOC__SCHEME_BEARER : KOC__SCHEME_BASIC);
    KOC__TRY(remember(h, &c, &resp->url, err));
    if (*refreshed) {
        return KOC_OK;
    }
    KOC__TRY(credential(h, rq, call, &cred, err));
    if (!c.bearer) {
        bool usable = cred && (cred->kind == KOC_CRED_BASIC || cred->kind == KOC_CRED_BEARER);
        *again = usable && !(authorized && same);
        if (usable && !*again) {
            mark_refused(h, rq->repository ? rq->repository : "");
            koc__auth_rejected(h->client->auth, h->login, call);
        }
        *refreshed = *again;
        return KOC_OK;
    }
    if (authorized && same) {
        if (cred && cred->kind == KOC_CRED_BEARER) {
            mark_refused(h, rq->repository ? rq->repository : "");
            return KOC_OK; /* a ready token cannot be renewed */
        }
        KOC__TRY(refetch(h, rq, &c, call, err));
        *refreshed = true;
    }
    *again = true;
    return KOC_OK;
}

bool koc__session_is_anonymous(koc__host *h, const char *repository)
{
    pthread_mutex_lock(&h->mutex);
    const koc__login *l = find_login_locked(h, repository ? repository : "");
    bool anonymous = l && !l->cred;
    pthread_mutex_unlock(&h->mutex);
    return anonymous;
}

/* --- what is said -------------------------------------------------------------------------------------- */

/* Shorter ones would take words apart that have nothing to do with them. */
#define SECRET_MIN 4

static void mask(char *text, const char *secret)
{
    size_t n = strlen(secret);
    char *at;

    if (n < SECRET_MIN) {
        return;
    }
    for (at = strstr(text, secret); at; at = strstr(at, secret)) {
        memcpy(at, "...", 3);
        memmove(at + 3, at + n, strlen(at + n) + 1);
        at += 3;
    }
}

/* As it is, as Basic has it, and as it stands in a URL. */
static void mask_credential(char *text, const koc_credential *cred)
{
    KOC__AUTO_VAL(koc__dynbuf) plain = KOC__DYNBUF_INIT(128 << 10);
    KOC__AUTO_VAL(koc__dynbuf) basic = KOC__DYNBUF_INIT(256 << 10);
    KOC__AUTO_VAL(koc__dynbuf) percent = KOC__DYNBUF_INIT(256 << 10);

    int rc = koc__dynbuf_printf(&plain, NULL, "%s:%s", cred->username ? cred->username : "",
                                cred->secret);
    rc = rc == KOC_OK ? koc__base64(&basic, koc__dynbuf_view(&plain), false, NULL) : rc;
    rc = rc == KOC_OK ? koc__percent(&percent, koc__str(cred->secret), "", NULL) : rc;
    if (rc == KOC_OK) {
        mask(text, koc__dynbuf_cstr(&basic));
        mask(text, cred->secret);
        mask(text, koc__dynbuf_cstr(&percent));
    } else {
        text[0] = '\0';
    }
    koc__dynbuf_wipe(&plain);
    koc__dynbuf_wipe(&basic);
    koc__dynbuf_wipe(&percent);
}

void koc__session_scrub(void *host, char *text)
{
    koc__host *h = host;

    pthread_mutex_lock(&h->mutex);
    for (size_t i = 0; i < h->n_logins; i++) {
        if (h->logins[i].cred) {
            mask_credential(text, h->logins[i].cred);
        }
    }
    for (size_t i = 0; i < h->n_tokens; i++) {
        mask(text, h->tokens[i].value);
    }
    pthread_mutex_unlock(&h->mutex);
}

/* "docker config (/root/.docker/config.json), user koc": where they are from and whose, never more. */
static void describe(const koc_credential *cred, char *out, size_t size)
{
    char user[128] = "";

    if (cred->kind == KOC_CRED_BASIC && cred->username) {
        koc__clean_text(koc__str(cred->username), user, sizeof(user));
    }
    snprintf(out, size, "%s%s%s", cred->source ? cred->source : "given by the program",
             user[0] ? ", user " : "", user);
}

void koc__session_explain(koc__host *h, const char *repository, koc_error **err)
{
    char text[512] = "";

    pthread_mutex_lock(&h->mutex);
    koc__login *l = find_login_locked(h, repository ? repository : "");
    if (l && l->cred) {
        describe(l->cred, text, sizeof(text));
    }
    pthread_mutex_unlock(&h->mutex);
    if (text[0]) {
        koc__error_hint_on(err, KOC_HINT_OTHER_LOGIN, h->login, "credentials used: %s, for %s",
                           text, h->login);
    } else {
        koc__error_hint_on(err, KOC_HINT_LOGIN, h->login, "log in to %s", h->login);
    }
}

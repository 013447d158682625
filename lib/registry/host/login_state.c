#include "core/common.h"

#include "registry/host/login_state.h"

#include <pthread.h>

#include "core/clean.h"
#include "core/run/turn.h"
#include "core/text.h"

#define TOKENS_MAX 256
#define LOGINS_MAX 256
#define SECRET_MIN 4 /* a shorter secret would take apart words that have nothing to do with it */

typedef struct held_token {
    char *key; /* repository and mount source */
    uint32_t actions;
    char *value;
    int64_t expires_ms; /* by the monotonic clock */
} held_token;

typedef struct held_login {
    char *repository;
    koc_credential *cred; /* NULL: anonymous */
} held_login;

struct koc__login_state {
    koc__turn turn;
    pthread_mutex_t mutex; /* guards all below */
    koc__scheme scheme;
    char *realm;
    char *service;
    koc__url challenged_at; /* realms may be relative to it */
    held_token *tokens;
    size_t n_tokens, tokens_capacity;
    held_login *logins;
    size_t n_logins, logins_capacity;
};

koc__login_state *koc__login_new(void)
{
    koc__login_state *s = koc__calloc(1, sizeof(*s));
    if (s) {
        pthread_mutex_init(&s->mutex, NULL);
        koc__turn_init(&s->turn);
    }
    return s;
}

static void free_token(held_token *t)
{
    if (t->value) {
        koc__wipe(t->value, strlen(t->value));
    }
    koc__free(t->value);
    koc__free(t->key);
}

static void free_login(held_login *l)
{
    koc_credential_free(l->cred);
    koc__free(l->repository);
}

void koc__login_free(koc__login_state *s)
{
    if (!s) {
        return;
    }
    for (size_t i = 0; i < s->n_tokens; i++) {
        free_token(&s->tokens[i]);
    }
    for (size_t i = 0; i < s->n_logins; i++) {
        free_login(&s->logins[i]);
    }
    koc__free(s->tokens);
    koc__free(s->logins);
    koc__free(s->realm);
    koc__free(s->service);
    koc__url_dispose(&s->challenged_at);
    pthread_mutex_destroy(&s->mutex);
    koc__turn_destroy(&s->turn);
    koc__free(s);
}

int koc__login_enter(koc__login_state *s, koc__call *call, koc_error **err)
{
    return koc__turn_enter(&s->turn, call, err);
}

void koc__login_leave(koc__login_state *s)
{
    koc__turn_leave(&s->turn);
}

/* --- the challenge --- */

koc__scheme koc__login_scheme(koc__login_state *s)
{
    pthread_mutex_lock(&s->mutex);
    koc__scheme scheme = s->scheme;
    pthread_mutex_unlock(&s->mutex);
    return scheme;
}

int koc__login_set_challenge(koc__login_state *s, const koc__challenge *c, const koc__url *at,
                             koc_error **err)
{
    KOC__AUTO_STR realm = koc__strdup(c->realm);
    KOC__AUTO_STR service = koc__strdup(c->service);
    koc__url url = KOC__URL_INIT;
    if ((c->realm && !realm) || (c->service && !service)) {
        return koc__oom(err);
    }
    KOC__TRY(koc__url_copy(at, &url, err));
    pthread_mutex_lock(&s->mutex);
    s->scheme = c->bearer ? KOC__SCHEME_BEARER : KOC__SCHEME_BASIC;
    koc__free(s->realm);
    koc__free(s->service);
    koc__url_dispose(&s->challenged_at);
    s->realm = koc__steal(&realm);
    s->service = koc__steal(&service);
    s->challenged_at = url;
    pthread_mutex_unlock(&s->mutex);
    return KOC_OK;
}

int koc__login_realm(koc__login_state *s, koc__url *realm, char **service, koc_error **err)
{
    pthread_mutex_lock(&s->mutex);
    int rc = koc__realm_resolve(&s->challenged_at, s->realm, realm, err);
    if (rc == KOC_OK && s->service) {
        *service = koc__strdup(s->service);
        rc = *service ? KOC_OK : koc__oom(err);
    }
    pthread_mutex_unlock(&s->mutex);
    return rc;
}

bool koc__login_is_origin(koc__login_state *s, const koc__url *u)
{
    pthread_mutex_lock(&s->mutex);
    bool same = koc__url_same_origin(u, &s->challenged_at);
    pthread_mutex_unlock(&s->mutex);
    return same;
}

/* --- credentials --- */

static held_login *find_login_locked(koc__login_state *s, const char *repository)
{
    for (size_t i = 0; i < s->n_logins; i++) {
        if (strcmp(s->logins[i].repository, repository) == 0) {
            return &s->logins[i];
        }
    }
    return NULL;
}

int koc__login_find(koc__login_state *s, const char *repository, bool *known, koc_credential **out,
                    koc_error **err)
{
    pthread_mutex_lock(&s->mutex);
    held_login *l = find_login_locked(s, repository);
    if (l && koc__credential_expired(l->cred)) {
        free_login(l);
        *l = s->logins[--s->n_logins];
        l = NULL;
    }
    koc_credential *copy = l ? koc__credential_dup(l->cred) : NULL;
    bool oom = l && l->cred && !copy;
    *known = l != NULL;
    pthread_mutex_unlock(&s->mutex);
    if (oom) {
        return koc__oom(err);
    }
    *out = copy;
    return KOC_OK;
}

static bool add_login_locked(koc__login_state *s, held_login added)
{
    if (s->n_logins >= LOGINS_MAX) {
        free_login(&s->logins[0]);
        s->logins[0] = s->logins[--s->n_logins];
    }
    if (!koc__grow((void **)&s->logins, &s->logins_capacity, s->n_logins + 1,
                   sizeof(s->logins[0]))) {
        return false;
    }
    s->logins[s->n_logins++] = added;
    return true;
}

int koc__login_add(koc__login_state *s, const char *repository, koc_credential *cred,
                   koc_error **err)
{
    char *name = koc__strdup(repository);
    pthread_mutex_lock(&s->mutex);
    bool added = name && add_login_locked(s, (held_login){name, cred});
    pthread_mutex_unlock(&s->mutex);
    if (!added) {
        koc__free(name);
        return koc__oom(err);
    }
    return KOC_OK;
}

bool koc__login_is_anonymous(koc__login_state *s, const char *repository)
{
    pthread_mutex_lock(&s->mutex);
    const held_login *l = find_login_locked(s, repository ? repository : "");
    bool anonymous = l && !l->cred;
    pthread_mutex_unlock(&s->mutex);
    return anonymous;
}

bool koc__login_describe(koc__login_state *s, const char *repository, char *out, size_t size)
{
    char user[128] = "";
    pthread_mutex_lock(&s->mutex);
    const held_login *l = find_login_locked(s, repository ? repository : "");
    const koc_credential *cred = l ? l->cred : NULL;
    if (cred && cred->kind == KOC_CRED_BASIC && cred->username) {
        koc__clean_text(koc__str(cred->username), user, sizeof(user));
    }
    if (cred) {
        snprintf(out, size, "%s%s%s", cred->source ? cred->source : "given by the program",
                 user[0] ? ", user " : "", user);
    }
    pthread_mutex_unlock(&s->mutex);
    return cred != NULL;
}

/* --- tokens --- */

char *koc__login_find_token(koc__login_state *s, const char *key, uint32_t actions)
{
    int64_t now = koc__monotonic_ms();
    char *found = NULL;
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < s->n_tokens && !found; i++) {
        const held_token *t = &s->tokens[i];
        if (strcmp(t->key, key) == 0 && (t->actions & actions) == actions && t->expires_ms > now) {
            found = koc__strdup(t->value);
        }
    }
    pthread_mutex_unlock(&s->mutex);
    return found;
}

static void drop_token_locked(koc__login_state *s, size_t i)
{
    free_token(&s->tokens[i]);
    s->tokens[i] = s->tokens[--s->n_tokens];
}

void koc__login_drop_tokens(koc__login_state *s, const char *key)
{
    pthread_mutex_lock(&s->mutex);
    for (size_t i = s->n_tokens; i-- > 0;) {
        if (strcmp(s->tokens[i].key, key) == 0) {
            drop_token_locked(s, i);
        }
    }
    pthread_mutex_unlock(&s->mutex);
}

int koc__login_add_token(koc__login_state *s, const char *key, uint32_t actions,
                         const koc__token_reply *reply, koc_error **err)
{
    held_token t = {koc__strdup(key), actions, koc__strdup(reply->token),
                    koc__monotonic_ms() + reply->lifetime_ms};
    bool added = false;

    pthread_mutex_lock(&s->mutex);
    if (s->n_tokens >= TOKENS_MAX) {
        drop_token_locked(s, 0);
    }
    if (t.key && t.value &&
        koc__grow((void **)&s->tokens, &s->tokens_capacity, s->n_tokens + 1,
                  sizeof(s->tokens[0]))) {
        s->tokens[s->n_tokens++] = t;
        added = true;
    }
    pthread_mutex_unlock(&s->mutex);
    if (!added) {
        free_token(&t);
        return koc__oom(err);
    }
    return KOC_OK;
}

/* --- secrets in texts --- */

static void mask_secret(char *text, const char *secret)
{
    size_t n = strlen(secret);
    if (n < SECRET_MIN) {
        return;
    }
    for (char *at = strstr(text, secret); at; at = strstr(at, secret)) {
        memcpy(at, "...", 3);
        memmove(at + 3, at + n, strlen(at + n) + 1);
        at += 3;
    }
}

/* The secret itself, as Basic encodes it, and as a URL encodes it. */
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
        mask_secret(text, koc__dynbuf_cstr(&basic));
        mask_secret(text, cred->secret);
        mask_secret(text, koc__dynbuf_cstr(&percent));
    } else {
        text[0] = '\0';
    }
    koc__dynbuf_wipe(&plain);
    koc__dynbuf_wipe(&basic);
    koc__dynbuf_wipe(&percent);
}

void koc__login_scrub(void *state, char *text)
{
    koc__login_state *s = state;
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < s->n_logins; i++) {
        if (s->logins[i].cred) {
            mask_credential(text, s->logins[i].cred);
        }
    }
    for (size_t i = 0; i < s->n_tokens; i++) {
        mask_secret(text, s->tokens[i].value);
    }
    pthread_mutex_unlock(&s->mutex);
}

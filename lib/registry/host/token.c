#include "core/common.h"

#include "registry/host/token.h"

#include "auth/auth.h"

#include "core/text.h"
#include "text/json.h"

#define LIFETIME_DEFAULT 60
#define LIFETIME_MAX     (24 * 3600)

int koc__scope_add(koc_strlist *scopes, const char *repository, uint32_t actions, koc_error **err)
{
    return koc__strlist_addf(scopes, err, "repository:%s:%s%s%s", repository,
                             actions & KOC__ACT_PULL ? "pull" : "",
                             actions & KOC__ACT_PUSH ? ",push" : "",
                             !(actions & KOC__ACT_DELETE) ? ""
                             : actions & KOC__ACT_PULL    ? ",delete"
                                                          : "delete");
}

int koc__scope_demand(koc_strlist **scopes, const char *demanded, koc_error **err)
{
    KOC__AUTO(koc_strlist) list = NULL;
    koc_str rest = koc__str(demanded), scope;
    KOC__TRY(koc__strlist_new(&list, err));
    while (koc__str_word(&rest, &scope)) {
        KOC__TRY(koc__strlist_add_n(list, scope, err));
    }
    for (size_t i = 0; i < koc_strlist_count(*scopes); i++) {
        const char *s = koc_strlist_get(*scopes, i);
        if (!koc__strlist_has(list, s)) {
            KOC__TRY(koc__strlist_add(list, s, err));
        }
    }
    koc_strlist *old = *scopes;
    *scopes = koc__steal(&list);
    koc_strlist_free(old);
    return KOC_OK;
}

int koc__realm_resolve(const koc__url *registry, const char *realm, koc__url *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
    int rc = koc__url_resolve(registry, koc__str(realm), &u, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "the registry's token server");
    }
    if (!u.https && registry->https) {
        return koc__error(err, KOC_EDENIED,
                          "the registry names a token server with plain http (http://%s): refused",
                          u.host);
    }
    *out = u;
    u = (koc__url)KOC__URL_INIT;
    return KOC_OK;
}

int koc__token_query(koc__url *realm, const char *service, const koc_strlist *scopes,
                     const char *account, koc_error **err)
{
    if (service) {
        KOC__TRY(koc__url_add_query(realm, "service", koc__str(service), err));
    }
    for (size_t i = 0; i < koc_strlist_count(scopes); i++) {
        KOC__TRY(koc__url_add_query(realm, "scope", koc__str(koc_strlist_get(scopes, i)), err));
    }
    if (account) {
        KOC__TRY(koc__url_add_query(realm, "account", koc__str(account), err));
    }
    return koc__url_add_query(realm, "client_id", KOC__STR("koc"), err);
}

static int put_field(koc__dynbuf *out, const char *name, const char *value, koc_error **err)
{
    if (out->len > 0) {
        KOC__TRY(koc__dynbuf_putc(out, '&', err));
    }
    KOC__TRY(koc__dynbuf_puts(out, name, err));
    KOC__TRY(koc__dynbuf_putc(out, '=', err));
    return koc__percent(out, koc__str(value), "", err);
}

int koc__token_form(koc__dynbuf *out, const char *service, const koc_strlist *scopes,
                    const char *refresh_token, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) all = KOC__DYNBUF_INIT(KOC__URL_MAX);
    for (size_t i = 0; i < koc_strlist_count(scopes); i++) {
        if (i > 0) {
            KOC__TRY(koc__dynbuf_putc(&all, ' ', err));
        }
        KOC__TRY(koc__dynbuf_puts(&all, koc_strlist_get(scopes, i), err));
    }
    KOC__TRY(put_field(out, "grant_type", "refresh_token", err));
    KOC__TRY(put_field(out, "refresh_token", refresh_token, err));
    if (service) {
        KOC__TRY(put_field(out, "service", service, err));
    }
    KOC__TRY(put_field(out, "client_id", "koc", err));
    return put_field(out, "scope", koc__dynbuf_cstr(&all), err);
}

bool koc__token_post_unsupported(int status, bool has_username)
{
    if (status == 404 || status == 405) {
        return true;
    }
    return has_username && (status == 400 || status == 401 || status == 403);
}

/* Tokens are renewed 10 % early, at least 5 s: one must not expire on its way to the registry. */
static int64_t lifetime_ms(const koc__jnode *n)
{
    uint64_t seconds = LIFETIME_DEFAULT;
    if (!koc__json_u64(n, &seconds) || seconds < LIFETIME_DEFAULT) {
        seconds = LIFETIME_DEFAULT;
    }
    seconds = KOC__MIN(seconds, (uint64_t)LIFETIME_MAX);
    int64_t all = (int64_t)seconds * 1000;
    return all - KOC__MAX(all / 10, 5000);
}

int koc__token_reply_read(koc_str body, koc__token_reply *out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__json_parse(body, KOC__TOKEN_REPLY_MAX, "reply of the token server", &doc, err));
    const koc__jnode *root = koc__json_root(doc);
    const char *token = koc__json_str(koc__json_get_folded(root, "access_token"));
    if (!token || !token[0]) {
        token = koc__json_str(koc__json_get_folded(root, "token"));
    }
    if (!token || !koc__auth_is_token(koc__str(token))) {
        return koc__error(err, KOC_EAUTH, "the token server's reply has no usable token");
    }
    char *copy = koc__strdup(token);
    if (!copy) {
        return koc__oom(err);
    }
    out->token = copy;
    out->lifetime_ms = lifetime_ms(koc__json_get_folded(root, "expires_in"));
    return KOC_OK;
}

void koc__token_reply_dispose(koc__token_reply *r)
{
    if (r->token) {
        koc__wipe(r->token, strlen(r->token));
        koc__free(r->token);
        r->token = NULL;
    }
}

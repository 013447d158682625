#include "core/common.h"

#include "auth/auth_config.h"

#include "core/dynbuf.h"
#include "core/str.h"
#include "core/text.h"

#define SECRET_MAX ((size_t)64 << 10)

bool koc__config_is_hub(koc_str host)
{
    return koc__str_is(host, "docker.io") || koc__str_is(host, "index.docker.io") ||
           koc__str_is(host, "registry-1.docker.io");
}

static bool same_host(koc_str a, koc_str b)
{
    return koc__str_ieq(a, b) || (koc__config_is_hub(a) && koc__config_is_hub(b));
}

/* The host that a key names, or empty when the key is bound to a path. */
static koc_str host_of_key(koc_str key)
{
    koc_str host = key, path = {"", 0};
    bool scheme = false;
    if (koc__str_starts(key, "https://") || koc__str_starts(key, "http://")) {
        scheme = true;
        host = koc__str_from(key, koc__str_starts(key, "https://") ? 8 : 7);
    }
    if (koc__str_cut(host, '/', &host, &path) && !scheme && path.len > 0 &&
        !koc__str_is(path, "v1/") && !koc__str_is(path, "v2/") && !koc__str_is(path, "v1") &&
        !koc__str_is(path, "v2")) {
        return (koc_str){"", 0};
    }
    return host;
}

bool koc__config_key_is_host(const char *key, const char *registry)
{
    return same_host(host_of_key(koc__str(key)), koc__str(registry));
}

const char *koc__config_helper_key(const char *registry)
{
    return koc__config_is_hub(koc__str(registry)) ? KOC__HUB_KEY : registry;
}

const char *koc__config_helper(const koc__jnode *root, const char *registry, const char **how)
{
    const koc__jnode *helpers = koc__json_get_folded(root, "credHelpers");
    const char *store = koc__json_str(koc__json_get_folded(root, "credsStore"));
    *how = "credHelpers";
    for (const koc__jnode *n = koc__json_child(helpers); n; n = koc__json_next(n)) {
        koc_str host = host_of_key(koc__str(koc__json_name(n)));
        if (same_host(host, koc__str(registry)) && koc__json_str(n) && koc__json_str(n)[0]) {
            return koc__json_str(n);
        }
    }
    *how = "credsStore";
    return store && store[0] ? store : NULL;
}

/* Whether key, without a scheme, is "registry/some/path" and repository is at or below that
 * path. */
static bool path_matches(koc_str key, koc_str registry, koc_str repository)
{
    koc_str host, path;
    if (!koc__str_cut(key, '/', &host, &path) || !same_host(host, registry) || path.len == 0) {
        return false;
    }
    if (path.len > repository.len || memcmp(path.ptr, repository.ptr, path.len) != 0) {
        return false;
    }
    return path.len == repository.len || repository.ptr[path.len] == '/';
}

/* The best matches so far. */
typedef struct search {
    koc_str registry, repository;
    const char *helper_key;
    const koc__jnode *by_path, *by_host;
    size_t path_len;
} search;

static void search_auths(search *s, const koc__jnode *auths)
{
    for (const koc__jnode *n = koc__json_child(auths); n; n = koc__json_next(n)) {
        koc_str key = koc__str(koc__json_name(n));
        if (path_matches(key, s->registry, s->repository) && key.len >= s->path_len) {
            s->by_path = n;
            s->path_len = key.len;
        }
        bool exact = koc__str_eq(key, s->registry) || koc__str_is(key, s->helper_key);
        if ((exact || !s->by_host) && same_host(host_of_key(key), s->registry)) {
            s->by_host = n;
        }
    }
}

const koc__jnode *koc__config_entry(const koc__jnode *root, bool legacy, const char *registry,
                                    const char *repository)
{
    search s = {
        koc__str(registry), koc__str(repository), koc__config_helper_key(registry), NULL, NULL, 0};

    if (legacy) {
        search_auths(&s, root);
    }
    /* Go merges "auths" and "Auths". */
    for (const koc__jnode *n = koc__json_child(root); n && !legacy; n = koc__json_next(n)) {
        if (koc__json_name_folds(n, "auths")) {
            search_auths(&s, n);
        }
    }
    return s.by_path ? s.by_path : s.by_host;
}

/* "user:password" from base64. */
static int read_auth(const char *text, const char *source, const char *identity,
                     const char **broken, koc_credential **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) plain = KOC__DYNBUF_INIT(SECRET_MAX);
    koc_str user, password;
    int rc = koc__unbase64(&plain, koc__str_trim(koc__str(text)), NULL);
    if (rc == KOC_ENOMEM) {
        return koc__oom(err);
    }
    if (rc != KOC_OK || !koc__str_cut(koc__dynbuf_view(&plain), ':', &user, &password)) {
        *broken = rc != KOC_OK ? "its \"auth\" is not base64" : "its \"auth\" is not user:password";
        koc__dynbuf_wipe(&plain);
        return KOC_OK;
    }
    while (password.len > 0 && password.ptr[password.len - 1] == '\0') {
        password.len--;
    }
    bool token = koc__str_is(user, "<token>");
    if (identity) {
        rc = koc__credential_make(KOC_CRED_IDENTITY_TOKEN, user, koc__str(identity), out, err, "%s",
                                  source);
    } else if (token) {
        rc = koc__credential_make(KOC_CRED_IDENTITY_TOKEN, (koc_str){NULL, 0}, password, out, err,
                                  "%s", source);
    } else if (user.len > 0 || password.len > 0) {
        rc = koc__credential_make(KOC_CRED_BASIC, user, password, out, err, "%s", source);
    }
    koc__dynbuf_wipe(&plain);
    if (rc == KOC_EINVAL) {
        koc__error_clear(err);
        *broken = "its \"auth\" has characters that no credential may have";
        return KOC_OK;
    }
    return rc;
}

/* A string, or NULL; docker writes nothing else. */
static const char *string_member(const koc__jnode *entry, const char *name, const char **broken)
{
    const koc__jnode *n = koc__json_get_folded(entry, name);
    if (n && !koc__json_str(n)) {
        *broken = "a member of it is not a string";
    }
    return koc__json_str(n);
}

int koc__config_credential(const koc__jnode *entry, const char *source, const char **broken,
                           koc_credential **out, koc_error **err)
{
    bool valid = koc__json_is(entry, KOC__JSON_OBJECT) || koc__json_is(entry, KOC__JSON_NULL);
    *broken = valid ? NULL : "it is not an object";
    const char *auth = string_member(entry, "auth", broken);
    const char *user = string_member(entry, "username", broken);
    const char *password = string_member(entry, "password", broken);
    const char *identity = string_member(entry, "identitytoken", broken);
    const char *ready = string_member(entry, "registrytoken", broken);

    if (*broken) {
        return KOC_OK;
    }
    if (ready && ready[0]) {
        return koc__credential_make(KOC_CRED_BEARER, (koc_str){NULL, 0}, koc__str(ready), out, err,
                                    "%s", source);
    }
    identity = identity && identity[0] ? identity : NULL;
    if (auth && auth[0]) {
        return read_auth(auth, source, identity, broken, out, err);
    }
    if (identity) {
        return koc__credential_make(KOC_CRED_IDENTITY_TOKEN, koc__str(user), koc__str(identity),
                                    out, err, "%s", source);
    }
    if (user && user[0] && password) {
        return koc__credential_make(KOC_CRED_BASIC, koc__str(user), koc__str(password), out, err,
                                    "%s", source);
    }
    return KOC_OK;
}

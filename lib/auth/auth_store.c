/*
 * Login and logout: writes or removes one entry of docker's configuration and keeps everything else
 * in the file. If the configuration names a helper program, the helper gets the secret instead.
 */
#include "core/common.h"

#include <koc/auth.h>

#include "auth/auth_config.h"
#include "auth/auth_helper.h"
#include "core/env.h"
#include "core/io/fs.h"
#include "core/str.h"
#include "core/text.h"
#include "text/json_write.h"

#define CONFIG_MAX ((size_t)1 << 20)

/* One change of one file. */
typedef struct change {
    const char *registry;
    const koc_credential *cred; /* NULL: remove */
    bool marker;                /* a helper has the secret: the entry is {} */
    koc__jw w;
} change;

static char *config_path_of(const char *given)
{
    const char *directory = koc__env_nonempty("DOCKER_CONFIG");
    KOC__AUTO_STR home = koc__home();
    if (given && given[0]) {
        return koc__strdup(given);
    }
    if (directory) {
        return koc__format("%s/config.json", directory);
    }
    return home ? koc__format("%s/.docker/config.json", home) : NULL;
}

/* The file's document; an empty object when there is none. */
static int read_config(const char *path, koc__json **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(CONFIG_MAX);
    if (koc__fs_exists(path)) {
        KOC__TRY(koc__fs_read_file(path, &text, err));
    }
    if (koc__str_trim(koc__dynbuf_view(&text)).len == 0) {
        koc__dynbuf_clear(&text);
        KOC__TRY(koc__dynbuf_puts(&text, "{}", err));
    }
    int rc = koc__json_parse(koc__dynbuf_view(&text), CONFIG_MAX, path, out, NULL);
    koc__dynbuf_wipe(&text);
    if (rc == KOC_ENOMEM) {
        return koc__oom(err);
    }
    if (rc != KOC_OK || !koc__json_is(koc__json_root(*out), KOC__JSON_OBJECT)) {
        return koc__error(err, KOC_EFORMAT, "%s is not a JSON object: nothing was changed", path);
    }
    return KOC_OK;
}

static int write_entry(change *c, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) plain = KOC__DYNBUF_INIT(CONFIG_MAX);
    KOC__AUTO_VAL(koc__dynbuf) auth = KOC__DYNBUF_INIT(2 * CONFIG_MAX);
    const koc_credential *cred = c->cred;
    koc__jw_object(&c->w);
    if (!c->marker && cred->kind == KOC_CRED_BEARER) {
        koc__jw_kv(&c->w, "registrytoken", cred->secret);
    } else if (!c->marker) {
        bool identity = cred->kind == KOC_CRED_IDENTITY_TOKEN;
        KOC__TRY(koc__dynbuf_printf(&plain, err, "%s:%s", cred->username ? cred->username : "",
                                    identity ? "" : cred->secret));
        int rc = koc__base64(&auth, koc__dynbuf_view(&plain), false, err);
        koc__dynbuf_wipe(&plain);
        KOC__TRY(rc);
        if (!identity || cred->username) {
            koc__jw_kv(&c->w, "auth", koc__dynbuf_cstr(&auth));
        }
        koc__jw_kv(&c->w, "identitytoken", identity ? cred->secret : NULL);
        koc__dynbuf_wipe(&auth);
    }
    koc__jw_object_end(&c->w);
    return KOC_OK;
}

/* with_entry: the new entry goes here; a file may have both "auths" and "Auths". */
static int write_auths(change *c, const koc__jnode *auths, bool with_entry, koc_error **err)
{
    const char *key = koc__config_helper_key(c->registry);
    koc__jw_key(&c->w, auths ? koc__json_name(auths) : "auths");
    koc__jw_object(&c->w);
    for (const koc__jnode *n = koc__json_child(auths); n; n = koc__json_next(n)) {
        if (!koc__config_key_is_host(koc__json_name(n), c->registry)) {
            koc__jw_key(&c->w, koc__json_name(n));
            koc__jw_node(&c->w, n);
        }
    }
    if (c->cred && with_entry) {
        koc__jw_key(&c->w, key);
        KOC__TRY(write_entry(c, err));
    }
    koc__jw_object_end(&c->w);
    return KOC_OK;
}

/* Indents with tabs, as docker and ko do. Strings of JSON do not contain line ends, so lines can
 * be edited. */
static int put_with_tabs(koc__dynbuf *out, koc_str text, koc_error **err)
{
    bool start = true;
    for (size_t i = 0; i < text.len; i++) {
        char ch = text.ptr[i];
        KOC__TRY(koc__dynbuf_putc(out, start && ch == ' ' ? '\t' : ch, err));
        start = ch == '\n' || (start && ch == ' ');
    }
    return KOC_OK;
}

static int write_config(const char *path, const koc__jnode *root, change *c, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(2 * CONFIG_MAX);
    KOC__AUTO_VAL(koc__dynbuf) tabs = KOC__DYNBUF_INIT(2 * CONFIG_MAX);
    bool had = false;
    koc__jw_begin(&c->w, &text, 1, 0);
    koc__jw_object(&c->w);
    int rc = KOC_OK;
    for (const koc__jnode *n = koc__json_child(root); n && rc == KOC_OK; n = koc__json_next(n)) {
        if (koc__json_name_folds(n, "auths")) {
            rc = write_auths(c, n, !had, err);
            had = true;
            continue;
        }
        koc__jw_key(&c->w, koc__json_name(n));
        koc__jw_node(&c->w, n);
    }
    if (rc == KOC_OK && !had && c->cred) {
        rc = write_auths(c, NULL, true, err);
    }
    koc__jw_object_end(&c->w);
    int end = koc__jw_end(&c->w, rc == KOC_OK ? err : NULL);
    rc = rc == KOC_OK ? end : rc;
    if (rc == KOC_OK) {
        rc = put_with_tabs(&tabs, koc__dynbuf_view(&text), err);
    }
    if (rc == KOC_OK) {
        rc = koc__fs_replace_file(path, koc__dynbuf_view(&tabs), 0600, err);
    }
    koc__dynbuf_wipe(&text);
    koc__dynbuf_wipe(&tabs);
    return rc;
}

static int make_directory(const char *path, koc_error **err)
{
    const char *slash = strrchr(path, '/');
    KOC__AUTO_STR directory = slash ? koc__strndup(path, (size_t)(slash - path)) : NULL;
    if (slash && !directory) {
        return koc__oom(err);
    }
    return directory && directory[0] ? koc__fs_mkdirs(directory, 0700, err) : KOC_OK;
}

/* Writes to the target of a symbolic link, which stays: people keep configurations under version
 * control. */
static int follow_link(char **path, koc_error **err)
{
    char *real = NULL;
    if (!koc__fs_exists(*path)) {
        return KOC_OK;
    }
    KOC__TRY(koc__fs_realpath(*path, &real, err));
    koc__free(*path);
    *path = real;
    return KOC_OK;
}

static bool holds_host(const koc__jnode *auths, const char *registry)
{
    for (const koc__jnode *n = koc__json_child(auths); n; n = koc__json_next(n)) {
        if (koc__config_key_is_host(koc__json_name(n), registry)) {
            return true;
        }
    }
    return false;
}

/* Fails if there is nothing to remove. A helper that cannot say gets the request to erase
 * anyway. */
static int check_kept(const koc__jnode *root, const char *helper, const char *registry,
                      const char *path, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_credential) found = NULL;
    for (const koc__jnode *auths = koc__json_child(root); auths; auths = koc__json_next(auths)) {
        if (koc__json_name_folds(auths, "auths") && holds_host(auths, registry)) {
            return KOC_OK;
        }
    }
    if (helper && (koc__helper_get(helper, koc__config_helper_key(registry), helper, call, &found,
                                   NULL) != KOC_OK ||
                   found)) {
        return KOC_OK;
    }
    return koc__error(err, KOC_ENOTFOUND, "not logged in to %s: %s%s%s has no entry for it",
                      koc__streq(registry, "index.docker.io") ? "docker.io" : registry,
                      helper ? "docker-credential-" : "", helper ? helper : "", helper ? "" : path);
}

static int change_config(const char *given, const char *registry, const koc_credential *cred,
                         const koc_op *user, koc_buf *where, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_STR path = config_path_of(given);
    KOC__AUTO(koc__json) doc = NULL;
    const char *how;
    if (!path) {
        return koc__no_home(err, "there is no home directory to keep credentials in");
    }
    KOC__TRY(koc__call_begin(&call, NULL, user, err));
    KOC__TRY(follow_link(&path, err));
    KOC__TRY(read_config(path, &doc, err));
    const char *helper = koc__config_helper(koc__json_root(doc), registry, &how);
    change c = {.registry = registry, .cred = cred, .marker = helper != NULL};
    if (!cred) {
        KOC__TRY(check_kept(koc__json_root(doc), helper, registry, path, &call, err));
    }
    if (helper) {
        KOC__TRY(koc__helper_put(helper, koc__config_helper_key(registry), cred, &call, err));
    }
    KOC__TRY(make_directory(path, err));
    KOC__TRY(write_config(path, koc__json_root(doc), &c, err));
    return where ? koc_buf_set(where, koc__str(path), err) : KOC_OK;
}

int koc_auth_docker_store(const char *config_path, const char *registry, const koc_credential *cred,
                          const koc_op *op, koc_buf *where, koc_error **err)
{
    if (!registry || !cred) {
        return koc__misuse(err, "koc_auth_docker_store: registry or cred is NULL");
    }
    return change_config(config_path, registry, cred, op, where, err);
}

int koc_auth_docker_erase(const char *config_path, const char *registry, const koc_op *op,
                          koc_buf *where, koc_error **err)
{
    if (!registry) {
        return koc__misuse(err, "koc_auth_docker_erase: registry is NULL");
    }
    return change_config(config_path, registry, NULL, op, where, err);
}

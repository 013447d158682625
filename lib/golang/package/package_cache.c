/*
 * Caches answers of `go list`. A record has the stamps of the files on which the answer depends: go.mod,
 * go.work and vendor/modules.txt in each place where go looks for them (whether they exist or not), and
 * the file of `go env -w`. If an answer is stale nevertheless, the build detects it.
 */
#include "core/common.h"

#include "core/env.h"
#include "core/io/cache.h"
#include "core/path.h"
#include "core/text.h"
#include "golang/go_command.h"
#include "golang/package/package.h"
#include "text/json.h"
#include "text/json_write.h"

#define KIND       "golist"
#define RECORD_MAX ((size_t)256 << 10)

/* --- the key --- */

/* -modfile and -overlay name files that a record does not contain. */
bool koc__go_list_may_keep(const koc__go_list_question *q)
{
    KOC__AUTO_STR flags = NULL;
    return q->cache && q->env &&
           koc__go_value(q->tool, q->env, "GOFLAGS", &flags, NULL) == KOC_OK &&
           !(flags && (strstr(flags, "-modfile") || strstr(flags, "-overlay")));
}

static bool may_keep(const koc__go_list_question *q, const char *pattern)
{
    return koc__go_list_may_keep(q) && !strstr(pattern, "...");
}

int koc__go_list_key(const koc__go_list_question *q, const char *pattern, koc__dynbuf *key,
                     koc_error **err)
{
    const koc__stamp *s = &q->tool_stamp;
    KOC__TRY(koc__dynbuf_printf(key, err, "2\n%s\n%llu %lld %llu\n%s\n%s\n", q->tool,
                                (unsigned long long)s->size, (long long)s->mtime_ns,
                                (unsigned long long)s->inode, q->dir, pattern));
    for (size_t i = 0; i < koc_strlist_count(q->env); i++) {
        const char *item = koc_strlist_get(q->env, i);
        if (koc__go_var_matters(item)) {
            KOC__TRY(koc__dynbuf_printf(key, err, "%s\n", item));
        }
    }
    return KOC_OK;
}

/* --- the files --- */

static int add_path(koc_strlist *files, const char *dir, const char *name, koc_error **err)
{
    KOC__AUTO_STR path = koc__path_join(dir, name);
    return path ? koc__strlist_add(files, path, err) : koc__oom(err);
}

/* name in dir and in the directories above, up to the first that has it, and the vendor list beside it. */
static int add_upwards(koc_strlist *files, const char *dir, const char *name, koc_error **err)
{
    KOC__AUTO_STR at = koc__strdup(dir);
    for (;;) {
        if (!at) {
            return koc__oom(err);
        }
        KOC__AUTO_STR path = koc__path_join(at, name);
        if (!path) {
            return koc__oom(err);
        }
        KOC__TRY(koc__strlist_add(files, path, err));
        if (koc__fs_exists(path)) {
            return add_path(files, at, "vendor/modules.txt", err);
        }
        koc_str parent = koc__path_dir(koc__str(at));
        if (koc__str_is(parent, at)) {
            return KOC_OK;
        }
        char *up = koc__str_dup(parent);
        koc__free(at);
        at = up;
    }
}

int koc__go_module_files(const koc__go_list_question *q, const char *package_dir, koc_strlist **out,
                         koc_error **err)
{
    KOC__AUTO(koc_strlist) files = NULL;
    KOC__TRY(koc__strlist_new(&files, err));
    KOC__AUTO_STR work = NULL;
    KOC__TRY(koc__go_value(q->tool, q->env, "GOWORK", &work, err));
    if (!work) {
        KOC__TRY(add_upwards(files, q->dir, "go.work", err));
    } else if (!koc__streq(work, "off")) {
        KOC__TRY(koc__strlist_add(files, work, err));
    }
    KOC__TRY(add_upwards(files, q->dir, "go.mod", err));
    KOC__TRY(add_upwards(files, package_dir, "go.mod", err));
    KOC__TRY(koc__go_value_files(q->tool, q->env, files, err));
    *out = koc__steal(&files);
    return KOC_OK;
}

/* "size mtime ctime inode"; "-": the file does not exist. False: it cannot be read. */
static bool format_stamp(const char *path, char out[128])
{
    koc__stamp s;
    koc_error *why = NULL;
    int rc = koc__fs_stamp(path, true, &s, &why);
    koc_error_free(why);
    if (rc == KOC_ENOTFOUND) {
        snprintf(out, 128, "-");
        return true;
    }
    snprintf(out, 128, "%llu %lld %lld %llu", (unsigned long long)s.size, (long long)s.mtime_ns,
             (long long)s.ctime_ns, (unsigned long long)s.inode);
    return rc == KOC_OK;
}

/* --- records --- */

int koc__go_list_keep(const koc__go_list_question *q, const koc__go_package *p, koc_error **err)
{
    if (!may_keep(q, p->pattern) || p->error || p->standard || !koc__streq(p->name, "main")) {
        return KOC_OK;
    }
    KOC__AUTO(koc_strlist) files = NULL;
    KOC__AUTO_VAL(koc__dynbuf) key = KOC__DYNBUF_INIT(RECORD_MAX);
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(RECORD_MAX);
    KOC__TRY(koc__go_list_key(q, p->pattern, &key, err));
    KOC__TRY(koc__go_module_files(q, p->dir, &files, err));
    koc__jw w;
    bool known = true;
    koc__jw_begin(&w, &text, 0, 0);
    koc__jw_object(&w);
    koc__jw_kv(&w, "import_path", p->import_path);
    koc__jw_kv(&w, "dir", p->dir);
    koc__jw_key(&w, "files");
    koc__jw_array(&w);
    for (size_t i = 0; i < koc_strlist_count(files); i++) {
        char stamp[128];
        known = known && format_stamp(koc_strlist_get(files, i), stamp);
        koc__jw_str(&w, koc_strlist_get(files, i));
        koc__jw_str(&w, stamp);
    }
    koc__jw_array_end(&w);
    koc__jw_object_end(&w);
    KOC__TRY(koc__jw_end(&w, err));
    if (!known) {
        return KOC_OK;
    }
    /* A cache that cannot be written must not fail the build. */
    (void)koc__cache_put(q->cache, KIND, koc__dynbuf_view(&key), koc__dynbuf_view(&text), NULL);
    return KOC_OK;
}

static bool unchanged(const koc__jnode *files)
{
    const koc__jnode *n = koc__json_child(files);
    for (; n; n = koc__json_next(n)) {
        const char *path = koc__json_str(n);
        n = koc__json_next(n);
        const char *then = koc__json_str(n);
        char now[128];
        if (!path || !then || !format_stamp(path, now) || !koc__streq(now, then)) {
            return false;
        }
    }
    return true;
}

int koc__go_list_recall(const koc__go_list_question *q, const char *pattern, bool *found,
                        koc__go_listing *out, koc_error **err)
{
    *found = false;
    if (!may_keep(q, pattern)) {
        return KOC_OK;
    }
    KOC__AUTO_VAL(koc__dynbuf) key = KOC__DYNBUF_INIT(RECORD_MAX);
    KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    KOC__TRY(koc__go_list_key(q, pattern, &key, err));
    bool there = false;
    KOC__TRY(
        koc__cache_get(q->cache, KIND, koc__dynbuf_view(&key), RECORD_MAX, &there, &text, err));
    KOC__AUTO(koc__json) doc = NULL;
    if (!there ||
        koc__json_parse(koc__str_n(text.ptr, text.len), RECORD_MAX, KIND, &doc, NULL) != KOC_OK) {
        return KOC_OK;
    }
    const koc__jnode *root = koc__json_root(doc);
    const char *import_path = koc__json_get_str(root, "import_path");
    const char *dir = koc__json_get_str(root, "dir");
    if (!import_path || !dir || !unchanged(koc__json_get(root, "files")) || !koc__fs_is_dir(dir)) {
        return KOC_OK;
    }
    koc__go_package *p = koc__go_listing_add(out);
    if (!p) {
        return koc__oom(err);
    }
    p->pattern = koc__strdup(pattern);
    p->name = koc__strdup("main");
    p->import_path = koc__strdup(import_path);
    p->dir = koc__strdup(dir);
    *found = true;
    return p->pattern && p->name && p->import_path && p->dir ? KOC_OK : koc__oom(err);
}

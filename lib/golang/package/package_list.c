/* Finds the packages of patterns: from the cache, else with as few runs of `go list` as possible. */
#include "core/common.h"

#include <time.h>

#include "core/path.h"
#include "golang/go_command.h"
#include "golang/package/package.h"

#define KEY_MAX ((size_t)1 << 20)

static int recall_pattern(const koc__go_list_question *q, const char *pattern, koc__call *call,
                          bool *found, koc__go_listing *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) key = KOC__DYNBUF_INIT(KEY_MAX);
    KOC__TRY(koc__go_list_recall(q, pattern, found, out, err));
    if (*found || !strstr(pattern, "...") || !koc__go_list_may_keep(q)) {
        return KOC_OK;
    }
    KOC__TRY(koc__go_list_key(q, pattern, &key, err));
    return koc__go_tree_recall(q, pattern, koc__dynbuf_view(&key), call, found, out, err);
}

/* go's answer for a directory that contains modules of a go.work but is in none of them. */
static bool is_between_modules(const koc__go_package *p)
{
    return p->error && strstr(p->error, "does not contain modules listed in go.work");
}

/* For each pattern that go found in no module, adds the packages of the modules below. */
static int list_modules(const koc__go_list_question *q, size_t known, koc__call *call,
                        koc__go_listing *out, koc_error **err)
{
    size_t count = out->count;
    for (size_t i = known; i < count; i++) {
        bool found = false;
        if (is_between_modules(&out->items[i])) {
            KOC__TRY(koc__go_list_modules(q, out->items[i].pattern, call, &found, out, err));
        }
    }
    return KOC_OK;
}

static int list_unknown(const koc__go_list_question *q, const koc_strlist *patterns,
                        koc__call *call, koc__go_listing *out, koc_error **err)
{
    KOC__AUTO(koc_strlist) plain = NULL;
    KOC__TRY(koc__strlist_new(&plain, err));
    for (size_t i = 0; i < koc_strlist_count(patterns); i++) {
        const char *pattern = koc_strlist_get(patterns, i);
        bool found = false;
        if (koc__streq(pattern, "...")) { /* for go this includes the standard library */
            KOC__TRY(koc__go_list_modules(q, pattern, call, &found, out, err));
        }
        if (!found) {
            KOC__TRY(koc__strlist_add(plain, pattern, err));
        }
    }
    size_t known = out->count;
    if (koc_strlist_count(plain) > 0) {
        KOC__TRY(koc__go_list_run(q, plain, call, out, err));
    }
    return list_modules(q, known, call, out, err);
}

static bool has_package(const koc__go_listing *l, const char *pattern, const char *import_path)
{
    for (size_t i = 0; i < l->count; i++) {
        if (koc__streq(l->items[i].import_path, import_path) &&
            koc__streq(l->items[i].pattern, pattern)) {
            return true;
        }
    }
    return false;
}

/* Without cgo, go list skips packages that need it, even with -e. Adds them as such. */
static int add_cgo_mains(const koc__go_list_question *q, const char *pattern, koc__call *call,
                         koc__go_listing *out, koc_error **err)
{
    KOC__AUTO(koc_strlist) env = NULL;
    KOC__AUTO(koc_strlist) patterns = NULL;
    KOC__AUTO_VAL(koc__go_listing) with = {0};
    bool any = false;
    KOC__TRY(koc__go_tree_has_cgo(q, pattern, call, &any, err));
    if (!any) {
        return KOC_OK;
    }
    KOC__TRY(koc__strlist_new(&env, err));
    for (size_t i = 0; i < koc_strlist_count(q->env); i++) {
        const char *item = koc_strlist_get(q->env, i);
        bool is_switch = koc__str_starts(koc__str(item), "CGO_ENABLED=");
        KOC__TRY(koc__strlist_add(env, is_switch ? "CGO_ENABLED=1" : item, err));
    }
    KOC__TRY(koc__strlist_new(&patterns, err));
    KOC__TRY(koc__strlist_add(patterns, pattern, err));
    koc__go_list_question with_cgo = *q;
    with_cgo.env = env;
    KOC__TRY(list_unknown(&with_cgo, patterns, call, &with, err));
    for (size_t i = 0; i < with.count; i++) {
        koc__go_package *p = &with.items[i];
        if (koc__streq(p->name, "main") && !p->error && !p->standard &&
            !has_package(out, pattern, p->import_path)) {
            koc__go_package *to = koc__go_listing_add(out);
            if (!to) {
                return koc__oom(err);
            }
            *to = *p;
            to->needs_cgo = true;
            *p = (koc__go_package){0};
        }
    }
    return KOC_OK;
}

static int keep_trees(const koc__go_list_question *q, const koc_strlist *patterns, int64_t began_ns,
                      const koc__go_listing *l, koc_error **err)
{
    for (size_t i = 0; i < koc_strlist_count(patterns) && koc__go_list_may_keep(q); i++) {
        const char *pattern = koc_strlist_get(patterns, i);
        KOC__AUTO_VAL(koc__dynbuf) key = KOC__DYNBUF_INIT(KEY_MAX);
        if (strstr(pattern, "...")) {
            KOC__TRY(koc__go_list_key(q, pattern, &key, err));
            KOC__TRY(koc__go_tree_keep(q, pattern, koc__dynbuf_view(&key), began_ns, l, err));
        }
    }
    return KOC_OK;
}

int koc__go_list(koc_ctx *ctx, koc__go_env *go_env, const koc_strlist *patterns,
                 const koc__go_list_options *o, koc__call *call, koc__go_listing *out,
                 koc_error **err)
{
    KOC__AUTO_STR absolute = NULL;
    KOC__AUTO(koc_strlist) unknown = NULL;
    KOC__TRY(koc__path_abs(o->dir ? o->dir : ".", &absolute, err));
    KOC__TRY(koc__strlist_new(&unknown, err));
    koc__go_list_question q = {.cache = ctx ? ctx->cache : NULL, .dir = absolute, .env = o->env};
    KOC__TRY(koc__go_tool(go_env, &q.tool, &q.tool_stamp, err));
    for (size_t i = 0; i < koc_strlist_count(patterns); i++) {
        const char *pattern = koc_strlist_get(patterns, i);
        bool found = false;
        if (!o->fresh) {
            KOC__TRY(recall_pattern(&q, pattern, call, &found, out, err));
        }
        if (!found) {
            KOC__TRY(koc__strlist_add(unknown, pattern, err));
        }
    }
    size_t known = out->count;
    struct timespec began;
    clock_gettime(CLOCK_REALTIME, &began);
    if (koc_strlist_count(unknown) > 0) {
        KOC__TRY(list_unknown(&q, unknown, call, out, err));
    }
    bool without_cgo = o->env && koc__streq(koc__go_var_get(o->env, "CGO_ENABLED"), "0");
    for (size_t i = 0; without_cgo && i < koc_strlist_count(unknown); i++) {
        if (strstr(koc_strlist_get(unknown, i), "...")) {
            KOC__TRY(add_cgo_mains(&q, koc_strlist_get(unknown, i), call, out, err));
        }
    }
    for (size_t i = known; i < out->count; i++) {
        KOC__TRY(koc__go_list_keep(&q, &out->items[i], err));
    }
    return keep_trees(&q, unknown, (int64_t)began.tv_sec * 1000000000 + began.tv_nsec, out, err);
}

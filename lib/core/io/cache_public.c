/* The public functions of the cache: its usage, pruning, clearing. */
#include "core/common.h"

#include <koc/ext/cache.h>

#include <fcntl.h>

#include "core/io/cache_layout.h"
#include "core/path.h"
#include "core/run/context.h"
#include "core/str.h"
#include "core/text.h"

#define DEPTH_MAX 32
/* The limit for the size of the cache, and how often it is checked. */
#define SIZE_LIMIT ((uint64_t)10 << 30)
#define TIDY_EVERY ((int64_t)24 * 60 * 60)

static int no_cache(koc_error **err)
{
    return koc__error(err, KOC_ENOTFOUND, "there is no cache");
}

const char *koc_cache_dir(const koc_ctx *ctx)
{
    return ctx && ctx->cache ? ctx->cache->dir : NULL;
}

/* --- what is in it --- */

static uint64_t size_below(const char *path, unsigned depth)
{
    KOC__AUTO(koc_strlist) names = NULL;
    struct stat st;
    if (lstat(path, &st) != 0) {
        return 0;
    }
    uint64_t size = (uint64_t)st.st_blocks * 512;
    if (!S_ISDIR(st.st_mode) || depth > DEPTH_MAX || koc__fs_list(path, &names, NULL) != KOC_OK) {
        return size;
    }
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        KOC__AUTO_STR child = koc__path_join(path, koc_strlist_get(names, i));
        size += child ? size_below(child, depth + 1) : 0;
    }
    return size;
}

static int report_kind(const koc__cache *c, const char *area, const char *kind,
                       koc_cache_usage_fn fn, void *payload, koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    KOC__AUTO_STR name = koc__path_join(area, kind);
    KOC__AUTO_STR path = name ? koc__path_join(c->root, name) : NULL;
    if (!path) {
        return koc__oom(err);
    }
    if (koc__fs_list(path, &names, NULL) != KOC_OK) {
        return KOC_OK; /* it was removed meanwhile */
    }
    if (fn(name, koc_strlist_count(names), size_below(path, 0), payload) != 0) {
        return koc__error(err, KOC_EUSER, "ended by the caller");
    }
    return KOC_OK;
}

int koc_cache_usage(koc_ctx *ctx, koc_cache_usage_fn fn, void *payload, koc_error **err)
{
    static const char *const areas[] = {"blobs", "files", "records"};
    if (!ctx || !fn) {
        return koc__misuse(err, "koc_cache_usage: ctx and fn must be given");
    }
    if (!ctx->cache) {
        return no_cache(err);
    }
    for (size_t i = 0; i < KOC__COUNT(areas); i++) {
        KOC__AUTO(koc_strlist) kinds = NULL;
        KOC__AUTO_STR top = koc__path_join(ctx->cache->root, areas[i]);
        if (!top) {
            return koc__oom(err);
        }
        if (koc__fs_list(top, &kinds, NULL) != KOC_OK) {
            continue;
        }
        for (size_t k = 0; k < koc_strlist_count(kinds); k++) {
            KOC__TRY(
                report_kind(ctx->cache, areas[i], koc_strlist_get(kinds, k), fn, payload, err));
        }
    }
    return KOC_OK;
}

/* --- making room --- */

int koc_cache_prune(koc_ctx *ctx, uint64_t max_bytes, uint64_t *freed, koc_error **err)
{
    if (!ctx) {
        return koc__misuse(err, "koc_cache_prune: ctx must be given");
    }
    return ctx->cache ? koc__cache_prune(ctx->cache, max_bytes, freed, err) : no_cache(err);
}

int koc_cache_clear(koc_ctx *ctx, koc_error **err)
{
    if (!ctx) {
        return koc__misuse(err, "koc_cache_clear: ctx must be given");
    }
    if (!ctx->cache) {
        return no_cache(err);
    }
    /* In one step for other processes: none sees half of it. */
    const koc__cache *c = ctx->cache;
    KOC__AUTO_STR away = koc__format("%s.%ld.cleared", c->root, (long)getpid());
    KOC__AUTO_STR tmp = koc__path_join(c->root, "tmp");
    if (!away || !tmp) {
        return koc__oom(err);
    }
    KOC__TRY(koc__fs_remove(away, err)); /* of a process with this id that was killed */
    if (rename(c->root, away) != 0 && errno != ENOENT) {
        return koc__error_errno(err, errno, "cannot clear the cache %s", c->dir);
    }
    KOC__TRY(koc__fs_remove(away, err));
    return koc__fs_mkdirs(tmp, 0700, err);
}

void koc__cache_tidy(koc__cache *c)
{
    KOC__AUTO_STR mark = c ? koc__path_join(c->root, "tidied") : NULL;
    struct stat st;
    if (!mark) {
        return;
    }
    bool known = stat(mark, &st) == 0;
    int64_t age = known ? koc__now() - (int64_t)st.st_mtime : 0;
    if (known && age >= 0 && age < TIDY_EVERY) {
        return;
    }
    (void)koc__fs_write_file(mark, KOC__STR(""), 0600, NULL);
    if (known) {
        (void)koc__cache_prune(c, SIZE_LIMIT, NULL, NULL);
    }
}

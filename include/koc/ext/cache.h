/*
 * koc/ext/cache.h: looking at the cache of a context, and making room in it.
 *
 * ext/ headers may change in any minor version before they move up.
 */
#ifndef KOC_EXT_CACHE_H
#define KOC_EXT_CACHE_H

#include <koc/base.h>
#include <koc/context.h>

KOC_BEGIN_DECLS

/** Told of each kind of content: "blobs/sha256", "records/layer", "files/bin". bytes: on disk. Runs on the
 * calling thread; a non-zero return ends the call, KOC_EUSER. */
typedef int (*koc_cache_usage_fn)(const char *kind, uint64_t entries, uint64_t bytes,
                                  void *payload);

/** The folder of ctx's cache; NULL: it has none. Borrowed from ctx. */
KOC_API const char *koc_cache_dir(const koc_ctx *ctx);
/** What the cache holds, kind by kind in byte order. KOC_ENOTFOUND: ctx has no cache. */
KOC_API int koc_cache_usage(koc_ctx *ctx, koc_cache_usage_fn fn, void *payload, koc_error **err);
/** Removes what was not used for longest until the whole takes at most max_bytes. What was used within the
 * hour, or is in use, stays. freed (bytes) may be NULL. KOC_ENOTFOUND: ctx has no cache. */
KOC_API int koc_cache_prune(koc_ctx *ctx, uint64_t max_bytes, uint64_t *freed, koc_error **err);
/** Removes all of it. Builds that run meanwhile may fail, but never make a wrong image. */
KOC_API int koc_cache_clear(koc_ctx *ctx, koc_error **err);

KOC_END_DECLS
#endif

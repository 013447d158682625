/*
 * koc/ext/cache.h: what the cache of a context holds, and how to prune it.
 *
 * Headers in ext/ may change in any minor version (docs/abi.md).
 */
#ifndef KOC_EXT_CACHE_H
#define KOC_EXT_CACHE_H

#include <koc/base.h>
#include <koc/context.h>

KOC_BEGIN_DECLS

/** Called once per kind of content: "blobs/sha256", "records/layer", "files/bin". bytes: on disk. Runs on the calling
 * thread. A non-zero return ends the call with KOC_EUSER. */
typedef int (*koc_cache_usage_fn)(const char *kind, uint64_t entries, uint64_t bytes,
                                  void *payload);

/** The directory of ctx's cache, borrowed from ctx; NULL: ctx has no cache. */
KOC_API const char *koc_cache_dir(const koc_ctx *ctx);
/** Reports what the cache holds, kind by kind in byte order. KOC_ENOTFOUND: ctx has no cache. */
KOC_API int koc_cache_usage(koc_ctx *ctx, koc_cache_usage_fn fn, void *payload, koc_error **err);
/** Removes the least recently used entries until the cache has at most max_bytes. Entries that are in use or were used
 * within the last hour stay. freed (bytes) may be NULL. KOC_ENOTFOUND: ctx has no cache. */
KOC_API int koc_cache_prune(koc_ctx *ctx, uint64_t max_bytes, uint64_t *freed, koc_error **err);
/** Removes everything. Builds that run at the same time may fail, but never build a wrong image. */
KOC_API int koc_cache_clear(koc_ctx *ctx, koc_error **err);

KOC_END_DECLS
#endif

#include "core/common.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "core/clean.h"
#include "core/io/cache.h"
#include "core/run/call.h"
#include "core/run/context.h"
#include "core/run/pool.h"
#include "core/str.h"

enum { MOST_THREADS = 16, LINE_MAX_BYTES = 4096 };

/* Buffers in flight: what a thread needs to read, compress and write a chunk. */
static const uint64_t memory_per_thread = 5 << 19; /* 2.5 MiB */

static unsigned online_cores(void)
{
    long n;
#ifdef __linux__
    cpu_set_t set;

    /* The cores that this process may use: in a container perhaps not all. */
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        return (unsigned)CPU_COUNT(&set);
    }
#endif
    n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

static int open_cache(koc_ctx *ctx, const char *dir, koc_error **err)
{
    koc_error *e = NULL;
    int rc = koc__cache_open(dir[0] ? dir : NULL, &ctx->cache, &e);
    if (rc == KOC_ENOMEM) {
        return koc__error_move(err, &e);
    }
    if (rc != KOC_OK) {
        koc__log(ctx, KOC_LOG_WARN, "cache", "working without a cache: %s", koc_error_message(e));
    }
    koc_error_free(e);
    return KOC_OK;
}

static int check(const koc_ctx_options *o, koc_error **err)
{
    if (o->flags != 0) {
        return koc__misuse(err, "koc_ctx_new: unknown flags");
    }
    if (o->log_level < KOC_LOG_ERROR || o->log_level > KOC_LOG_TRACE) {
        return koc__error(err, KOC_EMISUSE, "koc_ctx_new: log_level %d is not one of KOC_LOG_*",
                          (int)o->log_level);
    }
    if (o->threads > 1024) {
        return koc__error(err, KOC_EINVAL, "%u threads are more than the limit of 1024",
                          (unsigned)o->threads);
    }
    return KOC_OK;
}

int koc_ctx_new(const koc_ctx_options *opts, koc_ctx **out, koc_error **err)
{
    KOC__AUTO(koc_ctx) ctx = NULL;
    koc_ctx_options o;
    if (!out) {
        return koc__misuse(err, "koc_ctx_new: out is NULL");
    }
    KOC__TRY(koc__options_copy(&o, sizeof(o), opts, "koc_ctx_options", err));
    KOC__TRY(check(&o, err));
    ctx = koc__calloc(1, sizeof(*ctx));
    if (!ctx) {
        return koc__oom(err);
    }
    atomic_init(&ctx->refs, 1);
    ctx->log = o.log;
    ctx->log_payload = o.log_payload;
    ctx->log_level = o.log_level;
    ctx->threads = o.threads ? o.threads : KOC__MIN(online_cores(), MOST_THREADS);
    ctx->max_memory = o.max_memory ? o.max_memory : ctx->threads * memory_per_thread;
    ctx->pool = koc__pool_new(ctx->threads);
    if (!ctx->pool) {
        return koc__oom(err);
    }
    if (o.cache_dir) {
        KOC__TRY(open_cache(ctx, o.cache_dir, err));
    }
    ctx->log_release = o.log_release; /* now that nothing can fail */
    *out = koc__steal(&ctx);
    return KOC_OK;
}

koc_ctx *koc_ctx_ref(koc_ctx *ctx)
{
    if (ctx) {
        atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
    }
    return ctx;
}

void koc_ctx_unref(koc_ctx *ctx)
{
    if (ctx && atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel) == 1) {
        koc__pool_free(ctx->pool);
        if (ctx->cache) {
            koc__cache_free(ctx->cache);
        }
        if (ctx->log_release) {
            ctx->log_release(ctx->log_payload);
        }
        koc__free(ctx);
    }
}

void koc__log(koc_ctx *ctx, int32_t level, const char *component, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    koc__call *call = koc__call_current();
    va_list args;
    if (!koc__log_wants(ctx, level)) {
        return;
    }
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (n < 0) {
        return;
    }
    koc__str_printable(line);
    koc__redact(line);
    if (call && call->ctx == ctx) {
        koc__call_log(call, level, component, line);
    } else {
        ctx->log(level, component, line, ctx->log_payload);
    }
}

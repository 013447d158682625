/* The inside of koc_ctx. */
#ifndef KOC__CONTEXT_H
#define KOC__CONTEXT_H

#include <stdatomic.h>

#include <koc/context.h>

#include "core/cleanup.h"
#include "core/options.h"

typedef struct koc__pool koc__pool;
typedef struct koc__cache koc__cache;

struct koc_ctx {
    atomic_uint refs;
    koc_log_fn log;
    void *log_payload;
    void (*log_release)(void *log_payload);
    int32_t log_level;
    unsigned threads;    /* never 0 */
    uint64_t max_memory; /* never 0 */
    koc__pool *pool;     /* never NULL; threads start with the first job */
    koc__cache *cache;   /* or NULL */
};

/* Logs a line of at most 4 KiB; formats nothing if it is not wanted. Do not log secrets: koc__redact is only
 * a safety net. ctx may be NULL. component is a literal. On a task's thread the line is queued for the
 * caller's thread. */
void koc__log(koc_ctx *ctx, int32_t level, const char *component, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static inline bool koc__log_wants(const koc_ctx *ctx, int32_t level)
{
    return ctx && ctx->log && level <= ctx->log_level;
}

/* Replaces text that looks like a secret by "***", in place: Authorization and cookie headers, token=…,
 * password in a URL. A last line of defence: do not log secrets. */
void koc__redact(char *line);

KOC__DEFINE_AUTO(koc_ctx, koc_ctx_unref);
KOC__DEFINE_AUTO(koc_cancel, koc_cancel_unref);

#endif

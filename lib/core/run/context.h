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
    int32_t log_level;
    unsigned threads;    /* never 0 */
    uint64_t max_memory; /* never 0 */
    koc__pool *pool;     /* never NULL; threads start with the first job */
    koc__cache *cache;   /* or NULL */
};

/* Formats only when somebody listens, to 4 KiB. Secrets must not get this far: see koc__redact. ctx may be
 * NULL. component is a literal. From a task's thread the line goes to the caller's thread. */
void koc__log(koc_ctx *ctx, int32_t level, const char *component, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static inline bool koc__log_wants(const koc_ctx *ctx, int32_t level)
{
    return ctx && ctx->log && level <= ctx->log_level;
}

/* Replaces what looks like a secret in a line of text by "***", in place: Authorization and cookie
 * headers, token=…, password in a URL. A last line of defence: do not log secrets. */
void koc__redact(char *line);

KOC__DEFINE_AUTO(koc_ctx, koc_ctx_unref);
KOC__DEFINE_AUTO(koc_cancel, koc_cancel_unref);

#endif

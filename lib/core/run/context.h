/* The inside of koc_ctx. */
#ifndef KOC__CONTEXT_H
#define KOC__CONTEXT_H

#include <stdatomic.h>

#include <koc/context.h>

#include "core/cleanup.h"

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

/* Copies min(given, known) bytes of a sized struct into a zeroed local; KOC_EMISUSE when struct_size is
 * too small to hold itself, or when a larger struct has non-zero bytes past what is known. from NULL:
 * all defaults. Sets local's struct_size to known. */
int koc__options_copy(void *local, size_t known, const void *from, const char *what,
                      koc_error **err);
/* The same for an array of n, whose elements are as big as the caller knows them: *out is an array of those
 * known here, to be freed with koc__free. */
int koc__options_list(const void *list, size_t n, size_t known, const char *what, void **out,
                      koc_error **err);
/* Fills in a sized struct of the caller's as far as the caller knows it; koc__options_copy took it before. */
void koc__options_give(void *to, size_t known, const void *local);

KOC__DEFINE_AUTO(koc_ctx, koc_ctx_unref);
KOC__DEFINE_AUTO(koc_cancel, koc_cancel_unref);

#endif

/* A growing buffer born with a maximum. ptr[len] is NUL once anything was appended. */
#ifndef KOC__BUF_H
#define KOC__BUF_H

#include <stdarg.h>

#include <koc/base.h>

#include <koc/context.h>

#include "core/cleanup.h"

typedef struct koc__buf {
    char *ptr;
    size_t len;
    size_t capacity;
    size_t max; /* bytes of content; more is KOC_ELIMIT */
} koc__buf;
/* clang-format off */
#define KOC__BUF_INIT(maximum) { NULL, 0, 0, (maximum) }
/* clang-format on */

int koc__buf_reserve(koc__buf *b, size_t extra, koc_error **err);
int koc__buf_append(koc__buf *b, const void *data, size_t len, koc_error **err);
int koc__buf_puts(koc__buf *b, const char *s, koc_error **err);
int koc__buf_putc(koc__buf *b, char c, koc_error **err);
int koc__buf_put(koc__buf *b, koc_str s, koc_error **err);
int koc__buf_printf(koc__buf *b, koc_error **err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int koc__buf_vprintf(koc__buf *b, koc_error **err, const char *fmt, va_list args);
void koc__buf_clear(koc__buf *b); /* len 0, memory kept */
void koc__buf_dispose(koc__buf *b);
void koc__buf_wipe(koc__buf *b); /* dispose after overwriting */
koc_str koc__buf_view(const koc__buf *b);
const char *koc__buf_cstr(const koc__buf *b); /* "" when empty */
char *koc__buf_steal(koc__buf *b);            /* owned by the caller; NULL: out of memory */
void koc__buf_give(koc__buf *b,
                   koc_buf *out); /* moves into a public buffer (disposing its old content) */
/* snprintf into fresh memory; NULL: out of memory. */
char *koc__format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

KOC__DEFINE_AUTO_VAL(koc__buf, koc__buf_dispose);
KOC__DEFINE_AUTO_VAL(koc_buf, koc_buf_dispose);

#endif

/* A growing buffer with a maximum size. ptr[len] is NUL after the first append. */
#ifndef KOC__DYNBUF_H
#define KOC__DYNBUF_H

#include <stdarg.h>

#include <koc/base.h>

#include <koc/context.h>

#include "core/cleanup.h"

typedef struct koc__dynbuf {
    char *ptr;
    size_t len;
    size_t capacity;
    size_t max; /* bytes of content; more is KOC_ELIMIT */
} koc__dynbuf;
/* clang-format off */
#define KOC__DYNBUF_INIT(maximum) { NULL, 0, 0, (maximum) }
/* clang-format on */

int koc__dynbuf_reserve(koc__dynbuf *b, size_t extra, koc_error **err);
int koc__dynbuf_append(koc__dynbuf *b, const void *data, size_t len, koc_error **err);
int koc__dynbuf_puts(koc__dynbuf *b, const char *s, koc_error **err);
int koc__dynbuf_putc(koc__dynbuf *b, char c, koc_error **err);
int koc__dynbuf_put(koc__dynbuf *b, koc_str s, koc_error **err);
int koc__dynbuf_printf(koc__dynbuf *b, koc_error **err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int koc__dynbuf_vprintf(koc__dynbuf *b, koc_error **err, const char *fmt, va_list args);
void koc__dynbuf_clear(koc__dynbuf *b); /* len 0, memory kept */
void koc__dynbuf_dispose(koc__dynbuf *b);
void koc__dynbuf_wipe(koc__dynbuf *b); /* dispose after overwriting */
koc_str koc__dynbuf_view(const koc__dynbuf *b);
const char *koc__dynbuf_cstr(const koc__dynbuf *b); /* "" when empty */
char *koc__dynbuf_steal(koc__dynbuf *b);            /* owned by the caller; NULL: out of memory */
void koc__dynbuf_give(koc__dynbuf *b,
                      koc_buf *out); /* moves into a public buffer (disposing its old content) */
/* snprintf into fresh memory; NULL: out of memory. */
char *koc__format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same under KOC__TRY: *out is the text, or KOC_ENOMEM. */
int koc__formatf(char **out, koc_error **err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

KOC__DEFINE_AUTO_VAL(koc__dynbuf, koc__dynbuf_dispose);
KOC__DEFINE_AUTO_VAL(koc_buf, koc_buf_dispose);

#endif

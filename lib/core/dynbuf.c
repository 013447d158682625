#include "core/common.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/dynbuf.h"

int koc__dynbuf_reserve(koc__dynbuf *b, size_t extra, koc_error **err)
{
    size_t need;
    size_t room = b->capacity ? b->capacity - 1 : 0;
    if (!koc__add_size(b->len, extra, &need) || need > b->max || need == SIZE_MAX) {
        return koc__error(err, KOC_ELIMIT, "more than the limit of %zu bytes", b->max);
    }
    if (need <= room && b->ptr) {
        return KOC_OK;
    }
    /* Half as much again, at least 64, at most the maximum. */
    room = KOC__MAX(KOC__MAX(need, 64), room + room / 2);
    room = KOC__MIN(room, KOC__MAX(b->max, need));
    char *grown = koc__realloc(b->ptr, room + 1);
    if (!grown) {
        return koc__oom(err);
    }
    b->ptr = grown;
    b->capacity = room + 1;
    b->ptr[b->len] = '\0';
    return KOC_OK;
}

int koc__dynbuf_append(koc__dynbuf *b, const void *data, size_t len, koc_error **err)
{
    KOC__TRY(koc__dynbuf_reserve(b, len, err));
    if (len > 0) {
        memcpy(b->ptr + b->len, data, len);
        b->len += len;
    }
    b->ptr[b->len] = '\0';
    return KOC_OK;
}

int koc__dynbuf_puts(koc__dynbuf *b, const char *s, koc_error **err)
{
    return koc__dynbuf_append(b, s, strlen(s), err);
}

int koc__dynbuf_putc(koc__dynbuf *b, char c, koc_error **err)
{
    return koc__dynbuf_append(b, &c, 1, err);
}

int koc__dynbuf_put(koc__dynbuf *b, koc_str s, koc_error **err)
{
    return koc__dynbuf_append(b, s.ptr, s.len, err);
}

int koc__dynbuf_vprintf(koc__dynbuf *b, koc_error **err, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0) {
        return koc__error(err, KOC_EINVAL, "cannot format \"%s\"", fmt);
    }
    KOC__TRY(koc__dynbuf_reserve(b, (size_t)n, err));
    vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, args);
    b->len += (size_t)n;
    return KOC_OK;
}

int koc__dynbuf_printf(koc__dynbuf *b, koc_error **err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int rc = koc__dynbuf_vprintf(b, err, fmt, args);
    va_end(args);
    return rc;
}

void koc__dynbuf_clear(koc__dynbuf *b)
{
    b->len = 0;
    if (b->ptr) {
        b->ptr[0] = '\0';
    }
}

void koc__dynbuf_dispose(koc__dynbuf *b)
{
    koc__free(b->ptr);
    b->ptr = NULL;
    b->len = 0;
    b->capacity = 0;
}

void koc__dynbuf_wipe(koc__dynbuf *b)
{
    koc__wipe(b->ptr, b->capacity);
    koc__dynbuf_dispose(b);
}

koc_str koc__dynbuf_view(const koc__dynbuf *b)
{
    return (koc_str){koc__dynbuf_cstr(b), b->len};
}

const char *koc__dynbuf_cstr(const koc__dynbuf *b)
{
    return b->ptr ? b->ptr : "";
}

char *koc__dynbuf_steal(koc__dynbuf *b)
{
    char *text = b->ptr ? b->ptr : koc__strdup("");
    if (text) {
        b->ptr = NULL;
        koc__dynbuf_dispose(b);
    }
    return text;
}

void koc__dynbuf_give(koc__dynbuf *b, koc_buf *out)
{
    koc_buf_dispose(out);
    *out = (koc_buf){b->ptr, b->len, b->capacity};
    b->ptr = NULL;
    koc__dynbuf_dispose(b);
}

/* NULL: out of memory. */
static char *format(const char *fmt, va_list args)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(INT32_MAX);
    return koc__dynbuf_vprintf(&b, NULL, fmt, args) == KOC_OK ? koc__dynbuf_steal(&b) : NULL;
}

char *koc__format(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = format(fmt, args);
    va_end(args);
    return text;
}

int koc__formatf(char **out, koc_error **err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    *out = format(fmt, args);
    va_end(args);
    return *out ? KOC_OK : koc__oom(err);
}

int koc_buf_set(koc_buf *b, koc_str data, koc_error **err)
{
    if (!b || (!data.ptr && data.len > 0)) {
        return koc__misuse(err, b ? "koc_buf_set: data is NULL" : "koc_buf_set: b is NULL");
    }
    char *copy = koc__strndup(data.ptr, data.len);
    if (!copy) {
        return koc__oom(err);
    }
    koc__free(b->ptr); /* after the copy: data may be part of b */
    *b = (koc_buf){copy, data.len, data.len + 1};
    return KOC_OK;
}

void koc_buf_dispose(koc_buf *b)
{
    if (b) {
        koc__free(b->ptr);
        *b = (koc_buf)KOC_BUF_INIT;
    }
}

void koc_buf_wipe(koc_buf *b)
{
    if (b) {
        koc__wipe(b->ptr, b->capacity);
        koc_buf_dispose(b);
    }
}

/*
 * Writes JSON: members in the order of the calls, numbers as integers or in their source text. All JSON that
 * koc hashes is written here.
 */
#include "core/common.h"

#include <inttypes.h>

#include "core/str.h"
#include "text/json_write.h"

#define LEVELS 64

static void put(koc__jw *w, const char *data, size_t len)
{
    if (w->status == KOC_OK) {
        w->status = koc__dynbuf_append(w->out, data, len, &w->error);
    }
}

static void putc_(koc__jw *w, char c)
{
    put(w, &c, 1);
}

static void new_line(koc__jw *w)
{
    if (w->indent <= 0) {
        return;
    }
    putc_(w, '\n');
    for (int i = w->depth * w->indent; i > 0; i--) {
        putc_(w, ' ');
    }
}

static uint64_t level_bit(const koc__jw *w)
{
    return UINT64_C(1) << (w->depth - 1);
}

/* The comma and line break before an element or a name. */
static void separate(koc__jw *w)
{
    if (w->depth == 0) {
        return;
    }
    if (w->has & level_bit(w)) {
        putc_(w, ',');
    }
    w->has |= level_bit(w);
    new_line(w);
}

/* Before any value. A value without a key in an object, or a second top-level value, is a bug in koc. */
static void begin_value(koc__jw *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    assert(w->depth == 0 || (w->array & level_bit(w)));
    separate(w);
}

static void open_level(koc__jw *w, bool array)
{
    if (w->status != KOC_OK) {
        return;
    }
    begin_value(w);
    if (w->depth == LEVELS) {
        w->status = koc__error(&w->error, KOC_ELIMIT, "cannot write JSON nested more than 64 deep");
        return;
    }
    putc_(w, array ? '[' : '{');
    w->depth++;
    w->has &= ~level_bit(w);
    w->array = array ? w->array | level_bit(w) : w->array & ~level_bit(w);
}

static void close_level(koc__jw *w, bool array)
{
    if (w->status != KOC_OK) {
        return;
    }
    assert(w->depth > 0 && !w->after_key && array == ((w->array & level_bit(w)) != 0));
    bool had = w->has & level_bit(w);
    w->depth--;
    if (had) {
        new_line(w);
    }
    putc_(w, array ? ']' : '}');
}

void koc__jw_begin(koc__jw *w, koc__dynbuf *out, int indent, uint32_t flags)
{
    *w = (koc__jw){.out = out, .flags = flags, .indent = indent};
}

int koc__jw_end(koc__jw *w, koc_error **err)
{
    if (w->status == KOC_OK && (w->depth > 0 || w->after_key)) {
        w->status = koc__misuse(&w->error, "koc__jw_end: the JSON document is not complete");
    }
    int status = w->status;
    if (status == KOC_ENOMEM && !w->error) {
        return koc__oom(err);
    }
    if (status != KOC_OK) {
        koc__error_move(err, &w->error);
    }
    *w = (koc__jw){.status = status};
    return status;
}

void koc__jw_object(koc__jw *w)
{
    open_level(w, false);
}

void koc__jw_object_end(koc__jw *w)
{
    close_level(w, false);
}

void koc__jw_array(koc__jw *w)
{
    open_level(w, true);
}

void koc__jw_array_end(koc__jw *w)
{
    close_level(w, true);
}

/* --- strings --- */

/* The length of the character at p; 0: it is not valid UTF-8 (RFC 3629). */
static size_t character_size(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80) {
        return 1;
    }
    size_t n = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    return n <= left && koc__str_utf8(koc__str_n((const char *)p, n)) ? n : 0;
}

/* The escape of a byte below 0x80, or NULL: it needs none. text has room for \u00XX. */
static const char *ascii_escape(unsigned char c, uint32_t flags, char text[8])
{
    switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\b': return "\\b";
    case '\f': return "\\f";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: break;
    }
    bool html = c == '<' || c == '>' || c == '&';
    if (c >= 0x20 && !(html && (flags & KOC__JW_GO))) {
        return NULL;
    }
    snprintf(text, 8, "\\u%04x", c);
    return text;
}

/* The escape of the character of n bytes at p, or NULL. */
static const char *escape(const koc__jw *w, const unsigned char *p, size_t n, char text[8])
{
    bool go = w->flags & KOC__JW_GO;
    if (n == 0) {
        return go ? "\\ufffd" : "\xEF\xBF\xBD";
    }
    if (n == 1) {
        return ascii_escape(p[0], w->flags, text);
    }
    if (go && n == 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9)) {
        return p[2] == 0xA8 ? "\\u2028" : "\\u2029";
    }
    return NULL;
}

static void put_string(koc__jw *w, koc_str value)
{
    const unsigned char *p = (const unsigned char *)value.ptr;
    size_t plain = 0; /* the start of the bytes that are not written yet */
    size_t at = 0;
    putc_(w, '"');
    while (at < value.len) {
        char text[8];
        size_t n = character_size(p + at, value.len - at);
        const char *escaped = escape(w, p + at, n, text);
        size_t step = n ? n : 1;
        if (escaped) {
            put(w, value.ptr + plain, at - plain);
            put(w, escaped, strlen(escaped));
            plain = at + step;
        }
        at += step;
    }
    if (at > plain) {
        put(w, value.ptr + plain, at - plain);
    }
    putc_(w, '"');
}

void koc__jw_key(koc__jw *w, const char *name)
{
    assert(w->status != KOC_OK || (w->depth > 0 && !w->after_key && !(w->array & level_bit(w))));
    if (w->status != KOC_OK) {
        return;
    }
    separate(w);
    put_string(w, koc__str(name));
    putc_(w, ':');
    if (w->indent > 0) {
        putc_(w, ' ');
    }
    w->after_key = true;
}

void koc__jw_str(koc__jw *w, const char *value)
{
    if (!value) {
        koc__jw_null(w);
        return;
    }
    koc__jw_str_n(w, koc__str(value));
}

void koc__jw_str_n(koc__jw *w, koc_str value)
{
    if (w->status == KOC_OK) {
        begin_value(w);
        put_string(w, value);
    }
}

/* --- the other values --- */

static void put_token(koc__jw *w, const char *token)
{
    if (w->status == KOC_OK) {
        begin_value(w);
        put(w, token, strlen(token));
    }
}

void koc__jw_u64(koc__jw *w, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    put_token(w, text);
}

void koc__jw_i64(koc__jw *w, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, value);
    put_token(w, text);
}

void koc__jw_bool(koc__jw *w, bool value)
{
    put_token(w, value ? "true" : "false");
}

void koc__jw_null(koc__jw *w)
{
    put_token(w, "null");
}

void koc__jw_kv(koc__jw *w, const char *name, const char *value)
{
    if (value) {
        koc__jw_key(w, name);
        koc__jw_str(w, value);
    }
}

static void put_children(koc__jw *w, const koc__jnode *n, bool named)
{
    for (const koc__jnode *c = koc__json_child(n); c && w->status == KOC_OK;
         c = koc__json_next(c)) {
        if (named) {
            koc__jw_key(w, koc__json_name(c));
        }
        koc__jw_node(w, c);
    }
}

void koc__jw_node(koc__jw *w, const koc__jnode *n)
{
    if (w->status != KOC_OK) {
        return;
    }
    switch (koc__json_type(n)) {
    case KOC__JSON_OBJECT:
        koc__jw_object(w);
        put_children(w, n, true);
        koc__jw_object_end(w);
        break;
    case KOC__JSON_ARRAY:
        koc__jw_array(w);
        put_children(w, n, false);
        koc__jw_array_end(w);
        break;
    case KOC__JSON_STRING: koc__jw_str(w, koc__json_str(n)); break;
    case KOC__JSON_NUMBER: put_token(w, koc__json_number(n)); break;
    case KOC__JSON_BOOL: koc__jw_bool(w, koc__json_true(n)); break;
    default: koc__jw_null(w); break;
    }
}

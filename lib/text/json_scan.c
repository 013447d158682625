/*
 * RFC 8259 in one pass without recursion: one bit for each open container.
 *
 * cJSON accepts more than JSON (raw control characters, bad escapes, text after the end, 01) and ends strings
 * at U+0000, so two programs could read the same bytes as different documents. Text that passes this scan
 * reads the same everywhere.
 */
#include "core/common.h"

#include "text/json_scan.h"

typedef struct scanner {
    const unsigned char *p;
    size_t len;
    size_t at;
    uint64_t arrays; /* bit i: the container at depth i + 1 is an array */
    int depth;
    koc__json_scan *out;
} scanner;

static int refuse(scanner *s, int code, const char *reason, size_t at)
{
    s->out->reason = reason;
    s->out->at = at;
    return code;
}

static int malformed(scanner *s, const char *reason)
{
    return refuse(s, KOC_EFORMAT, reason, s->at);
}

/* The byte at the cursor, or -1 at the end. */
static int peek(const scanner *s)
{
    return s->at < s->len ? s->p[s->at] : -1;
}

static void skip_space(scanner *s)
{
    while (s->at < s->len) {
        unsigned char c = s->p[s->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return;
        }
        s->at++;
    }
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(int c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits after \u; the cursor is on the first. */
static int scan_hex4(scanner *s, unsigned *out)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(peek(s));
        if (digit < 0) {
            return malformed(s, "\\u needs four hexadecimal digits");
        }
        value = value << 4 | (unsigned)digit;
        s->at++;
    }
    *out = value;
    return KOC_OK;
}

/* After "\u". */
static int scan_unicode_escape(scanner *s)
{
    size_t start = s->at - 2;
    unsigned unit = 0;
    KOC__TRY(scan_hex4(s, &unit));
    if (unit == 0) {
        return refuse(s, KOC_EFORMAT, "\\u0000 is not accepted in text", start);
    }
    if (unit < 0xD800 || unit > 0xDFFF) {
        return KOC_OK;
    }
    unsigned low = 0;
    bool pair = unit < 0xDC00 && peek(s) == '\\' && s->at + 1 < s->len && s->p[s->at + 1] == 'u';
    if (pair) {
        s->at += 2;
        KOC__TRY(scan_hex4(s, &low));
    }
    if (low < 0xDC00 || low > 0xDFFF) {
        return refuse(s, KOC_EFORMAT, "half of a surrogate pair", start);
    }
    return KOC_OK;
}

static int scan_escape(scanner *s)
{
    s->at++;
    int c = peek(s);
    switch (c) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': s->at++; return KOC_OK;
    case 'u': s->at++; return scan_unicode_escape(s);
    default: return malformed(s, "unknown escape in a string");
    }
}

/* One character of more than one byte (RFC 3629: shortest form, no surrogates, at most U+10FFFF). */
static int scan_multibyte(scanner *s)
{
    unsigned char lead = s->p[s->at];
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4) {
        return malformed(s, "not UTF-8");
    }
    if (lead == 0xE0) {
        low = 0xA0;
    } else if (lead == 0xED) {
        high = 0x9F;
    } else if (lead == 0xF0) {
        low = 0x90;
    } else if (lead == 0xF4) {
        high = 0x8F;
    }
    for (size_t i = 1; i <= more; i++) {
        if (s->at + i >= s->len || s->p[s->at + i] < low || s->p[s->at + i] > high) {
            return malformed(s, "not UTF-8");
        }
        low = 0x80;
        high = 0xBF;
    }
    s->at += more + 1;
    return KOC_OK;
}

static int scan_string(scanner *s)
{
    size_t start = s->at;
    s->at++;
    for (;;) {
        int c = peek(s);
        if (c < 0) {
            return refuse(s, KOC_EFORMAT, "unterminated string", start);
        }
        if (c == '"') {
            s->at++;
            return KOC_OK;
        }
        if (c == '\\') {
            KOC__TRY(scan_escape(s));
        } else if (c < 0x20) {
            return malformed(s, "control character in a string");
        } else if (c >= 0x80) {
            KOC__TRY(scan_multibyte(s));
        } else {
            s->at++;
        }
    }
}

static int scan_digits(scanner *s)
{
    if (!is_digit(peek(s))) {
        return malformed(s, "a digit is missing in a number");
    }
    while (is_digit(peek(s))) {
        s->at++;
    }
    return KOC_OK;
}

static int keep_number(scanner *s, size_t start)
{
    koc__json_scan *out = s->out;
    void *numbers = out->numbers;
    if (!koc__grow(&numbers, &out->capacity, out->n_numbers + 1, sizeof(*out->numbers))) {
        return refuse(s, KOC_ENOMEM, "out of memory", start);
    }
    out->numbers = numbers;
    out->numbers[out->n_numbers++] = (koc__json_span){start, s->at - start};
    return KOC_OK;
}

static int scan_number(scanner *s)
{
    size_t start = s->at;
    if (peek(s) == '-') {
        s->at++;
    }
    if (peek(s) == '0') {
        s->at++;
        if (is_digit(peek(s))) {
            return malformed(s, "a number must not begin with 0");
        }
    } else {
        KOC__TRY(scan_digits(s));
    }
    if (peek(s) == '.') {
        s->at++;
        KOC__TRY(scan_digits(s));
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-') {
            s->at++;
        }
        KOC__TRY(scan_digits(s));
    }
    return keep_number(s, start);
}

static int scan_literal(scanner *s, const char *word)
{
    size_t n = strlen(word);
    if (s->len - s->at < n || memcmp(s->p + s->at, word, n) != 0) {
        return malformed(s, "unexpected text");
    }
    s->at += n;
    return KOC_OK;
}

/* A name and its colon. */
static int scan_name(scanner *s)
{
    if (peek(s) != '"') {
        return malformed(s, "a name in double quotes is expected");
    }
    KOC__TRY(scan_string(s));
    skip_space(s);
    if (peek(s) != ':') {
        return malformed(s, "':' is expected after a name");
    }
    s->at++;
    skip_space(s);
    return KOC_OK;
}

/* An opening bracket. *done: the container was empty and is closed again. */
static int scan_open(scanner *s, bool array, bool *done)
{
    if (s->depth == KOC__JSON_DEPTH) {
        return refuse(s, KOC_ELIMIT, "nested more than 64 levels deep", s->at);
    }
    uint64_t bit = UINT64_C(1) << s->depth;
    s->arrays = array ? s->arrays | bit : s->arrays & ~bit;
    s->depth++;
    s->at++;
    skip_space(s);
    *done = peek(s) == (array ? ']' : '}');
    if (*done) {
        s->at++;
        s->depth--;
        return KOC_OK;
    }
    return array ? KOC_OK : scan_name(s);
}

/* One value. *done false: it is a container and the cursor is on its first value. */
static int scan_value(scanner *s, bool *done)
{
    *done = true;
    if (++s->out->values > KOC__JSON_VALUES) {
        return refuse(s, KOC_ELIMIT, "more than 1048576 values", s->at);
    }
    int c = peek(s);
    switch (c) {
    case '{': return scan_open(s, false, done);
    case '[': return scan_open(s, true, done);
    case '"': return scan_string(s);
    case 't': return scan_literal(s, "true");
    case 'f': return scan_literal(s, "false");
    case 'n': return scan_literal(s, "null");
    case -1: return malformed(s, "unexpected end");
    default:
        if (c == '-' || is_digit(c)) {
            return scan_number(s);
        }
        return malformed(s, "unexpected text");
    }
}

/* After a value in a container: reads closing brackets and moves to the next value, if there is one. */
static int scan_after_value(scanner *s)
{
    while (s->depth > 0) {
        bool array = s->arrays >> (s->depth - 1) & 1;
        skip_space(s);
        int c = peek(s);
        if (c == ',') {
            s->at++;
            skip_space(s);
            return array ? KOC_OK : scan_name(s);
        }
        if (c != (array ? ']' : '}')) {
            return malformed(s, array ? "',' or ']' is expected" : "',' or '}' is expected");
        }
        s->at++;
        s->depth--;
    }
    return KOC_OK;
}

int koc__json_scan_text(koc_str text, koc__json_scan *out)
{
    *out = (koc__json_scan){0};
    scanner s = {.p = (const unsigned char *)text.ptr, .len = text.len, .out = out};
    skip_space(&s);
    do {
        bool done = true;
        KOC__TRY(scan_value(&s, &done));
        if (done) {
            KOC__TRY(scan_after_value(&s));
        }
    } while (s.depth > 0);
    skip_space(&s);
    return s.at == s.len ? KOC_OK : malformed(&s, "text after the end of the document");
}

void koc__json_scan_dispose(koc__json_scan *s)
{
    koc__free(s->numbers);
    *s = (koc__json_scan){0};
}

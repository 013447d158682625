#include "core/common.h"

#include "text/toml.h"

#include "core/str.h"

#define KEY_MAX 512

typedef struct reader {
    koc_str rest;
    unsigned line;
    koc__toml_fn fn;
    void *self;
    koc__toml_item item;
    char tables[KOC__TOML_DEPTH][KEY_MAX];
    char key[KEY_MAX];
    char text[KOC__TOML_TEXT];
} reader;

/* --- characters --- */

static int peek(const reader *r)
{
    return r->rest.len > 0 ? (unsigned char)r->rest.ptr[0] : -1;
}

static void skip(reader *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        r->line += r->rest.ptr[i] == '\n';
    }
    r->rest = koc__str_from(r->rest, n);
}

static bool accept_char(reader *r, char c)
{
    if (peek(r) != c) {
        return false;
    }
    skip(r, 1);
    return true;
}

static void blanks(reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\t') {
        skip(r, 1);
    }
}

static void comment(reader *r)
{
    if (peek(r) == '#') {
        while (peek(r) >= 0 && peek(r) != '\n') {
            skip(r, 1);
        }
    }
}

/* Blanks, comments and line ends, which may be between the elements of an array. */
static void space(reader *r)
{
    const char *before;
    do {
        before = r->rest.ptr;
        blanks(r);
        comment(r);
        accept_char(r, '\r');
        accept_char(r, '\n');
    } while (r->rest.ptr != before);
}

/* Nothing else may follow on this line. */
static int line_end(reader *r, koc_error **err)
{
    blanks(r);
    comment(r);
    accept_char(r, '\r');
    if (peek(r) >= 0 && peek(r) != '\n') {
        return koc__error(err, KOC_EFORMAT, "unexpected text at the end of the line");
    }
    return KOC_OK;
}

/* --- strings and keys --- */

static bool hex(reader *r, size_t digits, uint32_t *out)
{
    uint32_t n = 0;
    for (size_t i = 0; i < digits; i++) {
        int c = peek(r);
        int value = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (value < 0) {
            return false;
        }
        n = n << 4 | (uint32_t)value;
        skip(r, 1);
    }
    *out = n;
    return true;
}

/* After the backslash: one byte. Escapes of code points are supported only for ASCII: hosts and paths have no
 * other characters. */
static int escape(reader *r, char *out, koc_error **err)
{
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
    int c = peek(r);
    const char *at = c > 0 ? strchr(from, c) : NULL;
    uint32_t code = 0;
    if (at) {
        skip(r, 1);
        *out = to[at - from];
        return KOC_OK;
    }
    if (c == 'u' || c == 'U') {
        skip(r, 1);
        if (hex(r, c == 'u' ? 4 : 8, &code) && code > 0 && code < 128) {
            *out = (char)code;
            return KOC_OK;
        }
    }
    return koc__error(err, KOC_EFORMAT, "unsupported escape in a string");
}

/* From its opening quote on. */
static int quoted(reader *r, char *out, size_t size, koc_error **err)
{
    char quote = r->rest.ptr[0];
    size_t n = 0;
    if (r->rest.len >= 3 && r->rest.ptr[1] == quote && r->rest.ptr[2] == quote) {
        return koc__error(err, KOC_EFORMAT, "multi-line strings are not supported");
    }
    skip(r, 1);
    while (peek(r) != quote) {
        int c = peek(r);
        if (c < 0 || c == '\n' || (c < 0x20 && c != '\t') || c == 0x7f) {
            return koc__error(err, KOC_EFORMAT, "unterminated string");
        }
        if (n + 1 >= size) {
            return koc__error(err, KOC_EFORMAT, "a string of more than %zu bytes", size - 1);
        }
        skip(r, 1);
        out[n] = (char)c;
        if (c == '\\' && quote == '"') {
            KOC__TRY(escape(r, &out[n], err));
        }
        n++;
    }
    skip(r, 1);
    out[n] = '\0';
    return KOC_OK;
}

static bool is_bare(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static int key(reader *r, char out[KEY_MAX], koc_error **err)
{
    size_t n = 0;
    if (peek(r) == '"' || peek(r) == '\'') {
        return quoted(r, out, KEY_MAX, err);
    }
    while (is_bare(peek(r)) && n + 1 < KEY_MAX) {
        out[n++] = (char)peek(r);
        skip(r, 1);
    }
    out[n] = '\0';
    return n > 0 ? KOC_OK : koc__error(err, KOC_EFORMAT, "expected a key");
}

/* --- values --- */

static int word(reader *r, koc_error **err)
{
    size_t n = 0;
    while (n < r->rest.len && (is_bare((unsigned char)r->rest.ptr[n]) || r->rest.ptr[n] == '+' ||
                               r->rest.ptr[n] == '.' || r->rest.ptr[n] == ':')) {
        n++;
    }
    koc_str text = koc__str_n(r->rest.ptr, n);
    r->item.truth = koc__str_is(text, "true");
    if (r->item.truth || koc__str_is(text, "false")) {
        r->item.kind = KOC__TOML_BOOL;
    } else if (koc__str_i64(text, &r->item.number)) {
        r->item.kind = KOC__TOML_INTEGER;
    } else {
        return koc__error(err, KOC_EFORMAT,
                          "unsupported value: expected a string, boolean, integer or array");
    }
    skip(r, n);
    return r->fn(r->self, &r->item, err);
}

static int scalar(reader *r, koc_error **err)
{
    if (peek(r) == '"' || peek(r) == '\'') {
        KOC__TRY(quoted(r, r->text, sizeof(r->text), err));
        r->item.kind = KOC__TOML_STRING;
        r->item.text = r->text;
        return r->fn(r->self, &r->item, err);
    }
    return word(r, err);
}

static int value(reader *r, int depth, koc_error **err);

/* After its bracket. */
static int array(reader *r, int depth, koc_error **err)
{
    if (depth >= 2) {
        return koc__error(err, KOC_EFORMAT, "arrays are nested more than two levels deep");
    }
    space(r);
    for (int i = 0; !accept_char(r, ']'); i++) {
        r->item.index[depth] = i;
        KOC__TRY(value(r, depth + 1, err));
        space(r);
        if (!accept_char(r, ',') && peek(r) != ']') {
            return koc__error(err, KOC_EFORMAT, "unterminated array");
        }
        space(r);
    }
    r->item.index[depth] = -1;
    return KOC_OK;
}

static int value(reader *r, int depth, koc_error **err)
{
    return accept_char(r, '[') ? array(r, depth, err) : scalar(r, err);
}

/* --- lines --- */

/* After its bracket. */
static int table(reader *r, koc_error **err)
{
    size_t depth = 0;
    if (peek(r) == '[') {
        return koc__error(err, KOC_EFORMAT, "arrays of tables are not supported");
    }
    do {
        if (depth >= KOC__TOML_DEPTH) {
            return koc__error(err, KOC_EFORMAT, "tables are nested more than %d levels deep",
                              KOC__TOML_DEPTH);
        }
        blanks(r);
        KOC__TRY(key(r, r->tables[depth], err));
        r->item.table[depth] = r->tables[depth];
        depth++;
        blanks(r);
    } while (accept_char(r, '.'));
    r->item.depth = depth;
    if (!accept_char(r, ']')) {
        return koc__error(err, KOC_EFORMAT, "unterminated table name");
    }
    r->item.key = NULL;
    KOC__TRY(r->fn(r->self, &r->item, err));
    return line_end(r, err);
}

static int pair(reader *r, koc_error **err)
{
    KOC__TRY(key(r, r->key, err));
    blanks(r);
    if (!accept_char(r, '=')) {
        return koc__error(err, KOC_EFORMAT,
                          peek(r) == '.' ? "dotted keys are not supported; write a [table]"
                                         : "a key without '='");
    }
    blanks(r);
    r->item.key = r->key;
    r->item.index[0] = r->item.index[1] = -1;
    KOC__TRY(value(r, 0, err));
    return line_end(r, err);
}

int koc__toml_read(koc_str text, const char *file, koc__toml_fn fn, void *self, koc_error **err)
{
    reader r = {.rest = text, .line = 1, .fn = fn, .self = self, .item.index = {-1, -1}};
    for (space(&r); peek(&r) >= 0; space(&r)) {
        unsigned line = r.line;
        int rc = accept_char(&r, '[') ? table(&r, err) : pair(&r, err);
        if (rc == KOC_ENOMEM) {
            return rc;
        }
        if (rc != KOC_OK) {
            /* An array may span lines; the error is at the current one. */
            return koc__error_prefix(err, rc, "%s:%u", file, KOC__MAX(line, r.line));
        }
    }
    return KOC_OK;
}

/* Splits a text into tokens, with Go's rules for trim markers, comments and what may follow a word. */
#include "core/common.h"

#include "template/template.h"

typedef struct lexer {
    koc__template *t;
    koc_str in;
    size_t pos;
    size_t capacity;
    size_t parens;
    bool trim_next; /* the last action ended in "-}}" */
} lexer;

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* Every byte beyond ASCII counts as a letter. */
static bool is_word(int c)
{
    return c == '_' || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static int at(const lexer *x, size_t pos)
{
    return pos < x->in.len ? (unsigned char)x->in.ptr[pos] : -1;
}

static bool looking_at(const lexer *x, size_t pos, const char *s)
{
    size_t n = strlen(s);
    return pos <= x->in.len && x->in.len - pos >= n && memcmp(x->in.ptr + pos, s, n) == 0;
}

static int add(lexer *x, koc__ttoken kind, size_t pos, koc_str text, koc_error **err)
{
    koc__template *t = x->t;
    if (t->n_tokens == x->capacity) {
        size_t capacity = x->capacity ? 2 * x->capacity : 64;
        koc__ttok *more = koc__arena_take(&t->arena, capacity * sizeof(*more), err);
        if (!more) {
            return KOC_ENOMEM;
        }
        if (t->n_tokens > 0) {
            memcpy(more, t->tokens, t->n_tokens * sizeof(*more));
        }
        t->tokens = more;
        x->capacity = capacity;
    }
    t->tokens[t->n_tokens++] = (koc__ttok){kind, pos, text};
    return KOC_OK;
}

static koc_str slice(const lexer *x, size_t start, size_t end)
{
    return koc__str_n(x->in.ptr + start, end - start);
}

/* The length of "}}" or " -}}" at pos; 0: neither. */
static size_t right_delimiter(const lexer *x, size_t pos)
{
    if (looking_at(x, pos, "}}")) {
        return 2;
    }
    return is_space(at(x, pos)) && looking_at(x, pos + 1, "-}}") ? 4 : 0;
}

/* Whether Go allows the character at pos after a word or field. */
static bool at_terminator(const lexer *x, size_t pos)
{
    int c = at(x, pos);
    return c < 0 || is_space(c) || strchr(".,|:)(=", c) || looking_at(x, pos, "}}");
}

/* --- constants --- */

static bool hex_digit(int c, unsigned *value)
{
    static const char digits[] = "0123456789abcdef";
    const char *p = c > 0 ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
    if (p) {
        *value = *value << 4 | (unsigned)(p - digits);
    }
    return p != NULL;
}

static size_t put_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)(lead[n] | c);
    return n;
}

/* One escape of Go's string constants, after its backslash at *pos. False: not valid. */
static bool unescape(const lexer *x, size_t *pos, size_t end, char **out)
{
    static const char from[] = "abfnrtv\\'\"";
    static const char to[] = "\a\b\f\n\r\t\v\\'\"";
    int c = at(x, (*pos)++);
    const char *simple = c > 0 ? strchr(from, c) : NULL;
    if (simple) {
        *(*out)++ = to[simple - from];
        return true;
    }
    unsigned value = 0;
    if (c >= '0' && c <= '7') {
        for (size_t i = 0; i < 3; i++) {
            int d = i == 0 ? c : at(x, (*pos)++);
            if (d < '0' || d > '7') {
                return false;
            }
            value = value << 3 | (unsigned)(d - '0');
        }
        *(*out)++ = (char)value;
        return value < 256 && *pos <= end;
    }
    size_t n = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    for (size_t i = 0; i < n; i++) {
        if (!hex_digit(at(x, (*pos)++), &value)) {
            return false;
        }
    }
    if (n == 2) {
        *(*out)++ = (char)value;
    } else if (n > 0) {
        *out += put_utf8(*out, value);
    }
    bool surrogate = n > 2 && value >= 0xd800 && value < 0xe000;
    return n > 0 && *pos <= end && value <= 0x10ffff && !surrogate;
}

/* A quoted constant; start and end are the positions of the quotes. */
static int unquote(lexer *x, koc__ttoken kind, size_t start, size_t end, koc_error **err)
{
    char *text = koc__arena_take(&x->t->arena, end - start + 1, err);
    if (!text) {
        return KOC_ENOMEM;
    }
    char *out = text;
    size_t pos = start + 1;
    while (pos < end) {
        char c = x->in.ptr[pos++];
        if (c != '\\') {
            *out++ = c;
        } else if (!unescape(x, &pos, end, &out)) {
            return koc__template_error(x->t, start, err, "invalid escape in %.*s",
                                       KOC__FMT(slice(x, start, end + 1)));
        }
    }
    return add(x, kind, start, koc__str_n(text, (size_t)(out - text)), err);
}

static int lex_quoted(lexer *x, koc_error **err)
{
    size_t start = x->pos;
    char quote = x->in.ptr[start];
    size_t end = start + 1;
    while (at(x, end) != quote) {
        int c = at(x, end);
        if (c < 0 || (c == '\n' && quote != '`')) {
            return koc__template_error(x->t, start, err, "unterminated %s",
                                       quote == '\'' ? "character constant" : "quoted string");
        }
        end += c == '\\' && quote != '`' && at(x, end + 1) != '\n' ? 2 : 1;
    }
    x->pos = end + 1;
    if (quote == '`') {
        return add(x, KOC__TT_STRING, start, slice(x, start + 1, end), err);
    }
    return unquote(x, quote == '"' ? KOC__TT_STRING : KOC__TT_CHAR, start, end, err);
}

static int lex_number(lexer *x, koc_error **err)
{
    size_t start = x->pos++;
    while (is_word(at(x, x->pos)) || at(x, x->pos) == '.') {
        x->pos++;
    }
    return add(x, KOC__TT_NUMBER, start, slice(x, start, x->pos), err);
}

/* A function, a keyword, a variable or a field. */
static int lex_word(lexer *x, koc__ttoken kind, koc_error **err)
{
    size_t start = x->pos;
    x->pos += kind == KOC__TT_WORD ? 0 : 1;
    while (is_word(at(x, x->pos))) {
        x->pos++;
    }
    if (!at_terminator(x, x->pos)) {
        return koc__template_error(x->t, x->pos, err, "bad character '%c' after %.*s",
                                   at(x, x->pos), KOC__FMT(slice(x, start, x->pos)));
    }
    size_t from = kind == KOC__TT_FIELD ? start + 1 : start;
    if (kind == KOC__TT_FIELD && from == x->pos) {
        kind = KOC__TT_DOT;
    }
    return add(x, kind, start, slice(x, from, x->pos), err);
}

static int lex_space(lexer *x, koc_error **err)
{
    size_t start = x->pos;
    while (is_space(at(x, x->pos)) && right_delimiter(x, x->pos) == 0) {
        x->pos++;
    }
    return add(x, KOC__TT_SPACE, start, slice(x, start, x->pos), err);
}

static int lex_punct(lexer *x, koc_error **err)
{
    size_t start = x->pos;
    int c = at(x, start);
    x->pos += looking_at(x, start, ":=") ? 2 : 1;
    if (c == ':' && x->pos == start + 1) {
        return koc__template_error(x->t, start, err, "expected :=");
    }
    if (c == '(') {
        x->parens++;
    } else if (c == ')') {
        if (x->parens == 0) {
            return koc__template_error(x->t, start, err, "unexpected right parenthesis");
        }
        x->parens--;
    }
    return add(x, KOC__TT_PUNCT, start, slice(x, start, x->pos), err);
}

/* One token in an action. */
static int lex_inside(lexer *x, koc_error **err)
{
    int c = at(x, x->pos);
    if (is_space(c)) {
        return lex_space(x, err);
    }
    if (c == '"' || c == '`' || c == '\'') {
        return lex_quoted(x, err);
    }
    if (is_digit(c) || c == '+' || c == '-' || (c == '.' && is_digit(at(x, x->pos + 1)))) {
        return lex_number(x, err);
    }
    if (c == '.') {
        return lex_word(x, KOC__TT_FIELD, err);
    }
    if (c == '$') {
        return lex_word(x, KOC__TT_VARIABLE, err);
    }
    if (is_word(c)) {
        return lex_word(x, KOC__TT_WORD, err);
    }
    if (strchr("()|,=:", c)) {
        return lex_punct(x, err);
    }
    return koc__template_error(x->t, x->pos, err, "unexpected character '%c' in an action", c);
}

static int lex_action(lexer *x, size_t start, koc_error **err)
{
    KOC__TRY(add(x, KOC__TT_OPEN, start, slice(x, start, start + 2), err));
    x->parens = 0;
    for (;;) {
        size_t n = right_delimiter(x, x->pos);
        if (n > 0 && x->parens > 0) {
            return koc__template_error(x->t, x->pos, err, "unclosed left parenthesis");
        }
        if (n > 0) {
            x->trim_next = n == 4;
            x->pos += n;
            return add(x, KOC__TT_CLOSE, x->pos - 2, KOC__STR("}}"), err);
        }
        if (at(x, x->pos) < 0) {
            return koc__template_error(x->t, start, err, "unclosed action");
        }
        KOC__TRY(lex_inside(x, err));
    }
}

static int lex_comment(lexer *x, koc_error **err)
{
    size_t start = x->pos;
    while (x->pos < x->in.len && !looking_at(x, x->pos, "*/")) {
        x->pos++;
    }
    if (x->pos >= x->in.len) {
        return koc__template_error(x->t, start, err, "unclosed comment");
    }
    x->pos += 2;
    size_t n = right_delimiter(x, x->pos);
    if (n == 0) {
        return koc__template_error(x->t, start, err, "comment ends before closing delimiter");
    }
    x->trim_next = n == 4;
    x->pos += n;
    return KOC_OK;
}

/* The text up to the next "{{", then that action. */
static int lex_text(lexer *x, koc_error **err)
{
    size_t start = x->pos;
    while (x->trim_next && is_space(at(x, start))) {
        start++;
    }
    x->trim_next = false;
    size_t end = start;
    while (end < x->in.len && !looking_at(x, end, "{{")) {
        end++;
    }
    size_t open = end;
    bool trim = looking_at(x, open, "{{-") && is_space(at(x, open + 3));
    while (trim && end > start && is_space(at(x, end - 1))) {
        end--;
    }
    if (end > start) {
        KOC__TRY(add(x, KOC__TT_TEXT, start, slice(x, start, end), err));
    }
    if (open == x->in.len) {
        x->pos = open;
        return KOC_OK;
    }
    x->pos = open + (trim ? 4 : 2);
    return looking_at(x, x->pos, "/*") ? lex_comment(x, err) : lex_action(x, open, err);
}

int koc__template_lex(koc__template *t, koc_error **err)
{
    lexer x = {.t = t, .in = t->source};
    while (x.pos < x.in.len) {
        KOC__TRY(lex_text(&x, err));
    }
    return add(&x, KOC__TT_END, x.in.len, KOC__STR(""), err);
}

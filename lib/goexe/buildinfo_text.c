/*
 * Parses and prints the text in build info: one entry per line, columns separated by tabs.
 *
 *     path  <main package>
 *     mod   path  version  [sum]
 *     dep   path  version  [sum]
 *     =>    path  version  sum      replaces the module of the line before
 *     build key=value               both Go-quoted when they hold white space, = or quotes
 *
 * Other lines are skipped. Strings of the result point into one copy of the text, which is unquoted in
 * place: the quoted form is never shorter than the content.
 */
#include "core/common.h"

#include "core/dynbuf.h"
#include "core/str.h"
#include "goexe/buildinfo.h"

#define LINES_MAX    100000
#define PATH_MAX_LEN 8192
#define COLUMNS_MAX  3

/* The public part comes first, then what it points into. */
typedef struct owner {
    koc__exe_info info;
    char *storage;
    char *version;
    size_t deps_capacity, settings_capacity;
    koc__exe_module **replacements;
    size_t n_replacements, replacements_capacity;
} owner;

typedef struct parser {
    owner *to;
    const char *what;
    koc__exe_module *last; /* the module that a => line replaces */
    size_t line;
} parser;

void koc__exe_info_free(koc__exe_info *i)
{
    if (!i) {
        return;
    }
    owner *o = (owner *)i;
    for (size_t k = 0; k < o->n_replacements; k++) {
        koc__free(o->replacements[k]);
    }
    koc__free(o->replacements);
    koc__free(o->info.deps);
    koc__free(o->info.settings);
    koc__free(o->info.text);
    koc__free(o->storage);
    koc__free(o->version);
    koc__free(o);
}

const char *koc__exe_setting(const koc__exe_info *i, const char *key)
{
    for (size_t k = 0; i && k < i->n_settings; k++) {
        if (koc__streq(i->settings[k].key, key)) {
            return i->settings[k].value;
        }
    }
    return NULL;
}

static int damaged(const parser *p, const char *why, koc_error **err)
{
    return koc__error(err, KOC_EFORMAT, "the Go build info of %s is damaged: line %zu: %s", p->what,
                      p->line, why);
}

/* --- quoting --- */

static bool key_needs_quotes(const char *s)
{
    return *s == '\0' || strpbrk(s, "= \t\r\n\"`") != NULL;
}

static bool value_needs_quotes(const char *s)
{
    return strpbrk(s, " \t\r\n\"`") != NULL;
}

/* Writes code point c as UTF-8. Returns the new end. */
static char *put_rune(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* Reads n digits of a base. False: there are fewer. */
static bool digits(const char *s, size_t n, unsigned base, uint32_t *out)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++) {
        static const char all[] = "0123456789abcdefABCDEF";
        const char *at = s[i] ? strchr(all, s[i]) : NULL;
        uint32_t digit = at ? (uint32_t)(at - all) : base;
        digit -= digit > 15 && digit < 22 ? 6 : 0; /* capitals have the same value */
        if (!at || digit >= base) {
            return false;
        }
        v = v * base + digit;
    }
    *out = v;
    return true;
}

/* A numeric escape: \x41 and \101 are bytes, \u0041 and \U00000041 code points. Returns the new read
 * position, or NULL. */
static const char *unescape_number(const char *from, char **to)
{
    uint32_t v;
    if (*from >= '0' && *from <= '7') {
        if (!digits(from, 3, 8, &v) || v == 0 || v > 255) {
            return NULL;
        }
        *(*to)++ = (char)v;
        return from + 3;
    }
    size_t n = *from == 'x' ? 2 : *from == 'u' ? 4 : 8;
    if (!digits(from + 1, n, 16, &v) || v == 0) {
        return NULL;
    }
    if (n == 2) {
        *(*to)++ = (char)v;
    } else if (v > 0x10ffff || (v >= 0xd800 && v < 0xe000)) {
        return NULL;
    } else {
        *to = put_rune(*to, v);
    }
    return from + 1 + n;
}

/* One escape; from points after the backslash. Returns the new read position, or NULL. */
static const char *unescape(const char *from, char **to)
{
    static const char names[] = "abfnrtv\\\"", means[] = "\a\b\f\n\r\t\v\\\"";
    const char *at = *from ? strchr(names, *from) : NULL;
    if (at) {
        *(*to)++ = means[at - names];
        return from + 1;
    }
    if (*from && strchr("01234567xuU", *from)) {
        return unescape_number(from, to);
    }
    return NULL;
}

/* Unquotes the Go string literal at s in place. Returns the position after it, or NULL. */
static char *unquote(char *s)
{
    char *to = s;
    const char *from = s + 1;
    if (*s == '`') {
        size_t n = strcspn(from, "`");
        if (from[n] != '`') {
            return NULL;
        }
        for (size_t i = 0; i < n; i++) {
            if (from[i] != '\r') { /* Go drops it from raw strings */
                *to++ = from[i];
            }
        }
        *to = '\0';
        return s + 1 + n + 1;
    }
    while (from && *from && *from != '"') {
        if (*from == '\\') {
            from = unescape(from + 1, &to);
        } else {
            *to++ = *from++;
        }
    }
    if (!from || *from != '"') {
        return NULL;
    }
    char *end = s + (from - s) + 1;
    *to = '\0'; /* to is before end by two bytes or more */
    return end;
}

/* Whether Go prints c unescaped. (Approximately: unassigned code points are not known here.) */
static bool printable(uint32_t c)
{
    if (c < 0x20 || c == 0x7f || (c >= 0x80 && c <= 0xa0) || c == 0xad) {
        return false;
    }
    bool space = c == 0x1680 || (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
                 (c >= 0x205f && c <= 0x206f) || c == 0x3000;
    bool private_use = (c >= 0xe000 && c <= 0xf8ff) || c >= 0xe0000;
    return !space && !private_use && c != 0xfeff && (c & 0xfffe) != 0xfffe;
}

/* Decodes one character. Returns how many bytes it has; 0: not valid UTF-8. */
static size_t get_rune(const unsigned char *s, uint32_t *out)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if (n == 0 || !koc__str_utf8(koc__str_n((const char *)s, n))) {
        return 0;
    }
    uint32_t c = n == 1 ? s[0] : s[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        c = c << 6 | (s[i] & 0x3fU);
    }
    *out = c;
    return n;
}

static int put_escaped(koc__dynbuf *b, uint32_t c, koc_error **err)
{
    static const char names[] = "abfnrtv", means[] = "\a\b\f\n\r\t\v";
    const char *at = c && c < 0x80 ? strchr(means, (int)c) : NULL;
    if (at) {
        return koc__dynbuf_printf(b, err, "\\%c", names[at - means]);
    }
    if (c < 0x80) {
        return koc__dynbuf_printf(b, err, "\\x%02x", (unsigned)c);
    }
    return koc__dynbuf_printf(b, err, c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
}

/* Writes s as a Go string literal. */
static int put_quoted(koc__dynbuf *b, const char *s, koc_error **err)
{
    KOC__TRY(koc__dynbuf_putc(b, '"', err));
    while (*s) {
        uint32_t c;
        size_t n = get_rune((const unsigned char *)s, &c);
        if (n == 0) {
            KOC__TRY(koc__dynbuf_printf(b, err, "\\x%02x", (unsigned char)*s));
            n = 1;
        } else if (c == '"' || c == '\\') {
            KOC__TRY(koc__dynbuf_printf(b, err, "\\%c", (int)c));
        } else if (printable(c)) {
            KOC__TRY(koc__dynbuf_append(b, s, n, err));
        } else {
            KOC__TRY(put_escaped(b, c, err));
        }
        s += n;
    }
    return koc__dynbuf_putc(b, '"', err);
}

/* --- reading --- */

/* Cuts a line at its tabs. Returns the number of columns; COLUMNS_MAX + 1: too many. */
static size_t split_columns(char *s, char *out[COLUMNS_MAX])
{
    size_t n = 0;
    for (char *rest = s; rest; n++) {
        if (n == COLUMNS_MAX) {
            return n + 1;
        }
        out[n] = strsep(&rest, "\t");
    }
    return n;
}

static int read_module(parser *p, char *s, size_t least, koc__exe_module *out, koc_error **err)
{
    char *c[COLUMNS_MAX];
    size_t n = split_columns(s, c);
    if (n < least || n > COLUMNS_MAX) {
        return damaged(p, "wrong number of columns", err);
    }
    if (strlen(c[0]) > PATH_MAX_LEN) {
        return damaged(p, "a module path is too long", err);
    }
    *out = (koc__exe_module){c[0], c[1], n == COLUMNS_MAX ? c[2] : "", NULL};
    return KOC_OK;
}

static int add_dep(parser *p, char *s, koc_error **err)
{
    koc__exe_info *i = &p->to->info;
    koc__exe_module m;
    KOC__TRY(read_module(p, s, 2, &m, err));
    if (!koc__grow((void **)&i->deps, &p->to->deps_capacity, i->n_deps + 1, sizeof(m))) {
        return koc__oom(err);
    }
    i->deps[i->n_deps] = m;
    p->last = &i->deps[i->n_deps++];
    return KOC_OK;
}

static int add_replacement(parser *p, char *s, koc_error **err)
{
    owner *o = p->to;
    koc__exe_module m;
    if (!p->last) {
        return damaged(p, "a replacement without a module before it", err);
    }
    KOC__TRY(read_module(p, s, COLUMNS_MAX, &m, err));
    if (!koc__grow((void **)&o->replacements, &o->replacements_capacity, o->n_replacements + 1,
                   sizeof(koc__exe_module *))) {
        return koc__oom(err);
    }
    koc__exe_module *copy = koc__malloc(sizeof(m));
    if (!copy) {
        return koc__oom(err);
    }
    *copy = m;
    o->replacements[o->n_replacements++] = copy;
    p->last->replace = copy;
    p->last = NULL;
    return KOC_OK;
}

/* Splits "key=value" and unquotes both. */
static int read_setting(parser *p, char *s, char **key, char **value, koc_error **err)
{
    char *end;
    *key = s;
    if (*s == '"' || *s == '`') {
        end = unquote(s);
        if (!end || *end != '=') {
            return damaged(p, "bad quotes around a key", err);
        }
    } else {
        end = strchr(s, '=');
        if (!end) {
            return damaged(p, "build line without =", err);
        }
        *end = '\0';
        if (key_needs_quotes(s)) {
            return damaged(p, "bad key", err);
        }
    }
    *value = end + 1;
    if (**value == '"' || **value == '`') {
        end = unquote(*value);
        return end && *end == '\0' ? KOC_OK : damaged(p, "bad quotes around a value", err);
    }
    return value_needs_quotes(*value) ? damaged(p, "a value lacks its quotes", err) : KOC_OK;
}

static int add_setting(parser *p, char *s, koc_error **err)
{
    koc__exe_info *i = &p->to->info;
    char *key = NULL, *value = NULL;
    KOC__TRY(read_setting(p, s, &key, &value, err));
    if (!koc__grow((void **)&i->settings, &p->to->settings_capacity, i->n_settings + 1,
                   sizeof(*i->settings))) {
        return koc__oom(err);
    }
    i->settings[i->n_settings++] = (koc_kv){key, value};
    return KOC_OK;
}

static char *skip_word(char *line, const char *word)
{
    size_t n = strlen(word);
    return strncmp(line, word, n) == 0 ? line + n : NULL;
}

static int read_line(parser *p, char *line, koc_error **err)
{
    koc__exe_info *i = &p->to->info;
    char *rest = skip_word(line, "path\t");
    if (rest) {
        i->path = rest;
        return strlen(rest) > PATH_MAX_LEN ? damaged(p, "the package path is too long", err)
                                           : KOC_OK;
    }
    rest = skip_word(line, "mod\t");
    if (rest) {
        p->last = &i->main;
        return read_module(p, rest, 2, &i->main, err);
    }
    rest = skip_word(line, "dep\t");
    if (rest) {
        return add_dep(p, rest, err);
    }
    rest = skip_word(line, "=>\t");
    if (rest) {
        return add_replacement(p, rest, err);
    }
    rest = skip_word(line, "build\t");
    return rest ? add_setting(p, rest, err) : KOC_OK;
}

/* Drops what follows the last line break, as Go does. */
static int read_lines(parser *p, char *text, koc_error **err)
{
    for (char *end = strchr(text, '\n'); end; end = strchr(text, '\n')) {
        if (++p->line > LINES_MAX) {
            return koc__error(err, KOC_ELIMIT, "the Go build info of %s has too many lines",
                              p->what);
        }
        *end = '\0';
        KOC__TRY(read_line(p, text, err));
        text = end + 1;
    }
    return KOC_OK;
}

/* --- writing --- */

static int put_module(koc__dynbuf *b, const char *word, const koc__exe_module *m, koc_error **err)
{
    KOC__TRY(koc__dynbuf_printf(b, err, "\t%s\t%s\t%s", word, m->path, m->version));
    if (!m->replace) {
        return koc__dynbuf_printf(b, err, "\t%s\n", m->sum);
    }
    KOC__TRY(koc__dynbuf_putc(b, '\n', err));
    KOC__TRY(put_module(b, "=>", m->replace, err));
    return koc__dynbuf_puts(b, "\t\n", err); /* the empty line that Go writes after a replacement */
}

static int put_setting(koc__dynbuf *b, const koc_kv *s, koc_error **err)
{
    KOC__TRY(koc__dynbuf_puts(b, "\tbuild\t", err));
    KOC__TRY(key_needs_quotes(s->key) ? put_quoted(b, s->key, err)
                                      : koc__dynbuf_puts(b, s->key, err));
    KOC__TRY(koc__dynbuf_putc(b, '=', err));
    KOC__TRY(value_needs_quotes(s->value) ? put_quoted(b, s->value, err)
                                          : koc__dynbuf_puts(b, s->value, err));
    return koc__dynbuf_putc(b, '\n', err);
}

static int render(koc__exe_info *i, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(4 * KOC__EXE_STRING_MAX);
    if (i->path) {
        KOC__TRY(koc__dynbuf_printf(&b, err, "\tpath\t%s\n", i->path));
    }
    if (i->main.path) {
        KOC__TRY(put_module(&b, "mod", &i->main, err));
    }
    for (size_t k = 0; k < i->n_deps; k++) {
        KOC__TRY(put_module(&b, "dep", &i->deps[k], err));
    }
    for (size_t k = 0; k < i->n_settings; k++) {
        KOC__TRY(put_setting(&b, &i->settings[k], err));
    }
    i->text = koc__dynbuf_steal(&b);
    return i->text ? KOC_OK : koc__oom(err);
}

int koc__exe_info_from_text(const char *what, const char *version, char *text, size_t len,
                            koc__exe_info **out, koc_error **err)
{
    owner *o = koc__calloc(1, sizeof(*o));
    if (!o) {
        return koc__oom(err);
    }
    KOC__AUTO(koc__exe_info) info = &o->info;
    parser p = {.to = o, .what = what};
    o->version = koc__strdup(version);
    if (!o->version) {
        return koc__oom(err);
    }
    info->go_version = o->version;
    if (strlen(text) != len) {
        return damaged(&p, "a NUL byte", err);
    }
    o->storage = text;
    int rc = read_lines(&p, text, err);
    if (rc == KOC_OK) {
        rc = render(info, err);
    }
    if (rc != KOC_OK) {
        o->storage = NULL; /* the caller keeps the text */
        return rc;
    }
    *out = koc__steal(&info);
    return KOC_OK;
}

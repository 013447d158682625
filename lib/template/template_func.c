/* The template functions: not, eq ne lt le gt ge, index, slice, len, print, println, html, js, urlquery.
 * and, or are in template_exec.c, printf in template_printf.c. There is no call, since no value is a
 * function. */
#include "core/common.h"

#include <inttypes.h>

#include "template/template.h"
#include "template/template_printf.h"

static int fail(const koc__tcall *c, koc_error **err, const char *reason)
{
    return koc__template_error(c->t, c->pos, err, "%.*s: %s", KOC__FMT(c->name), reason);
}

static koc__tvalue bool_value(bool b)
{
    return (koc__tvalue){KOC__T_BOOL, b, {0}, NULL};
}

/* The content of buf as a string value in the arena. */
static int text_value(const koc__tcall *c, const koc__dynbuf *buf, koc__tvalue *out,
                      koc_error **err)
{
    char *copy = koc__arena_take(&c->t->arena, buf->len + 1, err);
    if (!copy) {
        return KOC_ENOMEM;
    }
    if (buf->len > 0) {
        memcpy(copy, buf->ptr, buf->len);
    }
    *out = (koc__tvalue){KOC__T_STRING, 0, koc__str_n(copy, buf->len), NULL};
    return KOC_OK;
}

/* --- comparison --- */

static int equal(const koc__tcall *c, const koc__tvalue *a, const koc__tvalue *b, bool *out,
                 koc_error **err)
{
    if (a->kind == KOC__T_MAP || b->kind == KOC__T_MAP) {
        return fail(c, err, "maps cannot be compared");
    }
    if (a->kind == KOC__T_NIL || b->kind == KOC__T_NIL) {
        *out = a->kind == b->kind;
        return KOC_OK;
    }
    if (a->kind != b->kind) {
        return koc__template_error(c->t, c->pos, err,
                                   "%.*s: incompatible types for comparison: %s and %s",
                                   KOC__FMT(c->name), koc__template_type(a), koc__template_type(b));
    }
    *out = a->kind == KOC__T_STRING ? koc__str_eq(a->text, b->text) : a->number == b->number;
    return KOC_OK;
}

static int compare_equal(const koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    bool same = false;
    for (size_t i = 1; i < c->n_args && !same; i++) {
        KOC__TRY(equal(c, &c->args[0], &c->args[i], &same, err));
    }
    *out = bool_value(same != koc__str_is(c->name, "ne"));
    return KOC_OK;
}

static int compare_order(const koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    const koc__tvalue *a = &c->args[0];
    const koc__tvalue *b = &c->args[1];
    if (a->kind != b->kind || (a->kind != KOC__T_INT && a->kind != KOC__T_STRING)) {
        return koc__template_error(c->t, c->pos, err, "%.*s: %s and %s have no order",
                                   KOC__FMT(c->name), koc__template_type(a), koc__template_type(b));
    }
    int order = a->kind == KOC__T_INT ? (a->number > b->number) - (a->number < b->number)
                                      : koc__str_cmp(a->text, b->text);
    bool less = c->name.ptr[0] == 'l';
    bool or_equal = c->name.ptr[1] == 'e';
    *out = bool_value((less ? order < 0 : order > 0) || (or_equal && order == 0));
    return KOC_OK;
}

/* --- other functions --- */

static int negate(const koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    (void)err;
    *out = bool_value(!koc__template_truth(&c->args[0]));
    return KOC_OK;
}

static int count_elements(const koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    const koc__tvalue *v = &c->args[0];
    koc_str *keys = NULL;
    size_t n = v->text.len;
    if (v->kind == KOC__T_MAP) {
        KOC__TRY(koc__template_keys(c->t, v->map, &keys, &n, err));
    } else if (v->kind != KOC__T_STRING) {
        return koc__template_error(c->t, c->pos, err, "len of type %s", koc__template_type(v));
    }
    *out = (koc__tvalue){KOC__T_INT, (int64_t)n, {0}, NULL};
    return KOC_OK;
}

/* An index into a string of len bytes. */
static int read_index(const koc__tcall *c, const koc__tvalue *v, size_t len, size_t *out,
                      koc_error **err)
{
    if (v->kind != KOC__T_INT) {
        return koc__template_error(c->t, c->pos, err, "%.*s: cannot index slice/array with type %s",
                                   KOC__FMT(c->name), koc__template_type(v));
    }
    if (v->number < 0 || (uint64_t)v->number > len) {
        return koc__template_error(c->t, c->pos, err, "%.*s: index out of range: %" PRId64,
                                   KOC__FMT(c->name), v->number);
    }
    *out = (size_t)v->number;
    return KOC_OK;
}

static int slice_string(const koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    koc_str text = c->args[0].text;
    size_t from = 0, to = text.len;
    if (c->args[0].kind != KOC__T_STRING) {
        return koc__template_error(c->t, c->pos, err, "slice: can't slice item of type %s",
                                   koc__template_type(&c->args[0]));
    }
    if (c->n_args == 4) {
        return fail(c, err, "cannot 3-index slice a string");
    }
    if (c->n_args > 1) {
        KOC__TRY(read_index(c, &c->args[1], text.len, &from, err));
    }
    if (c->n_args > 2) {
        KOC__TRY(read_index(c, &c->args[2], text.len, &to, err));
    }
    if (from > to) {
        return koc__template_error(c->t, c->pos, err, "slice: invalid slice index: %zu > %zu", from,
                                   to);
    }
    *out = (koc__tvalue){KOC__T_STRING, 0, koc__str_n(text.ptr + from, to - from), NULL};
    return KOC_OK;
}

/* One byte of a string, as a number. */
static int index_string(const koc__tcall *c, const koc__tvalue *key, koc__tvalue *value,
                        koc_error **err)
{
    size_t at = 0;
    KOC__TRY(read_index(c, key, value->text.len, &at, err));
    if (at == value->text.len) {
        return koc__template_error(c->t, c->pos, err, "index: index out of range: %zu", at);
    }
    *value = (koc__tvalue){KOC__T_INT, (unsigned char)value->text.ptr[at], {0}, NULL};
    return KOC_OK;
}

static int index_map(const koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    koc__tvalue value = c->args[0];
    for (size_t i = 1; i < c->n_args; i++) {
        const koc__tvalue *key = &c->args[i];
        if (value.kind == KOC__T_NIL) {
            return fail(c, err, "index of nothing");
        }
        if (value.kind == KOC__T_STRING) {
            KOC__TRY(index_string(c, key, &value, err));
            continue;
        }
        if (value.kind != KOC__T_MAP) {
            return koc__template_error(c->t, c->pos, err, "index: can't index item of type %s",
                                       koc__template_type(&value));
        }
        if (key->kind != KOC__T_STRING) {
            return koc__template_error(c->t, c->pos, err,
                                       "index: a key is a string, not of type %s",
                                       koc__template_type(key));
        }
        const koc__tmap *map = value.map;
        bool found = false;
        KOC__TRY(map->get(map, key->text, &found, &value, err));
        if (!found) { /* the zero value, as in Go */
            koc__tkind zero = map->of_strings ? KOC__T_STRING : KOC__T_NIL;
            value = (koc__tvalue){zero, 0, KOC__STR(""), NULL};
        }
    }
    *out = value;
    return KOC_OK;
}

/* As fmt.Sprint: a space between two operands if neither is a string; Sprintln: always. */
static int join(const koc__tcall *c, bool line, koc__dynbuf *text, koc_error **err)
{
    for (size_t i = 0; i < c->n_args; i++) {
        const koc__tvalue *v = &c->args[i];
        bool strings = i > 0 && (v->kind == KOC__T_STRING || v[-1].kind == KOC__T_STRING);
        if (i > 0 && (line || !strings)) {
            KOC__TRY(koc__dynbuf_putc(text, ' ', err));
        }
        KOC__TRY(koc__template_print(c->t, v, text, err));
    }
    return line ? koc__dynbuf_putc(text, '\n', err) : KOC_OK;
}

static int print(const koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__TEMPLATE_MAX);
    KOC__TRY(join(c, koc__str_is(c->name, "println"), &text, err));
    return text_value(c, &text, out, err);
}

/* --- escapes --- */

static int escape_html(koc__dynbuf *out, unsigned char b, koc_error **err)
{
    switch (b) {
    case '\0': return koc__dynbuf_puts(out, "\xef\xbf\xbd", err);
    case '"': return koc__dynbuf_puts(out, "&#34;", err);
    case '\'': return koc__dynbuf_puts(out, "&#39;", err);
    case '&': return koc__dynbuf_puts(out, "&amp;", err);
    case '<': return koc__dynbuf_puts(out, "&lt;", err);
    case '>': return koc__dynbuf_puts(out, "&gt;", err);
    default: return koc__dynbuf_putc(out, (char)b, err);
    }
}

/* Every character beyond ASCII counts as printable. */
static int escape_js(koc__dynbuf *out, unsigned char b, koc_error **err)
{
    if (b == '\\' || b == '\'' || b == '"') {
        return koc__dynbuf_printf(out, err, "\\%c", b);
    }
    bool plain = b >= 0x20 && !strchr("<>&=", b);
    return plain ? koc__dynbuf_putc(out, (char)b, err) : koc__dynbuf_printf(out, err, "\\u%04X", b);
}

static int escape_query(koc__dynbuf *out, unsigned char b, koc_error **err)
{
    bool plain = (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') ||
                 (b && strchr("-_.~", b));
    return plain      ? koc__dynbuf_putc(out, (char)b, err)
           : b == ' ' ? koc__dynbuf_putc(out, '+', err)
                      : koc__dynbuf_printf(out, err, "%%%02X", b);
}

static int escape(const koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) plain = KOC__DYNBUF_INIT(KOC__TEMPLATE_MAX);
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__TEMPLATE_MAX);
    KOC__TRY(join(c, false, &plain, err));
    for (size_t i = 0; i < plain.len; i++) {
        unsigned char b = (unsigned char)plain.ptr[i];
        KOC__TRY(koc__str_is(c->name, "html") ? escape_html(&text, b, err)
                 : koc__str_is(c->name, "js") ? escape_js(&text, b, err)
                                              : escape_query(&text, b, err));
    }
    return text_value(c, &text, out, err);
}

static int print_format(const koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__TEMPLATE_MAX);
    KOC__TRY(koc__template_printf(c, &text, err));
    return text_value(c, &text, out, err);
}

static const struct function {
    const char *name;
    size_t least, most;
    int (*run)(const koc__tcall *c, koc__tvalue *out, koc_error **err);
} functions[] = {
    {"and", 1, SIZE_MAX, NULL},      {"or", 1, SIZE_MAX, NULL},
    {"not", 1, 1, negate},           {"eq", 2, SIZE_MAX, compare_equal},
    {"ne", 2, 2, compare_equal},     {"lt", 2, 2, compare_order},
    {"le", 2, 2, compare_order},     {"gt", 2, 2, compare_order},
    {"ge", 2, 2, compare_order},     {"index", 1, SIZE_MAX, index_map},
    {"len", 1, 1, count_elements},   {"print", 0, SIZE_MAX, print},
    {"println", 0, SIZE_MAX, print}, {"printf", 1, SIZE_MAX, print_format},
    {"slice", 1, 4, slice_string},   {"html", 0, SIZE_MAX, escape},
    {"js", 0, SIZE_MAX, escape},     {"urlquery", 0, SIZE_MAX, escape},
};

static const struct function *find_function(koc_str name)
{
    for (size_t i = 0; i < KOC__COUNT(functions); i++) {
        if (koc__str_is(name, functions[i].name)) {
            return &functions[i];
        }
    }
    return NULL;
}

bool koc__template_known(koc_str name)
{
    return find_function(name) != NULL;
}

int koc__template_call(koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    const struct function *f = find_function(c->name);
    assert(f);
    if (c->n_args < f->least || c->n_args > f->most) {
        return koc__template_error(c->t, c->pos, err,
                                   "wrong number of args for %s: want %s%zu got %zu", f->name,
                                   f->most == SIZE_MAX ? "at least " : "", f->least, c->n_args);
    }
    return f->run(c, out, err);
}

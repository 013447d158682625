/* The functions: not, eq ne lt le gt ge, index, len, print, println (and, or: template_exec.c); printf
 * is in template_printf.c. */
#include "core/common.h"

#include <inttypes.h>

#include "golang/template.h"
#include "golang/template_printf.h"

const char *koc__template_type(const koc__tvalue *v)
{
    static const char *const names[] = {"nil", "bool", "int", "string", "map"};
    return names[v->kind];
}

bool koc__template_truth(const koc__tvalue *v)
{
    switch (v->kind) {
    case KOC__T_STRING: return v->text.len > 0;
    case KOC__T_MAP: return true;
    case KOC__T_NIL: return false;
    default: return v->number != 0;
    }
}

int koc__template_print(const koc__tvalue *v, koc__buf *out, koc_error **err)
{
    switch (v->kind) {
    case KOC__T_STRING: return koc__buf_put(out, v->text, err);
    case KOC__T_INT: return koc__buf_printf(out, err, "%" PRId64, v->number);
    case KOC__T_BOOL: return koc__buf_puts(out, v->number ? "true" : "false", err);
    case KOC__T_NIL: return koc__buf_puts(out, "<nil>", err);
    default: return koc__error(err, KOC_EINVAL, "a whole map cannot be printed");
    }
}

static int fail(const koc__tcall *c, koc_error **err, const char *reason)
{
    return koc__template_error(c->t, c->pos, err, "%.*s: %s", KOC__FMT(c->name), reason);
}

static koc__tvalue boolean(bool b)
{
    return (koc__tvalue){KOC__T_BOOL, b, {0}, NULL};
}

/* Content of buf as a string value that lives in the arena. */
static int text_value(const koc__tcall *c, const koc__buf *buf, koc__tvalue *out, koc_error **err)
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
    *out = boolean(same != koc__str_is(c->name, "ne"));
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
    *out = boolean((less ? order < 0 : order > 0) || (or_equal && order == 0));
    return KOC_OK;
}

/* --- the others --- */

static int negate(const koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    (void)err;
    *out = boolean(!koc__template_truth(&c->args[0]));
    return KOC_OK;
}

static int length(const koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    if (c->args[0].kind != KOC__T_STRING) {
        return koc__template_error(c->t, c->pos, err, "len: of a string, not of type %s",
                                   koc__template_type(&c->args[0]));
    }
    *out = (koc__tvalue){KOC__T_INT, (int64_t)c->args[0].text.len, {0}, NULL};
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

/* fmt.Sprint: a space between two operands when neither is a string; Sprintln: always. */
static int print(const koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    bool line = koc__str_is(c->name, "println");
    KOC__AUTO_VAL(koc__buf) text = KOC__BUF_INIT(KOC__TEMPLATE_MAX);
    for (size_t i = 0; i < c->n_args; i++) {
        const koc__tvalue *v = &c->args[i];
        bool strings = i > 0 && (v->kind == KOC__T_STRING || v[-1].kind == KOC__T_STRING);
        if (i > 0 && (line || !strings)) {
            KOC__TRY(koc__buf_putc(&text, ' ', err));
        }
        if (v->kind == KOC__T_MAP) {
            return fail(c, err, "a whole map cannot be printed");
        }
        KOC__TRY(koc__template_print(v, &text, err));
    }
    if (line) {
        KOC__TRY(koc__buf_putc(&text, '\n', err));
    }
    return text_value(c, &text, out, err);
}

static int print_format(const koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__buf) text = KOC__BUF_INIT(KOC__TEMPLATE_MAX);
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
    {"len", 1, 1, length},           {"print", 0, SIZE_MAX, print},
    {"println", 0, SIZE_MAX, print}, {"printf", 1, SIZE_MAX, print_format},
};

static const struct function *find(koc_str name)
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
    return find(name) != NULL;
}

bool koc__template_refused(koc_str name)
{
    static const char *const refused[] = {"html", "js", "urlquery", "slice", "call"};
    for (size_t i = 0; i < KOC__COUNT(refused); i++) {
        if (koc__str_is(name, refused[i])) {
            return true;
        }
    }
    return false;
}

int koc__template_call(koc__tcall *c, koc__tvalue *out, koc_error **err)
{
    const struct function *f = find(c->name);
    assert(f);
    if (c->n_args < f->least || c->n_args > f->most) {
        return koc__template_error(c->t, c->pos, err,
                                   "wrong number of args for %s: want %s%zu got %zu", f->name,
                                   f->most == SIZE_MAX ? "at least " : "", f->least, c->n_args);
    }
    return f->run(c, out, err);
}

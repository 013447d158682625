/* Walks the tree. Evaluation order, truth and failures are those of Go's text/template with
 * missingkey=error, the way ko runs it. */
#include "core/common.h"

#include "golang/template.h"

#define VARIABLES_MAX 128

typedef struct variable {
    koc_str name;
    koc__tvalue value;
} variable;

typedef struct state {
    koc__template *t;
    koc__buf *out;
    variable variables[VARIABLES_MAX];
    size_t n_variables;
    unsigned depth;
} state;

static int evaluate(state *s, const koc__tvalue *dot, const koc__tnode *pipe, koc__tvalue *out,
                    koc_error **err);

static koc_str source_of(const state *s, const koc__tnode *n)
{
    return koc__str_n(s->t->source.ptr + n->pos, n->end > n->pos ? n->end - n->pos : 0);
}

/* The keys of a map that has a fixed set, as a hint. */
static void hint_names(const koc__tmap *map, koc_error **err)
{
    if (!map->names) {
        return;
    }
    KOC__AUTO_VAL(koc__buf) text = KOC__BUF_INIT(512);
    for (size_t i = 0; map->names[i]; i++) {
        (void)koc__buf_printf(&text, NULL, "%s.%s", i > 0 ? ", " : "", map->names[i]);
    }
    koc__error_hint(err, "there are %s", koc__buf_cstr(&text));
}

/* value.name; whole is the chain, for the message. */
static int field(state *s, const koc__tnode *whole, const koc__tnode *name, koc__tvalue *value,
                 koc_error **err)
{
    if (value->kind == KOC__T_NIL) {
        return koc__template_error(s->t, whole->pos, err, "<%.*s>: no value to take .%.*s from",
                                   KOC__FMT(source_of(s, whole)), KOC__FMT(name->text));
    }
    if (value->kind != KOC__T_MAP) {
        return koc__template_error(
            s->t, whole->pos, err, "<%.*s>: can't evaluate field %.*s in type %s",
            KOC__FMT(source_of(s, whole)), KOC__FMT(name->text), koc__template_type(value));
    }
    const koc__tmap *map = value->map;
    bool found = false;
    KOC__TRY(map->get(map, name->text, &found, value, err));
    if (!found) {
        int rc = koc__template_error(s->t, whole->pos, err, "<%.*s>: there is no %.*s",
                                     KOC__FMT(source_of(s, whole)), KOC__FMT(name->text));
        hint_names(map, err);
        return rc;
    }
    return KOC_OK;
}

static int variable_value(const state *s, const koc__tnode *n, koc__tvalue *out, koc_error **err)
{
    for (size_t i = s->n_variables; i > 0; i--) {
        if (koc__str_eq(s->variables[i - 1].name, n->text)) {
            *out = s->variables[i - 1].value;
            return KOC_OK;
        }
    }
    return koc__template_error(s->t, n->pos, err, "undefined variable %.*s", KOC__FMT(n->text));
}

static int call(state *s, const koc__tvalue *dot, const koc__tnode *function,
                const koc__tnode *first, const koc__tvalue *piped, koc__tvalue *out,
                koc_error **err);

/* One operand by itself. */
static int operand(state *s, const koc__tvalue *dot, const koc__tnode *n, koc__tvalue *out,
                   koc_error **err)
{
    switch (n->kind) {
    case KOC__TN_DOT: *out = *dot; return KOC_OK;
    case KOC__TN_VALUE: *out = n->value; return KOC_OK;
    case KOC__TN_NIL: *out = (koc__tvalue){KOC__T_NIL, 0, {0}, NULL}; return KOC_OK;
    case KOC__TN_VARIABLE: return variable_value(s, n, out, err);
    case KOC__TN_PIPE: return evaluate(s, dot, n, out, err);
    case KOC__TN_FUNCTION: return call(s, dot, n, NULL, NULL, out, err);
    default: /* a chain */
        KOC__TRY(operand(s, dot, n->a, out, err));
        for (const koc__tnode *name = n->b; name; name = name->next) {
            KOC__TRY(field(s, n, name, out, err));
        }
        return KOC_OK;
    }
}

/* and, or: stop at the first argument that decides. */
static int decide(state *s, const koc__tvalue *dot, bool until, const koc__tnode *first,
                  const koc__tvalue *piped, koc__tvalue *out, koc_error **err)
{
    for (const koc__tnode *a = first; a; a = a->next) {
        KOC__TRY(operand(s, dot, a, out, err));
        if (koc__template_truth(out) == until) {
            return KOC_OK;
        }
    }
    if (piped) {
        *out = *piped;
    }
    return KOC_OK;
}

static int call(state *s, const koc__tvalue *dot, const koc__tnode *function,
                const koc__tnode *first, const koc__tvalue *piped, koc__tvalue *out,
                koc_error **err)
{
    size_t n = piped ? 1 : 0;
    for (const koc__tnode *a = first; a; a = a->next) {
        n++;
    }
    bool is_and = koc__str_is(function->text, "and");
    if (n > 0 && (is_and || koc__str_is(function->text, "or"))) {
        return decide(s, dot, !is_and, first, piped, out, err);
    }
    koc__tvalue *args = koc__arena_take(&s->t->arena, (n + 1) * sizeof(*args), err);
    if (!args) {
        return KOC_ENOMEM;
    }
    size_t i = 0;
    for (const koc__tnode *a = first; a; a = a->next) {
        KOC__TRY(operand(s, dot, a, &args[i++], err));
    }
    if (piped) {
        args[i] = *piped;
    }
    koc__tcall c = {s->t, function->pos, function->text, args, n};
    return koc__template_call(&c, out, err);
}

static int command(state *s, const koc__tvalue *dot, const koc__tnode *n, const koc__tvalue *piped,
                   koc__tvalue *out, koc_error **err)
{
    const koc__tnode *first = n->a;
    if (first->kind == KOC__TN_FUNCTION) {
        return call(s, dot, first, first->next, piped, out, err);
    }
    if (first->next || piped) {
        return koc__template_error(s->t, first->pos, err,
                                   "%.*s is no function: it takes no arguments",
                                   KOC__FMT(source_of(s, first)));
    }
    if (first->kind == KOC__TN_NIL) {
        return koc__template_error(s->t, first->pos, err, "nil is not a command");
    }
    return operand(s, dot, first, out, err);
}

static int set_variable(state *s, const koc__tnode *pipe, const koc__tvalue *value, koc_error **err)
{
    if (!pipe->assign) {
        if (s->n_variables == VARIABLES_MAX) {
            return koc__template_error(s->t, pipe->pos, err, "more than %d variables",
                                       VARIABLES_MAX);
        }
        s->variables[s->n_variables++] = (variable){pipe->text, *value};
        return KOC_OK;
    }
    for (size_t i = s->n_variables; i > 0; i--) {
        if (koc__str_eq(s->variables[i - 1].name, pipe->text)) {
            s->variables[i - 1].value = *value;
            break;
        }
    }
    return KOC_OK;
}

static int evaluate(state *s, const koc__tvalue *dot, const koc__tnode *pipe, koc__tvalue *out,
                    koc_error **err)
{
    koc__tvalue value = {KOC__T_NIL, 0, {0}, NULL};
    const koc__tvalue *piped = NULL;
    koc__tvalue last;
    for (const koc__tnode *c = pipe->a; c; c = c->next) {
        KOC__TRY(command(s, dot, c, piped, &value, err));
        last = value;
        piped = &last;
    }
    if (pipe->text.len > 0) {
        KOC__TRY(set_variable(s, pipe, &value, err));
    }
    *out = value;
    return KOC_OK;
}

/* The parser bounds the depth of the tree, so the recursion ends. */
static int walk(state *s, const koc__tvalue *dot, const koc__tnode *n, koc_error **err)
{
    for (; n; n = n->next) {
        koc__tvalue value = {KOC__T_NIL, 0, {0}, NULL};
        if (n->kind == KOC__TN_TEXT) {
            KOC__TRY(koc__buf_put(s->out, n->text, err));
            continue;
        }
        size_t mark = s->n_variables;
        KOC__TRY(evaluate(s, dot, n->a, &value, err));
        if (n->kind != KOC__TN_ACTION) {
            bool yes = koc__template_truth(&value);
            const koc__tvalue *inner = yes && n->kind == KOC__TN_WITH ? &value : dot;
            KOC__TRY(walk(s, inner, yes ? n->b : n->c, err));
            s->n_variables = mark;
        } else if (n->a->text.len == 0 && value.kind == KOC__T_NIL) {
            KOC__TRY(koc__buf_puts(s->out, "<no value>", err));
        } else if (n->a->text.len == 0 && value.kind == KOC__T_MAP) {
            return koc__template_error(s->t, n->pos, err, "<%.*s>: a whole map cannot be printed",
                                       KOC__FMT(source_of(s, n->a)));
        } else if (n->a->text.len == 0) {
            KOC__TRY(koc__template_print(&value, s->out, err));
        }
    }
    return KOC_OK;
}

int koc__template_exec(koc__template *t, const koc__tmap *data, koc__buf *out, koc_error **err)
{
    state s = {.t = t, .out = out};
    koc__tvalue root = {KOC__T_MAP, 0, {0}, data};
    s.variables[s.n_variables++] = (variable){KOC__STR("$"), root};
    return walk(&s, &root, t->root, err);
}

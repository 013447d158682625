/* Renders a text: lexes and parses it, and executes the tree. Order of evaluation, truth and errors are
 * those of Go's text/template with missingkey=error, as in ko. */
#include "core/common.h"

#include "template/template.h"

#define VARIABLES_MAX 512

typedef struct variable {
    koc_str name;
    koc__tvalue value;
} variable;

typedef struct state {
    koc__template *t;
    koc__dynbuf *out;
    variable variables[VARIABLES_MAX];
    size_t n_variables;
    unsigned depth, steps;
    koc__tnode_kind
        flow; /* KOC__TN_BREAK or _CONTINUE until its loop handles it, else KOC__TN_TEXT */
} state;

static int eval_pipeline(state *s, const koc__tvalue *dot, const koc__tnode *pipe, koc__tvalue *out,
                         koc_error **err);

static koc_str source_of(const state *s, const koc__tnode *n)
{
    return koc__str_n(s->t->source.ptr + n->pos, n->end > n->pos ? n->end - n->pos : 0);
}

/* A hint with the keys of a map that has a fixed set. */
static void hint_names(const koc__tmap *map, koc_error **err)
{
    if (!map->names) {
        return;
    }
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(512);
    for (size_t i = 0; map->names[i]; i++) {
        (void)koc__dynbuf_printf(&text, NULL, "%s.%s", i > 0 ? ", " : "", map->names[i]);
    }
    koc__error_hint(err, "there are %s", koc__dynbuf_cstr(&text));
}

/* value.name; chain is for the message. */
static int eval_field(state *s, const koc__tnode *chain, const koc__tnode *name, koc__tvalue *value,
                      koc_error **err)
{
    if (value->kind == KOC__T_NIL) {
        return koc__template_error(s->t, chain->pos, err, "<%.*s>: no value to take .%.*s from",
                                   KOC__FMT(source_of(s, chain)), KOC__FMT(name->text));
    }
    if (value->kind != KOC__T_MAP) {
        return koc__template_error(
            s->t, chain->pos, err, "<%.*s>: can't evaluate field %.*s in type %s",
            KOC__FMT(source_of(s, chain)), KOC__FMT(name->text), koc__template_type(value));
    }
    const koc__tmap *map = value->map;
    bool found = false;
    KOC__TRY(map->get(map, name->text, &found, value, err));
    if (!found) {
        int rc = koc__template_error(s->t, chain->pos, err, "<%.*s>: there is no %.*s",
                                     KOC__FMT(source_of(s, chain)), KOC__FMT(name->text));
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

static int call_function(state *s, const koc__tvalue *dot, const koc__tnode *function,
                         const koc__tnode *first, const koc__tvalue *piped, koc__tvalue *out,
                         koc_error **err);

/* One operand. */
static int eval_operand(state *s, const koc__tvalue *dot, const koc__tnode *n, koc__tvalue *out,
                        koc_error **err)
{
    switch (n->kind) {
    case KOC__TN_DOT: *out = *dot; return KOC_OK;
    case KOC__TN_VALUE: *out = n->value; return KOC_OK;
    case KOC__TN_NIL: *out = (koc__tvalue){KOC__T_NIL, 0, {0}, NULL}; return KOC_OK;
    case KOC__TN_VARIABLE: return variable_value(s, n, out, err);
    case KOC__TN_PIPE: return eval_pipeline(s, dot, n, out, err);
    case KOC__TN_FUNCTION: return call_function(s, dot, n, NULL, NULL, out, err);
    default: /* a chain */
        KOC__TRY(eval_operand(s, dot, n->a, out, err));
        for (const koc__tnode *name = n->b; name; name = name->next) {
            KOC__TRY(eval_field(s, n, name, out, err));
        }
        return KOC_OK;
    }
}

/* and, or: stop at the first argument whose truth is until. */
static int eval_and_or(state *s, const koc__tvalue *dot, bool until, const koc__tnode *first,
                       const koc__tvalue *piped, koc__tvalue *out, koc_error **err)
{
    for (const koc__tnode *a = first; a; a = a->next) {
        KOC__TRY(eval_operand(s, dot, a, out, err));
        if (koc__template_truth(out) == until) {
            return KOC_OK;
        }
    }
    if (piped) {
        *out = *piped;
    }
    return KOC_OK;
}

static int call_function(state *s, const koc__tvalue *dot, const koc__tnode *function,
                         const koc__tnode *first, const koc__tvalue *piped, koc__tvalue *out,
                         koc_error **err)
{
    size_t n = piped ? 1 : 0;
    for (const koc__tnode *a = first; a; a = a->next) {
        n++;
    }
    bool is_and = koc__str_is(function->text, "and");
    if (n > 0 && (is_and || koc__str_is(function->text, "or"))) {
        return eval_and_or(s, dot, !is_and, first, piped, out, err);
    }
    koc__tvalue *args = koc__arena_take(&s->t->arena, (n + 1) * sizeof(*args), err);
    if (!args) {
        return KOC_ENOMEM;
    }
    size_t i = 0;
    for (const koc__tnode *a = first; a; a = a->next) {
        KOC__TRY(eval_operand(s, dot, a, &args[i++], err));
    }
    if (piped) {
        args[i] = *piped;
    }
    koc__tcall c = {s->t, function->pos, function->text, args, n};
    return koc__template_call(&c, out, err);
}

static int eval_command(state *s, const koc__tvalue *dot, const koc__tnode *n,
                        const koc__tvalue *piped, koc__tvalue *out, koc_error **err)
{
    const koc__tnode *first = n->a;
    if (first->kind == KOC__TN_FUNCTION) {
        return call_function(s, dot, first, first->next, piped, out, err);
    }
    if (first->next || piped) {
        return koc__template_error(s->t, first->pos, err,
                                   "%.*s is not a function: it takes no arguments",
                                   KOC__FMT(source_of(s, first)));
    }
    if (first->kind == KOC__TN_NIL) {
        return koc__template_error(s->t, first->pos, err, "nil is not a command");
    }
    return eval_operand(s, dot, first, out, err);
}

static int push_variable(state *s, const koc__tnode *at, koc_str name, const koc__tvalue *value,
                         koc_error **err)
{
    if (s->n_variables == VARIABLES_MAX) {
        return koc__template_error(s->t, at->pos, err, "more than %d variables", VARIABLES_MAX);
    }
    s->variables[s->n_variables++] = (variable){name, *value};
    return KOC_OK;
}

static void assign_variable(state *s, koc_str name, const koc__tvalue *value)
{
    for (size_t i = s->n_variables; i > 0; i--) {
        if (koc__str_eq(s->variables[i - 1].name, name)) {
            s->variables[i - 1].value = *value;
            return;
        }
    }
}

static int set_variable(state *s, const koc__tnode *pipe, koc_str name, const koc__tvalue *value,
                        koc_error **err)
{
    if (!pipe->assign) {
        return push_variable(s, pipe, name, value, err);
    }
    assign_variable(s, name, value);
    return KOC_OK;
}

static int eval_pipeline(state *s, const koc__tvalue *dot, const koc__tnode *pipe, koc__tvalue *out,
                         koc_error **err)
{
    koc__tvalue value = {KOC__T_NIL, 0, {0}, NULL};
    const koc__tvalue *piped = NULL;
    koc__tvalue last;
    for (const koc__tnode *c = pipe->a; c; c = c->next) {
        KOC__TRY(eval_command(s, dot, c, piped, &value, err));
        last = value;
        piped = &last;
    }
    if (pipe->text.len > 0) {
        KOC__TRY(set_variable(s, pipe, pipe->text, &value, err));
    }
    if (pipe->second.len > 0) {
        KOC__TRY(set_variable(s, pipe, pipe->second, &value, err));
    }
    *out = value;
    return KOC_OK;
}

static int walk(state *s, const koc__tvalue *dot, const koc__tnode *n, koc_error **err);

static int step(state *s, const koc__tnode *at, koc_error **err)
{
    if (++s->steps > KOC__TEMPLATE_STEPS) {
        return koc__template_error(s->t, at->pos, err, "the template takes more than %u steps",
                                   KOC__TEMPLATE_STEPS);
    }
    return KOC_OK;
}

/* One iteration of a loop. key NULL: none. *over: it was the last. */
static int iterate(state *s, const koc__tnode *n, const koc__tvalue *key,
                   const koc__tvalue *element, bool *over, koc_error **err)
{
    const koc__tnode *pipe = n->a;
    size_t mark = s->n_variables;
    KOC__TRY(step(s, n, err));
    bool both = pipe->second.len > 0;
    if (both && key) {
        assign_variable(s, pipe->text, key);
    }
    if (pipe->text.len > 0) {
        assign_variable(s, both ? pipe->second : pipe->text, element);
    }
    KOC__TRY(walk(s, element, n->b, err));
    s->n_variables = mark;
    *over = s->flow == KOC__TN_BREAK;
    s->flow = KOC__TN_TEXT;
    return KOC_OK;
}

static int run_range_map(state *s, const koc__tnode *n, const koc__tmap *map, bool *any,
                         koc_error **err)
{
    koc_str *keys = NULL;
    size_t count = 0;
    bool over = false;
    KOC__TRY(koc__template_keys(s->t, map, &keys, &count, err));
    for (size_t i = 0; i < count && !over; i++) {
        const koc__tvalue key = {KOC__T_STRING, 0, keys[i], NULL};
        koc__tvalue element = {KOC__T_NIL, 0, {0}, NULL};
        bool found = false;
        KOC__TRY(map->get(map, keys[i], &found, &element, err));
        *any = true;
        KOC__TRY(iterate(s, n, &key, &element, &over, err));
    }
    return KOC_OK;
}

static int run_range(state *s, const koc__tvalue *dot, const koc__tnode *n, const koc__tvalue *over,
                     koc_error **err)
{
    bool any = false, stop = false;
    if (over->kind == KOC__T_MAP) {
        KOC__TRY(run_range_map(s, n, over->map, &any, err));
    } else if (over->kind == KOC__T_INT && n->a->second.len == 0) {
        for (int64_t i = 0; i < over->number && !stop; i++) {
            const koc__tvalue element = {KOC__T_INT, i, {0}, NULL};
            any = true;
            KOC__TRY(iterate(s, n, NULL, &element, &stop, err));
        }
    } else if (over->kind != KOC__T_NIL) {
        return koc__template_error(s->t, n->pos, err, "range can't iterate over %s %.*s",
                                   koc__template_type(over), KOC__FMT(source_of(s, n->a)));
    }
    return any ? KOC_OK : walk(s, dot, n->c, err);
}

static int run_template(state *s, const koc__tvalue *dot, const koc__tnode *n, koc_error **err)
{
    const koc__tdefinition *d = koc__template_named(s->t, n->text);
    koc__tvalue value = {KOC__T_NIL, 0, {0}, NULL};
    size_t mark = s->n_variables;
    if (!d) {
        return koc__template_error(s->t, n->pos, err, "template \"%.*s\" not defined",
                                   KOC__FMT(n->text));
    }
    if (n->a) {
        KOC__TRY(eval_pipeline(s, dot, n->a, &value, err));
    }
    KOC__TRY(push_variable(s, n, KOC__STR("$"), &value, err));
    KOC__TRY(walk(s, &value, d->root, err));
    s->n_variables = mark;
    return KOC_OK;
}

static int print_action(state *s, const koc__tnode *n, const koc__tvalue *value, koc_error **err)
{
    if (n->a->text.len > 0) {
        return KOC_OK;
    }
    return value->kind == KOC__T_NIL ? koc__dynbuf_puts(s->out, "<no value>", err)
                                     : koc__template_print(s->t, value, s->out, err);
}

/* {{if}}, {{with}}, {{range}}; their variables end with them. */
static int run_control(state *s, const koc__tvalue *dot, const koc__tnode *n, koc_error **err)
{
    koc__tvalue value = {KOC__T_NIL, 0, {0}, NULL};
    size_t mark = s->n_variables;
    KOC__TRY(eval_pipeline(s, dot, n->a, &value, err));
    if (n->kind == KOC__TN_RANGE) {
        KOC__TRY(run_range(s, dot, n, &value, err));
    } else {
        bool yes = koc__template_truth(&value);
        const koc__tvalue *inner = yes && n->kind == KOC__TN_WITH ? &value : dot;
        KOC__TRY(walk(s, inner, yes ? n->b : n->c, err));
    }
    s->n_variables = mark;
    return KOC_OK;
}

static int walk_one(state *s, const koc__tvalue *dot, const koc__tnode *n, koc_error **err)
{
    koc__tvalue value = {KOC__T_NIL, 0, {0}, NULL};
    KOC__TRY(step(s, n, err));
    switch (n->kind) {
    case KOC__TN_TEXT: return koc__dynbuf_put(s->out, n->text, err);
    case KOC__TN_BREAK:
    case KOC__TN_CONTINUE: s->flow = n->kind; return KOC_OK;
    case KOC__TN_TEMPLATE: return run_template(s, dot, n, err);
    case KOC__TN_ACTION:
        KOC__TRY(eval_pipeline(s, dot, n->a, &value, err));
        return print_action(s, n, &value, err);
    default: return run_control(s, dot, n, err);
    }
}

/* Templates may call themselves, so the depth is limited here, not by the tree. */
static int walk(state *s, const koc__tvalue *dot, const koc__tnode *n, koc_error **err)
{
    if (n && ++s->depth > KOC__TEMPLATE_CALLS) {
        return koc__template_error(s->t, n->pos, err, "templates nested more than %d deep",
                                   KOC__TEMPLATE_CALLS);
    }
    for (const koc__tnode *at = n; at && s->flow == KOC__TN_TEXT; at = at->next) {
        KOC__TRY(walk_one(s, dot, at, err));
    }
    s->depth -= n ? 1 : 0;
    return KOC_OK;
}

static int execute(koc__template *t, const koc__tmap *data, koc__dynbuf *out, koc_error **err)
{
    state s = {.t = t, .out = out};
    koc__tvalue root = {KOC__T_MAP, 0, {0}, data};
    s.variables[s.n_variables++] = (variable){KOC__STR("$"), root};
    return walk(&s, &root, t->root, err);
}

int koc__template_render(const char *source, const char *what, const koc__tmap *data,
                         koc__dynbuf *out, koc_error **err)
{
    if (!strstr(source, "{{")) {
        return koc__dynbuf_puts(out, source, err);
    }
    koc__template t = {
        .what = what, .source = koc__str(source), .arena = {NULL, KOC__TEMPLATE_ARENA}};
    if (t.source.len > KOC__TEMPLATE_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s: template of more than %zu bytes", what,
                          KOC__TEMPLATE_MAX);
    }
    int rc = koc__template_lex(&t, err);
    if (rc == KOC_OK) {
        rc = koc__template_parse(&t, err);
    }
    if (rc == KOC_OK) {
        rc = execute(&t, data, out, err);
    }
    koc__arena_dispose(&t.arena);
    return rc;
}

/* Parses tokens into a tree. The grammar is that of Go's text/template/parse, and the messages are
 * similar. */
#include "core/common.h"

#include "template/template.h"

typedef struct parser {
    koc__template *t;
    size_t next; /* token */
    koc_str *variables;
    size_t n_variables, capacity;
    unsigned depth, loops;
} parser;

static const koc__ttok *peek(const parser *p)
{
    return &p->t->tokens[p->next];
}

static const koc__ttok *take_token(parser *p)
{
    const koc__ttok *tok = peek(p);
    if (tok->kind != KOC__TT_END) {
        p->next++;
    }
    return tok;
}

static void skip_space(parser *p)
{
    while (peek(p)->kind == KOC__TT_SPACE) {
        p->next++;
    }
}

static bool is_punct(const koc__ttok *tok, const char *s)
{
    return tok->kind == KOC__TT_PUNCT && koc__str_is(tok->text, s);
}

static bool is_word(const koc__ttok *tok, const char *s)
{
    return tok->kind == KOC__TT_WORD && koc__str_is(tok->text, s);
}

static int unexpected(const parser *p, const koc__ttok *tok, const char *context, koc_error **err)
{
    if (tok->kind == KOC__TT_END) {
        return koc__template_error(p->t, tok->pos, err, "unexpected end of the text in %s",
                                   context);
    }
    return koc__template_error(p->t, tok->pos, err, "unexpected \"%.*s\" in %s",
                               KOC__FMT(tok->text), context);
}

static koc__tnode *new_node(parser *p, koc__tnode_kind kind, const koc__ttok *tok, koc_error **err)
{
    koc__tnode *n = koc__arena_take(&p->t->arena, sizeof(*n), err);
    if (n) {
        n->kind = kind;
        n->pos = tok->pos;
        n->end = tok->pos + tok->text.len;
        n->text = tok->text;
    }
    return n;
}

static int enter(parser *p, const koc__ttok *tok, koc_error **err)
{
    if (++p->depth > KOC__TEMPLATE_DEPTH) {
        return koc__template_error(p->t, tok->pos, err, "nested more than %d deep",
                                   KOC__TEMPLATE_DEPTH);
    }
    return KOC_OK;
}

/* --- variables --- */

static int declare(parser *p, koc_str name, koc_error **err)
{
    if (p->n_variables == p->capacity) {
        size_t capacity = p->capacity ? 2 * p->capacity : 16;
        koc_str *more = koc__arena_take(&p->t->arena, capacity * sizeof(*more), err);
        if (!more) {
            return KOC_ENOMEM;
        }
        if (p->n_variables > 0) {
            memcpy(more, p->variables, p->n_variables * sizeof(*more));
        }
        p->variables = more;
        p->capacity = capacity;
    }
    p->variables[p->n_variables++] = name;
    return KOC_OK;
}

static int check_variable(const parser *p, const koc__ttok *tok, koc_error **err)
{
    for (size_t i = 0; i < p->n_variables; i++) {
        if (koc__str_eq(p->variables[i], tok->text)) {
            return KOC_OK;
        }
    }
    return koc__template_error(p->t, tok->pos, err, "undefined variable %.*s", KOC__FMT(tok->text));
}

/* --- operands --- */

static bool parse_digits(koc_str s, int64_t *out)
{
    bool minus = s.len > 0 && s.ptr[0] == '-';
    if (minus || (s.len > 0 && s.ptr[0] == '+')) {
        s = koc__str_from(s, 1);
    }
    int base = 10;
    if (s.len > 1 && s.ptr[0] == '0') {
        char c = (char)(s.ptr[1] | 0x20);
        base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
        s = koc__str_from(s, c == 'x' || c == 'b' || c == 'o' ? 2 : 1);
    }
    int64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '_' && i > 0 && i + 1 < s.len && s.ptr[i - 1] != '_') {
            continue;
        }
        int c = s.ptr[i] | 0x20;
        int digit = c >= 'a' ? c - 'a' + 10 : s.ptr[i] - '0';
        if (digit < 0 || digit >= base || (c < 'a' && digit > 9) ||
            __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    *out = minus ? -value : value;
    return s.len > 0;
}

static int parse_number(parser *p, const koc__ttok *tok, koc__tnode **out, koc_error **err)
{
    koc__tnode *n = new_node(p, KOC__TN_VALUE, tok, err);
    if (!n) {
        return KOC_ENOMEM;
    }
    n->value.kind = KOC__T_INT;
    if (!parse_digits(tok->text, &n->value.number)) {
        return koc__template_error(p->t, tok->pos, err, "%.*s: only whole numbers are supported",
                                   KOC__FMT(tok->text));
    }
    *out = n;
    return KOC_OK;
}

/* 'a' is the number of its code point. */
static int parse_character(parser *p, const koc__ttok *tok, koc__tnode **out, koc_error **err)
{
    koc__tnode *n = new_node(p, KOC__TN_VALUE, tok, err);
    if (!n) {
        return KOC_ENOMEM;
    }
    const unsigned char *c = (const unsigned char *)tok->text.ptr;
    size_t len = tok->text.len == 0 ? 0 : c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
    if (len == 0 || len != tok->text.len || !koc__str_utf8(tok->text)) {
        return koc__template_error(p->t, tok->pos, err, "malformed character constant");
    }
    int64_t code = len == 1 ? c[0] : c[0] & (0x7f >> len);
    for (size_t i = 1; i < len; i++) {
        code = code << 6 | (c[i] & 0x3f);
    }
    n->value = (koc__tvalue){KOC__T_INT, code, {0}, NULL};
    *out = n;
    return KOC_OK;
}

/* true, false, nil, or a function name. */
static int parse_word(parser *p, const koc__ttok *tok, koc__tnode **out, koc_error **err)
{
    koc__tnode *n = new_node(p, KOC__TN_FUNCTION, tok, err);
    if (!n) {
        return KOC_ENOMEM;
    }
    if (koc__str_is(tok->text, "true") || koc__str_is(tok->text, "false")) {
        n->kind = KOC__TN_VALUE;
        n->value.kind = KOC__T_BOOL;
        n->value.number = tok->text.len == 4;
    } else if (koc__str_is(tok->text, "nil")) {
        n->kind = KOC__TN_NIL;
    } else if (koc__str_is(tok->text, "call")) {
        return koc__template_error(p->t, tok->pos, err, "call: no value here is a function");
    } else if (!koc__template_known(tok->text)) {
        return koc__template_error(p->t, tok->pos, err, "function %.*s not defined",
                                   KOC__FMT(tok->text));
    }
    *out = n;
    return KOC_OK;
}

static int parse_pipeline(parser *p, const char *context, bool in_parens, koc__tnode **out,
                          koc_error **err);

static int parse_parenthesis(parser *p, koc__tnode **out, koc_error **err)
{
    const koc__ttok *open = peek(p);
    KOC__TRY(enter(p, open, err));
    take_token(p);
    KOC__TRY(parse_pipeline(p, "parenthesized pipeline", true, out, err));
    p->depth--;
    return KOC_OK;
}

/* The start of an operand; *out NULL: the token does not start one. */
static int parse_term(parser *p, koc__tnode **out, koc_error **err)
{
    const koc__ttok *tok = peek(p);
    *out = NULL;
    switch (tok->kind) {
    case KOC__TT_NUMBER: take_token(p); return parse_number(p, tok, out, err);
    case KOC__TT_WORD: take_token(p); return parse_word(p, tok, out, err);
    case KOC__TT_CHAR: take_token(p); return parse_character(p, tok, out, err);
    case KOC__TT_STRING:
        *out = new_node(p, KOC__TN_VALUE, take_token(p), err);
        if (*out) {
            (*out)->value.kind = KOC__T_STRING;
            (*out)->value.text = tok->text;
        }
        return *out ? KOC_OK : KOC_ENOMEM;
    case KOC__TT_VARIABLE:
        KOC__TRY(check_variable(p, tok, err));
        *out = new_node(p, KOC__TN_VARIABLE, take_token(p), err);
        return *out ? KOC_OK : KOC_ENOMEM;
    case KOC__TT_DOT:
        *out = new_node(p, KOC__TN_DOT, take_token(p), err);
        return *out ? KOC_OK : KOC_ENOMEM;
    case KOC__TT_FIELD: /* parse_operand() takes the names */
        *out = new_node(p, KOC__TN_DOT, tok, err);
        return *out ? KOC_OK : KOC_ENOMEM;
    default: return is_punct(tok, "(") ? parse_parenthesis(p, out, err) : KOC_OK;
    }
}

/* A term and the fields directly after it. */
static int parse_operand(parser *p, koc__tnode **out, koc_error **err)
{
    koc__tnode *base = NULL;
    bool lone_dot = peek(p)->kind == KOC__TT_DOT;
    KOC__TRY(parse_term(p, &base, err));
    if (!base || peek(p)->kind != KOC__TT_FIELD) {
        *out = base;
        return KOC_OK;
    }
    if (lone_dot || base->kind == KOC__TN_VALUE || base->kind == KOC__TN_NIL ||
        base->kind == KOC__TN_FUNCTION) {
        return unexpected(p, peek(p), "an operand", err);
    }
    koc__tnode *chain = new_node(p, KOC__TN_CHAIN, peek(p), err);
    if (!chain) {
        return KOC_ENOMEM;
    }
    chain->pos = base->pos;
    chain->a = base;
    koc__tnode **tail = &chain->b;
    while (peek(p)->kind == KOC__TT_FIELD) {
        koc__tnode *name = new_node(p, KOC__TN_NAME, take_token(p), err);
        if (!name) {
            return KOC_ENOMEM;
        }
        chain->end = name->end + 1; /* the dot is not in the text */
        *tail = name;
        tail = &name->next;
    }
    *out = chain;
    return KOC_OK;
}

static int parse_command(parser *p, koc__tnode **out, koc_error **err)
{
    koc__tnode *n = new_node(p, KOC__TN_COMMAND, peek(p), err);
    if (!n) {
        return KOC_ENOMEM;
    }
    koc__tnode **tail = &n->a;
    for (;;) {
        skip_space(p);
        koc__tnode *arg = NULL;
        KOC__TRY(parse_operand(p, &arg, err));
        if (arg) {
            *tail = arg;
            tail = &arg->next;
        }
        const koc__ttok *tok = peek(p);
        if (tok->kind == KOC__TT_SPACE) {
            continue;
        }
        if (is_punct(tok, "|")) {
            take_token(p);
        } else if (tok->kind != KOC__TT_CLOSE && !is_punct(tok, ")")) {
            return unexpected(p, tok, "an operand", err);
        }
        break;
    }
    *out = n;
    return n->a ? KOC_OK : koc__template_error(p->t, n->pos, err, "empty command");
}

/* "$x := " or "$x = " at the start of a pipeline, with range also "$k, $x := ". The variable exists from
 * the end of the pipeline on. */
static int parse_declaration(parser *p, const char *context, koc__tnode *pipe, koc_error **err)
{
    size_t start = p->next;
    const koc__ttok *variable = take_token(p), *second = NULL;
    skip_space(p);
    const koc__ttok *sign = peek(p);
    if (is_punct(sign, ",")) {
        if (!koc__streq(context, "range")) {
            return koc__template_error(p->t, sign->pos, err, "too many declarations in %s",
                                       context);
        }
        take_token(p);
        skip_space(p);
        second = take_token(p);
        skip_space(p);
        sign = peek(p);
        if (second->kind != KOC__TT_VARIABLE || (!is_punct(sign, ":=") && !is_punct(sign, "="))) {
            return koc__template_error(p->t, sign->pos, err, "range can only initialize variables");
        }
    }
    if (!is_punct(sign, ":=") && !is_punct(sign, "=")) {
        p->next = start; /* a plain use */
        return KOC_OK;
    }
    take_token(p);
    pipe->assign = is_punct(sign, "=");
    if (pipe->assign) {
        KOC__TRY(check_variable(p, variable, err));
        KOC__TRY(second ? check_variable(p, second, err) : KOC_OK);
    }
    pipe->text = variable->text;
    pipe->second = second ? second->text : KOC__STR("");
    return KOC_OK;
}

/* Only the first command may be a plain value: the others receive one. */
static int check_stages(const parser *p, const koc__tnode *pipe, const char *context,
                        koc_error **err)
{
    if (!pipe->a) {
        return koc__template_error(p->t, pipe->pos, err, "missing value for %s", context);
    }
    for (const koc__tnode *c = pipe->a->next; c; c = c->next) {
        koc__tnode_kind kind = c->a->kind;
        if (kind == KOC__TN_VALUE || kind == KOC__TN_DOT || kind == KOC__TN_NIL) {
            return koc__template_error(p->t, c->pos, err, "a value cannot take the output of |");
        }
    }
    return KOC_OK;
}

static int parse_pipeline(parser *p, const char *context, bool in_parens, koc__tnode **out,
                          koc_error **err)
{
    skip_space(p);
    koc__tnode *pipe = new_node(p, KOC__TN_PIPE, peek(p), err);
    if (!pipe) {
        return KOC_ENOMEM;
    }
    pipe->text = KOC__STR("");
    if (peek(p)->kind == KOC__TT_VARIABLE) {
        KOC__TRY(parse_declaration(p, context, pipe, err));
    }
    koc__tnode **tail = &pipe->a;
    for (;;) {
        skip_space(p);
        const koc__ttok *tok = peek(p);
        if (in_parens ? is_punct(tok, ")") : tok->kind == KOC__TT_CLOSE) {
            break;
        }
        if (tok->kind == KOC__TT_PUNCT && !is_punct(tok, "(")) {
            return unexpected(p, tok, context, err);
        }
        if (tok->kind == KOC__TT_CLOSE || tok->kind == KOC__TT_END) {
            return unexpected(p, tok, context, err);
        }
        KOC__TRY(parse_command(p, tail, err));
        tail = &(*tail)->next;
    }
    pipe->end = take_token(p)->pos;
    if (in_parens) {
        pipe->end++;
    }
    KOC__TRY(check_stages(p, pipe, context, err));
    if (pipe->text.len > 0 && !pipe->assign) {
        KOC__TRY(declare(p, pipe->text, err));
        KOC__TRY(pipe->second.len > 0 ? declare(p, pipe->second, err) : KOC_OK);
    }
    *out = pipe;
    return KOC_OK;
}

/* --- lists and control --- */

typedef enum stop { STOP_AT_END, STOP_AT_ELSE, STOP_AT_TEXT_END } stop;

static int parse_list(parser *p, koc__tnode **out, stop *why, koc_error **err);

static int close_action(parser *p, const char *context, koc_error **err)
{
    skip_space(p);
    const koc__ttok *tok = take_token(p);
    return tok->kind == KOC__TT_CLOSE ? KOC_OK : unexpected(p, tok, context, err);
}

/* After the keyword: pipeline, list, and the else part. */
static int parse_control(parser *p, koc__tnode_kind kind, const koc__ttok *tok, koc__tnode **out,
                         koc_error **err)
{
    const char *name = kind == KOC__TN_IF ? "if" : kind == KOC__TN_WITH ? "with" : "range";
    size_t variables = p->n_variables;
    KOC__TRY(enter(p, tok, err));
    koc__tnode *n = new_node(p, kind, tok, err);
    if (!n) {
        return KOC_ENOMEM;
    }
    KOC__TRY(parse_pipeline(p, name, false, &n->a, err));
    stop why = STOP_AT_END;
    p->loops += kind == KOC__TN_RANGE ? 1 : 0;
    KOC__TRY(parse_list(p, &n->b, &why, err));
    p->loops -= kind == KOC__TN_RANGE ? 1 : 0;
    if (why == STOP_AT_ELSE) {
        skip_space(p);
        const koc__ttok *after = peek(p);
        if (kind != KOC__TN_RANGE &&
            is_word(after, name)) { /* {{else if}}: one {{end}} closes both */
            take_token(p);
            KOC__TRY(parse_control(p, kind, after, &n->c, err));
            why = STOP_AT_END;
        } else {
            KOC__TRY(close_action(p, "else", err));
            KOC__TRY(parse_list(p, &n->c, &why, err));
        }
    }
    if (why == STOP_AT_ELSE) {
        return koc__template_error(p->t, peek(p)->pos, err, "expected end, found else");
    }
    if (why == STOP_AT_TEXT_END) {
        return koc__template_error(p->t, tok->pos, err, "{{%s}} without {{end}}", name);
    }
    p->n_variables = variables;
    p->depth--;
    *out = n;
    return KOC_OK;
}

/* --- named templates --- */

static int template_name(parser *p, const char *context, koc_str *out, koc_error **err)
{
    skip_space(p);
    const koc__ttok *tok = take_token(p);
    *out = tok->text;
    return tok->kind == KOC__TT_STRING ? KOC_OK : unexpected(p, tok, context, err);
}

static bool is_blank(const koc__tnode *n)
{
    for (; n; n = n->next) {
        if (n->kind != KOC__TN_TEXT || koc__str_trim(n->text).len > 0) {
            return false;
        }
    }
    return true;
}

/* Of two definitions with one name, the one that is not blank counts; two such are an error. */
static int define(parser *p, const koc__ttok *tok, koc_str name, koc__tnode *root, koc_error **err)
{
    koc__tdefinition *d = koc__template_named(p->t, name);
    if (d && !is_blank(d->root)) {
        return is_blank(root) ? KOC_OK
                              : koc__template_error(p->t, tok->pos, err,
                                                    "multiple definition of template \"%.*s\"",
                                                    KOC__FMT(name));
    }
    if (!d) {
        d = koc__arena_take(&p->t->arena, sizeof(*d), err);
        if (!d) {
            return KOC_ENOMEM;
        }
        d->name = name;
        d->next = p->t->definitions;
        p->t->definitions = d;
    }
    d->root = root;
    return KOC_OK;
}

/* The body up to {{end}}. It has no access to variables and loops around it. */
static int parse_definition(parser *p, const koc__ttok *tok, koc_str name, const char *context,
                            koc_error **err)
{
    parser inner = {.t = p->t, .next = p->next, .depth = p->depth};
    koc__tnode *root = NULL;
    stop why = STOP_AT_END;
    KOC__TRY(enter(&inner, tok, err));
    KOC__TRY(declare(&inner, KOC__STR("$"), err));
    KOC__TRY(parse_list(&inner, &root, &why, err));
    p->next = inner.next;
    if (why != STOP_AT_END) {
        return koc__template_error(p->t, tok->pos, err, "{{%s}} without {{end}}", context);
    }
    return define(p, tok, name, root, err);
}

/* {{template "name" pipeline}}, {{block "name" pipeline}}...{{end}} */
static int parse_use_template(parser *p, bool is_block, koc__tnode **out, koc_error **err)
{
    const char *context = is_block ? "block" : "template";
    const koc__ttok *tok = take_token(p);
    koc__tnode *n = new_node(p, KOC__TN_TEMPLATE, tok, err);
    if (!n) {
        return KOC_ENOMEM;
    }
    KOC__TRY(template_name(p, context, &n->text, err));
    skip_space(p);
    if (!is_block && peek(p)->kind == KOC__TT_CLOSE) {
        take_token(p);
    } else {
        KOC__TRY(parse_pipeline(p, context, false, &n->a, err));
    }
    if (is_block) {
        KOC__TRY(parse_definition(p, tok, n->text, context, err));
    }
    *out = n;
    return KOC_OK;
}

/* {{define "name"}}...{{end}}, which prints nothing in place. */
static int define_template(parser *p, koc_error **err)
{
    koc_str name;
    const koc__ttok *tok = take_token(p);
    KOC__TRY(template_name(p, "define", &name, err));
    KOC__TRY(close_action(p, "define", err));
    return parse_definition(p, tok, name, "define", err);
}

/* {{break}} and {{continue}} */
static int parse_jump(parser *p, koc__tnode_kind kind, koc__tnode **out, koc_error **err)
{
    const koc__ttok *tok = take_token(p);
    if (p->loops == 0) {
        return koc__template_error(p->t, tok->pos, err, "{{%.*s}} outside {{range}}",
                                   KOC__FMT(tok->text));
    }
    *out = new_node(p, kind, tok, err);
    return *out ? close_action(p, kind == KOC__TN_BREAK ? "break" : "continue", err) : KOC_ENOMEM;
}

/* An action after "{{". *ends: it ends the list, for the reason *why. */
static int parse_action(parser *p, koc__tnode **out, bool *ends, stop *why, koc_error **err)
{
    skip_space(p);
    const koc__ttok *tok = peek(p);
    if (is_word(tok, "template") || is_word(tok, "block")) {
        return parse_use_template(p, is_word(tok, "block"), out, err);
    }
    if (is_word(tok, "break") || is_word(tok, "continue")) {
        return parse_jump(p, is_word(tok, "break") ? KOC__TN_BREAK : KOC__TN_CONTINUE, out, err);
    }
    if (is_word(tok, "end") || is_word(tok, "else")) {
        take_token(p);
        *ends = true;
        *why = is_word(tok, "end") ? STOP_AT_END : STOP_AT_ELSE;
        return *why == STOP_AT_END ? close_action(p, "end", err) : KOC_OK;
    }
    static const struct {
        const char *word;
        koc__tnode_kind kind;
    } controls[] = {{"if", KOC__TN_IF}, {"with", KOC__TN_WITH}, {"range", KOC__TN_RANGE}};
    for (size_t i = 0; i < KOC__COUNT(controls); i++) {
        if (is_word(tok, controls[i].word)) {
            take_token(p);
            return parse_control(p, controls[i].kind, tok, out, err);
        }
    }
    koc__tnode *n = new_node(p, KOC__TN_ACTION, tok, err);
    if (!n) {
        return KOC_ENOMEM;
    }
    *out = n;
    return parse_pipeline(p, "command", false, &n->a, err);
}

/* {{define}} is allowed at the top level only, as in Go. */
static bool is_definition(parser *p, bool top)
{
    size_t start = p->next;
    skip_space(p);
    bool yes = top && is_word(peek(p), "define");
    p->next = yes ? p->next : start;
    return yes;
}

static int parse_list_at(parser *p, bool top, koc__tnode **out, stop *why, koc_error **err)
{
    for (;;) {
        const koc__ttok *tok = take_token(p);
        if (tok->kind == KOC__TT_END) {
            *why = STOP_AT_TEXT_END;
            return KOC_OK;
        }
        if (tok->kind == KOC__TT_TEXT) {
            *out = new_node(p, KOC__TN_TEXT, tok, err);
            if (!*out) {
                return KOC_ENOMEM;
            }
        } else if (is_definition(p, top)) {
            KOC__TRY(define_template(p, err));
            continue;
        } else {
            bool ends = false;
            KOC__TRY(parse_action(p, out, &ends, why, err));
            if (ends) {
                return KOC_OK;
            }
        }
        out = &(*out)->next;
    }
}

static int parse_list(parser *p, koc__tnode **out, stop *why, koc_error **err)
{
    return parse_list_at(p, false, out, why, err);
}

int koc__template_parse(koc__template *t, koc_error **err)
{
    parser p = {.t = t};
    KOC__TRY(declare(&p, KOC__STR("$"), err));
    stop why = STOP_AT_TEXT_END;
    KOC__TRY(parse_list_at(&p, true, &t->root, &why, err));
    if (why != STOP_AT_TEXT_END) {
        return koc__template_error(t, p.t->tokens[p.next - 1].pos, err, "unexpected {{%s}}",
                                   why == STOP_AT_END ? "end" : "else");
    }
    return KOC_OK;
}

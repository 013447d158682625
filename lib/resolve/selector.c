/*
 * Kubernetes label selectors, the whole grammar of `kubectl -l`:
 *
 *     selector    = [ requirement *( "," requirement ) ]
 *     requirement = [ "!" ] key | key ( "=" | "==" | "!=" ) [ value ] | key ( "in" | "notin" ) "(" values ")"
 *                 | key ( ">" | "<" ) integer
 *
 * != and notin match objects without the label.
 */
#include "core/common.h"

#include "resolve/resolve.h"

#define SELECTOR_MAX ((size_t)64 << 10)
#define NAME_MAX_LEN 63
#define DOMAIN_MAX   253

enum { OP_EXISTS, OP_ABSENT, OP_IN, OP_NOT_IN, OP_GREATER, OP_LESS };

typedef struct requirement {
    char *key;
    int op;
    koc_strlist *values;
    int64_t number;
} requirement;

struct koc__selector {
    requirement *items;
    size_t count;
    size_t capacity;
};

void koc__selector_free(koc__selector *s)
{
    if (!s) {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        koc__free(s->items[i].key);
        koc_strlist_free(s->items[i].values);
    }
    koc__free(s->items);
    koc__free(s);
}

/* --- words --- */

typedef struct lexer {
    koc_str text;
    size_t at;
    koc_str token; /* empty: the end */
} lexer;

static bool is_symbol(char c)
{
    return strchr("()!,=<>", c) != NULL;
}

static void advance(lexer *l)
{
    koc_str t = l->text;
    while (l->at < t.len && strchr(" \t\r\n", t.ptr[l->at])) {
        l->at++;
    }
    size_t start = l->at;
    if (l->at < t.len && is_symbol(t.ptr[l->at])) {
        char first = t.ptr[l->at++];
        bool two = (first == '=' || first == '!') && l->at < t.len && t.ptr[l->at] == '=';
        l->at += two;
    } else {
        while (l->at < t.len && !is_symbol(t.ptr[l->at]) && !strchr(" \t\r\n", t.ptr[l->at])) {
            l->at++;
        }
    }
    l->token = koc__str_n(t.ptr + start, l->at - start);
}

static bool is_word(const lexer *l)
{
    return l->token.len > 0 && !is_symbol(l->token.ptr[0]);
}

static bool is(const lexer *l, const char *token)
{
    return koc__str_is(l->token, token);
}

static int reject(const lexer *l, const char *why, koc_error **err)
{
    koc_str t = l->token;
    return koc__error(err, KOC_EINVAL, "selector \"%.*s\": %s%s%.*s%s", KOC__FMT(l->text), why,
                      t.len > 0 ? ", not \"" : "", KOC__FMT(t), t.len > 0 ? "\"" : "");
}

/* --- valid keys and values (Kubernetes, "Labels and Selectors") --- */

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_name(koc_str s, size_t max)
{
    for (size_t i = 0; i < s.len; i++) {
        bool edge = i == 0 || i + 1 == s.len;
        if (!is_alphanumeric(s.ptr[i]) && (edge || !strchr("-_.", s.ptr[i]))) {
            return false;
        }
    }
    return s.len > 0 && s.len <= max;
}

static bool is_domain(koc_str s)
{
    koc_str rest = s;
    koc_str part;
    while (koc__str_split(&rest, '.', &part)) {
        if (!is_name(part, NAME_MAX_LEN)) {
            return false;
        }
        for (size_t i = 0; i < part.len; i++) {
            if (part.ptr[i] == '_' || (part.ptr[i] >= 'A' && part.ptr[i] <= 'Z')) {
                return false;
            }
        }
    }
    return s.len > 0 && s.len <= DOMAIN_MAX && s.ptr[s.len - 1] != '.';
}

static bool is_key(koc_str s)
{
    koc_str domain;
    koc_str name = s;
    return (!koc__str_cut(s, '/', &domain, &name) || is_domain(domain)) &&
           is_name(name, NAME_MAX_LEN);
}

/* --- grammar --- */

static int add_value(lexer *l, requirement *r, koc_str value, koc_error **err)
{
    if (value.len > 0 && !is_name(value, NAME_MAX_LEN)) {
        return koc__error(err, KOC_EINVAL, "selector \"%.*s\": \"%.*s\" cannot be a label's value",
                          KOC__FMT(l->text), KOC__FMT(value));
    }
    return koc__strlist_add_n(r->values, value, err);
}

/* "(a,b)"; an empty item is the empty value. */
static int parse_set(lexer *l, requirement *r, koc_error **err)
{
    if (!is(l, "(")) {
        return reject(l, "\"(\" is needed after in and notin", err);
    }
    do {
        advance(l);
        koc_str value = koc__str_n("", 0);
        if (is_word(l)) {
            value = l->token;
            advance(l);
        }
        KOC__TRY(add_value(l, r, value, err));
    } while (is(l, ","));
    if (!is(l, ")")) {
        return reject(l, "\",\" or \")\" is needed in a list of values", err);
    }
    advance(l);
    return KOC_OK;
}

static int parse_value(lexer *l, requirement *r, koc_error **err)
{
    koc_str value = koc__str_n("", 0);
    if (is_word(l)) {
        value = l->token;
        advance(l);
    }
    return add_value(l, r, value, err);
}

static int parse_number(lexer *l, requirement *r, koc_error **err)
{
    if (!is_word(l) || !koc__str_i64(l->token, &r->number)) {
        return reject(l, "\">\" and \"<\" need a whole number", err);
    }
    advance(l);
    return KOC_OK;
}

static int parse_operator(lexer *l, requirement *r, koc_error **err)
{
    static const struct {
        const char *token;
        int op;
        int (*values)(lexer *l, requirement *r, koc_error **err);
    } operators[] = {
        {"=", OP_IN, parse_value},       {"==", OP_IN, parse_value},
        {"!=", OP_NOT_IN, parse_value},  {"in", OP_IN, parse_set},
        {"notin", OP_NOT_IN, parse_set}, {">", OP_GREATER, parse_number},
        {"<", OP_LESS, parse_number},
    };
    r->op = OP_EXISTS;
    if (l->token.len == 0 || is(l, ",")) {
        return KOC_OK;
    }
    for (size_t i = 0; i < KOC__COUNT(operators); i++) {
        if (is(l, operators[i].token)) {
            r->op = operators[i].op;
            advance(l);
            return operators[i].values(l, r, err);
        }
    }
    return reject(l, "an operator (= == != in notin > <) is needed", err);
}

static int parse_requirement(lexer *l, koc__selector *s, koc_error **err)
{
    if (!koc__grow((void **)&s->items, &s->capacity, s->count + 1, sizeof(*s->items))) {
        return koc__oom(err);
    }
    requirement *r = &s->items[s->count++];
    *r = (requirement){0};
    KOC__TRY(koc__strlist_new(&r->values, err));
    bool absent = is(l, "!");
    if (absent) {
        advance(l);
    }
    if (!is_word(l)) {
        return reject(l, "a label's key is needed", err);
    }
    if (!is_key(l->token)) {
        return koc__error(err, KOC_EINVAL, "selector \"%.*s\": \"%.*s\" cannot be a label's key",
                          KOC__FMT(l->text), KOC__FMT(l->token));
    }
    r->key = koc__str_dup(l->token);
    if (!r->key) {
        return koc__oom(err);
    }
    advance(l);
    if (!absent) {
        return parse_operator(l, r, err);
    }
    r->op = OP_ABSENT;
    return KOC_OK;
}

int koc__selector_parse(const char *text, koc__selector **out, koc_error **err)
{
    KOC__AUTO(koc__selector) s = koc__calloc(1, sizeof(*s));
    if (!s) {
        return koc__oom(err);
    }
    lexer l = {.text = koc__str(text)};
    if (l.text.len > SELECTOR_MAX) {
        return koc__error(err, KOC_ELIMIT, "the selector is longer than %zu bytes", SELECTOR_MAX);
    }
    advance(&l);
    bool more = l.token.len > 0;
    while (more) {
        KOC__TRY(parse_requirement(&l, s, err));
        more = is(&l, ",");
        if (!more && l.token.len > 0) {
            return reject(&l, "\",\" or the end is needed", err);
        }
        advance(&l);
    }
    *out = koc__steal(&s);
    return KOC_OK;
}

/* --- matching --- */

static const char *find_label(const koc_strlist *labels, const char *key)
{
    const char *found = NULL; /* the last of equal keys, as in a parsed mapping */
    for (size_t i = 0; i + 1 < koc_strlist_count(labels); i += 2) {
        if (koc__streq(koc_strlist_get(labels, i), key)) {
            found = koc_strlist_get(labels, i + 1);
        }
    }
    return found;
}

static bool compare(const requirement *r, const char *value)
{
    int64_t number = 0;
    if (!value || !koc__str_i64(koc__str(value), &number)) {
        return false;
    }
    return r->op == OP_GREATER ? number > r->number : number < r->number;
}

static bool matches(const requirement *r, const char *value)
{
    switch (r->op) {
    case OP_EXISTS: return value != NULL;
    case OP_ABSENT: return value == NULL;
    case OP_IN: return value && koc__strlist_has(r->values, value);
    case OP_NOT_IN: return !value || !koc__strlist_has(r->values, value);
    default: return compare(r, value);
    }
}

bool koc__selector_matches(const koc__selector *s, const koc_strlist *labels)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!matches(&s->items[i], find_label(labels, s->items[i].key))) {
            return false;
        }
    }
    return true;
}

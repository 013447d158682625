#include "core/common.h"

#include "registry/host/challenge.h"

#include "core/dynbuf.h"
#include "core/str.h"

#define VALUE_MAX ((size_t)16 << 10)

typedef struct scanner {
    koc_str text;
    size_t at;
} scanner;

static char peek(const scanner *s)
{
    return s->at < s->text.len ? s->text.ptr[s->at] : '\0';
}

static void skip_space(scanner *s)
{
    while (peek(s) == ' ' || peek(s) == '\t') {
        s->at++;
    }
}

static void skip_separators(scanner *s)
{
    while (peek(s) == ' ' || peek(s) == '\t' || peek(s) == ',') {
        s->at++;
    }
}

static bool is_word_char(char c)
{
    return c != '\0' && c != ' ' && c != '\t' && c != ',' && c != '=' && c != '"';
}

static koc_str word(scanner *s)
{
    size_t start = s->at;
    while (is_word_char(peek(s))) {
        s->at++;
    }
    return koc__str_n(s->text.ptr + start, s->at - start);
}

static int quoted(scanner *s, koc__dynbuf *out, koc_error **err)
{
    s->at++;
    while (s->at < s->text.len && peek(s) != '"') {
        if (peek(s) == '\\' && s->at + 1 < s->text.len) {
            s->at++;
        }
        KOC__TRY(koc__dynbuf_putc(out, peek(s), err));
        s->at++;
    }
    s->at++; /* the closing quote, or past the end */
    return KOC_OK;
}

/* An unquoted value may contain '=' (base64), '/' and ':'. */
static koc_str bare(scanner *s)
{
    size_t start = s->at;
    while (is_word_char(peek(s)) || peek(s) == '=') {
        s->at++;
    }
    return koc__str_n(s->text.ptr + start, s->at - start);
}

static koc__scheme scheme_of(koc_str name)
{
    if (koc__str_ieq(name, KOC__STR("bearer"))) {
        return KOC__SCHEME_BEARER;
    }
    return koc__str_ieq(name, KOC__STR("basic")) ? KOC__SCHEME_BASIC : KOC__SCHEME_OTHER;
}

static int replace(char **slot, koc_str value, koc_error **err)
{
    char *copy = koc__str_dup(value);
    if (!copy) {
        return koc__oom(err);
    }
    koc__free(*slot);
    *slot = copy;
    return KOC_OK;
}

static int set_parameter(koc__challenge *c, koc_str name, koc_str value, koc_error **err)
{
    if (koc__str_ieq(name, KOC__STR("realm"))) {
        return replace(&c->realm, value, err);
    }
    if (koc__str_ieq(name, KOC__STR("service"))) {
        return replace(&c->service, value, err);
    }
    if (koc__str_ieq(name, KOC__STR("scope"))) {
        return replace(&c->scope, value, err);
    }
    return koc__str_ieq(name, KOC__STR("error")) ? replace(&c->error, value, err) : KOC_OK;
}

static int add_other(koc__challenge *c, koc_str name, koc_error **err)
{
    char *list =
        c->others ? koc__format("%s, %.*s", c->others, KOC__FMT(name)) : koc__str_dup(name);

    if (!list) {
        return koc__oom(err);
    }
    koc__free(c->others);
    c->others = list;
    return KOC_OK;
}

static int begin_scheme(koc__challenge *c, koc__scheme scheme, koc_str name, koc_error **err)
{
    switch (scheme) {
    case KOC__SCHEME_BASIC: c->basic = true; return KOC_OK;
    case KOC__SCHEME_OTHER: return name.len <= 32 ? add_other(c, name, err) : KOC_OK;
    default: return KOC_OK;
    }
}

/* A name followed by "=value" is a parameter of the current scheme; else it begins a new scheme. */
static int parameter_or_scheme(scanner *s, koc_str name, koc__scheme *current, koc__challenge *c,
                               koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(VALUE_MAX);
    size_t before = s->at;
    koc_str value;
    skip_space(s);
    if (peek(s) != '=') {
        s->at = before;
        *current = scheme_of(name);
        if (*current == KOC__SCHEME_BEARER && c->realm) {
            *current = KOC__SCHEME_NONE; /* the first bearer challenge counts */
            return KOC_OK;
        }
        return begin_scheme(c, *current, name, err);
    }
    s->at++;
    skip_space(s);
    if (peek(s) == '"') {
        KOC__TRY(quoted(s, &b, err));
        value = koc__dynbuf_view(&b);
    } else {
        value = bare(s);
    }
    if (*current != KOC__SCHEME_BEARER) {
        return KOC_OK;
    }
    return set_parameter(c, name, value, err);
}

int koc__challenge_read(koc_str value, koc__challenge *c, koc_error **err)
{
    scanner s = {value, 0};
    koc__scheme current = KOC__SCHEME_NONE;
    if (value.len == 0 || value.len > VALUE_MAX) {
        return KOC_OK;
    }
    for (;;) {
        skip_separators(&s);
        koc_str name = word(&s);
        if (name.len == 0) {
            if (s.at >= value.len) {
                break;
            }
            s.at++; /* a stray '=' or quote */
            continue;
        }
        KOC__TRY(parameter_or_scheme(&s, name, &current, c, err));
    }
    c->bearer = c->realm && c->realm[0];
    return KOC_OK;
}

int koc__challenge_of(const koc__headers *h, koc__challenge *c, koc_error **err)
{
    for (size_t i = 0; i < h->count; i++) {
        if (koc__str_ieq(koc__str(h->list[i].name), KOC__STR("WWW-Authenticate"))) {
            KOC__TRY(koc__challenge_read(koc__str(h->list[i].value), c, err));
        }
    }
    return KOC_OK;
}

void koc__challenge_dispose(koc__challenge *c)
{
    koc__free(c->realm);
    koc__free(c->service);
    koc__free(c->scope);
    koc__free(c->error);
    koc__free(c->others);
    *c = (koc__challenge)KOC__CHALLENGE_INIT;
}

/* Writes the bytes of an edit with its replacement, in the style of the scalar. */
#include "core/common.h"

#include "resolve/resolve.h"

#define REPLACEMENT_MAX ((size_t)4 << 10)
#define NO_TAG          "latest" /* the default of registries, for charts that need a tag */

int koc__rewrite_check(const char *replacement, koc_error **err)
{
    size_t len = strlen(replacement);
    if (len == 0 || len > REPLACEMENT_MAX) {
        return koc__error(err, KOC_EINVAL, "a replacement of %zu bytes is not an image reference",
                          len);
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)replacement[i];
        if (c <= ' ' || c >= 0x7F) {
            return koc__error(err, KOC_EINVAL, "\"%s\" is not an image reference", replacement);
        }
    }
    return KOC_OK;
}

/* --- the value --- */

typedef struct parts {
    koc_str name; /* registry/repository */
    koc_str tag;
    koc_str digest;
} parts;

static parts split_replacement(const char *replacement)
{
    parts p = {.name = koc__str(replacement)};
    koc_str name;
    koc_str tag;
    (void)koc__str_cut(p.name, '@', &p.name, &p.digest);
    if (koc__str_rcut(p.name, ':', &name, &tag) && !memchr(tag.ptr, '/', tag.len)) {
        p.name = name;
        p.tag = tag;
    }
    return p;
}

/* The tag of the reference counts only together with a digest: without one the image has only the tags it
 * was pushed with. */
static int put_tag(const koc__text_edit *e, const parts *p, koc__dynbuf *out, koc_error **err)
{
    koc_str pushed = p->tag.len > 0 ? p->tag : koc__str(NO_TAG);
    koc_str own = e->tag && *e->tag ? koc__str(e->tag) : pushed;
    if (p->digest.len == 0) {
        return koc__dynbuf_put(out, pushed, err);
    }
    return koc__dynbuf_printf(out, err, "%.*s@%.*s", KOC__FMT(own), KOC__FMT(p->digest));
}

static int put_value(const koc__text_edit *e, const char *replacement, koc__dynbuf *out,
                     koc_error **err)
{
    parts p = split_replacement(replacement);
    koc_str registry = {0};
    koc_str path = p.name;
    (void)koc__str_cut(p.name, '/', &registry, &path);
    switch (e->form) {
    case KOC__FORM_NAME: return koc__dynbuf_put(out, p.name, err);
    case KOC__FORM_REGISTRY: return koc__dynbuf_put(out, registry, err);
    case KOC__FORM_PATH: return koc__dynbuf_put(out, path, err);
    case KOC__FORM_TAG: return put_tag(e, &p, out, err);
    case KOC__FORM_DIGEST:
        if (p.digest.len == 0) {
            return koc__error(err, KOC_EINVAL, "a digest is needed here, and %s has none",
                              replacement);
        }
        return koc__dynbuf_put(out, p.digest, err);
    default: break;
    }
    if (!e->tag || p.digest.len == 0) {
        return koc__dynbuf_puts(out, replacement, err);
    }
    KOC__TRY(koc__dynbuf_put(out, p.name, err));
    KOC__TRY(koc__dynbuf_putc(out, ':', err));
    return put_tag(e, &p, out, err);
}

/* --- the style --- */

/* Whether a plain scalar is read back as this text and as a string, also inside of brackets. Strict: in
 * case of doubt the text is quoted ("1:30" is a number in YAML 1.1). */
static bool is_plain_safe(koc_str value)
{
    bool colon = memchr(value.ptr, ':', value.len) != NULL;
    bool name = koc__str_is(value, NO_TAG);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && (i == 0 || !strchr("._/@:-", c))) {
            return false;
        }
        name = name || c == '/' || c == '@' || (letter && colon);
    }
    return name && value.ptr[value.len - 1] != ':';
}

static int put_quoted(koc_str value, char quote, koc__dynbuf *out, koc_error **err)
{
    KOC__TRY(koc__dynbuf_putc(out, quote, err));
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (quote == '\'' && c == '\'') {
            KOC__TRY(koc__dynbuf_putc(out, '\'', err));
        } else if (quote == '"' && (c == '"' || c == '\\')) {
            KOC__TRY(koc__dynbuf_putc(out, '\\', err));
        }
        KOC__TRY(koc__dynbuf_putc(out, c, err));
    }
    return koc__dynbuf_putc(out, quote, err);
}

static int put_styled(const koc__text_edit *e, koc_str value, koc__dynbuf *out, koc_error **err)
{
    switch (e->style) {
    case 0: return koc__dynbuf_put(out, value, err); /* a line of a block scalar needs no quotes */
    case KOC__YSTYLE_SINGLE: return put_quoted(value, '\'', out, err);
    case KOC__YSTYLE_DOUBLE: return put_quoted(value, '"', out, err);
    default: break;
    }
    return is_plain_safe(value) ? koc__dynbuf_put(out, value, err)
                                : put_quoted(value, '"', out, err);
}

int koc__rewrite_edit(const koc__text_edit *e, const char *replacement, koc__dynbuf *out,
                      koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) value = KOC__DYNBUF_INIT(2 * REPLACEMENT_MAX);
    if (e->before) {
        KOC__TRY(koc__dynbuf_puts(out, e->before, err));
    }
    if (e->form != KOC__FORM_NOTHING) {
        KOC__TRY(put_value(e, replacement, &value, err));
        KOC__TRY(put_styled(e, koc__dynbuf_view(&value), out, err));
    }
    return e->after ? koc__dynbuf_puts(out, e->after, err) : KOC_OK;
}

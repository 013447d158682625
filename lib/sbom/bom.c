/* The model. A failure is kept in it, so that the collector need not check each call. */
#include "core/common.h"

#include <stdarg.h>
#include <stdlib.h>

#include "core/dynbuf.h"
#include "core/hash/sha256.h"
#include "core/str.h"
#include "core/text.h"
#include "sbom/bom.h"

#define TEXT_MAX ((size_t)1 << 20)

int koc__bom_new(koc__bom **out, koc_error **err)
{
    koc__bom *b = koc__calloc(1, sizeof(*b));
    if (b) {
        b->ids = koc__map_new(NULL);
    }
    if (!b || !b->ids) {
        koc__free(b);
        return koc__oom(err);
    }
    *out = b;
    return KOC_OK;
}

void koc__bom_free(koc__bom *b)
{
    if (!b) {
        return;
    }
    for (size_t i = 0; i < b->n_texts; i++) {
        koc__free(b->texts[i]);
    }
    koc__free(b->texts);
    koc__free(b->components);
    koc__free(b->edges);
    koc__map_free(b->ids);
    koc__free(b);
}

const char *koc__bom_take(koc__bom *b, char *s)
{
    if (!s || !koc__grow((void **)&b->texts, &b->texts_capacity, b->n_texts + 1, sizeof(char *))) {
        koc__free(s);
        b->failed = true;
        return "";
    }
    b->texts[b->n_texts++] = s;
    return s;
}

const char *koc__bom_text(koc__bom *b, const char *fmt, ...)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(TEXT_MAX);
    va_list args;
    va_start(args, fmt);
    int rc = koc__dynbuf_vprintf(&text, NULL, fmt, args);
    va_end(args);
    return koc__bom_take(b, rc == KOC_OK ? koc__dynbuf_steal(&text) : NULL);
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-';
}

const char *koc__bom_word(koc__bom *b, const char *text)
{
    char *word = koc__strdup(text);
    for (char *p = word; p && *p; p++) {
        if (!is_word_char(*p)) {
            *p = '-';
        }
    }
    return koc__bom_take(b, word);
}

/* A unique id: wish, with -2, -3, … while it is taken. */
static const char *make_id(koc__bom *b, const char *wish)
{
    const char *first = koc__bom_word(b, wish), *id = first;
    for (unsigned n = 2; koc__map_get(b->ids, koc__str(id)) && !b->failed; n++) {
        id = koc__bom_text(b, "%s-%u", first, n);
    }
    if (koc__map_set(b->ids, koc__str(id), b, NULL) != KOC_OK) {
        b->failed = true;
    }
    return id;
}

size_t koc__bom_add(koc__bom *b, int32_t kind, const char *wish, const char *name)
{
    if (!koc__grow((void **)&b->components, &b->components_capacity, b->n_components + 1,
                   sizeof(*b->components))) {
        b->failed = true;
        return 0;
    }
    koc__bom_component c = {
        .kind = kind, .id = make_id(b, wish), .name = koc__bom_text(b, "%s", name)};
    b->components[b->n_components] = c;
    return b->n_components++;
}

koc__bom_component *koc__bom_get(koc__bom *b, size_t i)
{
    return i < b->n_components ? &b->components[i] : &b->nothing;
}

void koc__bom_hash_add(koc__bom *b, size_t i, int32_t algorithm, const uint8_t *bytes, size_t len)
{
    koc__bom_component *c = koc__bom_get(b, i);
    char hex[129];
    if (i >= b->n_components || c->n_hashes == KOC__COUNT(c->hashes) || len > 64) {
        return;
    }
    koc__hex(bytes, len, hex);
    c->hashes[c->n_hashes].algorithm = algorithm;
    c->hashes[c->n_hashes++].hex = koc__bom_text(b, "%s", hex);
}

void koc__bom_link(koc__bom *b, size_t from, int32_t type, size_t to)
{
    if (!koc__grow((void **)&b->edges, &b->edges_capacity, b->n_edges + 1, sizeof(*b->edges))) {
        b->failed = true;
        return;
    }
    b->edges[b->n_edges++] = (koc__bom_edge){from, to, 0, type};
}

void koc__bom_fill_zeros(koc__dynbuf *out, size_t start)
{
    uint8_t hash[32];
    char hex[65];
    koc__sha256 h;
    koc__sha256_init(&h);
    koc__sha256_update(&h, out->ptr + start, out->len - start);
    koc__sha256_final(&h, hash);
    koc__hex(hash, sizeof(hash), hex);
    char *at = memmem(out->ptr + start, out->len - start, KOC__BOM_ZEROS, 64);
    if (at) {
        memcpy(at, hex, 64);
    }
}

/* The document's own edges are first. */
static int by_origin(const void *a, const void *b)
{
    const koc__bom_edge *x = a, *y = b;
    size_t from = x->from + 1, other = y->from + 1;
    if (from != other) {
        return from < other ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number;
}

int koc__bom_finish(koc__bom *b, koc_error **err)
{
    if (b->failed) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < b->n_edges; i++) {
        b->edges[i].number = i;
    }
    if (b->n_edges > 0) {
        qsort(b->edges, b->n_edges, sizeof(*b->edges), by_origin);
    }
    for (size_t i = b->n_edges; i-- > 0;) {
        if (b->edges[i].from != KOC__BOM_DOCUMENT) {
            koc__bom_component *c = &b->components[b->edges[i].from];
            c->first_edge = i;
            c->n_edges++;
        }
    }
    return KOC_OK;
}

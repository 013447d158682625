/*
 * Settings trees. An alias shares its node, so it needs no memory, but counts with the size of the node: that
 * bounds every walk of the tree.
 */
#include "core/common.h"

#include "core/map.h"
#include "core/str.h"
#include "text/yaml.h"
#include "text/yaml_events.h"

#define DEPTH_MAX 64
#define NODES_MAX 10000

struct koc__ynode {
    int type;
    bool null;
    bool merge;        /* a plain << */
    char *value;       /* of a scalar */
    koc__ynode **keys; /* of a mapping */
    koc__ynode **items;
    size_t n;
    size_t keys_capacity;
    size_t items_capacity;
    size_t size; /* nodes, this one and all below, aliases written out */
    size_t line;
    size_t column;
};

struct koc__yaml {
    koc__ynode **nodes; /* all of them, for the end */
    size_t n;
    size_t capacity;
    koc__ynode *root;
};

typedef struct builder {
    koc__yaml *doc;
    koc__yevents *events;
    koc__map *anchors; /* names to nodes; without nodes that are still being built */
    const char *what;
    int depth;
} builder;

static int fail(const builder *b, size_t line, size_t column, int code, const char *why,
                koc_error **err)
{
    return koc__error(err, code, "%s:%zu:%zu: %s", b->what, line, column, why);
}

static int new_node(builder *b, const koc__yevent *e, int type, koc__ynode **out, koc_error **err)
{
    koc__yaml *doc = b->doc;
    void *nodes = doc->nodes;
    if (doc->n >= NODES_MAX) {
        return fail(b, e->line, e->column, KOC_ELIMIT, "more than 10000 values", err);
    }
    if (!koc__grow(&nodes, &doc->capacity, doc->n + 1, sizeof(*doc->nodes))) {
        return koc__oom(err);
    }
    doc->nodes = nodes;
    koc__ynode *node = koc__calloc(1, sizeof(*node));
    if (!node) {
        return koc__oom(err);
    }
    doc->nodes[doc->n++] = node;
    node->type = type;
    node->size = 1;
    node->line = e->line;
    node->column = e->column;
    *out = node;
    return KOC_OK;
}

/* --- scalars --- */

static bool is_null_text(koc_str s)
{
    return s.len == 0 || koc__str_is(s, "~") || koc__str_is(s, "null") || koc__str_is(s, "Null") ||
           koc__str_is(s, "NULL");
}

static int build_scalar(builder *b, const koc__yevent *e, koc__ynode **out, koc_error **err)
{
    koc__ynode *node = NULL;
    KOC__TRY(new_node(b, e, KOC__YAML_SCALAR, &node, err));
    if (e->value.len > 0 && memchr(e->value.ptr, '\0', e->value.len)) {
        return fail(b, e->line, e->column, KOC_EFORMAT, "a string contains a NUL character", err);
    }
    node->value = koc__str_dup(e->value);
    if (!node->value) {
        return koc__oom(err);
    }
    bool plain = e->style == KOC__YSTYLE_PLAIN && !e->tag;
    node->null = (plain && is_null_text(e->value)) || koc__streq(e->tag, "tag:yaml.org,2002:null");
    node->merge = plain && koc__str_is(e->value, "<<");
    *out = node;
    return KOC_OK;
}

static int find_alias(builder *b, const koc__yevent *e, koc__ynode **out, koc_error **err)
{
    *out = koc__map_get(b->anchors, e->value);
    if (!*out) {
        return fail(b, e->line, e->column, KOC_EFORMAT,
                    "the alias has no complete anchor before it", err);
    }
    return KOC_OK;
}

/* --- collections --- */

static int add_child(builder *b, koc__ynode *parent, koc__ynode *key, koc__ynode *child,
                     koc_error **err)
{
    void *items = parent->items;
    void *keys = parent->keys;
    if (!koc__grow(&items, &parent->items_capacity, parent->n + 1, sizeof(*parent->items))) {
        return koc__oom(err);
    }
    parent->items = items;
    if (key && !koc__grow(&keys, &parent->keys_capacity, parent->n + 1, sizeof(*parent->keys))) {
        return koc__oom(err);
    }
    parent->keys = keys;
    if (key) {
        parent->keys[parent->n] = key;
    }
    parent->items[parent->n++] = child;
    parent->size += child->size + (key ? 1 : 0);
    if (parent->size > NODES_MAX) {
        return fail(b, child->line, child->column, KOC_ELIMIT,
                    "more than 10000 values with all aliases written out", err);
    }
    return KOC_OK;
}

static koc__ynode *find_key(const koc__ynode *mapping, const char *key)
{
    for (size_t i = 0; i < mapping->n; i++) {
        if (strcmp(mapping->keys[i]->value, key) == 0) {
            return mapping->items[i];
        }
    }
    return NULL;
}

/* Adds the members of source that target does not have. */
static int merge_one(builder *b, koc__ynode *target, const koc__ynode *source, koc_error **err)
{
    if (source->type != KOC__YAML_MAPPING) {
        return fail(b, source->line, source->column, KOC_EFORMAT, "\"<<\" needs a mapping", err);
    }
    for (size_t i = 0; i < source->n; i++) {
        if (!find_key(target, source->keys[i]->value)) {
            KOC__TRY(add_child(b, target, source->keys[i], source->items[i], err));
        }
    }
    return KOC_OK;
}

static int merge(builder *b, koc__ynode *target, const koc__ynode *sources, koc_error **err)
{
    if (!sources) {
        return KOC_OK;
    }
    if (sources->type != KOC__YAML_SEQUENCE) {
        return merge_one(b, target, sources, err);
    }
    for (size_t i = 0; i < sources->n; i++) {
        KOC__TRY(merge_one(b, target, sources->items[i], err));
    }
    return KOC_OK;
}

static int build_node(builder *b, const koc__yevent *e, koc__ynode **out, koc_error **err);

static int build_sequence(builder *b, koc__ynode *node, koc_error **err)
{
    for (;;) {
        koc__yevent e;
        koc__ynode *item = NULL;
        KOC__TRY(koc__yevents_next(b->events, &e, err));
        if (e.type == KOC__YEVENT_SEQUENCE_END) {
            return KOC_OK;
        }
        KOC__TRY(build_node(b, &e, &item, err));
        KOC__TRY(add_child(b, node, NULL, item, err));
    }
}

static int check_key(const builder *b, const koc__ynode *mapping, const koc__ynode *key,
                     bool merged, koc_error **err)
{
    if (key->type != KOC__YAML_SCALAR) {
        return fail(b, key->line, key->column, KOC_EFORMAT, "a key must be a text", err);
    }
    if (find_key(mapping, key->value) || (merged && key->merge)) {
        return koc__error(err, KOC_EFORMAT, "%s:%zu:%zu: duplicate key \"%s\"", b->what, key->line,
                          key->column, key->value);
    }
    return KOC_OK;
}

static int build_mapping(builder *b, koc__ynode *node, koc_error **err)
{
    koc__ynode *sources = NULL; /* under "<<"; explicit members win, wherever they are */
    for (;;) {
        koc__yevent e;
        koc__ynode *key = NULL;
        koc__ynode *value = NULL;
        KOC__TRY(koc__yevents_next(b->events, &e, err));
        if (e.type == KOC__YEVENT_MAPPING_END) {
            return merge(b, node, sources, err);
        }
        KOC__TRY(build_node(b, &e, &key, err));
        KOC__TRY(check_key(b, node, key, sources != NULL, err));
        KOC__TRY(koc__yevents_next(b->events, &e, err));
        KOC__TRY(build_node(b, &e, &value, err));
        if (key->merge) {
            sources = value;
        } else {
            KOC__TRY(add_child(b, node, key, value, err));
        }
    }
}

static int build_collection(builder *b, const koc__yevent *e, koc__ynode **out, koc_error **err)
{
    bool mapping = e->type == KOC__YEVENT_MAPPING;
    if (b->depth == DEPTH_MAX) {
        return fail(b, e->line, e->column, KOC_ELIMIT, "nested more than 64 levels deep", err);
    }
    KOC__TRY(new_node(b, e, mapping ? KOC__YAML_MAPPING : KOC__YAML_SEQUENCE, out, err));
    b->depth++;
    KOC__TRY(mapping ? build_mapping(b, *out, err) : build_sequence(b, *out, err));
    b->depth--;
    return KOC_OK;
}

static int build_node(builder *b, const koc__yevent *e, koc__ynode **out, koc_error **err)
{
    if (e->type == KOC__YEVENT_ALIAS) {
        return find_alias(b, e, out, err);
    }
    /* The strings of an event are freed by the next one. */
    KOC__AUTO_STR anchor = koc__strdup(e->anchor);
    if (e->anchor && !anchor) {
        return koc__oom(err);
    }
    KOC__TRY(e->type == KOC__YEVENT_SCALAR ? build_scalar(b, e, out, err)
                                           : build_collection(b, e, out, err));
    return anchor ? koc__map_set(b->anchors, koc__str(anchor), *out, err) : KOC_OK;
}

/* --- documents --- */

static int build_document(builder *b, koc_error **err)
{
    koc__yevent e;
    KOC__TRY(koc__yevents_next(b->events, &e, err));
    if (e.type == KOC__YEVENT_END) {
        return KOC_OK;
    }
    KOC__TRY(koc__yevents_next(b->events, &e, err)); /* after the start of the document */
    KOC__TRY(build_node(b, &e, &b->doc->root, err));
    KOC__TRY(koc__yevents_next(b->events, &e, err)); /* its end */
    KOC__TRY(koc__yevents_next(b->events, &e, err));
    if (e.type != KOC__YEVENT_END) {
        return fail(b, e.line, e.column, KOC_EFORMAT, "a second document; only one is expected",
                    err);
    }
    return KOC_OK;
}

int koc__yaml_parse(koc_str text, size_t max, const char *what, koc__yaml **out, koc_error **err)
{
    KOC__AUTO(koc__yevents) events = NULL;
    KOC__TRY(koc__yevents_open(text, max, what, &events, err));
    KOC__AUTO(koc__yaml) doc = koc__calloc(1, sizeof(*doc));
    KOC__AUTO(koc__map) anchors = koc__map_new(NULL);
    if (!doc || !anchors) {
        return koc__oom(err);
    }
    builder b = {.doc = doc, .events = events, .anchors = anchors, .what = what};
    KOC__TRY(build_document(&b, err));
    *out = koc__steal(&doc);
    return KOC_OK;
}

void koc__yaml_free(koc__yaml *y)
{
    if (!y) {
        return;
    }
    for (size_t i = 0; i < y->n; i++) {
        koc__free(y->nodes[i]->value);
        koc__free(y->nodes[i]->keys);
        koc__free(y->nodes[i]->items);
        koc__free(y->nodes[i]);
    }
    koc__free(y->nodes);
    koc__free(y);
}

/* --- reading --- */

const koc__ynode *koc__yaml_root(const koc__yaml *y)
{
    return y ? y->root : NULL;
}

int koc__yaml_type(const koc__ynode *n)
{
    return n ? n->type : 0;
}

const char *koc__yaml_str(const koc__ynode *n)
{
    return n && n->type == KOC__YAML_SCALAR && !n->null ? n->value : NULL;
}

bool koc__yaml_is_null(const koc__ynode *n)
{
    return n && n->null;
}

const koc__ynode *koc__yaml_get(const koc__ynode *mapping, const char *key, bool fold_case)
{
    if (koc__yaml_type(mapping) != KOC__YAML_MAPPING) {
        return NULL;
    }
    const koc__ynode *exact = find_key(mapping, key);
    for (size_t i = 0; !exact && fold_case && i < mapping->n; i++) {
        if (koc__str_ieq(koc__str(mapping->keys[i]->value), koc__str(key))) {
            return mapping->items[i];
        }
    }
    return exact;
}

size_t koc__yaml_count(const koc__ynode *n)
{
    return n ? n->n : 0;
}

const koc__ynode *koc__yaml_at(const koc__ynode *n, size_t i)
{
    return n && i < n->n ? n->items[i] : NULL;
}

const char *koc__yaml_key(const koc__ynode *mapping, size_t i)
{
    return mapping && mapping->keys && i < mapping->n ? mapping->keys[i]->value : NULL;
}

size_t koc__yaml_line(const koc__ynode *n)
{
    return n ? n->line : 0;
}

size_t koc__yaml_column(const koc__ynode *n)
{
    return n ? n->column : 0;
}

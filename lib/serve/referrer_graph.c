#include "core/common.h"

#include <pthread.h>

#include "core/hash/digests.h"
#include "core/map.h"
#include "model/model.h"
#include "serve/referrer_graph.h"

/* Unreachable nodes are kept until there are this many more of them than reachable ones. */
enum { SPARE = 1000 };

struct koc__graph {
    koc__content *content;
    koc__names *names;
    pthread_mutex_t mutex;        /* guards what follows */
    koc__served_listing *listing; /* the listing that the rest is built from */
    koc__map *nodes;        /* digest -> koc__node, owned; also nodes that are no longer listed */
    koc__map *all;          /* digest -> koc__node: reachable from the layout's listing */
    koc__map *repositories; /* name -> koc__map of the same form, made when asked for */
    koc__map *none;         /* the content of a repository that does not exist: empty */
    bool holes;             /* named content is missing or damaged, and may still be pushed */
};

/* Algorithms differ in length. */
static koc_str key_of(const koc_digest *d)
{
    return koc__str_n((const char *)d->bytes, d->len);
}

static void free_map(void *value)
{
    koc__map_free(value);
}

int koc__graph_new(koc__content *content, koc__names *names, koc__graph **out, koc_error **err)
{
    koc__graph *g = koc__calloc(1, sizeof(*g));
    if (!g) {
        return koc__oom(err);
    }
    pthread_mutex_init(&g->mutex, NULL);
    g->content = content;
    g->names = names;
    *out = g;
    return KOC_OK;
}

static void forget(koc__graph *g)
{
    koc__served_listing_unref(koc__steal(&g->listing));
    koc__map_free(koc__steal(&g->repositories));
    koc__map_free(koc__steal(&g->none));
    koc__map_free(koc__steal(&g->all));
}

void koc__graph_free(koc__graph *g)
{
    if (!g) {
        return;
    }
    forget(g);
    koc__map_free(g->nodes);
    pthread_mutex_destroy(&g->mutex);
    koc__free(g);
}

/* --- nodes --- */

static void node_free(koc__node *n)
{
    if (!n) {
        return;
    }
    koc__free(n->referrer);
    koc__free(n->artifact_type);
    koc__free(n->names);
    koc__free(n);
}
KOC__DEFINE_AUTO(koc__node, node_free);

static void free_node(void *value)
{
    node_free(value);
}

static void add_name(koc__node *n, const koc__jnode *descriptor)
{
    const char *text = koc__json_get_str(descriptor, "digest");
    if (text && koc__digest_read(koc__str(text), &n->names[n->n_names])) {
        n->n_names++;
    }
}

static int read_names(koc__node *n, const koc__jnode *root, koc_error **err)
{
    bool index = koc__mt_is_index(n->type);
    const koc__jnode *list = koc__json_get(root, index ? "manifests" : "layers");
    n->names = koc__calloc(koc__json_count(list) + 1, sizeof(*n->names));
    if (!n->names) {
        return koc__oom(err);
    }
    if (!index) {
        add_name(n, koc__json_get(root, "config"));
    }
    for (const koc__jnode *e = koc__json_child(list); e; e = koc__json_next(e)) {
        add_name(n, e);
    }
    return KOC_OK;
}

/* The entry of a list of referrers. */
static int write_referrer(koc__node *n, const koc__jnode *annotations, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(2 * KOC__MANIFEST_MAX);
    koc__jw w;
    koc__jw_begin(&w, &text, 0, 0);
    koc__jw_object(&w);
    koc__jw_kv(&w, "mediaType", n->type);
    koc__jw_key(&w, "size");
    koc__jw_u64(&w, n->size);
    koc__jw_kv(&w, "digest", koc__digest_str(&n->digest).s);
    koc__jw_kv(&w, "artifactType", n->artifact_type);
    if (annotations) {
        koc__jw_key(&w, "annotations");
        koc__jw_node(&w, annotations);
    }
    koc__jw_object_end(&w);
    KOC__TRY(koc__jw_end(&w, err));
    n->referrer = koc__dynbuf_steal(&text);
    return n->referrer ? KOC_OK : koc__oom(err);
}

/* The artifact type of an image without one is the media type of its config; an index has no config. */
static int read_subject(koc__node *n, const koc__jnode *root, koc_error **err)
{
    const char *subject = koc__json_get_str(koc__json_get(root, "subject"), "digest");
    const char *type = koc__json_get_str(root, "artifactType");
    if (!subject || !koc__digest_read(koc__str(subject), &n->subject)) {
        return KOC_OK;
    }
    if (!type || !*type) {
        type = koc__json_get_str(koc__json_get(root, "config"), "mediaType");
    }
    n->artifact_type = koc__strdup(type);
    if (type && !n->artifact_type) {
        return koc__oom(err);
    }
    return write_referrer(n, koc__json_get(root, "annotations"), err);
}

static int read_node(const koc_digest *d, koc_str bytes, koc__node **out, koc_error **err)
{
    KOC__AUTO(koc__node) n = koc__calloc(1, sizeof(*n));
    KOC__AUTO(koc__json) doc = NULL;
    const koc__digest_text name = koc__digest_str(d);
    if (!n) {
        return koc__oom(err);
    }
    n->digest = *d;
    n->size = bytes.len;
    KOC__TRY(koc__json_parse(bytes, KOC__MANIFEST_MAX, name.s, &doc, err));
    KOC__TRY(koc__mt_of_document(doc, NULL, name.s, &n->type, err));
    KOC__TRY(read_names(n, koc__json_root(doc), err));
    KOC__TRY(read_subject(n, koc__json_root(doc), err));
    *out = koc__steal(&n);
    return KOC_OK;
}

static bool is_no_document(int rc)
{
    return rc == KOC_EFORMAT || rc == KOC_EUNSUPPORTED || rc == KOC_ELIMIT;
}

/* A node for content that is not a known kind of document. */
static int make_other(const koc_digest *d, koc__node **out, koc_error **err)
{
    koc__node *n = koc__calloc(1, sizeof(*n));
    if (!n) {
        return koc__oom(err);
    }
    n->digest = *d;
    *out = n;
    return KOC_OK;
}

/* Reads it from the layout. *out NULL: it is missing or damaged, which a client that pulls it learns. */
static int load(const koc__graph *g, const koc_digest *d, koc__node **out, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    koc_error *why = NULL;
    *out = NULL;
    int rc = koc__content_read(g->content, d, KOC__MANIFEST_MAX, &bytes, &why);
    if (rc == KOC_OK) {
        rc = read_node(d, koc__str_n(bytes.ptr, bytes.len), out, &why);
        if (is_no_document(rc)) {
            koc__error_clear(&why);
            return make_other(d, out, err);
        }
    }
    if (rc == KOC_ENOMEM) {
        return koc__error_move(err, &why);
    }
    koc__error_clear(&why);
    return KOC_OK;
}

/* --- walking --- */

/* Digests to visit. */
typedef struct queue {
    koc_digest *items;
    size_t n, capacity;
} queue;

static void queue_dispose(queue *q)
{
    koc__free(q->items);
}
KOC__DEFINE_AUTO_VAL(queue, queue_dispose);

static int push(queue *q, const koc_digest *d, koc_error **err)
{
    if (q->n == q->capacity) {
        size_t capacity = q->capacity ? 2 * q->capacity : 64;
        koc_digest *items = koc__realloc(q->items, capacity * sizeof(*items));
        if (!items) {
            return koc__oom(err);
        }
        q->items = items;
        q->capacity = capacity;
    }
    q->items[q->n++] = *d;
    return KOC_OK;
}

/* A node, loaded if it is new; *out NULL: it cannot be loaded. */
static int node_of(koc__graph *g, const koc_digest *d, const koc__node **out, koc_error **err)
{
    koc__node *fresh = NULL;
    *out = koc__map_get(g->nodes, key_of(d));
    if (*out) {
        return KOC_OK;
    }
    KOC__TRY(load(g, d, &fresh, err));
    if (!fresh) {
        g->holes = true;
        return KOC_OK;
    }
    int rc = koc__map_set(g->nodes, key_of(d), fresh, err);
    if (rc != KOC_OK) {
        node_free(fresh);
        return rc;
    }
    *out = fresh;
    return KOC_OK;
}

/* Adds everything reachable from q through indexes to found. */
static int walk(koc__graph *g, queue *q, koc__map *found, koc_error **err)
{
    while (q->n > 0) {
        const koc_digest d = q->items[--q->n];
        const koc__node *n = NULL;
        if (koc__map_get(found, key_of(&d))) {
            continue;
        }
        KOC__TRY(node_of(g, &d, &n, err));
        if (!n) {
            continue;
        }
        KOC__TRY(koc__map_set(found, key_of(&d), (void *)(uintptr_t)n, err));
        for (size_t i = 0; n->type && koc__mt_is_index(n->type) && i < n->n_names; i++) {
            KOC__TRY(push(q, &n->names[i], err));
        }
    }
    return KOC_OK;
}

/* The nodes reachable from the lines of a repository (NULL: of all), except those of `without`. */
static int reach(koc__graph *g, const char *repository, const koc_digest *without, koc__map **out,
                 koc_error **err)
{
    KOC__AUTO(koc__map) found = koc__map_new(NULL);
    KOC__AUTO_VAL(queue) q = {0};
    if (!found) {
        return koc__oom(err);
    }
    for (size_t i = g->listing->n; i > 0; i--) {
        const koc__served_line *line = &g->listing->lines[i - 1];
        if ((!repository || koc__streq(line->repository, repository)) &&
            !(without && koc_digest_equal(&line->digest, without))) {
            KOC__TRY(push(&q, &line->digest, err));
        }
    }
    KOC__TRY(walk(g, &q, found, err));
    *out = koc__steal(&found);
    return KOC_OK;
}

static int build(koc__graph *g, koc__served_listing *listing, koc_error **err)
{
    forget(g);
    g->holes = false;
    g->listing = koc__served_listing_ref(listing);
    if (!g->nodes) {
        g->nodes = koc__map_new(free_node);
    }
    g->repositories = koc__map_new(free_map);
    g->none = koc__map_new(NULL);
    if (!g->nodes || !g->repositories || !g->none) {
        return koc__oom(err);
    }
    return reach(g, NULL, NULL, &g->all, err);
}

int koc__graph_lock(koc__graph *g, koc_error **err)
{
    KOC__AUTO(koc__served_listing) now = NULL;
    pthread_mutex_lock(&g->mutex);
    KOC__TRY(koc__names_listing(g->names, &now, err));
    if (g->listing == now && g->all && !g->holes) {
        return KOC_OK;
    }
    if (g->all && koc__map_count(g->nodes) > 2 * koc__map_count(g->all) + SPARE) {
        forget(g);
        koc__map_free(koc__steal(&g->nodes));
    }
    return build(g, now, err);
}

void koc__graph_unlock(koc__graph *g)
{
    pthread_mutex_unlock(&g->mutex);
}

/* --- questions --- */

const koc__served_listing *koc__graph_listing(const koc__graph *g)
{
    return g->listing;
}

/* The content of a repository. *out is borrowed. */
static int held(koc__graph *g, const char *repository, const koc__map **out, koc_error **err)
{
    if (!repository) {
        *out = g->all;
        return KOC_OK;
    }
    koc__map *found = koc__map_get(g->repositories, koc__str(repository));
    *out = found;
    if (found) {
        return KOC_OK;
    }
    KOC__TRY(reach(g, repository, NULL, &found, err));
    if (koc__map_count(found) == 0) { /* a name that a client made up must not cost memory */
        koc__map_free(found);
        *out = g->none;
        return KOC_OK;
    }
    int rc = koc__map_set(g->repositories, koc__str(repository), found, err);
    if (rc != KOC_OK) {
        koc__map_free(found);
        return rc;
    }
    *out = found;
    return KOC_OK;
}

int koc__graph_find(koc__graph *g, const char *repository, const koc_digest *d,
                    const koc__node **out, koc_error **err)
{
    const koc__map *found = NULL;
    KOC__TRY(held(g, repository, &found, err));
    const koc__node *n = koc__map_get(found, key_of(d));
    *out = n && n->type ? n : NULL;
    return KOC_OK;
}

static int compare(const void *a, const void *b)
{
    const koc__node *const *x = a;
    const koc__node *const *y = b;
    int by_length = (int)(*x)->digest.len - (int)(*y)->digest.len;
    return by_length ? by_length : memcmp((*x)->digest.bytes, (*y)->digest.bytes, (*x)->digest.len);
}

int koc__graph_referrers(koc__graph *g, const char *repository, const koc_digest *subject,
                         const char *type, const koc__node ***out, size_t *n, koc_error **err)
{
    const koc__map *found = NULL;
    size_t cursor = 0;
    koc_str key;
    void *value = NULL;
    KOC__TRY(held(g, repository, &found, err));
    const koc__node **list = koc__calloc(koc__map_count(found) + 1, sizeof(*list));
    if (!list) {
        return koc__oom(err);
    }
    *n = 0;
    while (koc__map_next(found, &cursor, &key, &value)) {
        const koc__node *node = value;
        if (koc_digest_equal(&node->subject, subject) &&
            (!type || koc__streq(node->artifact_type, type))) {
            list[(*n)++] = node;
        }
    }
    qsort(list, *n, sizeof(*list), compare);
    *out = list;
    return KOC_OK;
}

static bool holds(const koc__node *n, const koc_digest *d, bool subjects)
{
    for (size_t i = 0; i < n->n_names; i++) {
        if (koc_digest_equal(&n->names[i], d)) {
            return true;
        }
    }
    return subjects && koc_digest_equal(&n->subject, d);
}

int koc__graph_holder(koc__graph *g, const char *repository, const koc_digest *d, bool subjects,
                      const koc__node **out, koc_error **err)
{
    const koc__map *found = NULL;
    size_t cursor = 0;
    koc_str key;
    void *value = NULL;
    *out = NULL;
    KOC__TRY(held(g, repository, &found, err));
    while (!*out && koc__map_next(found, &cursor, &key, &value)) {
        *out = holds(value, d, subjects) ? value : NULL;
    }
    return KOC_OK;
}

int koc__graph_orphans(koc__graph *g, const char *repository, const koc__node *index,
                       const koc__node ***out, size_t *n, koc_error **err)
{
    KOC__AUTO(koc__map) others = NULL;
    const koc__node **list = NULL;
    *n = 0;
    *out = NULL;
    if (!koc__mt_is_index(index->type)) {
        return KOC_OK;
    }
    KOC__TRY(reach(g, repository, &index->digest, &others, err));
    list = koc__calloc(index->n_names + 1, sizeof(*list));
    if (!list) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < index->n_names; i++) {
        const koc__node *child = koc__map_get(g->all, key_of(&index->names[i]));
        if (child && child->type && !koc__map_get(others, key_of(&child->digest))) {
            list[(*n)++] = child;
        }
    }
    *out = list;
    return KOC_OK;
}

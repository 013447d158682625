/*
 * Copies one image or index with everything below it: reads documents from the top down, moves blobs in parallel, then
 * writes manifests from the bottom up, so that no manifest names missing content.
 */
#include "core/common.h"

#include "transfer/transfer.h"

#include "core/map.h"
#include "core/str.h"

enum { NODES_MAX = 10000, DEPTH_MAX = 6 };

/* A manifest or index to copy. */
typedef struct node {
    koc__transfer *t;
    koc__document doc;
    koc_digest digest;
    unsigned depth;
    bool referrer; /* listed on its own */
    bool there;    /* the target has it and everything below it */
} node;

/* A blob to copy. */
typedef struct move {
    koc__transfer *t;
    koc_descriptor *descriptor;
} move;

typedef struct tree {
    koc__transfer *t;
    node **nodes; /* top first */
    size_t n_nodes, nodes_capacity;
    move **moves;
    size_t n_moves, moves_capacity;
    koc__map *seen; /* by digest */
} tree;

static void tree_dispose(tree *w)
{
    for (size_t i = 0; i < w->n_nodes; i++) {
        koc__document_dispose(&w->nodes[i]->doc);
        koc__free(w->nodes[i]);
    }
    for (size_t i = 0; i < w->n_moves; i++) {
        koc__descriptor_free(w->moves[i]->descriptor);
        koc__free(w->moves[i]);
    }
    koc__free(w->nodes);
    koc__free(w->moves);
    koc__map_free(w->seen);
}
KOC__DEFINE_AUTO_VAL(tree, tree_dispose);

/* Runs fn on list[from..to), in parallel if the width allows it. */
static int run_each(const tree *w, koc__task_fn fn, void *list, size_t from, size_t to,
                    koc_error **err)
{
    KOC__AUTO_VAL(koc__group) g = {0};
    void **items = list;
    if (w->t->width == 1 || to - from == 1) {
        for (size_t i = from; i < to; i++) {
            KOC__TRY(fn(items[i], w->t->call, err));
        }
        return KOC_OK;
    }
    if (from == to) {
        return KOC_OK;
    }
    KOC__TRY(koc__group_begin(&g, w->t->call, w->t->width, err));
    for (size_t i = from; i < to; i++) {
        KOC__TRY(koc__group_add(&g, fn, items[i], err));
    }
    return koc__group_wait(&g, err);
}

/* --- reading --- */

static int mark_seen(tree *w, const koc_digest *d, bool *first, koc_error **err)
{
    const koc_str key = koc__str_n((const char *)d->bytes, d->len);
    *first = !koc__map_get(w->seen, key);
    return *first ? koc__map_set(w->seen, key, w, err) : KOC_OK;
}

static int add_node(tree *w, const koc_digest *d, unsigned depth, bool referrer, node **out,
                    koc_error **err)
{
    bool first = false;
    *out = NULL;
    KOC__TRY(mark_seen(w, d, &first, err));
    if (!first) {
        return KOC_OK;
    }
    if (w->n_nodes >= NODES_MAX || depth > DEPTH_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s consists of too many manifests", w->t->from->what);
    }
    if (!koc__grow((void **)&w->nodes, &w->nodes_capacity, w->n_nodes + 1, sizeof(node *))) {
        return koc__oom(err);
    }
    node *n = koc__calloc(1, sizeof(*n));
    if (!n) {
        return koc__oom(err);
    }
    *n = (node){.t = w->t, .digest = *d, .depth = depth, .referrer = referrer};
    w->nodes[w->n_nodes++] = n;
    *out = n;
    return KOC_OK;
}

static int add_blob(tree *w, const koc__jnode *member, const char *what, koc_error **err)
{
    KOC__AUTO(koc_descriptor) d = NULL;
    bool first = false;
    KOC__TRY(koc__descriptor_read(member, what, &d, err));
    KOC__TRY(mark_seen(w, &d->digest, &first, err));
    if (!first) {
        return KOC_OK;
    }
    move *m = koc__calloc(1, sizeof(*m));
    if (!m || !koc__grow((void **)&w->moves, &w->moves_capacity, w->n_moves + 1, sizeof(move *))) {
        koc__free(m);
        return koc__oom(err);
    }
    *m = (move){w->t, koc__steal(&d)};
    w->moves[w->n_moves++] = m;
    return KOC_OK;
}

static int read_manifest(tree *w, const koc__jnode *root, koc_error **err)
{
    const koc__jnode *layers = koc__json_get(root, "layers");
    for (const koc__jnode *l = koc__json_child(layers); l; l = koc__json_next(l)) {
        KOC__TRY(add_blob(w, l, "a layer", err));
    }
    return add_blob(w, koc__json_get(root, "config"), "the config", err);
}

static int read_index(tree *w, const node *n, const koc__jnode *root, koc_error **err)
{
    const koc__jnode *list = koc__json_get(root, "manifests");
    for (const koc__jnode *e = koc__json_child(list); e; e = koc__json_next(e)) {
        KOC__AUTO(koc_descriptor) d = NULL;
        node *child = NULL;
        KOC__TRY(koc__descriptor_read(e, "an entry of the index", &d, err));
        if (koc__mt_is_index(d->media_type) || koc__mt_is_manifest(d->media_type)) {
            KOC__TRY(add_node(w, &d->digest, n->depth + 1, false, &child, err));
        } else {
            KOC__TRY(add_blob(w, e, "an entry of the index", err));
        }
    }
    return KOC_OK;
}

static int read_node(tree *w, node *n, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__json_parse(koc__document_text(&n->doc), KOC__MANIFEST_MAX, w->t->from->what, &doc,
                             err));
    const koc__jnode *root = koc__json_root(doc);
    const char *type = koc__json_get_str(root, "artifactType");
    if (type && !n->doc.artifact_type.ptr) {
        KOC__TRY(koc_buf_set(&n->doc.artifact_type, koc__str(type), err));
    }
    return koc__mt_is_index(n->doc.media_type.ptr) ? read_index(w, n, root, err)
                                                   : read_manifest(w, root, err);
}

/* A koc__task_fn. */
static int fetch_node(void *arg, koc__call *call, koc_error **err)
{
    node *n = arg;
    koc__transfer *t = n->t;
    if (n->depth > 0 && !t->referrers && t->to->vt->has_manifest) {
        KOC__TRY(t->to->vt->has_manifest(t->to, t->place, &n->digest, call, &n->there, err));
    }
    if (n->there || n->doc.bytes.ptr) {
        return KOC_OK;
    }
    return koc__source_manifest(t->from, &n->digest, call, &n->doc, err);
}

static int add_referrers(tree *w, const node *n, koc_error **err)
{
    koc__transfer *t = w->t;
    KOC__AUTO(koc_index) list = NULL;
    KOC__TRY(t->from->vt->referrers(t->from, &n->digest, NULL, t->call, &list, err));
    for (size_t i = 0; i < koc_index_count(list); i++) {
        const koc_descriptor *d = koc_index_get(list, i);
        node *r = NULL;
        KOC__TRY(add_node(w, &d->digest, n->depth + 1, true, &r, err));
        if (r && d->artifact_type) {
            KOC__TRY(koc_buf_set(&r->doc.artifact_type, koc__str(d->artifact_type), err));
        }
    }
    return KOC_OK;
}

/* Level by level: each one lists the next. */
static int read_all(tree *w, koc_error **err)
{
    for (size_t from = 0; from < w->n_nodes;) {
        size_t to = w->n_nodes;
        KOC__TRY(run_each(w, fetch_node, w->nodes, from, to, err));
        for (; from < to; from++) {
            node *n = w->nodes[from];
            if (!n->there) {
                KOC__TRY(read_node(w, n, err));
            }
            if (w->t->referrers) {
                KOC__TRY(add_referrers(w, n, err));
            }
        }
    }
    return KOC_OK;
}

/* --- moving --- */

static void count_blob(koc__transfer *t, int32_t state, uint64_t size)
{
    pthread_mutex_lock(&t->mutex);
    t->result.blobs++;
    t->result.mounted += state == KOC_STATE_MOUNTED;
    if (state == KOC_STATE_FINISHED) {
        t->result.copied++;
        t->result.bytes += size;
    }
    pthread_mutex_unlock(&t->mutex);
}

/* A koc__task_fn. */
static int move_blob(void *arg, koc__call *call, koc_error **err)
{
    const move *m = arg;
    koc__transfer *t = m->t;
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__TRY(t->from->vt->blob(t->from, m->descriptor, &blob, err));
    if (!blob && koc__mt_is_foreign(m->descriptor->media_type)) {
        return KOC_OK; /* a foreign layer stays at its URL */
    }
    const koc__source_vt *vt = t->from->vt;
    const koc__known_blob b = {m->descriptor, blob,
                               vt->origin ? vt->origin(t->from, m->descriptor) : t->from->repo};
    int32_t state = KOC_STATE_SKIPPED;
    KOC__TRY(t->to->vt->put_blob(t->to, t->place, &b, call, &state, err));
    count_blob(t, state, m->descriptor->size);
    return KOC_OK;
}

/* A koc__task_fn. */
static int write_node(void *arg, koc__call *call, koc_error **err)
{
    const node *n = arg;
    koc__transfer *t = n->t;
    if (n->there) {
        return KOC_OK;
    }
    return t->to->vt->put_manifest(t->to, t->place, &n->doc, n->depth == 0, n->referrer, call, err);
}

/* Deepest level first. Referrers are one level below their subject and may be written before it. */
static int write_all(const tree *w, koc_error **err)
{
    size_t to = w->n_nodes;
    while (to > 0) {
        size_t from = to - 1;
        while (from > 0 && w->nodes[from - 1]->depth == w->nodes[to - 1]->depth) {
            from--;
        }
        KOC__TRY(run_each(w, write_node, w->nodes, from, to, err));
        to = from;
    }
    return KOC_OK;
}

int koc__transfer_tree(koc__transfer *t, const koc__document *top, koc_error **err)
{
    KOC__AUTO_VAL(tree) w = {.t = t};
    node *n = NULL;
    w.seen = koc__map_new(NULL);
    if (!w.seen) {
        return koc__oom(err);
    }
    KOC__TRY(add_node(&w, &top->digest, 0, false, &n, err));
    KOC__TRY(koc__document_copy(top, &n->doc, err));
    KOC__TRY(read_all(&w, err));
    KOC__TRY(run_each(&w, move_blob, w.moves, 0, w.n_moves, err));
    return write_all(&w, err);
}

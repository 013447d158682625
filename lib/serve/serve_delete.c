/*
 * Removing tags, manifests and blobs. All repositories share one directory of blobs, so content that
 * something else needs is not removed. The layout is locked from the check to the removal.
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "model/model.h"
#include "serve/serve.h"
#include "store/layout.h"

/* Replies with what needs d, so that the user knows what to remove first. */
static int reply_needed(koc__served_exchange *x, const koc_digest *d, const koc__node *holder)
{
    const koc__served_listing *l = koc__graph_listing(x->server->graph);
    KOC__AUTO_STR where = koc__served_listing_where(l, holder ? &holder->digest : d);
    const koc__digest_text name = koc__digest_str(d);
    if (holder) {
        koc__served_reply_error(&x->reply, 409, "DENIED",
                                "%s is needed by %s%s%s%s: remove that first", name.s,
                                koc__digest_str(&holder->digest).s, where ? " (" : "",
                                where ? where : "", where ? ")" : "");
    } else {
        koc__served_reply_error(&x->reply, 409, "DENIED",
                                "%s is the manifest of %s: remove that first", name.s,
                                where ? where : "a repository");
    }
    return KOC_OK;
}

/* --- manifests --- */

/* The descriptors of nodes, for lines of their own. Free the array alone. */
static int descriptors_of(const koc__node *const *nodes, size_t n, koc_descriptor **out,
                          koc_error **err)
{
    *out = koc__calloc(n + 1, sizeof(**out));
    if (!*out) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        (*out)[i] = (koc_descriptor)KOC_DESCRIPTOR_INIT;
        (*out)[i].media_type = nodes[i]->type;
        (*out)[i].digest = nodes[i]->digest;
        (*out)[i].size = nodes[i]->size;
    }
    return KOC_OK;
}

/* Removes the lines; the entries of an index stay in the repository, as in other registries. */
static int remove_lines(koc__served_exchange *x, const koc__node *node, koc_error **err)
{
    koc__server *s = x->server;
    const koc__node **orphans = NULL;
    koc_descriptor *keep = NULL;
    size_t n = 0;
    int rc = koc__graph_orphans(s->graph, x->route.name, node, &orphans, &n, err);
    if (rc == KOC_OK) {
        rc = descriptors_of(orphans, n, &keep, err);
    }
    if (rc == KOC_OK) {
        rc = koc__names_remove_digest(s->names, x->route.name, &node->digest, keep, n, err);
    }
    koc__free(orphans);
    koc__free(keep);
    return rc;
}

/* Whether another repository has it, or something names it. */
static int is_needed(koc__served_exchange *x, const koc_digest *d, bool *out, koc_error **err)
{
    const koc__served_listing *l = koc__graph_listing(x->server->graph);
    const koc__node *holder = NULL;
    *out = false;
    for (size_t i = 0; i < l->n && !*out; i++) {
        *out = koc_digest_equal(&l->lines[i].digest, d) &&
               !koc__streq(l->lines[i].repository, x->route.name);
    }
    KOC__TRY(koc__graph_holder(x->server->graph, NULL, d, false, &holder, err));
    *out = *out || holder;
    return KOC_OK;
}

/* A line whose manifest is not here, or cannot be read. */
static int remove_damaged(koc__served_exchange *x, const koc_digest *d, koc_error **err)
{
    bool needed = false;
    KOC__TRY(is_needed(x, d, &needed, err));
    KOC__TRY(koc__names_remove_digest(x->server->names, x->route.name, d, NULL, 0, err));
    if (!needed) {
        (void)koc__content_remove(x->server->content, d, NULL);
    }
    x->reply.status = 202;
    return KOC_OK;
}

/* With the graph and the layout locked. */
static int remove_manifest(koc__served_exchange *x, koc_error **err)
{
    koc__server *s = x->server;
    const char *repository = x->route.name;
    const koc_digest d = x->route.digest;
    const koc__node *node = NULL;
    const koc__node *holder = NULL;
    bool needed = false;
    KOC__TRY(koc__graph_find(s->graph, repository, &d, &node, err));
    if (!node && koc__served_listing_has(koc__graph_listing(s->graph), repository, &d)) {
        return remove_damaged(x, &d, err);
    }
    if (!node) {
        return koc__error(err, KOC_ENOTFOUND, "there is no %s@%s", repository,
                          koc__digest_str(&d).s);
    }
    KOC__TRY(koc__graph_holder(s->graph, repository, &d, false, &holder, err));
    if (holder) {
        return reply_needed(x, &d, holder);
    }
    KOC__TRY(is_needed(x, &d, &needed, err));
    KOC__TRY(remove_lines(x, node, err));
    x->reply.status = 202;
    return needed ? KOC_OK : koc__content_remove(s->content, &d, err);
}

/* --- blobs --- */

static int remove_blob(koc__served_exchange *x, koc_error **err)
{
    koc__server *s = x->server;
    const koc_digest *d = &x->route.digest;
    const koc__node *holder = NULL;
    const koc__node *listed = NULL;
    KOC__TRY(koc__graph_holder(s->graph, NULL, d, true, &holder, err));
    KOC__TRY(koc__graph_find(s->graph, NULL, d, &listed, err));
    if (holder || listed) {
        return reply_needed(x, d, holder);
    }
    x->reply.status = 202;
    return koc__content_remove(s->content, d, err);
}

/* With the layout locked. */
static int with_graph(koc__served_exchange *x,
                      int (*remove)(koc__served_exchange *x, koc_error **err), koc_error **err)
{
    koc__graph *graph = x->server->graph;
    int rc = koc__graph_lock(graph, err);
    if (rc == KOC_OK) {
        rc = remove(x, err);
    }
    koc__graph_unlock(graph);
    return rc;
}

static int remove_tag(koc__served_exchange *x, koc_error **err)
{
    x->reply.status = 202;
    return koc__names_remove_tag(x->server->names, x->route.name, x->route.tag, err);
}

static int remove_target(koc__served_exchange *x, koc_error **err)
{
    KOC__AUTO_FD lock = -1;
    KOC__TRY(koc__layout_lock(x->server->layout, x->server->call, &lock, err));
    if (x->route.kind == KOC__ROUTE_BLOB) {
        return with_graph(x, remove_blob, err);
    }
    return *x->route.tag ? remove_tag(x, err) : with_graph(x, remove_manifest, err);
}

static void reply_removed(koc__served_exchange *x, const char *unknown)
{
    koc_error *err = NULL;
    if (remove_target(x, &err) != KOC_OK) {
        koc__served_reply_unknown(&x->reply, x->server, unknown, &err);
    }
}

void koc__serve_blob_delete(koc__served_exchange *x)
{
    reply_removed(x, "BLOB_UNKNOWN");
}

void koc__serve_manifest_delete(koc__served_exchange *x)
{
    reply_removed(x, "MANIFEST_UNKNOWN");
}

/*
 * What the manifests of a layout name, in memory: which repository holds what, who refers to whom, and who
 * needs a blob. Built when it is first asked for, kept as long as index.json stays; a manifest is read once,
 * since its digest says what is in it.
 */
#ifndef KOC__GRAPH_H
#define KOC__GRAPH_H

#include "core/dynbuf.h"
#include "serve/served_content.h"
#include "serve/served_names.h"

typedef struct koc__graph koc__graph;

/* A manifest or index. Borrowed from the graph until it is unlocked. */
typedef struct koc__node {
    koc_digest digest;
    const char *type;   /* static; NULL: a document of another kind, or none */
    koc_digest subject; /* none: it refers to nothing */
    char *referrer;     /* its descriptor as JSON, where it refers to something */
    char *artifact_type;
    uint64_t size;
    koc_digest *names; /* the entries of an index; of a manifest, the config and the layers */
    size_t n_names;
} koc__node;

/* Both are borrowed. */
int koc__graph_new(koc__content *content, koc__names *names, koc__graph **out, koc_error **err);
void koc__graph_free(koc__graph *g);
KOC__DEFINE_AUTO(koc__graph, koc__graph_free);

/* The graph of the layout as it is, for this thread alone until koc__graph_unlock, which must follow
 * whether it worked or not. */
int koc__graph_lock(koc__graph *g, koc_error **err);
void koc__graph_unlock(koc__graph *g);

/* --- with the graph locked --- */
const koc__served_listing *koc__graph_listing(const koc__graph *g);
/* What a repository holds under that digest: listed there, or an entry of an index that is. *out NULL: it
 * holds no such manifest. repository NULL: the whole layout. */
int koc__graph_find(koc__graph *g, const char *repository, const koc_digest *d,
                    const koc__node **out, koc_error **err);
/* The manifests of a repository that refer to subject, in the byte order of their digests. type: of
 * artifacts, or NULL. *out is an array of *n, for the caller to free. */
int koc__graph_referrers(koc__graph *g, const char *repository, const koc_digest *subject,
                         const char *type, const koc__node ***out, size_t *n, koc_error **err);
/* Somebody in the repository (NULL: the layout) who names d as part of an image or an index, or (subjects)
 * refers to it; NULL: nobody. */
int koc__graph_holder(koc__graph *g, const char *repository, const koc_digest *d, bool subjects,
                      const koc__node **out, koc_error **err);
/* What an index names that nothing else in the repository leads to: an array of *n for the caller. */
int koc__graph_orphans(koc__graph *g, const char *repository, const koc__node *index,
                       const koc__node ***out, size_t *n, koc_error **err);

#endif

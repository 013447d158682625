/*
 * The graph of the layout's manifests, in memory: the content of each repository, the referrers of each
 * manifest and the users of each blob. Built when it is first needed and kept until index.json changes; a
 * manifest is read once, because content under a digest does not change.
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
    koc_digest subject; /* none: it has no subject */
    char *referrer;     /* its descriptor as JSON, if it has a subject */
    char *artifact_type;
    uint64_t size;
    koc_digest *names; /* the entries of an index; of a manifest, the config and the layers */
    size_t n_names;
} koc__node;

/* Both are borrowed. */
int koc__graph_new(koc__content *content, koc__names *names, koc__graph **out, koc_error **err);
void koc__graph_free(koc__graph *g);
KOC__DEFINE_AUTO(koc__graph, koc__graph_free);

/* Brings the graph up to date and locks it for this thread. koc__graph_unlock must follow, on failure too. */
int koc__graph_lock(koc__graph *g, koc_error **err);
void koc__graph_unlock(koc__graph *g);

/* --- with the graph locked --- */
const koc__served_listing *koc__graph_listing(const koc__graph *g);
/* Finds a manifest of a repository (NULL: of the layout) by digest: one that is listed there, or an entry of
 * an index that is. *out NULL: there is none. */
int koc__graph_find(koc__graph *g, const char *repository, const koc_digest *d,
                    const koc__node **out, koc_error **err);
/* The manifests of a repository that refer to subject, in the byte order of their digests. type: of
 * artifacts, or NULL. *out is an array of *n, for the caller to free. */
int koc__graph_referrers(koc__graph *g, const char *repository, const koc_digest *subject,
                         const char *type, const koc__node ***out, size_t *n, koc_error **err);
/* A manifest of the repository (NULL: of the layout) that names d as its part or, with subjects, as its
 * subject. *out NULL: there is none. */
int koc__graph_holder(koc__graph *g, const char *repository, const koc_digest *d, bool subjects,
                      const koc__node **out, koc_error **err);
/* The entries of an index that nothing else in the repository leads to: an array of *n, for the caller to
 * free. */
int koc__graph_orphans(koc__graph *g, const char *repository, const koc__node *index,
                       const koc__node ***out, size_t *n, koc_error **err);

#endif

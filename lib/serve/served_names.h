/*
 * The repositories and tags in the index.json of a layout.
 *
 * The rule (docs/serve.md): an entry's name (io.containerd.image.name, else
 * org.opencontainers.image.ref.name) is "repository:tag"; a registry in front of it is ignored, and a tag
 * alone belongs to the default repository. An entry without such a name has no tag: it belongs to the
 * repository that its annotation KOC__REPOSITORY names, else to the default one, where it is "latest" when
 * the layout holds nothing else. If two entries have the same name, the later one wins. A repository stays in
 * the catalog after its last line was removed.
 */
#ifndef KOC__NAMES_H
#define KOC__NAMES_H

#include <stdatomic.h>

#include <koc/store.h>

#include "core/run/call.h"
#include "core/str.h"
#include "serve/served_content.h"

#define KOC__REPOSITORY "koc.serve.repository" /* of an entry */
#define KOC__REPOSITORIES                                                                          \
    "koc.serve.repositories" /* of index.json: the emptied ones, with spaces between */

typedef struct koc__names koc__names;

/* An entry of index.json. */
typedef struct koc__served_line {
    char *repository;
    char *tag; /* NULL: none */
    koc_digest digest;
} koc__served_line;

/* The content of one version of index.json; immutable. */
typedef struct koc__served_listing {
    atomic_uint refs;
    koc__served_line *lines;
    size_t n;
    koc_strlist *emptied;
} koc__served_listing;
koc__served_listing *koc__served_listing_ref(koc__served_listing *l);
void koc__served_listing_unref(koc__served_listing *l);
KOC__DEFINE_AUTO(koc__served_listing, koc__served_listing_unref);
/* Whether the repository has a line of d. */
bool koc__served_listing_has(const koc__served_listing *l, const char *repository,
                             const koc_digest *d);
/* The name of a digest for messages: "team/app:v1", or "team/app" without a tag. NULL: it is not listed.
 * Owned by the caller. */
char *koc__served_listing_where(const koc__served_listing *l, const koc_digest *d);

/* fallback: the default repository; NULL: the name of the layout's directory, or "image". */
int koc__names_new(koc_layout *l, koc__content *content, const char *fallback, koc__names **out,
                   koc_error **err);
void koc__names_free(koc__names *n);
KOC__DEFINE_AUTO(koc__names, koc__names_free);

/* --- looking: index.json is read again when it has changed; any thread --- */
int koc__names_listing(koc__names *n, koc__served_listing **out, koc_error **err);
int koc__names_find(koc__names *n, const char *repository, const char *tag, koc_digest *out,
                    koc_error **err); /* KOC_ENOTFOUND */
/* Tags of a repository, or (NULL) repositories, in byte order, after `last` (or NULL), at most max. *more: there
 * are others. KOC_ENOTFOUND: no such repository. */
int koc__names_list(koc__names *n, const char *repository, const char *last, size_t max,
                    koc_strlist **out, bool *more, koc_error **err);

/* --- changing: with the layout's lock (koc__layout_lock) --- */
/* Lists d under a name; tag NULL: without one, unless it is listed already. children: digests of the entries
 * of an index, which no longer need lines of their own in this repository; or NULL. The manifest that had the
 * tag before stays in the repository. */
int koc__names_put(koc__names *n, const char *repository, const char *tag, const koc_descriptor *d,
                   const koc_strlist *children, koc_error **err);
/* Removes a tag; its manifest stays in the repository. KOC_ENOTFOUND. */
int koc__names_remove_tag(koc__names *n, const char *repository, const char *tag, koc_error **err);
/* Removes all lines of d in this repository; those in `keep` get lines of their own there. */
int koc__names_remove_digest(koc__names *n, const char *repository, const koc_digest *d,
                             const koc_descriptor *keep, size_t n_keep, koc_error **err);

#endif

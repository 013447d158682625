/*
 * Repositories and tags as index.json of one layout has them.
 *
 * The rule (docs/serve.md): an entry's name (io.containerd.image.name, else org.opencontainers.image.ref.name)
 * is "repository:tag", a registry in front of it does not count, and a tag alone belongs to the default
 * repository. An entry without a name can be had by digest; it is "latest" of the default repository when
 * the layout holds nothing else. Where two entries say the same, the later counts.
 */
#ifndef KOC__NAMES_H
#define KOC__NAMES_H

#include <koc/store.h>

#include "core/op.h"
#include "core/str.h"

typedef struct koc__names koc__names;

/* fallback: the default repository; NULL: the name of the layout's folder, or "image". */
int koc__names_new(koc_layout *l, const char *fallback, koc__names **out, koc_error **err);
void koc__names_free(koc__names *n);
KOC__DEFINE_AUTO(koc__names, koc__names_free);
const char *koc__names_default(const koc__names *n); /* borrowed */

/* All of these read index.json again when it has changed; any thread. */
int koc__names_find(koc__names *n, const char *repository, const char *tag, koc_digest *out,
                    koc_error **err); /* KOC_ENOTFOUND */
/* Tags of a repository, or (NULL) repositories, in byte order, after `last` (or NULL), at most max. *more: there
 * are others. KOC_ENOTFOUND: no such repository. */
int koc__names_list(koc__names *n, const char *repository, const char *last, size_t max,
                    koc_strlist **out, bool *more, koc_error **err);
/* The digests of all entries, once each, as text. */
int koc__names_digests(koc__names *n, koc_strlist **out, koc_error **err);

/* Lists d under a name; tag NULL: without one, unless it is listed already. children: digests of the
 * entries of an index, which need no line of their own any more; or NULL. */
int koc__names_put(koc__names *n, const char *repository, const char *tag, const koc_descriptor *d,
                   const koc_strlist *children, koc__op *op, koc_error **err);
/* Takes a tag away; what it named stays listed. KOC_ENOTFOUND. */
int koc__names_remove_tag(koc__names *n, const char *repository, const char *tag, koc__op *op,
                          koc_error **err);
/* Takes all lines of d in this repository away, and those without a name. *other: another one has it. */
int koc__names_remove_digest(koc__names *n, const char *repository, const koc_digest *d,
                             koc__op *op, bool *other, koc_error **err);

#endif

/*
 * The files of a layout, which may be somebody else's. Links, pipes, devices and folders are not followed,
 * opened or waited for, at no level below the layout's own folder. A blob is hashed before its first byte goes
 * out, and again when its file has changed since. Any thread.
 */
#ifndef KOC__CONTENT_H
#define KOC__CONTENT_H

#include <koc/store.h>

#include "core/io/fs.h"
#include "text/json.h"

typedef struct koc__content koc__content;

int koc__content_new(koc_layout *l, koc__content **out, koc_error **err);
void koc__content_free(koc__content *c);
KOC__DEFINE_AUTO(koc__content, koc__content_free);

/* Files that are being hashed are given up (KOC_ECANCELLED): the server ends. */
void koc__content_stop(koc__content *c);

/* All of these: KOC_ENOTFOUND: not here. KOC_EFORMAT: not a regular file, or not a document. KOC_EDIGEST: its
 * bytes are others. What these two say names no path outside the layout. */

/* Opens a blob that was checked. */
int koc__content_open(koc__content *c, const koc_digest *d, int *out_fd, uint64_t *size,
                      koc_error **err);
/* The same judgement without the file. */
int koc__content_check(koc__content *c, const koc_digest *d, uint64_t *size, koc_error **err);
/* A document of at most max bytes (KOC_ELIMIT), checked. */
int koc__content_read(const koc__content *c, const koc_digest *d, size_t max, koc_buf *out,
                      koc_error **err);
/* Whether there is a regular file; its bytes are not looked at. */
bool koc__content_present(const koc__content *c, const koc_digest *d);
/* Removes the file, or what is in its place; KOC_ENOTFOUND. */
int koc__content_remove(const koc__content *c, const koc_digest *d, koc_error **err);
/* Makes sure that blobs of this algorithm can be written: their folders are there, and are folders. */
int koc__content_prepare(const koc__content *c, int32_t algorithm, koc_error **err);

/* index.json, parsed, with what tells that it has changed. *out NULL: it is still as *stamp says. */
int koc__content_index(const koc__content *c, koc__stamp *stamp, koc__json **out, koc_error **err);

#endif

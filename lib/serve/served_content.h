/*
 * The files of a layout, which may come from an untrusted source. Below the layout's own directory, symbolic
 * links are not followed, and FIFOs and devices are not opened. A blob is hashed before its first byte is
 * sent, and again if its file has changed since. Any thread.
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

/* Ends hashing in progress (KOC_ECANCELLED): the server stops. */
void koc__content_stop(koc__content *c);

/* All of these: KOC_ENOTFOUND: missing. KOC_EFORMAT: not a regular file, or not a document. KOC_EDIGEST:
 * damaged. The messages of the last two name no path outside the layout. */

/* Opens a blob and verifies its bytes. */
int koc__content_open(koc__content *c, const koc_digest *d, int *out_fd, uint64_t *size,
                      koc_error **err);
/* The same check without the file. */
int koc__content_check(koc__content *c, const koc_digest *d, uint64_t *size, koc_error **err);
/* Reads and verifies a document of at most max bytes (KOC_ELIMIT). */
int koc__content_read(const koc__content *c, const koc_digest *d, size_t max, koc_buf *out,
                      koc_error **err);
/* Whether there is a regular file; its bytes are not verified. */
bool koc__content_present(const koc__content *c, const koc_digest *d);
/* Removes the file, or what is in its place. KOC_ENOTFOUND. */
int koc__content_remove(const koc__content *c, const koc_digest *d, koc_error **err);
/* Makes sure that blobs of this algorithm can be written: creates the directories, and checks that none is a
 * link. */
int koc__content_prepare(const koc__content *c, int32_t algorithm, koc_error **err);

/* Parses index.json and sets *stamp, which detects changes. *out NULL: it has not changed since *stamp. */
int koc__content_index(const koc__content *c, koc__stamp *stamp, koc__json **out, koc_error **err);

#endif

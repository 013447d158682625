/* The inside of koc_layout, for the files that create, read and write layouts. */
#ifndef KOC__LAYOUT_H
#define KOC__LAYOUT_H

#include <koc/store.h>

#include "model/model.h"
#include "store/store.h"

#define KOC__REF_NAME "org.opencontainers.image.ref.name"

struct koc_layout {
    atomic_uint refs;
    koc_ctx *ctx;
    char *dir;
};

/* <dir>/blobs/sha256/<hex>; NULL: out of memory. */
char *koc__layout_blob_path(const koc_layout *l, const koc_digest *d);
/* index.json, parsed; bytes (NULL: not wanted) gets its text. */
int koc__layout_read_index(const koc_layout *l, koc_buf *bytes, koc__json **out, koc_error **err);
/* Exclusive among processes and threads, for changes of index.json; released by closing *out_fd. */
int koc__layout_lock(const koc_layout *l, koc__call *call, int *out_fd, koc_error **err);
/* Whether the file at path is the content of d. It is read unless the cache records that it was verified and
 * has not changed since. A damaged file counts as missing and is written again. */
int koc__layout_has(const koc_layout *l, const char *path, const koc_digest *d, uint64_t size,
                    koc__call *call, bool *out, koc_error **err);
/* Creates the missing parts of an empty layout. */
int koc__layout_create(const koc_layout *l, koc_error **err);

#endif

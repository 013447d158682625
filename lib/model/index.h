/* The inside of indexes, for index.c and the builder. */
#ifndef KOC__INDEX_INSIDE_H
#define KOC__INDEX_INSIDE_H

#include "model/model.h"

struct koc_index {
    atomic_uint refs;
    koc_ctx *ctx; /* or NULL */
    koc_buf bytes;
    koc__json *doc;
    koc_descriptor *descriptor;
    koc_descriptor **entries;
    koc_image **images; /* for each entry: the child, or NULL */
    size_t n_entries;
};

/* Makes an index of bytes, which it takes (and leaves empty) on success only. images: NULL, or one for each
 * entry, which may be NULL; the index refs each. */
int koc__index_make(koc_ctx *ctx, koc_buf *bytes, koc_image *const *images, koc_index **out,
                    koc_error **err);

#endif

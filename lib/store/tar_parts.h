/* An archive as a blob of parts: headers and documents in memory, layers from their own blobs. */
#ifndef KOC__PARTS_H
#define KOC__PARTS_H

#include "core/dynbuf.h"
#include "core/io/io.h"

typedef struct koc__parts {
    koc__dynbuf bytes; /* of the current part */
    koc_blob **list;
    size_t n, capacity;
} koc__parts;
/* clang-format off */
#define KOC__PARTS_INIT { KOC__DYNBUF_INIT((size_t)64 << 20), NULL, 0, 0 }
/* clang-format on */
/* A koc__tar_sink; self is the koc__parts. */
int koc__parts_put(void *self, const void *data, size_t len, koc_error **err);
/* Refs blob. */
int koc__parts_add(koc__parts *p, koc_blob *blob, koc_error **err);
/* All parts as one blob. p must still be disposed. */
int koc__parts_blob(koc__parts *p, koc_blob **out, koc_error **err);
void koc__parts_dispose(koc__parts *p);
KOC__DEFINE_AUTO_VAL(koc__parts, koc__parts_dispose);

#endif

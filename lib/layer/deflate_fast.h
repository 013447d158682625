/* A fast deflate encoder: see deflate_fast.c. */
#ifndef KOC__DEFLATE_FAST_H
#define KOC__DEFLATE_FAST_H

#include "core/common.h"
#include "layer/deflate.h"

/* Changes when the bytes do that come out: part of what names a layer in the cache. */
#define KOC__DEFLATE_FAST_VERSION "koc-deflate/1"

/* Scratch space, to be used by one thread at a time; NULL: out of memory. */
typedef struct koc__deflate_fast koc__deflate_fast;
koc__deflate_fast *koc__deflate_fast_new(void);
void koc__deflate_fast_free(koc__deflate_fast *f);
/* What out must have room for. */
size_t koc__deflate_fast_bound(size_t len);
/* Compresses in to out and returns the length there. last: the stream ends with it, else it ends at a byte's
 * border and another may follow. */
size_t koc__deflate_fast_run(koc__deflate_fast *f, const uint8_t *in, size_t len, bool last,
                             uint8_t *out);

#endif

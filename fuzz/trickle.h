/* A reader over bytes that gives at most step of them at a time. */
#ifndef KOC_FUZZ_TRICKLE_H
#define KOC_FUZZ_TRICKLE_H

#include "fuzz.h"

#include "core/dynbuf.h"
#include "core/io/io.h"

typedef struct trickle {
    koc_str left;
    size_t step;
} trickle;

static inline int trickle_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    (void)err;
    trickle *t = self;
    *n_read = KOC__MIN(KOC__MIN(len, t->step), t->left.len);
    if (*n_read > 0) {
        memcpy(buf, t->left.ptr, *n_read);
    }
    t->left = koc__str_from(t->left, *n_read);
    return KOC_OK;
}

static inline void trickle_close(void *self)
{
    (void)self;
}

/* t stays the caller's. */
static inline int trickle_open(trickle *t, koc_reader **out, koc_error **err)
{
    static const koc__reader_vt vt = {trickle_read, trickle_close};
    return koc__reader_make(&vt, t, out, err);
}

/* All that r gives, a piece at a time. */
static inline int trickle_drain(koc_reader *r, koc__dynbuf *out, koc_error **err)
{
    char buf[3000];
    size_t n = 0;
    do {
        KOC__TRY(koc_reader_read(r, buf, sizeof(buf), &n, err));
        KOC__TRY(koc__dynbuf_append(out, buf, n, err));
    } while (n > 0);
    return KOC_OK;
}

#endif

/* Content through an encoder: what comes out of its spool. */
#ifndef KOC_FUZZ_ENCODE_H
#define KOC_FUZZ_ENCODE_H

#include "fuzz.h"

#include "core/io/io.h"
#include "layer/packer.h"

/* Frees e and disposes of spool. */
static inline void fuzz_encode(koc__encoder *e, koc__spool *spool, koc_str content, koc_buf *out)
{
    KOC__AUTO(koc_blob) blob = NULL;
    koc_digest digest = {0};
    koc_error *err = NULL;
    while (content.len > 0) {
        uint8_t *room = NULL;
        size_t len = 0;
        FUZZ_CHECK(fuzz_ok(e->vt->space(e, &room, &len, &err), &err));
        len = KOC__MIN(len, content.len);
        memcpy(room, content.ptr, len);
        FUZZ_CHECK(fuzz_ok(e->vt->commit(e, len, &err), &err));
        content = koc__str_from(content, len);
    }
    FUZZ_CHECK(fuzz_ok(e->vt->finish(e, &err), &err));
    e->vt->free(e);
    FUZZ_CHECK(fuzz_ok(koc__spool_finish(spool, &blob, &digest, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc_blob_read_all(blob, SIZE_MAX / 2, NULL, out, &err), &err));
    koc__spool_dispose(spool);
}

#endif

/* The gzip decoder against libdeflate's: the same verdict and the same bytes, however the input comes. */
#include "fuzz.h"
#include "trickle.h"

#include <libdeflate.h>

#include "core/dynbuf.h"
#include "layer/packer.h"

enum { CONTENT_MAX = 1 << 20 };

static int decode(koc_str gz, size_t step, koc__dynbuf *out, koc_error **err)
{
    trickle t = {gz, step};
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc_reader) r = NULL;
    KOC__TRY(trickle_open(&t, &in, err));
    KOC__TRY(koc__gunzip_new(in, CONTENT_MAX, &r, err));
    koc__steal(&in);
    return trickle_drain(r, out, err);
}

/* All members, by libdeflate. */
static int reference(koc_str gz, koc__dynbuf *out)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    char *room = koc__malloc(CONTENT_MAX + 1);
    int rc = gz.len > 0 ? KOC_OK : KOC_EFORMAT;
    FUZZ_CHECK(d && room);
    while (rc == KOC_OK && gz.len > 0) {
        size_t used = 0;
        size_t made = 0;
        int result =
            libdeflate_gzip_decompress_ex(d, gz.ptr, gz.len, room, CONTENT_MAX + 1, &used, &made);
        rc = result == LIBDEFLATE_SUCCESS              ? KOC_OK
             : result == LIBDEFLATE_INSUFFICIENT_SPACE ? KOC_ELIMIT
                                                       : KOC_EFORMAT;
        if (rc == KOC_OK) {
            rc = koc__dynbuf_append(out, room, made, NULL);
            gz = koc__str_from(gz, used);
        }
    }
    koc__free(room);
    libdeflate_free_decompressor(d);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KOC__AUTO_VAL(koc__dynbuf) large = KOC__DYNBUF_INIT(CONTENT_MAX);
    KOC__AUTO_VAL(koc__dynbuf) small = KOC__DYNBUF_INIT(CONTENT_MAX);
    KOC__AUTO_VAL(koc__dynbuf) theirs = KOC__DYNBUF_INIT(CONTENT_MAX);
    koc_str gz = fuzz_str(data, size);
    koc_error *err = NULL;
    int rc = decode(gz, SIZE_MAX, &large, &err);
    fuzz_ok(rc, &err);
    FUZZ_CHECK(decode(gz, 1, &small, &err) == rc);
    fuzz_ok(rc, &err);
    FUZZ_CHECK(koc__str_eq(koc__dynbuf_view(&large), koc__dynbuf_view(&small)));
    int expect = reference(gz, &theirs);
    if (rc == KOC_OK) {
        FUZZ_CHECK(expect == KOC_OK);
        FUZZ_CHECK(koc__str_eq(koc__dynbuf_view(&large), koc__dynbuf_view(&theirs)));
    } else if (rc == KOC_EFORMAT) {
        FUZZ_CHECK(expect != KOC_OK);
    }
    return 0;
}

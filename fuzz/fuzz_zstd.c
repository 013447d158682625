/*
 * zstd, both ways: what our decoder takes, however it comes, is what libzstd says; what our encoder makes of
 * the same bytes gives them back.
 */
#include "encode.h"
#include "fuzz.h"
#include "trickle.h"

#include <zstd.h>

#include "core/dynbuf.h"
#include "core/io/io.h"
#include "layer/packer.h"

enum { CONTENT_MAX = 1 << 20 };

static int decode(koc_str z, size_t step, koc__dynbuf *out, koc_error **err)
{
    trickle t = {z, step};
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc_reader) r = NULL;
    KOC__TRY(trickle_open(&t, &in, err));
    KOC__TRY(koc__unzstd_new(in, CONTENT_MAX, &r, err));
    koc__steal(&in);
    return trickle_drain(r, out, err);
}

/* libzstd in one call is stricter than in pieces: it takes a damaged block that makes nothing in pieces alone.
 * Where it takes the input, it sees the same content. */
static void compare(koc_str z, int rc, const koc__dynbuf *ours)
{
    char *room = koc__malloc(CONTENT_MAX + 1);
    FUZZ_CHECK(room);
    size_t n = ZSTD_decompress(room, CONTENT_MAX + 1, z.ptr, z.len);
    if (rc == KOC_OK && z.len > 0 && !ZSTD_isError(n)) {
        FUZZ_CHECK(koc__str_eq(koc__str_n(room, n), koc__dynbuf_view(ours)));
    }
    koc__free(room);
}

static void encode(koc_ctx *ctx, koc_str content, int level, koc_buf *out)
{
    koc__spool spool;
    koc__encoder *e = NULL;
    koc_error *err = NULL;
    FUZZ_CHECK(fuzz_ok(koc__spool_init(&spool, ctx, true, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc__zstd_new(level, &spool, &e, &err), &err));
    fuzz_encode(e, &spool, content, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static koc_ctx *ctx; /* one for all runs */
    KOC__AUTO_VAL(koc__dynbuf) large = KOC__DYNBUF_INIT(CONTENT_MAX);
    KOC__AUTO_VAL(koc__dynbuf) small = KOC__DYNBUF_INIT(CONTENT_MAX);
    KOC__AUTO_VAL(koc__dynbuf) back = KOC__DYNBUF_INIT(CONTENT_MAX);
    KOC__AUTO_VAL(koc_buf) made = KOC_BUF_INIT;
    koc_str in = fuzz_str(data, size);
    koc_error *err = NULL;
    if (size > CONTENT_MAX / 4) {
        return 0;
    }
    if (!ctx) {
        FUZZ_CHECK(fuzz_ok(koc_ctx_new(NULL, &ctx, &err), &err));
    }
    int rc = decode(in, SIZE_MAX, &large, &err);
    fuzz_ok(rc, &err);
    int again = decode(in, 7, &small, &err);
    fuzz_ok(again, &err);
    FUZZ_CHECK(rc != KOC_OK || again != KOC_OK ||
               koc__str_eq(koc__dynbuf_view(&large), koc__dynbuf_view(&small)));
    compare(in, rc, &large);
    encode(ctx, in, size > 0 ? 1 + data[0] % 3 : 1, &made);
    FUZZ_CHECK(fuzz_ok(decode(koc__str_n(made.ptr, made.len), 4096, &back, &err), &err));
    FUZZ_CHECK(koc__str_eq(koc__dynbuf_view(&back), in));
    return 0;
}

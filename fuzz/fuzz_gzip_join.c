/*
 * The gzip encoder: whatever the content, level and chunk size, the result is one member that gives the
 * content back, to libdeflate and to our own decoder. The first two bytes choose level and chunk.
 *
 * Made for speed: a chunk costs a hand-over between threads and a compressor, whose megabyte (nine above level 9) a
 * sanitizer maps, marks and unmaps each time. So there are few chunks, and one input in 256 has such a level.
 */
#include "encode.h"

#include <libdeflate.h>

#include "core/dynbuf.h"
#include "core/io/io.h"
#include "layer/packer.h"

enum { INPUT_MAX = 1 << 16, CHUNKS = 4 };

static void encode(koc_str content, int level, size_t chunk, koc_buf *out)
{
    static koc_ctx *ctx; /* one for all runs: its threads stay */
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    o.threads = 1;
    koc_error *err = NULL;
    if (!ctx) {
        FUZZ_CHECK(fuzz_ok(koc_ctx_new(&o, &ctx, &err), &err));
    }
    koc__spool spool;
    koc__encoder *e = NULL;
    FUZZ_CHECK(fuzz_ok(koc__spool_init(&spool, ctx, true, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc__gzip_new(ctx, level, chunk, &spool, &e, &err), &err));
    fuzz_encode(e, &spool, content, out);
}

static void check_one_member(const koc_buf *gz, koc_str content)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    char *room = koc__malloc(content.len + 1);
    size_t used = 0;
    size_t made = 0;
    FUZZ_CHECK(d && room);
    FUZZ_CHECK(libdeflate_gzip_decompress_ex(d, gz->ptr, gz->len, room, content.len + 1, &used,
                                             &made) == LIBDEFLATE_SUCCESS);
    FUZZ_CHECK(used == gz->len);
    FUZZ_CHECK(koc__str_eq(koc__str_n(room, made), content));
    koc__free(room);
    libdeflate_free_decompressor(d);
}

static void check_ours(const koc_buf *gz, koc_str content)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc_reader) r = NULL;
    KOC__AUTO_STR room = koc__malloc(content.len + 1);
    size_t n = 0;
    koc_error *err = NULL;
    FUZZ_CHECK(room);
    FUZZ_CHECK(fuzz_ok(koc_blob_from_bytes(koc__str_n(gz->ptr, gz->len), &blob, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc_blob_open(blob, 0, NULL, &in, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc__gunzip_new(in, content.len, &r, &err), &err));
    koc__steal(&in);
    FUZZ_CHECK(fuzz_ok(koc__reader_fill(r, room, content.len + 1, &n, &err), &err));
    FUZZ_CHECK(koc__str_eq(koc__str_n(room, n), content));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KOC__AUTO_VAL(koc_buf) gz = KOC_BUF_INIT;
    if (size < 2 || size > INPUT_MAX) {
        return 0;
    }
    koc_str content = fuzz_str(data + 2, size - 2);
    int level = data[0] == UINT8_MAX ? 10 + data[1] % 3 : 1 + data[0] % 9;
    size_t chunk = KOC__MAX(1 + (size_t)data[1] * 16, content.len / CHUNKS);
    encode(content, level, chunk, &gz);
    check_one_member(&gz, content);
    check_ours(&gz, content);
    return 0;
}

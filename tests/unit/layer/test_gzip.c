/* One gzip member out of chunks: every size around a chunk's border, every kind of content. */
#include "helper.h"

#include <libdeflate.h>

#include "core/run/proc.h"
#include "layer/deflate.h"

enum { CHUNK = 4096 };

/* data as the tar of a layer; nothing asks whether it is one. */
static void compress(koc_ctx *ctx, const uint8_t *data, size_t len, int level, size_t chunk,
                     koc__dynbuf *out)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_layer) l = NULL;
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    koc_error *err = NULL;
    o.level = level;
    o.chunk_size = chunk;
    o.flags = KOC_LAYER_IN_MEMORY;
    ok(koc_blob_from_bytes(koc__str_n((const char *)data, len), &blob, &err), err);
    ok(koc_layer_from_tar(ctx, blob, &o, NULL, &l, &err), err);
    out->max = TEST_MAX;
    layer_bytes(l, out);
    assert_int_equal(koc_layer_uncompressed_size(l), len);
}

/* libdeflate reads one member and says where it ends: there must be just one. */
static void check_one_member(const koc__dynbuf *gz, const uint8_t *expect, size_t len)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    uint8_t *out = koc__malloc(len + 1);
    size_t used = 0;
    size_t made = 0;
    assert_int_equal(libdeflate_gzip_decompress_ex(d, gz->ptr, gz->len, out, len + 1, &used, &made),
                     0);
    assert_int_equal(used, gz->len);
    assert_int_equal(made, len);
    if (len > 0) {
        assert_memory_equal(out, expect, len);
    }
    koc__free(out);
    libdeflate_free_decompressor(d);
}

static void check_ours(const koc__dynbuf *gz, const uint8_t *expect, size_t len, size_t step)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(0);
    koc_error *err = NULL;
    ok(gunzip(gz->ptr, gz->len, step, len, &out, &err), err);
    assert_int_equal(out.len, len);
    if (len > 0) {
        assert_memory_equal(out.ptr, expect, len);
    }
}

static void check_gzip_program(const koc__dynbuf *gz, const uint8_t *expect, size_t len)
{
    const char *const argv[] = {"gzip", "-dc", NULL};
    koc__proc p = {.argv = argv, .input = koc__dynbuf_view(gz)};
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    koc_error *err = NULL;
    ok(koc__proc_run(&p, NULL, &r, &err), err);
    assert_int_equal(r.exit_code, 0);
    assert_int_equal(r.errors.len, 0);
    assert_int_equal(r.output.len, len);
    if (len > 0) {
        assert_memory_equal(r.output.ptr, expect, len);
    }
}

static void fill(uint8_t *data, size_t len, int kind)
{
    if (kind == 0) {
        memset(data, 0, len);
    } else {
        noise(data, len, (uint32_t)len + 1, kind == 1);
    }
}

KOC_TEST(gzip_joins_chunks_of_every_size_and_content)
{
    static const size_t sizes[] = {0,
                                   1,
                                   2,
                                   49,
                                   50,
                                   CHUNK - 1,
                                   CHUNK,
                                   CHUNK + 1,
                                   2 * CHUNK - 1,
                                   2 * CHUNK,
                                   2 * CHUNK + 1,
                                   3 * CHUNK - 1,
                                   3 * CHUNK,
                                   3 * CHUNK + 1,
                                   40 * CHUNK + 17};
    static const int levels[] = {1, 2, 6, 9, 12};
    KOC__AUTO(koc_ctx) ctx = context(2, NULL);
    uint8_t *data = koc__malloc(41 * CHUNK);
    for (size_t s = 0; s < KOC__COUNT(sizes); s++) {
        for (size_t l = 0; l < KOC__COUNT(levels); l++) {
            for (int kind = 0; kind < 3; kind++) {
                KOC__AUTO_VAL(koc__dynbuf) gz = KOC__DYNBUF_INIT(0);
                fill(data, sizes[s], kind);
                compress(ctx, data, sizes[s], levels[l], CHUNK, &gz);
                check_one_member(&gz, data, sizes[s]);
                check_ours(&gz, data, sizes[s], kind == 1 ? 1 : 100000);
                if (levels[l] == 1) {
                    check_gzip_program(&gz, data, sizes[s]);
                }
            }
        }
    }
    koc__free(data);
}

KOC_TEST(gzip_header_is_go_s)
{
    static const uint8_t fast[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff};
    static const uint8_t plain[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};
    static const uint8_t best[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff};
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO_VAL(koc__dynbuf) a = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) c = KOC__DYNBUF_INIT(0);
    compress(ctx, fast, 10, 0, 0, &a);
    compress(ctx, fast, 10, 6, 0, &b);
    compress(ctx, fast, 10, 12, 0, &c);
    assert_memory_equal(a.ptr, fast, 10);
    assert_memory_equal(b.ptr, plain, 10);
    assert_memory_equal(c.ptr, best, 10);
}

KOC_TEST(gzip_bytes_do_not_depend_on_threads)
{
    enum { SIZE = 3 * (1 << 20) + 12345 };
    KOC__AUTO(koc_ctx) one = context(1, NULL);
    KOC__AUTO(koc_ctx) eight = context(8, NULL);
    KOC__AUTO_VAL(koc__dynbuf) a = KOC__DYNBUF_INIT(0);
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(0);
    uint8_t *data = koc__malloc(SIZE);
    noise(data, SIZE, 3, true);
    noise(data + SIZE / 2, SIZE / 4, 4, false);
    compress(one, data, SIZE, 1, 0, &a);
    compress(eight, data, SIZE, 1, 0, &b);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.ptr, b.ptr, a.len);
    check_gzip_program(&a, data, SIZE);
    koc__free(data);
}

KOC_TEST(crc_of_a_whole_comes_from_its_parts)
{
    enum { SIZE = 3000 };
    uint8_t data[SIZE];
    noise(data, SIZE, 9, false);
    uint32_t whole = libdeflate_crc32(0, data, SIZE);
    for (size_t cut = 0; cut <= SIZE; cut += 7) {
        uint32_t a = libdeflate_crc32(0, data, cut);
        uint32_t b = libdeflate_crc32(0, data + cut, SIZE - cut);
        assert_int_equal(koc__crc32_combine(a, b, SIZE - cut), whole);
    }
}

KOC_TEST(layer_options_are_checked)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO(koc_blob) blob = NULL;
    koc_layer *l = NULL;
    koc_error *err = NULL;
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    ok(koc_blob_from_bytes(KOC__STR("x"), &blob, &err), err);
    o.level = 13;
    fails(koc_layer_from_tar(ctx, blob, &o, NULL, &l, &err), KOC_EINVAL, &err);
    o.level = 0;
    o.compression = 3;
    fails(koc_layer_from_tar(ctx, blob, &o, NULL, &l, &err), KOC_EINVAL, &err);
    o.compression = KOC_COMPRESS_ZSTD;
    o.flags = KOC_LAYER_DOCKER_TYPES;
    fails(koc_layer_from_tar(ctx, blob, &o, NULL, &l, &err), KOC_EUNSUPPORTED, &err);
    o.flags = 1u << 20;
    fails(koc_layer_from_tar(ctx, blob, &o, NULL, &l, &err), KOC_EMISUSE, &err);
    o = (koc_layer_options)KOC_LAYER_OPTIONS_INIT;
    o.format_version = 2;
    fails(koc_layer_from_tar(ctx, blob, &o, NULL, &l, &err), KOC_EUNSUPPORTED, &err);
    o.format_version = 1;
    o.chunk_size = 100;
    fails(koc_layer_from_tar(ctx, blob, &o, NULL, &l, &err), KOC_EINVAL, &err);
    assert_null(l);
}

static int stop(const koc_progress *event, void *payload KOC__UNUSED)
{
    return event->state == KOC_STATE_ACTIVE;
}

KOC_TEST(gzip_can_be_stopped_at_any_chunk)
{
    enum { SIZE = 8 << 20 };
    KOC__AUTO(koc_ctx) ctx = context(2, NULL);
    KOC__AUTO(koc_blob) blob = NULL;
    koc_layer *l = NULL;
    koc_error *err = NULL;
    koc_op op = KOC_OP_INIT;
    char *data = koc__calloc(1, SIZE);
    op.progress = stop;
    ok(koc__blob_take(data, SIZE, NULL, &blob, &err), err);
    fails(koc_layer_from_tar(ctx, blob, NULL, &op, &l, &err), KOC_EUSER, &err);
    assert_null(l);
    KOC__AUTO(koc_cancel) cancel = NULL;
    ok(koc_cancel_new(&cancel, &err), err);
    koc_cancel_trigger(cancel);
    op = (koc_op)KOC_OP_INIT;
    op.cancel = cancel;
    fails(koc_layer_from_tar(ctx, blob, NULL, &op, &l, &err), KOC_ECANCELLED, &err);
}

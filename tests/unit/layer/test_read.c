/* Finished layers: their tar in any compression, the DiffID, what does not hold. */
#include "helper.h"

#include "layer/layer.h"

static koc_blob *blob_of(const void *data, size_t len)
{
    koc_blob *b = NULL;
    koc_error *err = NULL;
    ok(koc_blob_from_bytes(koc__str_n(data, len), &b, &err), err);
    return b;
}

/* A layer over the bytes of l, which knows only what is given. */
static koc_layer *again(koc_layer *l, const koc_digest *diff_id, koc_blob *bytes)
{
    koc_layer *out = NULL;
    koc_error *err = NULL;
    koc_descriptor d = *koc_layer_descriptor(l);
    d.size = koc_blob_size(bytes);
    ok(koc_layer_from_blob(NULL, &d, diff_id, bytes, &out, &err), err);
    return out;
}

static void round_trip(int32_t compression, const char *media_type)
{
    enum { SIZE = 700000 };
    KOC__AUTO(koc_ctx) ctx = context(2, NULL);
    KOC__AUTO(koc_layer) l = NULL;
    KOC__AUTO_VAL(koc__dynbuf) bytes = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO_VAL(koc__dynbuf) tar = KOC__DYNBUF_INIT(TEST_MAX);
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    koc_error *err = NULL;
    koc_digest diff_id = {0};
    koc_digest expect = {0};
    uint8_t *data = koc__malloc(SIZE);
    noise(data, SIZE, 77, true);
    koc__sha256_of(data, SIZE, &expect);
    KOC__AUTO(koc_blob) blob = blob_of(data, SIZE);
    o.compression = compression;
    ok(koc_layer_from_tar(ctx, blob, &o, NULL, &l, &err), err);
    assert_string_equal(koc_layer_descriptor(l)->media_type, media_type);
    layer_bytes(l, &bytes);
    layer_tar(l, &tar);
    assert_int_equal(tar.len, SIZE);
    assert_memory_equal(tar.ptr, data, SIZE);
    /* The same bytes, and nothing known about them. */
    KOC__AUTO(koc_blob) raw = blob_of(bytes.ptr, bytes.len);
    KOC__AUTO(koc_layer) stranger = again(l, NULL, raw);
    assert_int_equal(koc_layer_uncompressed_size(stranger), UINT64_MAX);
    ok(koc_layer_diff_id(stranger, NULL, &diff_id, &err), err);
    assert_true(koc_digest_equal(&diff_id, &expect));
    koc__free(data);
}

KOC_TEST(layers_open_in_gzip)
{
    round_trip(KOC_COMPRESS_GZIP, KOC_MT_OCI_LAYER_GZIP);
}

KOC_TEST(layers_open_without_compression)
{
    round_trip(KOC_COMPRESS_NONE, KOC_MT_OCI_LAYER);
}

KOC_TEST(layers_open_in_zstd)
{
    if (!koc__zstd_version()) {
        print_message("skipped: this build has no zstd\n");
        skip();
    }
    round_trip(KOC_COMPRESS_ZSTD, KOC_MT_OCI_LAYER_ZSTD);
}

KOC_TEST(layer_tar_is_checked_against_the_diff_id)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO(koc_layer) l = NULL;
    KOC__AUTO(koc_blob) tar = blob_of("not really a tar", 16);
    KOC__AUTO_VAL(koc__dynbuf) bytes = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(TEST_MAX);
    koc_error *err = NULL;
    koc_digest wrong = {0};
    koc_reader *r = NULL;
    ok(koc_layer_from_tar(ctx, tar, NULL, NULL, &l, &err), err);
    layer_bytes(l, &bytes);
    koc__sha256_of("x", 1, &wrong);
    KOC__AUTO(koc_blob) raw = blob_of(bytes.ptr, bytes.len);
    KOC__AUTO(koc_layer) liar = again(l, &wrong, raw);
    ok(koc_layer_open_tar(liar, NULL, &r, &err), err);
    fails(slurp(r, &out, &err), KOC_EDIGEST, &err);
}

KOC_TEST(layer_without_content_says_so)
{
    koc_layer *l = NULL;
    koc_reader *r = NULL;
    koc_error *err = NULL;
    koc_digest id = {0};
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc__sha256_of("x", 1, &d.digest);
    d.media_type = KOC_MT_OCI_LAYER_GZIP;
    d.size = 1;
    ok(koc_layer_from_blob(NULL, &d, NULL, NULL, &l, &err), err);
    fails(koc_layer_open_tar(l, NULL, &r, &err), KOC_ENOTFOUND, &err);
    fails(koc_layer_diff_id(l, NULL, &id, &err), KOC_ENOTFOUND, &err);
    koc_layer_unref(l);
}

KOC_TEST(zstd_notices_truncation_and_its_ceiling)
{
    if (!koc__zstd_version()) {
        print_message("skipped: this build has no zstd\n");
        skip();
    }
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO(koc_layer) l = NULL;
    KOC__AUTO_VAL(koc__dynbuf) bytes = KOC__DYNBUF_INIT(TEST_MAX);
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    koc_error *err = NULL;
    char *zeros = koc__calloc(1, 100000);
    KOC__AUTO(koc_blob) tar = blob_of(zeros, 100000);
    koc__free(zeros);
    o.compression = KOC_COMPRESS_ZSTD;
    ok(koc_layer_from_tar(ctx, tar, &o, NULL, &l, &err), err);
    layer_bytes(l, &bytes);
    for (size_t len = 0; len <= bytes.len; len++) {
        KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(TEST_MAX);
        koc_reader *in = trickle(bytes.ptr, len, 3);
        koc_reader *r = NULL;
        ok(koc__unzstd_new(in, len == bytes.len ? 99999 : 100000, &r, &err), err);
        if (len == 0) {
            koc_reader_free(r);
            continue;
        }
        fails(slurp(r, &out, &err), len == bytes.len ? KOC_ELIMIT : KOC_EFORMAT, &err);
    }
}

/* Every allocation of reading a layer may fail. */
KOC_TEST(layer_reading_survives_running_out_of_memory)
{
    KOC__AUTO(koc_ctx) ctx = context(1, NULL);
    KOC__AUTO(koc_layer_builder) b = NULL;
    KOC__AUTO(koc_layer) l = NULL;
    koc_error *err = NULL;
    ok(koc_layer_builder_new(ctx, NULL, &b, &err), err);
    ok(koc_layer_builder_add_bytes(b, "/\xc3\xbc", KOC__STR("content"), NULL, &err), err);
    ok(koc_layer_builder_finish(b, NULL, &l, &err), err);
    for (uint64_t n = 1;; n++) {
        KOC__AUTO(koc_reader) in = NULL;
        KOC__AUTO(koc__tar_reader) r = NULL;
        koc__tar_entry e = {0};
        bool more = true;
        koc__alloc_fail_after(n);
        int rc = koc_layer_open_tar(l, NULL, &in, &err);
        if (rc == KOC_OK) {
            rc = koc__tar_reader_new(in, "layer", &r, &err);
        }
        while (rc == KOC_OK && more) {
            rc = koc__tar_next(r, &e, &more, &err);
        }
        koc__alloc_fail_after(0);
        if (rc == KOC_OK) {
            assert_true(n > 5);
            return;
        }
        fails(rc, KOC_ENOMEM, &err);
    }
}

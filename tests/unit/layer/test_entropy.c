/* What looks compressed is stored; everything else is compressed; both come back as they were. */
#include "helper.h"

#include "layer/deflate.h"

enum { PIECE = 32 * 1024, MIXED = 20 * PIECE };

static void fill_noise(uint8_t *data, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        data[i] = (uint8_t)(seed >> 11);
    }
}

static void fill_text(uint8_t *data, size_t len)
{
    static const char words[] = "func main() { return nil } // as words go by ";
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)words[(i + i / 700) % (sizeof(words) - 1)];
    }
}

KOC_TEST(entropy_tells_noise_from_text)
{
    uint8_t *data = koc__malloc(PIECE);
    fill_noise(data, PIECE, 1);
    assert_true(koc__looks_compressed(data, PIECE));
    assert_true(koc__looks_compressed(data, 4096));
    assert_false(koc__looks_compressed(data, 4095)); /* too short to tell */
    fill_text(data, PIECE);
    assert_false(koc__looks_compressed(data, PIECE));
    memset(data, 0, PIECE);
    assert_false(koc__looks_compressed(data, PIECE));
    koc__free(data);
}

KOC_TEST(entropy_sees_even_bytes_that_repeat)
{
    uint8_t *data = koc__malloc(PIECE);
    for (size_t i = 0; i < PIECE; i++) { /* each byte value as often as the others */
        data[i] = (uint8_t)i;
    }
    assert_false(koc__looks_compressed(data, PIECE));
    koc__free(data);
}

KOC_TEST(entropy_looks_at_more_than_the_first_bytes)
{
    uint8_t *data = koc__malloc(PIECE);
    fill_noise(data, PIECE, 2);
    memset(data + PIECE / 3, 'x', 3000);
    assert_false(koc__looks_compressed(data, PIECE));
    koc__free(data);
}

/* text, noise, text, noise: runs within one chunk, the last one stored when noise_last. */
static void round_trip(bool noise_last, size_t chunk)
{
    KOC__AUTO(koc_ctx) ctx = NULL;
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_layer) l = NULL;
    KOC__AUTO_VAL(koc__dynbuf) gz = KOC__DYNBUF_INIT(TEST_MAX);
    KOC__AUTO_VAL(koc__dynbuf) back = KOC__DYNBUF_INIT(TEST_MAX);
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    koc_error *err = NULL;
    uint8_t *data = koc__malloc(MIXED);
    fill_text(data, MIXED);
    fill_noise(data + 3 * PIECE, 5 * PIECE, 3);
    if (noise_last) {
        fill_noise(data + 17 * PIECE, 3 * PIECE, 4);
    }
    o.chunk_size = chunk;
    o.flags = KOC_LAYER_IN_MEMORY;
    ok(koc_ctx_new(NULL, &ctx, &err), err);
    ok(koc_blob_from_bytes(koc__str_n((const char *)data, MIXED), &blob, &err), err);
    ok(koc_layer_from_tar(ctx, blob, &o, NULL, &l, &err), err);
    layer_bytes(l, &gz);
    size_t noise = (noise_last ? 8 : 5) * (size_t)PIECE;
    assert_in_range(gz.len, noise, noise + 32 * 1024);
    ok(gunzip(gz.ptr, gz.len, 4096, MIXED, &back, &err), err);
    assert_int_equal(back.len, MIXED);
    assert_memory_equal(back.ptr, data, MIXED);
    koc__free(data);
}

KOC_TEST(entropy_mixed_chunks_come_back)
{
    round_trip(false, 0);
    round_trip(true, 0);
    round_trip(true, 100000); /* chunks that end within a piece */
}

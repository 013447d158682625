/* The encoder of level 1: whatever goes in comes out of another's decoder, within the bound, and the bytes
 * are the same everywhere. */
#include "helper.h"

#include <libdeflate.h>

#include "core/digests.h"
#include "layer/deflate_fast.h"

enum { BLOCK = 128 * 1024, SIZE = 3 * BLOCK };

static size_t encode(const uint8_t *in, size_t len, bool last, uint8_t **out)
{
    koc__deflate_fast *f = koc__deflate_fast_new();
    assert_non_null(f);
    *out = koc__malloc(koc__deflate_fast_bound(len)); /* exactly: the sanitizer watches its end */
    size_t n = koc__deflate_fast_run(f, in, len, last, *out);
    assert_true(n <= koc__deflate_fast_bound(len));
    koc__deflate_fast_free(f);
    return n;
}

static void decode(const uint8_t *stream, size_t n, const uint8_t *expect, size_t len)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    uint8_t *back = koc__malloc(len + 1);
    size_t used = 0, made = 0;
    assert_int_equal(libdeflate_deflate_decompress_ex(d, stream, n, back, len + 1, &used, &made),
                     LIBDEFLATE_SUCCESS);
    assert_int_equal(used, n);
    assert_int_equal(made, len);
    assert_true(len == 0 || memcmp(back, expect, len) == 0);
    koc__free(back);
    libdeflate_free_decompressor(d);
}

/* As a whole stream, and as the beginning of one. Returns the length of the first. */
static size_t round_trip(const uint8_t *in, size_t len)
{
    static const uint8_t end[] = {1, 0, 0, 0xff, 0xff};
    uint8_t *out = NULL;
    size_t whole = encode(in, len, true, &out);
    decode(out, whole, in, len);
    koc__free(out);
    size_t n = encode(in, len, false, &out);
    uint8_t *joined = koc__malloc(n + sizeof(end));
    memcpy(joined, out, n);
    memcpy(joined + n, end, sizeof(end));
    decode(joined, n + sizeof(end), in, len);
    koc__free(joined);
    koc__free(out);
    return whole;
}

KOC_TEST(deflate_fast_sizes_around_its_limits)
{
    static const size_t around[] = {0, 8, 16, 258, 259, 32768, 65535, BLOCK, 2 * BLOCK};
    uint8_t *data = koc__malloc(SIZE);
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 0) {
            memset(data, 0, SIZE);
        } else {
            noise(data, SIZE, 7, kind == 1);
        }
        for (size_t i = 0; i < KOC__COUNT(around); i++) {
            for (size_t len = around[i] > 2 ? around[i] - 2 : 0; len < around[i] + 3; len++) {
                round_trip(data, len);
            }
        }
    }
    koc__free(data);
}

KOC_TEST(deflate_fast_stores_what_does_not_shrink)
{
    uint8_t *data = koc__malloc(SIZE);
    noise(data, SIZE, 3, false);
    assert_true(round_trip(data, SIZE) <= SIZE + 64);
    koc__free(data);
}

/* Weights like Fibonacci's numbers ask for codes longer than 14 bits. */
KOC_TEST(deflate_fast_limits_the_length_of_codes)
{
    uint8_t *data = koc__malloc(SIZE);
    size_t n = 0;
    for (size_t a = 1, b = 1, symbol = 0; n + b < BLOCK; symbol++) {
        memset(data + n, (int)symbol, b);
        n += b;
        size_t next = a + b;
        a = b;
        b = next;
    }
    uint32_t seed = 1;
    for (size_t i = n - 1; i > 0; i--) { /* mixed, so that literals are left */
        seed = seed * 1664525 + 1013904223;
        size_t k = seed % (i + 1);
        uint8_t swap = data[i];
        data[i] = data[k];
        data[k] = swap;
    }
    assert_true(round_trip(data, n) < n / 2);
    koc__free(data);
}

KOC_TEST(deflate_fast_matches_at_every_distance)
{
    uint8_t *data = koc__malloc(SIZE);
    for (size_t distance = 1; distance <= 32770; distance += distance < 600 ? 1 : 811) {
        size_t len = KOC__MIN((size_t)SIZE, distance * 2 + 700);
        noise(data, len, (uint32_t)distance, false);
        memmove(data + distance, data, KOC__MIN(distance, len - distance));
        round_trip(data, len);
    }
    for (size_t period = 1; period < 300;
         period += 7) { /* overlapping, longer than a match can be */
        for (size_t i = 0; i < 5000; i++) {
            data[i] = (uint8_t)(i % period * 37);
        }
        assert_true(round_trip(data, 5000) < 700);
    }
    koc__free(data);
}

KOC_TEST(deflate_fast_random_mixtures)
{
    uint8_t *data = koc__malloc(SIZE);
    uint32_t seed = 99;
    for (int round = 0; round < 60; round++) {
        size_t len = 0;
        while (len < SIZE - 70000) {
            seed = seed * 1664525 + 1013904223;
            size_t n = 1 + (seed >> 8) % (seed & 1 ? 60000 : 300);
            switch (seed >> 28 & 3) {
            case 0: memset(data + len, (int)(seed & 0xff), n); break;
            case 1: noise(data + len, n, seed, true); break;
            case 2: noise(data + len, n, seed, false); break;
            default:
                n = KOC__MIN(n, len);
                memmove(data + len, data + (n ? seed % (len - n + 1) : 0), n);
            }
            len += n;
        }
        round_trip(data, len);
    }
    koc__free(data);
}

/* Also on machines of other byte order and word size: a digest would tell an image from its twin. */
KOC_TEST(deflate_fast_makes_these_bytes)
{
    uint8_t *data = koc__malloc(SIZE), *out = NULL;
    koc_digest d;
    noise(data, SIZE, 5, true);
    memcpy(data + BLOCK, data + 1000, 30000);
    noise(data + 2 * BLOCK, 50000, 6, false);
    size_t n = encode(data, SIZE, true, &out);
    koc__sha256_of(out, n, &d);
    assert_string_equal(koc__digest_hex(&d).s,
                        "07bc2ec3f294d8bfa8441994be0586b335eaadae2effbd0d85f55f18a16b58ae");
    koc__free(out);
    koc__free(data);
}

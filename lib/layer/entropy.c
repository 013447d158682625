/*
 * Detects data that is already compressed, as a third of a Go program is: its debug sections. Deflate would
 * only spend time on it, so gzip.c stores such pieces.
 *
 * Integers only: the result is part of the layer format and must be the same everywhere.
 */
#include "core/common.h"

#include "layer/deflate.h"

enum {
    SAMPLE = 1024, /* bytes a place */
    PLACES = 4,
    HASH_BITS = 12,
    REPEATS_MAX = SAMPLE * PLACES / 64,
};

/* 256 * sum(count^2) / n^2 in 1/256ths: about 256 + 65536/n for even bytes, more the less even they are. */
static uint64_t unevenness(const uint32_t count[256], uint64_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < 256; i++) {
        sum += (uint64_t)count[i] * count[i];
    }
    return sum * 256 * 256 / (n * n);
}

/* Counts four-byte sequences that were seen before, which an encoder would find. */
static bool repeats(const uint8_t *data)
{
    uint16_t last[1 << HASH_BITS] = {0};
    size_t found = 0;
    for (size_t i = 0; i + 4 <= SAMPLE * PLACES; i++) {
        uint32_t four = 0;
        memcpy(&four, data + i, sizeof(four));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        four = __builtin_bswap32(four);
#endif
        uint32_t slot = (four * 0x9e3779b1u) >> (32 - HASH_BITS);
        found += last[slot] > 0 && memcmp(data + last[slot] - 1, data + i, 4) == 0;
        last[slot] = (uint16_t)(i + 1);
    }
    return found > REPEATS_MAX;
}

bool koc__looks_compressed(const uint8_t *data, size_t len)
{
    uint8_t sample[SAMPLE * PLACES];
    uint32_t count[256] = {0};
    if (len < sizeof(sample)) {
        return false;
    }
    for (size_t place = 0; place < PLACES; place++) {
        uint8_t *at = sample + place * SAMPLE;
        memcpy(at, data + place * ((len - SAMPLE) / (PLACES - 1)), SAMPLE);
        for (size_t i = 0; i < SAMPLE; i++) {
            count[at[i]]++;
        }
        /* Most pieces are plain code or text: the distribution of bytes decides. */
        if (place == 0 && unevenness(count, SAMPLE) > 512) {
            return false;
        }
    }
    return unevenness(count, sizeof(sample)) <= 300 && !repeats(sample);
}

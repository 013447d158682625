/*
 * SHA-256 with the SHA extensions of x86 (Intel SDM, volume 2, SHA256RNDS2, SHA256MSG1, SHA256MSG2).
 *
 * The instructions keep the eight state words in two registers, named after what they hold from the
 * highest lane down: ABEF and CDGH.
 */
#include "core/common.h"

#include "core/hash/sha256.h"
#include "core/hash/sha256_rounds.h"

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>
#include <immintrin.h>

#define TARGET __attribute__((target("sha,sse4.1,ssse3")))

bool koc__sha256_x86_usable(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) {
        return false;
    }
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29);
}

/* Four rounds with four schedule words. */
#define ROUNDS(t, words)                                                                           \
    do {                                                                                           \
        const __m128i *k = (const __m128i *)(const void *)(koc__sha256_constants + (t));           \
        __m128i x = _mm_add_epi32(words, _mm_load_si128(k));                                       \
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, x);                                               \
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(x, 0x0e));                      \
    } while (0)

/* w0 = the four words after w3, given the sixteen before them. */
#define SCHEDULE(w0, w1, w2, w3)                                                                   \
    (w0) = _mm_sha256msg2_epu32(                                                                   \
        _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4)), w3)

#define LOAD(i)                                                                                    \
    _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(data + 16 * (i))), byte_swap)

TARGET void koc__sha256_blocks_x86(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    const __m128i byte_swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i *state_low = (__m128i *)(void *)state;
    __m128i *state_high = (__m128i *)(void *)(state + 4);
    __m128i dcba = _mm_loadu_si128(state_low);
    __m128i hgfe = _mm_loadu_si128(state_high);
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
    __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
    for (; blocks > 0; blocks--, data += 64) {
        __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w0 = LOAD(0), w1 = LOAD(1), w2 = LOAD(2), w3 = LOAD(3);

        KOC__SHA256_ROUNDS(w0, w1, w2, w3);
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(state_low, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(state_high, _mm_alignr_epi8(dchg, feba, 8));
}

#endif

/* SHA-256 in plain C, and the table of constants that all kernels use. */
#include "core/common.h"

#include "core/hash/sha256.h"

const uint32_t koc__sha256_constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotate_right(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static inline uint32_t load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

/* FIPS 180-4, 6.2.2, step 1: the next word of the schedule, over a ring of sixteen. */
static inline uint32_t next_word(uint32_t w[16], unsigned t)
{
    uint32_t w15 = w[(t + 1) & 15];
    uint32_t w2 = w[(t + 14) & 15];
    uint32_t s0 = rotate_right(w15, 7) ^ rotate_right(w15, 18) ^ w15 >> 3;
    uint32_t s1 = rotate_right(w2, 17) ^ rotate_right(w2, 19) ^ w2 >> 10;
    w[t & 15] += s0 + w[(t + 9) & 15] + s1;
    return w[t & 15];
}

/* FIPS 180-4, 6.2.2, step 3. The caller renames the eight variables instead of moving them. */
#define ROUND(a, b, c, d, e, f, g, h, t, word)                                                     \
    do {                                                                                           \
        uint32_t big1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);            \
        uint32_t big0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);            \
        uint32_t t1 =                                                                              \
            (h) + big1 + ((g) ^ ((e) & ((f) ^ (g)))) + koc__sha256_constants[t] + (word);          \
        (d) += t1;                                                                                 \
        (h) = t1 + big0 + (((a) & (b)) | ((c) & ((a) | (b))));                                     \
    } while (0)

#define EIGHT_ROUNDS(t, word)                                                                      \
    do {                                                                                           \
        ROUND(a, b, c, d, e, f, g, h, (t), word((t)));                                             \
        ROUND(h, a, b, c, d, e, f, g, (t) + 1, word((t) + 1));                                     \
        ROUND(g, h, a, b, c, d, e, f, (t) + 2, word((t) + 2));                                     \
        ROUND(f, g, h, a, b, c, d, e, (t) + 3, word((t) + 3));                                     \
        ROUND(e, f, g, h, a, b, c, d, (t) + 4, word((t) + 4));                                     \
        ROUND(d, e, f, g, h, a, b, c, (t) + 5, word((t) + 5));                                     \
        ROUND(c, d, e, f, g, h, a, b, (t) + 6, word((t) + 6));                                     \
        ROUND(b, c, d, e, f, g, h, a, (t) + 7, word((t) + 7));                                     \
    } while (0)

#define FIRST_WORD(t) (w[t] = load_be32(data + 4 * (size_t)(t)))
#define NEXT_WORD(t)  next_word(w, (t))

void koc__sha256_blocks_portable(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    for (; blocks > 0; blocks--, data += 64) {
        uint32_t w[16];
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

        EIGHT_ROUNDS(0, FIRST_WORD);
        EIGHT_ROUNDS(8, FIRST_WORD);
        for (unsigned t = 16; t < 64; t += 16) {
            EIGHT_ROUNDS(t, NEXT_WORD);
            EIGHT_ROUNDS(t + 8, NEXT_WORD);
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
        state[5] += f;
        state[6] += g;
        state[7] += h;
    }
}

#include "core/common.h"

#include "sign/salsa20.h"

static uint32_t rotate(uint32_t v, int n)
{
    return v << n | v >> (32 - n);
}

static void quarter(uint32_t x[16], int a, int b, int c, int d)
{
    x[b] ^= rotate(x[a] + x[d], 7);
    x[c] ^= rotate(x[b] + x[a], 9);
    x[d] ^= rotate(x[c] + x[b], 13);
    x[a] ^= rotate(x[d] + x[c], 18);
}

void koc__salsa20_rounds(uint32_t x[16], int rounds)
{
    for (; rounds > 0; rounds -= 2) {
        quarter(x, 0, 4, 8, 12);
        quarter(x, 5, 9, 13, 1);
        quarter(x, 10, 14, 2, 6);
        quarter(x, 15, 3, 7, 11);
        quarter(x, 0, 1, 2, 3);
        quarter(x, 5, 6, 7, 4);
        quarter(x, 10, 11, 8, 9);
        quarter(x, 15, 12, 13, 14);
    }
}

/* The matrix of constants, key and the 16 bytes between them. */
static void set_up(uint32_t x[16], const uint8_t key[32], const uint8_t input[16])
{
    static const uint8_t constants[] = "expand 32-byte k";
    for (int i = 0; i < 4; i++) {
        x[5 * i] = koc__salsa20_load(constants + 4 * (size_t)i);
        x[1 + i] = koc__salsa20_load(key + 4 * (size_t)i);
        x[11 + i] = koc__salsa20_load(key + 16 + 4 * (size_t)i);
        x[6 + i] = koc__salsa20_load(input + 4 * (size_t)i);
    }
}

void koc__salsa20_block(const uint8_t key[32], const uint8_t nonce[8], uint64_t counter,
                        uint8_t out[64])
{
    uint32_t x[16], before[16];
    uint8_t input[16];
    memcpy(input, nonce, 8);
    koc__salsa20_store(input + 8, (uint32_t)counter);
    koc__salsa20_store(input + 12, (uint32_t)(counter >> 32));
    set_up(x, key, input);
    memcpy(before, x, sizeof(x));
    koc__salsa20_rounds(x, 20);
    for (size_t i = 0; i < 16; i++) {
        koc__salsa20_store(out + 4 * i, x[i] + before[i]);
    }
    koc__wipe(x, sizeof(x));
    koc__wipe(before, sizeof(before));
}

void koc__salsa20_derive(const uint8_t key[32], const uint8_t nonce[16], uint8_t out[32])
{
    static const uint8_t taken[8] = {0, 5, 10, 15, 6, 7, 8, 9};
    uint32_t x[16];
    set_up(x, key, nonce);
    koc__salsa20_rounds(x, 20);
    for (size_t i = 0; i < 8; i++) {
        koc__salsa20_store(out + 4 * i, x[taken[i]]);
    }
    koc__wipe(x, sizeof(x));
}

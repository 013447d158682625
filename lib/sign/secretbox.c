#include "core/common.h"

#include "sign/secretbox.h"

#include "sign/salsa20.h"

/* --- Poly1305: numbers modulo 2^130 - 5 in five limbs of 26 bits --- */

#define LIMB 0x3ffffffu

/* Adds a block of 16 bytes, with the bit `top` above them, to h and multiplies by r. No branch depends on data. */
static void absorb(uint32_t h[5], const uint32_t r[5], const uint8_t block[16], uint32_t top)
{
    uint64_t d[5], carry = 0;
    h[0] += koc__salsa20_load(block) & LIMB;
    h[1] += koc__salsa20_load(block + 3) >> 2 & LIMB;
    h[2] += koc__salsa20_load(block + 6) >> 4 & LIMB;
    h[3] += koc__salsa20_load(block + 9) >> 6 & LIMB;
    h[4] += koc__salsa20_load(block + 12) >> 8 | top << 24;
    for (int i = 0; i < 5; i++) {
        d[i] = 0;
        for (int k = 0; k < 5; k++) {
            /* 2^130 is 5 */
            d[i] += (uint64_t)h[k] * (k <= i ? r[i - k] : 5 * r[5 + i - k]);
        }
    }
    for (int i = 0; i < 5; i++) {
        d[i] += carry;
        carry = d[i] >> 26;
        h[i] = (uint32_t)d[i] & LIMB;
    }
    h[0] += (uint32_t)carry * 5;
    h[1] += h[0] >> 26;
    h[0] &= LIMB;
}

/* h modulo the prime, as 16 bytes, plus the second half of the key. */
static void finish(uint32_t h[5], const uint8_t pad[16], uint8_t tag[16])
{
    uint32_t g[5], carry = 0, words[4];
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 5; i++) {
            h[i] += carry;
            carry = h[i] >> 26;
            h[i] &= LIMB;
        }
        carry *= 5;
    }
    h[0] += carry;
    carry = 5;
    for (int i = 0; i < 5; i++) {
        g[i] = h[i] + carry;
        carry = g[i] >> 26;
        g[i] &= LIMB;
    }
    /* h + 5 reached 2^130: h was not less than the prime, and g is the result. */
    uint32_t mask = 0u - carry;
    for (int i = 0; i < 5; i++) {
        h[i] = (h[i] & ~mask) | (g[i] & mask);
    }
    words[0] = h[0] | h[1] << 26;
    words[1] = h[1] >> 6 | h[2] << 20;
    words[2] = h[2] >> 12 | h[3] << 14;
    words[3] = h[3] >> 18 | h[4] << 8;
    uint64_t sum = 0;
    for (size_t i = 0; i < 4; i++) {
        sum += (uint64_t)words[i] + koc__salsa20_load(pad + 4 * i);
        koc__salsa20_store(tag + 4 * i, (uint32_t)sum);
        sum >>= 32;
    }
}

void koc__poly1305(const uint8_t key[32], const uint8_t *data, size_t len, uint8_t tag[16])
{
    uint32_t h[5] = {0};
    uint32_t r[5] = {
        koc__salsa20_load(key) & 0x3ffffff,           koc__salsa20_load(key + 3) >> 2 & 0x3ffff03,
        koc__salsa20_load(key + 6) >> 4 & 0x3ffc0ff,  koc__salsa20_load(key + 9) >> 6 & 0x3f03fff,
        koc__salsa20_load(key + 12) >> 8 & 0x00fffff,
    };
    for (; len >= 16; data += 16, len -= 16) {
        absorb(h, r, data, 1);
    }
    if (len > 0) {
        uint8_t last[16] = {0};
        memcpy(last, data, len);
        last[len] = 1;
        absorb(h, r, last, 0);
        koc__wipe(last, sizeof(last));
    }
    finish(h, key + 16, tag);
    koc__wipe(h, sizeof(h));
    koc__wipe(r, sizeof(r));
}

/* --- the box --- */

/* The first block of the key stream is the key of Poly1305 and the stream of 32 bytes; the others follow. */
static void encrypt_box(const uint8_t key[32], const uint8_t *nonce, const uint8_t *from,
                        size_t len, uint8_t *out)
{
    uint8_t stream[64];
    size_t used = 32, done = 0;
    for (uint64_t n = 0; done < len; n++) {
        koc__salsa20_block(key, nonce, n, stream);
        for (; used < 64 && done < len; used++, done++) {
            out[done] = from[done] ^ stream[used];
        }
        used = 0;
    }
    koc__wipe(stream, sizeof(stream));
}

static void compute_tag(const uint8_t key[32], const uint8_t *nonce, const uint8_t *data,
                        size_t len, uint8_t tag[16])
{
    uint8_t stream[64];
    koc__salsa20_block(key, nonce, 0, stream);
    koc__poly1305(stream, data, len, tag);
    koc__wipe(stream, sizeof(stream));
}

void koc__secretbox_seal(const uint8_t key[32], const uint8_t nonce[KOC__SECRETBOX_NONCE],
                         koc_str message, uint8_t *out)
{
    uint8_t derived[32];
    koc__salsa20_derive(key, nonce, derived);
    encrypt_box(derived, nonce + 16, (const uint8_t *)message.ptr, message.len,
                out + KOC__SECRETBOX_TAG);
    compute_tag(derived, nonce + 16, out + KOC__SECRETBOX_TAG, message.len, out);
    koc__wipe(derived, sizeof(derived));
}

bool koc__secretbox_open(const uint8_t key[32], const uint8_t nonce[KOC__SECRETBOX_NONCE],
                         koc_str box, uint8_t *out)
{
    uint8_t derived[32], tag[KOC__SECRETBOX_TAG], different = 0;
    const uint8_t *data = (const uint8_t *)box.ptr;
    if (box.len < KOC__SECRETBOX_TAG) {
        return false;
    }
    size_t len = box.len - KOC__SECRETBOX_TAG;
    koc__salsa20_derive(key, nonce, derived);
    compute_tag(derived, nonce + 16, data + KOC__SECRETBOX_TAG, len, tag);
    for (size_t i = 0; i < sizeof(tag); i++) {
        different |= (uint8_t)(tag[i] ^ data[i]);
    }
    if (different == 0) {
        encrypt_box(derived, nonce + 16, data + KOC__SECRETBOX_TAG, len, out);
    }
    koc__wipe(derived, sizeof(derived));
    return different == 0;
}

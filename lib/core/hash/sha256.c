/* SHA-256 (FIPS 180-4): buffering, padding and the choice of a kernel. */
#include "core/common.h"

#include "core/hash/sha256.h"

#include <stdatomic.h>

#include "core/env.h"
#include "core/str.h"

typedef void (*blocks_fn)(uint32_t state[8], const uint8_t *data, size_t blocks);

static inline void store_be32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static void choose_blocks(uint32_t state[8], const uint8_t *data, size_t blocks);

/* Starts as the function that chooses. Choosing twice from two threads gives the same answer. */
static _Atomic(blocks_fn) chosen_blocks = choose_blocks;

static blocks_fn best_blocks(void)
{
    if (koc__streq(koc__env("KOC_CPU"), "portable")) {
        return koc__sha256_blocks_portable;
    }
#if defined(__x86_64__) || defined(__i386__)
    if (koc__sha256_x86_usable()) {
        return koc__sha256_blocks_x86;
    }
#elif defined(__aarch64__)
    if (koc__sha256_arm_usable()) {
        return koc__sha256_blocks_arm;
    }
#endif
    return koc__sha256_blocks_portable;
}

static void choose_blocks(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    blocks_fn best = best_blocks();
    atomic_store_explicit(&chosen_blocks, best, memory_order_relaxed);
    best(state, data, blocks);
}

const char *koc__sha256_backend(void)
{
    blocks_fn blocks = atomic_load_explicit(&chosen_blocks, memory_order_relaxed);
    if (blocks == choose_blocks) {
        blocks = best_blocks();
    }
    if (blocks == koc__sha256_blocks_portable) {
        return "portable";
    }
#if defined(__aarch64__)
    return "armv8";
#else
    return "sha-ni";
#endif
}

static void hash_blocks(koc__sha256 *h, const uint8_t *data, size_t blocks)
{
    atomic_load_explicit(&chosen_blocks, memory_order_relaxed)(h->state, data, blocks);
}

void koc__sha256_init(koc__sha256 *h)
{
    static const uint32_t initial[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };

    memcpy(h->state, initial, sizeof(initial));
    h->length = 0;
}

void koc__sha256_update(koc__sha256 *h, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t used = (size_t)(h->length % 64);
    if (len == 0) {
        return;
    }
    h->length += len;
    if (used > 0) {
        size_t n = KOC__MIN(len, 64 - used);

        memcpy(h->block + used, p, n);
        p += n;
        len -= n;
        if (used + n < 64) {
            return;
        }
        hash_blocks(h, h->block, 1);
    }
    if (len >= 64) {
        hash_blocks(h, p, len / 64);
        p += len - len % 64;
        len %= 64;
    }
    memcpy(h->block, p, len);
}

void koc__sha256_final(koc__sha256 *h, uint8_t out[32])
{
    size_t used = (size_t)(h->length % 64);
    uint64_t bits = h->length * 8;
    h->block[used++] = 0x80;
    if (used > 56) {
        memset(h->block + used, 0, 64 - used);
        hash_blocks(h, h->block, 1);
        used = 0;
    }
    memset(h->block + used, 0, 56 - used);
    store_be32(h->block + 56, (uint32_t)(bits >> 32));
    store_be32(h->block + 60, (uint32_t)bits);
    hash_blocks(h, h->block, 1);
    for (size_t i = 0; i < 8; i++) {
        store_be32(out + 4 * i, h->state[i]);
    }
}

void koc__sha256_digest(koc__sha256 *h, koc_digest *out)
{
    *out = (koc_digest){.algorithm = KOC_DIGEST_SHA256, .len = 32};
    koc__sha256_final(h, out->bytes);
}

void koc__sha256_of(const void *data, size_t len, koc_digest *out)
{
    koc__sha256 h;
    koc__sha256_init(&h);
    koc__sha256_update(&h, data, len);
    koc__sha256_digest(&h, out);
}

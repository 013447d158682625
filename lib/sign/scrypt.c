#include "core/common.h"

#include "sign/scrypt.h"

#include "core/dynbuf.h"
#include "core/hash/crypto.h"
#include "sign/salsa20.h"

#define MEMORY_MAX ((uint64_t)256 << 20)

/* PBKDF2-HMAC-SHA-256 (RFC 8018, 5.2) with one iteration. */
static int pbkdf2_once(koc_str password, koc_str salt, uint8_t *out, size_t len, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) block = KOC__DYNBUF_INIT(SIZE_MAX);
    uint8_t mac[32];
    int rc = koc__dynbuf_put(&block, salt, err);
    rc = rc == KOC_OK ? koc__dynbuf_append(&block, "\0\0\0\0", 4, err) : rc;
    for (uint32_t i = 1; rc == KOC_OK && len > 0; i++) {
        uint8_t *number = (uint8_t *)block.ptr + salt.len;
        size_t n = KOC__MIN(len, sizeof(mac));
        number[0] = (uint8_t)(i >> 24);
        number[1] = (uint8_t)(i >> 16);
        number[2] = (uint8_t)(i >> 8);
        number[3] = (uint8_t)i;
        rc = koc__hmac_sha256(password, koc__dynbuf_view(&block), mac, err);
        if (rc == KOC_OK) {
            memcpy(out, mac, n);
            out += n;
            len -= n;
        }
    }
    koc__wipe(mac, sizeof(mac));
    koc__dynbuf_wipe(&block);
    return rc;
}

/* scryptBlockMix: 2r blocks of 16 words from x to y, the even ones first. */
static void mix_blocks(const uint32_t *x, uint32_t *y, size_t r)
{
    uint32_t t[16], before[16];
    memcpy(t, x + 16 * (2 * r - 1), sizeof(t));
    for (size_t i = 0; i < 2 * r; i++) {
        for (size_t k = 0; k < 16; k++) {
            t[k] ^= x[16 * i + k];
        }
        memcpy(before, t, sizeof(t));
        koc__salsa20_rounds(t, 8);
        for (size_t k = 0; k < 16; k++) {
            t[k] += before[k];
        }
        memcpy(y + 16 * (i / 2 + (i % 2) * r), t, sizeof(t));
    }
    koc__wipe(t, sizeof(t));
    koc__wipe(before, sizeof(before));
}

/* scryptROMix on x, 32r words; v has n times as many, y as many. */
static void mix_memory(uint32_t *x, uint32_t *y, uint32_t *v, size_t n, size_t r)
{
    size_t words = 32 * r;
    for (size_t i = 0; i < n; i++) {
        memcpy(v + i * words, x, 4 * words);
        mix_blocks(x, y, r);
        memcpy(x, y, 4 * words);
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t *chosen = v + (x[words - 16] & (n - 1)) * words;
        for (size_t k = 0; k < words; k++) {
            x[k] ^= chosen[k];
        }
        mix_blocks(x, y, r);
        memcpy(x, y, 4 * words);
    }
}

static int mix_all(const koc__scrypt_cost *cost, uint8_t *blocks, koc_error **err)
{
    size_t words = 32 * (size_t)cost->r, memory = 4 * words * ((size_t)cost->n + 2);
    uint32_t *v = koc__malloc(memory);
    if (!v) {
        return koc__oom(err);
    }
    uint32_t *x = v + words * cost->n, *y = x + words;
    for (size_t i = 0; i < cost->p; i++) {
        uint8_t *block = blocks + i * 4 * words;
        for (size_t k = 0; k < words; k++) {
            x[k] = koc__salsa20_load(block + 4 * k);
        }
        mix_memory(x, y, v, cost->n, cost->r);
        for (size_t k = 0; k < words; k++) {
            koc__salsa20_store(block + 4 * k, x[k]);
        }
    }
    koc__wipe(v, memory);
    koc__free(v);
    return KOC_OK;
}

int koc__scrypt(koc_str password, koc_str salt, const koc__scrypt_cost *cost, uint8_t *out,
                size_t len, koc_error **err)
{
    uint64_t n = cost->n, r = cost->r, p = cost->p;
    if (n < 2 || (n & (n - 1)) != 0 || r < 1 || r > 64 || p < 1 || p > 64 ||
        128 * r * (n + 2 + p) > MEMORY_MAX) {
        return koc__error(err, KOC_ELIMIT, "scrypt with N=%u, r=%u, p=%u is not supported", cost->n,
                          cost->r, cost->p);
    }
    size_t size = 128 * (size_t)(r * p);
    uint8_t *blocks = koc__malloc(size);
    if (!blocks) {
        return koc__oom(err);
    }
    int rc = pbkdf2_once(password, salt, blocks, size, err);
    rc = rc == KOC_OK ? mix_all(cost, blocks, err) : rc;
    rc = rc == KOC_OK ? pbkdf2_once(password, (koc_str){(const char *)blocks, size}, out, len, err)
                      : rc;
    koc__wipe(blocks, size);
    koc__free(blocks);
    return rc;
}

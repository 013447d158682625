/* Salsa20 (Bernstein, "Salsa20 specification"), for scrypt and NaCl's boxes. */
#ifndef KOC__SALSA20_H
#define KOC__SALSA20_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t koc__salsa20_load(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void koc__salsa20_store(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

/* The rounds (8 or 20) alone: the caller adds the input. */
void koc__salsa20_rounds(uint32_t x[16], int rounds);
/* A block of the key stream. */
void koc__salsa20_block(const uint8_t key[32], const uint8_t nonce[8], uint64_t counter,
                        uint8_t out[64]);
/* The key that XSalsa20 derives from the first 16 bytes of its nonce. */
void koc__salsa20_derive(const uint8_t key[32], const uint8_t nonce[16], uint8_t out[32]);

#endif

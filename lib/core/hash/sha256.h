/* SHA-256 (FIPS 180-4) with CPU instructions where there are any; KOC_CPU=portable forces plain C. */
#ifndef KOC__SHA256_H
#define KOC__SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <koc/digest.h>

typedef struct koc__sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    uint8_t block[64];
} koc__sha256;

void koc__sha256_init(koc__sha256 *h);
void koc__sha256_update(koc__sha256 *h, const void *data, size_t len);
void koc__sha256_final(koc__sha256 *h, uint8_t out[32]);
/* The same as a koc_digest. */
void koc__sha256_digest(koc__sha256 *h, koc_digest *out);
void koc__sha256_of(const void *data, size_t len, koc_digest *out);
/* "sha-ni", "armv8", "portable". */
const char *koc__sha256_backend(void);

/* Block functions; the dispatcher picks one. The table is FIPS 180-4, 4.2.2, aligned to 16 bytes. */
extern const uint32_t koc__sha256_constants[64];
void koc__sha256_blocks_portable(uint32_t state[8], const uint8_t *data, size_t blocks);
#if defined(__x86_64__) || defined(__i386__)
bool koc__sha256_x86_usable(void);
void koc__sha256_blocks_x86(uint32_t state[8], const uint8_t *data, size_t blocks);
#elif defined(__aarch64__)
bool koc__sha256_arm_usable(void);
void koc__sha256_blocks_arm(uint32_t state[8], const uint8_t *data, size_t blocks);
#endif

#endif

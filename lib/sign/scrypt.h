/* scrypt (RFC 7914), which makes a key of a password. */
#ifndef KOC__SCRYPT_H
#define KOC__SCRYPT_H

#include <koc/base.h>

typedef struct koc__scrypt_cost {
    uint32_t n; /* a power of two; 128 * n * r bytes of memory are used */
    uint32_t r;
    uint32_t p;
} koc__scrypt_cost;

/* Fills out with len bytes. The memory is wiped. KOC_ELIMIT: N is not a power of two, or the cost needs more than 256 MiB. */
int koc__scrypt(koc_str password, koc_str salt, const koc__scrypt_cost *cost, uint8_t *out,
                size_t len, koc_error **err);

#endif

/* ECDSA and RSA signatures over SHA-256 (mbedTLS through PSA, crypto.h). */
#ifndef KOC__CRYPTO_KEYS_H
#define KOC__CRYPTO_KEYS_H

#include <koc/base.h>

enum { KOC__CRYPTO_P256 = 1, KOC__CRYPTO_P384, KOC__CRYPTO_P521, KOC__CRYPTO_RSA };
enum {
    KOC__P256_SECRET = 32, /* bytes of a scalar, big endian */
    KOC__P256_POINT = 65,  /* 4, X, Y (SEC 1, 2.3.3) */
    KOC__P256_PAIR = 64    /* r, s */
};

/* A new P-256 key; the caller wipes it. */
int koc__crypto_ec_generate(uint8_t secret[KOC__P256_SECRET], koc_error **err);
/* The public point of a key. KOC_EFORMAT: not a scalar of P-256. */
int koc__crypto_ec_public(const uint8_t secret[KOC__P256_SECRET], uint8_t point[KOC__P256_POINT],
                          koc_error **err);
/* Signs a hash as RFC 6979 says: the same input gives the same signature. */
int koc__crypto_ec_sign(const uint8_t secret[KOC__P256_SECRET], const uint8_t hash[32],
                        uint8_t pair[KOC__P256_PAIR], koc_error **err);
/* Checks the signature of a hash. kind: KOC__CRYPTO_*. key: the uncompressed point, or an RSAPublicKey in DER. signature: r
 * and s in the width of the curve, or PKCS #1 v1.5. KOC_EFORMAT: not such a key. */
int koc__crypto_verify(int kind, koc_str key, const uint8_t hash[32], koc_str signature,
                       bool *valid, koc_error **err);

#endif

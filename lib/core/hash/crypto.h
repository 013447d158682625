/* mbedTLS through PSA: what SHA-256's own kernels do not cover. One mutex around all of it. */
#ifndef KOC__CRYPTO_H
#define KOC__CRYPTO_H

#include <koc/base.h>

#include "core/dynbuf.h"

int koc__crypto_init(koc_error **err); /* idempotent, thread-safe */
/* Takes the mutex, which koc__crypto_leave gives back. Between the two nothing else of this header may be called. For
 * crypto_keys.c. */
int koc__crypto_enter(koc_error **err);
void koc__crypto_leave(void);
/* The error of a status of PSA. */
int koc__crypto_failed(koc_error **err, const char *what, int32_t status);
int koc__sha1(koc_str data, uint8_t out[20], koc_error **err);
int koc__md5(koc_str data, uint8_t out[16],
             koc_error **err); /* ko's image names; not for security */
/* Running SHA-512 for koc_hasher. */
typedef struct koc__sha512_state koc__sha512_state;
int koc__sha512_new(koc__sha512_state **out, koc_error **err);
int koc__sha512_update(koc__sha512_state *s, const void *data, size_t len, koc_error **err);
int koc__sha512_finish(koc__sha512_state *s, uint8_t out[64], koc_error **err);
void koc__sha512_free(koc__sha512_state *s);
/* Running SHA-1, for documents that ask for it (SPDX 2.3, files); not for security. */
typedef struct koc__sha1_state koc__sha1_state;
int koc__sha1_new(koc__sha1_state **out, koc_error **err);
int koc__sha1_update(koc__sha1_state *s, const void *data, size_t len, koc_error **err);
int koc__sha1_finish(koc__sha1_state *s, uint8_t out[20], koc_error **err);
void koc__sha1_free(koc__sha1_state *s);
int koc__hmac_sha256(koc_str key, koc_str data, uint8_t out[32], koc_error **err);
/* RS256 of RFC 7518: RSASSA-PKCS1-v1_5 with SHA-256. key: an RSAPrivateKey in DER (RFC 8017, A.1.2).
 * Appends the signature. KOC_EFORMAT: not such a key, or one over 4096 bits. */
int koc__rsa_sha256_sign(koc_str key, koc_str data, koc__dynbuf *out, koc_error **err);
int koc__random(void *out, size_t len, koc_error **err);
const char *koc__crypto_version(void); /* "mbedTLS 2.28.3" */

#endif

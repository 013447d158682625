/*
 * koc/digest.h: content digests (OCI image-spec, descriptor.md, "Digests").
 */
#ifndef KOC_DIGEST_H
#define KOC_DIGEST_H

#include <koc/base.h>

KOC_BEGIN_DECLS

enum { KOC_DIGEST_NONE = 0, KOC_DIGEST_SHA256 = 1, KOC_DIGEST_SHA512 = 2 };
/** Bytes of the longest text form with its NUL. */
#define KOC_DIGEST_TEXT_MAX 136

/** A digest, passed by value; all-zero means none. Never changes. */
typedef struct koc_digest {
    uint8_t algorithm;   /**< KOC_DIGEST_* */
    uint8_t len;         /**< bytes used: 32 or 64 */
    uint8_t reserved[6]; /**< 0 */
    uint8_t bytes[64];   /**< the digest, then zeros */
} koc_digest;

/** Parses "sha256:<64 hex>" or "sha512:<128 hex>", lower case only. KOC_EINVAL: anything else. */
KOC_API int koc_digest_parse(const char *text, koc_digest *out, koc_error **err);
/** Writes the text form with its NUL to out. KOC_ELIMIT: out_size is too small. */
KOC_API int koc_digest_format(const koc_digest *d, char *out, size_t out_size, koc_error **err);
/** Whether a and b are the same digest; false if either is NULL or none. */
KOC_API bool koc_digest_equal(const koc_digest *a, const koc_digest *b);
/** The SHA-256 of data. */
KOC_API int koc_digest_of(koc_str data, koc_digest *out, koc_error **err);

/** Starts a hash; algorithm is KOC_DIGEST_SHA256 or KOC_DIGEST_SHA512. One thread at a time. */
KOC_API int koc_hasher_new(int32_t algorithm, koc_hasher **out, koc_error **err);
/** Adds data. */
KOC_API void koc_hasher_update(koc_hasher *h, koc_str data);
/** Returns the digest of all data. Afterwards h can only be freed. */
KOC_API int koc_hasher_finish(koc_hasher *h, koc_digest *out, koc_error **err);
KOC_API void koc_hasher_free(koc_hasher *h);

KOC_END_DECLS
#endif

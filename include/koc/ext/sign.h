/*
 * koc/ext/sign.h: keys, signatures and signed statements about images (docs/supply-chain.md).
 *
 * A signature is a sigstore bundle (v0.3) around a DSSE envelope, stored as a referrer of the image. It is what cosign 3
 * and others read. Headers in ext/ may change in any minor version (docs/abi.md). Since: 0.2.
 */
#ifndef KOC_EXT_SIGN_H
#define KOC_EXT_SIGN_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/digest.h>
#include <koc/ext/transfer.h>
#include <koc/image.h>
#include <koc/registry.h>

KOC_BEGIN_DECLS

/** A public key, perhaps with something that signs: a private key in memory, or a callback. Immutable; may be shared
 * between threads. Secrets are wiped when it is freed. Since: 0.2. */
typedef struct koc_key koc_key;

/** Gives the password of the file `what` (koc_buf_set), which is wiped after use. Returns KOC_OK, or a code with its error,
 * which ends the call with KOC_EUSER. Since: 0.2. */
typedef int (*koc_password_fn)(void *payload, const char *what, koc_buf *out, koc_error **err);

/** Makes a key for ECDSA on the curve P-256. Since: 0.2. */
KOC_API int koc_key_generate(koc_key **out, koc_error **err);
/** Opens a key. path is a PEM file (RFC 7468) with a public key (P-256, P-384, P-521, or RSA of 2048 bits and more), or with a
 * private key for P-256 in PKCS #8, SEC 1, or cosign's encrypted form; or "NAME://…", a key in a service, for which sigstore's
 * plug-in sigstore-kms-NAME on PATH signs. ask (or NULL) is called only for an encrypted key. A private key that others
 * may read is logged (KOC_LOG_WARN). KOC_EAUTH: the password is missing or wrong; KOC_EFORMAT; KOC_EUNSUPPORTED: a key of
 * another kind; KOC_EPROCESS: the plug-in failed. Since: 0.2. */
KOC_API int koc_key_open(koc_ctx *ctx, const char *path, koc_password_fn ask, void *payload,
                         const koc_op *op, koc_key **out, koc_error **err);
/** The same from memory. password NULL: none. Since: 0.2. */
KOC_API int koc_key_parse(koc_str pem, const char *password, koc_key **out, koc_error **err);

/** Signs with a key that the library does not have: in a service, on a card. Since: 0.2. */
typedef struct koc_signer_ops {
    uint32_t struct_size;
    uint32_t flags; /**< 0 */
    /** Signs message, whose SHA-256 is hash, with ECDSA or RSA (PKCS #1 v1.5). Fills signature: of ECDSA the DER form. */
    int (*sign)(void *self, koc_str message, const koc_digest *hash, koc_buf *signature,
                koc_error **err);
    /** Called once, after the last reference to the key is gone; or NULL. */
    void (*release)(void *self);
} koc_signer_ops;
/* clang-format off */
#define KOC_SIGNER_OPS_INIT { sizeof(koc_signer_ops), 0, NULL, NULL }
/* clang-format on */
/** A key whose signatures ops makes. public_pem: its public key. Each signature is checked with that before it is used.
 * Copies ops; owns self on success only. Since: 0.2. */
KOC_API int koc_key_new(koc_str public_pem, const koc_signer_ops *ops, void *self, koc_key **out,
                        koc_error **err);
/** Takes another reference; returns k. Since: 0.2. */
KOC_API koc_key *koc_key_ref(koc_key *k);
/** Releases a reference; accepts NULL. Since: 0.2. */
KOC_API void koc_key_unref(koc_key *k);
/** Whether k can sign, not only verify. Since: 0.2. */
KOC_API bool koc_key_can_sign(const koc_key *k);
/** The base64 of the SHA-256 of the public key, by which bundles name it. Borrowed from k. Since: 0.2. */
KOC_API const char *koc_key_hint(const koc_key *k);
/** The public key in PEM ("PUBLIC KEY"). Since: 0.2. */
KOC_API int koc_key_public_pem(const koc_key *k, koc_buf *out, koc_error **err);
/** The private key in cosign's form ("ENCRYPTED SIGSTORE PRIVATE KEY"), encrypted with password, which may be "". Wipe out
 * with koc_buf_wipe. KOC_EUNSUPPORTED: k has none. Since: 0.2. */
KOC_API int koc_key_private_pem(const koc_key *k, const char *password, koc_buf *out,
                                koc_error **err);

/* --- signing --- */

enum {
    KOC_SIGNATURE_ADDED = 1,   /**< koc_sign: new */
    KOC_SIGNATURE_PRESENT = 2, /**< koc_sign: was there already */
    KOC_SIGNATURE_VALID = 3,   /**< koc_verify: made by one of the keys, about this image */
    KOC_SIGNATURE_REJECTED = 4 /**< koc_verify: reason says why */
};
/** A signature of an image or index, or a signed statement about it. Everything is borrowed for the call of the callback.
 * Since: 0.2. */
typedef struct koc_signature {
    uint32_t struct_size;
    uint32_t flags;             /**< 0 */
    int32_t state;              /**< KOC_SIGNATURE_* */
    uint32_t reserved;          /**< 0 */
    const koc_digest *subject;  /**< the signed image or index */
    const char *platform;       /**< of the image, "linux/amd64"; NULL: an index, or not known */
    const koc_digest *digest;   /**< of the manifest that holds the signature */
    const char *predicate_type; /**< KOC_PREDICATE_SIGNATURE, or the type of a statement; or NULL */
    const char *key;            /**< koc_key_hint of the key that made it; or NULL */
    const char *reason;         /**< of REJECTED: one line; else NULL */
} koc_signature;
/* clang-format off */
#define KOC_SIGNATURE_INIT { sizeof(koc_signature), 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL }
/* clang-format on */
/** Receives a signature on the calling thread. A non-zero return ends the call with KOC_EUSER. Since: 0.2. */
typedef int (*koc_signature_fn)(const koc_signature *s, void *payload);

/** The predicate type of a signature that states nothing else. */
#define KOC_PREDICATE_SIGNATURE "https://sigstore.dev/cosign/sign/v1"

enum {
    KOC_SIGN_RECURSIVE = 1u << 0, /**< of an index: each of its images too */
    KOC_SIGN_COSIGN2 =
        1u << 1 /**< also write the tags .sig and .att that cosign 2 reads; registries only */
};
/** How an image is signed. */
typedef struct koc_sign_options {
    uint32_t struct_size;
    uint32_t flags; /**< KOC_SIGN_* */
    koc_key *key;   /**< referenced for the call */
    /** The type of predicate: a URI, or one of provenance, spdx, cyclonedx, openvex, vuln, custom and the words of cosign's
     * --type. NULL: sign the image itself. */
    const char *predicate_type;
    koc_str predicate; /**< a JSON document; used with predicate_type */
} koc_sign_options;
/* clang-format off */
#define KOC_SIGN_OPTIONS_INIT { sizeof(koc_sign_options), 0, NULL, NULL, { NULL, 0 } }
/* clang-format on */
/** Signs the image or index at p (a registry or a layout), or a statement about it, and attaches the bundle as a referrer. The same
 * key and content give the same bundle (except by KOC_EUSER signers), so signing again changes nothing. fn (or NULL)
 * receives what was signed. client may be NULL for layouts. KOC_EINVAL, KOC_EFORMAT: predicate_type or predicate;
 * KOC_EUNSUPPORTED: the key cannot sign, or p is an archive. Since: 0.2. */
KOC_API int koc_sign(koc_ctx *ctx, koc_client *client, const koc_place *p,
                     const koc_sign_options *o, koc_signature_fn fn, void *payload,
                     const koc_op *op, koc_error **err);

/* --- verifying --- */

enum {
    KOC_VERIFY_ANY_ATTESTATION = 1u << 0, /**< a statement of any type counts as a signature */
    KOC_VERIFY_RECURSIVE = 1u << 1 /**< of an index: each of its images must have a signature too */
};
/** What must hold. A NULL or zero member demands nothing. Strings must be equal. Since: 0.2. */
typedef struct koc_verify_options {
    uint32_t struct_size;
    uint32_t flags;       /**< KOC_VERIFY_* */
    koc_key *const *keys; /**< n_keys, at least 1: a signature by any of them counts */
    size_t n_keys;
    const char *const
        *require; /**< NULL-terminated types of statements, as predicate_type, or "sbom"; or NULL */
    const char
        *source; /**< repository of the source in the provenance: "https://github.com/acme/app" */
    const char *revision; /**< commit of that repository */
    const char *builder;  /**< builder.id of the provenance */
    const char *base;  /**< the image that each platform is based on: "REPOSITORY[:TAG][@DIGEST]" */
    int64_t max_age_s; /**< seconds since the build of the provenance ended */
} koc_verify_options;
/* clang-format off */
#define KOC_VERIFY_OPTIONS_INIT { sizeof(koc_verify_options), 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, 0 }
/* clang-format on */
/** Verifies the image or index at p: that one of the keys signed it, and what o demands, which must hold for each platform of
 * an index by a statement about that platform or about the index. Reads bundles, and in registries cosign's tags. fn
 * (or NULL) receives each signature that was read. digest (or NULL) receives the digest that was verified: use that, since a tag
 * may move. KOC_EVERIFY: not signed, or not as demanded; other codes: it could not be checked. Since: 0.2. */
KOC_API int koc_verify(koc_ctx *ctx, koc_client *client, const koc_place *p,
                       const koc_verify_options *o, koc_signature_fn fn, void *payload,
                       const koc_op *op, koc_digest *digest, koc_error **err);

KOC_END_DECLS
#endif

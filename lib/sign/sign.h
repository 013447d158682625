/* Keys and signatures within the library. */
#ifndef KOC__SIGN_H
#define KOC__SIGN_H

#include <koc/ext/sign.h>

#include "core/cleanup.h"
#include "core/dynbuf.h"
#include "core/hash/crypto_keys.h"
#include "core/run/call.h"
#include "model/model.h"

KOC__DEFINE_AUTO(koc_key, koc_key_unref);

/* --- the forms of keys and signatures (key_forms.c) --- */

/* What a SubjectPublicKeyInfo contains. */
typedef struct koc__public_key {
    int kind;      /* KOC__CRYPTO_* */
    size_t width;  /* bytes of a coordinate; 0 for RSA */
    koc_str bytes; /* the point, or the RSAPublicKey; borrowed */
} koc__public_key;
/* KOC_EFORMAT; KOC_EUNSUPPORTED: a key of another kind. */
int koc__public_key_read(koc_str spki, koc__public_key *out, koc_error **err);
/* Appends the SubjectPublicKeyInfo of a point of P-256. */
int koc__public_key_write(koc__dynbuf *out, const uint8_t point[KOC__P256_POINT], koc_error **err);
/* The scalar in a PrivateKeyInfo (PKCS #8), or in an ECPrivateKey (SEC 1). */
int koc__private_key_read(koc_str der, bool pkcs8, uint8_t secret[KOC__P256_SECRET],
                          koc_error **err);
/* Appends a PrivateKeyInfo. The caller wipes it. */
int koc__private_key_write(koc__dynbuf *out, const uint8_t secret[KOC__P256_SECRET],
                           const uint8_t point[KOC__P256_POINT], koc_error **err);
/* r and s as DER (RFC 3279, 2.2.3), and back. false: not the one DER form of two positive numbers of this width. */
int koc__signature_to_der(koc__dynbuf *out, const uint8_t *pair, size_t width, koc_error **err);
bool koc__signature_from_der(koc_str der, size_t width, uint8_t *pair);

/* --- encrypted keys (key_box.c) --- */

/* The text that cosign keeps in PEM: JSON. N of scrypt: KOC__BOX_COST. */
enum { KOC__BOX_COST = 65536 };
int koc__box_seal(koc_str secret, koc_str password, koc__dynbuf *out, koc_error **err);
/* The caller wipes out. KOC_EAUTH: wrong password, or the text was changed. */
int koc__box_open(koc_str text, koc_str password, koc__dynbuf *out, koc_error **err);

/* --- signing and checking (key.c) --- */

/* Fills out with the signature of message: DER, or that of RSA. KOC_EUNSUPPORTED: k has only a public key. */
int koc__key_sign(const koc_key *k, koc_str message, koc__call *call, koc__dynbuf *out,
                  koc_error **err);
/* Whether signature is k's of message. */
int koc__key_check(const koc_key *k, koc_str message, koc_str signature, bool *valid,
                   koc_error **err);

/* As koc_signer_ops.sign, within a call. */
typedef int (*koc__key_sign_fn)(void *self, koc_str message, koc__call *call,
                                koc__dynbuf *signature, koc_error **err);
/* As koc_key_new. */
int koc__key_signed_by(koc_str public_pem, koc__key_sign_fn sign, void (*release)(void *self),
                       void *self, koc_key **out, koc_error **err);

/* --- keys elsewhere (kms.c) --- */

/* Whether name is that of a key in a service: "NAME://…". */
bool koc__kms_is(const char *name);
/* Asks the plug-in sigstore-kms-NAME for the public key. KOC_ENOTFOUND: there is no such program; KOC_EPROCESS. */
int koc__kms_open(const char *name, koc__call *call, koc_key **out, koc_error **err);

/* --- statements (statement.c) --- */

#define KOC__BUNDLE_TYPE    "application/vnd.dev.sigstore.bundle.v0.3+json"
#define KOC__STATEMENT_TYPE "application/vnd.in-toto+json"
enum { KOC__ENVELOPE_MAX = 16 << 20 }; /* bytes of a bundle or envelope that is read */

/* A URI for one of the words of koc_sign_options.predicate_type, or the URI itself. NULL: neither. */
const char *koc__predicate_uri(const char *type);
/* An in-toto statement about one subject. name: or NULL. predicate NULL: {}. */
int koc__statement_write(koc__dynbuf *out, const char *name, const koc_digest *subject,
                         const char *predicate_type, const koc__jnode *predicate, koc_error **err);
/* What a DSSE signature signs. */
int koc__dsse_encode(koc__dynbuf *out, const char *type, koc_str payload, koc_error **err);
/* A bundle around a statement, or the envelope alone (bare), as cosign 2 keeps it. */
int koc__bundle_write(koc__dynbuf *out, const koc_key *key, koc_str statement, bool bare,
                      koc__call *call, koc_error **err);

/* The keys that are trusted. */
typedef struct koc__keys {
    koc_key *const *list;
    size_t count;
} koc__keys;
/* Which of the keys signed message; *out NULL: none. */
int koc__keys_find(const koc__keys *keys, koc_str message, koc_str signature, const koc_key **out,
                   koc_error **err);

/* A statement whose signature was verified. */
typedef struct koc__statement {
    koc__json *doc;
    const char *predicate_type; /* borrowed from doc */
    const koc_key *key;         /* borrowed: made it */
} koc__statement;
void koc__statement_dispose(koc__statement *s);
KOC__DEFINE_AUTO_VAL(koc__statement, koc__statement_dispose);
/* Verifies a bundle, or an envelope alone (bare), whose statement must be about subject. KOC_EVERIFY or KOC_EFORMAT with the
 * reason: it counts for nothing. */
int koc__bundle_read(koc_str text, bool bare, const koc_digest *subject, const koc__keys *keys,
                     koc__statement *out, koc_error **err);

/* --- cosign's tags (cosign_tags.c) --- */

/* What cosign 2 signs for an image. repository: "host/name". */
int koc__simple_write(koc__dynbuf *out, const char *repository, const koc_digest *subject,
                      koc_error **err);
/* Verifies such a payload. *key is the one that made it. */
int koc__simple_read(koc_str payload, const char *signature, const koc_digest *subject,
                     const koc__keys *keys, const koc_key **key, koc_error **err);
/* A layer of such a tag. */
typedef struct koc__tag_layer {
    const char *media_type;
    const char *signature;      /* annotation; "" for envelopes */
    const char *predicate_type; /* annotation; or NULL */
    koc_str content;
} koc__tag_layer;
#define KOC__SIMPLE_TYPE   "application/vnd.dev.cosign.simplesigning.v1+json"
#define KOC__ENVELOPE_TYPE "application/vnd.dsse.envelope.v1+json"
#define KOC__SIGNATURE_KEY "dev.cosignproject.cosign/signature"
/* Appends a layer to the image at tag, which may not exist yet. Other signers that do the same at once lose nothing. */
int koc__tag_append(koc_client *c, const koc_reference *tag, const koc__tag_layer *layer,
                    koc__call *call, bool *added, koc_digest *digest, koc_error **err);

/* --- subjects (subjects.c) --- */

typedef struct koc__subject {
    koc_descriptor *descriptor;
    char *platform; /* or NULL */
    bool is_index;
} koc__subject;
typedef struct koc__subjects {
    koc__subject *list; /* the first is what the place names, then the images of an index */
    size_t count, capacity;
} koc__subjects;
void koc__subjects_dispose(koc__subjects *s);
KOC__DEFINE_AUTO_VAL(koc__subjects, koc__subjects_dispose);
/* The image or index of src and, of an index, its images; not BuildKit's attestation manifests. */
int koc__subjects_read(koc_source *src, koc__subjects *out, koc_error **err);

/* --- policies (policy.c) --- */

/* Whether a verified provenance is as o demands. KOC_EVERIFY with the reason. */
int koc__policy_provenance(const koc__statement *s, const koc_verify_options *o, koc_error **err);
bool koc__policy_needs_provenance(const koc_verify_options *o);
/* Whether a statement of this type is what the word of `require` asks for. */
bool koc__policy_is(const char *required, const char *predicate_type);
/* Whether the annotations of a manifest name the base. */
int koc__policy_base(koc_str manifest, const char *base, koc_error **err);

#endif

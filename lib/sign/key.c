/* Keys: from files, from memory, and those whose owner signs. */
#include "core/common.h"

#include <stdatomic.h>
#include <sys/stat.h>

#include "sign/sign.h"

#include "core/hash/sha256.h"
#include "core/io/fs.h"
#include "core/options.h"
#include "core/run/context.h"
#include "core/str.h"
#include "core/text.h"
#include "text/pem.h"

#define KEY_MAX ((size_t)64 << 10)

struct koc_key {
    atomic_uint refs;
    koc__dynbuf spki;
    koc__public_key public; /* points into spki */
    koc__dynbuf hint;
    bool has_secret;
    uint8_t secret[KOC__P256_SECRET];
    koc_signer_ops ops;       /* of the user; sign NULL: none */
    koc__key_sign_fn sign_in; /* the same within the library; or NULL */
    void *self;               /* of either */
};

static const char *const encrypted_labels[] = {"ENCRYPTED SIGSTORE PRIVATE KEY",
                                               "ENCRYPTED COSIGN PRIVATE KEY"};

koc_key *koc_key_ref(koc_key *k)
{
    if (k) {
        atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    }
    return k;
}

void koc_key_unref(koc_key *k)
{
    if (!k || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (k->ops.release) {
        k->ops.release(k->self);
    }
    koc__wipe(k->secret, sizeof(k->secret));
    koc__dynbuf_dispose(&k->spki);
    koc__dynbuf_dispose(&k->hint);
    koc__free(k);
}

bool koc_key_can_sign(const koc_key *k)
{
    return k && (k->has_secret || k->ops.sign || k->sign_in);
}

const char *koc_key_hint(const koc_key *k)
{
    return k ? koc__dynbuf_cstr(&k->hint) : NULL;
}

/* --- making --- */

/* Takes the content of spki. */
static int make_public(koc__dynbuf *spki, koc_key **out, koc_error **err)
{
    koc__sha256 h;
    uint8_t sum[32];
    KOC__AUTO(koc_key) k = koc__calloc(1, sizeof(*k));
    if (!k) {
        return koc__oom(err);
    }
    atomic_init(&k->refs, 1);
    k->hint.max = 64;
    k->spki = *spki;
    *spki = (koc__dynbuf)KOC__DYNBUF_INIT(KEY_MAX);
    KOC__TRY(koc__public_key_read(koc__dynbuf_view(&k->spki), &k->public, err));
    koc__sha256_init(&h);
    koc__sha256_update(&h, k->spki.ptr, k->spki.len);
    koc__sha256_final(&h, sum);
    KOC__TRY(koc__base64(&k->hint, koc__str_n((char *)sum, sizeof(sum)), false, err));
    *out = koc__steal(&k);
    return KOC_OK;
}

static int make_private(const uint8_t secret[KOC__P256_SECRET], koc_key **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) spki = KOC__DYNBUF_INIT(KEY_MAX);
    uint8_t point[KOC__P256_POINT];
    KOC__AUTO(koc_key) k = NULL;
    KOC__TRY(koc__crypto_ec_public(secret, point, err));
    KOC__TRY(koc__public_key_write(&spki, point, err));
    KOC__TRY(make_public(&spki, &k, err));
    memcpy(k->secret, secret, sizeof(k->secret));
    k->has_secret = true;
    *out = koc__steal(&k);
    return KOC_OK;
}

int koc_key_generate(koc_key **out, koc_error **err)
{
    uint8_t secret[KOC__P256_SECRET];
    if (!out) {
        return koc__misuse(err, "koc_key_generate: out is NULL");
    }
    KOC__TRY(koc__crypto_ec_generate(secret, err));
    int rc = make_private(secret, out, err);
    koc__wipe(secret, sizeof(secret));
    return rc;
}

static int read_public(koc_str pem, koc_key **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) spki = KOC__DYNBUF_INIT(KEY_MAX);
    if (!koc__pem_has(pem, "PUBLIC KEY")) {
        return koc__error(err, KOC_EFORMAT, "not a public key in PEM");
    }
    KOC__TRY(koc__pem_read(pem, "PUBLIC KEY", &spki, err));
    return make_public(&spki, out, err);
}

int koc_key_new(koc_str public_pem, const koc_signer_ops *ops, void *self, koc_key **out,
                koc_error **err)
{
    koc_signer_ops o;
    if (!public_pem.ptr || !ops || !out) {
        return koc__misuse(err, "koc_key_new: public_pem, ops or out is NULL");
    }
    KOC__TRY(koc__options_copy(&o, sizeof(o), ops, "koc_signer_ops", err));
    if (!o.sign || o.flags) {
        return koc__misuse(err, "koc_signer_ops: sign is NULL, or flags are unknown");
    }
    KOC__TRY(read_public(public_pem, out, err));
    (*out)->ops = o;
    (*out)->self = self;
    return KOC_OK;
}

int koc__key_signed_by(koc_str public_pem, koc__key_sign_fn sign, void (*release)(void *self),
                       void *self, koc_key **out, koc_error **err)
{
    KOC__TRY(read_public(public_pem, out, err));
    (*out)->sign_in = sign;
    (*out)->ops.release = release;
    (*out)->self = self;
    return KOC_OK;
}

/* --- reading --- */

/* The label of cosign's encrypted form in pem; NULL: it is not encrypted in that form. */
static const char *encrypted_label(koc_str pem)
{
    for (size_t i = 0; i < KOC__COUNT(encrypted_labels); i++) {
        if (koc__pem_has(pem, encrypted_labels[i])) {
            return encrypted_labels[i];
        }
    }
    return NULL;
}

static int read_secret(koc_str der, bool pkcs8, koc_key **out, koc_error **err)
{
    uint8_t secret[KOC__P256_SECRET];
    int rc = koc__private_key_read(der, pkcs8, secret, err);
    rc = rc == KOC_OK ? make_private(secret, out, err) : rc;
    koc__wipe(secret, sizeof(secret));
    return rc;
}

static int read_encrypted(koc_str pem, const char *label, const char *password, koc_key **out,
                          koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) box = KOC__DYNBUF_INIT(KEY_MAX);
    KOC__AUTO_VAL(koc__dynbuf) der = KOC__DYNBUF_INIT(KEY_MAX);
    if (!password) {
        return koc__error(err, KOC_EAUTH,
                          "the private key is encrypted, and no password was given");
    }
    KOC__TRY(koc__pem_read(pem, label, &box, err));
    int rc = koc__box_open(koc__dynbuf_view(&box), koc__str(password), &der, err);
    rc = rc == KOC_OK ? read_secret(koc__dynbuf_view(&der), true, out, err) : rc;
    koc__dynbuf_wipe(&der);
    return rc;
}

/* A PEM text without any block that is read. */
static int not_a_key(koc_str pem, koc_error **err)
{
    if (koc__pem_has(pem, "ENCRYPTED PRIVATE KEY") || koc__pem_has(pem, "OPENSSH PRIVATE KEY") ||
        koc__pem_has(pem, "RSA PRIVATE KEY") || koc__pem_has(pem, "CERTIFICATE")) {
        return koc__error(
            err, KOC_EUNSUPPORTED,
            "it is a key of another form; supported are public keys, and private keys "
            "for P-256 in PKCS #8 or SEC 1 or as cosign encrypts them");
    }
    return koc__error(err, KOC_EFORMAT, "not a key in PEM");
}

int koc_key_parse(koc_str pem, const char *password, koc_key **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) der = KOC__DYNBUF_INIT(KEY_MAX);
    if (!pem.ptr || !out) {
        return koc__misuse(err, "koc_key_parse: pem or out is NULL");
    }
    const char *encrypted = encrypted_label(pem);
    bool pkcs8 = koc__pem_has(pem, "PRIVATE KEY"), sec1 = koc__pem_has(pem, "EC PRIVATE KEY");
    if (encrypted) {
        return read_encrypted(pem, encrypted, password, out, err);
    }
    if (pkcs8 || sec1) {
        int rc = koc__pem_read(pem, pkcs8 ? "PRIVATE KEY" : "EC PRIVATE KEY", &der, err);
        rc = rc == KOC_OK ? read_secret(koc__dynbuf_view(&der), pkcs8, out, err) : rc;
        koc__dynbuf_wipe(&der);
        return rc;
    }
    return koc__pem_has(pem, "PUBLIC KEY") ? read_public(pem, out, err) : not_a_key(pem, err);
}

/* Calls ask for the password of an encrypted key, then parses. */
static int parse_asking(koc_str pem, const char *path, koc_password_fn ask, void *payload,
                        koc_key **out, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) password = KOC_BUF_INIT;
    koc_error *inner = NULL;
    if (!encrypted_label(pem) || !ask) {
        return koc_key_parse(pem, NULL, out, err);
    }
    if (ask(payload, path, &password, &inner) != KOC_OK) {
        koc_buf_wipe(&password);
        return koc__error_user(err, &inner, "there is no password");
    }
    int rc = koc_key_parse(pem, password.ptr ? password.ptr : "", out, err);
    koc_buf_wipe(&password);
    return rc;
}

static void warn_of_readers(koc_ctx *ctx, const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRGRP | S_IROTH))) {
        koc__log(ctx, KOC_LOG_WARN, "sign",
                 "other users can read the private key %s (mode %04o); chmod 600 ends that", path,
                 (unsigned)(st.st_mode & 07777));
    }
}

static int open_file(koc_ctx *ctx, const char *path, koc_password_fn ask, void *payload,
                     koc__call *call, koc_key **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) pem = KOC__DYNBUF_INIT(KEY_MAX);
    int rc = koc__fs_read_any(path, call, &pem, err);
    if (rc == KOC_OK) {
        rc = parse_asking(koc__dynbuf_view(&pem), path, ask, payload, out, err);
    }
    koc__dynbuf_wipe(&pem);
    if (rc == KOC_OK && koc_key_can_sign(*out)) {
        warn_of_readers(ctx, path);
    }
    return rc;
}

int koc_key_open(koc_ctx *ctx, const char *path, koc_password_fn ask, void *payload,
                 const koc_op *op, koc_key **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    if (!ctx || !path || !out) {
        return koc__misuse(err, "koc_key_open: ctx, path or out is NULL");
    }
    KOC__TRY(koc__call_begin(&call, ctx, op, err));
    int rc = koc__kms_is(path) ? koc__kms_open(path, &call, out, err)
                               : open_file(ctx, path, ask, payload, &call, out, err);
    return koc__error_prefix(err, rc, "cannot read the key %s", path);
}

/* --- writing --- */

int koc_key_public_pem(const koc_key *k, koc_buf *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) pem = KOC__DYNBUF_INIT(KEY_MAX);
    if (!k || !out) {
        return koc__misuse(err, "koc_key_public_pem: k or out is NULL");
    }
    KOC__TRY(koc__pem_write(&pem, "PUBLIC KEY", koc__dynbuf_view(&k->spki), err));
    koc__dynbuf_give(&pem, out);
    return KOC_OK;
}

static int encrypt_secret(const koc_key *k, const char *password, koc__dynbuf *pem, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) der = KOC__DYNBUF_INIT(KEY_MAX);
    KOC__AUTO_VAL(koc__dynbuf) box = KOC__DYNBUF_INIT(KEY_MAX);
    int rc = koc__private_key_write(&der, k->secret, (const uint8_t *)k->public.bytes.ptr, err);
    rc = rc == KOC_OK ? koc__box_seal(koc__dynbuf_view(&der), koc__str(password), &box, err) : rc;
    koc__dynbuf_wipe(&der);
    KOC__TRY(rc);
    return koc__pem_write(pem, encrypted_labels[0], koc__dynbuf_view(&box), err);
}

int koc_key_private_pem(const koc_key *k, const char *password, koc_buf *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) pem = KOC__DYNBUF_INIT(KEY_MAX);
    if (!k || !password || !out) {
        return koc__misuse(err, "koc_key_private_pem: k, password or out is NULL");
    }
    if (!k->has_secret) {
        return koc__error(err, KOC_EUNSUPPORTED, "the key has no private part that can be written");
    }
    KOC__TRY(encrypt_secret(k, password, &pem, err));
    koc__dynbuf_give(&pem, out);
    return KOC_OK;
}

/* --- signing and checking --- */

typedef struct hook_call {
    const koc_key *key;
    koc_str message;
    const koc_digest *hash;
    koc__dynbuf *out;
} hook_call;

static int call_hook(void *arg, koc_error **err)
{
    hook_call *c = arg;
    koc_error *inner = NULL;
    KOC__AUTO_VAL(koc_buf) signature = KOC_BUF_INIT;
    if (c->key->ops.sign(c->key->self, c->message, c->hash, &signature, &inner) != KOC_OK) {
        return koc__error_user(err, &inner, "the signer failed");
    }
    koc_error_free(inner);
    return koc__dynbuf_append(c->out, signature.ptr, signature.len, err);
}

/* Others sign; what they return is checked. */
static int sign_elsewhere(const koc_key *k, koc_str message, const koc_digest *hash,
                          koc__call *call, koc__dynbuf *out, koc_error **err)
{
    hook_call c = {k, message, hash, out};
    bool valid = false;
    KOC__TRY(k->sign_in ? k->sign_in(k->self, message, call, out, err)
                        : koc__call_on_caller(call, call_hook, &c, err));
    KOC__TRY(koc__key_check(k, message, koc__dynbuf_view(out), &valid, err));
    return valid ? KOC_OK
                 : koc__error(err, KOC_EVERIFY,
                              "the signer returned a signature that its public key rejects");
}

int koc__key_sign(const koc_key *k, koc_str message, koc__call *call, koc__dynbuf *out,
                  koc_error **err)
{
    uint8_t pair[KOC__P256_PAIR];
    koc_digest hash;
    if (!koc_key_can_sign(k)) {
        return koc__error(err, KOC_EUNSUPPORTED, "a public key cannot sign");
    }
    koc__sha256_of(message.ptr, message.len, &hash);
    koc__dynbuf_clear(out);
    if (!k->has_secret) {
        return sign_elsewhere(k, message, &hash, call, out, err);
    }
    KOC__TRY(koc__crypto_ec_sign(k->secret, hash.bytes, pair, err));
    return koc__signature_to_der(out, pair, KOC__P256_PAIR / 2, err);
}

int koc__key_check(const koc_key *k, koc_str message, koc_str signature, bool *valid,
                   koc_error **err)
{
    uint8_t pair[2 * 66];
    koc_str raw = signature;
    koc_digest hash;
    *valid = false;
    if (k->public.width > 0) {
        if (!koc__signature_from_der(signature, k->public.width, pair)) {
            return KOC_OK;
        }
        raw = koc__str_n((char *)pair, 2 * k->public.width);
    }
    koc__sha256_of(message.ptr, message.len, &hash);
    return koc__crypto_verify(k->public.kind, k->public.bytes, hash.bytes, raw, valid, err);
}

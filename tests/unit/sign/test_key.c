/* Keys: what openssl and cosign wrote, what nobody should accept, and a signer of the caller's. */
#include "core/common.h"

#include <sys/stat.h>

#include "core/str.h"
#include "core/text.h"
#include "sample_keys.h"
#include "sign/sign.h"
#include "test.h"

static koc_key *parse(const char *pem)
{
    koc_key *k = NULL;
    assert_int_equal(koc_key_parse(koc__str(pem), NULL, &k, NULL), KOC_OK);
    return k;
}

/* RFC 6979, A.2.5: the signature of "sample" with SHA-256. */
KOC_TEST(key_signs_the_vector_of_the_rfc_from_both_forms)
{
    static const char *const forms[] = {rfc_pkcs8, rfc_sec1};
    for (size_t i = 0; i < KOC__COUNT(forms); i++) {
        KOC__AUTO(koc_key) k = parse(forms[i]);
        KOC__AUTO_VAL(koc__dynbuf) signature = KOC__DYNBUF_INIT(256);
        uint8_t pair[64];
        char hex[129];
        assert_true(koc_key_can_sign(k));
        assert_string_equal(koc_key_hint(k), "Wnp4zKSg9CDZvGK7Zpw8J1njn3I9OuENy+DwgVoH7NQ=");
        assert_int_equal(koc__key_sign(k, KOC__STR("sample"), NULL, &signature, NULL), KOC_OK);
        assert_true(koc__signature_from_der(koc__dynbuf_view(&signature), 32, pair));
        koc__hex(pair, sizeof(pair), hex);
        assert_string_equal(hex,
                            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                            "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    }
}

KOC_TEST(key_writes_its_public_part)
{
    KOC__AUTO(koc_key) k = parse(rfc_sec1);
    KOC__AUTO_VAL(koc_buf) pem = KOC_BUF_INIT;
    assert_int_equal(koc_key_public_pem(k, &pem, NULL), KOC_OK);
    assert_string_equal(pem.ptr, rfc_public);
}

KOC_TEST(key_verifies_what_openssl_signed_with_four_kinds)
{
    static const char *const keys[] = {p256_public, p384_public, p521_public, rsa_public};
    static const char *const signatures[] = {p256_signature, p384_signature, p521_signature,
                                             rsa_signature};
    uint8_t bytes[600];
    bool valid;
    for (size_t i = 0; i < KOC__COUNT(keys); i++) {
        KOC__AUTO(koc_key) k = parse(keys[i]);
        koc_str signature = {(char *)bytes, strlen(signatures[i]) / 2};
        assert_true(koc__unhex(koc__str(signatures[i]), bytes));
        assert_false(koc_key_can_sign(k));
        assert_int_equal(koc__key_check(k, KOC__STR("koc"), signature, &valid, NULL), KOC_OK);
        assert_true(valid);
        assert_int_equal(koc__key_check(k, KOC__STR("koC"), signature, &valid, NULL), KOC_OK);
        assert_false(valid);
        for (size_t n = 0; n < signature.len; n++) {
            koc_str cut = {signature.ptr, n};
            assert_int_equal(koc__key_check(k, KOC__STR("koc"), cut, &valid, NULL), KOC_OK);
            assert_false(valid);
            bytes[n] ^= 1;
            assert_int_equal(koc__key_check(k, KOC__STR("koc"), signature, &valid, NULL), KOC_OK);
            assert_false(valid);
            bytes[n] ^= 1;
        }
    }
}

KOC_TEST(key_of_another_kind_is_refused_by_its_name)
{
    static const struct {
        const char *pem;
        int code;
        const char *says;
    } wrong[] = {
        {ed25519_public, KOC_EUNSUPPORTED, "Ed25519"},
        {ed25519_private, KOC_EUNSUPPORTED, "Ed25519"},
        {k256_public, KOC_EUNSUPPORTED, "another kind"},
        {k256_private, KOC_EUNSUPPORTED, "another kind"},
        {p384_private, KOC_EUNSUPPORTED, "signs with ECDSA on P-256"},
        {small_rsa_public, KOC_EUNSUPPORTED, "1024 bits"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", KOC_EUNSUPPORTED,
         "form"},
        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", KOC_EFORMAT, "malformed"},
        {"-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n", KOC_EFORMAT, "malformed"},
        {"hello", KOC_EFORMAT, "not a key"},
        {"", KOC_EFORMAT, "not a key"},
    };
    for (size_t i = 0; i < KOC__COUNT(wrong); i++) {
        koc_key *k = NULL;
        koc_error *err = NULL;
        assert_int_equal(koc_key_parse(koc__str(wrong[i].pem), NULL, &k, &err), wrong[i].code);
        assert_non_null(strstr(koc_error_message(err), wrong[i].says));
        assert_null(k);
        koc__error_clear(&err);
    }
}

/* Cut anywhere, a key file is an error, never a key or a crash. */
KOC_TEST(key_file_cut_anywhere_is_refused)
{
    static const char *const files[] = {rfc_pkcs8, rfc_sec1, rfc_public, rsa_public};
    for (size_t i = 0; i < KOC__COUNT(files); i++) {
        for (size_t n = 0; n + 2 < strlen(files[i]); n++) {
            koc_key *k = NULL;
            KOC__AUTO_STR copy = koc__strndup(files[i], n);
            assert_int_not_equal(koc_key_parse(koc__str(copy), NULL, &k, NULL), KOC_OK);
        }
    }
}

KOC_TEST(key_in_memory_goes_through_cosign_s_form)
{
    KOC__AUTO(koc_key) made = NULL;
    KOC__AUTO(koc_key) back = NULL;
    KOC__AUTO_VAL(koc_buf) pem = KOC_BUF_INIT;
    koc_error *err = NULL;
    koc_key *none = NULL;
    assert_int_equal(koc_key_generate(&made, NULL), KOC_OK);
    assert_int_equal(koc_key_private_pem(made, "p\xc3\xa4ss", &pem, NULL), KOC_OK);
    assert_non_null(strstr(pem.ptr, "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
    koc_str text = {pem.ptr, pem.len};
    assert_int_equal(koc_key_parse(text, "p\xc3\xa4ss", &back, NULL), KOC_OK);
    assert_string_equal(koc_key_hint(back), koc_key_hint(made));
    assert_int_equal(koc_key_parse(text, "other", &none, &err), KOC_EAUTH);
    assert_non_null(strstr(koc_error_message(err), "password is wrong"));
    koc__error_clear(&err);
    assert_int_equal(koc_key_parse(text, NULL, &none, NULL), KOC_EAUTH);
}

KOC_TEST(encrypted_key_with_a_cost_of_its_own_is_refused)
{
    static const char *const boxes[] = {
        "{\"kdf\":{\"name\":\"scrypt\",\"params\":{\"N\":2097152,\"r\":8,\"p\":1},\"salt\":\"AAAA\"},"
        "\"cipher\":{\"name\":\"nacl/secretbox\",\"nonce\":\"AAAA\"},\"ciphertext\":\"AAAA\"}",
        "{\"kdf\":{\"name\":\"pbkdf2\",\"params\":{\"N\":65536,\"r\":8,\"p\":1},\"salt\":\"AAAA\"},"
        "\"cipher\":{\"name\":\"nacl/secretbox\",\"nonce\":\"AAAA\"},\"ciphertext\":\"AAAA\"}",
        "{}",
        "[]",
    };
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1024);
    for (size_t i = 0; i < KOC__COUNT(boxes); i++) {
        assert_int_equal(koc__box_open(koc__str(boxes[i]), KOC__STR("p"), &out, NULL),
                         KOC_EUNSUPPORTED);
    }
    assert_int_equal(koc__box_open(KOC__STR("{"), KOC__STR("p"), &out, NULL), KOC_EFORMAT);
    assert_int_equal(
        koc__box_open(
            KOC__STR(
                "{\"kdf\":{\"name\":\"scrypt\",\"params\":{\"N\":65536,\"r\":8,\"p\":1},\"salt\":"
                "\"AAAA\"},\"cipher\":{\"name\":\"nacl/secretbox\",\"nonce\":\"AAAA\"},"
                "\"ciphertext\":\"AAAA\"}"),
            KOC__STR("p"), &out, NULL),
        KOC_EFORMAT);
}

/* --- signers of the caller --- */

typedef struct hook {
    koc_key *key; /* signs */
    int calls, released;
    bool fail;
} hook;

static int hook_sign(void *self, koc_str message, const koc_digest *hash, koc_buf *signature,
                     koc_error **err)
{
    hook *h = self;
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(256);
    koc_digest own;
    h->calls++;
    if (h->fail) {
        return koc__error(err, KOC_EIO, "the card is not there");
    }
    assert_int_equal(koc_digest_of(message, &own, NULL), KOC_OK);
    assert_true(koc_digest_equal(&own, hash));
    KOC__TRY(koc__key_sign(h->key, message, NULL, &out, err));
    return koc_buf_set(signature, koc__dynbuf_view(&out), err);
}

static void hook_release(void *self)
{
    ((hook *)self)->released++;
}

static koc_key *hooked(hook *h)
{
    koc_signer_ops ops = KOC_SIGNER_OPS_INIT;
    koc_key *k = NULL;
    ops.sign = hook_sign;
    ops.release = hook_release;
    assert_int_equal(koc_key_new(koc__str(rfc_public), &ops, h, &k, NULL), KOC_OK);
    assert_true(koc_key_can_sign(k));
    return k;
}

KOC_TEST(signer_of_the_caller_is_asked_and_checked)
{
    KOC__AUTO(koc_key) right = parse(rfc_pkcs8);
    KOC__AUTO(koc_key) other = NULL;
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(256);
    KOC__AUTO_VAL(koc_buf) pem = KOC_BUF_INIT;
    koc_error *err = NULL;
    hook h = {right, 0, 0, false};
    koc_key *k = hooked(&h);
    assert_int_equal(koc_key_generate(&other, NULL), KOC_OK);
    assert_int_equal(koc__key_sign(k, KOC__STR("sample"), NULL, &out, NULL), KOC_OK);
    assert_int_equal(koc_key_private_pem(k, "", &pem, NULL), KOC_EUNSUPPORTED);
    h.key = other;
    assert_int_equal(koc__key_sign(k, KOC__STR("sample"), NULL, &out, &err), KOC_EVERIFY);
    assert_non_null(strstr(koc_error_message(err), "its public key rejects"));
    koc__error_clear(&err);
    h.fail = true;
    assert_int_equal(koc__key_sign(k, KOC__STR("sample"), NULL, &out, &err), KOC_EUSER);
    assert_non_null(strstr(koc_error_message(err), "the card is not there"));
    koc__error_clear(&err);
    assert_int_equal(h.calls, 3);
    koc_key_unref(koc_key_ref(k));
    assert_int_equal(h.released, 0);
    koc_key_unref(k);
    assert_int_equal(h.released, 1);
}

KOC_TEST(signer_without_a_function_or_a_public_key_is_refused)
{
    koc_signer_ops ops = KOC_SIGNER_OPS_INIT;
    koc_key *k = NULL;
    assert_int_equal(koc_key_new(koc__str(rfc_public), &ops, NULL, &k, NULL), KOC_EMISUSE);
    ops.sign = hook_sign;
    assert_int_equal(koc_key_new(koc__str(rfc_pkcs8), &ops, NULL, &k, NULL), KOC_EFORMAT);
    assert_int_equal(koc_key_new(koc__str(ed25519_public), &ops, NULL, &k, NULL), KOC_EUNSUPPORTED);
    assert_null(k);
}

/* --- files --- */

static int give(void *payload, const char *what, koc_buf *out, koc_error **err)
{
    assert_non_null(what);
    return payload ? koc_buf_set(out, koc__str(payload), err)
                   : koc__error(err, KOC_EINVAL, "nobody is there");
}

static char last_warning[512];

static void note_log(int32_t level, const char *component, const char *message, void *payload)
{
    (void)payload;
    assert_int_equal(level, KOC_LOG_WARN);
    assert_string_equal(component, "sign");
    snprintf(last_warning, sizeof(last_warning), "%s", message);
}

KOC_TEST(key_file_asks_for_its_password_and_warns_of_readers)
{
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    koc_ctx *ctx = NULL;
    KOC__AUTO(koc_key) made = parse(rfc_pkcs8);
    KOC__AUTO(koc_key) k = NULL;
    KOC__AUTO_VAL(koc_buf) pem = KOC_BUF_INIT;
    koc_error *err = NULL;
    koc_key *none = NULL;
    char secret[] = "secret", wrong[] = "wrong";
    o.log = note_log;
    o.log_level = KOC_LOG_WARN;
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_OK);
    assert_int_equal(koc_key_private_pem(made, "secret", &pem, NULL), KOC_OK);
    const char *path = koc_test_write("k.key", pem.ptr, pem.len);
    chmod(path, 0600);
    assert_int_equal(koc_key_open(ctx, path, give, secret, NULL, &k, NULL), KOC_OK);
    assert_string_equal(last_warning, "");
    assert_int_equal(koc_key_open(ctx, path, give, wrong, NULL, &none, NULL), KOC_EAUTH);
    assert_int_equal(koc_key_open(ctx, path, NULL, NULL, NULL, &none, NULL), KOC_EAUTH);
    assert_int_equal(koc_key_open(ctx, path, give, NULL, NULL, &none, &err), KOC_EUSER);
    assert_non_null(strstr(koc_error_message(err), "nobody is there"));
    koc__error_clear(&err);
    chmod(path, 0644);
    koc_key_unref(k);
    k = NULL;
    assert_int_equal(koc_key_open(ctx, path, give, secret, NULL, &k, NULL), KOC_OK);
    assert_non_null(strstr(last_warning, "other users can read the private key"));
    assert_int_equal(koc_key_open(ctx, "/nonexistent", NULL, NULL, NULL, &none, NULL),
                     KOC_ENOTFOUND);
    koc_ctx_unref(ctx);
}

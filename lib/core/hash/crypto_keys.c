#include "core/common.h"

#include "core/hash/crypto_keys.h"

#include <psa/crypto.h>

#include "core/hash/crypto.h"

#define CURVE PSA_ECC_FAMILY_SECP_R1

/* Every function ending in _locked is called with the mutex held. */

static psa_status_t import_locked(psa_key_type_t type, psa_key_usage_t usage,
                                  psa_algorithm_t algorithm, const void *key, size_t len,
                                  psa_key_id_t *out)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, type);
    psa_set_key_usage_flags(&attributes, usage);
    psa_set_key_algorithm(&attributes, algorithm);
    return psa_import_key(&attributes, key, len, out);
}

static psa_status_t generate_locked(uint8_t *secret)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;
    size_t len = 0;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(CURVE));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_EXPORT);
    psa_status_t status = psa_generate_key(&attributes, &id);
    if (status == PSA_SUCCESS) {
        status = psa_export_key(id, secret, KOC__P256_SECRET, &len);
        (void)psa_destroy_key(id);
    }
    return status;
}

int koc__crypto_ec_generate(uint8_t secret[KOC__P256_SECRET], koc_error **err)
{
    KOC__TRY(koc__crypto_enter(err));
    psa_status_t status = generate_locked(secret);
    koc__crypto_leave();
    return status == PSA_SUCCESS ? KOC_OK : koc__crypto_failed(err, "a P-256 key", status);
}

static psa_status_t public_locked(const uint8_t *secret, uint8_t *point)
{
    psa_key_id_t id = 0;
    size_t len = 0;
    psa_status_t status =
        import_locked(PSA_KEY_TYPE_ECC_KEY_PAIR(CURVE), 0, 0, secret, KOC__P256_SECRET, &id);
    if (status == PSA_SUCCESS) {
        status = psa_export_public_key(id, point, KOC__P256_POINT, &len);
        (void)psa_destroy_key(id);
    }
    return status;
}

int koc__crypto_ec_public(const uint8_t secret[KOC__P256_SECRET], uint8_t point[KOC__P256_POINT],
                          koc_error **err)
{
    KOC__TRY(koc__crypto_enter(err));
    psa_status_t status = public_locked(secret, point);
    koc__crypto_leave();
    if (status == PSA_ERROR_INVALID_ARGUMENT) {
        return koc__error(err, KOC_EFORMAT, "not a private key for P-256");
    }
    return status == PSA_SUCCESS ? KOC_OK : koc__crypto_failed(err, "a public key", status);
}

static psa_status_t sign_locked(const uint8_t *secret, const uint8_t *hash, uint8_t *pair)
{
    psa_algorithm_t algorithm = PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256);
    psa_key_id_t id = 0;
    size_t len = 0;
    psa_status_t status = import_locked(PSA_KEY_TYPE_ECC_KEY_PAIR(CURVE), PSA_KEY_USAGE_SIGN_HASH,
                                        algorithm, secret, KOC__P256_SECRET, &id);
    if (status == PSA_SUCCESS) {
        status = psa_sign_hash(id, algorithm, hash, 32, pair, KOC__P256_PAIR, &len);
        (void)psa_destroy_key(id);
    }
    return status;
}

int koc__crypto_ec_sign(const uint8_t secret[KOC__P256_SECRET], const uint8_t hash[32],
                        uint8_t pair[KOC__P256_PAIR], koc_error **err)
{
    KOC__TRY(koc__crypto_enter(err));
    psa_status_t status = sign_locked(secret, hash, pair);
    koc__crypto_leave();
    return status == PSA_SUCCESS ? KOC_OK : koc__crypto_failed(err, "an ECDSA signature", status);
}

int koc__crypto_verify(int kind, koc_str key, const uint8_t hash[32], koc_str signature,
                       bool *valid, koc_error **err)
{
    bool rsa = kind == KOC__CRYPTO_RSA;
    psa_key_type_t type = rsa ? PSA_KEY_TYPE_RSA_PUBLIC_KEY : PSA_KEY_TYPE_ECC_PUBLIC_KEY(CURVE);
    psa_algorithm_t algorithm =
        rsa ? PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256) : PSA_ALG_ECDSA(PSA_ALG_SHA_256);
    psa_key_id_t id = 0;
    KOC__TRY(koc__crypto_enter(err));
    psa_status_t imported =
        import_locked(type, PSA_KEY_USAGE_VERIFY_HASH, algorithm, key.ptr, key.len, &id);
    psa_status_t status = imported;
    if (imported == PSA_SUCCESS) {
        status =
            psa_verify_hash(id, algorithm, hash, 32, (const uint8_t *)signature.ptr, signature.len);
        (void)psa_destroy_key(id);
    }
    koc__crypto_leave();
    if (imported == PSA_ERROR_INVALID_ARGUMENT) {
        return koc__error(err, KOC_EFORMAT, "not a public key that can verify");
    }
    *valid = status == PSA_SUCCESS;
    return status == PSA_SUCCESS || status == PSA_ERROR_INVALID_SIGNATURE ||
                   (imported == PSA_SUCCESS && status == PSA_ERROR_INVALID_ARGUMENT)
               ? KOC_OK
               : koc__crypto_failed(err, "whether a signature is valid", status);
}

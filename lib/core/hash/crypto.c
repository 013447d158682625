/*
 * mbedTLS through PSA, the one API that 2.28, 3.6 and 4 share. PSA is not safe between threads before
 * 3.6, so one mutex is around all of it; nothing here is on a busy path (bulk SHA-256 is sha256.c).
 */
#include "core/common.h"

#include "core/hash/crypto.h"

#include <mbedtls/version.h>
#include <psa/crypto.h>
#include <pthread.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif
#include <unistd.h>

#include "core/hash/sha256.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool ready;

int koc__crypto_failed(koc_error **err, const char *what, int32_t status)
{
    if (status == PSA_ERROR_INSUFFICIENT_MEMORY) {
        return koc__oom(err);
    }
    if (status == PSA_ERROR_NOT_SUPPORTED) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "cannot compute %s: this mbedTLS has been built without", what);
    }
    return koc__error(err, KOC_EIO, "cannot compute %s: mbedTLS reports status %d", what,
                      (int)status);
}

int koc__crypto_enter(koc_error **err)
{
    psa_status_t status = PSA_SUCCESS;
    pthread_mutex_lock(&mutex);
    if (!ready) {
        status = psa_crypto_init();
        ready = status == PSA_SUCCESS;
    }
    if (status != PSA_SUCCESS) {
        pthread_mutex_unlock(&mutex);
        return koc__error(err, KOC_EIO, "cannot initialise mbedTLS: status %d", (int)status);
    }
    return KOC_OK;
}

void koc__crypto_leave(void)
{
    pthread_mutex_unlock(&mutex);
}

int koc__crypto_init(koc_error **err)
{
    KOC__TRY(koc__crypto_enter(err));
    koc__crypto_leave();
    return KOC_OK;
}

static int hash(psa_algorithm_t algorithm, const char *name, koc_str data, uint8_t *out,
                size_t size, koc_error **err)
{
    size_t len = 0;
    KOC__TRY(koc__crypto_enter(err));
    psa_status_t status =
        psa_hash_compute(algorithm, (const uint8_t *)data.ptr, data.len, out, size, &len);
    koc__crypto_leave();
    return status == PSA_SUCCESS ? KOC_OK : koc__crypto_failed(err, name, status);
}

int koc__sha1(koc_str data, uint8_t out[20], koc_error **err)
{
    return hash(PSA_ALG_SHA_1, "SHA-1", data, out, 20, err);
}

int koc__md5(koc_str data, uint8_t out[16], koc_error **err)
{
    return hash(PSA_ALG_MD5, "MD5", data, out, 16, err);
}

/* --- running hashes --- */

struct koc__sha512_state {
    psa_hash_operation_t operation;
};
struct koc__sha1_state {
    psa_hash_operation_t operation;
};

static int begin(psa_hash_operation_t *o, psa_algorithm_t algorithm, const char *name,
                 koc_error **err)
{
    *o = psa_hash_operation_init();
    KOC__TRY(koc__crypto_enter(err));
    psa_status_t status = psa_hash_setup(o, algorithm);
    koc__crypto_leave();
    return status == PSA_SUCCESS ? KOC_OK : koc__crypto_failed(err, name, status);
}

static int update(psa_hash_operation_t *o, const char *name, const void *data, size_t len,
                  koc_error **err)
{
    KOC__TRY(koc__crypto_enter(err));
    psa_status_t status = psa_hash_update(o, data, len);
    koc__crypto_leave();
    return status == PSA_SUCCESS ? KOC_OK : koc__crypto_failed(err, name, status);
}

static int finish(psa_hash_operation_t *o, const char *name, uint8_t *out, size_t size,
                  koc_error **err)
{
    size_t len = 0;
    KOC__TRY(koc__crypto_enter(err));
    psa_status_t status = psa_hash_finish(o, out, size, &len);
    koc__crypto_leave();
    return status == PSA_SUCCESS ? KOC_OK : koc__crypto_failed(err, name, status);
}

static void drop(psa_hash_operation_t *o)
{
    pthread_mutex_lock(&mutex);
    (void)psa_hash_abort(o);
    pthread_mutex_unlock(&mutex);
}

int koc__sha512_new(koc__sha512_state **out, koc_error **err)
{
    koc__sha512_state *s = koc__calloc(1, sizeof(*s));
    int rc = s ? begin(&s->operation, PSA_ALG_SHA_512, "SHA-512", err) : koc__oom(err);
    if (rc != KOC_OK) {
        koc__free(s);
        return rc;
    }
    *out = s;
    return KOC_OK;
}

int koc__sha512_update(koc__sha512_state *s, const void *data, size_t len, koc_error **err)
{
    return update(&s->operation, "SHA-512", data, len, err);
}

int koc__sha512_finish(koc__sha512_state *s, uint8_t out[64], koc_error **err)
{
    return finish(&s->operation, "SHA-512", out, 64, err);
}

void koc__sha512_free(koc__sha512_state *s)
{
    if (s) {
        drop(&s->operation);
        koc__free(s);
    }
}

int koc__sha1_new(koc__sha1_state **out, koc_error **err)
{
    koc__sha1_state *s = koc__calloc(1, sizeof(*s));
    int rc = s ? begin(&s->operation, PSA_ALG_SHA_1, "SHA-1", err) : koc__oom(err);
    if (rc != KOC_OK) {
        koc__free(s);
        return rc;
    }
    *out = s;
    return KOC_OK;
}

int koc__sha1_update(koc__sha1_state *s, const void *data, size_t len, koc_error **err)
{
    return update(&s->operation, "SHA-1", data, len, err);
}

int koc__sha1_finish(koc__sha1_state *s, uint8_t out[20], koc_error **err)
{
    return finish(&s->operation, "SHA-1", out, 20, err);
}

void koc__sha1_free(koc__sha1_state *s)
{
    if (s) {
        drop(&s->operation);
        koc__free(s);
    }
}

/* The MAC with a key of 1 to 64 bytes; the mutex is held. */
static psa_status_t hmac_locked(const uint8_t *key, size_t key_len, koc_str data, uint8_t out[32])
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;
    size_t len = 0;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attributes, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    psa_status_t status = psa_import_key(&attributes, key, key_len, &id);
    if (status != PSA_SUCCESS) {
        return status;
    }
    status = psa_mac_compute(id, PSA_ALG_HMAC(PSA_ALG_SHA_256), (const uint8_t *)data.ptr, data.len,
                             out, 32, &len);
    (void)psa_destroy_key(id);
    return status;
}

int koc__hmac_sha256(koc_str key, koc_str data, uint8_t out[32], koc_error **err)
{
    /* RFC 2104, 2: a key is filled up with zeros, so one zero byte stands for none, which PSA
     * refuses; a key of more than a block is hashed, which spares PSA's own limits. */
    uint8_t short_key[64] = {0};
    size_t short_len = KOC__MAX(key.len, 1);
    psa_status_t status;
    int rc;

    if (key.len > sizeof(short_key)) {
        koc__sha256 h;

        koc__sha256_init(&h);
        koc__sha256_update(&h, key.ptr, key.len);
        koc__sha256_final(&h, short_key);
        koc__wipe(&h, sizeof(h));
        short_len = 32;
    } else if (key.len > 0) {
        memcpy(short_key, key.ptr, key.len);
    }
    rc = koc__crypto_enter(err);
    if (rc == KOC_OK) {
        status = hmac_locked(short_key, short_len, data, out);
        koc__crypto_leave();
        rc = status == PSA_SUCCESS ? KOC_OK : koc__crypto_failed(err, "HMAC-SHA-256", status);
    }
    koc__wipe(short_key, sizeof(short_key));
    return rc;
}

/* The mutex is held. */
static psa_status_t rsa_locked(koc_str key, koc_str data, uint8_t *out, size_t size, size_t *len)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_algorithm_t algorithm = PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256);
    psa_key_id_t id = 0;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_RSA_KEY_PAIR);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attributes, algorithm);
    psa_status_t status = psa_import_key(&attributes, (const uint8_t *)key.ptr, key.len, &id);
    if (status != PSA_SUCCESS) {
        return status;
    }
    status = psa_sign_message(id, algorithm, (const uint8_t *)data.ptr, data.len, out, size, len);
    (void)psa_destroy_key(id);
    return status;
}

int koc__rsa_sha256_sign(koc_str key, koc_str data, koc__dynbuf *out, koc_error **err)
{
    uint8_t signature[512];
    size_t len = 0;
    KOC__TRY(koc__crypto_enter(err));
    psa_status_t status = rsa_locked(key, data, signature, sizeof(signature), &len);
    koc__crypto_leave();
    if (status == PSA_ERROR_INVALID_ARGUMENT || status == PSA_ERROR_BUFFER_TOO_SMALL) {
        return koc__error(err, KOC_EFORMAT, "not a private key for RSA of up to 4096 bits");
    }
    return status == PSA_SUCCESS ? koc__dynbuf_append(out, signature, len, err)
                                 : koc__crypto_failed(err, "an RSA signature", status);
}

/* The kernel's, since mbedTLS's generator repeats itself in a forked child. */
int koc__random(void *out, size_t len, koc_error **err)
{
    uint8_t *p = out;
    while (len > 0) {
        size_t n = KOC__MIN(len, 256); /* the limit of one request */

        if (getentropy(p, n) != 0) {
            return koc__error_errno(err, errno, "cannot read random bytes");
        }
        p += n;
        len -= n;
    }
    return KOC_OK;
}

static char version[32];
static pthread_once_t version_once = PTHREAD_ONCE_INIT;

static void make_version(void)
{
    char number[16] = ""; /* mbedtls_version_get_string writes at most 9 bytes */
    mbedtls_version_get_string(number);
    snprintf(version, sizeof(version), "mbedTLS %s", number);
}

const char *koc__crypto_version(void)
{
    pthread_once(&version_once, make_version);
    return version;
}

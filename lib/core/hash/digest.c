/* Digests as text and as values, and the running hash of the public API. */
#include "core/common.h"

#include <koc/digest.h>

#include "core/hash/crypto.h"
#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/str.h"
#include "core/text.h"

static const struct {
    const char *prefix;
    uint8_t algorithm;
    uint8_t len;
} algorithms[] = {
    {"sha256:", KOC_DIGEST_SHA256, 32},
    {"sha512:", KOC_DIGEST_SHA512, 64},
};

bool koc__digest_read(koc_str text, koc_digest *out)
{
    for (size_t i = 0; i < KOC__COUNT(algorithms); i++) {
        koc_digest d = {.algorithm = algorithms[i].algorithm, .len = algorithms[i].len};
        koc_str hex = koc__str_from(text, strlen(algorithms[i].prefix));

        if (koc__str_starts(text, algorithms[i].prefix) && hex.len == 2 * (size_t)d.len &&
            koc__unhex(hex, d.bytes)) {
            *out = d;
            return true;
        }
    }
    return false;
}

/* The table's row for d, or -1 when d is none or was not made by this library. */
static int row_of(const koc_digest *d)
{
    for (size_t i = 0; d && i < KOC__COUNT(algorithms); i++) {
        if (d->algorithm == algorithms[i].algorithm && d->len == algorithms[i].len) {
            return (int)i;
        }
    }
    return -1;
}

koc__digest_text koc__digest_hex(const koc_digest *d)
{
    koc__digest_text text = {""};
    if (row_of(d) >= 0) {
        koc__hex(d->bytes, d->len, text.s);
    }
    return text;
}

koc__digest_text koc__digest_str(const koc_digest *d)
{
    koc__digest_text text = {""};
    int row = row_of(d);
    if (row >= 0) {
        size_t n = strlen(algorithms[row].prefix);

        memcpy(text.s, algorithms[row].prefix, n);
        koc__hex(d->bytes, d->len, text.s + n);
    }
    return text;
}

int koc_digest_parse(const char *text, koc_digest *out, koc_error **err)
{
    if (!text || !out) {
        return koc__misuse(err, "koc_digest_parse: text or out is NULL");
    }
    if (!koc__digest_read(koc__str(text), out)) {
        return koc__error(err, KOC_EINVAL,
                          "\"%.160s\" is not a digest: want sha256: and 64 lower-case hex digits, "
                          "or sha512: and 128",
                          text);
    }
    return KOC_OK;
}

int koc_digest_format(const koc_digest *d, char *out, size_t out_size, koc_error **err)
{
    koc__digest_text text = koc__digest_str(d);
    size_t size = strlen(text.s) + 1;
    if (!out || size == 1) {
        return koc__misuse(err, "koc_digest_format: out is NULL or d is not a digest");
    }
    if (size > out_size) {
        return koc__error(err, KOC_ELIMIT, "the digest's text needs %zu bytes and has room for %zu",
                          size, out_size);
    }
    memcpy(out, text.s, size);
    return KOC_OK;
}

bool koc_digest_equal(const koc_digest *a, const koc_digest *b)
{
    return row_of(a) >= 0 && row_of(a) == row_of(b) && memcmp(a->bytes, b->bytes, a->len) == 0;
}

int koc_digest_of(koc_str data, koc_digest *out, koc_error **err)
{
    if (!out || (!data.ptr && data.len > 0)) {
        return koc__misuse(err, "koc_digest_of: data.ptr or out is NULL");
    }
    koc__sha256_of(data.ptr, data.len, out);
    return KOC_OK;
}

struct koc_hasher {
    int32_t algorithm;
    bool finished;
    int failed; /* the first failure of an update, which finish returns */
    koc__sha256 sha256;
    koc__sha512_state *sha512;
};

int koc_hasher_new(int32_t algorithm, koc_hasher **out, koc_error **err)
{
    if (!out) {
        return koc__misuse(err, "koc_hasher_new: out is NULL");
    }
    if (algorithm != KOC_DIGEST_SHA256 && algorithm != KOC_DIGEST_SHA512) {
        return koc__misuse(err, "koc_hasher_new: algorithm is none of KOC_DIGEST_*");
    }
    koc_hasher *h = koc__calloc(1, sizeof(*h));

    if (!h) {
        return koc__oom(err);
    }
    h->algorithm = algorithm;
    koc__sha256_init(&h->sha256);
    if (algorithm == KOC_DIGEST_SHA512) {
        int rc = koc__sha512_new(&h->sha512, err);

        if (rc != KOC_OK) {
            koc__free(h);
            return rc;
        }
    }
    *out = h;
    return KOC_OK;
}

void koc_hasher_update(koc_hasher *h, koc_str data)
{
    if (!h || h->finished || h->failed != KOC_OK || data.len == 0) {
        return;
    }
    if (!data.ptr) {
        h->failed = KOC_EMISUSE;
    } else if (h->algorithm == KOC_DIGEST_SHA256) {
        koc__sha256_update(&h->sha256, data.ptr, data.len);
    } else {
        h->failed = koc__sha512_update(h->sha512, data.ptr, data.len, NULL);
    }
}

int koc_hasher_finish(koc_hasher *h, koc_digest *out, koc_error **err)
{
    if (!h || !out || h->finished) {
        return koc__misuse(err, "koc_hasher_finish: h or out is NULL, or h is finished");
    }
    if (h->failed == KOC_EMISUSE) {
        return koc__misuse(err, "koc_hasher_update: data.ptr is NULL");
    }
    if (h->failed != KOC_OK) {
        return koc__error(err, h->failed, "cannot compute the SHA-512");
    }
    if (h->algorithm == KOC_DIGEST_SHA256) {
        koc__sha256_digest(&h->sha256, out);
    } else {
        koc_digest d = {.algorithm = KOC_DIGEST_SHA512, .len = 64};

        KOC__TRY(koc__sha512_finish(h->sha512, d.bytes, err));
        *out = d;
    }
    h->finished = true;
    return KOC_OK;
}

void koc_hasher_free(koc_hasher *h)
{
    if (h) {
        koc__sha512_free(h->sha512);
        koc__free(h);
    }
}

/* A reader that verifies the size and the digest of the bytes it passes on. */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/io/io.h"

typedef struct verifier {
    koc_reader *inner;
    koc_hasher *hasher; /* NULL: the size alone */
    koc_digest expect;
    uint64_t size; /* UINT64_MAX: not known */
    uint64_t done;
    bool checked;
    bool failed;
} verifier;

static int wrong_size(verifier *v, const char *how, koc_error **err)
{
    v->failed = true;
    return koc__error(err, KOC_EDIGEST, "the content is %s than the %llu bytes it should have", how,
                      (unsigned long long)v->size);
}

static int check_digest(verifier *v, koc_error **err)
{
    koc_digest actual;
    v->checked = true;
    if (!v->hasher) {
        return KOC_OK;
    }
    KOC__TRY(koc_hasher_finish(v->hasher, &actual, err));
    if (!koc_digest_equal(&actual, &v->expect)) {
        v->failed = true;
        return koc__error(err, KOC_EDIGEST, "the content has the digest %s and should have %s",
                          koc__digest_str(&actual).s, koc__digest_str(&v->expect).s);
    }
    return KOC_OK;
}

/* All bytes have been read: the stream must end here. */
static int read_end(verifier *v, size_t *n_read, koc_error **err)
{
    size_t n = 0;
    char extra;
    if (!v->checked) {
        KOC__TRY(check_digest(v, err));
    }
    KOC__TRY(koc_reader_read(v->inner, &extra, 1, &n, err));
    if (n != 0) {
        return wrong_size(v, "longer", err);
    }
    *n_read = 0;
    return KOC_OK;
}

static int verify_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    verifier *v = self;
    size_t n = 0;
    if (v->failed) {
        return koc__error(err, KOC_EDIGEST, "the content is not what it should be");
    }
    if (v->done == v->size) {
        return read_end(v, n_read, err);
    }
    if (len > v->size - v->done) {
        len = (size_t)(v->size - v->done);
    }
    KOC__TRY(koc_reader_read(v->inner, buf, len, &n, err));
    if (n == 0 && v->size != UINT64_MAX) {
        return wrong_size(v, "shorter", err);
    }
    if (v->hasher) {
        koc_hasher_update(v->hasher, (koc_str){buf, n});
    }
    v->done += n;
    if ((n == 0 || v->done == v->size) && !v->checked) {
        KOC__TRY(check_digest(v, err));
    }
    *n_read = n;
    return KOC_OK;
}

static void verify_close(void *self)
{
    verifier *v = self;
    koc_reader_free(v->inner);
    koc_hasher_free(v->hasher);
    koc__free(v);
}

static const koc__reader_vt verify_vt = {verify_read, verify_close};

int koc__reader_verify(koc_reader *inner, uint64_t size, const koc_digest *digest, koc_reader **out,
                       koc_error **err)
{
    verifier *v = koc__calloc(1, sizeof(*v));
    int rc = KOC_OK;
    if (!v) {
        return koc__oom(err);
    }
    v->size = size;
    if (digest && digest->algorithm != KOC_DIGEST_NONE) {
        v->expect = *digest;
        rc = koc_hasher_new(digest->algorithm, &v->hasher, err);
    }
    if (rc == KOC_OK) {
        rc = koc__reader_make(&verify_vt, v, out, err);
    }
    if (rc != KOC_OK) {
        verify_close(v);
        return rc;
    }
    v->inner = inner;
    return KOC_OK;
}

int koc__blob_checked(const koc_blob *b, uint64_t size, const koc_digest *digest, koc_reader *raw,
                      koc_reader **out, koc_error **err)
{
    bool checks = koc_digest_equal(koc__blob_given(b), digest);
    if (checks && koc_blob_size(b) == size) {
        *out = raw;
        return KOC_OK;
    }
    return koc__reader_verify(raw, size, checks ? NULL : digest, out, err);
}

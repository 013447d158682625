/* Readers and blobs: the part common to all kinds, and blobs in memory. */
#include "core/common.h"

#include "core/io/io.h"

#include "core/hash/sha256.h"

enum { CHUNK = 128 * 1024 };

struct koc_reader {
    const koc__reader_vt *vt;
    void *self;
    koc__call *call; /* of the call that opened it, or NULL */
    bool owns_op;    /* opened by koc_blob_open: the call lives as long as the reader */
    koc_blob *blob;  /* what is read, or NULL */
};

struct koc_blob {
    atomic_uint refs;
    const koc__blob_vt *vt;
    void *self;
    uint64_t size;
    koc_digest given;
    pthread_mutex_t mutex; /* guards sha256 while it is computed */
    koc_digest sha256;     /* read once has_sha256 is true */
    atomic_bool has_sha256;
};

int koc__reader_make(const koc__reader_vt *vt, void *self, koc_reader **out, koc_error **err)
{
    koc_reader *r = koc__calloc(1, sizeof(*r));
    if (!r) {
        return koc__oom(err);
    }
    r->vt = vt;
    r->self = self;
    *out = r;
    return KOC_OK;
}

int koc_reader_read(koc_reader *r, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    if (!r || !n_read || (!buf && len > 0)) {
        return koc__misuse(err, "koc_reader_read: r, buf or n_read is NULL");
    }
    if (r->owns_op) {
        r->call->caller =
            pthread_self(); /* a reader may move to another thread between two reads */
    }
    KOC__TRY(koc__call_check(r->call, err));
    if (len == 0) {
        *n_read = 0;
        return KOC_OK;
    }
    return r->vt->read(r->self, buf, len, n_read, err);
}

int koc_reader_finish(koc_reader *r, koc_error **err)
{
    char scratch[8192];
    size_t n = 0;
    if (!r) {
        return koc__misuse(err, "koc_reader_finish: r is NULL");
    }
    do {
        KOC__TRY(koc_reader_read(r, scratch, sizeof(scratch), &n, err));
    } while (n > 0);
    return KOC_OK;
}

void koc_reader_free(koc_reader *r)
{
    if (!r) {
        return;
    }
    if (r->owns_op) {
        r->call->caller = pthread_self();
    }
    if (r->vt->close) {
        r->vt->close(r->self);
    }
    if (r->owns_op) {
        koc__call_end(r->call);
        koc__free(r->call);
    }
    koc_blob_unref(r->blob);
    koc__free(r);
}

int koc__reader_fill(koc_reader *r, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    size_t done = 0;
    while (done < len) {
        size_t n = 0;

        KOC__TRY(koc_reader_read(r, (char *)buf + done, len - done, &n, err));
        if (n == 0) {
            break;
        }
        done += n;
    }
    *n_read = done;
    return KOC_OK;
}

int koc__blob_make(const koc__blob_vt *vt, void *self, uint64_t size, const koc_digest *digest,
                   koc_blob **out, koc_error **err)
{
    koc_blob *b = koc__calloc(1, sizeof(*b));
    if (!b) {
        return koc__oom(err);
    }
    if (pthread_mutex_init(&b->mutex, NULL) != 0) {
        koc__free(b);
        return koc__oom(err);
    }
    atomic_init(&b->refs, 1);
    atomic_init(&b->has_sha256, false);
    b->vt = vt;
    b->self = self;
    b->size = size;
    if (digest && digest->algorithm != KOC_DIGEST_NONE) {
        b->given = *digest;
    }
    *out = b;
    return KOC_OK;
}

koc_blob *koc_blob_ref(koc_blob *b)
{
    if (b) {
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    }
    return b;
}

void koc_blob_unref(koc_blob *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (b->vt->release) {
        b->vt->release(b->self);
    }
    pthread_mutex_destroy(&b->mutex);
    koc__free(b);
}

uint64_t koc_blob_size(const koc_blob *b)
{
    return b ? b->size : 0;
}

const koc_digest *koc__blob_given(const koc_blob *b)
{
    return &b->given;
}

const char *koc__blob_path(const koc_blob *b)
{
    return b->vt->path ? b->vt->path(b->self) : NULL;
}

int koc__blob_open(koc_blob *b, uint64_t offset, koc__call *call, koc_reader **out, koc_error **err)
{
    koc_reader *r = NULL;
    if (offset > b->size) {
        return koc__misuse(err, "koc_blob_open: offset is past the end of the blob");
    }
    KOC__TRY(koc__call_check(call, err));
    KOC__TRY(b->vt->open(b->self, offset, call, &r, err));
    r->call = call;
    r->blob = koc_blob_ref(b);
    *out = r;
    return KOC_OK;
}

int koc_blob_open(koc_blob *b, uint64_t offset, const koc_op *op, koc_reader **out, koc_error **err)
{
    koc_reader *r = NULL;
    koc__call *own;
    if (!b || !out) {
        return koc__misuse(err, "koc_blob_open: b or out is NULL");
    }
    own = koc__calloc(1, sizeof(*own));
    if (!own) {
        return koc__oom(err);
    }
    int rc = koc__call_begin(own, NULL, op, err);
    if (rc == KOC_OK) {
        rc = koc__blob_open(b, offset, own, &r, err);
    }
    if (rc != KOC_OK) {
        koc__call_end(own);
        koc__free(own);
        return rc;
    }
    r->owns_op = true;
    *out = r;
    return KOC_OK;
}

int koc__blob_read_all(koc_blob *b, size_t max, koc__call *call, koc_buf *out, koc_error **err)
{
    KOC__AUTO(koc_reader) r = NULL;
    KOC__AUTO_STR data = NULL;
    size_t n = 0;
    if (b->size > max) {
        return koc__error(err, KOC_ELIMIT, "the content has %llu bytes, more than the limit of %zu",
                          (unsigned long long)b->size, max);
    }
    KOC__TRY(koc__blob_open(b, 0, call, &r, err));
    /* One byte more, for the NUL: if it is read, there is more content than the size says. */
    data = b->size < SIZE_MAX ? koc__malloc((size_t)b->size + 1) : NULL;
    if (!data) {
        return koc__oom(err);
    }
    KOC__TRY(koc__reader_fill(r, data, (size_t)b->size + 1, &n, err));
    if (n != b->size) {
        return koc__error(err, KOC_EDIGEST,
                          "the content does not have the %llu bytes it should have",
                          (unsigned long long)b->size);
    }
    data[n] = '\0';
    koc_buf_dispose(out);
    *out = (koc_buf){koc__steal(&data), n, n + 1};
    return KOC_OK;
}

int koc_blob_read_all(koc_blob *b, size_t max, const koc_op *user, koc_buf *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    if (!b || !out) {
        return koc__misuse(err, "koc_blob_read_all: b or out is NULL");
    }
    KOC__TRY(koc__call_begin(&call, NULL, user, err));
    return koc__blob_read_all(b, max, &call, out, err);
}

static int hash_blob(koc_blob *b, koc__call *call, koc_digest *out, koc_error **err)
{
    KOC__AUTO(koc_reader) r = NULL;
    KOC__AUTO_STR chunk = koc__malloc(CHUNK);
    koc__sha256 h;
    uint64_t done = 0;
    if (!chunk) {
        return koc__oom(err);
    }
    koc__sha256_init(&h);
    KOC__TRY(koc__blob_open(b, 0, call, &r, err));
    for (;;) {
        size_t n = 0;

        KOC__TRY(koc_reader_read(r, chunk, CHUNK, &n, err));
        if (n == 0) {
            break;
        }
        koc__sha256_update(&h, chunk, n);
        done += n;
    }
    if (done != b->size) {
        return koc__error(err, KOC_EDIGEST, "the content has %llu bytes and should have %llu",
                          (unsigned long long)done, (unsigned long long)b->size);
    }
    koc__sha256_digest(&h, out);
    return KOC_OK;
}

int koc__blob_digest(koc_blob *b, koc__call *call, koc_digest *out, koc_error **err)
{
    koc_digest d;
    if (b->given.algorithm == KOC_DIGEST_SHA256) {
        *out = b->given;
        return KOC_OK;
    }
    if (!atomic_load_explicit(&b->has_sha256, memory_order_acquire)) {
        KOC__TRY(hash_blob(b, call, &d, err));
        pthread_mutex_lock(&b->mutex);
        if (!atomic_load_explicit(&b->has_sha256, memory_order_relaxed)) {
            b->sha256 = d;
            atomic_store_explicit(&b->has_sha256, true, memory_order_release);
        }
        pthread_mutex_unlock(&b->mutex);
    }
    *out = b->sha256;
    return KOC_OK;
}

int koc_blob_digest(koc_blob *b, const koc_op *user, koc_digest *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    if (!b || !out) {
        return koc__misuse(err, "koc_blob_digest: b or out is NULL");
    }
    KOC__TRY(koc__call_begin(&call, NULL, user, err));
    return koc__blob_digest(b, &call, out, err);
}

/* Blobs in memory. A reader borrows the bytes from its blob, which it keeps. */

typedef struct memory_blob {
    char *data;
    size_t len;
} memory_blob;

typedef struct memory_reader {
    const char *next;
    size_t left;
} memory_reader;

static int memory_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    memory_reader *m = self;
    size_t n = KOC__MIN(len, m->left);
    if (n > 0) {
        memcpy(buf, m->next, n);
        m->next += n;
        m->left -= n;
    }
    *n_read = n;
    return KOC_OK;
}

static const koc__reader_vt memory_reader_vt = {memory_read, koc__free};

static int memory_open(void *self, uint64_t offset, koc__call *call, koc_reader **out,
                       koc_error **err)
{
    const memory_blob *b = self;
    memory_reader *m = koc__malloc(sizeof(*m));
    if (!m) {
        return koc__oom(err);
    }
    *m = (memory_reader){b->data + offset, b->len - (size_t)offset};
    int rc = koc__reader_make(&memory_reader_vt, m, out, err);
    if (rc != KOC_OK) {
        koc__free(m);
    }
    return rc;
}

static void memory_release(void *self)
{
    memory_blob *b = self;
    koc__free(b->data);
    koc__free(b);
}

static const koc__blob_vt memory_blob_vt = {memory_open, memory_release, NULL};

int koc__blob_take(char *data, size_t len, const koc_digest *digest, koc_blob **out,
                   koc_error **err)
{
    memory_blob *b = koc__malloc(sizeof(*b));
    if (!b) {
        return koc__oom(err);
    }
    *b = (memory_blob){data, len};
    int rc = koc__blob_make(&memory_blob_vt, b, len, digest, out, err);
    if (rc != KOC_OK) {
        koc__free(b);
    }
    return rc;
}

int koc_blob_from_bytes(koc_str data, koc_blob **out, koc_error **err)
{
    KOC__AUTO_STR copy = NULL;
    if (!out || (!data.ptr && data.len > 0)) {
        return koc__misuse(err, "koc_blob_from_bytes: data.ptr or out is NULL");
    }
    copy = koc__strndup(data.ptr, data.len);
    if (!copy) {
        return koc__oom(err);
    }
    KOC__TRY(koc__blob_take(copy, data.len, NULL, out, err));
    (void)koc__steal(&copy);
    return KOC_OK;
}

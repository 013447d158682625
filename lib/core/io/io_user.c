/* Blobs and readers over the caller's callbacks, which run on the thread that made the public call. */
#include "core/common.h"

#include "core/io/io.h"
#include "core/run/context.h"

typedef struct user_reader {
    koc_reader_ops ops;
    void *self;
} user_reader;

static int user_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    user_reader *u = self;
    KOC__AUTO(koc_error) inner = NULL;
    size_t n = 0;
    if (u->ops.read(u->self, buf, len, &n, &inner) != KOC_OK) {
        return koc__error_user(err, &inner, "the reader's callback failed");
    }
    if (n > len) {
        return koc__error(err, KOC_EUSER, "the reader's callback gave %zu bytes, asked for %zu", n,
                          len);
    }
    *n_read = n;
    return KOC_OK;
}

static void user_close(void *self)
{
    user_reader *u = self;
    if (u->ops.close) {
        u->ops.close(u->self);
    }
    koc__free(u);
}

static const koc__reader_vt user_reader_vt = {user_read, user_close};

int koc_reader_new(const koc_reader_ops *ops, void *self, koc_reader **out, koc_error **err)
{
    koc_reader_ops copy = {0};
    user_reader *u;
    if (!ops || !out) {
        return koc__misuse(err, "koc_reader_new: ops or out is NULL");
    }
    KOC__TRY(koc__options_copy(&copy, sizeof(copy), ops, "koc_reader_ops", err));
    if (!copy.read || copy.flags != 0) {
        return koc__misuse(err, "koc_reader_new: ops.read is NULL or ops.flags is not 0");
    }
    u = koc__malloc(sizeof(*u));
    if (!u) {
        return koc__oom(err);
    }
    *u = (user_reader){copy, self};
    int rc = koc__reader_make(&user_reader_vt, u, out, err);
    if (rc != KOC_OK) {
        koc__free(u);
    }
    return rc;
}

/* Reads and closes on the caller's thread, whatever thread uses the reader. */
typedef struct carried_reader {
    koc__call *call; /* or NULL: then this is the only thread */
    koc_reader *inner;
} carried_reader;

typedef struct read_call {
    koc_reader *inner;
    void *buf;
    size_t len;
    size_t n_read;
} read_call;

static int call_on(koc__call *call, int (*fn)(void *arg, koc_error **err), void *arg,
                   koc_error **err)
{
    return call ? koc__call_on_caller(call, fn, arg, err) : fn(arg, err);
}

static int do_read(void *arg, koc_error **err)
{
    read_call *args = arg;
    return koc_reader_read(args->inner, args->buf, args->len, &args->n_read, err);
}

static int carried_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    carried_reader *c = self;
    read_call args = {c->inner, buf, len, 0};
    KOC__TRY(call_on(c->call, do_read, &args, err));
    *n_read = args.n_read;
    return KOC_OK;
}

static int do_free(void *arg, koc_error **err)
{
    koc_reader_free(arg);
    return KOC_OK;
}

static void carried_close(void *self)
{
    carried_reader *c = self;
    (void)call_on(c->call, do_free, c->inner, NULL);
    koc__free(c);
}

static const koc__reader_vt carried_reader_vt = {carried_read, carried_close};

typedef struct user_blob {
    koc_blob_ops ops;
    void *self;
    uint64_t size;
    koc_digest digest;
} user_blob;

typedef struct open_call {
    const user_blob *blob;
    uint64_t offset;
    koc__call *call;
    koc_reader *reader;
} open_call;

static int do_open(void *arg, koc_error **err)
{
    open_call *args = arg;
    const user_blob *b = args->blob;
    KOC__AUTO(koc_error) inner = NULL;
    if (b->ops.open(b->self, args->offset, args->call ? &args->call->user : NULL, &args->reader,
                    &inner) != KOC_OK) {
        return koc__error_user(err, &inner, "the blob's callback failed");
    }
    if (!args->reader) {
        return koc__error(err, KOC_EUSER, "the blob's callback gave no reader");
    }
    return KOC_OK;
}

static int carry(koc__call *call, koc_reader *inner, koc_reader **out, koc_error **err)
{
    carried_reader *c = koc__malloc(sizeof(*c));
    if (!c) {
        return koc__oom(err);
    }
    *c = (carried_reader){call, inner};
    int rc = koc__reader_make(&carried_reader_vt, c, out, err);
    if (rc != KOC_OK) {
        koc__free(c);
    }
    return rc;
}

/* Frees a reader that could not be wrapped, on the right thread. */
static int give_up(koc__call *call, koc_reader *inner, int rc)
{
    (void)call_on(call, do_free, inner, NULL);
    return rc;
}

static int user_open(void *self, uint64_t offset, koc__call *call, koc_reader **out,
                     koc_error **err)
{
    const user_blob *b = self;
    open_call args = {b, offset, call, NULL};
    KOC__AUTO(koc_reader) carried = NULL;
    KOC__TRY(call_on(call, do_open, &args, err));
    int rc = carry(call, args.reader, &carried, err);
    if (rc != KOC_OK) {
        return give_up(call, args.reader, rc);
    }
    /* From the middle only the size can be checked. */
    KOC__TRY(
        koc__reader_verify(carried, b->size - offset, offset == 0 ? &b->digest : NULL, out, err));
    (void)koc__steal(&carried);
    return KOC_OK;
}

static void user_release(void *self)
{
    user_blob *b = self;
    if (b->ops.release) {
        b->ops.release(b->self);
    }
    koc__free(b);
}

static const koc__blob_vt user_blob_vt = {user_open, user_release, NULL};

int koc_blob_new(const koc_blob_ops *ops, void *self, uint64_t size, const koc_digest *digest,
                 koc_blob **out, koc_error **err)
{
    koc_blob_ops copy = {0};
    user_blob *b;
    if (!ops || !out) {
        return koc__misuse(err, "koc_blob_new: ops or out is NULL");
    }
    KOC__TRY(koc__options_copy(&copy, sizeof(copy), ops, "koc_blob_ops", err));
    if (!copy.open || copy.flags != 0) {
        return koc__misuse(err, "koc_blob_new: ops.open is NULL or ops.flags is not 0");
    }
    b = koc__calloc(1, sizeof(*b));
    if (!b) {
        return koc__oom(err);
    }
    *b = (user_blob){.ops = copy, .self = self, .size = size};
    if (digest) {
        b->digest = *digest;
    }
    int rc = koc__blob_make(&user_blob_vt, b, size, digest, out, err);
    if (rc != KOC_OK) {
        koc__free(b);
    }
    return rc;
}

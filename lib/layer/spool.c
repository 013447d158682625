/* Where the bytes of a layer that is being made go, and the blob that they become. */
#include "core/common.h"

#include <stdatomic.h>

#include "core/cache.h"
#include "core/env.h"
#include "core/io.h"
#include "layer/packer.h"

enum { MEMORY_MAX = 1 << 30 };

/* A file that has no name any more: the blob and its readers hold it. */
typedef struct nameless {
    atomic_uint refs;
    int fd;
    uint64_t size;
} nameless;
typedef struct cursor {
    nameless *file;
    uint64_t at;
} cursor;

static void nameless_unref(nameless *f)
{
    if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1) {
        close(f->fd);
        koc__free(f);
    }
}

static int cursor_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    cursor *c = self;
    for (;;) {
        ssize_t n = pread(c->file->fd, buf, len, (off_t)c->at);
        if (n >= 0) {
            c->at += (uint64_t)n;
            *n_read = (size_t)n;
            return KOC_OK;
        }
        if (errno != EINTR) {
            return koc__error_errno(err, errno, "cannot read a layer's temporary file");
        }
    }
}

static void cursor_close(void *self)
{
    cursor *c = self;
    nameless_unref(c->file);
    koc__free(c);
}

static int nameless_open(void *self, uint64_t offset, koc__op *op KOC__UNUSED, koc_reader **out,
                         koc_error **err)
{
    static const koc__reader_vt vt = {cursor_read, cursor_close};
    nameless *f = self;
    cursor *c = koc__malloc(sizeof(*c));
    if (!c) {
        return koc__oom(err);
    }
    *c = (cursor){f, offset};
    int rc = koc__reader_make(&vt, c, out, err);
    if (rc != KOC_OK) {
        koc__free(c);
        return rc;
    }
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return KOC_OK;
}

static void nameless_release(void *self)
{
    nameless_unref(self);
}

static int nameless_blob(koc__tempfile *t, uint64_t size, const koc_digest *digest, koc_blob **out,
                         koc_error **err)
{
    static const koc__blob_vt vt = {.open = nameless_open, .release = nameless_release};
    nameless *f = koc__malloc(sizeof(*f));
    if (!f) {
        return koc__oom(err);
    }
    atomic_init(&f->refs, 1);
    f->fd = t->fd;
    f->size = size;
    int rc = koc__blob_make(&vt, f, size, digest, out, err);
    if (rc != KOC_OK) {
        koc__free(f);
        return rc;
    }
    t->fd = -1;
    return KOC_OK;
}

static int open_nameless(koc__spool *s, koc_error **err)
{
    const char *dir = koc__env_nonempty("TMPDIR");
    s->cached = false;
    KOC__TRY(koc__tempfile_new(dir ? dir : "/tmp", &s->file, err));
    if (s->file.path) {
        unlink(s->file.path);
        koc__free(koc__steal(&s->file.path));
    }
    return KOC_OK;
}

static int open_file(koc__spool *s, koc_error **err)
{
    s->cached = koc__cache_is_on(s->ctx->cache) &&
                koc__cache_tempfile(s->ctx->cache, &s->file, NULL) == KOC_OK;
    return s->cached ? KOC_OK : open_nameless(s, err);
}

/* Takes what was written so far along. */
static int leave_cache(koc__spool *s, koc_error **err)
{
    KOC__AUTO_VAL(koc__tempfile) old = s->file;
    char chunk[64 * 1024];
    s->file = (koc__tempfile)KOC__TEMPFILE_INIT;
    KOC__TRY(open_nameless(s, err));
    for (uint64_t at = 0; at < s->size;) {
        ssize_t n = pread(old.fd, chunk, KOC__MIN(sizeof(chunk), s->size - at), (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return koc__error_errno(err, n < 0 ? errno : EIO, "cannot read %s", old.path);
        }
        KOC__TRY(koc__fs_write_fd(s->file.fd, chunk, (size_t)n, "a layer's temporary file", err));
        at += (uint64_t)n;
    }
    return KOC_OK;
}

int koc__spool_init(koc__spool *s, koc_ctx *ctx, bool in_memory, koc_error **err)
{
    *s = (koc__spool){.ctx = ctx,
                      .in_memory = in_memory,
                      .file = KOC__TEMPFILE_INIT,
                      .memory = KOC__BUF_INIT(MEMORY_MAX)};
    koc__sha256_init(&s->hash);
    return in_memory ? KOC_OK : open_file(s, err);
}

int koc__spool_write(koc__spool *s, const void *data, size_t len, koc_error **err)
{
    koc__sha256_update(&s->hash, data, len);
    if (s->in_memory) {
        s->size += len;
        return koc__buf_append(&s->memory, data, len, err);
    }
    if (s->cached && koc__fs_write_fd(s->file.fd, data, len, "", NULL) == KOC_OK) {
        s->size += len;
        return KOC_OK;
    }
    KOC__TRY(s->cached ? leave_cache(s, err) : KOC_OK);
    s->size += len;
    return koc__fs_write_fd(s->file.fd, data, len, "a layer's temporary file", err);
}

static int memory_blob(koc__spool *s, const koc_digest *digest, koc_blob **out, koc_error **err)
{
    size_t len = s->memory.len;
    char *data = koc__buf_steal(&s->memory);
    if (!data) {
        return koc__oom(err);
    }
    int rc = koc__blob_take(data, len, digest, out, err);
    if (rc != KOC_OK) {
        koc__free(data);
    }
    return rc;
}

int koc__spool_finish(koc__spool *s, koc_blob **out, koc_digest *digest, koc_error **err)
{
    koc_digest d = {0};
    koc__sha256_digest(&s->hash, &d);
    if (s->in_memory) {
        KOC__TRY(memory_blob(s, &d, out, err));
    } else if (!s->cached || koc__cache_put_file(s->ctx->cache, &d, &s->file, NULL) != KOC_OK) {
        KOC__TRY(s->cached ? leave_cache(s, err) : KOC_OK);
        KOC__TRY(nameless_blob(&s->file, s->size, &d, out, err));
    } else {
        KOC__TRY(koc__cache_fresh_blob(s->ctx->cache, &d, s->size, out, err));
    }
    *digest = d;
    return KOC_OK;
}

void koc__spool_dispose(koc__spool *s)
{
    koc__tempfile_dispose(&s->file);
    koc__buf_dispose(&s->memory);
}

/* Blobs over unlinked temporary files; a stream that can be read only once becomes such a blob. */
#include "core/common.h"

#include "core/io/fs.h"
#include "core/io/io.h"
#include "core/str.h"

enum { COPY = 256 * 1024 };

/* An unlinked file: it exists as long as the blob and its readers do. */
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
            return koc__error_errno(err, errno, "cannot read a temporary file");
        }
    }
}

static void cursor_close(void *self)
{
    cursor *c = self;
    nameless_unref(c->file);
    koc__free(c);
}

static int nameless_open(void *self, uint64_t offset, koc__call *call KOC__UNUSED, koc_reader **out,
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

int koc__blob_from_nameless(koc__tempfile *t, uint64_t size, const koc_digest *digest,
                            koc_blob **out, koc_error **err)
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

/* --- streams --- */

static int copy(int from, const char *what, koc__call *call, koc__tempfile *to, uint64_t *size,
                koc_error **err)
{
    KOC__AUTO_STR buf = koc__malloc(COPY);
    size_t n = 0;
    if (!buf) {
        return koc__oom(err);
    }
    *size = 0;
    do {
        KOC__TRY(koc__call_check(call, err));
        KOC__TRY(koc__fs_read_stream(from, buf, COPY, &n, what, call, err));
        KOC__TRY(koc__fs_write_fd(to->fd, buf, n, "a temporary file", err));
        *size += n;
    } while (n > 0);
    return KOC_OK;
}

int koc__blob_from_stream(const char *path, koc__call *call, koc_blob **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__tempfile) t = KOC__TEMPFILE_INIT;
    KOC__AUTO_FD fd = -1;
    uint64_t size = 0;
    struct stat st;
    KOC__TRY(koc__fs_open_stream(path, &fd, err));
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !koc__streq(path, "-")) {
        return koc_blob_from_file(path, NULL, out, err);
    }
    KOC__TRY(koc__tempfile_nameless(&t, err));
    KOC__TRY(copy(fd, koc__streq(path, "-") ? "stdin" : path, call, &t, &size, err));
    return koc__blob_from_nameless(&t, size, NULL, out, err);
}

int koc_blob_from_stream(const char *path, const koc_op *user, koc_blob **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    if (!path || !out) {
        return koc__misuse(err, "koc_blob_from_stream: path or out is NULL");
    }
    KOC__TRY(koc__call_begin(&call, NULL, user, err));
    return koc__blob_from_stream(path, &call, out, err);
}

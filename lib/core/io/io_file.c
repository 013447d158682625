/* Blobs over files and parts of files. */
#include "core/common.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "core/io/fs.h"
#include "core/io/io.h"

enum { SKIP_STEP = 128 * 1024 };

typedef struct file_blob {
    char *path;
    uint64_t start;
    uint64_t size;
    bool whole;        /* not a part: the file must end where the blob ends */
    bool cached;       /* remove it if its digest is wrong */
    bool fresh;        /* written and hashed by this process: not hashed again */
    koc_digest expect; /* or none */
} file_blob;

typedef struct file_reader {
    const file_blob *blob; /* kept by the koc_reader */
    int fd;
    uint64_t next;
    uint64_t end;
} file_reader;

static int file_changed(const file_blob *b, koc_error **err)
{
    if (b->cached) {
        unlink(b->path);
    }
    return koc__error(err, KOC_EDIGEST, "%s no longer has the size it had", b->path);
}

static int file_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    file_reader *f = self;
    ssize_t n;
    if (len > f->end - f->next) {
        len = (size_t)(f->end - f->next);
    }
    if (len == 0) {
        *n_read = 0;
        return KOC_OK;
    }
    do {
        n = pread(f->fd, buf, KOC__MIN(len, (size_t)1 << 30), (off_t)f->next);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return koc__error_errno(err, errno, "cannot read %s", f->blob->path);
    }
    if (n == 0) {
        return file_changed(f->blob, err);
    }
    f->next += (uint64_t)n;
    *n_read = (size_t)n;
    return KOC_OK;
}

static void file_close(void *self)
{
    file_reader *f = self;
    close(f->fd);
    koc__free(f);
}

static const koc__reader_vt file_reader_vt = {file_read, file_close};

static int open_bytes(const file_blob *b, uint64_t offset, koc_reader **out, koc_error **err)
{
    KOC__AUTO_FD fd = -1;
    file_reader *f;
    struct stat st;
    KOC__TRY(koc__fs_open_read(b->path, &fd, err));
    if (fstat(fd, &st) != 0) {
        return koc__error_errno(err, errno, "cannot read %s", b->path);
    }
    if (b->whole ? (uint64_t)st.st_size != b->size : (uint64_t)st.st_size < b->start + b->size) {
        return file_changed(b, err);
    }
    f = koc__malloc(sizeof(*f));
    if (!f) {
        return koc__oom(err);
    }
    *f = (file_reader){b, koc__steal_fd(&fd), b->start + offset, b->start + b->size};
    int rc = koc__reader_make(&file_reader_vt, f, out, err);
    if (rc != KOC_OK) {
        file_close(f);
    }
    return rc;
}

/* A verifying reader that names the file in its errors. */
typedef struct checked_reader {
    const file_blob *blob;
    koc_reader *inner; /* koc__reader_verify over file_reader */
} checked_reader;

static int checked_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    checked_reader *c = self;
    int rc = koc_reader_read(c->inner, buf, len, n_read, err);
    if (rc == KOC_EDIGEST) {
        if (c->blob->cached) {
            unlink(c->blob->path);
        }
        return koc__error_prefix(err, rc, "%s", c->blob->path);
    }
    return rc;
}

static void checked_close(void *self)
{
    checked_reader *c = self;
    koc_reader_free(c->inner);
    koc__free(c);
}

static const koc__reader_vt checked_reader_vt = {checked_read, checked_close};

static int open_checked(const file_blob *b, koc_reader **out, koc_error **err)
{
    KOC__AUTO(koc_reader) bytes = NULL;
    KOC__AUTO(koc_reader) verified = NULL;
    checked_reader *c;
    KOC__TRY(open_bytes(b, 0, &bytes, err));
    KOC__TRY(koc__reader_verify(bytes, b->size, &b->expect, &verified, err));
    (void)koc__steal(&bytes);
    c = koc__malloc(sizeof(*c));
    if (!c) {
        return koc__oom(err);
    }
    *c = (checked_reader){b, verified};
    int rc = koc__reader_make(&checked_reader_vt, c, out, err);

    if (rc != KOC_OK) {
        koc__free(c);
        return rc;
    }
    (void)koc__steal(&verified);
    return KOC_OK;
}

/* The digest covers the bytes before the offset also, so they are read. */
static int skip(koc_reader *r, uint64_t count, koc__call *call, koc_error **err)
{
    KOC__AUTO_STR scratch = koc__malloc(SKIP_STEP);
    if (!scratch) {
        return koc__oom(err);
    }
    while (count > 0) {
        size_t n = 0;

        KOC__TRY(koc__call_check(call, err));
        KOC__TRY(koc_reader_read(r, scratch, (size_t)KOC__MIN(count, SKIP_STEP), &n, err));
        count -= n;
    }
    return KOC_OK;
}

static int file_open(void *self, uint64_t offset, koc__call *call, koc_reader **out,
                     koc_error **err)
{
    const file_blob *b = self;
    KOC__AUTO(koc_reader) r = NULL;
    if (b->expect.algorithm == KOC_DIGEST_NONE || b->fresh) {
        return open_bytes(b, offset, out, err);
    }
    KOC__TRY(open_checked(b, &r, err));
    if (offset > 0) {
        KOC__TRY(skip(r, offset, call, err));
    }
    *out = koc__steal(&r);
    return KOC_OK;
}

static void file_release(void *self)
{
    file_blob *b = self;
    koc__free(b->path);
    koc__free(b);
}

static const char *file_path(const void *self)
{
    const file_blob *b = self;
    return b->whole ? b->path : NULL;
}

static const koc__blob_vt file_blob_vt = {file_open, file_release, file_path};

static int make_file_blob(const char *path, const file_blob *like, koc_blob **out, koc_error **err)
{
    file_blob *b = koc__malloc(sizeof(*b));
    if (!b) {
        return koc__oom(err);
    }
    *b = *like;
    b->path = koc__strdup(path);
    int rc =
        b->path ? koc__blob_make(&file_blob_vt, b, b->size, &b->expect, out, err) : koc__oom(err);
    if (rc != KOC_OK) {
        file_release(b);
    }
    return rc;
}

int koc_blob_from_file(const char *path, const koc_digest *expect, koc_blob **out, koc_error **err)
{
    file_blob like = {.whole = true};
    struct stat st;
    if (!path || !out) {
        return koc__misuse(err, "koc_blob_from_file: path or out is NULL");
    }
    if (stat(path, &st) != 0) {
        return koc__error_errno(err, errno, "cannot open %s", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return koc__error(err, KOC_EINVAL, "%s is %s, not a regular file", path, koc__fs_kind(&st));
    }
    like.size = (uint64_t)st.st_size;
    if (expect) {
        like.expect = *expect;
    }
    return make_file_blob(path, &like, out, err);
}

int koc__blob_from_file_part(const char *path, uint64_t start, uint64_t size,
                             const koc_digest *expect, koc_blob **out, koc_error **err)
{
    file_blob like = {.start = start, .size = size};
    if (start > INT64_MAX || size > INT64_MAX - start) {
        return koc__error(err, KOC_EINVAL, "%s cannot have a part that large", path);
    }
    if (expect) {
        like.expect = *expect;
    }
    return make_file_blob(path, &like, out, err);
}

int koc__blob_from_cached_file(const char *path, uint64_t size, const koc_digest *expect,
                               bool fresh, koc_blob **out, koc_error **err)
{
    file_blob like = {
        .size = size, .whole = true, .cached = true, .fresh = fresh, .expect = *expect};

    return make_file_blob(path, &like, out, err);
}

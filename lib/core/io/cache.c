/* Records and blobs. */
#include "core/common.h"

#include "core/io/cache.h"

#include <fcntl.h>

#include "core/env.h"
#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/cache_layout.h"
#include "core/io/fs_open.h"
#include "core/io/io.h"
#include "core/path.h"
#include "core/str.h"
#include "core/text.h"

/* "koc-record-1 <64 hex>\n", then the value. */
#define RECORD_MAGIC "koc-record-1 "
enum { MAGIC_LEN = sizeof(RECORD_MAGIC) - 1, HEADER_LEN = MAGIC_LEN + 64 + 1 };

static int default_dir(char **out, koc_error **err)
{
    const char *named = koc__env_nonempty("KOCACHE");
    KOC__AUTO_STR parent = named ? koc__strdup(named) : koc__xdg("XDG_CACHE_HOME", ".cache");
    if (!parent) {
        return named ? koc__oom(err)
                     : koc__no_home(err, "cannot locate the cache: HOME is not set");
    }
    *out = koc__path_join(parent, "koc");
    return *out ? KOC_OK : koc__oom(err);
}

/* Creates the directory, or checks that no other user can write to an existing one and so put content into
 * images. */
static int prepare(const koc__cache *c, koc_error **err)
{
    struct stat st;
    if (stat(c->root, &st) != 0) {
        KOC__AUTO_STR tmp = koc__path_join(c->root, "tmp");

        if (!tmp) {
            return koc__oom(err);
        }
        KOC__TRY(koc__fs_mkdirs(tmp, 0700, err));
        if (stat(c->root, &st) != 0) {
            return koc__error_errno(err, errno, "cannot open the cache %s", c->root);
        }
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        return koc__error(err, KOC_EINVAL, "the cache %s belongs to another user", c->root);
    }
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return koc__error(
            err, KOC_EINVAL,
            "other users can write to the cache %s (mode %04o), so its content cannot be trusted: "
            "remove it, and koc creates a new one",
            c->root, (unsigned)(st.st_mode & 07777));
    }
    if (faccessat(AT_FDCWD, c->root, W_OK | X_OK, AT_EACCESS) != 0) {
        return koc__error_errno(err, errno, "cannot write to the cache %s", c->root);
    }
    return KOC_OK;
}

int koc__cache_open(const char *dir, koc__cache **out, koc_error **err)
{
    KOC__AUTO_STR chosen = NULL;
    koc__cache *c;
    if (dir) {
        chosen = koc__strdup(dir);
        if (!chosen) {
            return koc__oom(err);
        }
    } else {
        KOC__TRY(default_dir(&chosen, err));
    }
    c = koc__calloc(1, sizeof(*c));
    if (!c) {
        return koc__oom(err);
    }
    int rc = koc__path_abs(chosen, &c->dir, err);
    if (rc == KOC_OK) {
        c->root = koc__path_join(c->dir, "v1");
        rc = c->root ? prepare(c, err) : koc__oom(err);
    }
    if (rc != KOC_OK) {
        koc__cache_free(c);
        return rc;
    }
    *out = c;
    return KOC_OK;
}

void koc__cache_free(koc__cache *c)
{
    if (c) {
        koc__free(c->dir);
        koc__free(c->root);
        koc__free(c);
    }
}

void koc__cache_set_off(koc__cache *c, bool off)
{
    atomic_store(&c->off, off);
}

bool koc__cache_is_on(const koc__cache *c)
{
    return c && !atomic_load(&c->off);
}

bool koc__cache_is_to_blame(const koc__cache *c, const koc_error *e)
{
    const char *detail = koc_error_detail(e);
    return koc__cache_is_on(c) && (strstr(koc_error_message(e), c->root) != NULL ||
                                   (detail && strstr(detail, c->root) != NULL));
}

static int is_off(koc_error **err)
{
    return koc__error(err, KOC_ENOTFOUND, "there is no cache");
}

int64_t koc__cache_last_use(const struct stat *st)
{
    return S_ISDIR(st->st_mode) ? (int64_t)st->st_mtime
                                : KOC__MAX((int64_t)st->st_atime, (int64_t)st->st_mtime);
}

/* Records the use if the last one is long ago or, after the clock was set back, in the future. */
static void touch(const char *path, const struct stat *st)
{
    struct timespec times[2] = {{0, UTIME_NOW}, {0, S_ISDIR(st->st_mode) ? UTIME_NOW : UTIME_OMIT}};
    int64_t age = koc__now() - koc__cache_last_use(st);
    if (age > KOC__CACHE_TOUCH_AFTER || age < 0) {
        (void)utimensat(AT_FDCWD, path, times, 0);
    }
}

char *koc__cache_path(const koc__cache *c, const char *area, const char *kind, char separator,
                      koc_str key)
{
    koc_digest d;
    koc__sha256_of(key.ptr, key.len, &d);
    return koc__format("%s/%s/%s%c%s", c->root, area, kind, separator, koc__digest_hex(&d).s);
}

static char *blob_path(const koc__cache *c, const koc_digest *d)
{
    return koc__format("%s/blobs/%s/%s", c->root,
                       d->algorithm == KOC_DIGEST_SHA512 ? "sha512" : "sha256",
                       koc__digest_hex(d).s);
}

/* Renames t to path; creates the directory if it is missing. */
static int publish(koc__tempfile *t, const char *path, koc_error **err)
{
    KOC__AUTO_STR parent = NULL;
    int rc = koc__tempfile_publish(t, path, 0600, NULL);
    if (rc == KOC_OK) {
        return KOC_OK;
    }
    parent = koc__str_dup(koc__path_dir(koc__str(path)));
    if (!parent) {
        return koc__oom(err);
    }
    KOC__TRY(koc__fs_mkdirs(parent, 0700, err));
    return koc__tempfile_publish(t, path, 0600, err);
}

static int new_tempfile(const koc__cache *c, koc__tempfile *out, koc_error **err)
{
    KOC__AUTO_STR tmp = koc__path_join(c->root, "tmp");
    if (!tmp) {
        return koc__oom(err);
    }
    return koc__tempfile_new(tmp, out, err);
}

/* The checksum in the header includes the name: a record under a wrong name is not found. */
static void make_header(const char *kind, koc_str key, koc_str value, char out[HEADER_LEN + 1])
{
    koc__sha256 h;
    koc_digest d;
    koc__sha256_of(key.ptr, key.len, &d);
    koc__sha256_init(&h);
    koc__sha256_update(&h, kind, strlen(kind) + 1);
    koc__sha256_update(&h, d.bytes, 32);
    koc__sha256_update(&h, value.ptr, value.len);
    koc__sha256_digest(&h, &d);
    memcpy(out, RECORD_MAGIC, MAGIC_LEN);
    koc__hex(d.bytes, 32, out + MAGIC_LEN);
    out[HEADER_LEN - 1] = '\n';
    out[HEADER_LEN] = '\0';
}

/* Reads a whole record; *out stays NULL if it is missing or cannot be read. */
static int read_record(const char *path, size_t max, char header[HEADER_LEN + 1], char **out,
                       size_t *out_len, koc_error **err)
{
    KOC__AUTO_FD fd = koc__fs_open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    KOC__AUTO_STR value = NULL;
    size_t len, n = 0;
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < HEADER_LEN ||
        (uintmax_t)st.st_size - HEADER_LEN > max) {
        return KOC_OK;
    }
    len = (size_t)st.st_size - HEADER_LEN;
    value = koc__malloc(len + 1);
    if (!value) {
        return koc__oom(err);
    }
    if (koc__fs_read_fd(fd, header, HEADER_LEN, &n, path, NULL) != KOC_OK || n != HEADER_LEN ||
        koc__fs_read_fd(fd, value, len, &n, path, NULL) != KOC_OK || n != len) {
        return KOC_OK;
    }
    touch(path, &st);
    value[len] = '\0';
    *out_len = len;
    *out = koc__steal(&value);
    return KOC_OK;
}

int koc__cache_get(koc__cache *c, const char *kind, koc_str key, size_t max, bool *found,
                   koc_buf *out, koc_error **err)
{
    char header[HEADER_LEN + 1] = "", expected[HEADER_LEN + 1];
    KOC__AUTO_STR path = NULL;
    KOC__AUTO_STR value = NULL;
    size_t len = 0;
    if (!koc__cache_is_on(c)) {
        *found = false;
        return KOC_OK;
    }
    path = koc__cache_path(c, "records", kind, '/', key);
    if (!path) {
        return koc__oom(err);
    }
    KOC__TRY(read_record(path, max, header, &value, &len, err));
    if (value) {
        make_header(kind, key, koc__str_n(value, len), expected);
    }
    if (!value || memcmp(header, expected, HEADER_LEN) != 0) {
        *found = false;
        return KOC_OK;
    }
    koc_buf_dispose(out);
    *out = (koc_buf){koc__steal(&value), len, len + 1};
    *found = true;
    return KOC_OK;
}

int koc__cache_put(koc__cache *c, const char *kind, koc_str key, koc_str value, koc_error **err)
{
    KOC__AUTO_VAL(koc__tempfile) t = KOC__TEMPFILE_INIT;
    KOC__AUTO_STR path = NULL;
    char header[HEADER_LEN + 1];
    if (!koc__cache_is_on(c)) {
        return KOC_OK;
    }
    path = koc__cache_path(c, "records", kind, '/', key);
    if (!path) {
        return koc__oom(err);
    }
    make_header(kind, key, value, header);
    KOC__TRY(new_tempfile(c, &t, err));
    KOC__TRY(koc__fs_write_fd(t.fd, header, HEADER_LEN, path, err));
    KOC__TRY(koc__fs_write_fd(t.fd, value.ptr, value.len, path, err));
    return publish(&t, path, err);
}

int koc__cache_drop(koc__cache *c, const char *kind, koc_str key, koc_error **err)
{
    KOC__AUTO_STR path = NULL;
    if (!c) {
        return KOC_OK;
    }
    path = koc__cache_path(c, "records", kind, '/', key);
    return path ? koc__fs_remove(path, err) : koc__oom(err);
}

/* Whether path is a file of that size; one of another size is removed. */
static bool usable(const char *path, uint64_t size)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        return false;
    }
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size) {
        (void)unlink(path);
        return false;
    }
    touch(path, &st);
    return true;
}

bool koc__cache_has_blob(koc__cache *c, const koc_digest *d, uint64_t size)
{
    KOC__AUTO_STR path = koc__cache_is_on(c) ? blob_path(c, d) : NULL;
    return path && usable(path, size);
}

static int find_blob(koc__cache *c, const koc_digest *d, uint64_t size, bool fresh, koc_blob **out,
                     koc_error **err)
{
    KOC__AUTO_STR path = NULL;
    if (fresh || koc__cache_is_on(c)) {
        path = blob_path(c, d);
        if (!path) {
            return koc__oom(err);
        }
    }
    if (!path || !usable(path, size)) {
        return koc__error(err, KOC_ENOTFOUND, "%s is not in the cache", koc__digest_str(d).s);
    }
    return koc__blob_from_cached_file(path, size, d, fresh, out, err);
}

int koc__cache_blob(koc__cache *c, const koc_digest *d, uint64_t size, koc_blob **out,
                    koc_error **err)
{
    return find_blob(c, d, size, false, out, err);
}

int koc__cache_fresh_blob(koc__cache *c, const koc_digest *d, uint64_t size, koc_blob **out,
                          koc_error **err)
{
    return find_blob(c, d, size, true, out, err);
}

int koc__cache_put_bytes(koc__cache *c, const koc_digest *d, koc_str data, koc_error **err)
{
    KOC__AUTO_VAL(koc__tempfile) t = KOC__TEMPFILE_INIT;
    if (!koc__cache_is_on(c) || koc__cache_has_blob(c, d, data.len)) {
        return KOC_OK;
    }
    KOC__TRY(new_tempfile(c, &t, err));
    KOC__TRY(koc__fs_write_fd(t.fd, data.ptr, data.len, t.path, err));
    return koc__cache_put_file(c, d, &t, err);
}

int koc__cache_tempfile(koc__cache *c, koc__tempfile *out, koc_error **err)
{
    if (!c) {
        return koc__misuse(err, "koc__cache_tempfile: there is no cache");
    }
    return new_tempfile(c, out, err);
}

int koc__cache_put_file(koc__cache *c, const koc_digest *d, koc__tempfile *t, koc_error **err)
{
    KOC__AUTO_STR path = NULL;
    if (!c) {
        return koc__misuse(err, "koc__cache_put_file: there is no cache");
    }
    path = blob_path(c, d);
    return path ? publish(t, path, err) : koc__oom(err);
}

int koc__cache_directory(koc__cache *c, const char *kind, koc_str key, char **out, koc_error **err)
{
    KOC__AUTO_STR path = NULL;
    struct stat st;
    if (!koc__cache_is_on(c)) {
        return is_off(err);
    }
    path = koc__cache_path(c, "files", kind, '/', key);
    if (!path) {
        return koc__oom(err);
    }
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        touch(path, &st);
    } else {
        KOC__TRY(koc__fs_mkdirs(path, 0700, err));
    }
    *out = koc__steal(&path);
    return KOC_OK;
}

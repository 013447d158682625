/* Opening, reading, writing, listing. Temporary files: fs_temp.c; removal: fs_remove.c. */
#include "core/common.h"

#include "core/io/fs.h"
#include "core/io/fs_open.h"

#include <fcntl.h>

#include "core/env.h"
#include "core/run/call.h"
#include "core/str.h"
#include "core/text.h"

enum { READ_STEP = 64 * 1024, STREAM_WAIT_MS = 10 * 1000 };

const char *koc__fs_kind(const struct stat *st)
{
    switch (st->st_mode & S_IFMT) {
    case S_IFREG: return NULL;
    case S_IFDIR: return "a directory";
    case S_IFIFO: return "a FIFO";
    case S_IFSOCK: return "a socket";
    default: return "a device";
    }
}

static bool is_null_device(const struct stat *st)
{
    struct stat null;
    return S_ISCHR(st->st_mode) && stat("/dev/null", &null) == 0 && null.st_rdev == st->st_rdev;
}

int koc__fs_openat(int dir, const char *path, int flags, mode_t mode)
{
    int fd;
    do {
        fd = openat(dir, path, flags, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

int koc__fs_open(const char *path, int flags, mode_t mode)
{
    return koc__fs_openat(AT_FDCWD, path, flags, mode);
}

/* Without O_NONBLOCK open() of a FIFO without a writer would block for ever. */
static int open_now(const char *path, int *out_fd, struct stat *st, koc_error **err)
{
    KOC__AUTO_FD fd = koc__fs_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (fd < 0 && errno == ENOENT && lstat(path, st) == 0) {
        return koc__error(err, KOC_ENOTFOUND, "cannot open %s: it is a dangling link", path);
    }
    if (fd < 0 || fstat(fd, st) != 0) {
        return koc__error_errno(err, errno, "cannot open %s", path);
    }
    if (S_ISDIR(st->st_mode)) {
        return koc__error_errno(err, EISDIR, "cannot open %s", path);
    }
    *out_fd = koc__steal_fd(&fd);
    return KOC_OK;
}

int koc__fs_open_read(const char *path, int *out_fd, koc_error **err)
{
    KOC__AUTO_FD fd = -1;
    struct stat st;
    KOC__TRY(open_now(path, &fd, &st, err));
    if (!S_ISREG(st.st_mode) && !is_null_device(&st)) {
        return koc__error(err, KOC_EINVAL, "%s is %s, not a regular file", path, koc__fs_kind(&st));
    }
    *out_fd = koc__steal_fd(&fd);
    return KOC_OK;
}

int koc__fs_open_stream(const char *path, int *out_fd, koc_error **err)
{
    struct stat st;
    if (!koc__streq(path, "-")) {
        return open_now(path, out_fd, &st, err);
    }
    *out_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    return *out_fd >= 0 ? KOC_OK : koc__error_errno(err, errno, "cannot read stdin");
}

/* A FIFO is also empty until its first writer opens it. */
static int wait_readable(int fd, const char *what, koc__call *call, int64_t until, koc_error **err)
{
    for (;;) {
        struct pollfd set[3] = {{.fd = fd, .events = POLLIN}};
        size_t n = 1 + koc__call_fds(call, set + 1);
        int64_t left = until - koc__monotonic_ms();

        KOC__TRY(koc__call_check(call, err));
        if (!call && left <= 0) {
            return koc__error(err, KOC_ETIMEOUT, "cannot read %s: nothing was written to it", what);
        }
        int rc = poll(set, n, call ? koc__call_timeout(call, -1) : (int)left);

        if (rc < 0 && errno != EINTR) {
            return koc__error_errno(err, errno, "cannot read %s", what);
        }
        if (rc > 0 && set[0].revents) {
            return KOC_OK;
        }
    }
}

int koc__fs_read_stream(int fd, void *buf, size_t len, size_t *n_read, const char *what,
                        koc__call *call, koc_error **err)
{
    const int64_t until = koc__monotonic_ms() + STREAM_WAIT_MS;
    size_t done = 0;
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        return koc__fs_read_fd(fd, buf, len, n_read, what, err);
    }
    while (done < len) {
        KOC__TRY(wait_readable(fd, what, call, until, err));
        ssize_t n = read(fd, (char *)buf + done, KOC__MIN(len - done, (size_t)1 << 30));

        if (n == 0) {
            break;
        }
        if (n > 0) {
            done += (size_t)n;
        } else if (errno != EINTR && errno != EAGAIN) {
            return koc__error_errno(err, errno, "cannot read %s", what);
        }
    }
    *n_read = done;
    return KOC_OK;
}

int koc__fs_read_fd(int fd, void *buf, size_t len, size_t *n_read, const char *what,
                    koc_error **err)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = read(fd, (char *)buf + done, KOC__MIN(len - done, (size_t)1 << 30));

        if (n == 0) {
            break;
        }
        if (n > 0) {
            done += (size_t)n;
        } else if (errno != EINTR) {
            return koc__error_errno(err, errno, "cannot read %s", what);
        }
    }
    *n_read = done;
    return KOC_OK;
}

int koc__fs_write_fd(int fd, const void *data, size_t len, const char *what, koc_error **err)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, KOC__MIN(len, (size_t)1 << 30));

        if (n >= 0) {
            p += n;
            len -= (size_t)n;
        } else if (errno != EINTR) {
            return koc__error_errno(err, errno, "cannot write %s", what);
        }
    }
    return KOC_OK;
}

static int too_large(const char *path, size_t max, koc_error **err)
{
    return koc__error(err, KOC_ELIMIT, "%s has more than %zu bytes", path, max);
}

/* Appends the rest of fd, at most room bytes. expected is an estimate of its length. */
static int read_rest(int fd, const char *path, size_t room, size_t expected, koc__call *call,
                     koc__dynbuf *out, koc_error **err)
{
    size_t left = room;
    for (;;) {
        /* One more than expected, so that the same read detects the end. */
        size_t step = KOC__MIN(left, expected > 0 ? expected + 1 : READ_STEP);
        size_t n = 0;
        char extra;

        expected = 0;
        if (step == 0) {
            KOC__TRY(koc__fs_read_stream(fd, &extra, 1, &n, path, call, err));
            return n == 0 ? KOC_OK : too_large(path, room, err);
        }
        KOC__TRY(koc__dynbuf_reserve(out, step, err));
        KOC__TRY(koc__fs_read_stream(fd, out->ptr + out->len, step, &n, path, call, err));
        out->len += n;
        out->ptr[out->len] = '\0';
        left -= n;
        if (n < step) {
            return KOC_OK;
        }
    }
}

static int read_whole(int fd, const char *path, koc__call *call, koc__dynbuf *out, koc_error **err)
{
    size_t start = out->len;
    size_t room = out->max - KOC__MIN(out->max, start);
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return koc__error_errno(err, errno, "cannot read %s", path);
    }
    if (S_ISREG(st.st_mode) && (uintmax_t)st.st_size > room) {
        return too_large(path, room, err);
    }
    int rc =
        read_rest(fd, path, room, S_ISREG(st.st_mode) ? (size_t)st.st_size : 0, call, out, err);

    if (rc != KOC_OK) {
        out->len = start;
        if (out->ptr) {
            out->ptr[start] = '\0';
        }
    }
    return rc;
}

int koc__fs_read_file(const char *path, koc__dynbuf *out, koc_error **err)
{
    KOC__AUTO_FD fd = -1;
    KOC__TRY(koc__fs_open_read(path, &fd, err));
    return read_whole(fd, path, NULL, out, err);
}

int koc__fs_read_any(const char *path, koc__call *call, koc__dynbuf *out, koc_error **err)
{
    KOC__AUTO_FD fd = -1;
    KOC__TRY(koc__fs_open_stream(path, &fd, err));
    return read_whole(fd, koc__streq(path, "-") ? "stdin" : path, call, out, err);
}

int koc__fs_mkdirs(const char *path, mode_t mode, koc_error **err)
{
    KOC__AUTO_STR prefix = NULL;
    if (mkdir(path, mode) == 0 || koc__fs_is_dir(path)) {
        return KOC_OK;
    }
    prefix = koc__strdup(path);
    if (!prefix) {
        return koc__oom(err);
    }
    for (char *p = prefix + 1; prefix[0] && *p; p++) {
        if (*p != '/') {
            continue;
        }
        *p = '\0';
        if (mkdir(prefix, mode) != 0 && !koc__fs_is_dir(prefix)) {
            return koc__error_errno(err, errno == EEXIST ? ENOTDIR : errno,
                                    "cannot create the directory %s", prefix);
        }
        *p = '/';
    }
    if (mkdir(path, mode) != 0 && !koc__fs_is_dir(path)) {
        return koc__error_errno(err, errno == EEXIST ? ENOTDIR : errno,
                                "cannot create the directory %s", path);
    }
    return KOC_OK;
}

/*
 * What cannot be looked at for a passing reason (no memory, a failing disk) counts as there: who opens it next
 * reports why, and nothing is left out or overwritten because of it. Keeps errno, so that it can be called between a
 * failure and its report.
 */
static bool is_there(const char *path, mode_t kind)
{
    int before = errno;
    struct stat st;
    bool found = stat(path, &st) == 0 ? kind == 0 || (st.st_mode & S_IFMT) == kind
                                      : errno == EIO || errno == ENOMEM || errno == ESTALE;
    errno = before;
    return found;
}

bool koc__fs_exists(const char *path)
{
    return is_there(path, 0);
}

bool koc__fs_is_dir(const char *path)
{
    return is_there(path, S_IFDIR);
}

bool koc__fs_is_file(const char *path)
{
    return is_there(path, S_IFREG);
}

int koc__fs_realpath(const char *path, char **out, koc_error **err)
{
    char *real = realpath(path, NULL);
    if (!real) {
        return koc__error_errno(err, errno, "cannot resolve %s", path);
    }
    *out = real;
    return KOC_OK;
}

int koc__fs_list(const char *path, koc_strlist **out, koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    KOC__AUTO(DIR) dir = opendir(path);
    if (!dir) {
        return koc__error_errno(err, errno, "cannot list %s", path);
    }
    KOC__TRY(koc__strlist_new(&names, err));
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);

        if (!entry) {
            break;
        }
        if (!koc__streq(entry->d_name, ".") && !koc__streq(entry->d_name, "..")) {
            KOC__TRY(koc__strlist_add(names, entry->d_name, err));
        }
    }
    if (errno != 0) {
        return koc__error_errno(err, errno, "cannot list %s", path);
    }
    koc__strlist_sort(names);
    *out = koc__steal(&names);
    return KOC_OK;
}

static int64_t nanoseconds(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

void koc__stamp_of(const struct stat *st, koc__stamp *out)
{
    *out = (koc__stamp){
        .size = (uint64_t)st->st_size,
#ifdef __APPLE__
        .mtime_ns = nanoseconds(&st->st_mtimespec),
        .ctime_ns = nanoseconds(&st->st_ctimespec),
#else
        .mtime_ns = nanoseconds(&st->st_mtim),
        .ctime_ns = nanoseconds(&st->st_ctim),
#endif
        .inode = (uint64_t)st->st_ino,
        .device = (uint64_t)st->st_dev,
        .mode = (uint32_t)st->st_mode,
    };
}

int koc__fs_stamp(const char *path, bool follow, koc__stamp *out, koc_error **err)
{
    struct stat st;
    if ((follow ? stat(path, &st) : lstat(path, &st)) != 0) {
        return koc__error_errno(err, errno, "cannot look at %s", path);
    }
    koc__stamp_of(&st, out);
    return KOC_OK;
}

bool koc__stamp_equal(const koc__stamp *a, const koc__stamp *b)
{
    return a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
           a->inode == b->inode && a->device == b->device && a->mode == b->mode;
}

/* Output files that a user named: see outfile.h. */
#include "core/common.h"

#include "core/io/fs_open.h"
#include "core/io/outfile.h"

#include <fcntl.h>
#include <poll.h>

#include "core/env.h"
#include "core/path.h"
#include "core/str.h"

enum { LINKS_MAX = 40, LINK_LEN = 4096, READER_WAIT_MS = 50, COPY = 256 * 1024 };

/* --- the target of a path --- */

/* The number in "/dev/fd/3", "/proc/self/fd/3", "/dev/stdout"; -1: it is another path. Such a name means the
 * descriptor, whose position a file of its own would not share. */
static int descriptor_of(const char *path)
{
    static const char *const directories[] = {"/dev/fd/", "/proc/self/fd/"};
    uint64_t n = 0;
    if (koc__streq(path, "-") || koc__streq(path, "/dev/stdout")) {
        return STDOUT_FILENO;
    }
    if (koc__streq(path, "/dev/stderr")) {
        return STDERR_FILENO;
    }
    for (size_t i = 0; i < KOC__COUNT(directories); i++) {
        koc_str rest = koc__str(path);

        if (koc__str_starts(rest, directories[i]) &&
            koc__str_u64(koc__str_from(rest, strlen(directories[i])), &n) && n <= INT32_MAX) {
            return (int)n;
        }
    }
    return -1;
}

/* Links are followed by hand, because the last one may be dangling. */
static int follow(const char *path, char **out, koc_error **err)
{
    KOC__AUTO_STR at = koc__strdup(path);
    for (int i = 0; at && i < LINKS_MAX; i++) {
        char link[LINK_LEN];
        ssize_t n = readlink(at, link, sizeof(link) - 1);

        if (n < 0) {
            *out = koc__steal(&at);
            return KOC_OK;
        }
        link[n] = '\0';
        koc_str dir = koc__path_dir(koc__str(at));
        char *next =
            link[0] == '/' ? koc__strdup(link) : koc__format("%.*s/%s", KOC__FMT(dir), link);

        koc__free(at);
        at = next;
    }
    return at ? koc__error_errno(err, ELOOP, "cannot write %s", path) : koc__oom(err);
}

/* Looks at an existing file: which attributes are kept, and how it can be replaced. */
static int check_existing(koc__outfile *f, const struct stat *st, koc_error **err)
{
    struct stat parent;
    koc_str directory = koc__path_dir(koc__str(f->target));
    KOC__AUTO_STR dir = koc__str_dup(directory);
    if (!dir) {
        return koc__oom(err);
    }
    if (S_ISDIR(st->st_mode)) {
        return koc__error(err, KOC_EINVAL, "cannot write %s: it is a directory", f->name);
    }
    if (access(f->target, W_OK) != 0) {
        return koc__error_errno(err, errno, "cannot write %s", f->name);
    }
    f->direct = !S_ISREG(st->st_mode);
    f->uid = st->st_uid;
    f->gid = st->st_gid;
    if ((f->mode & 077) != 0) {
        f->mode = st->st_mode & 07777;
    }
    /* A single file that is mounted into a container cannot be renamed over. */
    f->in_place =
        access(dir, W_OK | X_OK) != 0 || (stat(dir, &parent) == 0 && parent.st_dev != st->st_dev);
    return KOC_OK;
}

/* Checks the place of a new file: missing directories will be created in the nearest one that exists. */
static int check_directory(const koc__outfile *f, koc_error **err)
{
    KOC__AUTO_STR directory = koc__str_dup(koc__path_dir(koc__str(f->target)));
    while (directory && !koc__fs_exists(directory)) {
        char *up = koc__str_dup(koc__path_dir(koc__str(directory)));

        koc__free(directory);
        directory = up;
    }
    if (!directory) {
        return koc__oom(err);
    }
    if (!koc__fs_is_dir(directory)) {
        return koc__error_errno(err, ENOTDIR, "cannot write %s", f->name);
    }
    return access(directory, W_OK | X_OK) == 0
               ? KOC_OK
               : koc__error_errno(err, errno, "cannot write %s", f->name);
}

int koc__outfile_open(const char *name, mode_t mode, koc_cancel *cancel, koc__outfile *out,
                      koc_error **err)
{
    KOC__AUTO_VAL(koc__outfile) f = KOC__OUTFILE_INIT;
    int number = descriptor_of(name);
    struct stat st;
    f.name = koc__strdup(number == STDOUT_FILENO ? "stdout" : name);
    f.mode = mode;
    f.cancel = koc_cancel_ref(cancel);
    if (!f.name) {
        return koc__oom(err);
    }
    if (number >= 0) {
        f.direct = true;
        f.fd = fcntl(number, F_DUPFD_CLOEXEC, 0);
        if (f.fd < 0) {
            return koc__error_errno(err, errno, "cannot write %s", name);
        }
    } else {
        KOC__TRY(follow(name, &f.target, err));
        if (stat(f.target, &st) == 0) {
            KOC__TRY(check_existing(&f, &st, err));
        } else if (errno != ENOENT) {
            return koc__error_errno(err, errno, "cannot write %s", name);
        } else {
            KOC__TRY(check_directory(&f, err));
        }
    }
    *out = f;
    f = (koc__outfile)KOC__OUTFILE_INIT;
    return KOC_OK;
}

/* --- writing --- */

static int cancelled(const koc__outfile *f, koc_error **err)
{
    return koc_cancel_is_triggered(f->cancel) ? koc__error(err, KOC_ECANCELLED, "cancelled")
                                              : KOC_OK;
}

/* Without O_NONBLOCK, opening a FIFO that has no reader would block for ever. */
static int open_direct(koc__outfile *f, koc_error **err)
{
    for (;;) {
        KOC__TRY(cancelled(f, err));
        f->fd = koc__fs_open(f->target, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
        if (f->fd >= 0) {
            return KOC_OK;
        }
        if (errno != ENXIO && errno != EINTR) {
            return koc__error_errno(err, errno, "cannot write %s", f->name);
        }
        (void)poll(NULL, 0, READER_WAIT_MS);
    }
}

static int begin(koc__outfile *f, koc_error **err)
{
    if (f->fd >= 0 || f->file.fd >= 0) {
        return KOC_OK;
    }
    if (f->direct) {
        return open_direct(f, err);
    }
    if (f->in_place) {
        const char *usual = koc__env_nonempty("TMPDIR");

        return koc__tempfile_new(usual ? usual : "/tmp", &f->file, err);
    }
    KOC__AUTO_STR dir = koc__str_dup(koc__path_dir(koc__str(f->target)));

    return dir ? koc__tempfile_lasting(dir, &f->file, err) : koc__oom(err);
}

/* A pipe may stay full for long: cancelling must end that wait also. */
static int write_direct(koc__outfile *f, const char *data, size_t len, koc_error **err)
{
    while (len > 0) {
        struct pollfd p = {.fd = f->fd, .events = POLLOUT};

        KOC__TRY(cancelled(f, err));
        if (f->cancel && poll(&p, 1, READER_WAIT_MS) <= 0) {
            continue;
        }
        ssize_t n = write(f->fd, data, KOC__MIN(len, (size_t)COPY));

        if (n >= 0) {
            data += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) {
            (void)poll(&p, 1, READER_WAIT_MS);
        } else if (errno != EINTR) {
            return koc__error_errno(err, errno, "cannot write %s", f->name);
        }
    }
    return KOC_OK;
}

int koc__outfile_write(koc__outfile *f, const void *data, size_t len, koc_error **err)
{
    KOC__TRY(begin(f, err));
    if (f->direct) {
        return write_direct(f, data, len, err);
    }
    return koc__fs_write_fd(f->file.fd, data, len, f->name, err);
}

/* --- finishing --- */

/* The new content is complete, in another directory, before the old content is overwritten. */
static int replace_content(const koc__outfile *f, koc_error **err)
{
    KOC__AUTO_FD in = -1;
    KOC__AUTO_FD fd = koc__fs_open(f->target, O_WRONLY | O_TRUNC | O_CLOEXEC, 0);
    KOC__AUTO_STR buf = koc__malloc(COPY);
    size_t n = 1;
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot write %s", f->name);
    }
    if (!buf) {
        return koc__oom(err);
    }
    KOC__TRY(koc__fs_open_read(f->file.path, &in, err));
    while (n > 0) {
        KOC__TRY(koc__fs_read_fd(in, buf, COPY, &n, f->file.path, err));
        KOC__TRY(koc__fs_write_fd(fd, buf, n, f->name, err));
    }
    (void)fsync(fd);
    return close(koc__steal_fd(&fd)) == 0 || errno == EINTR
               ? KOC_OK
               : koc__error_errno(err, errno, "cannot write %s", f->name);
}

int koc__outfile_finish(koc__outfile *f, koc_error **err)
{
    int rc;
    KOC__TRY(begin(f, err));
    if (f->direct) {
        rc = close(koc__steal_fd(&f->fd)) == 0 || errno == EINTR
                 ? KOC_OK
                 : koc__error_errno(err, errno, "cannot write %s", f->name);
    } else if (f->in_place) {
        rc = replace_content(f, err);
    } else {
        /* Only root can; for other users a failure changes nothing. */
        if (f->uid != (uid_t)-1 && fchown(f->file.fd, f->uid, f->gid) != 0) {
            f->mode &= 0777;
        }
        rc = koc__tempfile_publish(&f->file, f->target, f->mode, err);
    }
    koc__outfile_dispose(f);
    return rc;
}

void koc__outfile_dispose(koc__outfile *f)
{
    if (f->fd >= 0) {
        close(f->fd);
    }
    koc__tempfile_dispose(&f->file);
    koc_cancel_unref(f->cancel);
    koc__free(f->name);
    koc__free(f->target);
    *f = (koc__outfile)KOC__OUTFILE_INIT;
}

int koc__fs_replace_file(const char *path, koc_str content, mode_t mode, koc_error **err)
{
    KOC__AUTO_VAL(koc__outfile) f = KOC__OUTFILE_INIT;
    KOC__TRY(koc__outfile_open(path, mode, NULL, &f, err));
    KOC__TRY(koc__outfile_write(&f, content.ptr, content.len, err));
    return koc__outfile_finish(&f, err);
}

/* --- public --- */

struct koc_file {
    koc__outfile file;
};

int koc_file_new(const char *path, uint32_t mode, const koc_op *op, koc_file **out, koc_error **err)
{
    koc_file *f;
    if (!path || !*path || !out || mode > 0777) {
        return koc__misuse(err, "koc_file_new: path or out is NULL, or mode is not a file mode");
    }
    f = koc__malloc(sizeof(*f));
    if (!f) {
        return koc__oom(err);
    }
    f->file = (koc__outfile)KOC__OUTFILE_INIT;
    int rc =
        koc__outfile_open(path, mode ? (mode_t)mode : 0644, op ? op->cancel : NULL, &f->file, err);

    if (rc != KOC_OK) {
        koc__free(f);
        return rc;
    }
    *out = f;
    return KOC_OK;
}

int koc_file_write(void *file, const void *data, size_t len, koc_error **err)
{
    koc_file *f = file;
    if (!f || (!data && len > 0)) {
        return koc__misuse(err, "koc_file_write: file or data is NULL");
    }
    if (!f->file.name) {
        return koc__misuse(err, "koc_file_write: the file is finished");
    }
    return len > 0 ? koc__outfile_write(&f->file, data, len, err) : KOC_OK;
}

int koc_file_finish(koc_file *f, koc_error **err)
{
    if (!f || !f->file.name) {
        return koc__misuse(err, "koc_file_finish: f is NULL or finished");
    }
    return koc__outfile_finish(&f->file, err);
}

void koc_file_free(koc_file *f)
{
    if (f) {
        koc__outfile_dispose(&f->file);
        koc__free(f);
    }
}

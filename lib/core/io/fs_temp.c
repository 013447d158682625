/*
 * Temporary files and directories. A temporary file has mode 0600 and is beside its destination, to which it
 * is renamed, so readers see either the old content or the new. Files of the cache are not synced: a system
 * crash may lose them, which their checksums detect (cache.c). Files of the user are synced.
 */
#include "core/common.h"

#include "core/io/fs.h"

#include <fcntl.h>
#include <sys/file.h>

#include "core/env.h"
#include "core/io/fs_open.h"
#include "core/path.h"
#include "core/str.h"

#define TEMP_PREFIX ".koc-"
#define TEMP_NAME   TEMP_PREFIX "XXXXXX"
#define MODE_SUFFIX ".mode" /* see mode_under_umask */

enum { MAKE_TRIES = 100 };

/* path ends in TEMP_NAME, which becomes a name of its own. */
static int make_named(char *path)
{
    int fd;
    do {
        memcpy(path + strlen(path) - strlen(TEMP_NAME), TEMP_NAME, strlen(TEMP_NAME));
        fd = mkostemp(path, O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

int koc__tempfile_new(const char *dir, koc__tempfile *out, koc_error **err)
{
    KOC__AUTO_STR path = koc__path_join(dir, TEMP_NAME);
    KOC__AUTO_STR copy = koc__strdup(dir);
    if (!path || !copy) {
        return koc__oom(err);
    }
    int fd = make_named(path);

    if (fd < 0 && errno == ENOENT) {
        KOC__TRY(koc__fs_mkdirs(dir, 0777, err));
        fd = make_named(path);
    }
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot create a file in %s", dir);
    }
    *out = (koc__tempfile){fd, koc__steal(&path), koc__steal(&copy), -1, false};
    return KOC_OK;
}

int koc__tempfile_nameless(koc__tempfile *out, koc_error **err)
{
    const char *usual = koc__env_nonempty("TMPDIR");
    KOC__TRY(koc__tempfile_new(usual ? usual : "/tmp", out, err));
    unlink(out->path);
    koc__free(koc__steal(&out->path));
    return KOC_OK;
}

/* --- whose it is --- */

/* ".koc-XXXXXX", ".koc-XXXXXX.mode". */
static bool is_temp_name(const char *name)
{
    size_t len = strlen(name);
    return strncmp(name, TEMP_PREFIX, strlen(TEMP_PREFIX)) == 0 &&
           (len == strlen(TEMP_NAME) || (len == strlen(TEMP_NAME MODE_SUFFIX) &&
                                         koc__streq(name + strlen(TEMP_NAME), MODE_SUFFIX)));
}

/*
 * Removes a temporary file whose owner is gone. The owner holds a lock until the file is renamed, and the
 * kernel releases it with the process, on any host or in any container.
 */
static void sweep_one(int dir, const char *name)
{
    KOC__AUTO_FD fd = koc__fs_openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
        st.st_nlink == 1 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        (void)unlinkat(dir, name, 0);
    }
}

static void sweep(const char *path)
{
    KOC__AUTO(DIR) dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (is_temp_name(entry->d_name)) {
            sweep_one(dirfd(dir), entry->d_name);
        }
    }
}

/* false: another process removed the file before it was locked. */
static bool own(koc__tempfile *t)
{
    struct stat st;
    t->lock = fcntl(t->fd, F_DUPFD_CLOEXEC, 0); /* remains after fd is closed, until the rename */
    if (t->lock < 0 || (flock(t->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)) {
        return false;
    }
    return fstat(t->fd, &st) == 0 && st.st_nlink > 0;
}

int koc__tempfile_lasting(const char *dir, koc__tempfile *out, koc_error **err)
{
    sweep(dir);
    for (int i = 0; i < MAKE_TRIES; i++) {
        KOC__AUTO_VAL(koc__tempfile) t = KOC__TEMPFILE_INIT;

        KOC__TRY(koc__tempfile_new(dir, &t, err));
        if (own(&t)) {
            t.synced = true;
            *out = t;
            t = (koc__tempfile)KOC__TEMPFILE_INIT;
            return KOC_OK;
        }
    }
    return koc__error(err, KOC_EIO,
                      "cannot keep a file in %s: another process removes it repeatedly", dir);
}

/* --- giving it its name --- */

/*
 * The mode that open() would give under the umask. To read the umask one must change it for all threads, so a
 * second, empty file shows it instead.
 */
static int mode_under_umask(const char *beside, mode_t mode, mode_t *out, koc_error **err)
{
    KOC__AUTO_STR path = koc__format("%s" MODE_SUFFIX, beside);
    KOC__AUTO_FD fd = -1;
    struct stat st;
    if (!path) {
        return koc__oom(err);
    }
    fd = koc__fs_open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot make %s", path);
    }
    unlink(path);
    if (fstat(fd, &st) != 0) {
        return koc__error_errno(err, errno, "cannot look at %s", path);
    }
    *out = st.st_mode & 07777;
    return KOC_OK;
}

/* Some file systems do not support fsync, which is not a failed write. */
static bool is_synced(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL || errno == ENOSYS || errno == ENOTSUP;
}

/* Everything that can fail comes before the rename: network file systems and quotas report a failed write
 * only at fsync or close. */
static int complete(koc__tempfile *t, const char *path, mode_t mode, koc_error **err)
{
    if ((mode & 077) != 0) {
        KOC__TRY(mode_under_umask(t->path, mode, &mode, err));
    }
    if (mode != 0600 && fchmod(t->fd, mode) != 0) {
        return koc__error_errno(err, errno, "cannot set the mode of %s", t->path);
    }
    if (t->synced && !is_synced(t->fd)) {
        return koc__error_errno(err, errno, "cannot write %s", path);
    }
    if (close(koc__steal_fd(&t->fd)) != 0 && errno != EINTR) {
        return koc__error_errno(err, errno, "cannot write %s", path);
    }
    return KOC_OK;
}

int koc__tempfile_publish(koc__tempfile *t, const char *path, mode_t mode, koc_error **err)
{
    if (t->fd >= 0) { /* else only the rename failed, and the directory was created since */
        KOC__TRY(complete(t, path, mode, err));
    }
    if (rename(t->path, path) != 0) {
        return koc__error_errno(err, errno, "cannot write %s", path);
    }
    koc__free(t->path);
    t->path = NULL;
    koc__tempfile_dispose(t);
    return KOC_OK;
}

void koc__tempfile_dispose(koc__tempfile *t)
{
    if (t->fd >= 0) {
        close(t->fd);
    }
    if (t->path) {
        unlink(t->path);
    }
    if (t->lock >= 0) {
        close(t->lock);
    }
    koc__free(t->path);
    koc__free(t->dir);
    *t = (koc__tempfile)KOC__TEMPFILE_INIT;
}

int koc__fs_write_file(const char *path, koc_str content, mode_t mode, koc_error **err)
{
    KOC__AUTO_VAL(koc__tempfile) t = KOC__TEMPFILE_INIT;
    KOC__AUTO_STR dir = koc__str_dup(koc__path_dir(koc__str(path)));
    if (!dir) {
        return koc__oom(err);
    }
    KOC__TRY(koc__tempfile_new(dir, &t, err));
    KOC__TRY(koc__fs_write_fd(t.fd, content.ptr, content.len, path, err));
    return koc__tempfile_publish(&t, path, mode, err);
}

int koc__fs_tempdir_in(const char *parent, const char *prefix, char **out, koc_error **err)
{
    const char *usual = koc__env_nonempty("TMPDIR");
    const char *place = parent ? parent : usual ? usual : "/tmp";
    KOC__AUTO_STR path = NULL;
    KOC__TRY(koc__formatf(&path, err, "%s/%sXXXXXX", place, prefix));
    if (!mkdtemp(path)) {
        return koc__error_errno(err, errno, "cannot create a directory in %s", place);
    }
    *out = koc__steal(&path);
    return KOC_OK;
}

int koc__fs_tempdir(const char *prefix, char **out, koc_error **err)
{
    return koc__fs_tempdir_in(NULL, prefix, out, err);
}

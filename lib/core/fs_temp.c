/*
 * Files and folders in the making. A temporary file is made 0600 beside its destination and renamed,
 * so that readers see the old content or the new. There is no fsync: a crash of the machine may lose
 * the newest content, and what must not be lost that way carries a checksum (cache.c).
 */
#include "core/common.h"

#include "core/fs.h"

#include <fcntl.h>

#include "core/env.h"
#include "core/path.h"
#include "core/str.h"

#define TEMP_NAME ".koc-XXXXXX"

int koc__tempfile_new(const char *dir, koc__tempfile *out, koc_error **err)
{
    KOC__AUTO_STR path = koc__path_join(dir, TEMP_NAME);
    KOC__AUTO_STR copy = koc__strdup(dir);

    if (!path || !copy) {
        return koc__oom(err);
    }
    int fd = mkostemp(path, O_CLOEXEC);

    if (fd < 0 && errno == ENOENT) {
        KOC__TRY(koc__fs_mkdirs(dir, 0777, err));
        memcpy(path + strlen(path) - strlen(TEMP_NAME), TEMP_NAME, strlen(TEMP_NAME));
        fd = mkostemp(path, O_CLOEXEC);
    }
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot make a file in %s", dir);
    }
    *out = (koc__tempfile){fd, koc__steal(&path), koc__steal(&copy)};
    return KOC_OK;
}

/*
 * The mode that open() would give under the umask. Asking for the umask means changing it for all
 * threads, so a second, empty file shows it instead.
 */
static int mode_under_umask(const char *beside, mode_t mode, mode_t *out, koc_error **err)
{
    KOC__AUTO_STR path = koc__format("%s.mode", beside);
    KOC__AUTO_FD fd = -1;
    struct stat st;

    if (!path) {
        return koc__oom(err);
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
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

int koc__tempfile_publish(koc__tempfile *t, const char *path, mode_t mode, koc_error **err)
{
    if ((mode & 077) != 0) {
        KOC__TRY(mode_under_umask(t->path, mode, &mode, err));
    }
    if (mode != 0600 && fchmod(t->fd, mode) != 0) {
        return koc__error_errno(err, errno, "cannot set the mode of %s", t->path);
    }
    if (rename(t->path, path) != 0) {
        return koc__error_errno(err, errno, "cannot write %s", path);
    }
    koc__free(t->path);
    t->path = NULL;
    /* Some file systems tell of a failed write only here. */
    if (close(koc__steal_fd(&t->fd)) != 0 && errno != EINTR) {
        int rc = koc__error_errno(err, errno, "cannot write %s", path);

        unlink(path);
        koc__tempfile_dispose(t);
        return rc;
    }
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
    KOC__AUTO_STR path = koc__format("%s/%sXXXXXX", place, prefix);

    if (!path) {
        return koc__oom(err);
    }
    if (!mkdtemp(path)) {
        return koc__error_errno(err, errno, "cannot make a folder in %s", place);
    }
    *out = koc__steal(&path);
    return KOC_OK;
}

int koc__fs_tempdir(const char *prefix, char **out, koc_error **err)
{
    return koc__fs_tempdir_in(NULL, prefix, out, err);
}

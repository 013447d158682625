/*
 * Locks between processes and threads: one flock on one file each, which the system releases when a process
 * is killed. Pruning removes lock files, but only while it holds the lock, so a new holder checks whether the
 * file still has its name.
 */
#include "core/common.h"

#include <fcntl.h>
#include <sys/file.h>

#include "core/io/cache_layout.h"
#include "core/io/fs_open.h"
#include "core/path.h"
#include "core/run/call.h"
#include "core/str.h"

/* Whether path still names the file behind fd: a lock on a removed file excludes no other process. */
static bool still_named(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
           a.st_dev == b.st_dev;
}

static int open_lock_file(const char *path, int *out_fd, koc_error **err)
{
    int fd = koc__fs_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT) {
        KOC__AUTO_STR parent = koc__str_dup(koc__path_dir(koc__str(path)));

        if (!parent) {
            return koc__oom(err);
        }
        KOC__TRY(koc__fs_mkdirs(parent, 0700, err));
        fd = koc__fs_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    }
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot open the lock %s", path);
    }
    *out_fd = fd;
    return KOC_OK;
}

int koc__cache_try_lock(const char *path, int *out_fd, koc_error **err)
{
    for (;;) {
        KOC__AUTO_FD fd = -1;

        KOC__TRY(open_lock_file(path, &fd, err));
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno != EWOULDBLOCK) {
                return koc__error_errno(err, errno, "cannot lock %s", path);
            }
            *out_fd = -1;
            return KOC_OK;
        }
        if (still_named(fd, path)) {
            *out_fd = koc__steal_fd(&fd);
            return KOC_OK;
        }
    }
}

int koc__cache_lock(koc__cache *c, const char *kind, koc_str key, struct koc__call *call,
                    int *out_fd, koc_error **err)
{
    enum { FIRST_WAIT_MS = 2, MOST_WAIT_MS = 50 };
    KOC__AUTO_STR path = NULL;
    int64_t wait_ms = FIRST_WAIT_MS;
    int fd = -1;
    if (!c) {
        return koc__misuse(err, "koc__cache_lock: there is no cache");
    }
    path = koc__cache_path(c, "locks", kind, '.', key);
    if (!path) {
        return koc__oom(err);
    }
    for (;;) {
        KOC__TRY(koc__cache_try_lock(path, &fd, err));
        if (fd >= 0) {
            *out_fd = fd;
            return KOC_OK;
        }
        KOC__TRY(koc__call_sleep(call, wait_ms, err));
        wait_ms = KOC__MIN(wait_ms * 2, MOST_WAIT_MS);
    }
}

int koc__cache_lock_now(koc__cache *c, const char *kind, koc_str key, int *out_fd, koc_error **err)
{
    KOC__AUTO_STR path = NULL;
    if (!koc__cache_is_on(c)) {
        return koc__error(err, KOC_ENOTFOUND, "there is no cache");
    }
    path = koc__cache_path(c, "locks", kind, '.', key);
    return path ? koc__cache_try_lock(path, out_fd, err) : koc__oom(err);
}

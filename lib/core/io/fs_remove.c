/* Removes whole directories by descriptor, so that a link that is swapped in meanwhile is not followed. */
#include "core/common.h"

#include "core/io/fs.h"

#include <fcntl.h>

#include "core/io/fs_open.h"
#include "core/str.h"

/* Each level holds a descriptor. */
enum { DEPTH_MAX = 200, PASSES_MAX = 4 };

static int remove_at(int parent, const char *name, const char *top, unsigned depth,
                     koc_error **err);

static int cannot_remove(const char *name, const char *top, koc_error **err)
{
    if (koc__streq(name, top)) {
        return koc__error_errno(err, errno, "cannot remove %s", top);
    }
    return koc__error_errno(err, errno, "cannot remove %s in %s", name, top);
}

static int remove_content(DIR *dir, const char *top, unsigned depth, koc_error **err)
{
    for (;;) {
        const struct dirent *entry = readdir(dir);

        if (!entry) {
            return KOC_OK;
        }
        if (!koc__streq(entry->d_name, ".") && !koc__streq(entry->d_name, "..")) {
            KOC__TRY(remove_at(dirfd(dir), entry->d_name, top, depth + 1, err));
        }
    }
}

/* Opens a directory; a read-only one (Go's module cache) is made writable first. */
static DIR *open_directory(int parent, const char *name)
{
    int fd = koc__fs_openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    struct stat st;
    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, &st) == 0 && (st.st_mode & 0300) != 0300) {
        (void)fchmod(fd, 0700);
    }
    DIR *dir = fdopendir(fd);

    if (!dir) {
        close(fd);
    }
    return dir;
}

static int remove_directory(int parent, const char *name, const char *top, unsigned depth,
                            koc_error **err)
{
    KOC__AUTO(DIR) dir = NULL;
    if (depth > DEPTH_MAX) {
        return koc__error(err, KOC_ELIMIT, "cannot remove %s: more than %d directories deep", top,
                          DEPTH_MAX);
    }
    dir = open_directory(parent, name);
    if (!dir) {
        return errno == ENOENT ? KOC_OK : cannot_remove(name, top, err);
    }
    /* Other processes may add entries meanwhile, and some systems skip entries during removal. */
    for (unsigned pass = 0; pass < PASSES_MAX; pass++) {
        KOC__TRY(remove_content(dir, top, depth, err));
        if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
            return KOC_OK;
        }
        if (errno != ENOTEMPTY && errno != EEXIST) {
            break;
        }
        rewinddir(dir);
    }
    return cannot_remove(name, top, err);
}

static int remove_at(int parent, const char *name, const char *top, unsigned depth, koc_error **err)
{
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? KOC_OK : cannot_remove(name, top, err);
    }
    if (S_ISDIR(st.st_mode)) {
        return remove_directory(parent, name, top, depth, err);
    }
    if (unlinkat(parent, name, 0) != 0 && errno != ENOENT) {
        return cannot_remove(name, top, err);
    }
    return KOC_OK;
}

int koc__fs_remove(const char *path, koc_error **err)
{
    return remove_at(AT_FDCWD, path, path, 0, err);
}

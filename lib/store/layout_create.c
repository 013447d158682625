/* Creates a layout; locks one for changes. */
#include "core/common.h"

#include <fcntl.h>
#include <sys/file.h>

#include "core/io/fs.h"
#include "core/io/fs_open.h"
#include "core/str.h"
#include "store/layout.h"

enum { LOCK_WAIT_MS = 20, FILE_MODE = 0644, DIR_MODE = 0755 };

static int write_once(const koc_layout *l, const char *name, const char *content, koc_error **err)
{
    KOC__AUTO_STR path = NULL;
    KOC__TRY(koc__formatf(&path, err, "%s/%s", l->dir, name));
    return koc__fs_exists(path) ? KOC_OK
                                : koc__fs_replace_file(path, koc__str(content), FILE_MODE, err);
}

/* Locks the directory itself, so that no lock file is left behind. */
int koc__layout_lock(const koc_layout *l, koc__call *call, int *out_fd, koc_error **err)
{
    KOC__AUTO_FD fd = koc__fs_open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot open %s", l->dir);
    }
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return koc__error_errno(err, errno, "cannot lock %s", l->dir);
        }
        KOC__TRY(koc__call_sleep(call, LOCK_WAIT_MS, err));
    }
    *out_fd = koc__steal_fd(&fd);
    return KOC_OK;
}

int koc__layout_create(const koc_layout *l, koc_error **err)
{
    KOC__AUTO_STR blobs = koc__format("%s/blobs/sha256", l->dir);
    KOC__AUTO_FD fd = -1;
    if (!blobs) {
        return koc__oom(err);
    }
    KOC__TRY(koc__fs_mkdirs(blobs, DIR_MODE, err));
    KOC__TRY(koc__layout_lock(l, NULL, &fd, err));
    /* oci-layout first: koc does not touch an index.json without one, which is not a layout's. */
    KOC__TRY(write_once(l, "oci-layout", "{\n    \"imageLayoutVersion\": \"1.0.0\"\n}", err));
    return write_once(l, "index.json",
                      "{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"" KOC_MT_OCI_INDEX
                      "\",\n   \"manifests\": []\n}",
                      err);
}

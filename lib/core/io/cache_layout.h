/* The paths of entries in the cache's directory and the times of their use. For the files of the cache. */
#ifndef KOC__CACHE_LAYOUT_H
#define KOC__CACHE_LAYOUT_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "core/io/cache.h"

struct koc__cache {
    char *dir;
    char *root; /* <dir>/v1 */
    atomic_bool off;
};

enum {
    /* A lookup records its time if the last recorded one is this long ago, in seconds. */
    KOC__CACHE_TOUCH_AFTER = 30 * 60,
    /* Entries that were used more recently than this are kept; longer than the above, so that every entry
     * that was looked up is kept. */
    KOC__CACHE_YOUNG = 60 * 60,
    /* Temporary files this old belong to a process that was killed. */
    KOC__CACHE_STALE_TEMP = 24 * 60 * 60
};

/* The later of the last access and the last change; for a directory only the change, which a lookup sets,
 * since to add up its size is also an access. */
int64_t koc__cache_last_use(const struct stat *st);
/* <root>/<area>/<kind><separator><hash of key>; owned by the caller; NULL: out of memory. */
char *koc__cache_path(const koc__cache *c, const char *area, const char *kind, char separator,
                      koc_str key);
/* Opens a lock file and tries to lock it: KOC_OK with *out_fd -1 if another holder has it. */
int koc__cache_try_lock(const char *path, int *out_fd, koc_error **err);

#endif

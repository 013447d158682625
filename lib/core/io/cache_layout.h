/* Where things are in the cache's folder, and when they were used: shared by the files of the cache. */
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
    /* A lookup writes the time down when the last one is this long ago, in seconds. */
    KOC__CACHE_TOUCH_AFTER = 30 * 60,
    /* What was used less long ago stays; more than the above, so that what was looked up stays too. */
    KOC__CACHE_YOUNG = 60 * 60,
    /* Temporary files this old belong to a process that was killed. */
    KOC__CACHE_STALE_TEMP = 24 * 60 * 60
};

/* The later of the last access and the last change; of a folder only the change, which a lookup sets:
 * looking through it for its size is an access too. */
int64_t koc__cache_last_use(const struct stat *st);
/* <root>/<area>/<kind><separator><hash of key>; owned by the caller; NULL: out of memory. */
char *koc__cache_path(const koc__cache *c, const char *area, const char *kind, char separator,
                      koc_str key);
/* Opens a lock file and tries to lock it: KOC_OK with *out_fd -1 when somebody else has it. */
int koc__cache_try_lock(const char *path, int *out_fd, koc_error **err);

#endif

/*
 * What lies in a package's kodata directory, as it goes into the image: links replaced by what they point
 * to, in ko's order.
 */
#ifndef KOC__GOLANG_KODATA_H
#define KOC__GOLANG_KODATA_H

#include "core/io/fs.h"
#include "core/run/call.h"
#include "core/run/context.h"

typedef struct koc__kodata_entry {
    char *name;       /* below kodata: "sub/b.txt" */
    char *source;     /* the file on disk; NULL: name below the root */
    koc__stamp stamp; /* of the content, never of a link */
} koc__kodata_entry;

typedef struct koc__kodata {
    char *root; /* the directory with all links resolved; NULL: the package has no kodata */
    koc__kodata_entry *entries; /* directories before what is in them, names in byte order */
    size_t count, capacity;
} koc__kodata;

/* Reads names and stamps below <package_dir>/kodata; no file is opened. skip_links (Windows): links are
 * left out with a warning each. A link must lead to a file or directory inside the boundary:
 * KO_DATA_PATH_ALLOWED_ROOT, else the nearest directory above that holds .git, else kodata itself.
 * KOC_EINVAL: one that goes round in a circle or leaves the boundary; kodata is no directory; a file of git
 * that may hold secrets or is run by it (config, credentials, hooks). What looks like credentials otherwise
 * is a warning.
 * KOC_ENOTFOUND: a broken link. KOC_EUNSUPPORTED: a FIFO, socket or device. */
int koc__kodata_walk(koc_ctx *ctx, const char *package_dir, bool skip_links, koc__call *call,
                     koc__kodata **out, koc_error **err);
void koc__kodata_free(koc__kodata *k);
KOC__DEFINE_AUTO(koc__kodata, koc__kodata_free);

static inline bool koc__kodata_is_dir(const koc__kodata_entry *e)
{
    return S_ISDIR((mode_t)e->stamp.mode);
}

#endif

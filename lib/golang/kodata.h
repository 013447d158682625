/*
 * The content of a package's kodata directory as it goes into the image: symbolic links replaced by their
 * targets, in ko's order.
 */
#ifndef KOC__GOLANG_KODATA_H
#define KOC__GOLANG_KODATA_H

#include "core/io/fs.h"
#include "core/run/call.h"
#include "core/run/context.h"

typedef struct koc__kodata_entry {
    char *name;       /* below kodata: "sub/b.txt" */
    char *source;     /* the file on disk; NULL: name below the root */
    koc__stamp stamp; /* of the target, if it is a link */
} koc__kodata_entry;

typedef struct koc__kodata {
    char *root; /* the directory, without symbolic links; NULL: the package has no kodata */
    koc__kodata_entry *entries; /* directories before their content, names in byte order */
    size_t count, capacity;
} koc__kodata;

/* Reads names and stamps below <package_dir>/kodata without opening a file. skip_links (Windows): skips
 * symbolic links with a warning each. A link must lead to a file or directory inside the boundary:
 * KO_DATA_PATH_ALLOWED_ROOT, else the nearest directory above that has a .git, else kodata itself. A file
 * that looks like credentials gets a warning. KOC_EINVAL: a link is in a cycle or leaves the boundary;
 * kodata is not a directory; a file of git that may contain secrets or is run by it (config, credentials,
 * hooks). KOC_ENOTFOUND: a broken link. KOC_EUNSUPPORTED: a FIFO, socket or device. */
int koc__kodata_walk(koc_ctx *ctx, const char *package_dir, bool skip_links, koc__call *call,
                     koc__kodata **out, koc_error **err);
void koc__kodata_free(koc__kodata *k);
KOC__DEFINE_AUTO(koc__kodata, koc__kodata_free);

static inline bool koc__kodata_is_dir(const koc__kodata_entry *e)
{
    return S_ISDIR((mode_t)e->stamp.mode);
}

#endif

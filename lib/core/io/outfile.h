/*
 * Writes a file that the user named. One set of rules for all of them (docs/decisions.md):
 *
 * - A regular file is written beside its target. When it is complete, synced and closed, it is renamed over
 *   the target. The old file stays until then, and also when anything fails.
 * - A link is followed, the mode of an existing file is kept, missing parent directories are created.
 * - "-" is stdout. A pipe or device is written to directly: /dev/stdout, /dev/null, >(…).
 * - Nothing is created before there is something to write.
 */
#ifndef KOC__OUTFILE_H
#define KOC__OUTFILE_H

#include <koc/context.h>
#include <koc/io.h>

#include "core/io/fs.h"

typedef struct koc__outfile {
    char *name;   /* as it was given */
    char *target; /* after links were followed */
    mode_t mode;  /* of the finished file */
    uid_t uid;    /* of the existing file; (uid_t)-1: none exists */
    gid_t gid;
    koc_cancel *cancel; /* ends the wait for the reader of a pipe; or NULL */
    koc__tempfile file; /* the temporary file beside the target */
    int fd;             /* of a pipe or device, or -1 */
    bool direct;        /* a pipe or device */
    bool in_place;      /* only the content can be replaced: the directory is not writable */
} koc__outfile;
/* clang-format off */
#define KOC__OUTFILE_INIT { NULL, NULL, 0, (uid_t)-1, (gid_t)-1, NULL, KOC__TEMPFILE_INIT, -1, false, false }
/* clang-format on */
/* Refuses what cannot be written. mode is that of a new file; one for the owner alone (0600) is enforced on
 * an old one. */
int koc__outfile_open(const char *name, mode_t mode, koc_cancel *cancel, koc__outfile *out,
                      koc_error **err);
int koc__outfile_write(koc__outfile *f, const void *data, size_t len, koc_error **err);
/* The file appears only now. */
int koc__outfile_finish(koc__outfile *f, koc_error **err);
void koc__outfile_dispose(koc__outfile *f);
KOC__DEFINE_AUTO_VAL(koc__outfile, koc__outfile_dispose);

#endif

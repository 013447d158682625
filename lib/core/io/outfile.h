/*
 * A file that a person named, written. One set of rules for all of them (docs/decisions.md):
 *
 * - a regular file is made beside its place and renamed over it when it is whole, written out to the disk
 *   and closed; what was there stays until then, and stays when anything fails;
 * - a link is followed, the mode of a file that is there is kept, missing parent folders are made;
 * - "-" is stdout, and a pipe or device is written to as it is: /dev/stdout, /dev/null, >(…);
 * - nothing is made before there is something to write.
 */
#ifndef KOC__OUTFILE_H
#define KOC__OUTFILE_H

#include <koc/context.h>
#include <koc/io.h>

#include "core/io/fs.h"

typedef struct koc__outfile {
    char *name;   /* as it was given */
    char *target; /* where it leads */
    mode_t mode;  /* of the finished file */
    uid_t uid;    /* of the file that is there; (uid_t)-1: there is none */
    gid_t gid;
    koc_cancel *cancel; /* ends the wait for the reader of a pipe; or NULL */
    koc__tempfile file; /* of what is made beside */
    int fd;             /* of what is written to as it is, or -1 */
    bool direct;        /* it is written to as it is */
    bool in_place;      /* only its content can be replaced: the folder is not ours to write to */
} koc__outfile;
/* clang-format off */
#define KOC__OUTFILE_INIT { NULL, NULL, 0, (uid_t)-1, (gid_t)-1, NULL, KOC__TEMPFILE_INIT, -1, false, false }
/* clang-format on */
/* Refuses what cannot be written. mode is that of a new file; one for the owner alone (0600) is enforced on
 * an old one. */
int koc__outfile_open(const char *name, mode_t mode, koc_cancel *cancel, koc__outfile *out,
                      koc_error **err);
int koc__outfile_write(koc__outfile *f, const void *data, size_t len, koc_error **err);
/* Only now the file is there. */
int koc__outfile_finish(koc__outfile *f, koc_error **err);
void koc__outfile_dispose(koc__outfile *f);
KOC__DEFINE_AUTO_VAL(koc__outfile, koc__outfile_dispose);

#endif

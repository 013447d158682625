/* Files: bounded reads, atomic writes, temporary files, stamps. */
#ifndef KOC__FS_H
#define KOC__FS_H

#include <dirent.h>
#include <sys/stat.h>

#include <koc/base.h>
#include <koc/context.h>

#include "core/dynbuf.h"

struct koc__call;

/* Opens a file without blocking: a regular file, or /dev/null. Others, such as a directory, FIFO or device,
 * are rejected with their kind in the message. O_CLOEXEC. */
int koc__fs_open_read(const char *path, int *out_fd, koc_error **err);
/* Opens whatever can be read from beginning to end: also pipes and devices. Read it with koc__fs_read_stream,
 * since the descriptor may be non-blocking. "-" is stdin. */
int koc__fs_open_stream(const char *path, int *out_fd, koc_error **err);
/* As koc__fs_read_fd, waiting for a writer and for data under call (NULL: for ten seconds at most). */
int koc__fs_read_stream(int fd, void *buf, size_t len, size_t *n_read, const char *what,
                        struct koc__call *call, koc_error **err);
/* The kind of a file that is not regular: "a FIFO". NULL: it is regular. */
const char *koc__fs_kind(const struct stat *st);
/* Up to len bytes (short only at the end). */
int koc__fs_read_fd(int fd, void *buf, size_t len, size_t *n_read, const char *what,
                    koc_error **err);
int koc__fs_write_fd(int fd, const void *data, size_t len, const char *what, koc_error **err);
/* Appends the content of the file to out; out->max is the limit (KOC_ELIMIT names the file). */
int koc__fs_read_file(const char *path, koc__dynbuf *out, koc_error **err);
/* The same for a path that the user gave, which may be a pipe: <(…), /dev/stdin. */
int koc__fs_read_any(const char *path, struct koc__call *call, koc__dynbuf *out, koc_error **err);
/* Replaces the file at path atomically: writes a temporary file beside it, then renames. Not synced: for the
 * cache. */
int koc__fs_write_file(const char *path, koc_str content, mode_t mode, koc_error **err);
/* The same for files of the user (outfile.h has the rules). */
int koc__fs_replace_file(const char *path, koc_str content, mode_t mode, koc_error **err);
int koc__fs_mkdirs(const char *path, mode_t mode, koc_error **err);
bool koc__fs_exists(const char *path); /* follows links */
bool koc__fs_is_dir(const char *path);
bool koc__fs_is_file(const char *path);
/* Whether stamps detect every change: path is on a local file system that is known to. */
bool koc__fs_has_ctime(const char *path);
int koc__fs_realpath(const char *path, char **out, koc_error **err);
/* Removes a file, or a directory with its content, without following links; a missing one is fine. */
int koc__fs_remove(const char *path, koc_error **err);
/* A new directory below $TMPDIR (or /tmp): <prefix>XXXXXX, mode 0700. */
int koc__fs_tempdir(const char *prefix, char **out, koc_error **err);
/* The same below parent (NULL: as above). */
int koc__fs_tempdir_in(const char *parent, const char *prefix, char **out, koc_error **err);
/* The names in a directory without . and .., in byte order. */
int koc__fs_list(const char *path, koc_strlist **out, koc_error **err);

/* A file that is not visible until it is complete. */
typedef struct koc__tempfile {
    int fd;     /* -1: none */
    char *path; /* its path, or NULL: it has no name (O_TMPFILE) */
    char *dir;
    int lock;    /* held while its owner lives, or -1 */
    bool synced; /* written to the disk before it gets its name */
} koc__tempfile;
/* clang-format off */
#define KOC__TEMPFILE_INIT { -1, NULL, NULL, -1, false }
/* clang-format on */
int koc__tempfile_new(const char *dir, koc__tempfile *out,
                      koc_error **err); /* creates dir if it is missing */
/* For a file of the user: synced, and leftovers of killed processes in dir are removed. */
int koc__tempfile_lasting(const char *dir, koc__tempfile *out, koc_error **err);
/* A file in $TMPDIR without a name. */
int koc__tempfile_nameless(koc__tempfile *out, koc_error **err);
/* Syncs, closes and renames it; an existing file of that name is replaced. t is empty afterwards. On failure
 * the existing file stays. */
int koc__tempfile_publish(koc__tempfile *t, const char *path, mode_t mode, koc_error **err);
void koc__tempfile_dispose(koc__tempfile *t); /* the file is gone */
KOC__DEFINE_AUTO_VAL(koc__tempfile, koc__tempfile_dispose);

/* The metadata that detects changes of a file. */
typedef struct koc__stamp {
    uint64_t size;
    int64_t mtime_ns;
    int64_t ctime_ns;
    uint64_t inode;
    uint64_t device;
    uint32_t mode; /* with the type bits */
    uint32_t reserved;
} koc__stamp;
int koc__fs_stamp(const char *path, bool follow, koc__stamp *out, koc_error **err);
void koc__stamp_of(const struct stat *st, koc__stamp *out);
bool koc__stamp_equal(const koc__stamp *a, const koc__stamp *b);

static inline void koc__auto_DIR(DIR **d)
{
    if (*d) {
        closedir(*d);
    }
}

#endif

/* The inside of blobs and readers. */
#ifndef KOC__IO_H
#define KOC__IO_H

#include <pthread.h>
#include <stdatomic.h>

#include <koc/io.h>

#include "core/cleanup.h"
#include "core/io/fs.h"
#include "core/run/call.h"

/* The library's own sources: they get the koc__call and may be called on any thread. Those of the user
 * (koc_reader_new, koc_blob_new) are wrapped, so that koc__call_on_caller runs them on the caller's thread.
 * */
typedef struct koc__reader_vt {
    int (*read)(void *self, void *buf, size_t len, size_t *n_read, koc_error **err);
    void (*close)(void *self);
} koc__reader_vt;
typedef struct koc__blob_vt {
    int (*open)(void *self, uint64_t offset, koc__call *call, koc_reader **out, koc_error **err);
    void (*release)(void *self);
    const char *(*path)(const void *self); /* or NULL: see koc__blob_path */
} koc__blob_vt;

/* Takes self on success only. The bytes are not verified: see koc__reader_verify. */
int koc__reader_make(const koc__reader_vt *vt, void *self, koc_reader **out, koc_error **err);
int koc__blob_make(const koc__blob_vt *vt, void *self, uint64_t size, const koc_digest *digest,
                   koc_blob **out, koc_error **err);
/* As koc_blob_open inside a running call: call must outlive the reader. */
int koc__blob_open(koc_blob *b, uint64_t offset, koc__call *call, koc_reader **out,
                   koc_error **err);
int koc__blob_read_all(koc_blob *b, size_t max, koc__call *call, koc_buf *out, koc_error **err);
int koc__blob_digest(koc_blob *b, koc__call *call, koc_digest *out, koc_error **err);
/* The digest that readers of b check, or one of no algorithm. Borrowed from b. */
const koc_digest *koc__blob_given(const koc_blob *b);
/* A reader of b from its beginning that verifies size and digest at the end: raw itself if b's readers do
 * that. Takes raw on success. */
int koc__blob_checked(const koc_blob *b, uint64_t size, const koc_digest *digest, koc_reader *raw,
                      koc_reader **out, koc_error **err);
/* The file behind b, or NULL: it is not a whole file, so it must not be linked or copied by path. */
const char *koc__blob_path(const koc_blob *b);
/* A part of a file: [start, start + size). For docker archives. */
int koc__blob_from_file_part(const char *path, uint64_t start, uint64_t size,
                             const koc_digest *expect, koc_blob **out, koc_error **err);
/* As koc_blob_from_file for a file of the cache (fresh: hashed while this process wrote it, so that readers
 * do not hash it again): a damaged file is removed, so that it is fetched again next time. */
int koc__blob_from_cached_file(const char *path, uint64_t size, const koc_digest *expect,
                               bool fresh, koc_blob **out, koc_error **err);
/* The content of a file without a name, from its beginning. Empties t on success. */
int koc__blob_from_nameless(koc__tempfile *t, uint64_t size, const koc_digest *digest,
                            koc_blob **out, koc_error **err);
int koc__blob_from_stream(const char *path, koc__call *call, koc_blob **out, koc_error **err);
/* Takes data (from koc__malloc) instead of copying it. */
int koc__blob_take(char *data, size_t len, const koc_digest *digest, koc_blob **out,
                   koc_error **err);
/* Parts one after the other, each opened when its turn comes. Refs them. */
int koc__blob_concat(koc_blob *const *parts, size_t n, koc_blob **out, koc_error **err);
/* A reader that fails at the end unless size and digest match: the read that would return the last byte
 * fails, so wrong content is never complete. Takes inner on success. digest NULL: size only; size UINT64_MAX:
 * digest only. KOC_EDIGEST. */
int koc__reader_verify(koc_reader *inner, uint64_t size, const koc_digest *digest, koc_reader **out,
                       koc_error **err);
/* Copies b to a writer; KOC_EDIGEST unless its content has this size and digest (NULL: any). event: NULL, or
 * reported as ACTIVE after each piece, which its `done` counts. */
int koc__blob_copy(koc_blob *b, uint64_t size, const koc_digest *digest, const koc_writer *to,
                   koc_progress *event, koc__call *call, koc_error **err);
/* The same with an event of its own, from STARTED to FINISHED or FAILED. */
int koc__blob_copy_reported(koc_blob *b, uint64_t size, const koc_digest *digest,
                            const koc_writer *to, koc__call *call, koc_error **err);
/* Reports a blob that need not be copied. */
void koc__blob_skipped(uint64_t size, const koc_digest *digest, koc__call *call);
/* The self of a koc_writer {koc__fd_write, ...} to an open file; path is for errors. */
typedef struct koc__fd_target {
    int fd;
    const char *path;
} koc__fd_target;
int koc__fd_write(void *fd_target, const void *data, size_t len, koc_error **err);
/* Reads until buf is full or the end is reached. */
int koc__reader_fill(koc_reader *r, void *buf, size_t len, size_t *n_read, koc_error **err);

KOC__DEFINE_AUTO(koc_blob, koc_blob_unref);
KOC__DEFINE_AUTO(koc_reader, koc_reader_free);

#endif

/*
 * koc/io.h: blobs (immutable content that can be opened any number of times), readers and files.
 *
 * Retries, logins and redirects start again from the beginning, so uploads take blobs, not streams.
 */
#ifndef KOC_IO_H
#define KOC_IO_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/digest.h>

KOC_BEGIN_DECLS

/** A reader of your own. read stores at most len bytes; *n_read == 0 is the end. */
typedef struct koc_reader_ops {
    uint32_t struct_size;
    uint32_t flags;
    int (*read)(void *self, void *buf, size_t len, size_t *n_read,
                koc_error **err); /**< the next bytes */
    void (*close)(void *self);    /**< by koc_reader_free; or NULL */
} koc_reader_ops;
/* clang-format off */
#define KOC_READER_OPS_INIT { sizeof(koc_reader_ops), 0, NULL, NULL }
/* clang-format on */

/** A blob of your own. open starts at offset (bytes). release is called once, after the last reference is gone. */
typedef struct koc_blob_ops {
    uint32_t struct_size;
    uint32_t flags;
    int (*open)(void *self, uint64_t offset, const koc_op *op, koc_reader **out,
                koc_error **err); /**< any number of times */
    void (*release)(void *self);  /**< or NULL */
} koc_blob_ops;
/* clang-format off */
#define KOC_BLOB_OPS_INIT { sizeof(koc_blob_ops), 0, NULL, NULL }
/* clang-format on */

/** Where output goes: a function and its argument, which the caller owns. write consumes all of data or fails. */
typedef struct koc_writer {
    int (*write)(void *self, const void *data, size_t len,
                 koc_error **err); /**< KOC_OK, or a code of yours */
    void *self;                    /**< its argument */
} koc_writer;

/**
 * Opens a file that is written completely or not at all: the content goes to a temporary file in the same
 * directory, which koc_file_finish syncs and renames. Symbolic links are followed, the mode of an existing file is
 * kept, and missing parent directories are created. Nothing is created before the first write. Pipes and devices are
 * written to directly; "-" is stdout. mode 0: 0644 minus the umask; 0600 applies to an existing file also. op (or
 * NULL): its cancel token ends waiting for the reader of a pipe.
 */
KOC_API int koc_file_new(const char *path, uint32_t mode, const koc_op *op, koc_file **out,
                         koc_error **err);
/** Writes to a koc_file; fits koc_writer: koc_writer w = {koc_file_write, f}. */
KOC_API int koc_file_write(void *file, const void *data, size_t len, koc_error **err);
/** Replaces the old file by the new one. On failure the old file stays. Afterwards f can only be freed. */
KOC_API int koc_file_finish(koc_file *f, koc_error **err);
/** Frees f and removes the file if it was not finished. Accepts NULL. */
KOC_API void koc_file_free(koc_file *f);

/** A blob with a copy of data. */
KOC_API int koc_blob_from_bytes(koc_str data, koc_blob **out, koc_error **err);
/** A blob over a file that is opened at each use. Its size is read now. Readers verify expect (or NULL) at the end:
 * KOC_EDIGEST. */
KOC_API int koc_blob_from_file(const char *path, const koc_digest *expect, koc_blob **out,
                               koc_error **err);
/** Like koc_blob_from_file for a regular file. Anything that can be read only once (a pipe, a device, "-" for stdin) is
 * copied to a nameless temporary file in $TMPDIR first. */
KOC_API int koc_blob_from_stream(const char *path, const koc_op *op, koc_blob **out,
                                 koc_error **err);
/** A blob over callbacks. Copies ops; owns self on success only. size in bytes; digest may be NULL. */
KOC_API int koc_blob_new(const koc_blob_ops *ops, void *self, uint64_t size,
                         const koc_digest *digest, koc_blob **out, koc_error **err);
KOC_API koc_blob *koc_blob_ref(koc_blob *b);
KOC_API void koc_blob_unref(koc_blob *b);
/** Size in bytes. */
KOC_API uint64_t koc_blob_size(const koc_blob *b);
/** The SHA-256 digest. If it is not known, the content is read once and the digest remembered. */
KOC_API int koc_blob_digest(koc_blob *b, const koc_op *op, koc_digest *out, koc_error **err);
/** Opens b at offset (at most its size). The reader holds references to b and to op's cancel token. */
KOC_API int koc_blob_open(koc_blob *b, uint64_t offset, const koc_op *op, koc_reader **out,
                          koc_error **err);
/** The whole content. KOC_ELIMIT: it has more than max bytes. */
KOC_API int koc_blob_read_all(koc_blob *b, size_t max, const koc_op *op, koc_buf *out,
                              koc_error **err);

/** A reader over callbacks. Copies ops; owns self on success only. */
KOC_API int koc_reader_new(const koc_reader_ops *ops, void *self, koc_reader **out,
                           koc_error **err);
/** Reads up to len bytes; *n_read == 0 is the end. A digest can be verified only at the end: do not trust what you
 * read before a read has returned 0 bytes or koc_reader_finish has succeeded. */
KOC_API int koc_reader_read(koc_reader *r, void *buf, size_t len, size_t *n_read, koc_error **err);
/** Reads the rest and verifies the content: for formats that end before their stream does, as a tar followed by
 * padding. Fails as koc_reader_read does; KOC_EDIGEST: the content does not match. */
KOC_API int koc_reader_finish(koc_reader *r, koc_error **err);
/** Frees r. Content whose end was not read has not been verified. */
KOC_API void koc_reader_free(koc_reader *r);

KOC_END_DECLS
#endif

/*
 * koc/io.h: blobs (immutable content that can be opened again and again) and readers.
 *
 * Retries, authentication and redirects all need to rewind, so everything that is sent is a blob and
 * not a stream.
 */
#ifndef KOC_IO_H
#define KOC_IO_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/digest.h>

KOC_BEGIN_DECLS

/** Your own source of bytes. read gives at most len bytes; *n_read == 0 is the end. */
typedef struct koc_reader_ops {
    uint32_t struct_size;
    uint32_t flags;
    int (*read)(void *self, void *buf, size_t len, size_t *n_read, koc_error **err);
    void (*close)(void *self);
} koc_reader_ops;
/* clang-format off */
#define KOC_READER_OPS_INIT { sizeof(koc_reader_ops), 0, NULL, NULL }
/* clang-format on */

/** Your own blob. open starts at offset; release is called once, when the last reference goes. */
typedef struct koc_blob_ops {
    uint32_t struct_size;
    uint32_t flags;
    int (*open)(void *self, uint64_t offset, const koc_op *op, koc_reader **out, koc_error **err);
    void (*release)(void *self);
} koc_blob_ops;
/* clang-format off */
#define KOC_BLOB_OPS_INIT { sizeof(koc_blob_ops), 0, NULL, NULL }
/* clang-format on */

/** A sink that the caller owns: a function and its argument. write takes all of data or fails. */
typedef struct koc_writer {
    int (*write)(void *self, const void *data, size_t len, koc_error **err);
    void *self;
} koc_writer;

/**
 * A file that is written whole or not at all: made beside its place, and renamed over it by
 * koc_file_finish after it was written out to the disk. A link is followed, the mode of a file that is
 * there is kept, missing parent folders are made; nothing is made before there is something to write. A
 * pipe or device is written to as it is, and "-" is stdout. op (or NULL) lends its cancel token, which ends
 * waiting for the reader of a pipe. mode 0: 0644, less the umask; 0600 is enforced on an old file.
 */
KOC_API int koc_file_new(const char *path, uint32_t mode, const koc_op *op, koc_file **out,
                         koc_error **err);
/** The write of a koc_writer whose self is a koc_file: koc_writer w = {koc_file_write, f}. */
KOC_API int koc_file_write(void *file, const void *data, size_t len, koc_error **err);
/** Gives it its name. On failure what had the name still has it. f then takes koc_file_free only. */
KOC_API int koc_file_finish(koc_file *f, koc_error **err);
/** Takes NULL. What was not finished is gone. */
KOC_API void koc_file_free(koc_file *f);

/** A blob with a copy of data. */
KOC_API int koc_blob_from_bytes(koc_str data, koc_blob **out, koc_error **err);
/** A blob over a file, opened at each use. expect (or NULL) is the digest that readers check at the
 * end: KOC_EDIGEST when the file has another. The size is taken now. */
KOC_API int koc_blob_from_file(const char *path, const koc_digest *expect, koc_blob **out,
                               koc_error **err);
/** As koc_blob_from_file where path is a regular file. What can be read only once (a pipe, a device, "-" for
 * stdin) is copied into a temporary file without a name, in $TMPDIR. */
KOC_API int koc_blob_from_stream(const char *path, const koc_op *op, koc_blob **out,
                                 koc_error **err);
/** A blob over callbacks. Copies ops, takes self on success only. digest may be NULL. */
KOC_API int koc_blob_new(const koc_blob_ops *ops, void *self, uint64_t size,
                         const koc_digest *digest, koc_blob **out, koc_error **err);
KOC_API koc_blob *koc_blob_ref(koc_blob *b);
KOC_API void koc_blob_unref(koc_blob *b);
/** Size in bytes. */
KOC_API uint64_t koc_blob_size(const koc_blob *b);
/** The SHA-256; read once and remembered when it was not given. */
KOC_API int koc_blob_digest(koc_blob *b, const koc_op *op, koc_digest *out, koc_error **err);
/** Opens b at offset (at most its size). The reader keeps b and op's cancel token alive. */
KOC_API int koc_blob_open(koc_blob *b, uint64_t offset, const koc_op *op, koc_reader **out,
                          koc_error **err);
/** The whole content; KOC_ELIMIT when it has more than max bytes. */
KOC_API int koc_blob_read_all(koc_blob *b, size_t max, const koc_op *op, koc_buf *out,
                              koc_error **err);

/** A reader over callbacks. Copies ops, takes self on success only. */
KOC_API int koc_reader_new(const koc_reader_ops *ops, void *self, koc_reader **out,
                           koc_error **err);
/** Reads up to len bytes; *n_read == 0 is the end. A reader that checks a digest can tell only at the
 * end: what was read before is trusted when a read has given 0 bytes, or after koc_reader_finish. */
KOC_API int koc_reader_read(koc_reader *r, void *buf, size_t len, size_t *n_read, koc_error **err);
/** For those who need no more, because their own format has ended (a tar may be followed by padding):
 * reads what is left and fails as koc_reader_read does, with KOC_EDIGEST when the content was not what
 * it should be. */
KOC_API int koc_reader_finish(koc_reader *r, koc_error **err);
/** Frees r. It says nothing about content whose end was not read. */
KOC_API void koc_reader_free(koc_reader *r);

KOC_END_DECLS
#endif

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

/** Your own blob. open starts at offset; release is called once, when the last reference goes. */
typedef struct koc_blob_ops {
    uint32_t struct_size;
    uint32_t flags;
    int (*open)(void *self, uint64_t offset, const koc_op *op, koc_reader **out, koc_error **err);
    void (*release)(void *self);
} koc_blob_ops;

/** A sink that the caller owns. write takes all of data or fails. */
typedef struct koc_writer {
    int (*write)(void *self, const void *data, size_t len, koc_error **err);
    void *self;
} koc_writer;

/** A blob with a copy of data. */
KOC_API int koc_blob_from_bytes(koc_str data, koc_blob **out, koc_error **err);
/** A blob over a file, opened at each use. expect (or NULL) is the digest that readers check at the
 * end: KOC_EDIGEST when the file has another. The size is taken now. */
KOC_API int koc_blob_from_file(const char *path, const koc_digest *expect, koc_blob **out,
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
/** Reads up to len bytes; *n_read == 0 is the end. */
KOC_API int koc_reader_read(koc_reader *r, void *buf, size_t len, size_t *n_read, koc_error **err);
KOC_API void koc_reader_free(koc_reader *r);

KOC_END_DECLS
#endif

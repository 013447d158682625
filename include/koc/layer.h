/*
 * koc/layer.h: the layer builder and finished layers.
 *
 * A builder collects files, bytes and directories and writes them as one tar in a fixed order: the order of calls
 * does not matter, and the same input gives the same bytes on every machine. Tar, DiffID, compression and digest are
 * computed in one pass, without holding the content in memory.
 * Format: docs/layer-format.md ("koc-layer-1"); OCI image-spec layer.md.
 */
#ifndef KOC_LAYER_H
#define KOC_LAYER_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/digest.h>
#include <koc/image.h>
#include <koc/io.h>

KOC_BEGIN_DECLS

enum { KOC_COMPRESS_GZIP = 0, KOC_COMPRESS_NONE = 1, KOC_COMPRESS_ZSTD = 2 };
enum {
    KOC_LAYER_DOCKER_TYPES = 1u << 0, /**< Docker's media types instead of OCI's */
    KOC_LAYER_VERBATIM = 1u << 1,     /**< names, order and parent directories exactly as given */
    KOC_LAYER_IN_MEMORY = 1u << 2     /**< keep the result in memory, not in a file */
};

/** How the bytes of a layer are made. */
typedef struct koc_layer_options {
    uint32_t struct_size;
    uint32_t flags;
    int32_t compression;     /**< KOC_COMPRESS_* */
    int32_t level;           /**< 0: the default (gzip 1, zstd 3) */
    int64_t mtime;           /**< of entries without one, seconds since 1970 */
    uint32_t format_version; /**< 0: the newest layer format this library writes */
    uint32_t reserved;
    uint64_t
        chunk_size; /**< bytes compressed at a time; 0: 1 MiB. Another size gives other bytes */
    const char *media_type; /**< NULL: by compression and flags */
} koc_layer_options;
/* clang-format off */
#define KOC_LAYER_OPTIONS_INIT { sizeof(koc_layer_options), 0, 0, 0, 0, 0, 0, 0, NULL }
/* clang-format on */

/** Metadata of a path. All-zero: mode 0644 (files) or 0755 (directories), owner 0:0, mtime of the layer. */
typedef struct koc_entry {
    uint32_t struct_size;
    uint32_t mode; /**< permission bits; 0: the default */
    uint32_t uid;  /**< of the owner */
    uint32_t gid;  /**< of the group */
    int64_t mtime; /**< seconds since 1970, perhaps negative; 0: the layer's */
    uint32_t flags;
    uint32_t reserved;
    const koc_kv *xattrs; /**< stored as SCHILY.xattr.<key>; values are NUL-terminated */
    size_t n_xattrs;
} koc_entry;
/* clang-format off */
#define KOC_ENTRY_INIT { sizeof(koc_entry), 0, 0, 0, 0, 0, 0, NULL, 0 }
/* clang-format on */

enum {
    /** Store the targets of symbolic links; reject links that leave the tree. */
    KOC_TREE_FOLLOW_LINKS_INSIDE = 1u << 0,
    KOC_TREE_KEEP_OWNER = 1u << 1 /**< keep uid and gid of the source */
};
/** How a directory of the disk becomes entries. */
typedef struct koc_tree_options {
    uint32_t struct_size;
    uint32_t flags;
    const koc_entry *defaults; /**< or NULL */
    /** Called for each path, and may change entry. > 0 skips the path, < 0 ends the call with KOC_EUSER. */
    int (*filter)(const char *rel_path, koc_entry *entry, void *payload);
    void *payload;
} koc_tree_options;
/* clang-format off */
#define KOC_TREE_OPTIONS_INIT { sizeof(koc_tree_options), 0, NULL, NULL, NULL }
/* clang-format on */

/** Creates a builder; opts may be NULL. It belongs to one thread at a time. */
KOC_API int koc_layer_builder_new(koc_ctx *ctx, const koc_layer_options *opts,
                                  koc_layer_builder **out, koc_error **err);
KOC_API void koc_layer_builder_free(koc_layer_builder *b);
/** Adds a file. path is a path in the image ("/app/x") of any bytes: it is cleaned, ".." is rejected, and parent
 * directories are added. koc_layer_builder_finish reads source; KOC_ECONFLICT there: it changed meanwhile. KOC_EEXISTS: path was
 * added before. e may be NULL. The same holds for the calls below. */
KOC_API int koc_layer_builder_add_file(koc_layer_builder *b, const char *path, const char *source,
                                       const koc_entry *e, koc_error **err);
KOC_API int koc_layer_builder_add_bytes(koc_layer_builder *b, const char *path, koc_str data,
                                        const koc_entry *e, koc_error **err);
KOC_API int koc_layer_builder_add_blob(koc_layer_builder *b, const char *path, koc_blob *data,
                                       const koc_entry *e, koc_error **err);
KOC_API int koc_layer_builder_add_dir(koc_layer_builder *b, const char *path, const koc_entry *e,
                                      koc_error **err);
KOC_API int koc_layer_builder_add_symlink(koc_layer_builder *b, const char *path,
                                          const char *target, const koc_entry *e, koc_error **err);
KOC_API int koc_layer_builder_add_hardlink(koc_layer_builder *b, const char *path,
                                           const char *target, koc_error **err);
KOC_API int koc_layer_builder_add_tree(koc_layer_builder *b, const char *path,
                                       const char *source_dir, const koc_tree_options *opts,
                                       koc_error **err);
/** Builds the layer. Afterwards b can only be freed. */
KOC_API int koc_layer_builder_finish(koc_layer_builder *b, const koc_op *op, koc_layer **out,
                                     koc_error **err);

/** Creates a layer from an uncompressed tar, compressed as opts (or NULL) say. */
KOC_API int koc_layer_from_tar(koc_ctx *ctx, koc_blob *tar, const koc_layer_options *opts,
                               const koc_op *op, koc_layer **out, koc_error **err);
/** Creates a layer from a tar of unknown origin: uncompressed (compressed as opts say), or gzip or zstd (kept as it
 * is). All of it is read and checked first. KOC_EFORMAT: not a tar, truncated, data after its end, or a name that
 * leads out of the root. name: for messages. */
KOC_API int koc_layer_import(koc_ctx *ctx, koc_blob *tar, const char *name,
                             const koc_layer_options *opts, const koc_op *op, koc_layer **out,
                             koc_error **err);
/** Creates a layer from a blob with the content that d describes. Nothing is read. diff_id NULL: not known yet. */
KOC_API int koc_layer_from_blob(koc_ctx *ctx, const koc_descriptor *d, const koc_digest *diff_id,
                                koc_blob *compressed, koc_layer **out, koc_error **err);
KOC_API koc_layer *koc_layer_ref(koc_layer *l);
KOC_API void koc_layer_unref(koc_layer *l);
/** Media type, digest and size of the compressed bytes. Borrowed from l. */
KOC_API const koc_descriptor *koc_layer_descriptor(const koc_layer *l);
/** The DiffID: the digest of the uncompressed tar (config.md, "rootfs"). If it is not known, the layer is read once. */
KOC_API int koc_layer_diff_id(koc_layer *l, const koc_op *op, koc_digest *out, koc_error **err);
/** Size of the uncompressed tar in bytes; UINT64_MAX if not known. */
KOC_API uint64_t koc_layer_uncompressed_size(const koc_layer *l);
/** A reader of the compressed bytes, verified at their end (see koc_reader_finish). KOC_ENOTFOUND: this layer has no
 * content. */
KOC_API int koc_layer_open(koc_layer *l, const koc_op *op, koc_reader **out, koc_error **err);
/** A reader of the tar. At its end the size and digest of the compressed bytes are verified, and the DiffID if it is
 * known. If you stop at the tar's end marker, nothing is verified: see koc_reader_finish. */
KOC_API int koc_layer_open_tar(koc_layer *l, const koc_op *op, koc_reader **out, koc_error **err);

KOC_END_DECLS
#endif

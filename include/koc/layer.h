/*
 * koc/layer.h: the layer builder and finished layers.
 *
 * A builder takes files, bytes, folders and tars, and writes them as one tar in a fixed order, so that the
 * order of the calls does not matter and the same input gives the same bytes everywhere. Tar, DiffID,
 * compression and digest are made in one pass; nothing is held in memory whole.
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
    KOC_LAYER_VERBATIM = 1u << 1,     /**< names, order and parents exactly as given */
    KOC_LAYER_IN_MEMORY = 1u << 2     /**< keep the result in memory, not in a file */
};

typedef struct koc_layer_options {
    uint32_t struct_size;
    uint32_t flags;
    int32_t compression;     /**< KOC_COMPRESS_* */
    int32_t level;           /**< 0: the default (gzip 1, zstd 3) */
    int64_t mtime;           /**< of entries that name none, seconds since 1970 */
    uint32_t format_version; /**< 0: the newest layer format this library writes */
    uint32_t reserved;
    uint64_t chunk_size;    /**< bytes compressed as a unit; 0: 1 MiB; part of the format */
    const char *media_type; /**< NULL: by compression and flags */
} koc_layer_options;
/* clang-format off */
#define KOC_LAYER_OPTIONS_INIT { sizeof(koc_layer_options), 0, 0, 0, 0, 0, 0, 0, NULL }
/* clang-format on */

/** Metadata of one path; all-zero: mode 0644 for files, 0755 for folders, owner 0:0, the layer's mtime. */
typedef struct koc_entry {
    uint32_t struct_size;
    uint32_t mode; /**< permission bits; 0: the default */
    uint32_t uid;
    uint32_t gid;
    int64_t mtime; /**< seconds since 1970; 0: the layer's */
    uint32_t flags;
    uint32_t reserved;
    const koc_kv *xattrs; /**< stored as SCHILY.xattr.<key>; values are NUL-terminated */
    size_t n_xattrs;
} koc_entry;
/* clang-format off */
#define KOC_ENTRY_INIT { sizeof(koc_entry), 0, 0, 0, 0, 0, 0, NULL, 0 }
/* clang-format on */

enum {
    KOC_TREE_FOLLOW_LINKS_INSIDE =
        1u << 0, /**< store what links point to, refuse those that leave the tree */
    KOC_TREE_KEEP_OWNER = 1u << 1 /**< keep uid and gid of the source */
};
typedef struct koc_tree_options {
    uint32_t struct_size;
    uint32_t flags;
    const koc_entry *defaults; /**< or NULL */
    /** Called for each path; > 0 skips it, < 0 ends the build with KOC_EUSER. */
    int (*filter)(const char *rel_path, koc_entry *entry, void *payload);
    void *payload;
} koc_tree_options;
/* clang-format off */
#define KOC_TREE_OPTIONS_INIT { sizeof(koc_tree_options), 0, NULL, NULL, NULL }
/* clang-format on */

/** opts may be NULL. */
KOC_API int koc_layer_builder_new(koc_ctx *ctx, const koc_layer_options *opts,
                                  koc_layer_builder **out, koc_error **err);
KOC_API void koc_layer_builder_free(koc_layer_builder *b);
/** Paths are image paths ("/app/x"): cleaned, ".." refused, parents added. Sources are read when the
 * builder finishes; one that changes meanwhile is an error. e may be NULL. */
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
/** Makes the layer; b then refuses further use but _free. */
KOC_API int koc_layer_builder_finish(koc_layer_builder *b, const koc_op *op, koc_layer **out,
                                     koc_error **err);

/** A layer from an uncompressed tar, compressed as opts (or NULL) say. */
KOC_API int koc_layer_from_tar(koc_ctx *ctx, koc_blob *tar, const koc_layer_options *opts,
                               const koc_op *op, koc_layer **out, koc_error **err);
/** A layer from a tar of somebody else's: plain (compressed as opts say), or in gzip or zstd (kept as it is).
 * It is read whole first. KOC_EFORMAT: it is no tar, is cut short, goes on after its end, or has a name
 * that leads out of the root. name names it in messages. */
KOC_API int koc_layer_import(koc_ctx *ctx, koc_blob *tar, const char *name,
                             const koc_layer_options *opts, const koc_op *op, koc_layer **out,
                             koc_error **err);
/** A layer over bytes that are compressed already; nothing is read. diff_id NULL: not known yet. */
KOC_API int koc_layer_from_blob(koc_ctx *ctx, const koc_descriptor *d, const koc_digest *diff_id,
                                koc_blob *compressed, koc_layer **out, koc_error **err);
KOC_API koc_layer *koc_layer_ref(koc_layer *l);
KOC_API void koc_layer_unref(koc_layer *l);
/** Media type, digest and size of the compressed bytes. Borrowed from l. */
KOC_API const koc_descriptor *koc_layer_descriptor(const koc_layer *l);
/** The digest of the uncompressed tar (config.md, "rootfs"); may have to read the layer once. */
KOC_API int koc_layer_diff_id(koc_layer *l, const koc_op *op, koc_digest *out, koc_error **err);
/** Bytes of the uncompressed tar; UINT64_MAX if not known. */
KOC_API uint64_t koc_layer_uncompressed_size(const koc_layer *l);
/** The compressed bytes, checked against the descriptor at their end (see koc_reader_finish).
 * KOC_ENOTFOUND when this layer has no content here. */
KOC_API int koc_layer_open(koc_layer *l, const koc_op *op, koc_reader **out, koc_error **err);
/** The tar. At its end size and digest of the compressed bytes are checked, and the DiffID when that is
 * known. Whoever stops at the tar's end mark has not checked anything: see koc_reader_finish. */
KOC_API int koc_layer_open_tar(koc_layer *l, const koc_op *op, koc_reader **out, koc_error **err);

KOC_END_DECLS
#endif

/*
 * koc/store.h: images on disk: OCI image layouts (image-spec, image-layout.md) and docker-save archives.
 */
#ifndef KOC_STORE_H
#define KOC_STORE_H

#include <koc/base.h>
#include <koc/image.h>
#include <koc/io.h>
#include <koc/reference.h>

KOC_BEGIN_DECLS

enum { KOC_LAYOUT_CREATE = 1u << 0 /**< create the directory if it does not exist */ };

/** Opens the layout in dir. A layout may be shared between threads. KOC_ENOTFOUND; KOC_EFORMAT: dir is not a layout. */
KOC_API int koc_layout_open(koc_ctx *ctx, const char *dir, uint32_t flags, koc_layout **out,
                            koc_error **err);
KOC_API koc_layout *koc_layout_ref(koc_layout *l);
KOC_API void koc_layout_unref(koc_layout *l);
/** The current content of index.json. */
KOC_API int koc_layout_list(koc_layout *l, koc_index **out, koc_error **err);
/** An image or index by digest, verified. Its layers are read from the layout when needed. KOC_ENOTFOUND, KOC_EDIGEST. */
KOC_API int koc_layout_get_image(koc_layout *l, const koc_digest *d, koc_image **out,
                                 koc_error **err);
KOC_API int koc_layout_get_index(koc_layout *l, const koc_digest *d, koc_index **out,
                                 koc_error **err);
/** Writes img with all of its blobs and lists it once in index.json. ref_name (or NULL) becomes
 * org.opencontainers.image.ref.name; an older entry loses that name. index.json is replaced atomically after the blobs
 * exist. Several processes may write to one layout. */
KOC_API int koc_layout_put_image(koc_layout *l, koc_image *img, const char *ref_name,
                                 const koc_op *op, koc_error **err);
KOC_API int koc_layout_put_index(koc_layout *l, koc_index *idx, const char *ref_name,
                                 const koc_op *op, koc_error **err);

/** An image of a docker-save archive and its references, each with a tag. All members are borrowed. */
typedef struct koc_archive_image {
    uint32_t struct_size;
    uint32_t flags;             /**< 0 */
    koc_image *image;           /**< what is written */
    koc_reference *const *tags; /**< n_tags: its names */
    size_t n_tags;
} koc_archive_image;
/* clang-format off */
#define KOC_ARCHIVE_IMAGE_INIT { sizeof(koc_archive_image), 0, NULL, NULL, 0 }
/* clang-format on */
/** Writes a docker-save v1.2 tar: each compressed layer once, manifest.json last. The same input gives the same bytes. */
KOC_API int koc_archive_write(koc_ctx *ctx, const koc_archive_image *list, size_t n,
                              const koc_writer *w, const koc_op *op, koc_error **err);
/** Reads image i of a docker-save archive on disk; *count is the number of images (out NULL: only the count). Layers are
 * read from the file when needed. */
KOC_API int koc_archive_read(koc_ctx *ctx, const char *path, size_t i, const koc_op *op,
                             koc_image **out, size_t *count, koc_error **err);

KOC_END_DECLS
#endif

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

enum { KOC_LAYOUT_CREATE = 1u << 0 /**< make the folder when it is not there */ };

/** Opens the layout in dir. KOC_ENOTFOUND, KOC_EFORMAT (it is something else). */
KOC_API int koc_layout_open(koc_ctx *ctx, const char *dir, uint32_t flags, koc_layout **out,
                            koc_error **err);
KOC_API koc_layout *koc_layout_ref(koc_layout *l);
KOC_API void koc_layout_unref(koc_layout *l);
/** The content of index.json now. */
KOC_API int koc_layout_list(koc_layout *l, koc_index **out, koc_error **err);
/** An image or index by digest, checked; layers read from the layout. KOC_ENOTFOUND, KOC_EDIGEST. */
KOC_API int koc_layout_get_image(koc_layout *l, const koc_digest *d, koc_image **out,
                                 koc_error **err);
KOC_API int koc_layout_get_index(koc_layout *l, const koc_digest *d, koc_index **out,
                                 koc_error **err);
/** Stores img with all its blobs and lists it in index.json, once; ref_name (or NULL) becomes
 * org.opencontainers.image.ref.name and leaves any older entry of that name. index.json is replaced
 * atomically after the blobs are there; safe for several processes. */
KOC_API int koc_layout_put_image(koc_layout *l, koc_image *img, const char *ref_name,
                                 const koc_op *op, koc_error **err);
KOC_API int koc_layout_put_index(koc_layout *l, koc_index *idx, const char *ref_name,
                                 const koc_op *op, koc_error **err);

/** One image of a docker-save archive and its tags (references with a tag). All members are borrowed. */
typedef struct koc_archive_image {
    uint32_t struct_size;
    uint32_t flags; /**< 0 */
    koc_image *image;
    koc_reference *const *tags;
    size_t n_tags;
} koc_archive_image;
/* clang-format off */
#define KOC_ARCHIVE_IMAGE_INIT { sizeof(koc_archive_image), 0, NULL, NULL, 0 }
/* clang-format on */
/** Writes a docker-save v1.2 tar: compressed layers once each, manifest.json last, deterministic. */
KOC_API int koc_archive_write(koc_ctx *ctx, const koc_archive_image *list, size_t n,
                              const koc_writer *w, const koc_op *op, koc_error **err);
/** The images of a docker-save archive on disk: fills *out with image i and *count with how many there
 * are (out NULL: just the count). Layers are read from the file when needed. */
KOC_API int koc_archive_read(koc_ctx *ctx, const char *path, size_t i, const koc_op *op,
                             koc_image **out, size_t *count, koc_error **err);

KOC_END_DECLS
#endif

/*
 * koc/ext/edit.h: images made from other images: on another base, in another index, as one file system.
 *
 * Headers in ext/ may change in any minor version (docs/abi.md).
 */
#ifndef KOC_EXT_EDIT_H
#define KOC_EXT_EDIT_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/image.h>
#include <koc/io.h>

KOC_BEGIN_DECLS

/** Replaces the layers of old_base in img by those of new_base. The other layers of img follow byte for byte. Its config
 * stays except for rootfs, history and platform, so the environment is the one that img was built with. annotations
 * (n; a NULL value removes) go into the manifest. A layer of the result has content if that of img or new_base has.
 * KOC_EINVAL: the layers of old_base are not the lowest layers of img, or formats (OCI, Docker) or platforms
 * differ. */
KOC_API int koc_image_rebase(koc_image *img, koc_image *old_base, koc_image *new_base,
                             const koc_kv *annotations, size_t n, koc_image **out, koc_error **err);

/** A copy of idx with other images: entry i gets the digest, size, media type and platform of images[i], or is removed
 * if images[i] is NULL. Everything else stays. annotations (n; a NULL value removes) go into the index. */
KOC_API int koc_index_with_images(koc_index *idx, koc_image *const *images,
                                  const koc_kv *annotations, size_t n, koc_index **out,
                                  koc_error **err);

/** Writes the file system of img as one tar. Whiteouts and opaque directories are applied (image-spec, layer.md). A hard
 * link keeps its content even if its target was removed. Names have no leading slash and cannot leave the root. Layers
 * that are not local are downloaded to $TMPDIR once. KOC_ELIMIT: more than 2 million names. */
KOC_API int koc_image_flatten(koc_image *img, const koc_writer *w, const koc_op *op,
                              koc_error **err);

KOC_END_DECLS
#endif

/*
 * koc/ext/edit.h: images from other images: on another base, with other children, as one file system.
 *
 * ext/ headers may change in any minor version before they move up.
 */
#ifndef KOC_EXT_EDIT_H
#define KOC_EXT_EDIT_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/image.h>
#include <koc/io.h>

KOC_BEGIN_DECLS

/** img with the layers of new_base in the place of those of old_base: its own layers follow, byte for byte,
 * and all of its config but rootfs, history and the members of the platform stays (so the environment
 * is the one that img was built with). annotations (n of them; a NULL value removes) go into the manifest.
 * KOC_EINVAL: the layers of old_base are not the lowest of img, or the two are of different families (OCI and
 * Docker) or platforms. The layers of the result have content where those of img and new_base have. */
KOC_API int koc_image_rebase(koc_image *img, koc_image *old_base, koc_image *new_base,
                             const koc_kv *annotations, size_t n, koc_image **out, koc_error **err);

/** idx with other images: entry i points to images[i] (digest, size, media type, and the platform where that
 * is another one) and carries it, or is left out where images[i] is NULL. All else stays as it is.
 * annotations (n of them; a NULL value removes) go into the index. */
KOC_API int koc_index_with_images(koc_index *idx, koc_image *const *images,
                                  const koc_kv *annotations, size_t n, koc_index **out,
                                  koc_error **err);

/** Writes img's file system as one tar: whiteouts and opaque folders are applied (image-spec, layer.md),
 * and each hard link has its content even where the name that it was made from is gone. Names have no
 * leading slash, ".." cannot leave the root. Layers that are
 * not on this disk are fetched into $TMPDIR once. KOC_ELIMIT: over 2 million names. */
KOC_API int koc_image_flatten(koc_image *img, const koc_writer *w, const koc_op *op,
                              koc_error **err);

KOC_END_DECLS
#endif

/* The inside of the store module, for publish: the public calls inside a running one. */
#ifndef KOC__STORE_H
#define KOC__STORE_H

#include <koc/store.h>

#include "core/op.h"

KOC__DEFINE_AUTO(koc_layout, koc_layout_unref);

int koc__layout_put_image(koc_layout *l, koc_image *img, const char *ref_name, koc__op *op,
                          koc_error **err);
int koc__layout_put_index(koc_layout *l, koc_index *idx, const char *ref_name, koc__op *op,
                          koc_error **err);
int koc__archive_write(const koc_archive_image *list, size_t n, const koc_writer *w, koc__op *op,
                       koc_error **err);
/* The archive of one image, without its first skip layers, as a blob. */
int koc__archive_blob(const koc_archive_image *image, size_t skip, koc__op *op, koc_blob **out,
                      koc_error **err);
/* The same as a tar of an OCI layout, whose index.json gives the image all its names ("ref.name" and
 * containerd's "io.containerd.image.name"). */
int koc__layout_blob(const koc_archive_image *image, size_t skip, koc_blob **out, koc_error **err);
int koc__archive_read(koc_ctx *ctx, const char *path, size_t i, koc__op *op, koc_image **out,
                      size_t *count, koc_error **err);

#endif

/* The inside of the store module, for publish: the public calls inside a running one. */
#ifndef KOC__STORE_H
#define KOC__STORE_H

#include <koc/store.h>

#include "core/run/call.h"

KOC__DEFINE_AUTO(koc_layout, koc_layout_unref);

int koc__layout_put_image(koc_layout *l, koc_image *img, const char *ref_name, koc__call *call,
                          koc_error **err);
int koc__layout_put_index(koc_layout *l, koc_index *idx, const char *ref_name, koc__call *call,
                          koc_error **err);
int koc__archive_write(const koc_archive_image *list, size_t n, const koc_writer *w,
                       koc__call *call, koc_error **err);
/* The archive of one image, without its first skip layers, as a blob. */
int koc__archive_blob(const koc_archive_image *image, size_t skip, koc__call *call, koc_blob **out,
                      koc_error **err);
/* The same as a tar of an OCI layout, whose index.json gives the image all its names ("ref.name" and
 * containerd's "io.containerd.image.name"). */
int koc__layout_blob(const koc_archive_image *image, size_t skip, koc_blob **out, koc_error **err);
int koc__archive_read(koc_ctx *ctx, const char *path, size_t i, koc__call *call, koc_image **out,
                      size_t *count, koc_error **err);
/* tag: the whole tag or its last parts ("app:1", "1"); NULL: the only image. */
int koc__archive_read_named(koc_ctx *ctx, const char *path, const char *name, koc__call *call,
                            koc_image **out, koc_error **err);

/* Pieces of a layout, for copies. Reading: a verified document, and a blob whose readers verify it (*out
 * NULL: it is missing). */
int koc__layout_read(const koc_layout *l, const koc_digest *d, size_t max, koc_buf *out,
                     koc_error **err);
int koc__layout_get(const koc_layout *l, const koc_digest *d, koc_blob **out, koc_error **err);
/* Writing: blob may be NULL when the layout has it. *state: KOC_STATE_FINISHED or _SKIPPED. */
int koc__layout_put_blob(const koc_layout *l, const koc_descriptor *d, koc_blob *blob,
                         koc__call *call, int32_t *state, koc_error **err);
int koc__layout_put_bytes(const koc_layout *l, koc_str bytes, const koc_descriptor *d,
                          koc_error **err);
/* The same, but always writes: the file also replaces a link. */
int koc__layout_replace_bytes(const koc_layout *l, koc_str bytes, const koc_digest *digest,
                              koc_error **err);
/* Lists d in index.json; see koc_layout_put_image. */
int koc__layout_put_entry(const koc_layout *l, const koc_descriptor *d, const char *ref_name,
                          koc__call *call, koc_error **err);

#endif

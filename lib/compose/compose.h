/*
 * The inside of the compose module: images that are changed in memory (edit.c and the files beside it), and
 * the one call that makes an image of files (build_image.c).
 */
#ifndef KOC__COMPOSE_H
#define KOC__COMPOSE_H

#include <koc/ext/compose.h>
#include <koc/ext/edit.h>

#include "core/run/call.h"
#include "core/str.h"
#include "model/model.h"
#include "transfer/transfer.h"

#define KOC__BASE_NAME   "org.opencontainers.image.base.name"
#define KOC__BASE_DIGEST "org.opencontainers.image.base.digest"

struct koc_edit {
    koc_ctx *ctx;
    koc_index *index;   /* NULL: a single image */
    koc_image **images; /* of the index, each of them; or the single one */
    size_t n;
    koc_strlist *selected; /* platforms; empty: all */
    char *base_name;       /* of what was opened, if it is in a registry; or NULL */
    bool has_base;         /* something was opened */
    koc_digest base_digest;
    bool changed;
    koc_strlist *warnings;
};
KOC__DEFINE_AUTO(koc_edit, koc_edit_free);

/* --- edit.c --- */
/* Whether the list, which selects all if it is empty, has this platform. */
bool koc__edit_selects(const koc_strlist *platforms, const koc_platform *have);
int koc__edit_open(koc_ctx *ctx, koc_client *client, const koc_place *from,
                   const char *const *platforms, koc__call *call, koc_edit **out, koc_error **err);

/* --- change_images.c --- */

/* Derives a new image from old, which is borrowed. */
typedef int (*koc__edit_fn)(koc_edit *e, koc_image *old, void *payload, koc__call *call,
                            koc_image **out, koc_error **err);
/* Applies fn to the selected images, and n annotations to the index. */
int koc__edit_each(koc_edit *e, koc__edit_fn fn, void *payload, const koc_kv *annotations, size_t n,
                   koc__call *call, koc_error **err);
/* The annotations that record a base; text is the storage of the digest. name may be NULL. */
void koc__edit_base_annotations(const char *name, const koc_digest *d,
                                char text[KOC_DIGEST_TEXT_MAX], koc_kv out[2]);
int koc__edit_record_base(koc_edit *e, koc__call *call, koc_error **err);
int koc__edit_add_layers(koc_edit *e, koc_layer *const *layers, size_t n,
                         const koc_add_layer_options *o, koc__call *call, koc_error **err);
int koc__edit_change(koc_edit *e, const koc_image_changes *c, koc__call *call, koc_error **err);

/* --- image_changes.c --- */
int koc__changes_apply(const koc_image_changes *c, koc_image_builder *b, koc_error **err);

/* --- file_layers.c --- */
/* files has structs of this version. layer and o may be NULL. */
int koc__edit_add_files(koc_edit *e, const koc_image_file *files, size_t n,
                        const koc_layer_options *layer, const koc_add_layer_options *o,
                        koc__call *call, koc_error **err);

#endif

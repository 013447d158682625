/* The inside of images, for image.c and the builder. */
#ifndef KOC__IMAGE_INSIDE_H
#define KOC__IMAGE_INSIDE_H

#include "model/model.h"

struct koc_image {
    atomic_uint refs;
    koc_ctx *ctx; /* or NULL */
    koc_buf manifest;
    koc_buf config;
    koc__json *manifest_doc;
    koc__json *config_doc;
    koc_descriptor *descriptor;
    koc_descriptor *config_descriptor;
    koc_platform *platform;
    koc_layer **layers;
    size_t n_layers;
};

/* Makes an image of two documents, which it takes (and leaves empty) on success only. layers: NULL, or all
 * layers of the manifest, each of which the image refs. */
int koc__image_make(koc_ctx *ctx, koc_buf *manifest, koc_buf *config, koc_layer *const *layers,
                    koc_image **out, koc_error **err);

/* Digest and size of data against a descriptor. KOC_EDIGEST. */

#endif

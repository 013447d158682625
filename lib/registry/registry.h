/*
 * The inside of the registry client, for publish: as the public calls, inside a running call.
 */
#ifndef KOC__REGISTRY_H
#define KOC__REGISTRY_H

#include <koc/registry.h>

#include "core/op.h"

/* What a push did. */
typedef struct koc__push_result {
    koc_digest digest;
    bool unchanged;      /* every tag named this digest already: nothing was sent */
    unsigned blobs;      /* layers and configs that make up the image(s) */
    unsigned blobs_sent; /* uploaded */
    unsigned blobs_mounted;
    uint64_t bytes_sent;
} koc__push_result;

/* r's tag, else its digest; o and result may be NULL. */
int koc__client_push_image(koc_client *c, const koc_reference *r, koc_image *img,
                           const koc_push_options *o, koc__op *op, koc__push_result *result,
                           koc_error **err);
int koc__client_push_index(koc_client *c, const koc_reference *r, koc_index *idx,
                           const koc_push_options *o, koc__op *op, koc__push_result *result,
                           koc_error **err);
/* Whatever r names: one of *index and *image is set. Manifests and configs by digest come from the
 * cache; a tag costs one HEAD when its digest is there. */
int koc__client_get_any(koc_client *c, const koc_reference *r, koc__op *op, koc_index **index,
                        koc_image **image, koc_error **err);
int koc__client_get_image(koc_client *c, const koc_reference *r, const koc_platform *want, koc__op *op,
                          koc_image **out, koc_error **err);
/* The digest a tag has now: one HEAD (GET where that does not do). *found false: no such manifest. */
int koc__client_head(koc_client *c, const koc_reference *r, koc__op *op, bool *found, koc_digest *out,
                     koc_error **err);

KOC__DEFINE_AUTO(koc_client, koc_client_unref);

#endif

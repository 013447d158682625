/* Reads images and indexes that are in memory: what a builder made. */
#include "core/common.h"

#include "transfer/transfer.h"

#include "core/str.h"

static int copy_document(koc_str bytes, const koc_descriptor *d, koc__document *out,
                         koc_error **err)
{
    out->digest = d->digest;
    KOC__TRY(koc_buf_set(&out->bytes, bytes, err));
    return koc_buf_set(&out->media_type, koc__str(d->media_type), err);
}

static int top(koc_source *s, const koc_place *p, koc__call *call, koc__document *out,
               koc_error **err)
{
    (void)p;
    (void)call;
    if (s->artifact) {
        return copy_document(koc_artifact_manifest(s->artifact),
                             koc_artifact_descriptor(s->artifact), out, err);
    }
    return s->index
               ? copy_document(koc_index_bytes(s->index), koc_index_descriptor(s->index), out, err)
               : copy_document(koc_image_manifest(s->image), koc_image_descriptor(s->image), out,
                               err);
}

/* The i-th image; NULL at *end, or if the index has only its descriptor. */
static koc_image *image_at(const koc_source *s, size_t i, bool *end)
{
    *end = i >= (s->index ? koc_index_count(s->index) : s->image ? 1u : 0u);
    return *end ? NULL : s->index ? koc_index_image(s->index, i) : s->image;
}

static int manifest(koc_source *s, const koc_digest *d, koc__call *call, koc__document *out,
                    koc_error **err)
{
    bool end = false;
    (void)call;
    for (size_t i = 0; !end; i++) {
        const koc_image *img = image_at(s, i, &end);
        if (img && koc_digest_equal(&koc_image_descriptor(img)->digest, d)) {
            return copy_document(koc_image_manifest(img), koc_image_descriptor(img), out, err);
        }
    }
    return koc__error(err, KOC_ENOTFOUND, "the index has no image for this entry");
}

static koc_layer *find_layer(const koc_image *img, const koc_digest *d)
{
    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        koc_layer *l = koc_image_layer(img, i);
        if (koc_digest_equal(&l->descriptor->digest, d)) {
            return l;
        }
    }
    return NULL;
}

static int blob(koc_source *s, const koc_descriptor *d, koc_blob **out, koc_error **err)
{
    bool end = false;
    if (s->artifact) {
        *out = koc_blob_ref(koc__artifact_blob(s->artifact, &d->digest));
    }
    for (size_t i = 0; !end; i++) {
        const koc_image *img = image_at(s, i, &end);
        if (img && koc_digest_equal(&koc_image_config_descriptor(img)->digest, &d->digest)) {
            return koc_blob_from_bytes(koc_image_config(img), out, err);
        }
        const koc_layer *l = find_layer(img, &d->digest);
        if (l && l->blob) {
            *out = koc_blob_ref(l->blob);
            return KOC_OK;
        }
    }
    return KOC_OK;
}

static const koc_reference *origin(const koc_source *s, const koc_descriptor *d)
{
    bool end = false;
    for (size_t i = 0; !end; i++) {
        const koc_layer *l = find_layer(image_at(s, i, &end), &d->digest);
        if (l && l->origin) {
            return l->origin;
        }
    }
    return NULL;
}

static int referrers(koc_source *s, const koc_digest *subject, const char *type, koc__call *call,
                     koc_index **out, koc_error **err)
{
    KOC__AUTO(koc_index_builder) b = NULL;
    (void)subject;
    (void)type;
    (void)call;
    KOC__TRY(koc_index_builder_new(s->ctx, KOC_FORMAT_OCI, &b, err));
    return koc_index_builder_finish(b, out, err);
}

static const koc__source_vt vt = {top, manifest, blob, referrers, origin};

void koc__source_memory(koc_source *s, const koc_place *p)
{
    s->vt = &vt;
    s->image = koc_image_ref(p->image);
    s->index = koc_index_ref(p->index);
    s->artifact = koc_artifact_ref(p->artifact);
}

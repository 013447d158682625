/* Finished layers: a descriptor, and if known the content and the DiffID. */
#include "core/common.h"

#include "core/hash/digests.h"
#include "model/model.h"

int koc__layer_new(const koc_descriptor *d, const koc_digest *diff_id, uint64_t tar_size,
                   koc_blob *blob, koc_reference *origin, koc_layer **out, koc_error **err)
{
    koc_layer *l = koc__calloc(1, sizeof(*l));
    koc_descriptor *copy = l ? koc__descriptor_dup(d) : NULL;
    if (!copy || pthread_mutex_init(&l->mutex, NULL) != 0) {
        koc__descriptor_free(copy);
        koc__free(l);
        return koc__oom(err);
    }
    atomic_init(&l->refs, 1);
    l->descriptor = copy;
    l->has_diff_id = diff_id != NULL;
    if (diff_id) {
        l->diff_id = *diff_id;
    }
    l->tar_size = tar_size;
    l->blob = koc_blob_ref(blob);
    l->origin = koc_reference_ref(origin);
    *out = l;
    return KOC_OK;
}

int koc__layer_twin(koc_layer *l, const koc_descriptor *d, koc_blob *blob, koc_reference *origin,
                    koc_layer **out, koc_error **err)
{
    pthread_mutex_lock(&l->mutex);
    const koc_digest diff_id = l->diff_id;
    bool known = l->has_diff_id;
    pthread_mutex_unlock(&l->mutex);
    KOC__TRY(koc__layer_new(d, known ? &diff_id : NULL, l->tar_size, blob, origin, out, err));
    (*out)->find_diff_id = l->find_diff_id;
    return KOC_OK;
}

koc_layer *koc_layer_ref(koc_layer *l)
{
    if (l) {
        atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    }
    return l;
}

void koc_layer_unref(koc_layer *l)
{
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    koc_reference_unref(l->origin);
    koc_blob_unref(l->blob);
    koc__descriptor_free(l->descriptor);
    pthread_mutex_destroy(&l->mutex);
    koc__free(l);
}

const koc_descriptor *koc_layer_descriptor(const koc_layer *l)
{
    return l ? l->descriptor : NULL;
}

uint64_t koc_layer_uncompressed_size(const koc_layer *l)
{
    return l ? l->tar_size : UINT64_MAX;
}

int koc__layer_diff_id(koc_layer *l, koc__call *call, koc_digest *out, koc_error **err)
{
    /* Held while the layer is read, so that other threads wait for the DiffID instead of reading the layer
     * again. */
    pthread_mutex_lock(&l->mutex);
    int code = KOC_OK;
    if (!l->has_diff_id) {
        code = l->find_diff_id(l, call, &l->diff_id, err);
        l->has_diff_id = code == KOC_OK;
    }
    if (code == KOC_OK) {
        *out = l->diff_id;
    }
    pthread_mutex_unlock(&l->mutex);
    return code;
}

int koc_layer_diff_id(koc_layer *l, const koc_op *op, koc_digest *out, koc_error **err)
{
    if (!l || !out) {
        return koc__misuse(err, "koc_layer_diff_id: l or out is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, NULL, op, err));
    return koc__layer_diff_id(l, &call, out, err);
}

int koc__layer_missing(const koc_layer *l, koc_error **err)
{
    const koc_descriptor *d = l->descriptor;
    if (koc__mt_is_foreign(d->media_type)) {
        koc__error(err, KOC_ENOTFOUND,
                   "layer %s is foreign: its content is at %s, not with the image",
                   koc__digest_str(&d->digest).s, d->urls && d->urls[0] ? d->urls[0] : "no URL");
        koc__error_hint(err, "registries and OCI layouts accept the image without this layer");
        return KOC_ENOTFOUND;
    }
    return koc__error(err, KOC_ENOTFOUND, "layer %s has no content here",
                      koc__digest_str(&l->descriptor->digest).s);
}

int koc_layer_open(koc_layer *l, const koc_op *op, koc_reader **out, koc_error **err)
{
    if (!l || !out) {
        return koc__misuse(err, "koc_layer_open: l or out is NULL");
    }
    if (!l->blob) {
        return koc__layer_missing(l, err);
    }
    KOC__AUTO(koc_reader) raw = NULL;
    KOC__TRY(koc_blob_open(l->blob, 0, op, &raw, err));
    KOC__TRY(
        koc__blob_checked(l->blob, l->descriptor->size, &l->descriptor->digest, raw, out, err));
    koc__steal(&raw);
    return KOC_OK;
}

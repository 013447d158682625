/* Changes each selected image, and the index that lists them. */
#include "core/common.h"

#include "compose/compose.h"

#include "core/options.h"

int koc__edit_each(koc_edit *e, koc__edit_fn fn, void *payload, const koc_kv *annotations, size_t n,
                   koc__call *call, koc_error **err)
{
    e->changed = true;
    for (size_t i = 0; i < e->n; i++) {
        koc_image *new = NULL;
        if (!koc__edit_selects(e->selected, koc_image_platform(e->images[i]))) {
            continue;
        }
        KOC__TRY(fn(e, e->images[i], payload, call, &new, err));
        koc_image_unref(e->images[i]);
        e->images[i] = new;
    }
    if (!e->index) {
        return KOC_OK;
    }
    koc_index *index = NULL;
    KOC__TRY(koc_index_with_images(e->index, e->images, annotations, n, &index, err));
    koc_index_unref(e->index);
    e->index = index;
    return KOC_OK;
}

/* --- the base --- */

void koc__edit_base_annotations(const char *name, const koc_digest *d,
                                char text[KOC_DIGEST_TEXT_MAX], koc_kv out[2])
{
    (void)koc_digest_format(d, text, KOC_DIGEST_TEXT_MAX, NULL);
    out[0] = (koc_kv){KOC__BASE_DIGEST, text};
    out[1] = (koc_kv){KOC__BASE_NAME, name};
}

static int record_base(koc_edit *e, koc_image *old, void *payload, koc__call *call, koc_image **out,
                       koc_error **err)
{
    KOC__AUTO(koc_image_builder) b = NULL;
    char text[KOC_DIGEST_TEXT_MAX];
    koc_kv base[2];
    (void)payload;
    koc__edit_base_annotations(e->base_name, &koc_image_descriptor(old)->digest, text, base);
    KOC__TRY(koc_image_builder_new(e->ctx, old, &b, err));
    for (size_t i = 0; i < KOC__COUNT(base); i++) {
        KOC__TRY(koc_image_builder_set_annotation(b, base[i].key, base[i].value, err));
    }
    return koc__image_builder_finish(b, call, out, err);
}

int koc__edit_record_base(koc_edit *e, koc__call *call, koc_error **err)
{
    char text[KOC_DIGEST_TEXT_MAX];
    koc_kv base[2];
    if (!e->has_base || e->changed) {
        return koc__misuse(err, "koc_edit_record_base: nothing was opened, or it was changed");
    }
    koc__edit_base_annotations(e->base_name, &e->base_digest, text, base);
    return koc__edit_each(e, record_base, NULL, base, KOC__COUNT(base), call, err);
}

int koc_edit_record_base(koc_edit *e, const koc_op *op, koc_error **err)
{
    if (!e) {
        return koc__misuse(err, "koc_edit_record_base: e is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, e->ctx, op, err));
    return koc__edit_record_base(e, &call, err);
}

/* --- layers --- */

typedef struct addition {
    koc_layer *const *layers;
    size_t n;
    const koc_add_layer_options *options; /* or NULL */
} addition;

static int add_layers(koc_edit *e, koc_image *old, void *payload, koc__call *call, koc_image **out,
                      koc_error **err)
{
    const addition *a = payload;
    KOC__AUTO(koc_image_builder) b = NULL;
    KOC__TRY(koc_image_builder_new(e->ctx, old, &b, err));
    for (size_t i = 0; i < a->n; i++) {
        KOC__TRY(koc_image_builder_add_layer(b, a->layers[i], a->options, err));
    }
    return koc__image_builder_finish(b, call, out, err);
}

int koc__edit_add_layers(koc_edit *e, koc_layer *const *layers, size_t n,
                         const koc_add_layer_options *o, koc__call *call, koc_error **err)
{
    addition a = {layers, n, o};
    return koc__edit_each(e, add_layers, &a, NULL, 0, call, err);
}

int koc_edit_add_layers(koc_edit *e, koc_layer *const *layers, size_t n,
                        const koc_add_layer_options *o, const koc_op *op, koc_error **err)
{
    if (!e || (n > 0 && !layers)) {
        return koc__misuse(err, "koc_edit_add_layers: e or layers is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, e->ctx, op, err));
    return koc__edit_add_layers(e, layers, n, o, &call, err);
}

/* --- settings --- */

static int change_image(koc_edit *e, koc_image *old, void *payload, koc__call *call,
                        koc_image **out, koc_error **err)
{
    KOC__AUTO(koc_image_builder) b = NULL;
    KOC__TRY(koc_image_builder_new(e->ctx, old, &b, err));
    KOC__TRY(koc__changes_apply(payload, b, err));
    return koc__image_builder_finish(b, call, out, err);
}

int koc__edit_change(koc_edit *e, const koc_image_changes *c, koc__call *call, koc_error **err)
{
    koc_image_changes changes;
    KOC__TRY(koc__options_copy(&changes, sizeof(changes), c, "koc_image_changes", err));
    if (changes.flags & ~KOC_CHANGE_CREATED) {
        return koc__misuse(err, "koc_image_changes: unknown flags");
    }
    return koc__edit_each(e, change_image, &changes, changes.annotations, changes.n_annotations,
                          call, err);
}

int koc_edit_change(koc_edit *e, const koc_image_changes *c, const koc_op *op, koc_error **err)
{
    if (!e || !c) {
        return koc__misuse(err, "koc_edit_change: e or c is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, e->ctx, op, err));
    return koc__edit_change(e, c, &call, err);
}

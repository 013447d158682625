/* Puts images on another base. */
#include "core/common.h"

#include "compose/compose.h"

#include "core/options.h"

typedef struct bases {
    koc_client *client;
    koc_source *old; /* NULL: the one that each image records */
    koc_source *new;
    const char *new_name; /* of a registry; or NULL */
} bases;

static void bases_dispose(bases *b)
{
    koc_source_free(b->old);
    koc_source_free(b->new);
}
KOC__DEFINE_AUTO_VAL(bases, bases_dispose);

static int no_record(const char *option, koc_error **err)
{
    koc__error(err, KOC_EINVAL, "the image does not record its base");
    koc__error_hint_on(err, KOC_HINT_OPTION, option, "name it with %s", option);
    return KOC_EINVAL;
}

/* The base that an image records, without its tag. The digest is that of the base of one platform, or of the base's
 * index. */
static int recorded_base(const koc_image *img, koc_reference **out, koc_error **err)
{
    const char *name = koc_image_annotation(img, KOC__BASE_NAME);
    const char *text = koc_image_annotation(img, KOC__BASE_DIGEST);
    KOC__AUTO(koc_reference) named = NULL;
    KOC__AUTO(koc_reference) untagged = NULL;
    koc_digest digest = {0};
    if (!name || !text) {
        return no_record("old_base", err);
    }
    KOC__TRY(koc_reference_parse(name, 0, &named, err));
    KOC__TRY(koc_digest_parse(text, &digest, err));
    KOC__TRY(koc_reference_with_tag(named, NULL, &untagged, err));
    return koc_reference_with_digest(untagged, &digest, out, err);
}

static int open_reference(const bases *b, koc_ctx *ctx, koc_reference *r, koc__call *call,
                          koc_source **out, koc_error **err)
{
    koc_place p = KOC_PLACE_INIT;
    p.kind = KOC_PLACE_REGISTRY;
    p.reference = r;
    return koc__source_open(ctx, b->client, &p, call, out, err);
}

/* The base of img for img's platform. */
static int get_old_base(const bases *b, koc_edit *e, const koc_image *img, koc__call *call,
                        koc_image **out, koc_error **err)
{
    KOC__AUTO(koc_reference) r = NULL;
    KOC__AUTO(koc_source) own = NULL;
    if (!b->old) {
        KOC__TRY(recorded_base(img, &r, err));
        KOC__TRY(open_reference(b, e->ctx, r, call, &own, err));
    }
    return koc__source_image(own ? own : b->old, koc_image_platform(img), call, out, err);
}

static int rebase_image(koc_edit *e, koc_image *old, void *payload, koc__call *call,
                        koc_image **out, koc_error **err)
{
    const bases *b = payload;
    char text[KOC_DIGEST_TEXT_MAX];
    koc_kv annotations[2];
    KOC__AUTO(koc_image) old_base = NULL;
    KOC__AUTO(koc_image) new_base = NULL;
    KOC__TRY(get_old_base(b, e, old, call, &old_base, err));
    KOC__TRY(koc__source_image(b->new, koc_image_platform(old), call, &new_base, err));
    koc__edit_base_annotations(b->new_name, &koc_image_descriptor(new_base)->digest, text,
                               annotations);
    return koc_image_rebase(old, old_base, new_base, annotations, KOC__COUNT(annotations), out,
                            err);
}

/* The name of the base that one of the images records, or NULL. */
static const char *recorded_name(const koc_edit *e)
{
    for (size_t i = 0; i < e->n; i++) {
        const char *value = koc_image_annotation(e->images[i], KOC__BASE_NAME);
        if (value) {
            return value;
        }
    }
    return NULL;
}

static int open_bases(koc_edit *e, const koc_place *old_base, const koc_place *new_base, bases *b,
                      koc_reference **recorded, koc__call *call, koc_error **err)
{
    koc_place p = KOC_PLACE_INIT;
    if (new_base) {
        KOC__TRY(koc__options_copy(&p, sizeof(p), new_base, "koc_place", err));
    } else {
        const char *name = recorded_name(e);
        if (!name) {
            return no_record("new_base", err);
        }
        KOC__TRY(koc_reference_parse(name, 0, recorded, err));
        p.kind = KOC_PLACE_REGISTRY;
        p.reference = *recorded;
    }
    b->new_name = p.kind == KOC_PLACE_REGISTRY ? koc_reference_string(p.reference) : NULL;
    if (old_base) {
        KOC__TRY(koc__source_open(e->ctx, b->client, old_base, call, &b->old, err));
    }
    return koc__source_open(e->ctx, b->client, &p, call, &b->new, err);
}

int koc_edit_rebase(koc_edit *e, koc_client *client, const koc_place *old_base,
                    const koc_place *new_base, const koc_op *op, koc_error **err)
{
    if (!e) {
        return koc__misuse(err, "koc_edit_rebase: e is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(bases) b = {.client = client};
    KOC__AUTO(koc_reference) recorded = NULL;
    char text[KOC_DIGEST_TEXT_MAX];
    koc_kv annotations[2];
    KOC__TRY(koc__call_begin(&call, e->ctx, op, err));
    KOC__TRY(open_bases(e, old_base, new_base, &b, &recorded, &call, err));
    koc__edit_base_annotations(b.new_name, &b.new->top.digest, text, annotations);
    return koc__edit_each(e, rebase_image, &b, annotations, KOC__COUNT(annotations), &call, err);
}

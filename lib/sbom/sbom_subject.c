/* Reads base and time from images and indexes. */
#include "core/common.h"

#include "model/model.h"
#include "sbom/bom.h"

void koc__sbom_base_dispose(koc__sbom_base *b)
{
    koc_reference_unref(b->name);
    *b = (koc__sbom_base){0};
}

int koc__sbom_base_read(const char *name, const char *digest, koc__sbom_base *out, koc_error **err)
{
    koc_error *why = NULL;
    koc__sbom_base base = {0};
    if (!name || !digest) {
        *out = base;
        return KOC_OK;
    }
    KOC__TRY(koc_digest_parse(digest, &base.digest, err));
    base.text = name;
    int rc = koc_reference_parse(name, 0, &base.name, &why);
    if (rc == KOC_ENOMEM) {
        return koc__error_move(err, &why);
    }
    koc__error_clear(&why); /* the base may be a layout or archive, which has no reference */
    *out = base;
    return KOC_OK;
}

const char *koc__sbom_index_annotation(const koc_index *idx, const char *key)
{
    const koc__jnode *root = koc__json_root(koc__index_json(idx));
    return koc__json_get_str(koc__json_get(root, "annotations"), key);
}

const char *koc__sbom_config_created(const koc_image *img)
{
    return koc__json_get_str(koc__json_root(koc__image_config_json(img)), "created");
}

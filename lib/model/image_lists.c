/* Lists in an image's config and annotations, so that a caller needs no JSON parser. */
#include "core/common.h"

#include "core/options.h"
#include "core/str.h"
#include "model/image.h"

/* The path of each field in the config (OCI image-spec, config.md). */
static const char *const paths[] = {
    [KOC_CFG_USER] = "/config/User",
    [KOC_CFG_WORKDIR] = "/config/WorkingDir",
    [KOC_CFG_STOPSIGNAL] = "/config/StopSignal",
    [KOC_CFG_AUTHOR] = "/author",
    [KOC_CFG_PORT] = "/config/ExposedPorts",
    [KOC_CFG_VOLUME] = "/config/Volumes",
    [KOC_CFG_ENV] = "/config/Env",
    [KOC_CFG_LABEL] = "/config/Labels",
    [KOC_CFG_ENTRYPOINT] = "/config/Entrypoint",
    [KOC_CFG_CMD] = "/config/Cmd",
};

static const koc__jnode *field_of(const koc_image *img, int32_t field)
{
    if (field == KOC_CFG_ANNOTATION) {
        return koc__json_get(koc__json_root(img->manifest_doc), "annotations");
    }
    return koc__json_at(koc__json_root(img->config_doc), paths[field]);
}

const char *koc_image_str(const koc_image *img, int32_t field)
{
    if (!img || field < KOC_CFG_USER || field > KOC_CFG_AUTHOR) {
        return NULL;
    }
    const char *text = koc__json_str(field_of(img, field));
    return text && *text ? text : NULL;
}

/* An item of an array, a key of a set, or "key=value" of a map. */
static int add_item(koc_strlist *list, const koc__jnode *item, bool array, bool map,
                    koc_error **err)
{
    const char *text = koc__json_str(item);
    if (array) {
        return text ? koc__strlist_add(list, text, err) : KOC_OK;
    }
    return map ? koc__strlist_addf(list, err, "%s=%s", koc__json_name(item), text ? text : "")
               : koc__strlist_add(list, koc__json_name(item), err);
}

int koc_image_list(const koc_image *img, int32_t field, koc_strlist **out, koc_error **err)
{
    if (!img || !out || field < KOC_CFG_PORT || field > KOC_CFG_ANNOTATION) {
        return koc__misuse(err, "koc_image_list: img or out is NULL, or field is not a list");
    }
    KOC__AUTO(koc_strlist) list = NULL;
    KOC__TRY(koc__strlist_new(&list, err));
    const koc__jnode *node = field_of(img, field);
    bool array = koc__json_is(node, KOC__JSON_ARRAY);
    bool map = field == KOC_CFG_LABEL || field == KOC_CFG_ANNOTATION;
    if (array || koc__json_is(node, KOC__JSON_OBJECT)) {
        for (const koc__jnode *n = koc__json_child(node); n; n = koc__json_next(n)) {
            KOC__TRY(add_item(list, n, array, map, err));
        }
    }
    *out = koc__steal(&list);
    return KOC_OK;
}

size_t koc_image_history_count(const koc_image *img)
{
    const koc__jnode *list = img ? koc__json_get(koc__json_root(img->config_doc), "history") : NULL;
    return koc__json_is(list, KOC__JSON_ARRAY) ? koc__json_count(list) : 0;
}

int koc_image_history(const koc_image *img, size_t i, koc_history *out, koc_error **err)
{
    koc_history h = KOC_HISTORY_INIT;
    if (!img || !out || i >= koc_image_history_count(img)) {
        return koc__misuse(err, "koc_image_history: img or out is NULL, or i is too large");
    }
    koc_history check;
    KOC__TRY(koc__options_copy(&check, sizeof(check), out, "koc_history", err));
    const koc__jnode *n =
        koc__json_child(koc__json_get(koc__json_root(img->config_doc), "history"));
    for (; i > 0; i--) {
        n = koc__json_next(n);
    }
    h.created = koc__json_get_str(n, "created");
    h.created_by = koc__json_get_str(n, "created_by");
    h.author = koc__json_get_str(n, "author");
    h.comment = koc__json_get_str(n, "comment");
    h.empty_layer = koc__json_true(koc__json_get(n, "empty_layer"));
    koc__options_give(out, sizeof(h), &h);
    return KOC_OK;
}

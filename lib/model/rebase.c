/* Images on another base and indexes with other images: small changes to existing JSON. */
#include "core/common.h"

#include <koc/ext/edit.h>

#include "core/hash/digests.h"
#include "core/str.h"
#include "model/image_builder.h"
#include "model/index.h"

/* --- what both need --- */

static int write_document(const koc__json *doc, size_t max, koc_buf *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(max);
    koc__jw w;
    koc__jw_begin(&w, &text, 0, 0);
    koc__jw_node(&w, koc__json_root(doc));
    KOC__TRY(koc__jw_end(&w, err));
    koc__dynbuf_give(&text, out);
    return KOC_OK;
}

static int annotate(koc__jnode *root, const koc_kv *annotations, size_t n, koc_error **err)
{
    koc__settings s = {0};
    int rc = KOC_OK;
    for (size_t i = 0; i < n && rc == KOC_OK; i++) {
        rc = koc__settings_put(&s, annotations[i].key, annotations[i].value, err);
    }
    if (rc == KOC_OK) {
        rc = koc__build_annotate(root, &s, err);
    }
    koc__settings_dispose(&s);
    return rc;
}

/* Sets digest and size in a descriptor. */
static int point_to(koc__jnode *descriptor, const koc_digest *digest, uint64_t size,
                    koc_error **err)
{
    KOC__TRY(
        koc__json_put(descriptor, "digest", koc__json_make_str(koc__digest_str(digest).s), err));
    KOC__TRY(koc__json_put(descriptor, "size", koc__json_make_u64(size), err));
    koc__json_drop(descriptor, "data");
    return KOC_OK;
}

/* Replaces the first `drop` elements of list by copies of the first `take` of from. */
static int replace_head(koc__jnode *object, const char *name, size_t drop, const koc__jnode *from,
                        koc_error **err)
{
    koc__jnode *list = koc__json_make_array();
    const koc__jnode *old = koc__json_child(koc__json_get(object, name));
    int rc = list ? KOC_OK : koc__oom(err);
    for (const koc__jnode *n = koc__json_child(from); n && rc == KOC_OK; n = koc__json_next(n)) {
        rc = koc__json_push(list, koc__json_make_copy(n), err);
    }
    for (; old && rc == KOC_OK; old = koc__json_next(old)) {
        if (drop > 0) {
            drop--;
        } else {
            rc = koc__json_push(list, koc__json_make_copy(old), err);
        }
    }
    if (rc != KOC_OK) {
        koc__json_node_free(list);
        return rc;
    }
    return koc__json_put(object, name, list, err);
}

/* --- rebase --- */

static int check_bases(const koc_image *img, const koc_image *old_base, const koc_image *new_base,
                       koc_error **err)
{
    size_t n = koc_image_layer_count(old_base);
    if (n > koc_image_layer_count(img)) {
        return koc__error(err, KOC_EINVAL,
                          "the image is not built on that base: it has %zu layers, the base %zu",
                          koc_image_layer_count(img), n);
    }
    for (size_t i = 0; i < n; i++) {
        const koc_descriptor *have = koc_layer_descriptor(koc_image_layer(img, i));
        const koc_descriptor *want = koc_layer_descriptor(koc_image_layer(old_base, i));
        if (!koc_digest_equal(&have->digest, &want->digest)) {
            return koc__error(err, KOC_EINVAL,
                              "the image is not built on that base: its layer %zu is %s, the base "
                              "has %s there",
                              i + 1, koc__digest_str(&have->digest).s,
                              koc__digest_str(&want->digest).s);
        }
    }
    if (koc__image_is_docker(img) != koc__image_is_docker(new_base)) {
        return koc__error(err, KOC_EINVAL, "the image has %s media types, the new base %s",
                          koc__image_is_docker(img) ? "Docker's" : "OCI",
                          koc__image_is_docker(new_base) ? "Docker's" : "OCI");
    }
    if (!koc_platform_matches(koc_image_platform(img), koc_image_platform(new_base))) {
        KOC__AUTO_STR have = koc__platform_str(koc_image_platform(img));
        KOC__AUTO_STR want = koc__platform_str(koc_image_platform(new_base));
        return koc__error(err, KOC_EINVAL, "the image is for %s, the new base for %s",
                          have ? have : "?", want ? want : "?");
    }
    return KOC_OK;
}

/* The number of history entries that came from the base: that of the base's own history if it creates as many
 * layers; else as many as create the base's layers. */
static size_t history_of_base(const koc_image *img, const koc_image *base)
{
    const koc__jnode *mine = koc__json_get(koc__json_root(img->config_doc), "history");
    size_t layers = koc_image_layer_count(base);
    size_t theirs = koc__json_count(koc__json_get(koc__json_root(base->config_doc), "history"));
    size_t i = 0;
    size_t made = 0;
    size_t enough = 0;
    for (const koc__jnode *n = koc__json_child(mine); n; n = koc__json_next(n)) {
        made += koc__json_true(koc__json_get(n, "empty_layer")) ? 0 : 1;
        i++;
        if (made == layers && enough == 0) {
            enough = i;
        }
        if (i == theirs && made == layers) {
            return theirs;
        }
    }
    return layers == 0 ? 0 : enough;
}

/* The arguments of koc_image_rebase. */
typedef struct rebasing {
    koc_image *img, *old_base, *new_base;
    const koc_kv *annotations;
    size_t n_annotations;
} rebasing;

static int rebase_config(const rebasing *r, koc_buf *out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__json_copy(koc__json_root(r->img->config_doc), &doc, err));
    koc__jnode *root = koc__json_root(doc);
    const koc__jnode *base = koc__json_root(r->new_base->config_doc);
    koc__jnode *rootfs = NULL;
    KOC__TRY(koc__build_need(root, "rootfs", KOC__JSON_OBJECT, &rootfs, err));
    KOC__TRY(replace_head(rootfs, "diff_ids", koc_image_layer_count(r->old_base),
                          koc__json_at(base, "/rootfs/diff_ids"), err));
    if (koc__json_get(root, "history") || koc__json_get(base, "history")) {
        KOC__TRY(replace_head(root, "history", history_of_base(r->img, r->old_base),
                              koc__json_get(base, "history"), err));
    }
    const char *version = koc__json_get_str(base, "os.version");
    if (version) {
        KOC__TRY(koc__json_put(root, "os.version", koc__json_make_str(version), err));
    }
    return write_document(doc, KOC__CONFIG_MAX, out, err);
}

static int rebase_manifest(const rebasing *r, koc_str config, koc_buf *out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    koc_digest digest = {0};
    koc__jnode *descriptor = NULL;
    KOC__TRY(koc__json_copy(koc__json_root(r->img->manifest_doc), &doc, err));
    koc__jnode *root = koc__json_root(doc);
    KOC__TRY(koc_digest_of(config, &digest, err));
    KOC__TRY(koc__build_need(root, "config", KOC__JSON_OBJECT, &descriptor, err));
    KOC__TRY(point_to(descriptor, &digest, config.len, err));
    KOC__TRY(replace_head(root, "layers", koc_image_layer_count(r->old_base),
                          koc__json_get(koc__json_root(r->new_base->manifest_doc), "layers"), err));
    koc__json_drop(root, "subject"); /* the subject of the old image is not that of this one */
    KOC__TRY(annotate(root, r->annotations, r->n_annotations, err));
    return write_document(doc, KOC__MANIFEST_MAX, out, err);
}

int koc_image_rebase(koc_image *img, koc_image *old_base, koc_image *new_base,
                     const koc_kv *annotations, size_t n, koc_image **out, koc_error **err)
{
    if (!img || !old_base || !new_base || !out || (n > 0 && !annotations)) {
        return koc__misuse(err,
                           "koc_image_rebase: img, old_base, new_base, annotations or out is NULL");
    }
    KOC__AUTO_VAL(koc_buf) config = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc_buf) manifest = KOC_BUF_INIT;
    const rebasing r = {img, old_base, new_base, annotations, n};
    KOC__TRY(check_bases(img, old_base, new_base, err));
    size_t skipped = old_base->n_layers;
    size_t taken = new_base->n_layers;
    size_t own = img->n_layers - skipped;
    KOC__TRY(rebase_config(&r, &config, err));
    KOC__TRY(rebase_manifest(&r, koc__str_n(config.ptr, config.len), &manifest, err));
    koc_layer **layers = koc__calloc(taken + own + 1, sizeof(koc_layer *));
    if (!layers) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < taken; i++) {
        layers[i] = new_base->layers[i];
    }
    for (size_t i = 0; i < own; i++) {
        layers[taken + i] = img->layers[skipped + i];
    }
    int rc = koc__image_make(img->ctx, &manifest, &config, layers, out, err);
    koc__free(layers);
    return rc;
}

/* --- indexes --- */

static int replace_platform(koc__jnode *entry, const koc_image *img, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO(koc_platform) had = NULL;
    koc__jw w;
    const koc__jnode *old = koc__json_get(entry, "platform");
    if (!old) {
        return KOC_OK;
    }
    KOC__TRY(koc__platform_read(old, &had, err));
    if (had && koc_platform_matches(had, koc_image_platform(img))) {
        return KOC_OK;
    }
    koc__jw_begin(&w, &text, 0, 0);
    koc__platform_write(&w, koc_image_platform(img));
    KOC__TRY(koc__jw_end(&w, err));
    KOC__TRY(koc__json_parse(koc__dynbuf_view(&text), KOC__MANIFEST_MAX, "platform", &doc, err));
    return koc__json_put(entry, "platform", koc__json_make_copy(koc__json_root(doc)), err);
}

static int replace_entry(koc__jnode *entry, const koc_image *img, koc_error **err)
{
    const koc_descriptor *d = koc_image_descriptor(img);
    KOC__TRY(koc__json_put(entry, "mediaType", koc__json_make_str(d->media_type), err));
    KOC__TRY(point_to(entry, &d->digest, d->size, err));
    return replace_platform(entry, img, err);
}

int koc_index_with_images(koc_index *idx, koc_image *const *images, const koc_kv *annotations,
                          size_t n, koc_index **out, koc_error **err)
{
    if (!idx || !images || !out || (n > 0 && !annotations)) {
        return koc__misuse(err, "koc_index_with_images: idx, images, annotations or out is NULL");
    }
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    KOC__TRY(koc__json_copy(koc__json_root(idx->doc), &doc, err));
    koc__jnode *root = koc__json_root(doc);
    koc__jnode *list = koc__json_get(root, "manifests");
    koc_image **kept = koc__calloc(idx->n_entries + 1, sizeof(koc_image *));
    if (!kept) {
        return koc__oom(err);
    }
    koc__jnode *next = NULL;
    size_t n_kept = 0;
    size_t i = 0;
    int rc = KOC_OK;
    for (koc__jnode *entry = koc__json_child(list); entry && rc == KOC_OK; entry = next) {
        next = koc__json_next(entry);
        koc_image *img = images[i++];
        if (!img) {
            koc__json_remove(list, entry);
            continue;
        }
        kept[n_kept++] = img;
        rc = replace_entry(entry, img, err);
    }
    koc__json_drop(root, "subject");
    if (rc == KOC_OK) {
        rc = annotate(root, annotations, n, err);
    }
    if (rc == KOC_OK) {
        rc = write_document(doc, KOC__MANIFEST_MAX, &bytes, err);
    }
    if (rc == KOC_OK) {
        rc = koc__index_make(idx->ctx, &bytes, kept, out, err);
    }
    koc__free(kept);
    return rc;
}

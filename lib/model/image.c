/*
 * Images from their bytes. The input is untrusted: it is checked once as a whole, and never serialised again.
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/str.h"
#include "model/image.h"

/* --- reading --- */

static int digest_with(int32_t algorithm, koc_str data, koc_digest *out, koc_error **err)
{
    if (algorithm == KOC_DIGEST_SHA256) {
        return koc_digest_of(data, out, err);
    }
    koc_hasher *h = NULL;
    KOC__TRY(koc_hasher_new(algorithm, &h, err));
    koc_hasher_update(h, data);
    int code = koc_hasher_finish(h, out, err);
    koc_hasher_free(h);
    return code;
}

static int check_content(koc_str data, const koc_descriptor *d, const char *what, koc_error **err)
{
    if (data.len != d->size) {
        return koc__error(err, KOC_EDIGEST, "%s has %zu bytes, not the %llu of its descriptor",
                          what, data.len, (unsigned long long)d->size);
    }
    koc_digest actual = {0};
    KOC__TRY(digest_with(d->digest.algorithm, data, &actual, err));
    if (!koc_digest_equal(&actual, &d->digest)) {
        return koc__error(err, KOC_EDIGEST, "%s has the digest %s, not %s", what,
                          koc__digest_str(&actual).s, koc__digest_str(&d->digest).s);
    }
    return KOC_OK;
}

/* Media type, digest and size of the manifest; artifactType if it has one. */
static int set_descriptor(koc_image *img, const koc_digest *digest, const char *media_type,
                          koc_error **err)
{
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    d.digest = *digest;
    d.size = img->manifest.len;
    d.media_type = media_type;
    d.artifact_type = koc__json_get_str(koc__json_root(img->manifest_doc), "artifactType");
    d.platform = img->platform;
    img->descriptor = koc__descriptor_dup(&d);
    return img->descriptor ? KOC_OK : koc__oom(err);
}

static int read_manifest(koc_image *img, const char *what, const char **media_type, koc_error **err)
{
    koc_str text = koc__str_n(img->manifest.ptr, img->manifest.len);
    KOC__TRY(koc__json_parse(text, KOC__MANIFEST_MAX, what, &img->manifest_doc, err));
    KOC__TRY(koc__mt_of_document(img->manifest_doc, NULL, what, media_type, err));
    if (koc__mt_is_index(*media_type)) {
        return koc__error(err, KOC_EUNSUPPORTED, "%s is an index, not an image", what);
    }
    const koc__jnode *root = koc__json_root(img->manifest_doc);
    KOC__AUTO_STR config = NULL;
    KOC__TRY(koc__formatf(&config, err, "config of %s", what));
    KOC__TRY(
        koc__descriptor_read(koc__json_get(root, "config"), config, &img->config_descriptor, err));
    if (!koc__mt_is_config(img->config_descriptor->media_type)) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "%s is an artifact (its config is %s), not an image", what,
                          img->config_descriptor->media_type);
    }
    return KOC_OK;
}

static int read_config(koc_image *img, koc_error **err)
{
    KOC__AUTO_STR what =
        koc__format("config %s", koc__digest_str(&img->config_descriptor->digest).s);
    if (!what) {
        return koc__oom(err);
    }
    koc_str text = koc__str_n(img->config.ptr, img->config.len);
    KOC__TRY(check_content(text, img->config_descriptor, what, err));
    KOC__TRY(koc__json_parse(text, KOC__CONFIG_MAX, what, &img->config_doc, err));
    int code = koc__platform_read(koc__json_root(img->config_doc), &img->platform, err);
    return koc__error_prefix(err, code, "%s", what);
}

static int read_layer(koc_image *img, const koc__jnode *layer, const koc__jnode *diff_id,
                      const char *what, koc_error **err)
{
    KOC__AUTO_STR name = NULL;
    KOC__TRY(koc__formatf(&name, err, "layers[%zu] of %s", img->n_layers, what));
    koc_digest diff = {0};
    const char *text = koc__json_str(diff_id);
    if (!text || !koc__digest_read(koc__str(text), &diff)) {
        return koc__error(err, KOC_EFORMAT, "%s: its DiffID \"%s\" is not a digest", name,
                          text ? text : "");
    }
    KOC__AUTO(koc_descriptor) d = NULL;
    KOC__TRY(koc__descriptor_read(layer, name, &d, err));
    KOC__TRY(koc__layer_new(d, &diff, UINT64_MAX, NULL, NULL, &img->layers[img->n_layers], err));
    img->n_layers++;
    return KOC_OK;
}

/* Each layer has one DiffID, so their numbers must agree. */
static int read_layers(koc_image *img, const char *what, koc_error **err)
{
    const koc__jnode *layers = koc__json_get(koc__json_root(img->manifest_doc), "layers");
    const koc__jnode *diff_ids = koc__json_at(koc__json_root(img->config_doc), "/rootfs/diff_ids");
    size_t n = koc__json_count(layers);
    size_t n_diff_ids = koc__json_is(diff_ids, KOC__JSON_ARRAY) ? koc__json_count(diff_ids) : 0;
    if (n > KOC__DESCRIPTORS_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s has %zu layers, more than %d", what, n,
                          KOC__DESCRIPTORS_MAX);
    }
    if (n != n_diff_ids) {
        return koc__error(err, KOC_EFORMAT, "%s has %zu layers, but its config has %zu DiffIDs",
                          what, n, n_diff_ids);
    }
    img->layers = koc__calloc(n + 1, sizeof(koc_layer *));
    if (!img->layers) {
        return koc__oom(err);
    }
    const koc__jnode *diff_id = koc__json_child(diff_ids);
    for (const koc__jnode *l = koc__json_child(layers); l; l = koc__json_next(l)) {
        KOC__TRY(read_layer(img, l, diff_id, what, err));
        diff_id = koc__json_next(diff_id);
    }
    return KOC_OK;
}

static int read_all(koc_image *img, koc_error **err)
{
    koc_digest digest = {0};
    const char *media_type = NULL;
    KOC__TRY(koc_digest_of(koc__str_n(img->manifest.ptr, img->manifest.len), &digest, err));
    KOC__AUTO_STR what = NULL;
    KOC__TRY(koc__formatf(&what, err, "manifest %s", koc__digest_str(&digest).s));
    KOC__TRY(read_manifest(img, what, &media_type, err));
    KOC__TRY(read_config(img, err));
    KOC__TRY(read_layers(img, what, err));
    return set_descriptor(img, &digest, media_type, err);
}

/* Replaces the layers that were read by layers with content. */
static void adopt_layers(koc_image *img, koc_layer *const *layers)
{
    for (size_t i = 0; layers && i < img->n_layers; i++) {
        koc_layer_unref(img->layers[i]);
        img->layers[i] = koc_layer_ref(layers[i]);
    }
}

int koc__image_make(koc_ctx *ctx, koc_buf *manifest, koc_buf *config, koc_layer *const *layers,
                    koc_image **out, koc_error **err)
{
    koc_image *img = koc__calloc(1, sizeof(*img));
    if (!img) {
        return koc__oom(err);
    }
    atomic_init(&img->refs, 1);
    img->manifest = *manifest;
    img->config = *config;
    int code = read_all(img, err);
    if (code != KOC_OK) {
        /* Does not take the documents yet. */
        img->manifest = (koc_buf)KOC_BUF_INIT;
        img->config = (koc_buf)KOC_BUF_INIT;
        koc_image_unref(img);
        return code;
    }
    adopt_layers(img, layers);
    img->ctx = koc_ctx_ref(ctx);
    *manifest = (koc_buf)KOC_BUF_INIT;
    *config = (koc_buf)KOC_BUF_INIT;
    *out = img;
    return KOC_OK;
}

int koc_image_from_bytes(koc_ctx *ctx, koc_str manifest, koc_str config, koc_image **out,
                         koc_error **err)
{
    if (!out || (!manifest.ptr && manifest.len > 0) || (!config.ptr && config.len > 0)) {
        return koc__misuse(err, "koc_image_from_bytes: manifest.ptr, config.ptr or out is NULL");
    }
    if (manifest.len > KOC__MANIFEST_MAX || config.len > KOC__CONFIG_MAX) {
        return koc__error(err, KOC_ELIMIT,
                          "the manifest (%zu bytes, at most %zu) or config (%zu, at most %zu) "
                          "is too large",
                          manifest.len, KOC__MANIFEST_MAX, config.len, KOC__CONFIG_MAX);
    }
    KOC__AUTO_VAL(koc_buf) manifest_copy = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc_buf) config_copy = KOC_BUF_INIT;
    KOC__TRY(koc_buf_set(&manifest_copy, manifest, err));
    KOC__TRY(koc_buf_set(&config_copy, config, err));
    return koc__image_make(ctx, &manifest_copy, &config_copy, NULL, out, err);
}

int koc__image_attach(koc_image *img, size_t i, koc_blob *blob, koc_reference *origin,
                      koc_error **err)
{
    if (i >= img->n_layers) {
        return koc__misuse(err, "koc__image_attach: there is no such layer");
    }
    koc_layer *l = img->layers[i];
    koc_blob_ref(blob);
    koc_blob_unref(l->blob);
    l->blob = blob;
    koc_reference_ref(origin);
    koc_reference_unref(l->origin);
    l->origin = origin;
    return KOC_OK;
}

koc_image *koc_image_ref(koc_image *img)
{
    if (img) {
        atomic_fetch_add_explicit(&img->refs, 1, memory_order_relaxed);
    }
    return img;
}

void koc_image_unref(koc_image *img)
{
    if (!img || atomic_fetch_sub_explicit(&img->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < img->n_layers; i++) {
        koc_layer_unref(img->layers[i]);
    }
    koc__free(img->layers);
    koc__platform_free(img->platform);
    koc__descriptor_free(img->config_descriptor);
    koc__descriptor_free(img->descriptor);
    koc__json_free(img->config_doc);
    koc__json_free(img->manifest_doc);
    koc_buf_dispose(&img->config);
    koc_buf_dispose(&img->manifest);
    koc_ctx_unref(img->ctx);
    koc__free(img);
}

/* --- getters --- */

const koc_descriptor *koc_image_descriptor(const koc_image *img)
{
    return img ? img->descriptor : NULL;
}

koc_str koc_image_manifest(const koc_image *img)
{
    return img ? koc__str_n(img->manifest.ptr, img->manifest.len) : koc__str(NULL);
}

koc_str koc_image_config(const koc_image *img)
{
    return img ? koc__str_n(img->config.ptr, img->config.len) : koc__str(NULL);
}

const koc_descriptor *koc_image_config_descriptor(const koc_image *img)
{
    return img ? img->config_descriptor : NULL;
}

const koc_platform *koc_image_platform(const koc_image *img)
{
    return img ? img->platform : NULL;
}

size_t koc_image_layer_count(const koc_image *img)
{
    return img ? img->n_layers : 0;
}

koc_layer *koc_image_layer(const koc_image *img, size_t i)
{
    return img && i < img->n_layers ? img->layers[i] : NULL;
}

const koc__json *koc__image_manifest_json(const koc_image *img)
{
    return img->manifest_doc;
}

const koc__json *koc__image_config_json(const koc_image *img)
{
    return img->config_doc;
}

bool koc__image_is_docker(const koc_image *img)
{
    return koc__mt_is_docker(img->descriptor->media_type);
}

const char *koc_image_annotation(const koc_image *img, const char *key)
{
    if (!img || !key) {
        return NULL;
    }
    return koc__json_get_str(koc__json_get(koc__json_root(img->manifest_doc), "annotations"), key);
}

const char *koc_image_label(const koc_image *img, const char *key)
{
    if (!img || !key) {
        return NULL;
    }
    return koc__json_get_str(koc__json_at(koc__json_root(img->config_doc), "/config/Labels"), key);
}

const char *koc_image_env(const koc_image *img, const char *name)
{
    if (!img || !name) {
        return NULL;
    }
    size_t n = strlen(name);
    const koc__jnode *env = koc__json_at(koc__json_root(img->config_doc), "/config/Env");
    for (const koc__jnode *c = koc__json_child(env); c; c = koc__json_next(c)) {
        const char *item = koc__json_str(c);
        if (item && strncmp(item, name, n) == 0 && item[n] == '=') {
            return item + n + 1;
        }
    }
    return NULL;
}

int koc_image_config_get(const koc_image *img, const char *json_pointer, koc_buf *out,
                         koc_error **err)
{
    if (!img || !json_pointer || !out) {
        return koc__misuse(err, "koc_image_config_get: img, json_pointer or out is NULL");
    }
    const koc__jnode *n = koc__json_at(koc__json_root(img->config_doc), json_pointer);
    if (!n) {
        return koc__error(err, KOC_ENOTFOUND, "config %s has no \"%s\"",
                          koc__digest_str(&img->config_descriptor->digest).s, json_pointer);
    }
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(2 * KOC__CONFIG_MAX);
    koc__jw w;
    koc__jw_begin(&w, &text, 0, 0);
    koc__jw_node(&w, n);
    KOC__TRY(koc__jw_end(&w, err));
    koc__dynbuf_give(&text, out);
    return KOC_OK;
}

bool koc__image_repeats_layer(const koc_image *img, size_t i)
{
    const koc_digest *digest = &koc_layer_descriptor(koc_image_layer(img, i))->digest;
    for (size_t k = 0; k < i; k++) {
        if (koc_digest_equal(digest, &koc_layer_descriptor(koc_image_layer(img, k))->digest)) {
            return true;
        }
    }
    return false;
}

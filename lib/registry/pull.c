/*
 * Pull: fetches and verifies the documents of an image or index; layers are downloaded when they
 * are read. Documents with a known digest come from the cache, if it has them.
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/io/cache.h"
#include "core/io/io.h"
#include "model/walk.h"
#include "registry/operations.h"

#define RECORD_MAX 256

/* A manifest or index, byte for byte. */
typedef struct document {
    koc_buf bytes;
    koc_buf media_type;
    koc_digest digest;
} document;

static void document_dispose(document *d)
{
    koc_buf_dispose(&d->bytes);
    koc_buf_dispose(&d->media_type);
}
KOC__DEFINE_AUTO_VAL(document, document_dispose);

/* --- the cache --- */

/* The cache finds blobs by digest and size; a record keeps size and type of a manifest. */
static void keep_document(koc_client *c, const document *d)
{
    koc__cache *cache = c->ctx->cache;
    KOC__AUTO_STR record = koc__format("%zu %s", d->bytes.len, d->media_type.ptr);
    if (!cache || !record) {
        return;
    }
    if (koc__cache_put_bytes(cache, &d->digest, koc__str_n(d->bytes.ptr, d->bytes.len), NULL) ==
        KOC_OK) {
        (void)koc__cache_put(cache, "manifests", koc__str(koc__digest_str(&d->digest).s),
                             koc__str(record), NULL);
    }
}

static bool cached_bytes(koc_client *c, const koc_digest *digest, uint64_t size, size_t max,
                         koc__call *call, koc_buf *out)
{
    KOC__AUTO(koc_blob) blob = NULL;
    return c->ctx->cache && size <= max &&
           koc__cache_blob(c->ctx->cache, digest, size, &blob, NULL) == KOC_OK &&
           koc__blob_read_all(blob, max, call, out, NULL) == KOC_OK;
}

static bool cached_document(koc_client *c, const koc_digest *digest, koc__call *call, document *out)
{
    KOC__AUTO_VAL(koc_buf) record = KOC_BUF_INIT;
    koc_str size_text, type;
    uint64_t size;
    bool found = false;
    if (!c->ctx->cache ||
        koc__cache_get(c->ctx->cache, "manifests", koc__str(koc__digest_str(digest).s), RECORD_MAX,
                       &found, &record, NULL) != KOC_OK ||
        !found || !koc__str_cut(koc__str_n(record.ptr, record.len), ' ', &size_text, &type) ||
        !koc__str_u64(size_text, &size)) {
        return false;
    }
    if (!cached_bytes(c, digest, size, KOC__MANIFEST_MAX, call, &out->bytes) ||
        koc_buf_set(&out->media_type, type, NULL) != KOC_OK) {
        return false;
    }
    out->digest = *digest;
    return true;
}

/* --- documents --- */

static int fetch_document(koc_client *c, const koc_reference *r, koc__call *call, document *out,
                          koc_error **err)
{
    if (koc_reference_digest(r) && cached_document(c, koc_reference_digest(r), call, out)) {
        return KOC_OK;
    }
    KOC__TRY(
        koc__client_get_manifest(c, r, call, &out->bytes, &out->media_type, &out->digest, err));
    keep_document(c, out);
    return KOC_OK;
}

/* With a cache koc resolves a tag by HEAD first, which does not count against a pull quota. */
static int fetch_named(koc_client *c, const koc_reference *r, koc__call *call, document *out,
                       koc_error **err)
{
    KOC__AUTO(koc_reference) exact = NULL;
    koc__found f;
    if (koc_reference_digest(r) || !c->ctx->cache) {
        return fetch_document(c, r, call, out, err);
    }
    KOC__TRY(koc__client_head_manifest(c, r, false, call, &f, err));
    if (!f.found) {
        return koc__missing_image(r, err);
    }
    KOC__TRY(koc_reference_with_digest(r, &f.digest, &exact, err));
    return fetch_document(c, exact, call, out, err);
}

/* --- images --- */

static int config_descriptor(const document *d, koc_descriptor **out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__json_parse(koc__str_n(d->bytes.ptr, d->bytes.len), KOC__MANIFEST_MAX, "manifest",
                             &doc, err));
    return koc__descriptor_read(koc__json_get(koc__json_root(doc), "config"),
                                "config of the manifest", out, err);
}

static int fetch_config(koc_client *c, const koc_reference *r, const koc_descriptor *d,
                        koc__call *call, koc_buf *out, koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    if (cached_bytes(c, &d->digest, d->size, KOC__CONFIG_MAX, call, out)) {
        return KOC_OK;
    }
    KOC__TRY(koc_client_get_blob(c, r, d, &blob, err));
    int rc = koc__blob_read_all(blob, KOC__CONFIG_MAX, call, out, err);
    if (rc == KOC_EDIGEST) {
        /* A cache on the way or a mirror may have sent wrong bytes: ask the registry
         * itself once. */
        koc__host *h = NULL;
        koc__error_clear(err);
        KOC__TRY(koc__client_host(c, koc_reference_registry(r), &h, err));
        (void)koc__mirrors_distrust(h);
        rc = koc__blob_read_all(blob, KOC__CONFIG_MAX, call, out, err);
    }
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "its config");
    }
    if (c->ctx->cache) {
        (void)koc__cache_put_bytes(c->ctx->cache, &d->digest, koc__str_n(out->ptr, out->len), NULL);
    }
    return KOC_OK;
}

/* Layers in the cache are read from there, others are downloaded when they are read. */
int koc__client_attach_layers(koc_client *c, const koc_reference *r, koc_image *img,
                              koc_error **err)
{
    KOC__AUTO(koc_reference) origin = NULL;
    KOC__AUTO(koc_reference) untagged = NULL;
    KOC__TRY(koc_reference_with_tag(r, NULL, &untagged, err));
    KOC__TRY(koc_reference_with_digest(untagged, NULL, &origin, err));
    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        const koc_descriptor *d = koc_layer_descriptor(koc_image_layer(img, i));
        KOC__AUTO(koc_blob) blob = NULL;
        if (koc__mt_is_foreign(d->media_type)) {
            continue;
        }
        if (!c->ctx->cache ||
            koc__cache_blob(c->ctx->cache, &d->digest, d->size, &blob, NULL) != KOC_OK) {
            KOC__TRY(koc_client_get_blob(c, origin, d, &blob, err));
        }
        KOC__TRY(koc__image_attach(img, i, blob, origin, err));
    }
    return KOC_OK;
}

static int image_of(koc_client *c, const koc_reference *r, const document *d, koc__call *call,
                    koc_image **out, koc_error **err)
{
    KOC__AUTO(koc_descriptor) config_d = NULL;
    KOC__AUTO_VAL(koc_buf) config = KOC_BUF_INIT;
    KOC__AUTO(koc_image) img = NULL;
    KOC__TRY(config_descriptor(d, &config_d, err));
    if (!koc__mt_is_config(config_d->media_type)) {
        return koc__error(err, KOC_EUNSUPPORTED, "an artifact (its config is %s), not an image",
                          config_d->media_type);
    }
    KOC__TRY(fetch_config(c, r, config_d, call, &config, err));
    KOC__TRY(koc_image_from_bytes(c->ctx, koc__str_n(d->bytes.ptr, d->bytes.len),
                                  koc__str_n(config.ptr, config.len), &img, err));
    KOC__TRY(koc__client_attach_layers(c, r, img, err));
    *out = koc__steal(&img);
    return KOC_OK;
}

/* Fetches the document d of r's repository, and compares digest and size with d. */
static int fetch_by(koc_client *c, const koc_reference *r, const koc_descriptor *d, koc__call *call,
                    document *out, koc_error **err)
{
    KOC__AUTO(koc_reference) exact = NULL;
    KOC__TRY(koc_reference_with_digest(r, &d->digest, &exact, err));
    KOC__TRY(fetch_document(c, exact, call, out, err));
    if (out->bytes.len != d->size) {
        return koc__error(err, KOC_EDIGEST, "%s has %zu bytes, not %llu",
                          koc__digest_str(&d->digest).s, out->bytes.len,
                          (unsigned long long)d->size);
    }
    return KOC_OK;
}

int koc__client_get_index_by(koc_client *c, const koc_reference *r, const koc_descriptor *d,
                             koc__call *call, koc_index **out, koc_error **err)
{
    KOC__AUTO_VAL(document) doc = {KOC_BUF_INIT, KOC_BUF_INIT, {0}};
    KOC__TRY(fetch_by(c, r, d, call, &doc, err));
    return koc_index_from_bytes(c->ctx, koc__str_n(doc.bytes.ptr, doc.bytes.len), out, err);
}

static int get_image_by(koc_client *c, const koc_reference *r, const koc_descriptor *d,
                        koc__call *call, koc_image **out, koc_error **err)
{
    KOC__AUTO_VAL(document) doc = {KOC_BUF_INIT, KOC_BUF_INIT, {0}};
    KOC__TRY(fetch_by(c, r, d, call, &doc, err));
    return image_of(c, r, &doc, call, out, err);
}

/* Self of the walk from an index to one image. */
typedef struct descent {
    koc_client *client;
    const koc_reference *ref;
} descent;

static int below_index(void *self, const koc_descriptor *d, koc__call *call, koc_index **out,
                       koc_error **err)
{
    const descent *way = self;
    return koc__client_get_index_by(way->client, way->ref, d, call, out, err);
}

static int below_image(void *self, const koc_descriptor *d, koc__call *call, koc_image **out,
                       koc_error **err)
{
    const descent *way = self;
    return get_image_by(way->client, way->ref, d, call, out, err);
}

/* The first image for want, in the index or in one below. */
static int find_image(descent *way, const koc_index *top, const koc_platform *want, koc__call *call,
                      koc_image **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__walk)
    walk = {.self = way, .index = below_index, .image = below_image, .call = call};
    KOC__TRY(koc__walk_first(&walk, top, want, out, err));
    if (*out) {
        return KOC_OK;
    }
    KOC__AUTO_STR wanted = koc__platform_str(want);
    return koc__error(err, KOC_EPLATFORM, "there is no %s (it has %s)",
                      wanted ? wanted : "such platform", koc__walk_others(&walk));
}

/* An image that does not name its platform (an artifact) matches every platform. */
static int check_platform(const koc_image *img, const koc_platform *want, koc_error **err)
{
    const koc_platform *has = koc_image_platform(img);
    if (!has || !has->os || !has->os[0] || koc_platform_matches(want, has)) {
        return KOC_OK;
    }
    KOC__AUTO_STR wanted = koc__platform_str(want);
    KOC__AUTO_STR there = koc__platform_str(has);
    return koc__error(err, KOC_EPLATFORM, "there is no %s (it is an image for %s alone)",
                      wanted ? wanted : "?", there ? there : "?");
}

int koc__client_get_image(koc_client *c, const koc_reference *r, const koc_platform *want,
                          koc__call *call, koc_image **out, koc_error **err)
{
    KOC__AUTO_VAL(document) doc = {KOC_BUF_INIT, KOC_BUF_INIT, {0}};
    koc_platform usual = KOC_PLATFORM_INIT;
    KOC__AUTO(koc_index) index = NULL;
    usual.os = "linux";
    usual.arch = "amd64";
    KOC__TRY(fetch_named(c, r, call, &doc, err));
    if (!koc__mt_is_index(doc.media_type.ptr)) {
        KOC__AUTO(koc_image) img = NULL;
        KOC__TRY(image_of(c, r, &doc, call, &img, err));
        KOC__TRY(want ? check_platform(img, want, err) : KOC_OK);
        *out = koc__steal(&img);
        return KOC_OK;
    }
    descent way = {c, r};
    KOC__AUTO(koc_image) found = NULL;
    KOC__TRY(koc_index_from_bytes(c->ctx, koc__str_n(doc.bytes.ptr, doc.bytes.len), &index, err));
    KOC__TRY(find_image(&way, index, want ? want : &usual, call, &found, err));
    *out = koc__steal(&found);
    return KOC_OK;
}

int koc__client_get_either(koc_client *c, const koc_reference *r, koc__call *call,
                           koc_index **index, koc_image **image, koc_error **err)
{
    KOC__AUTO_VAL(document) doc = {KOC_BUF_INIT, KOC_BUF_INIT, {0}};
    KOC__TRY(fetch_named(c, r, call, &doc, err));
    if (koc__mt_is_index(doc.media_type.ptr)) {
        return koc_index_from_bytes(c->ctx, koc__str_n(doc.bytes.ptr, doc.bytes.len), index, err);
    }
    return image_of(c, r, &doc, call, image, err);
}

static int get_index(koc_client *c, const koc_reference *r, koc__call *call, koc_index **out,
                     koc_error **err)
{
    KOC__AUTO_VAL(document) doc = {KOC_BUF_INIT, KOC_BUF_INIT, {0}};
    KOC__TRY(fetch_named(c, r, call, &doc, err));
    if (!koc__mt_is_index(doc.media_type.ptr)) {
        return koc__error(err, KOC_EFORMAT, "it is an image, not an index");
    }
    return koc_index_from_bytes(c->ctx, koc__str_n(doc.bytes.ptr, doc.bytes.len), out, err);
}

/* --- public --- */

int koc_client_get_image(koc_client *c, const koc_reference *r, const koc_platform *want,
                         const koc_op *user, koc_image **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    if (!c || !r || !out) {
        return koc__misuse(err, "koc_client_get_image: c, r or out is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    int rc = koc__client_get_image(c, r, want, &call, out, err);
    return koc__error_prefix(err, rc, "cannot pull %s", koc_reference_string(r));
}

int koc_client_get_index(koc_client *c, const koc_reference *r, const koc_op *user, koc_index **out,
                         koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    if (!c || !r || !out) {
        return koc__misuse(err, "koc_client_get_index: c, r or out is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    int rc = get_index(c, r, &call, out, err);
    return koc__error_prefix(err, rc, "cannot pull %s", koc_reference_string(r));
}

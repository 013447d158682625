/* Reads OCI image layouts (image-spec, image-layout.md). */
#include "core/common.h"

#include <sys/stat.h>

#include "core/hash/digests.h"
#include "core/io/fs.h"
#include "core/path.h"
#include "core/str.h"
#include "model/index.h"
#include "store/layout.h"

enum { MARK_MAX = 4096 };

/* --- opening --- */

static char *inside(const koc_layout *l, const char *name)
{
    return koc__format("%s/%s", l->dir, name);
}

/* {"imageLayoutVersion": "1.0.0"}. */
static int check_mark(const koc_layout *l, const char *path, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(MARK_MAX);
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__fs_read_file(path, &text, err));
    KOC__TRY(koc__json_parse(koc__dynbuf_view(&text), MARK_MAX, path, &doc, err));
    const char *version = koc__json_get_str(koc__json_root(doc), "imageLayoutVersion");
    if (!version || !koc__str_starts(koc__str(version), "1.")) {
        return koc__error(err, KOC_EFORMAT, "%s: an OCI layout of version %s; koc reads 1.0.0",
                          l->dir, version ? version : "(none)");
    }
    return KOC_OK;
}

static int check_or_create(const koc_layout *l, uint32_t flags, koc_error **err)
{
    KOC__AUTO_STR mark = inside(l, "oci-layout");
    KOC__AUTO_STR index = inside(l, "index.json");
    if (!mark || !index) {
        return koc__oom(err);
    }
    /* Another process may be creating the layout: it writes oci-layout before index.json, so this checks for
     * them in the opposite order. */
    bool has_index = koc__fs_exists(index);
    if (koc__fs_exists(mark)) {
        KOC__TRY(check_mark(l, mark, err));
        return has_index || !(flags & KOC_LAYOUT_CREATE) ? KOC_OK : koc__layout_create(l, err);
    }
    if (has_index) {
        return koc__error(err, KOC_EFORMAT, "%s has an index.json but no oci-layout file", l->dir);
    }
    if (flags & KOC_LAYOUT_CREATE) {
        return koc__layout_create(l, err);
    }
    if (!koc__fs_exists(l->dir)) {
        return koc__error(err, KOC_ENOTFOUND, "%s: there is no such OCI layout", l->dir);
    }
    return koc__error(err, KOC_EFORMAT, "%s is not an OCI layout: it has no oci-layout file",
                      l->dir);
}

int koc_layout_open(koc_ctx *ctx, const char *dir, uint32_t flags, koc_layout **out,
                    koc_error **err)
{
    if (!ctx || !dir || !*dir || !out || flags & ~(uint32_t)KOC_LAYOUT_CREATE) {
        return koc__misuse(err, "koc_layout_open: ctx, dir or out is NULL, or flags are unknown");
    }
    KOC__AUTO(koc_layout) l = koc__calloc(1, sizeof(*l));
    if (!l) {
        return koc__oom(err);
    }
    atomic_init(&l->refs, 1);
    l->ctx = koc_ctx_ref(ctx);
    KOC__TRY(koc__path_abs(dir, &l->dir, err));
    KOC__TRY(check_or_create(l, flags, err));
    *out = koc__steal(&l);
    return KOC_OK;
}

koc_layout *koc_layout_ref(koc_layout *l)
{
    if (l) {
        atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    }
    return l;
}

void koc_layout_unref(koc_layout *l)
{
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    koc__free(l->dir);
    koc_ctx_unref(l->ctx);
    koc__free(l);
}

/* --- reading --- */

char *koc__layout_blob_path(const koc_layout *l, const koc_digest *d)
{
    const char *algorithm = d->algorithm == KOC_DIGEST_SHA512 ? "sha512" : "sha256";
    return koc__format("%s/blobs/%s/%s", l->dir, algorithm, koc__digest_hex(d).s);
}

int koc__layout_read_index(const koc_layout *l, koc_buf *bytes, koc__json **out, koc_error **err)
{
    KOC__AUTO_STR path = inside(l, "index.json");
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__LISTING_MAX);
    if (!path) {
        return koc__oom(err);
    }
    KOC__TRY(koc__fs_read_file(path, &text, err));
    KOC__TRY(koc__json_parse(koc__dynbuf_view(&text), KOC__LISTING_MAX, path, out, err));
    if (bytes) {
        koc__dynbuf_give(&text, bytes);
    }
    return KOC_OK;
}

int koc_layout_list(koc_layout *l, koc_index **out, koc_error **err)
{
    if (!l || !out) {
        return koc__misuse(err, "koc_layout_list: l or out is NULL");
    }
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__layout_read_index(l, &bytes, &doc, err));
    int rc = koc__index_make_listing(l->ctx, &bytes, out, err);
    return koc__error_prefix(err, rc, "index.json of %s", l->dir);
}

/* Reads and verifies a document. */
int koc__layout_read(const koc_layout *l, const koc_digest *d, size_t max, koc_buf *out,
                     koc_error **err)
{
    KOC__AUTO_STR path = koc__layout_blob_path(l, d);
    KOC__AUTO(koc_blob) blob = NULL;
    if (!path) {
        return koc__oom(err);
    }
    if (!koc__fs_exists(path)) {
        return koc__error(err, KOC_ENOTFOUND, "%s is not in the layout %s", koc__digest_str(d).s,
                          l->dir);
    }
    KOC__TRY(koc_blob_from_file(path, d, &blob, err));
    return koc_blob_read_all(blob, max, NULL, out, err);
}

int koc__layout_get(const koc_layout *l, const koc_digest *d, koc_blob **out, koc_error **err)
{
    KOC__AUTO_STR path = koc__layout_blob_path(l, d);
    if (!path) {
        return koc__oom(err);
    }
    *out = NULL;
    return koc__fs_exists(path) ? koc_blob_from_file(path, d, out, err) : KOC_OK;
}

/* Layers that the layout has get their content; others, such as foreign ones, stay without. */
static int attach_layers(const koc_layout *l, koc_image *img, koc_error **err)
{
    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        const koc_descriptor *d = koc_layer_descriptor(koc_image_layer(img, i));
        KOC__AUTO_STR path = koc__layout_blob_path(l, &d->digest);
        KOC__AUTO(koc_blob) blob = NULL;
        if (!path) {
            return koc__oom(err);
        }
        if (!koc__fs_exists(path)) {
            continue;
        }
        KOC__TRY(koc_blob_from_file(path, &d->digest, &blob, err));
        if (koc_blob_size(blob) != d->size) {
            return koc__error(err, KOC_EDIGEST, "%s has %llu bytes, the manifest says %llu", path,
                              (unsigned long long)koc_blob_size(blob), (unsigned long long)d->size);
        }
        KOC__TRY(koc__image_attach(img, i, blob, NULL, err));
    }
    return KOC_OK;
}

int koc_layout_get_image(koc_layout *l, const koc_digest *d, koc_image **out, koc_error **err)
{
    if (!l || !d || !out) {
        return koc__misuse(err, "koc_layout_get_image: l, d or out is NULL");
    }
    KOC__AUTO_VAL(koc_buf) manifest = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc_buf) config = KOC_BUF_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO(koc_descriptor) of_config = NULL;
    KOC__AUTO(koc_image) img = NULL;
    const char *type = NULL;
    KOC__TRY(koc__layout_read(l, d, KOC__MANIFEST_MAX, &manifest, err));
    const koc_str text = koc__str_n(manifest.ptr, manifest.len);
    const koc__digest_text what = koc__digest_str(d);
    KOC__TRY(koc__json_parse(text, KOC__MANIFEST_MAX, what.s, &doc, err));
    KOC__TRY(koc__mt_of_document(doc, NULL, what.s, &type, err));
    if (!koc__mt_is_manifest(type)) {
        return koc__error(err, KOC_EUNSUPPORTED, "%s is an index, not an image", what.s);
    }
    const koc__jnode *member = koc__json_get(koc__json_root(doc), "config");
    KOC__TRY(koc__descriptor_read(member, "the config", &of_config, err));
    KOC__TRY(koc__layout_read(l, &of_config->digest, KOC__CONFIG_MAX, &config, err));
    KOC__TRY(koc_image_from_bytes(l->ctx, text, koc__str_n(config.ptr, config.len), &img, err));
    KOC__TRY(attach_layers(l, img, err));
    *out = koc__steal(&img);
    return KOC_OK;
}

/* The images of an index that are in the layout; NULL for an entry that is not an image or is missing. */
static int children(koc_layout *l, const koc_index *idx, koc_image **images, koc_error **err)
{
    for (size_t i = 0; i < koc_index_count(idx); i++) {
        const koc_descriptor *d = koc_index_get(idx, i);
        KOC__AUTO_STR path = koc__layout_blob_path(l, &d->digest);
        if (!path) {
            return koc__oom(err);
        }
        if (koc__mt_is_manifest(d->media_type) && koc__fs_exists(path)) {
            koc_error *why = NULL;
            int rc = koc_layout_get_image(l, &d->digest, &images[i], &why);
            /* An index may also name artifacts, such as attestations. */
            if (rc != KOC_OK && rc != KOC_EUNSUPPORTED) {
                return koc__error_move(err, &why);
            }
            koc__error_clear(&why);
        }
    }
    return KOC_OK;
}

int koc_layout_get_index(koc_layout *l, const koc_digest *d, koc_index **out, koc_error **err)
{
    if (!l || !d || !out) {
        return koc__misuse(err, "koc_layout_get_index: l, d or out is NULL");
    }
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    KOC__AUTO(koc_index) bare = NULL;
    KOC__TRY(koc__layout_read(l, d, KOC__MANIFEST_MAX, &bytes, err));
    KOC__TRY(koc_index_from_bytes(l->ctx, koc__str_n(bytes.ptr, bytes.len), &bare, err));
    size_t n = koc_index_count(bare);
    koc_image **images = koc__calloc(n + 1, sizeof(koc_image *));
    if (!images) {
        return koc__oom(err);
    }
    int rc = children(l, bare, images, err);
    if (rc == KOC_OK) {
        rc = koc__index_make(l->ctx, &bytes, images, out, err);
    }
    for (size_t i = 0; i < n; i++) {
        koc_image_unref(images[i]);
    }
    koc__free(images);
    return rc;
}

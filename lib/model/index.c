/* Indexes and Docker manifest lists (OCI image-spec, image-index.md). */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/str.h"
#include "model/index.h"

/* --- reading --- */

/* The limits of a list: that of an image index, and that of a layout. */
typedef struct limits {
    size_t bytes;
    size_t entries;
} limits;
static const limits of_image = {KOC__MANIFEST_MAX, KOC__DESCRIPTORS_MAX};
static const limits of_layout = {KOC__LISTING_MAX, KOC__LISTED_MAX};

static int read_entries(koc_index *idx, const limits *most, const char *what, koc_error **err)
{
    const koc__jnode *list = koc__json_get(koc__json_root(idx->doc), "manifests");
    size_t n = koc__json_count(list);
    if (n > most->entries) {
        return koc__error(err, KOC_ELIMIT, "%s has %zu entries, more than %zu", what, n,
                          most->entries);
    }
    idx->entries = koc__calloc(n + 1, sizeof(koc_descriptor *));
    idx->images = koc__calloc(n + 1, sizeof(koc_image *));
    if (!idx->entries || !idx->images) {
        return koc__oom(err);
    }
    for (const koc__jnode *e = koc__json_child(list); e; e = koc__json_next(e)) {
        KOC__AUTO_STR name = NULL;
        KOC__TRY(koc__formatf(&name, err, "manifests[%zu] of %s", idx->n_entries, what));
        KOC__TRY(koc__descriptor_read(e, name, &idx->entries[idx->n_entries], err));
        idx->n_entries++;
    }
    return KOC_OK;
}

static int read_index(koc_index *idx, const limits *most, koc_error **err)
{
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_str text = koc__str_n(idx->bytes.ptr, idx->bytes.len);
    KOC__TRY(koc_digest_of(text, &d.digest, err));
    KOC__AUTO_STR what = NULL;
    KOC__TRY(koc__formatf(&what, err, "index %s", koc__digest_str(&d.digest).s));
    KOC__TRY(koc__json_parse(text, most->bytes, what, &idx->doc, err));
    KOC__TRY(koc__mt_of_document(idx->doc, NULL, what, &d.media_type, err));
    if (!koc__mt_is_index(d.media_type)) {
        return koc__error(err, KOC_EFORMAT, "%s is an image, not an index", what);
    }
    KOC__TRY(read_entries(idx, most, what, err));
    d.size = text.len;
    d.artifact_type = koc__json_get_str(koc__json_root(idx->doc), "artifactType");
    idx->descriptor = koc__descriptor_dup(&d);
    return idx->descriptor ? KOC_OK : koc__oom(err);
}

static int new_index(koc_ctx *ctx, koc_buf *bytes, koc_image *const *images, const limits *most,
                     koc_index **out, koc_error **err)
{
    koc_index *idx = koc__calloc(1, sizeof(*idx));
    if (!idx) {
        return koc__oom(err);
    }
    atomic_init(&idx->refs, 1);
    idx->bytes = *bytes;
    int code = read_index(idx, most, err);
    if (code != KOC_OK) {
        /* Does not take the bytes yet. */
        idx->bytes = (koc_buf)KOC_BUF_INIT;
        koc_index_unref(idx);
        return code;
    }
    for (size_t i = 0; images && i < idx->n_entries; i++) {
        idx->images[i] = koc_image_ref(images[i]);
    }
    idx->ctx = koc_ctx_ref(ctx);
    *bytes = (koc_buf)KOC_BUF_INIT;
    *out = idx;
    return KOC_OK;
}

int koc__index_make(koc_ctx *ctx, koc_buf *bytes, koc_image *const *images, koc_index **out,
                    koc_error **err)
{
    return new_index(ctx, bytes, images, &of_image, out, err);
}

int koc__index_make_listing(koc_ctx *ctx, koc_buf *bytes, koc_index **out, koc_error **err)
{
    return new_index(ctx, bytes, NULL, &of_layout, out, err);
}

int koc_index_from_bytes(koc_ctx *ctx, koc_str bytes, koc_index **out, koc_error **err)
{
    if (!out || (!bytes.ptr && bytes.len > 0)) {
        return koc__misuse(err, "koc_index_from_bytes: bytes or out is NULL");
    }
    if (bytes.len > KOC__MANIFEST_MAX) {
        return koc__error(err, KOC_ELIMIT, "the index is too large: %zu bytes, at most %zu",
                          bytes.len, KOC__MANIFEST_MAX);
    }
    KOC__AUTO_VAL(koc_buf) copy = KOC_BUF_INIT;
    KOC__TRY(koc_buf_set(&copy, bytes, err));
    return koc__index_make(ctx, &copy, NULL, out, err);
}

koc_index *koc_index_ref(koc_index *idx)
{
    if (idx) {
        atomic_fetch_add_explicit(&idx->refs, 1, memory_order_relaxed);
    }
    return idx;
}

void koc_index_unref(koc_index *idx)
{
    if (!idx || atomic_fetch_sub_explicit(&idx->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < idx->n_entries; i++) {
        koc__descriptor_free(idx->entries[i]);
        koc_image_unref(idx->images[i]);
    }
    koc__free(idx->entries);
    koc__free(idx->images);
    koc__descriptor_free(idx->descriptor);
    koc__json_free(idx->doc);
    koc_buf_dispose(&idx->bytes);
    koc_ctx_unref(idx->ctx);
    koc__free(idx);
}

/* --- getters --- */

const koc_descriptor *koc_index_descriptor(const koc_index *idx)
{
    return idx ? idx->descriptor : NULL;
}

koc_str koc_index_bytes(const koc_index *idx)
{
    return idx ? koc__str_n(idx->bytes.ptr, idx->bytes.len) : koc__str(NULL);
}

size_t koc_index_count(const koc_index *idx)
{
    return idx ? idx->n_entries : 0;
}

const koc_descriptor *koc_index_get(const koc_index *idx, size_t i)
{
    return idx && i < idx->n_entries ? idx->entries[i] : NULL;
}

const koc_descriptor *koc_index_select(const koc_index *idx, const koc_platform *want)
{
    for (size_t i = 0; i < koc_index_count(idx); i++) {
        const koc_descriptor *d = idx->entries[i];
        if (koc__mt_is_manifest(d->media_type) && koc_platform_matches(want, d->platform)) {
            return d;
        }
    }
    return NULL;
}

koc_image *koc_index_image(const koc_index *idx, size_t i)
{
    return idx && i < idx->n_entries ? idx->images[i] : NULL;
}

const koc__json *koc__index_json(const koc_index *idx)
{
    return idx->doc;
}

bool koc__index_is_docker(const koc_index *idx)
{
    return koc__mt_is_docker(idx->descriptor->media_type);
}

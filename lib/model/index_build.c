/* The index builder, and the digest that ko records for OCI base indexes. */
#include "core/common.h"

#include "core/str.h"
#include "model/image_builder.h"
#include "model/index.h"

typedef struct entry {
    koc_descriptor *descriptor;
    koc_image *image; /* or NULL */
} entry;

struct koc_index_builder {
    koc_ctx *ctx; /* or NULL */
    bool docker;
    bool finished;
    bool compat; /* an entry was added in ko's form, so the document is written in it */
    entry *entries;
    size_t n_entries;
    size_t capacity;
    koc__settings annotations;
};

int koc_index_builder_new(koc_ctx *ctx, int32_t format, koc_index_builder **out, koc_error **err)
{
    if (!out || (format != KOC_FORMAT_OCI && format != KOC_FORMAT_DOCKER)) {
        return koc__misuse(err, "koc_index_builder_new: out is NULL or the format is unknown");
    }
    koc_index_builder *b = koc__calloc(1, sizeof(*b));
    if (!b) {
        return koc__oom(err);
    }
    b->ctx = koc_ctx_ref(ctx);
    b->docker = format == KOC_FORMAT_DOCKER;
    *out = b;
    return KOC_OK;
}

void koc_index_builder_free(koc_index_builder *b)
{
    if (!b) {
        return;
    }
    for (size_t i = 0; i < b->n_entries; i++) {
        koc__descriptor_free(b->entries[i].descriptor);
        koc_image_unref(b->entries[i].image);
    }
    koc__free(b->entries);
    koc__settings_dispose(&b->annotations);
    koc_ctx_unref(b->ctx);
    koc__free(b);
}

/* missing: the name of an argument that is NULL, or NULL. */
static int check_usable(const koc_index_builder *b, const char *missing, const char *function,
                        koc_error **err)
{
    return koc__builder_check(b ? missing : "b", b && b->finished, function, err);
}

static int add_entry(koc_index_builder *b, const koc_descriptor *d, koc_image *img, koc_error **err)
{
    if (b->n_entries >= KOC__DESCRIPTORS_MAX) {
        return koc__error(err, KOC_ELIMIT, "cannot put more than %d images into an index",
                          KOC__DESCRIPTORS_MAX);
    }
    void *entries = b->entries;
    if (!koc__grow(&entries, &b->capacity, b->n_entries + 1, sizeof(entry))) {
        return koc__oom(err);
    }
    b->entries = entries;
    koc_descriptor *copy = koc__descriptor_dup(d);
    if (!copy) {
        return koc__oom(err);
    }
    b->entries[b->n_entries++] = (entry){copy, koc_image_ref(img)};
    return KOC_OK;
}

int koc_index_builder_add_image(koc_index_builder *b, koc_image *img, const koc_platform *p,
                                koc_error **err)
{
    KOC__TRY(check_usable(b, img ? NULL : "img", "koc_index_builder_add_image", err));
    KOC__TRY(p ? koc__platform_check(p, err) : KOC_OK);
    koc_descriptor d = *koc_image_descriptor(img);
    d.platform = p ? p : koc_image_platform(img);
    return add_entry(b, &d, img, err);
}

int koc__index_builder_add_like(koc_index_builder *b, koc_image *img, const koc_descriptor *like,
                                bool compat, koc_error **err)
{
    KOC__TRY(
        check_usable(b, img && like ? NULL : "img or like", "koc__index_builder_add_like", err));
    koc_descriptor d = *koc_image_descriptor(img);
    d.platform = like->platform;
    d.urls = like->urls;
    d.annotations = like->annotations;
    d.n_annotations = like->n_annotations;
    if (compat) {
        b->compat = true;
        d.media_type = like->media_type;
        if (!d.artifact_type || !d.artifact_type[0]) {
            d.artifact_type = koc_image_config_descriptor(img)->media_type;
        }
    }
    return add_entry(b, &d, img, err);
}

int koc_index_builder_add_descriptor(koc_index_builder *b, const koc_descriptor *d, koc_error **err)
{
    bool good = d && d->media_type && d->digest.algorithm != KOC_DIGEST_NONE;
    KOC__TRY(check_usable(b, good ? NULL : "d, its media_type or its digest",
                          "koc_index_builder_add_descriptor", err));
    return add_entry(b, d, NULL, err);
}

int koc_index_builder_set_annotation(koc_index_builder *b, const char *key, const char *value,
                                     koc_error **err)
{
    KOC__TRY(check_usable(b, key ? NULL : "key", "koc_index_builder_set_annotation", err));
    if (!key[0]) {
        return koc__error(err, KOC_EINVAL, "an annotation needs a name");
    }
    return koc__settings_put(&b->annotations, key, value, err);
}

/* --- finish --- */

static void write_annotations(koc__jw *w, const koc__settings *s)
{
    bool any = false;
    for (size_t i = 0; i < s->n; i++) {
        if (!s->items[i].value) {
            continue;
        }
        if (!any) {
            koc__jw_key(w, "annotations");
            koc__jw_object(w);
            any = true;
        }
        koc__jw_kv(w, s->items[i].key, s->items[i].value);
    }
    if (any) {
        koc__jw_object_end(w);
    }
}

/* The same member order in both modes: that of ko. */
static int write_index(const koc_index_builder *b, koc__dynbuf *out, koc_error **err)
{
    koc__jw w;
    koc__jw_begin(&w, out, 0, b->compat ? KOC__JW_GO : 0);
    koc__jw_object(&w);
    koc__jw_key(&w, "schemaVersion");
    koc__jw_u64(&w, 2);
    koc__jw_kv(&w, "mediaType", b->docker ? KOC_MT_DOCKER_LIST : KOC_MT_OCI_INDEX);
    koc__jw_key(&w, "manifests");
    koc__jw_array(&w);
    for (size_t i = 0; i < b->n_entries; i++) {
        koc__descriptor_write(&w, b->entries[i].descriptor);
    }
    koc__jw_array_end(&w);
    write_annotations(&w, &b->annotations);
    koc__jw_object_end(&w);
    return koc__jw_end(&w, err);
}

int koc_index_builder_finish(koc_index_builder *b, koc_index **out, koc_error **err)
{
    KOC__TRY(check_usable(b, out ? NULL : "out", "koc_index_builder_finish", err));
    b->finished = true;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    KOC__TRY(write_index(b, &text, err));
    koc_image **images = koc__calloc(b->n_entries + 1, sizeof(koc_image *));
    if (!images) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < b->n_entries; i++) {
        images[i] = b->entries[i].image;
    }
    koc__dynbuf_give(&text, &bytes);
    int code = koc__index_make(b->ctx, &bytes, images, out, err);
    koc__free(images);
    return code;
}

/* --- ko's quirk --- */

int koc__index_ko_digest(const koc_index *base, const koc_kv *annotations, size_t n,
                         koc_digest *out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    koc__jnode *map = NULL;
    KOC__TRY(koc__json_copy(koc__json_root(base->doc), &doc, err));
    koc__jnode *root = koc__json_root(doc);
    KOC__TRY(koc__build_need(root, "annotations", KOC__JSON_OBJECT, &map, err));
    for (size_t i = 0; i < n; i++) {
        koc__jnode *value = koc__json_make_str(annotations[i].value);
        KOC__TRY(koc__json_put(map, annotations[i].key, value, err));
    }
    koc__json_drop(root, "subject");
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(2 * KOC__MANIFEST_MAX);
    koc__jw w;
    koc__jw_begin(&w, &text, 0, KOC__JW_GO);
    koc__compat_write_index(&w, root);
    KOC__TRY(koc__jw_end(&w, err));
    return koc_digest_of(koc__dynbuf_view(&text), out, err);
}

void koc__index_write_head(koc__jw *w, koc__dynbuf *out)
{
    koc__jw_begin(w, out, 0, 0);
    koc__jw_object(w);
    koc__jw_key(w, "schemaVersion");
    koc__jw_u64(w, 2);
    koc__jw_kv(w, "mediaType", KOC_MT_OCI_INDEX);
    koc__jw_key(w, "manifests");
    koc__jw_array(w);
}

int koc__index_write_end(koc__jw *w, koc_error **err)
{
    koc__jw_array_end(w);
    koc__jw_object_end(w);
    return koc__jw_end(w, err);
}

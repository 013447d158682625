/*
 * Writes docker-save archives (image spec v1.2): each config and layer once, manifest.json last. Names and
 * order are those of ko, and the same images give the same bytes.
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/io/io.h"
#include "core/map.h"
#include "core/run/context.h"
#include "layer/tar.h"
#include "model/model.h"
#include "store/store.h"
#include "store/tar_contents.h"
#include "store/tar_parts.h"

enum { MODE = 0644 };

/* An image and its tags. */
typedef struct member {
    koc_image *image; /* borrowed */
    koc_strlist *tags;
    char *joined; /* the tags, for the order */
} member;

typedef struct archive {
    const koc_writer *writer; /* or NULL, and parts */
    koc__parts *parts;
    size_t skip; /* the layers of the image that are left out */
    koc__call *call;
    koc__tar_writer tar;
    koc__map *written; /* names of entries */
    member *members;
    size_t n;
} archive;

/* --- the user's writer --- */

typedef struct chunk {
    const koc_writer *writer;
    const void *data;
    size_t len;
} chunk;

static int write_chunk(void *arg, koc_error **err)
{
    const chunk *c = arg;
    return c->writer->write(c->writer->self, c->data, c->len, err);
}

/* A koc__tar_sink. */
static int to_writer(void *self, const void *data, size_t len, koc_error **err)
{
    const archive *a = self;
    chunk c = {a->writer, data, len};
    if (len == 0) {
        return KOC_OK;
    }
    int rc = koc__call_on_caller(a->call, write_chunk, &c, err);
    if (rc > 0) {
        return koc__error(err, KOC_EUSER, "the writer of the archive gave %d", rc);
    }
    return rc;
}

/* --- entries --- */

/* Notes name; *first: it is new. */
static int first_time(archive *a, const char *name, bool *first, koc_error **err)
{
    *first = !koc__map_get(a->written, koc__str(name));
    if (*first && koc__map_count(a->written) + 1 >= KOC__CONTENTS_MAX) {
        return koc__error(err, KOC_ELIMIT, "the archive would have more than %d entries",
                          KOC__CONTENTS_MAX);
    }
    return *first ? koc__map_set(a->written, koc__str(name), a, err) : KOC_OK;
}

static int put_bytes(archive *a, const char *name, koc_str data, koc_error **err)
{
    const koc__tar_entry e = {.name = name, .type = KOC__TAR_FILE, .mode = MODE, .size = data.len};
    KOC__TRY(koc__tar_header(&a->tar, &e, err));
    return koc__tar_data(&a->tar, data.ptr, data.len, err);
}

static int put_layer(archive *a, koc_layer *layer, const char *name, koc_error **err)
{
    const koc_descriptor *d = koc_layer_descriptor(layer);
    const koc__tar_entry e = {.name = name, .type = KOC__TAR_FILE, .mode = MODE, .size = d->size};
    if (!layer->blob) {
        return koc__layer_missing(layer, err);
    }
    if (a->parts) {
        KOC__TRY(koc__tar_header(&a->tar, &e, err));
        KOC__TRY(koc__parts_add(a->parts, layer->blob, err));
        return koc__tar_passed(&a->tar, d->size, err);
    }
    const koc_writer to = {koc__tar_data_write, &a->tar};
    KOC__TRY(koc__tar_header(&a->tar, &e, err));
    return koc__blob_copy_reported(layer->blob, d->size, &d->digest, &to, a->call, err);
}

/* "<hex>.tar.gz", by what the media type says. */
static char *layer_name(const koc_layer *layer)
{
    const koc_descriptor *d = koc_layer_descriptor(layer);
    const char *end = ".tar.gz";
    switch (koc__mt_compression(d->media_type)) {
    case KOC_COMPRESS_NONE: end = ".tar"; break;
    case KOC_COMPRESS_ZSTD: end = ".tar.zst"; break;
    default: break;
    }
    return koc__format("%s%s", koc__digest_hex(&d->digest).s, end);
}

static int put_image(archive *a, const koc_image *img, koc_error **err)
{
    const koc__digest_text config = koc__digest_str(&koc_image_config_descriptor(img)->digest);
    bool first = false;
    KOC__TRY(first_time(a, config.s, &first, err));
    if (first) {
        KOC__TRY(put_bytes(a, config.s, koc_image_config(img), err));
    }
    for (size_t i = a->skip; i < koc_image_layer_count(img); i++) {
        koc_layer *layer = koc_image_layer(img, i);
        KOC__AUTO_STR name = layer_name(layer);
        if (!name) {
            return koc__oom(err);
        }
        KOC__TRY(first_time(a, name, &first, err));
        if (first) {
            KOC__TRY(put_layer(a, layer, name, err));
        }
    }
    return KOC_OK;
}

/* --- manifest.json --- */

/* The descriptors of foreign layers by DiffID. */
static int layer_sources(archive *a, koc__jw *w, const koc_image *img, koc_error **err)
{
    bool any = false;
    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        koc_layer *layer = koc_image_layer(img, i);
        koc_digest diff_id = {0};
        if (!koc__mt_is_foreign(koc_layer_descriptor(layer)->media_type)) {
            continue;
        }
        KOC__TRY(koc__layer_diff_id(layer, a->call, &diff_id, err));
        if (!any) {
            koc__jw_key(w, "LayerSources");
            koc__jw_object(w);
            any = true;
        }
        koc__jw_key(w, koc__digest_str(&diff_id).s);
        koc__descriptor_write(w, koc_layer_descriptor(layer));
    }
    if (any) {
        koc__jw_object_end(w);
    }
    return KOC_OK;
}

static int write_entry(archive *a, koc__jw *w, const member *m, koc_error **err)
{
    koc__jw_object(w);
    koc__jw_kv(w, "Config", koc__digest_str(&koc_image_config_descriptor(m->image)->digest).s);
    koc__jw_key(w, "RepoTags");
    koc__jw_array(w);
    for (size_t i = 0; i < koc_strlist_count(m->tags); i++) {
        koc__jw_str(w, koc_strlist_get(m->tags, i));
    }
    koc__jw_array_end(w);
    koc__jw_key(w, "Layers");
    koc__jw_array(w);
    for (size_t i = 0; i < koc_image_layer_count(m->image); i++) {
        KOC__AUTO_STR name = layer_name(koc_image_layer(m->image, i));
        if (!name) {
            return koc__oom(err);
        }
        koc__jw_str(w, name);
    }
    koc__jw_array_end(w);
    KOC__TRY(layer_sources(a, w, m->image, err));
    koc__jw_object_end(w);
    return KOC_OK;
}

static int put_manifest(archive *a, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
    koc__jw w;
    int rc = KOC_OK;
    koc__jw_begin(&w, &out, 0, KOC__JW_GO);
    koc__jw_array(&w);
    for (size_t i = 0; i < a->n && rc == KOC_OK; i++) {
        rc = write_entry(a, &w, &a->members[i], err);
    }
    koc__jw_array_end(&w);
    int ended = koc__jw_end(&w, rc == KOC_OK ? err : NULL);
    KOC__TRY(rc != KOC_OK ? rc : ended);
    return put_bytes(a, "manifest.json", koc__dynbuf_view(&out), err);
}

/* --- what goes in --- */

static member *find(archive *a, const koc_image *img)
{
    for (size_t i = 0; i < a->n; i++) {
        if (koc_digest_equal(&koc_image_descriptor(a->members[i].image)->digest,
                             &koc_image_descriptor(img)->digest)) {
            return &a->members[i];
        }
    }
    return NULL;
}

static int add_tags(member *m, const koc_archive_image *from, koc_error **err)
{
    for (size_t i = 0; i < from->n_tags; i++) {
        const char *text = koc_reference_string(from->tags[i]);
        if (!koc_reference_tag(from->tags[i]) || koc_reference_digest(from->tags[i])) {
            return koc__error(err, KOC_EINVAL, "%s: in an archive an image is named by a tag",
                              text);
        }
        if (!koc__strlist_has(m->tags, text)) {
            KOC__TRY(koc__strlist_add(m->tags, text, err));
        }
    }
    return KOC_OK;
}

static int by_tags(const void *x, const void *y)
{
    const member *a = x;
    const member *b = y;
    int order = strcmp(a->joined, b->joined);
    if (order != 0) {
        return order;
    }
    return memcmp(koc_image_descriptor(a->image)->digest.bytes,
                  koc_image_descriptor(b->image)->digest.bytes, 64);
}

static int collect(archive *a, const koc_archive_image *list, size_t n, koc_error **err)
{
    a->members = koc__calloc(n + 1, sizeof(*a->members));
    a->written = koc__map_new(NULL);
    if (!a->members || !a->written) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        member *m = find(a, list[i].image);
        if (!m) {
            m = &a->members[a->n];
            KOC__TRY(koc__strlist_new(&m->tags, err));
            m->image = list[i].image;
            a->n++;
        }
        KOC__TRY(add_tags(m, &list[i], err));
    }
    for (size_t i = 0; i < a->n; i++) {
        KOC__AUTO_VAL(koc__dynbuf) joined = KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
        koc__strlist_sort(a->members[i].tags);
        for (size_t k = 0; k < koc_strlist_count(a->members[i].tags); k++) {
            KOC__TRY(koc__dynbuf_printf(&joined, err, "%s%s", k ? "," : "",
                                        koc_strlist_get(a->members[i].tags, k)));
        }
        a->members[i].joined = koc__strdup(koc__dynbuf_cstr(&joined));
        if (!a->members[i].joined) {
            return koc__oom(err);
        }
    }
    qsort(a->members, a->n, sizeof(*a->members), by_tags);
    return KOC_OK;
}

static void dispose(archive *a)
{
    for (size_t i = 0; i < a->n; i++) {
        koc_strlist_free(a->members[i].tags);
        koc__free(a->members[i].joined);
    }
    koc__free(a->members);
    koc__map_free(a->written);
}
KOC__DEFINE_AUTO_VAL(archive, dispose);

int koc__archive_write(const koc_archive_image *list, size_t n, const koc_writer *w,
                       koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(archive) a = {.writer = w, .call = call};
    a.tar = (koc__tar_writer)KOC__TAR_WRITER_INIT(to_writer, &a);
    KOC__TRY(collect(&a, list, n, err));
    for (size_t i = 0; i < a.n; i++) {
        KOC__TRY(put_image(&a, a.members[i].image, err));
    }
    KOC__TRY(put_manifest(&a, err));
    return koc__tar_end(&a.tar, err);
}

int koc__archive_blob(const koc_archive_image *image, size_t skip, koc__call *call, koc_blob **out,
                      koc_error **err)
{
    KOC__AUTO_VAL(koc__parts) parts = KOC__PARTS_INIT;
    KOC__AUTO_VAL(archive) a = {.parts = &parts, .skip = skip, .call = call};
    a.tar = (koc__tar_writer)KOC__TAR_WRITER_INIT(koc__parts_put, &parts);
    KOC__TRY(collect(&a, image, 1, err));
    KOC__TRY(put_image(&a, image->image, err));
    KOC__TRY(put_manifest(&a, err));
    KOC__TRY(koc__tar_end(&a.tar, err));
    return koc__parts_blob(&parts, out, err);
}

static int check_image(const koc_archive_image *image, koc_error **err)
{
    bool whole = image->image && (image->tags || image->n_tags == 0);
    for (size_t i = 0; whole && i < image->n_tags; i++) {
        whole = image->tags[i];
    }
    if (!whole) {
        return koc__misuse(err, "koc_archive_image: the image or one of its tags is NULL");
    }
    return image->flags ? koc__misuse(err, "koc_archive_image: unknown flags") : KOC_OK;
}

int koc_archive_write(koc_ctx *ctx, const koc_archive_image *list, size_t n, const koc_writer *w,
                      const koc_op *op, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    void *copy = NULL;
    if (!list || n == 0 || !w || !w->write) {
        return koc__misuse(err, "koc_archive_write: list, w or w->write is NULL, or n is 0");
    }
    KOC__TRY(koc__call_begin(&call, ctx, op, err));
    KOC__TRY(koc__options_list(list, n, sizeof(*list), "koc_archive_image", &copy, err));
    const koc_archive_image *images = copy;
    int rc = KOC_OK;
    for (size_t i = 0; rc == KOC_OK && i < n; i++) {
        rc = check_image(&images[i], err);
    }
    rc = rc == KOC_OK ? koc__archive_write(images, n, w, &call, err) : rc;
    koc__free(copy);
    return rc;
}

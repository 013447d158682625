/*
 * Reading docker-save archives, old ones (<id>/layer.tar) and those that are an OCI layout as well. They
 * hold no manifest, so one is made: the layers stay in the file and are read when needed.
 */
#include "core/common.h"

#include "core/digests.h"
#include "core/io.h"
#include "core/map.h"
#include "core/path.h"
#include "core/sha256.h"
#include "layer/tar.h"
#include "model/model.h"
#include "store/store.h"

enum { ENTRIES_MAX = 100000, LINKS_MAX = 8 };

/* Where an entry's content is, or what its link leads to. */
typedef struct place {
    uint64_t start, size;
    char *link; /* clean name of the target, or NULL */
} place;

typedef struct archive {
    koc_ctx *ctx;
    const char *path;
    koc__op *op;
    koc_blob *file;
    koc__map *places; /* by clean name */
    koc__json *manifest;
} archive;

static void place_free(void *value)
{
    place *p = value;
    koc__free(p->link);
    koc__free(p);
}

static void dispose(archive *a)
{
    koc_blob_unref(a->file);
    koc__map_free(a->places);
    koc__json_free(a->manifest);
}
KOC__DEFINE_AUTO_VAL(archive, dispose);

/* --- the table of contents --- */

/* Where a link in folder of `name` leads, as a clean name. */
static char *link_target(const char *name, const koc__tar_entry *e)
{
    if (e->type == KOC__TAR_HARDLINK) {
        return koc__path_clean(e->link);
    }
    koc_str folder = koc__path_dir(koc__str(name));
    KOC__AUTO_STR joined = koc__format("%.*s/%s", KOC__FMT(folder), e->link);
    return joined ? koc__path_clean(joined) : NULL;
}

static int note(archive *a, const koc__tar_entry *e, uint64_t start, koc_error **err)
{
    bool link = (e->type == KOC__TAR_SYMLINK || e->type == KOC__TAR_HARDLINK) && e->link;
    if (e->type != KOC__TAR_FILE && !link) {
        return KOC_OK;
    }
    if (koc__map_count(a->places) >= ENTRIES_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s has more than %d entries", a->path, ENTRIES_MAX);
    }
    KOC__AUTO_STR name = koc__path_clean(e->name);
    place *p = koc__calloc(1, sizeof(*p));
    if (!name || !p) {
        koc__free(p);
        return koc__oom(err);
    }
    p->start = start;
    p->size = e->size;
    p->link = link ? link_target(name, e) : NULL;
    int rc = link && !p->link ? koc__oom(err) : koc__map_set(a->places, koc__str(name), p, err);
    if (rc != KOC_OK) {
        place_free(p);
    }
    return rc;
}

static int refuse_compressed(archive *a, koc_error **err)
{
    KOC__AUTO(koc_reader) in = NULL;
    uint8_t head[4] = {0};
    size_t n = 0;
    KOC__TRY(koc__blob_open(a->file, 0, a->op, &in, err));
    KOC__TRY(koc__reader_fill(in, head, sizeof(head), &n, err));
    if ((head[0] == 0x1f && head[1] == 0x8b) || memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0) {
        return koc__error(
            err, KOC_EUNSUPPORTED,
            "%s is compressed as a whole: decompress it first (its layers may stay so)", a->path);
    }
    return KOC_OK;
}

static int read_contents(archive *a, koc_error **err)
{
    KOC__AUTO(koc__tar_reader) tar = NULL;
    KOC__TRY(koc_blob_from_file(a->path, NULL, &a->file, err));
    KOC__TRY(refuse_compressed(a, err));
    a->places = koc__map_new(place_free);
    if (!a->places) {
        return koc__oom(err);
    }
    KOC__TRY(koc__tar_reader_open(a->file, a->path, a->op, &tar, err));
    for (;;) {
        koc__tar_entry e = {0};
        bool more = false;
        KOC__TRY(koc__op_check(a->op, err));
        KOC__TRY(koc__tar_next(tar, &e, &more, err));
        if (!more) {
            return KOC_OK;
        }
        KOC__TRY(note(a, &e, koc__tar_content_offset(tar), err));
    }
}

/* The content that name leads to. *clean gets its own name in the archive. */
static int locate(const archive *a, const char *name, const place **out, char **clean,
                  koc_error **err)
{
    KOC__AUTO_STR at = koc__path_clean(name);
    for (int i = 0; at && i < LINKS_MAX; i++) {
        const place *p = koc__map_get(a->places, koc__str(at));
        if (!p) {
            return koc__error(err, KOC_EFORMAT, "%s: there is no %s in it", a->path, name);
        }
        if (!p->link) {
            *out = p;
            *clean = koc__steal(&at);
            return KOC_OK;
        }
        koc__free(at);
        at = koc__strdup(p->link);
    }
    return at ? koc__error(err, KOC_EFORMAT, "%s: %s leads through too many links", a->path, name)
              : koc__oom(err);
}

static int read_entry(const archive *a, const char *name, size_t max, koc_buf *out, koc_error **err)
{
    const place *p = NULL;
    KOC__AUTO_STR clean = NULL;
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__TRY(locate(a, name, &p, &clean, err));
    if (p->size > max) {
        return koc__error(err, KOC_ELIMIT, "%s: %s has %llu bytes, more than %zu", a->path, name,
                          (unsigned long long)p->size, max);
    }
    KOC__TRY(koc__blob_from_file_part(a->path, p->start, p->size, NULL, &blob, err));
    return koc__blob_read_all(blob, max, a->op, out, err);
}

static int open_archive(archive *a, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    KOC__AUTO_STR what = koc__format("manifest.json of %s", a->path);
    if (!what) {
        return koc__oom(err);
    }
    KOC__TRY(read_contents(a, err));
    if (!koc__map_get(a->places, KOC__STR("manifest.json"))) {
        return koc__error(err, KOC_EFORMAT, "%s is no docker-save archive: it has no manifest.json",
                          a->path);
    }
    KOC__TRY(read_entry(a, "manifest.json", KOC__MANIFEST_MAX, &text, err));
    KOC__TRY(koc__json_parse(koc__str_n(text.ptr, text.len), KOC__MANIFEST_MAX, what, &a->manifest,
                             err));
    if (!koc__json_is(koc__json_root(a->manifest), KOC__JSON_ARRAY)) {
        return koc__error(err, KOC_EFORMAT, "%s is not a list", what);
    }
    return KOC_OK;
}

/* --- an image --- */

typedef struct layers {
    koc_descriptor *list; /* media types are static */
    koc_blob **blobs;
    size_t n;
} layers;

static void layers_dispose(layers *l)
{
    for (size_t i = 0; l->blobs && i < l->n; i++) {
        koc_blob_unref(l->blobs[i]);
    }
    koc__free(l->blobs);
    koc__free(l->list);
}
KOC__DEFINE_AUTO_VAL(layers, layers_dispose);

static int sniff(const archive *a, const place *p, const char **media_type, koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_reader) in = NULL;
    uint8_t head[4] = {0};
    size_t n = 0;
    KOC__TRY(koc__blob_from_file_part(a->path, p->start, p->size, NULL, &blob, err));
    KOC__TRY(koc__blob_open(blob, 0, a->op, &in, err));
    KOC__TRY(koc__reader_fill(in, head, sizeof(head), &n, err));
    if (memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "%s has a layer in zstd, which Docker's types lack", a->path);
    }
    *media_type =
        head[0] == 0x1f && head[1] == 0x8b ? KOC_MT_DOCKER_LAYER_GZIP : KOC_MT_DOCKER_LAYER;
    return KOC_OK;
}

/* "<64 hex>", "<64 hex>.tar.gz" or "blobs/sha256/<64 hex>" promise a digest; readers check it. */
static bool digest_of_name(const char *name, koc_digest *out)
{
    koc_str folder = koc__path_dir(koc__str(name));
    koc_str base = koc__path_base(koc__str(name));
    if (!koc__str_is(folder, ".") && !koc__str_is(folder, "blobs/sha256")) {
        return false;
    }
    if (base.len != 64 && !(koc__str_ends(base, ".tar.gz") && base.len == 64 + 7)) {
        return false;
    }
    char text[7 + 64 + 1];
    memcpy(text, "sha256:", 7);
    memcpy(text + 7, base.ptr, 64);
    text[71] = '\0';
    return koc__digest_read(koc__str(text), out);
}

static int read_layer(const archive *a, const char *name, const char *diff_id, koc_descriptor *d,
                      koc_blob **blob, koc_error **err)
{
    const place *p = NULL;
    KOC__AUTO_STR clean = NULL;
    KOC__TRY(locate(a, name, &p, &clean, err));
    KOC__TRY(sniff(a, p, &d->media_type, err));
    d->size = p->size;
    bool plain = koc__streq(d->media_type, KOC_MT_DOCKER_LAYER);
    bool known = plain ? diff_id && koc__digest_read(koc__str(diff_id), &d->digest)
                       : digest_of_name(clean, &d->digest);
    if (!known) {
        KOC__AUTO(koc_blob) unknown = NULL;
        KOC__TRY(koc__blob_from_file_part(a->path, p->start, p->size, NULL, &unknown, err));
        KOC__TRY(koc__blob_digest(unknown, a->op, &d->digest, err));
    }
    return koc__blob_from_file_part(a->path, p->start, p->size, &d->digest, blob, err);
}

static int read_layers(const archive *a, const koc__jnode *names, const koc__jnode *diff_ids,
                       layers *out, koc_error **err)
{
    size_t n = koc__json_count(names);
    if (n > KOC__DESCRIPTORS_MAX || n != koc__json_count(diff_ids)) {
        return koc__error(err, KOC_EFORMAT, "%s: %zu layers, but the config counts %zu", a->path, n,
                          koc__json_count(diff_ids));
    }
    out->list = koc__calloc(n + 1, sizeof(*out->list));
    out->blobs = koc__calloc(n + 1, sizeof(koc_blob *));
    if (!out->list || !out->blobs) {
        return koc__oom(err);
    }
    const koc__jnode *diff_id = koc__json_child(diff_ids);
    for (const koc__jnode *e = koc__json_child(names); e; e = koc__json_next(e)) {
        const char *name = koc__json_str(e);
        if (!name) {
            return koc__error(err, KOC_EFORMAT, "%s: a layer's name is no string", a->path);
        }
        out->list[out->n] = (koc_descriptor)KOC_DESCRIPTOR_INIT;
        KOC__TRY(read_layer(a, name, koc__json_str(diff_id), &out->list[out->n],
                            &out->blobs[out->n], err));
        out->n++;
        diff_id = koc__json_next(diff_id);
    }
    return KOC_OK;
}

static int make_manifest(koc_str config, const layers *l, koc__buf *out, koc_error **err)
{
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc__jw w;
    koc__sha256_of(config.ptr, config.len, &d.digest);
    d.size = config.len;
    d.media_type = KOC_MT_DOCKER_CONFIG;
    koc__jw_begin(&w, out, 0, 0);
    koc__jw_object(&w);
    koc__jw_key(&w, "schemaVersion");
    koc__jw_u64(&w, 2);
    koc__jw_kv(&w, "mediaType", KOC_MT_DOCKER_MANIFEST);
    koc__jw_key(&w, "config");
    koc__descriptor_write(&w, &d);
    koc__jw_key(&w, "layers");
    koc__jw_array(&w);
    for (size_t i = 0; i < l->n; i++) {
        koc__descriptor_write(&w, &l->list[i]);
    }
    koc__jw_array_end(&w);
    koc__jw_object_end(&w);
    return koc__jw_end(&w, err);
}

static int read_image(const archive *a, const koc__jnode *entry, koc_image **out, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) config = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc__buf) manifest = KOC__BUF_INIT(KOC__MANIFEST_MAX);
    KOC__AUTO_VAL(layers) found = {0};
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO(koc_image) img = NULL;
    const char *name = koc__json_get_str(entry, "Config");
    if (!name) {
        return koc__error(err, KOC_EFORMAT, "%s: manifest.json names no config", a->path);
    }
    KOC__TRY(read_entry(a, name, KOC__CONFIG_MAX, &config, err));
    koc_str text = koc__str_n(config.ptr, config.len);
    KOC__TRY(koc__json_parse(text, KOC__CONFIG_MAX, name, &doc, err));
    KOC__TRY(read_layers(a, koc__json_get(entry, "Layers"),
                         koc__json_at(koc__json_root(doc), "/rootfs/diff_ids"), &found, err));
    KOC__TRY(make_manifest(text, &found, &manifest, err));
    KOC__TRY(koc_image_from_bytes(a->ctx, koc__buf_view(&manifest), text, &img, err));
    for (size_t i = 0; i < found.n; i++) {
        KOC__TRY(koc__image_attach(img, i, found.blobs[i], NULL, err));
    }
    *out = koc__steal(&img);
    return KOC_OK;
}

int koc__archive_read(koc_ctx *ctx, const char *path, size_t i, koc__op *op, koc_image **out,
                      size_t *count, koc_error **err)
{
    KOC__AUTO_VAL(archive) a = {.ctx = ctx, .path = path, .op = op};
    KOC__TRY(open_archive(&a, err));
    const koc__jnode *list = koc__json_root(a.manifest);
    size_t n = koc__json_count(list);
    if (out) {
        const koc__jnode *entry = koc__json_child(list);
        for (size_t k = 0; k < i && entry; k++) {
            entry = koc__json_next(entry);
        }
        if (!entry) {
            return koc__error(err, KOC_ENOTFOUND, "%s holds %zu images: there is no number %zu",
                              path, n, i + 1);
        }
        KOC__TRY(read_image(&a, entry, out, err));
    }
    if (count) {
        *count = n;
    }
    return KOC_OK;
}

int koc_archive_read(koc_ctx *ctx, const char *path, size_t i, const koc_op *op, koc_image **out,
                     size_t *count, koc_error **err)
{
    if (!path || (!out && !count)) {
        return koc__misuse(err, "koc_archive_read: path is NULL, or there is nothing to fill");
    }
    KOC__AUTO_VAL(koc__op) run = {0};
    KOC__TRY(koc__op_begin(&run, ctx, op, err));
    return koc__archive_read(ctx, path, i, &run, out, count, err);
}

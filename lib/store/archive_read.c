/*
 * Reads docker-save archives, old ones (<id>/layer.tar) and those that are also an OCI layout. They contain
 * no manifest, so one is created; the layers stay in the file and are read when they are needed.
 */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/io.h"
#include "core/path.h"
#include "core/str.h"
#include "layer/layer.h"
#include "model/model.h"
#include "store/store.h"
#include "store/tar_contents.h"

typedef struct archive {
    koc_ctx *ctx;
    const char *path;
    koc__call *call;
    koc__contents *contents;
    koc__json *manifest;
} archive;

static void dispose(archive *a)
{
    koc__contents_free(a->contents);
    koc__json_free(a->manifest);
}
KOC__DEFINE_AUTO_VAL(archive, dispose);

static int open_archive(archive *a, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    KOC__AUTO_STR what = NULL;
    KOC__TRY(koc__formatf(&what, err, "manifest.json of %s", a->path));
    KOC__TRY(koc__contents_open(a->path, a->call, &a->contents, err));
    if (!koc__contents_has(a->contents, "manifest.json")) {
        return koc__error(err, KOC_EFORMAT,
                          "%s is not a docker-save archive: it has no "
                          "manifest.json",
                          a->path);
    }
    KOC__TRY(
        koc__contents_read(a->contents, "manifest.json", KOC__MANIFEST_MAX, a->call, &text, err));
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

static int sniff(const archive *a, const koc__extent *p, const char **media_type, koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_reader) in = NULL;
    uint8_t head[4] = {0};
    size_t n = 0;
    KOC__TRY(koc__blob_from_file_part(a->path, p->start, p->size, NULL, &blob, err));
    KOC__TRY(koc__blob_open(blob, 0, a->call, &in, err));
    KOC__TRY(koc__reader_fill(in, head, sizeof(head), &n, err));
    if (memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "%s has a layer in zstd, which Docker's types lack", a->path);
    }
    *media_type =
        head[0] == 0x1f && head[1] == 0x8b ? KOC_MT_DOCKER_LAYER_GZIP : KOC_MT_DOCKER_LAYER;
    return KOC_OK;
}

/* The names "<64 hex>", "sha256:<64 hex>", "<64 hex>.tar.gz", "<64 hex>.json" and "blobs/sha256/<64 hex>"
 * state a digest; readers verify it. */
static bool digest_of_name(const char *name, koc_digest *out)
{
    koc_str directory = koc__path_dir(koc__str(name));
    koc_str base = koc__path_base(koc__str(name));
    if (!koc__str_is(directory, ".") && !koc__str_is(directory, "blobs/sha256")) {
        return false;
    }
    if (koc__str_starts(base, "sha256:")) {
        base = koc__str_from(base, strlen("sha256:"));
    }
    koc_str rest = koc__str_from(base, KOC__MIN(base.len, (size_t)64));
    if (base.len < 64 ||
        (rest.len > 0 && !koc__str_is(rest, ".tar.gz") && !koc__str_is(rest, ".json"))) {
        return false;
    }
    char text[7 + 64 + 1];
    memcpy(text, "sha256:", 7);
    memcpy(text + 7, base.ptr, 64);
    text[71] = '\0';
    return koc__digest_read(koc__str(text), out);
}

/* If neither the name nor the media type states a digest, only the DiffID is left to verify. It is verified
 * now, because a manifest made from damaged content would have a digest that fits the damage. */
static int measure(const archive *a, const koc__extent *p, koc_descriptor *d, const char *diff_id,
                   koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_layer) layer = NULL;
    KOC__AUTO(koc_reader) tar = NULL;
    koc_digest expect = {0};
    KOC__TRY(koc__blob_from_file_part(a->path, p->start, p->size, NULL, &blob, err));
    KOC__TRY(koc__blob_digest(blob, a->call, &d->digest, err));
    if (!diff_id || !koc__digest_read(koc__str(diff_id), &expect)) {
        return KOC_OK; /* which the reader of the image rejects */
    }
    KOC__TRY(koc__layer_new(d, &expect, UINT64_MAX, blob, NULL, &layer, err));
    KOC__TRY(koc__layer_open_tar(layer, a->call, &tar, err));
    return koc_reader_finish(tar, err);
}

static int read_layer(const archive *a, const char *name, const char *diff_id, koc_descriptor *d,
                      koc_blob **blob, koc_error **err)
{
    koc__extent p = {0};
    KOC__AUTO_STR clean = NULL;
    KOC__TRY(koc__contents_find(a->contents, name, &p, &clean, err));
    KOC__TRY(sniff(a, &p, &d->media_type, err));
    d->size = p.size;
    bool plain = koc__streq(d->media_type, KOC_MT_DOCKER_LAYER);
    bool known = plain ? diff_id && koc__digest_read(koc__str(diff_id), &d->digest)
                       : digest_of_name(clean, &d->digest);
    int rc = known ? KOC_OK : measure(a, &p, d, diff_id, err);
    KOC__TRY(koc__error_prefix(err, rc, "%s: layer %s", a->path, name));
    return koc__blob_from_file_part(a->path, p.start, p.size, &d->digest, blob, err);
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
            return koc__error(err, KOC_EFORMAT, "%s: the name of a layer is not a string", a->path);
        }
        out->list[out->n] = (koc_descriptor)KOC_DESCRIPTOR_INIT;
        KOC__TRY(read_layer(a, name, koc__json_str(diff_id), &out->list[out->n],
                            &out->blobs[out->n], err));
        out->n++;
        diff_id = koc__json_next(diff_id);
    }
    return KOC_OK;
}

static int make_manifest(koc_str config, const layers *l, koc__dynbuf *out, koc_error **err)
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

/* The config; readers verify it if its name states a digest, as Docker's names do. */
static int read_config(const archive *a, const char *name, koc_buf *out, koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO_STR clean = NULL;
    koc__extent p = {0};
    koc_digest expect = {0};
    KOC__TRY(koc__contents_find(a->contents, name, &p, &clean, err));
    const koc_digest *check = digest_of_name(clean, &expect) ? &expect : NULL;
    KOC__TRY(koc__blob_from_file_part(a->path, p.start, p.size, check, &blob, err));
    int rc = koc__blob_read_all(blob, KOC__CONFIG_MAX, a->call, out, err);
    return koc__error_prefix(err, rc, "%s of %s", name, a->path);
}

static int read_image(const archive *a, const koc__jnode *entry, koc_image **out, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) config = KOC_BUF_INIT;
    KOC__AUTO_VAL(koc__dynbuf) manifest = KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
    KOC__AUTO_VAL(layers) found = {0};
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO(koc_image) img = NULL;
    const char *name = koc__json_get_str(entry, "Config");
    if (!name) {
        return koc__error(err, KOC_EFORMAT, "%s: manifest.json names no config", a->path);
    }
    KOC__TRY(read_config(a, name, &config, err));
    koc_str text = koc__str_n(config.ptr, config.len);
    KOC__TRY(koc__json_parse(text, KOC__CONFIG_MAX, name, &doc, err));
    KOC__TRY(read_layers(a, koc__json_get(entry, "Layers"),
                         koc__json_at(koc__json_root(doc), "/rootfs/diff_ids"), &found, err));
    KOC__TRY(make_manifest(text, &found, &manifest, err));
    KOC__TRY(koc_image_from_bytes(a->ctx, koc__dynbuf_view(&manifest), text, &img, err));
    for (size_t i = 0; i < found.n; i++) {
        KOC__TRY(koc__image_attach(img, i, found.blobs[i], NULL, err));
    }
    *out = koc__steal(&img);
    return KOC_OK;
}

int koc__archive_read(koc_ctx *ctx, const char *path, size_t i, koc__call *call, koc_image **out,
                      size_t *count, koc_error **err)
{
    KOC__AUTO_VAL(archive) a = {.ctx = ctx, .path = path, .call = call};
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

/* --- which one --- */

/* "app:1" and "1" name "example.com/app:1". */
static bool names(const char *name, const char *tag)
{
    size_t n = strlen(name), len = strlen(tag);
    return len >= n && strcmp(tag + len - n, name) == 0 &&
           (len == n || tag[len - n - 1] == ':' || tag[len - n - 1] == '/');
}

static bool has_tag(const koc__jnode *entry, const char *name)
{
    const koc__jnode *tags = koc__json_get(entry, "RepoTags");
    for (const koc__jnode *t = koc__json_child(tags); t; t = koc__json_next(t)) {
        if (koc__json_str(t) && names(name, koc__json_str(t))) {
            return true;
        }
    }
    return false;
}

static int no_such(const archive *a, const char *name, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) have = KOC__DYNBUF_INIT(2048);
    for (const koc__jnode *e = koc__json_child(koc__json_root(a->manifest)); e;
         e = koc__json_next(e)) {
        const koc__jnode *tags = koc__json_get(e, "RepoTags");
        for (const koc__jnode *t = koc__json_child(tags); t; t = koc__json_next(t)) {
            (void)koc__dynbuf_printf(&have, NULL, "%s%s", have.len ? ", " : "",
                                     koc__json_str(t) ? koc__json_str(t) : "?");
        }
    }
    const char *list = have.len ? koc__dynbuf_cstr(&have) : "images without tags";
    return name ? koc__error(err, KOC_ENOTFOUND, "%s has no %s (it has %s)", a->path, name, list)
                : koc__error(err, KOC_EINVAL, "%s holds %zu images: name one of %s", a->path,
                             koc__json_count(koc__json_root(a->manifest)), list);
}

int koc__archive_read_named(koc_ctx *ctx, const char *path, const char *name, koc__call *call,
                            koc_image **out, koc_error **err)
{
    KOC__AUTO_VAL(archive) a = {.ctx = ctx, .path = path, .call = call};
    KOC__TRY(open_archive(&a, err));
    const koc__jnode *list = koc__json_root(a.manifest), *found = NULL;
    for (const koc__jnode *e = koc__json_child(list); e && !found; e = koc__json_next(e)) {
        found = name ? (has_tag(e, name) ? e : NULL) : e;
    }
    if (!found || (!name && koc__json_count(list) > 1)) {
        return no_such(&a, name, err);
    }
    return read_image(&a, found, out, err);
}

/* --- public --- */

int koc_archive_read(koc_ctx *ctx, const char *path, size_t i, const koc_op *op, koc_image **out,
                     size_t *count, koc_error **err)
{
    if (!path || (!out && !count)) {
        return koc__misuse(err, "koc_archive_read: path is NULL, or there is nothing to fill");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, ctx, op, err));
    return koc__archive_read(ctx, path, i, &call, out, count, err);
}

/* koc_source_inspect: describes what a place names as one JSON document ("koc-inspect-1", docs/json.md). */
#include "core/common.h"

#include "transfer/transfer.h"

#include "core/hash/digests.h"
#include "core/str.h"

#define REPORT_MAX ((size_t)64 << 20)
#define SUBJECT_OF "vnd.docker.reference.digest"
enum { DEPTH_MAX = 6, INDENT = 2 };

/* A manifest that is not an image: an attestation, a signature, a chart. */
typedef struct artifact {
    koc__document manifest;
    koc__json *doc;
    char *about; /* its subject according to the index, or NULL */
} artifact;

typedef struct report {
    koc_source *s;
    koc__call *call;
    const koc_platform *want; /* NULL: all */
    koc__jw w;
    size_t images;       /* written */
    artifact *artifacts; /* written after the images */
    size_t n_artifacts, capacity;
} report;

static void report_dispose(report *r)
{
    for (size_t i = 0; i < r->n_artifacts; i++) {
        koc__json_free(r->artifacts[i].doc);
        koc__document_dispose(&r->artifacts[i].manifest);
        koc__free(r->artifacts[i].about);
    }
    koc__free(r->artifacts);
}
KOC__DEFINE_AUTO_VAL(report, report_dispose);

/* --- pieces --- */

static void put_digest(koc__jw *w, const char *name, const koc_digest *d)
{
    koc__jw_kv(w, name, koc__digest_str(d).s);
}

static void put_size(koc__jw *w, const char *name, uint64_t size)
{
    koc__jw_key(w, name);
    koc__jw_u64(w, size);
}

/* Copies a member of another document; writes nothing if it is absent. */
static void put_member(koc__jw *w, const char *name, const koc__jnode *value)
{
    if (value) {
        koc__jw_key(w, name);
        koc__jw_node(w, value);
    }
}

static void put_descriptor(koc__jw *w, const koc_descriptor *d)
{
    koc__jw_kv(w, "mediaType", d->media_type);
    put_digest(w, "digest", &d->digest);
    put_size(w, "size", d->size);
}

static void put_annotations(koc__jw *w, const koc_descriptor *d)
{
    if (d->n_annotations == 0) {
        return;
    }
    koc__jw_key(w, "annotations");
    koc__jw_object(w);
    for (size_t i = 0; i < d->n_annotations; i++) {
        koc__jw_kv(w, d->annotations[i].key, d->annotations[i].value);
    }
    koc__jw_object_end(w);
}

/* --- images --- */

static void put_layers(koc__jw *w, const koc_image *img)
{
    const koc__jnode *ids =
        koc__json_at(koc__json_root(koc__image_config_json(img)), "/rootfs/diff_ids");
    const koc__jnode *id = koc__json_child(ids);
    uint64_t total = koc_image_config_descriptor(img)->size + koc_image_descriptor(img)->size;
    koc__jw_key(w, "layers");
    koc__jw_array(w);
    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        const koc_descriptor *d = koc_layer_descriptor(koc_image_layer(img, i));
        koc__jw_object(w);
        put_descriptor(w, d);
        koc__jw_kv(w, "diffId", koc__json_str(id));
        put_annotations(w, d);
        koc__jw_object_end(w);
        total += d->size;
        id = koc__json_next(id);
    }
    koc__jw_array_end(w);
    put_size(w, "totalSize", total);
}

/* Each step with its layer. */
static void put_history(koc__jw *w, const koc_image *img)
{
    const koc__jnode *root = koc__json_root(koc__image_config_json(img));
    size_t layer = 0;
    koc__jw_key(w, "history");
    koc__jw_array(w);
    for (const koc__jnode *h = koc__json_child(koc__json_get(root, "history")); h;
         h = koc__json_next(h)) {
        bool empty = koc__json_true(koc__json_get(h, "empty_layer"));
        const koc_layer *l = empty ? NULL : koc_image_layer(img, layer++);
        koc__jw_object(w);
        koc__jw_kv(w, "created", koc__json_get_str(h, "created"));
        koc__jw_kv(w, "createdBy", koc__json_get_str(h, "created_by"));
        koc__jw_kv(w, "author", koc__json_get_str(h, "author"));
        koc__jw_kv(w, "comment", koc__json_get_str(h, "comment"));
        if (l) {
            put_digest(w, "layer", &koc_layer_descriptor(l)->digest);
        }
        koc__jw_object_end(w);
    }
    koc__jw_array_end(w);
}

static int put_image(report *r, const koc_image *img, koc_error **err)
{
    koc__jw *w = &r->w;
    const koc_platform *p = koc_image_platform(img);
    KOC__AUTO_STR platform = p ? koc__platform_str(p) : NULL;
    if (p && !platform) {
        return koc__oom(err);
    }
    koc__jw_object(w);
    koc__jw_kv(w, "platform", platform && *platform ? platform : NULL);
    put_descriptor(w, koc_image_descriptor(img));
    put_layers(w, img);
    put_history(w, img);
    put_member(w, "manifest", koc__json_root(koc__image_manifest_json(img)));
    put_member(w, "config", koc__json_root(koc__image_config_json(img)));
    koc__jw_object_end(w);
    r->images++;
    return KOC_OK;
}

static const char *about_of(const koc_descriptor *entry)
{
    for (size_t i = 0; entry && i < entry->n_annotations; i++) {
        if (koc__streq(entry->annotations[i].key, SUBJECT_OF)) {
            return entry->annotations[i].value;
        }
    }
    return NULL;
}

/* Takes *doc. */
static int add_artifact(report *r, const koc__document *m, const koc_descriptor *entry,
                        koc__json **doc, koc_error **err)
{
    if (!koc__grow((void **)&r->artifacts, &r->capacity, r->n_artifacts + 1, sizeof(artifact))) {
        return koc__oom(err);
    }
    artifact *a = &r->artifacts[r->n_artifacts++];
    *a = (artifact){.manifest = KOC__DOCUMENT_INIT, .doc = koc__steal(doc)};
    a->manifest.digest = m->digest;
    const char *about = about_of(entry);
    a->about = about ? koc__strdup(about) : NULL;
    if (about && !a->about) {
        return koc__oom(err);
    }
    KOC__TRY(koc_buf_set(&a->manifest.bytes, koc__document_text(m), err));
    return koc_buf_set(&a->manifest.media_type, koc__str(m->media_type.ptr), err);
}

static void put_artifact(koc__jw *w, const artifact *a)
{
    const koc__jnode *root = koc__json_root(a->doc);
    const koc_descriptor d = koc__document_descriptor(&a->manifest);
    const char *type = koc__json_get_str(root, "artifactType");
    const char *about = koc__json_get_str(koc__json_get(root, "subject"), "digest");
    koc__jw_object(w);
    put_descriptor(w, &d);
    koc__jw_kv(w, "artifactType",
               type ? type : koc__json_get_str(koc__json_get(root, "config"), "mediaType"));
    koc__jw_kv(w, "about", about ? about : a->about);
    put_member(w, "layers", koc__json_get(root, "layers"));
    put_member(w, "manifest", root);
    koc__jw_object_end(w);
}

/* --- the tree --- */

static bool is_attestation(const koc_descriptor *entry)
{
    return entry && entry->platform && koc__platform_is_unknown(entry->platform);
}

/* entry: that of m in its index, or NULL. */
static int put_manifest(report *r, const koc__document *m, const koc_descriptor *entry,
                        koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO(koc_image) img = NULL;
    koc_error *why = NULL;
    KOC__TRY(koc__json_parse(koc__document_text(m), KOC__MANIFEST_MAX, r->s->what, &doc, err));
    int rc = is_attestation(entry) ? KOC_EUNSUPPORTED
                                   : koc__source_image_of(r->s, m, r->call, &img, &why);
    if (rc == KOC_EUNSUPPORTED) {
        koc__error_clear(&why);
        return add_artifact(r, m, entry, &doc, err);
    }
    if (rc != KOC_OK) {
        return koc__error_move(err, &why);
    }
    const koc_platform *have = koc_image_platform(img);
    bool wanted = !r->want || (have && koc_platform_matches(r->want, have));
    return wanted ? put_image(r, img, err) : KOC_OK;
}

static int put_tree(report *r, const koc__document *m, const koc_descriptor *entry, int depth,
                    koc_error **err)
{
    KOC__AUTO(koc_index) idx = NULL;
    if (!koc__mt_is_index(m->media_type.ptr)) {
        return put_manifest(r, m, entry, err);
    }
    if (depth > DEPTH_MAX) {
        return koc__error(err, KOC_ELIMIT, "indexes are nested more than %d deep", DEPTH_MAX);
    }
    KOC__TRY(koc_index_from_bytes(r->s->ctx, koc__document_text(m), &idx, err));
    for (size_t i = 0; i < koc_index_count(idx); i++) {
        KOC__AUTO_VAL(koc__document) child = KOC__DOCUMENT_INIT;
        const koc_descriptor *d = koc_index_get(idx, i);
        bool other = r->want && d->platform && !koc_platform_matches(r->want, d->platform);
        if (other || (!koc__mt_is_index(d->media_type) && !koc__mt_is_manifest(d->media_type))) {
            continue;
        }
        KOC__TRY(koc__source_manifest(r->s, &d->digest, r->call, &child, err));
        KOC__TRY(put_tree(r, &child, d, depth + 1, err));
    }
    return KOC_OK;
}

static int put_referrers(report *r, koc_error **err)
{
    KOC__AUTO(koc_index) list = NULL;
    koc__jw *w = &r->w;
    KOC__TRY(r->s->vt->referrers(r->s, &r->s->top.digest, NULL, r->call, &list, err));
    koc__jw_key(w, "referrers");
    koc__jw_array(w);
    for (size_t i = 0; i < koc_index_count(list); i++) {
        const koc_descriptor *d = koc_index_get(list, i);
        koc__jw_object(w);
        put_descriptor(w, d);
        koc__jw_kv(w, "artifactType", d->artifact_type);
        put_annotations(w, d);
        koc__jw_object_end(w);
    }
    koc__jw_array_end(w);
    return KOC_OK;
}

static int put_all(report *r, const koc__jnode *root, koc_error **err)
{
    koc__jw *w = &r->w;
    bool index = koc__mt_is_index(r->s->top.media_type.ptr);
    koc__jw_object(w);
    koc__jw_kv(w, "schema", "koc-inspect-1");
    koc__jw_kv(w, "name", r->s->what);
    koc__jw_kv(w, "kind", index ? "index" : "manifest");
    put_descriptor(w, r->s->descriptor);
    put_member(w, "annotations", koc__json_get(root, "annotations"));
    if (index) {
        put_member(w, "index", root);
    }
    koc__jw_key(w, "images");
    koc__jw_array(w);
    KOC__TRY(put_tree(r, &r->s->top, NULL, 0, err));
    koc__jw_array_end(w);
    koc__jw_key(w, "artifacts");
    koc__jw_array(w);
    for (size_t i = 0; i < r->n_artifacts; i++) {
        put_artifact(w, &r->artifacts[i]);
    }
    koc__jw_array_end(w);
    KOC__TRY(put_referrers(r, err));
    koc__jw_object_end(w);
    return KOC_OK;
}

int koc_source_inspect(koc_source *s, const koc_platform *want, const koc_op *user, koc_buf *json,
                       koc_error **err)
{
    if (!s || !json) {
        return koc__misuse(err, "koc_source_inspect: s or json is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(REPORT_MAX);
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__call_begin(&call, s->ctx, user, err));
    KOC__TRY(koc__json_parse(koc__document_text(&s->top), KOC__MANIFEST_MAX, s->what, &doc, err));
    KOC__AUTO_VAL(report) r = {.s = s, .call = &call, .want = want};
    koc__jw_begin(&r.w, &out, INDENT, 0);
    int rc = put_all(&r, koc__json_root(doc), err);
    int ended = koc__jw_end(&r.w, rc == KOC_OK ? err : NULL);
    KOC__TRY(rc != KOC_OK ? rc : ended);
    if (want && r.images == 0) {
        KOC__AUTO_STR text = koc__platform_str(want);
        return koc__error(err, KOC_EPLATFORM, "%s has no %s", s->what, text ? text : "?");
    }
    koc__dynbuf_give(&out, json);
    return KOC_OK;
}

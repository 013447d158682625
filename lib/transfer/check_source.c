/* koc_source_check: verifies all content that a place names. */
#include "core/common.h"

#include "transfer/transfer.h"

#include "core/hash/digests.h"
#include "core/str.h"
#include "layer/layer.h"

enum { DEPTH_MAX = 6, COPY = 256 * 1024, WHAT_MAX = 512 };

typedef struct check {
    koc_source *s;
    koc__call *call;
    uint32_t flags;
    koc_check_fn fn;
    void *payload;
    size_t problems;
} check;

/* Reports a fault of the content to the callback; any other failure is an error. Takes *why. */
static int report_finding(check *k, const char *what, int rc, koc_error **why, koc_error **err)
{
    bool problem = rc == KOC_EDIGEST || rc == KOC_EFORMAT || rc == KOC_ENOTFOUND ||
                   rc == KOC_ELIMIT || rc == KOC_EUNSUPPORTED || rc == KOC_EPLATFORM;
    if (rc != KOC_OK && !problem) {
        return koc__error_move(err, why);
    }
    k->problems += problem;
    int stop = k->fn ? k->fn(what, problem ? koc_error_message(*why) : NULL, k->payload) : 0;
    koc__error_clear(why);
    return stop ? koc__error(err, KOC_EUSER, "the callback of koc_source_check gave %d", stop)
                : KOC_OK;
}

static int read_to_end(check *k, koc_reader *in, koc_error **err)
{
    KOC__AUTO_STR buf = koc__malloc(COPY);
    size_t n = 1;
    if (!buf) {
        return koc__oom(err);
    }
    while (n > 0) {
        KOC__TRY(koc__call_check(k->call, err));
        KOC__TRY(koc_reader_read(in, buf, COPY, &n, err));
    }
    return KOC_OK;
}

/* --- blobs --- */

static int is_there(check *k, const koc_descriptor *d, const koc_blob *blob, koc_error **err)
{
    bool there = blob && koc_blob_size(blob) == d->size;
    if (k->s->repo) {
        KOC__TRY(koc__client_has_blob(k->s->client, k->s->repo, &d->digest, false, k->call, &there,
                                      err));
    }
    return there ? KOC_OK : koc__error(err, KOC_ENOTFOUND, "it is missing or has another size");
}

static int read_blob(check *k, const koc_descriptor *d, koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_reader) raw = NULL;
    KOC__AUTO(koc_reader) in = NULL;
    KOC__TRY(k->s->vt->blob(k->s, d, &blob, err));
    if (!blob && koc__mt_is_foreign(d->media_type)) {
        return KOC_OK;
    }
    if (!blob) {
        return koc__error(err, KOC_ENOTFOUND, "it is missing");
    }
    if (k->flags & KOC_CHECK_FAST) {
        return is_there(k, d, blob, err);
    }
    KOC__TRY(koc__blob_open(blob, 0, k->call, &raw, err));
    KOC__TRY(koc__reader_verify(raw, d->size, &d->digest, &in, err));
    koc__steal(&raw);
    return read_to_end(k, in, err);
}

static int check_layer(check *k, koc_layer *layer, const char *where, koc_error **err)
{
    const koc_descriptor *d = koc_layer_descriptor(layer);
    char what[WHAT_MAX];
    koc_error *why = NULL;
    snprintf(what, sizeof(what), "layer %s of %.300s", koc__digest_str(&d->digest).s, where);
    bool unpack =
        layer->blob && !(k->flags & KOC_CHECK_FAST) && koc__mt_compression(d->media_type) >= 0;
    int rc =
        unpack ? koc__layer_check(layer, "its tar", false, k->call, &why) : read_blob(k, d, &why);
    return report_finding(k, what, rc, &why, err);
}

/* --- manifests --- */

static int check_artifact(check *k, const koc__document *m, const char *where, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__json_parse(koc__document_text(m), KOC__MANIFEST_MAX, where, &doc, err));
    const koc__jnode *root = koc__json_root(doc);
    const koc__jnode *first = koc__json_child(koc__json_get(root, "layers"));
    for (const koc__jnode *l = koc__json_get(root, "config"); l;) {
        KOC__AUTO(koc_descriptor) d = NULL;
        char what[WHAT_MAX];
        koc_error *why = NULL;
        int rc = koc__descriptor_read(l, "a blob of the manifest", &d, &why);
        rc = rc == KOC_OK ? read_blob(k, d, &why) : rc;
        snprintf(what, sizeof(what), "blob %s of %.300s", d ? koc__digest_str(&d->digest).s : "?",
                 where);
        KOC__TRY(report_finding(k, what, rc, &why, err));
        l = l == koc__json_get(root, "config") ? first : koc__json_next(l);
    }
    return KOC_OK;
}

static int check_platform(const koc_image *img, const koc_platform *said, koc_error **err)
{
    const koc_platform *have = koc_image_platform(img);
    if (!said || koc__platform_is_unknown(said) || (have && koc_platform_matches(said, have))) {
        return KOC_OK;
    }
    KOC__AUTO_STR a = koc__platform_str(said);
    KOC__AUTO_STR b = have ? koc__platform_str(have) : NULL;
    return koc__error(err, KOC_EPLATFORM, "the index says %s, the config %s", a ? a : "?",
                      b ? b : "nothing");
}

static int check_manifest(check *k, const koc__document *m, const koc_platform *said,
                          koc_error **err)
{
    KOC__AUTO(koc_image) img = NULL;
    KOC__AUTO_STR platform =
        said && !koc__platform_is_unknown(said) ? koc__platform_str(said) : NULL;
    char what[WHAT_MAX];
    koc_error *why = NULL;
    const koc__digest_text digest = koc__digest_str(&m->digest);
    snprintf(what, sizeof(what), "image %s%s%s", digest.s, platform ? " for " : "",
             platform ? platform : "");
    int rc = koc__source_image_of(k->s, m, k->call, &img, &why);
    if (rc == KOC_EUNSUPPORTED) {
        koc__error_clear(&why);
        return check_artifact(k, m, what, err);
    }
    rc = rc == KOC_OK ? check_platform(img, said, &why) : rc;
    KOC__TRY(report_finding(k, what, rc, &why, err));
    for (size_t i = 0; img && i < koc_image_layer_count(img); i++) {
        KOC__TRY(check_layer(k, koc_image_layer(img, i), what, err));
    }
    return KOC_OK;
}

static int check_document(check *k, const koc__document *m, const koc_platform *said, int depth,
                          koc_error **err);

static int check_entry(check *k, const koc_descriptor *d, int depth, koc_error **err)
{
    KOC__AUTO_VAL(koc__document) child = KOC__DOCUMENT_INIT;
    char what[WHAT_MAX];
    koc_error *why = NULL;
    snprintf(what, sizeof(what), "entry %s of the index", koc__digest_str(&d->digest).s);
    if (!koc__mt_is_index(d->media_type) && !koc__mt_is_manifest(d->media_type)) {
        int rc = read_blob(k, d, &why);
        return report_finding(k, what, rc, &why, err);
    }
    int rc = koc__source_manifest(k->s, &d->digest, k->call, &child, &why);
    if (rc == KOC_OK && child.bytes.len != d->size) {
        rc = koc__error(&why, KOC_EDIGEST, "it has %zu bytes, the index says %llu", child.bytes.len,
                        (unsigned long long)d->size);
    } else if (rc == KOC_OK && strcmp(child.media_type.ptr, d->media_type) != 0) {
        rc = koc__error(&why, KOC_EFORMAT, "it is %s, the index says %s", child.media_type.ptr,
                        d->media_type);
    }
    return rc == KOC_OK ? check_document(k, &child, d->platform, depth, err)
                        : report_finding(k, what, rc, &why, err);
}

static int check_document(check *k, const koc__document *m, const koc_platform *said, int depth,
                          koc_error **err)
{
    KOC__AUTO(koc_index) idx = NULL;
    char what[WHAT_MAX];
    koc_error *why = NULL;
    if (!koc__mt_is_index(m->media_type.ptr)) {
        return check_manifest(k, m, said, err);
    }
    if (depth > DEPTH_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s: indexes are nested more than %d deep", k->s->what,
                          DEPTH_MAX);
    }
    snprintf(what, sizeof(what), "index %s", koc__digest_str(&m->digest).s);
    int rc = koc_index_from_bytes(k->s->ctx, koc__document_text(m), &idx, &why);
    KOC__TRY(report_finding(k, what, rc, &why, err));
    for (size_t i = 0; idx && i < koc_index_count(idx); i++) {
        KOC__TRY(check_entry(k, koc_index_get(idx, i), depth + 1, err));
    }
    return KOC_OK;
}

int koc_source_check(koc_source *s, uint32_t flags, koc_check_fn fn, void *payload,
                     const koc_op *user, koc_error **err)
{
    if (!s || flags & ~(uint32_t)KOC_CHECK_FAST) {
        return koc__misuse(err, "koc_source_check: s is NULL, or flags are unknown");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, s->ctx, user, err));
    check k = {s, &call, flags, fn, payload, 0};
    KOC__TRY(check_document(&k, &s->top, NULL, 0, err));
    return k.problems == 0 ? KOC_OK
                           : koc__error(err, KOC_EVERIFY, "%s is not valid: %zu problem%s", s->what,
                                        k.problems, k.problems == 1 ? "" : "s");
}

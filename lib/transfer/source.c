/* Reads images from any place: the code that all kinds share. */
#include "core/common.h"

#include "transfer/transfer.h"

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/outfile.h"
#include "core/run/context.h"
#include "core/str.h"

enum { ALONE_MAX = 4 };

/* --- documents --- */

void koc__document_dispose(koc__document *d)
{
    koc_buf_dispose(&d->bytes);
    koc_buf_dispose(&d->media_type);
    koc_buf_dispose(&d->artifact_type);
}

koc_str koc__document_text(const koc__document *d)
{
    return koc__str_n(d->bytes.ptr, d->bytes.len);
}

int koc__document_copy(const koc__document *from, koc__document *to, koc_error **err)
{
    to->digest = from->digest;
    KOC__TRY(koc_buf_set(&to->bytes, koc__document_text(from), err));
    return koc_buf_set(&to->media_type, koc__str(from->media_type.ptr), err);
}

koc_descriptor koc__document_descriptor(const koc__document *d)
{
    koc_descriptor out = KOC_DESCRIPTOR_INIT;
    out.media_type = d->media_type.ptr;
    out.artifact_type = d->artifact_type.ptr;
    out.digest = d->digest;
    out.size = d->bytes.len;
    return out;
}

int koc__document_describe(koc__document *d, const char *what, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    const char *type = NULL;
    koc_str text = koc__document_text(d);
    KOC__TRY(koc__json_parse(text, KOC__MANIFEST_MAX, what, &doc, err));
    KOC__TRY(koc__mt_of_document(doc, NULL, what, &type, err));
    if (d->digest.algorithm == KOC_DIGEST_NONE) {
        koc__sha256_of(text.ptr, text.len, &d->digest);
    }
    return koc_buf_set(&d->media_type, koc__str(type), err);
}

const koc_descriptor *koc_source_descriptor(const koc_source *s)
{
    return s ? s->descriptor : NULL;
}

koc_str koc_source_manifest(const koc_source *s)
{
    return s ? koc__document_text(&s->top) : koc__str("");
}

/* --- parts --- */

int koc__source_manifest(koc_source *s, const koc_digest *d, koc__call *call, koc__document *out,
                         koc_error **err)
{
    int rc = s->vt->manifest(s, d, call, out, err);
    return koc__error_prefix(err, rc, "cannot read %s of %s", koc__digest_str(d).s, s->what);
}

int koc_source_get_manifest(koc_source *s, const koc_digest *d, const koc_op *op, koc_buf *bytes,
                            koc_buf *media_type, koc_error **err)
{
    if (!s || !d || !bytes) {
        return koc__misuse(err, "koc_source_get_manifest: s, d or bytes is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__document) doc = KOC__DOCUMENT_INIT;
    KOC__TRY(koc__call_begin(&call, s->ctx, op, err));
    KOC__TRY(koc__source_manifest(s, d, &call, &doc, err));
    if (media_type) {
        KOC__TRY(koc_buf_set(media_type, koc__str(doc.media_type.ptr), err));
    }
    return koc_buf_set(bytes, koc__document_text(&doc), err);
}

static int need_blob(koc_source *s, const koc_descriptor *d, koc_blob **out, koc_error **err)
{
    KOC__TRY(s->vt->blob(s, d, out, err));
    return *out ? KOC_OK
                : koc__error(err, KOC_ENOTFOUND, "%s is not in %s", koc__digest_str(&d->digest).s,
                             s->what);
}

int koc_source_get_blob(koc_source *s, const koc_descriptor *d, koc_blob **out, koc_error **err)
{
    if (!s || !d || !out) {
        return koc__misuse(err, "koc_source_get_blob: s, d or out is NULL");
    }
    koc_blob *blob = NULL;
    KOC__TRY(need_blob(s, d, &blob, err));
    *out = blob;
    return KOC_OK;
}

int koc_source_list_referrers(koc_source *s, const koc_digest *subject, const char *artifact_type,
                              const koc_op *op, koc_index **out, koc_error **err)
{
    if (!s || !subject || !out) {
        return koc__misuse(err, "koc_source_list_referrers: s, subject or out is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, s->ctx, op, err));
    int rc = s->vt->referrers(s, subject, artifact_type, &call, out, err);
    return koc__error_prefix(err, rc, "cannot list the referrers of %s in %s",
                             koc__digest_str(subject).s, s->what);
}

/* --- images --- */

static int attach_layers(koc_source *s, koc_image *img, koc_error **err)
{
    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        const koc_descriptor *d = koc_layer_descriptor(koc_image_layer(img, i));
        KOC__AUTO(koc_blob) blob = NULL;
        KOC__TRY(s->vt->blob(s, d, &blob, err));
        if (blob) {
            KOC__TRY(koc__image_attach(img, i, blob, s->repo, err));
        }
    }
    return KOC_OK;
}

int koc__source_image_of(koc_source *s, const koc__document *manifest, koc__call *call,
                         koc_image **out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO(koc_descriptor) d = NULL;
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_image) img = NULL;
    KOC__AUTO_VAL(koc_buf) config = KOC_BUF_INIT;
    koc_str text = koc__document_text(manifest);
    KOC__TRY(koc__json_parse(text, KOC__MANIFEST_MAX, s->what, &doc, err));
    KOC__TRY(koc__descriptor_read(koc__json_get(koc__json_root(doc), "config"),
                                  "config of the manifest", &d, err));
    if (!koc__mt_is_config(d->media_type)) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "%s is an artifact (its config is %s), not an image",
                          koc__digest_str(&manifest->digest).s, d->media_type);
    }
    KOC__TRY(need_blob(s, d, &blob, err));
    KOC__TRY(koc__blob_read_all(blob, KOC__CONFIG_MAX, call, &config, err));
    KOC__TRY(koc_image_from_bytes(s->ctx, text, koc__str_n(config.ptr, config.len), &img, err));
    KOC__TRY(attach_layers(s, img, err));
    *out = koc__steal(&img);
    return KOC_OK;
}

/* The only entry for an image or index, or NULL. Attestations and artifacts do not count. */
static const koc_descriptor *find_only_entry(const koc_index *idx)
{
    const koc_descriptor *found = NULL;
    for (size_t i = 0; i < koc_index_count(idx); i++) {
        const koc_descriptor *d = koc_index_get(idx, i);
        bool index = koc__mt_is_index(d->media_type);
        if (koc__platform_is_unknown(d->platform) ||
            (!index && !koc__mt_is_manifest(d->media_type))) {
            continue;
        }
        if (found) {
            return NULL;
        }
        found = d;
    }
    return found;
}

static int walk_index(void *self, const koc_descriptor *d, koc__call *call, koc_index **out,
                      koc_error **err)
{
    KOC__AUTO_VAL(koc__document) doc = KOC__DOCUMENT_INIT;
    koc__source_walk *way = self;
    KOC__TRY(koc__source_manifest(way->source, &d->digest, call, &doc, err));
    return koc_index_from_bytes(way->source->ctx, koc__document_text(&doc), out, err);
}

static int walk_image(void *self, const koc_descriptor *d, koc__call *call, koc_image **out,
                      koc_error **err)
{
    KOC__AUTO_VAL(koc__document) doc = KOC__DOCUMENT_INIT;
    koc__source_walk *way = self;
    KOC__TRY(koc__source_manifest(way->source, &d->digest, call, &doc, err));
    return koc__source_image_of(way->source, &doc, call, out, err);
}

koc__walk koc__source_walk_init(koc__source_walk *way, koc__call *call)
{
    return (koc__walk){.self = way, .index = walk_index, .image = walk_image, .call = call};
}

/* The image for want, at any depth. */
static int find_platform(koc_source *s, const koc_index *top, const koc_platform *want,
                         koc__call *call, koc_image **out, koc_error **err)
{
    koc__source_walk way = {s};
    KOC__AUTO_VAL(koc__walk) walk = koc__source_walk_init(&way, call);
    KOC__TRY(koc__walk_first(&walk, top, want, out, err));
    if (*out) {
        return KOC_OK;
    }
    KOC__AUTO_STR text = koc__platform_str(want);
    return koc__error(err, KOC_EPLATFORM, "%s has no %s (it has %s)", s->what,
                      text ? text : "such platform", koc__walk_others(&walk));
}

/* want NULL: the only image of an index, else linux/amd64. */
int koc__source_image(koc_source *s, const koc_platform *want, koc__call *call, koc_image **out,
                      koc_error **err)
{
    KOC__AUTO_VAL(koc__document) below = KOC__DOCUMENT_INIT;
    const koc__document *now = &s->top;
    koc_platform usual = KOC_PLATFORM_INIT;
    usual.os = "linux";
    usual.arch = "amd64";
    for (int depth = 0; koc__mt_is_index(now->media_type.ptr); depth++) {
        KOC__AUTO(koc_index) idx = NULL;
        KOC__AUTO_VAL(koc__document) next = KOC__DOCUMENT_INIT;
        KOC__TRY(koc_index_from_bytes(s->ctx, koc__document_text(now), &idx, err));
        const koc_descriptor *d = want || depth == ALONE_MAX ? NULL : find_only_entry(idx);
        if (!d) {
            return find_platform(s, idx, want ? want : &usual, call, out, err);
        }
        KOC__TRY(koc__source_manifest(s, &d->digest, call, &next, err));
        const koc__document old = below;
        below = next;
        next = old;
        now = &below;
    }
    int rc = koc__source_image_of(s, now, call, out, err);
    return koc__error_prefix(err, rc, "cannot read %s", s->what);
}

int koc_source_get_image(koc_source *s, const koc_platform *want, const koc_op *op, koc_image **out,
                         koc_error **err)
{
    if (!s || !out) {
        return koc__misuse(err, "koc_source_get_image: s or out is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, s->ctx, op, err));
    return koc__source_image(s, want, &call, out, err);
}

int koc_source_get_image_by(koc_source *s, const koc_digest *d, const koc_op *op, koc_image **out,
                            koc_error **err)
{
    if (!s || !d || !out) {
        return koc__misuse(err, "koc_source_get_image_by: s, d or out is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__document) m = KOC__DOCUMENT_INIT;
    KOC__TRY(koc__call_begin(&call, s->ctx, op, err));
    KOC__TRY(koc__source_manifest(s, d, &call, &m, err));
    int rc = koc__source_image_of(s, &m, &call, out, err);
    return koc__error_prefix(err, rc, "cannot read %s", s->what);
}

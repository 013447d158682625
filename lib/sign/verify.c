/* Verifies signatures and statements of images, and what the caller demands of them. */
#include "core/common.h"

#include "sign/sign.h"

#include "core/hash/digests.h"
#include "core/options.h"
#include "core/str.h"
#include "registry/registry.h"

#define BUNDLE_FAMILY "application/vnd.dev.sigstore.bundle"
#define LAYERS_MAX    256 /* of one of cosign's tags; others are ignored */

/* A verified statement, and which of the subjects it is about. */
typedef struct proof {
    koc__statement statement;
    size_t subject;
} proof;

typedef struct verifying {
    koc_ctx *ctx;
    koc_client *client;
    koc_place place;
    koc_source *source;
    koc_verify_options options;
    koc__keys keys;
    koc_signature_fn fn;
    void *payload;
    koc__call *call;
    koc__subjects subjects;
    proof *proofs;
    size_t n_proofs, capacity;
    size_t seen;      /* signatures, also those that count for nothing */
    char reason[512]; /* why the last one counts for nothing */
} verifying;

static void verifying_dispose(verifying *v)
{
    for (size_t i = 0; i < v->n_proofs; i++) {
        koc__statement_dispose(&v->proofs[i].statement);
    }
    koc__free(v->proofs);
    koc__subjects_dispose(&v->subjects);
    koc_source_free(v->source);
}
KOC__DEFINE_AUTO_VAL(verifying, verifying_dispose);

/* --- one signature --- */

/* What was read, to be reported. */
typedef struct reading {
    size_t subject;
    koc_digest at; /* the manifest that has it */
    const char *predicate_type;
    const koc_key *key;
} reading;

/* The bytes are bad, rather than the registry or this machine. */
static bool is_rejection(int rc)
{
    return rc == KOC_EVERIFY || rc == KOC_EFORMAT || rc == KOC_EDIGEST || rc == KOC_ELIMIT ||
           rc == KOC_EUNSUPPORTED || rc == KOC_ENOTFOUND;
}

/* Reports a signature; rc is the result of reading it, why its error. Takes why. Returns KOC_OK if it was only rejected. */
static int report(verifying *v, const reading *r, int rc, koc_error *why, koc_error **err)
{
    const koc__subject *subject = &v->subjects.list[r->subject];
    koc_signature sig = KOC_SIGNATURE_INIT;
    if (rc != KOC_OK && !is_rejection(rc)) {
        return koc__error_move(err, &why);
    }
    v->seen++;
    sig.state = rc == KOC_OK ? KOC_SIGNATURE_VALID : KOC_SIGNATURE_REJECTED;
    sig.subject = &subject->descriptor->digest;
    sig.platform = subject->platform;
    sig.digest = &r->at;
    sig.predicate_type = r->predicate_type;
    sig.key = r->key ? koc_key_hint(r->key) : NULL;
    sig.reason = rc == KOC_OK ? NULL : koc_error_message(why);
    if (sig.reason) {
        snprintf(v->reason, sizeof(v->reason), "%s", sig.reason);
    }
    int ended = v->fn ? v->fn(&sig, v->payload) : 0;
    koc_error_free(why);
    return ended ? koc__error(err, KOC_EUSER, "the callback ended the call") : KOC_OK;
}

/* Takes the statement. */
static int keep_proof(verifying *v, size_t subject, koc__statement *s, koc_error **err)
{
    void *list = v->proofs;
    if (!koc__grow(&list, &v->capacity, v->n_proofs + 1, sizeof(*v->proofs))) {
        return koc__oom(err);
    }
    v->proofs = list;
    v->proofs[v->n_proofs++] = (proof){*s, subject};
    s->doc = NULL;
    return KOC_OK;
}

/* Verifies a bundle or envelope and reports it. */
static int read_envelope(verifying *v, reading *r, koc_str text, bool bare, koc_error **err)
{
    KOC__AUTO_VAL(koc__statement) s = {0};
    koc_error *why = NULL;
    int rc = koc__bundle_read(text, bare, &v->subjects.list[r->subject].descriptor->digest,
                              &v->keys, &s, &why);
    r->predicate_type = s.predicate_type ? s.predicate_type : r->predicate_type;
    r->key = s.key;
    KOC__TRY(report(v, r, rc, why, err));
    return s.doc ? keep_proof(v, r->subject, &s, err) : KOC_OK;
}

static int read_blob(verifying *v, const koc_descriptor *d, koc_buf *out, koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    if (d->size > KOC__ENVELOPE_MAX) {
        return koc__error(err, KOC_ELIMIT, "the signature has more than %d bytes",
                          KOC__ENVELOPE_MAX);
    }
    KOC__TRY(koc_source_get_blob(v->source, d, &blob, err));
    return koc_blob_read_all(blob, KOC__ENVELOPE_MAX, &v->call->user, out, err);
}

/* --- bundles among the referrers --- */

static bool is_bundle(const char *type)
{
    return type && koc__str_starts(koc__str(type), BUNDLE_FAMILY);
}

/* The only layer of a referrer, whose subject must be the one it is listed for. *out NULL: it is not a bundle. */
static int find_bundle(koc_str manifest, const koc_digest *subject, koc_descriptor **out,
                       koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    koc_digest named;
    KOC__TRY(koc__json_parse(manifest, KOC__MANIFEST_MAX, "referrer", &doc, err));
    const koc__jnode *root = koc__json_root(doc), *layers = koc__json_get(root, "layers");
    const koc__jnode *layer = koc__json_child(layers);
    const char *about = koc__json_get_str(koc__json_get(root, "subject"), "digest");
    if (!is_bundle(koc__json_get_str(root, "artifactType")) &&
        !is_bundle(koc__json_get_str(layer, "mediaType"))) {
        return KOC_OK;
    }
    if (!about || !koc__digest_read(koc__str(about), &named) ||
        !koc_digest_equal(&named, subject)) {
        return koc__error(err, KOC_EVERIFY, "the referrer is about another image");
    }
    if (!koc__json_is(layers, KOC__JSON_ARRAY) || koc__json_count(layers) != 1) {
        return koc__error(err, KOC_EVERIFY, "the referrer does not have exactly one bundle");
    }
    return koc__descriptor_read(layer, "layer of the referrer", out, err);
}

/* The type is not always listed correctly: then the manifest decides. */
static bool may_be_bundle(const koc_descriptor *d)
{
    return !d->artifact_type || is_bundle(d->artifact_type) ||
           koc__streq(d->artifact_type, KOC_MT_OCI_EMPTY) ||
           koc__streq(d->artifact_type, KOC_MT_OCI_CONFIG);
}

static int fetch_bundle(verifying *v, const reading *r, koc_buf *out, bool *is, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) manifest = KOC_BUF_INIT;
    KOC__AUTO(koc_descriptor) layer = NULL;
    *is = true;
    KOC__TRY(koc_source_get_manifest(v->source, &r->at, &v->call->user, &manifest, NULL, err));
    KOC__TRY(find_bundle(koc__str_n(manifest.ptr, manifest.len),
                         &v->subjects.list[r->subject].descriptor->digest, &layer, err));
    *is = layer != NULL;
    return layer ? read_blob(v, layer, out, err) : KOC_OK;
}

static int read_referrer(verifying *v, size_t subject, const koc_descriptor *d, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    reading r = {subject, d->digest,
                 koc__descriptor_annotation(d, "dev.sigstore.bundle.predicateType"), NULL};
    koc_error *why = NULL;
    bool is = false;
    int rc = fetch_bundle(v, &r, &text, &is, &why);
    if (rc != KOC_OK) {
        return report(v, &r, rc, why, err);
    }
    return is ? read_envelope(v, &r, koc__str_n(text.ptr, text.len), false, err) : KOC_OK;
}

/* --- cosign's tags --- */

/* A valid signature of the older kind counts as a statement of KOC_PREDICATE_SIGNATURE. */
static int read_simple(verifying *v, reading *r, koc_str payload, const char *signature,
                       koc_error **err)
{
    KOC__AUTO_VAL(koc__statement) s = {0};
    koc_error *why = NULL;
    int rc = koc__simple_read(payload, signature, &v->subjects.list[r->subject].descriptor->digest,
                              &v->keys, &r->key, &why);
    r->predicate_type = KOC_PREDICATE_SIGNATURE;
    KOC__TRY(report(v, r, rc, why, err));
    if (rc != KOC_OK) {
        return KOC_OK;
    }
    KOC__TRY(koc__json_new(&s.doc, err));
    s.predicate_type = KOC_PREDICATE_SIGNATURE;
    s.key = r->key;
    return keep_proof(v, r->subject, &s, err);
}

static int read_tag_layer(verifying *v, reading r, const koc_descriptor *layer, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    koc_error *why = NULL;
    bool simple = koc__streq(layer->media_type, KOC__SIMPLE_TYPE);
    if (!simple && !koc__streq(layer->media_type, KOC__ENVELOPE_TYPE)) {
        return KOC_OK;
    }
    r.predicate_type = koc__descriptor_annotation(layer, "predicateType");
    int rc = read_blob(v, layer, &text, &why);
    if (rc != KOC_OK) {
        return report(v, &r, rc, why, err);
    }
    koc_str content = koc__str_n(text.ptr, text.len);
    return simple ? read_simple(v, &r, content,
                                koc__descriptor_annotation(layer, KOC__SIGNATURE_KEY), err)
                  : read_envelope(v, &r, content, true, err);
}

static int read_tag_layers(verifying *v, const reading *r, koc_str manifest, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    koc_error *why = NULL;
    int rc = koc__json_parse(manifest, KOC__MANIFEST_MAX, "list of signatures", &doc, &why);
    if (rc != KOC_OK) {
        return report(v, r, rc, why, err);
    }
    const koc__jnode *n = koc__json_child(koc__json_get(koc__json_root(doc), "layers"));
    for (size_t i = 0; n && i < LAYERS_MAX; i++, n = koc__json_next(n)) {
        KOC__AUTO(koc_descriptor) layer = NULL;
        rc = koc__descriptor_read(n, "layer", &layer, &why);
        KOC__TRY(rc == KOC_OK ? read_tag_layer(v, *r, layer, err) : report(v, r, rc, why, err));
    }
    return KOC_OK;
}

static int read_tag(verifying *v, size_t subject, const char *suffix, koc_error **err)
{
    KOC__AUTO(koc_reference) tag = NULL;
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    reading r = {.subject = subject};
    koc_error *why = NULL;
    KOC__TRY(koc__subject_reference(
        v->place.reference, &v->subjects.list[subject].descriptor->digest, suffix, &tag, err));
    int rc = koc__client_get_manifest(v->client, tag, v->call, &bytes, NULL, &r.at, &why);
    if (rc == KOC_ENOTFOUND) {
        koc_error_free(why);
        return KOC_OK;
    }
    return rc == KOC_OK ? read_tag_layers(v, &r, koc__str_n(bytes.ptr, bytes.len), err)
                        : report(v, &r, rc, why, err);
}

/* --- judging --- */

/* Reads all signatures of a subject. */
static int gather(verifying *v, size_t subject, koc_error **err)
{
    KOC__AUTO(koc_index) list = NULL;
    KOC__TRY(koc_source_list_referrers(v->source, &v->subjects.list[subject].descriptor->digest,
                                       NULL, &v->call->user, &list, err));
    for (size_t i = 0; i < koc_index_count(list); i++) {
        const koc_descriptor *d = koc_index_get(list, i);
        KOC__TRY(may_be_bundle(d) ? read_referrer(v, subject, d, err) : KOC_OK);
    }
    if (v->place.kind == KOC_PLACE_REGISTRY) {
        KOC__TRY(read_tag(v, subject, ".sig", err));
        KOC__TRY(read_tag(v, subject, ".att", err));
    }
    return KOC_OK;
}

static int unsigned_error(const verifying *v, koc_error **err)
{
    if (v->seen == 0) {
        return koc__error(err, KOC_EVERIFY, "there is no signature");
    }
    return v->reason[0]
               ? koc__error(err, KOC_EVERIFY, "there is no signature that counts: %s", v->reason)
               : koc__error(err, KOC_EVERIFY,
                            "there is no signature of the image, only statements about it");
}

static int check_signed(const verifying *v, size_t subject, koc_error **err)
{
    bool any = v->options.flags & KOC_VERIFY_ANY_ATTESTATION;
    for (size_t i = 0; i < v->n_proofs; i++) {
        const proof *p = &v->proofs[i];
        if (p->subject == subject &&
            (any || koc__streq(p->statement.predicate_type, KOC_PREDICATE_SIGNATURE))) {
            return KOC_OK;
        }
    }
    return unsigned_error(v, err);
}

/* Whether a statement about this subject, or about the index that names it, is what `required` asks for. */
static bool concerns(const proof *p, size_t subject, const char *required)
{
    return (p->subject == subject || p->subject == 0) &&
           koc__policy_is(required, p->statement.predicate_type);
}

static int check_required(const verifying *v, size_t subject, const char *required, koc_error **err)
{
    for (size_t i = 0; i < v->n_proofs; i++) {
        if (concerns(&v->proofs[i], subject, required)) {
            return KOC_OK;
        }
    }
    return koc__error(err, KOC_EVERIFY, "there is no verified statement of the type %.200s%s%s",
                      required, v->reason[0] ? ": " : "", v->reason);
}

/* One provenance must satisfy everything. */
static int check_provenance(const verifying *v, size_t subject, koc_error **err)
{
    koc_error *why = NULL;
    int rc = check_required(v, subject, "provenance", &why);
    for (size_t i = 0; i < v->n_proofs; i++) {
        if (concerns(&v->proofs[i], subject, "provenance")) {
            rc = koc__policy_provenance(&v->proofs[i].statement, &v->options, &why);
            if (rc == KOC_OK) {
                koc__error_clear(&why);
                return KOC_OK;
            }
        }
    }
    return rc == KOC_OK ? KOC_OK : koc__error_move(err, &why);
}

static int check_base(verifying *v, size_t subject, koc_error **err)
{
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    KOC__TRY(koc_source_get_manifest(v->source, &v->subjects.list[subject].descriptor->digest,
                                     &v->call->user, &bytes, NULL, err));
    return koc__policy_base(koc__str_n(bytes.ptr, bytes.len), v->options.base, err);
}

/* What must hold for each image. */
static int check_image(verifying *v, size_t subject, koc_error **err)
{
    if (v->options.flags & KOC_VERIFY_RECURSIVE) {
        KOC__TRY(check_signed(v, subject, err));
    }
    for (const char *const *r = v->options.require; r && *r; r++) {
        KOC__TRY(check_required(v, subject, *r, err));
    }
    if (koc__policy_needs_provenance(&v->options)) {
        KOC__TRY(check_provenance(v, subject, err));
    }
    return v->options.base ? check_base(v, subject, err) : KOC_OK;
}

static bool needs_images(const koc_verify_options *o)
{
    return (o->flags & KOC_VERIFY_RECURSIVE) || (o->require && *o->require) || o->base ||
           koc__policy_needs_provenance(o);
}

static int verify_images(verifying *v, koc_error **err)
{
    size_t first = v->subjects.list[0].is_index ? 1 : 0;
    for (size_t i = first; i < v->subjects.count; i++) {
        const koc__subject *s = &v->subjects.list[i];
        KOC__TRY(i > 0 ? gather(v, i, err) : KOC_OK);
        int rc = check_image(v, i, err);
        if (rc != KOC_OK) {
            return s->platform ? koc__error_prefix(err, rc, "%s", s->platform) : rc;
        }
    }
    return KOC_OK;
}

static int verify(verifying *v, koc_digest *digest, koc_error **err)
{
    KOC__TRY(koc_source_open(v->ctx, v->client, &v->place, &v->call->user, &v->source, err));
    KOC__TRY(koc__subjects_read(v->source, &v->subjects, err));
    *digest = v->subjects.list[0].descriptor->digest;
    int rc = gather(v, 0, err);
    rc = rc == KOC_OK ? check_signed(v, 0, err) : rc;
    rc = rc == KOC_OK && needs_images(&v->options) ? verify_images(v, err) : rc;
    return koc__error_prefix(err, rc, "cannot verify %s", koc__digest_str(digest).s);
}

static int read_options(verifying *v, const koc_verify_options *o, koc_error **err)
{
    KOC__TRY(koc__options_copy(&v->options, sizeof(v->options), o, "koc_verify_options", err));
    if (v->options.n_keys == 0 || !v->options.keys ||
        (v->options.flags & ~(KOC_VERIFY_ANY_ATTESTATION | KOC_VERIFY_RECURSIVE))) {
        return koc__misuse(err, "koc_verify_options: there is no key, or flags are unknown");
    }
    for (const char *const *r = v->options.require; r && *r; r++) {
        if (!koc__streq(*r, "sbom") && !koc__predicate_uri(*r)) {
            return koc__error_option(err, "require", "\"%.200s\" is neither a URI nor a known word",
                                     *r);
        }
    }
    if (v->options.max_age_s < 0) {
        return koc__error_option(err, "max_age", "%lld is negative",
                                 (long long)v->options.max_age_s);
    }
    v->keys = (koc__keys){v->options.keys, v->options.n_keys};
    return KOC_OK;
}

int koc_verify(koc_ctx *ctx, koc_client *client, const koc_place *p, const koc_verify_options *o,
               koc_signature_fn fn, void *payload, const koc_op *op, koc_digest *digest,
               koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(verifying)
    v = {.ctx = ctx, .client = client, .fn = fn, .payload = payload, .call = &call};
    koc_digest verified = {0};
    if (!ctx || !p || !o) {
        return koc__misuse(err, "koc_verify: ctx, p or o is NULL");
    }
    KOC__TRY(koc__options_copy(&v.place, sizeof(v.place), p, "koc_place", err));
    KOC__TRY(read_options(&v, o, err));
    KOC__TRY(koc__call_begin(&call, ctx, op, err));
    KOC__TRY(verify(&v, &verified, err));
    if (digest) {
        *digest = verified;
    }
    return KOC_OK;
}

/* Signs images, and statements about them. */
#include "core/common.h"

#include "sign/sign.h"

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/options.h"
#include "core/str.h"
#include "core/text.h"
#include "registry/registry.h"
#include "text/json.h"

#define BUNDLE_MAX ((size_t)64 << 20)

typedef struct signing {
    koc_ctx *ctx;
    koc_client *client;
    koc_place place;
    koc_source *source;
    koc_sign_options options;
    const char *predicate_type;
    koc__json *predicate; /* or NULL */
    char *name;           /* of the subject: host and repository; NULL: in a layout */
    koc_signature_fn fn;
    void *payload;
    koc__call *call;
} signing;

static int report(const signing *s, const koc__subject *subject, const koc_digest *at, bool added,
                  koc_error **err)
{
    koc_signature sig = KOC_SIGNATURE_INIT;
    sig.state = added ? KOC_SIGNATURE_ADDED : KOC_SIGNATURE_PRESENT;
    sig.subject = &subject->descriptor->digest;
    sig.platform = subject->platform;
    sig.digest = at;
    sig.predicate_type = s->predicate_type;
    sig.key = koc_key_hint(s->options.key);
    return s->fn && s->fn(&sig, s->payload) != 0
               ? koc__error(err, KOC_EUSER, "the callback ended the call")
               : KOC_OK;
}

/* --- the bundle as a referrer --- */

static int make_artifact(const signing *s, const koc__subject *subject, koc_str bundle,
                         koc_artifact **out, koc_error **err)
{
    const koc_kv annotations[] = {
        {"dev.sigstore.bundle.content", "dsse-envelope"},
        {"dev.sigstore.bundle.predicateType", s->predicate_type},
        {"in-toto.io/predicate-type", s->predicate_type},
    };
    koc_artifact_file file = KOC_ARTIFACT_FILE_INIT;
    koc_artifact_options o = KOC_ARTIFACT_OPTIONS_INIT;
    file.media_type = KOC__BUNDLE_TYPE;
    file.content = bundle;
    o.artifact_type = KOC__BUNDLE_TYPE;
    o.subject = subject->descriptor;
    o.files = &file;
    o.n_files = 1;
    o.annotations = annotations;
    o.n_annotations = KOC__COUNT(annotations);
    return koc_artifact_new(s->ctx, &o, out, err);
}

static int is_attached(const signing *s, const koc__subject *subject, const koc_digest *d,
                       bool *out, koc_error **err)
{
    KOC__AUTO(koc_index) list = NULL;
    KOC__TRY(koc_source_list_referrers(s->source, &subject->descriptor->digest, NULL,
                                       &s->call->user, &list, err));
    *out = false;
    for (size_t i = 0; i < koc_index_count(list); i++) {
        *out = *out || koc_digest_equal(&koc_index_get(list, i)->digest, d);
    }
    return KOC_OK;
}

static int write_artifact(const signing *s, koc_artifact *a, koc_error **err)
{
    koc_place from = KOC_PLACE_INIT, to = KOC_PLACE_INIT;
    koc_copy_pair pair = KOC_COPY_PAIR_INIT;
    KOC__AUTO(koc_reference) plain = NULL;
    KOC__AUTO(koc_reference) by_digest = NULL;
    from.kind = KOC_PLACE_MEMORY;
    from.artifact = a;
    to.kind = s->place.kind;
    to.path = s->place.path;
    if (s->place.reference) {
        KOC__TRY(koc_reference_with_tag(s->place.reference, NULL, &plain, err));
        KOC__TRY(
            koc_reference_with_digest(plain, &koc_artifact_descriptor(a)->digest, &by_digest, err));
        to.reference = by_digest;
    }
    pair.from = &from;
    pair.to = &to;
    return koc_copy(s->ctx, s->client, &pair, 1, NULL, &s->call->user, NULL, err);
}

static int attach_bundle(const signing *s, const koc__subject *subject, koc_str statement,
                         koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) bundle = KOC__DYNBUF_INIT(BUNDLE_MAX);
    koc_artifact *a = NULL;
    bool present = false;
    KOC__TRY(koc__bundle_write(&bundle, s->options.key, statement, false, s->call, err));
    KOC__TRY(make_artifact(s, subject, koc__dynbuf_view(&bundle), &a, err));
    const koc_digest *digest = &koc_artifact_descriptor(a)->digest;
    int rc = is_attached(s, subject, digest, &present, err);
    rc = rc == KOC_OK && !present ? write_artifact(s, a, err) : rc;
    rc = rc == KOC_OK ? report(s, subject, digest, !present, err) : rc;
    koc_artifact_unref(a);
    return rc;
}

/* --- the same under cosign 2's tags --- */

static int append_signature(const signing *s, const koc__subject *subject, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(BUNDLE_MAX);
    KOC__AUTO_VAL(koc__dynbuf) der = KOC__DYNBUF_INIT(2048);
    KOC__AUTO_VAL(koc__dynbuf) signature = KOC__DYNBUF_INIT(4096);
    KOC__AUTO(koc_reference) tag = NULL;
    const koc_digest *d = &subject->descriptor->digest;
    koc_digest at = {0};
    bool added = false;
    KOC__TRY(koc__simple_write(&text, s->name, d, err));
    KOC__TRY(koc__key_sign(s->options.key, koc__dynbuf_view(&text), s->call, &der, err));
    KOC__TRY(koc__base64(&signature, koc__dynbuf_view(&der), false, err));
    KOC__TRY(koc__subject_reference(s->place.reference, d, ".sig", &tag, err));
    koc__tag_layer layer = {KOC__SIMPLE_TYPE, koc__dynbuf_cstr(&signature), NULL,
                            koc__dynbuf_view(&text)};
    KOC__TRY(koc__tag_append(s->client, tag, &layer, s->call, &added, &at, err));
    return report(s, subject, &at, added, err);
}

static int append_statement(const signing *s, const koc__subject *subject, koc_str statement,
                            koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) envelope = KOC__DYNBUF_INIT(BUNDLE_MAX);
    KOC__AUTO(koc_reference) tag = NULL;
    koc_digest at = {0};
    bool added = false;
    KOC__TRY(koc__bundle_write(&envelope, s->options.key, statement, true, s->call, err));
    KOC__TRY(koc__subject_reference(s->place.reference, &subject->descriptor->digest, ".att", &tag,
                                    err));
    koc__tag_layer layer = {KOC__ENVELOPE_TYPE, "", s->predicate_type, koc__dynbuf_view(&envelope)};
    KOC__TRY(koc__tag_append(s->client, tag, &layer, s->call, &added, &at, err));
    return report(s, subject, &at, added, err);
}

/* --- the call --- */

static int sign_subject(const signing *s, const koc__subject *subject, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) statement = KOC__DYNBUF_INIT(BUNDLE_MAX);
    KOC__TRY(koc__statement_write(&statement, s->predicate ? s->name : NULL,
                                  &subject->descriptor->digest, s->predicate_type,
                                  koc__json_root(s->predicate), err));
    int rc = attach_bundle(s, subject, koc__dynbuf_view(&statement), err);
    if (rc == KOC_OK && (s->options.flags & KOC_SIGN_COSIGN2)) {
        rc = s->predicate ? append_statement(s, subject, koc__dynbuf_view(&statement), err)
                          : append_signature(s, subject, err);
    }
    return koc__error_prefix(err, rc, "cannot sign %s",
                             koc__digest_str(&subject->descriptor->digest).s);
}

static int sign_all(signing *s, koc_error **err)
{
    KOC__AUTO_VAL(koc__subjects) subjects = {0};
    KOC__TRY(koc_source_open(s->ctx, s->client, &s->place, &s->call->user, &s->source, err));
    KOC__TRY(koc__subjects_read(s->source, &subjects, err));
    size_t n = s->options.flags & KOC_SIGN_RECURSIVE ? subjects.count : 1;
    /* The images first: who finds the index signed finds all of it signed. */
    for (size_t i = n; i > 0; i--) {
        KOC__TRY(sign_subject(s, &subjects.list[i - 1], err));
    }
    return KOC_OK;
}

static int read_options(signing *s, const koc_sign_options *o, koc_error **err)
{
    KOC__TRY(koc__options_copy(&s->options, sizeof(s->options), o, "koc_sign_options", err));
    if (!s->options.key || (s->options.flags & ~(KOC_SIGN_RECURSIVE | KOC_SIGN_COSIGN2))) {
        return koc__misuse(err, "koc_sign_options: key is NULL, or flags are unknown");
    }
    if (!koc_key_can_sign(s->options.key)) {
        return koc__error(err, KOC_EUNSUPPORTED, "a public key cannot sign");
    }
    s->predicate_type = KOC_PREDICATE_SIGNATURE;
    if (s->options.predicate_type) {
        s->predicate_type = koc__predicate_uri(s->options.predicate_type);
        if (!s->predicate_type) {
            return koc__error_option(err, "predicate_type",
                                     "\"%.200s\" is neither a URI nor a known word",
                                     s->options.predicate_type);
        }
        KOC__TRY(koc__json_parse(s->options.predicate, KOC__ENVELOPE_MAX, "predicate",
                                 &s->predicate, err));
    }
    return KOC_OK;
}

static int read_place(signing *s, const koc_place *p, koc_error **err)
{
    KOC__TRY(koc__options_copy(&s->place, sizeof(s->place), p, "koc_place", err));
    bool registry = s->place.kind == KOC_PLACE_REGISTRY && s->place.reference;
    if (!registry && s->place.kind != KOC_PLACE_LAYOUT) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "only images in a registry or in an OCI layout can be signed");
    }
    if (!registry && (s->options.flags & KOC_SIGN_COSIGN2)) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "cosign's tags can be written to a registry only, not to a layout");
    }
    return registry
               ? koc__formatf(&s->name, err, "%s/%s", koc_reference_registry(s->place.reference),
                              koc_reference_repository(s->place.reference))
               : KOC_OK;
}

int koc_sign(koc_ctx *ctx, koc_client *client, const koc_place *p, const koc_sign_options *o,
             koc_signature_fn fn, void *payload, const koc_op *op, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    signing s = {.ctx = ctx, .client = client, .fn = fn, .payload = payload, .call = &call};
    if (!ctx || !p || !o) {
        return koc__misuse(err, "koc_sign: ctx, p or o is NULL");
    }
    KOC__TRY(koc__call_begin(&call, ctx, op, err));
    int rc = read_options(&s, o, err);
    rc = rc == KOC_OK ? read_place(&s, p, err) : rc;
    rc = rc == KOC_OK ? sign_all(&s, err) : rc;
    koc_source_free(s.source);
    koc__json_free(s.predicate);
    koc__free(s.name);
    return rc;
}

/* In-toto statements in DSSE envelopes in sigstore bundles: written and verified. */
#include "core/common.h"

#include "sign/sign.h"

#include "core/hash/digests.h"
#include "core/str.h"
#include "core/text.h"

#define STATEMENT_V1 "https://in-toto.io/Statement/v1"
#define STATEMENT_V0 "https://in-toto.io/Statement/v0.1"
#define TEXT_MAX     ((size_t)64 << 20) /* of what is written */

const char *koc__predicate_uri(const char *type)
{
    static const char *const words[][2] = {
        {"provenance", "https://slsa.dev/provenance/v1"},
        {"slsaprovenance", "https://slsa.dev/provenance/v0.2"},
        {"slsaprovenance02", "https://slsa.dev/provenance/v0.2"},
        {"slsaprovenance1", "https://slsa.dev/provenance/v1"},
        {"spdx", "https://spdx.dev/Document"},
        {"spdxjson", "https://spdx.dev/Document"},
        {"cyclonedx", "https://cyclonedx.org/bom"},
        {"openvex", "https://openvex.dev/ns"},
        {"vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"},
        {"link", "https://in-toto.io/Link/v1"},
        {"custom", "https://cosign.sigstore.dev/attestation/v1"},
    };
    for (size_t i = 0; i < KOC__COUNT(words); i++) {
        if (koc__streq(type, words[i][0])) {
            return words[i][1];
        }
    }
    return type && strchr(type, ':') ? type : NULL;
}

/* --- writing --- */

int koc__statement_write(koc__dynbuf *out, const char *name, const koc_digest *subject,
                         const char *predicate_type, const koc__jnode *predicate, koc_error **err)
{
    koc__jw w;
    koc__jw_begin(&w, out, 0, 0);
    koc__jw_object(&w);
    koc__jw_kv(&w, "_type", STATEMENT_V1);
    koc__jw_key(&w, "subject");
    koc__jw_array(&w);
    koc__jw_object(&w);
    koc__jw_kv(&w, "name", name);
    koc__jw_key(&w, "digest");
    koc__jw_object(&w);
    koc__jw_kv(&w, subject->algorithm == KOC_DIGEST_SHA512 ? "sha512" : "sha256",
               koc__digest_hex(subject).s);
    koc__jw_object_end(&w);
    koc__jw_object_end(&w);
    koc__jw_array_end(&w);
    koc__jw_kv(&w, "predicateType", predicate_type);
    koc__jw_key(&w, "predicate");
    if (predicate) {
        koc__jw_node(&w, predicate);
    } else {
        koc__jw_object(&w);
        koc__jw_object_end(&w);
    }
    koc__jw_object_end(&w);
    return koc__jw_end(&w, err);
}

int koc__dsse_encode(koc__dynbuf *out, const char *type, koc_str payload, koc_error **err)
{
    KOC__TRY(koc__dynbuf_printf(out, err, "DSSEv1 %zu %s %zu ", strlen(type), type, payload.len));
    return koc__dynbuf_put(out, payload, err);
}

static void write_envelope(koc__jw *w, const char *payload, const char *signature)
{
    koc__jw_object(w);
    koc__jw_kv(w, "payload", payload);
    koc__jw_kv(w, "payloadType", KOC__STATEMENT_TYPE);
    koc__jw_key(w, "signatures");
    koc__jw_array(w);
    koc__jw_object(w);
    koc__jw_kv(w, "sig", signature);
    koc__jw_object_end(w);
    koc__jw_array_end(w);
    koc__jw_object_end(w);
}

static void write_bundle(koc__jw *w, const koc_key *key, const char *payload, const char *signature)
{
    koc__jw_object(w);
    koc__jw_kv(w, "mediaType", KOC__BUNDLE_TYPE);
    koc__jw_key(w, "verificationMaterial");
    koc__jw_object(w);
    koc__jw_key(w, "publicKey");
    koc__jw_object(w);
    koc__jw_kv(w, "hint", koc_key_hint(key));
    koc__jw_object_end(w);
    koc__jw_object_end(w);
    koc__jw_key(w, "dsseEnvelope");
    write_envelope(w, payload, signature);
    koc__jw_object_end(w);
}

int koc__bundle_write(koc__dynbuf *out, const koc_key *key, koc_str statement, bool bare,
                      koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) encoded = KOC__DYNBUF_INIT(TEXT_MAX);
    KOC__AUTO_VAL(koc__dynbuf) der = KOC__DYNBUF_INIT(2048);
    KOC__AUTO_VAL(koc__dynbuf) payload = KOC__DYNBUF_INIT(TEXT_MAX);
    KOC__AUTO_VAL(koc__dynbuf) signature = KOC__DYNBUF_INIT(4096);
    koc__jw w;
    KOC__TRY(koc__dsse_encode(&encoded, KOC__STATEMENT_TYPE, statement, err));
    KOC__TRY(koc__key_sign(key, koc__dynbuf_view(&encoded), call, &der, err));
    KOC__TRY(koc__base64(&payload, statement, false, err));
    KOC__TRY(koc__base64(&signature, koc__dynbuf_view(&der), false, err));
    koc__jw_begin(&w, out, 0, 0);
    if (bare) {
        write_envelope(&w, koc__dynbuf_cstr(&payload), koc__dynbuf_cstr(&signature));
    } else {
        write_bundle(&w, key, koc__dynbuf_cstr(&payload), koc__dynbuf_cstr(&signature));
    }
    return koc__jw_end(&w, err);
}

/* --- reading --- */

void koc__statement_dispose(koc__statement *s)
{
    koc__json_free(s->doc);
    s->doc = NULL;
}

int koc__keys_find(const koc__keys *keys, koc_str message, koc_str signature, const koc_key **out,
                   koc_error **err)
{
    *out = NULL;
    for (size_t i = 0; i < keys->count; i++) {
        bool valid = false;
        KOC__TRY(koc__key_check(keys->list[i], message, signature, &valid, err));
        if (valid) {
            *out = keys->list[i];
            return KOC_OK;
        }
    }
    return KOC_OK;
}

static int rejected(koc_error **err, const char *why)
{
    return koc__error(err, KOC_EVERIFY, "%s", why);
}

/* Whether the bundle is of a version that koc knows, and was made with a key. */
static int check_bundle(const koc__jnode *root, koc_error **err)
{
    static const char *const types[] = {
        KOC__BUNDLE_TYPE,
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
    };
    const koc__jnode *material = koc__json_get(root, "verificationMaterial");
    const char *type = koc__json_get_str(root, "mediaType");
    bool known = false;
    for (size_t i = 0; i < KOC__COUNT(types); i++) {
        known = known || koc__streq(type, types[i]);
    }
    if (!known) {
        return koc__error(err, KOC_EVERIFY, "the bundle has the unknown type \"%.100s\"",
                          type ? type : "");
    }
    if (koc__json_get(material, "certificate") || koc__json_get(material, "x509CertificateChain")) {
        return rejected(err, "it is a keyless signature, made with a certificate: koc verifies "
                             "signatures of keys only");
    }
    return koc__json_is(koc__json_get(material, "publicKey"), KOC__JSON_OBJECT)
               ? KOC_OK
               : rejected(err, "the bundle does not say that a key made it");
}

/* The only signature of an envelope. */
static const char *only_signature(const koc__jnode *envelope)
{
    const koc__jnode *list = koc__json_get(envelope, "signatures"), *one = koc__json_child(list);
    const char *keyid = koc__json_get_str(one, "keyid");
    if (!koc__json_is(list, KOC__JSON_ARRAY) || koc__json_count(list) != 1 || (keyid && *keyid)) {
        return NULL;
    }
    return koc__json_get_str(one, "sig");
}

/* Replaces the content of payload by that of the envelope, whose signature holds. */
static int open_envelope(const koc__jnode *envelope, const koc__keys *keys, koc__dynbuf *payload,
                         const koc_key **key, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) encoded = KOC__DYNBUF_INIT(TEXT_MAX);
    KOC__AUTO_VAL(koc__dynbuf) signature = KOC__DYNBUF_INIT(4096);
    const char *text = koc__json_get_str(envelope, "payload");
    const char *type = koc__json_get_str(envelope, "payloadType");
    const char *sig = only_signature(envelope);
    if (!text || !koc__streq(type, KOC__STATEMENT_TYPE)) {
        return rejected(err, "the envelope has no in-toto statement");
    }
    if (!sig) {
        return rejected(err, "the envelope does not have exactly one signature without a key ID");
    }
    if (koc__unbase64(payload, koc__str(text), NULL) != KOC_OK ||
        koc__unbase64(&signature, koc__str(sig), NULL) != KOC_OK) {
        return rejected(err, "the envelope is not valid base64");
    }
    KOC__TRY(koc__dsse_encode(&encoded, type, koc__dynbuf_view(payload), err));
    KOC__TRY(
        koc__keys_find(keys, koc__dynbuf_view(&encoded), koc__dynbuf_view(&signature), key, err));
    return *key ? KOC_OK : rejected(err, "none of the keys made this signature");
}

static bool is_about(const koc__jnode *statement, const koc_digest *subject)
{
    const char *name = subject->algorithm == KOC_DIGEST_SHA512 ? "sha512" : "sha256";
    const koc__jnode *s = koc__json_child(koc__json_get(statement, "subject"));
    for (; s; s = koc__json_next(s)) {
        if (koc__streq(koc__json_get_str(koc__json_get(s, "digest"), name),
                       koc__digest_hex(subject).s)) {
            return true;
        }
    }
    return false;
}

static int read_statement(koc_str payload, const koc_digest *subject, koc__statement *out,
                          koc_error **err)
{
    KOC__TRY(koc__json_parse(payload, KOC__ENVELOPE_MAX, "statement", &out->doc, err));
    const koc__jnode *root = koc__json_root(out->doc);
    const char *type = koc__json_get_str(root, "_type");
    out->predicate_type = koc__json_get_str(root, "predicateType");
    if ((!koc__streq(type, STATEMENT_V1) && !koc__streq(type, STATEMENT_V0)) ||
        !out->predicate_type) {
        return rejected(err, "the payload is not an in-toto statement");
    }
    return is_about(root, subject) ? KOC_OK : rejected(err, "the statement is about another image");
}

int koc__bundle_read(koc_str text, bool bare, const koc_digest *subject, const koc__keys *keys,
                     koc__statement *out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__AUTO_VAL(koc__dynbuf) payload = KOC__DYNBUF_INIT(KOC__ENVELOPE_MAX);
    KOC__AUTO_VAL(koc__statement) s = {0};
    KOC__TRY(koc__json_parse(text, KOC__ENVELOPE_MAX, bare ? "envelope" : "bundle", &doc, err));
    const koc__jnode *envelope = koc__json_root(doc);
    if (!bare) {
        KOC__TRY(check_bundle(envelope, err));
        envelope = koc__json_get(envelope, "dsseEnvelope");
    }
    KOC__TRY(open_envelope(envelope, keys, &payload, &s.key, err));
    KOC__TRY(read_statement(koc__dynbuf_view(&payload), subject, &s, err));
    *out = s;
    s.doc = NULL;
    return KOC_OK;
}

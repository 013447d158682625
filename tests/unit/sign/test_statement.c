/* The bytes of statements, envelopes and bundles, and what is read back from them. */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/str.h"
#include "core/text.h"
#include "sample_keys.h"
#include "sign/sign.h"
#include "test.h"

/* A signature of this image by the key of RFC 6979, made elsewhere; cosign 3 accepts it. */
static const char digest_text[] =
    "sha256:09943671a89acac46f815dda7cc4e4ddeae0b36fca45027201c2300a2e619672";
static const char bundle_text[] =
    "{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"verificationM"
    "aterial\":{\"publicKey\":{\"hint\":\"Wnp4zKSg9CDZvGK7Zpw8J1njn3I9OuENy+DwgVoH7NQ"
    "=\"}},\"dsseEnvelope\":{\"payload\":\"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdG"
    "F0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJkaWdlc3QiOnsic2hhMjU2IjoiMDk5NDM2NzFhODlhY2FjND"
    "ZmODE1ZGRhN2NjNGU0ZGRlYWUwYjM2ZmNhNDUwMjcyMDFjMjMwMGEyZTYxOTY3MiJ9fV0sInByZWRpY2"
    "F0ZVR5cGUiOiJodHRwczovL3NpZ3N0b3JlLmRldi9jb3NpZ24vc2lnbi92MSIsInByZWRpY2F0ZSI6e3"
    "19\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{\"sig\":\""
    "MEMCIA7/atwPZI5GqXcR5UdHr3/WMmLDlnoCeNAmgwaJyutuAh8I75GUCLGuOyWffQfviixrxxDabsR4"
    "3gN+XymLmvzX\"}]}}";
/* The same for a statement about nothing, with what was signed. */
static const char statement_text[] =
    "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\"example."
    "test/hello\",\"digest\":{\"sha256\":\"000000000000000000000000000000000000000000"
    "0000000000000000000000\"}}],\"predicateType\":\"https://slsa.dev/provenance/v1\""
    ",\"predicate\":{}}";
static const char encoded_hex[] =
    "445353457631203238206170706c69636174696f6e2f766e642e696e2d746f746f2b6a736f6e2032"
    "3336207b225f74797065223a2268747470733a2f2f696e2d746f746f2e696f2f53746174656d656e"
    "742f7631222c227375626a656374223a5b7b226e616d65223a226578616d706c652e746573742f68"
    "656c6c6f222c22646967657374223a7b22736861323536223a223030303030303030303030303030"
    "30303030303030303030303030303030303030303030303030303030303030303030303030303030"
    "30303030303030303030227d7d5d2c2270726564696361746554797065223a2268747470733a2f2f"
    "736c73612e6465762f70726f76656e616e63652f7631222c22707265646963617465223a7b7d7d";
static const char signature_text[] =
    "MEUCIQCSvpagb6ozGhalr+CjVRwHvw1rYawVsYqlSZH4A1gPFQIgcpN5vYcXqImlptUXL0a9LAY6NaBn"
    "lYp2CU9x5bFCU60=";

static koc_digest digest(void)
{
    koc_digest d;
    assert_int_equal(koc_digest_parse(digest_text, &d, NULL), KOC_OK);
    return d;
}

static koc_key *key(const char *pem)
{
    koc_key *k = NULL;
    assert_int_equal(koc_key_parse(koc__str(pem), NULL, &k, NULL), KOC_OK);
    return k;
}

KOC_TEST(dsse_encoding_and_signature_are_those_of_the_vector)
{
    KOC__AUTO(koc_key) k = key(rfc_pkcs8);
    KOC__AUTO_VAL(koc__dynbuf) encoded = KOC__DYNBUF_INIT(4096);
    KOC__AUTO_VAL(koc__dynbuf) der = KOC__DYNBUF_INIT(256);
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(256);
    char hex[1024];
    assert_int_equal(
        koc__dsse_encode(&encoded, KOC__STATEMENT_TYPE, koc__str(statement_text), NULL), KOC_OK);
    koc__hex((const uint8_t *)encoded.ptr, encoded.len, hex);
    assert_string_equal(hex, encoded_hex);
    assert_int_equal(koc__key_sign(k, koc__dynbuf_view(&encoded), NULL, &der, NULL), KOC_OK);
    assert_int_equal(koc__base64(&text, koc__dynbuf_view(&der), false, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&text), signature_text);
}

KOC_TEST(bundle_of_a_signature_is_the_sample_byte_for_byte)
{
    KOC__AUTO(koc_key) k = key(rfc_sec1);
    KOC__AUTO_VAL(koc__dynbuf) statement = KOC__DYNBUF_INIT(4096);
    KOC__AUTO_VAL(koc__dynbuf) bundle = KOC__DYNBUF_INIT(4096);
    koc_digest d = digest();
    assert_int_equal(
        koc__statement_write(&statement, NULL, &d, KOC_PREDICATE_SIGNATURE, NULL, NULL), KOC_OK);
    assert_int_equal(koc__bundle_write(&bundle, k, koc__dynbuf_view(&statement), false, NULL, NULL),
                     KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&bundle), bundle_text);
}

/* Cut or changed anywhere, a bundle counts for nothing or says the same as before. */
KOC_TEST(bundle_changed_anywhere_never_says_something_else)
{
    KOC__AUTO(koc_key) k = key(rfc_public);
    koc_key *list[] = {k};
    const koc__keys keys = {list, 1};
    koc_digest d = digest();
    char text[sizeof(bundle_text)];
    memcpy(text, bundle_text, sizeof(text));
    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        KOC__AUTO_VAL(koc__statement) cut = {0};
        KOC__AUTO_VAL(koc__statement) changed = {0};
        assert_int_not_equal(koc__bundle_read(koc__str_n(text, i), false, &d, &keys, &cut, NULL),
                             KOC_OK);
        text[i] ^= 1;
        if (koc__bundle_read(koc__str(text), false, &d, &keys, &changed, NULL) == KOC_OK) {
            assert_string_equal(changed.predicate_type, KOC_PREDICATE_SIGNATURE);
        }
        text[i] ^= 1;
    }
    KOC__AUTO_VAL(koc__statement) whole = {0};
    assert_int_equal(koc__bundle_read(koc__str(text), false, &d, &keys, &whole, NULL), KOC_OK);
    assert_ptr_equal(whole.key, k);
}

KOC_TEST(bundle_without_memory_is_an_error_or_whole)
{
    KOC__AUTO(koc_key) k = key(rfc_public);
    koc_key *list[] = {k};
    const koc__keys keys = {list, 1};
    koc_digest d = digest();
    int rc = KOC_ENOMEM;
    for (uint64_t n = 1; n < 500 && rc != KOC_OK; n++) {
        KOC__AUTO_VAL(koc__statement) s = {0};
        koc__alloc_fail_after(n);
        rc = koc__bundle_read(koc__str(bundle_text), false, &d, &keys, &s, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || !s.doc);
    }
    assert_int_equal(rc, KOC_OK);
}

KOC_TEST(predicate_words_are_those_of_cosign)
{
    assert_string_equal(koc__predicate_uri("spdxjson"), "https://spdx.dev/Document");
    assert_string_equal(koc__predicate_uri("slsaprovenance"), "https://slsa.dev/provenance/v0.2");
    assert_string_equal(koc__predicate_uri("provenance"), "https://slsa.dev/provenance/v1");
    assert_string_equal(koc__predicate_uri("a:b"), "a:b");
    assert_null(koc__predicate_uri("nonsense"));
    assert_null(koc__predicate_uri(NULL));
    assert_true(koc__policy_is("spdx", "https://spdx.dev/Document/v2.3"));
    assert_true(koc__policy_is("sbom", "https://cyclonedx.org/bom/v1.6"));
    assert_false(koc__policy_is("sbom", "https://spdx.dev/Documentation"));
    assert_false(koc__policy_is("cyclonedx", "https://spdx.dev/Document"));
}

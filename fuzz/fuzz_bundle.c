/* Bundles, envelopes and key files: anything may come. What is accepted is a statement about the subject by the key. */
#include "fuzz.h"

#include "core/hash/digests.h"
#include "sign/sign.h"

/* The test key of RFC 6979, A.2.5. */
#define PUBLIC                                                                                     \
    "-----BEGIN PUBLIC KEY-----\n"                                                                 \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"                           \
    "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"                               \
    "-----END PUBLIC KEY-----\n"
#define SUBJECT "sha256:09943671a89acac46f815dda7cc4e4ddeae0b36fca45027201c2300a2e619672"

static void read_bundle(koc_str text, bool bare, koc_key *key, const koc_digest *subject)
{
    koc_key *list[] = {key};
    const koc__keys keys = {list, 1};
    KOC__AUTO_VAL(koc__statement) s = {0};
    koc_error *err = NULL;
    int rc = koc__bundle_read(text, bare, subject, &keys, &s, &err);
    FUZZ_CHECK(rc == KOC_OK ? s.key == key && s.predicate_type != NULL : s.doc == NULL);
    FUZZ_CHECK((rc == KOC_OK) == (err == NULL));
    koc_error_free(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    koc_str text = fuzz_str(data, size);
    KOC__AUTO(koc_key) key = NULL;
    KOC__AUTO(koc_key) other = NULL;
    koc_digest subject;
    koc_error *err = NULL;
    FUZZ_CHECK(koc_key_parse(KOC__STR(PUBLIC), NULL, &key, NULL) == KOC_OK);
    FUZZ_CHECK(koc__digest_read(KOC__STR(SUBJECT), &subject));
    read_bundle(text, false, key, &subject);
    read_bundle(text, true, key, &subject);
    int rc = koc_key_parse(text, NULL, &other, &err);
    FUZZ_CHECK((rc == KOC_OK) == (other != NULL) && (rc == KOC_OK) == (err == NULL));
    koc_error_free(err);
    return 0;
}

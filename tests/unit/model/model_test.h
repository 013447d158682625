/* What the tests of the model share: recorded files and images made of nothing. */
#ifndef KOC_TESTS_MODEL_TEST_H
#define KOC_TESTS_MODEL_TEST_H

#include "core/common.h"

#include "core/hash/digests.h"
#include "core/io/fs.h"
#include "core/str.h"
#include "core/text.h"
#include "model/model.h"
#include "test.h"

/* The content of tests/golden/<name>; the caller disposes of it. */
static inline koc__dynbuf golden(const char *name)
{
    koc__dynbuf b = KOC__DYNBUF_INIT(1 << 20);
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", KOC__TEST_DATA, name);
    koc_error *err = NULL;
    if (koc__fs_read_file(path, &b, &err) != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    return b;
}

/* Fails the test with the error's own words. err is looked at after the call. */
#define must(call, err)                                                                            \
    do {                                                                                           \
        int must_code = (call);                                                                    \
        const koc_error *must_error = (err);                                                       \
        if (must_code != KOC_OK) {                                                                 \
            fail_msg("%s", must_error ? koc_error_message(must_error) : koc_code_name(must_code)); \
        }                                                                                          \
    } while (0)

static inline void assert_text(koc_str actual, koc_str expected)
{
    if (!koc__str_eq(actual, expected)) {
        fail_msg("got  %.*s\nwant %.*s", KOC__FMT(actual), KOC__FMT(expected));
    }
}

/* The call failed with that code and its message holds words. Frees the error. */
static inline void assert_error(int code, koc_error **err, int expected, const char *words)
{
    const char *message = *err ? koc_error_message(*err) : "";
    if (code != expected || !strstr(message, words)) {
        fail_msg("got %d \"%s\", want %d \"%s\"", code, message, expected, words);
    }
    koc_error_free(*err);
    *err = NULL;
}

static inline koc_digest digest_of(koc_str text)
{
    koc_digest d = {0};
    must(koc_digest_of(text, &d, NULL), NULL);
    return d;
}

#define DIFF_A  "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIFF_B  "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LAYER_A "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define LAYER_B "sha256:2222222222222222222222222222222222222222222222222222222222222222"

/* A manifest with this config and, between them, these members. */
static inline char *manifest_text(const char *config_type, koc_str config, const char *members)
{
    koc_digest d = digest_of(config);
    return koc__format("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"%s\",\"size\":%zu,"
                       "\"digest\":\"%s\"}%s%s}",
                       config_type, config.len, koc__digest_str(&d).s, members[0] ? "," : "",
                       members);
}

static inline int image_of(const char *config_type, const char *config, const char *members,
                           koc_image **out, koc_error **err)
{
    KOC__AUTO_STR manifest = manifest_text(config_type, koc__str(config), members);
    return koc_image_from_bytes(NULL, koc__str(manifest), koc__str(config), out, err);
}

#define OCI_LAYER_MEMBER                                                                           \
    "\"layers\":[{\"mediaType\":\"" KOC_MT_OCI_LAYER_GZIP "\",\"size\":7,\"digest\":\"" LAYER_A    \
    "\"}]"

static inline koc_layer *layer_of(const char *media_type, const char *digest, uint64_t size,
                                  const char *diff_id)
{
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_digest diff = {0};
    koc_layer *l = NULL;
    d.media_type = media_type;
    d.size = size;
    assert_true(koc__digest_read(koc__str(digest), &d.digest));
    assert_true(koc__digest_read(koc__str(diff_id), &diff));
    must(koc_layer_from_blob(NULL, &d, &diff, NULL, &l, NULL), NULL);
    return l;
}

#endif

#include "core/common.h"

#include <koc/digest.h>

#include "core/hash/digests.h"
#include "core/str.h"
#include "test.h"

#define HEX32 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEX64                                                                                      \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                             \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

KOC_TEST(digest_reads_and_writes_both_algorithms)
{
    static const char *const texts[] = {"sha256:" HEX32, "sha512:" HEX64};
    for (size_t i = 0; i < KOC__COUNT(texts); i++) {
        char out[KOC_DIGEST_TEXT_MAX];
        koc_digest d;

        assert_int_equal(koc_digest_parse(texts[i], &d, NULL), KOC_OK);
        assert_int_equal(d.algorithm, i == 0 ? KOC_DIGEST_SHA256 : KOC_DIGEST_SHA512);
        assert_int_equal(d.len, i == 0 ? 32 : 64);
        assert_int_equal(koc_digest_format(&d, out, sizeof(out), NULL), KOC_OK);
        assert_string_equal(out, texts[i]);
        assert_string_equal(koc__digest_str(&d).s, texts[i]);
        assert_string_equal(koc__digest_hex(&d).s, texts[i] + 7);
    }
}

KOC_TEST(digest_parse_refuses_all_else)
{
    static const char *const bad[] = {
        "",
        "sha256",
        "sha256:",
        HEX32,
        "sha256:" HEX32 "0",
        "sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha256:" HEX64,
        "sha512:" HEX32,
        "SHA256:" HEX32,
        " sha256:" HEX32,
        "sha256:" HEX32 "\n",
        "sha1:" HEX32,
        "sha384:" HEX32,
        "sha256+b64:" HEX32,
    };
    koc_digest before = {.algorithm = 99};

    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        koc_error *err = NULL;
        koc_digest d = before;

        assert_int_equal(koc_digest_parse(bad[i], &d, &err), KOC_EINVAL);
        assert_int_equal(koc_error_code(err), KOC_EINVAL);
        assert_memory_equal(&d, &before, sizeof(d));
        assert_null(strchr(koc_error_message(err), '\n'));
        koc_error_free(err);
        assert_int_equal(koc_digest_parse(bad[i], &d, NULL), KOC_EINVAL);
    }
    assert_int_equal(koc_digest_parse(NULL, &before, NULL), KOC_EMISUSE);
    assert_int_equal(koc_digest_parse("sha256:" HEX32, NULL, NULL), KOC_EMISUSE);
}

KOC_TEST(digest_read_takes_a_view_with_more_behind_it)
{
    koc_str text = {"sha256:" HEX32 "@rest", 7 + 64};
    koc_digest d;
    assert_true(koc__digest_read(text, &d));
    text.len++;
    assert_false(koc__digest_read(text, &d));
    text.len -= 2;
    assert_false(koc__digest_read(text, &d));
    assert_false(koc__digest_read((koc_str){NULL, 0}, &d));
}

KOC_TEST(digest_format_needs_room_for_the_nul)
{
    char out[7 + 64 + 1];
    koc_digest d;
    assert_int_equal(koc_digest_parse("sha256:" HEX32, &d, NULL), KOC_OK);
    assert_int_equal(koc_digest_format(&d, out, sizeof(out) - 1, NULL), KOC_ELIMIT);
    assert_int_equal(koc_digest_format(&d, out, sizeof(out), NULL), KOC_OK);
    assert_int_equal(koc_digest_format(&d, NULL, sizeof(out), NULL), KOC_EMISUSE);
    assert_int_equal(koc_digest_format(NULL, out, sizeof(out), NULL), KOC_EMISUSE);
}

KOC_TEST(digest_none_is_equal_to_nothing_and_has_no_text)
{
    koc_digest none = {0}, a, forged = {.algorithm = KOC_DIGEST_SHA256, .len = 255};
    char out[KOC_DIGEST_TEXT_MAX];
    assert_int_equal(koc_digest_of(KOC__STR("abc"), &a, NULL), KOC_OK);
    assert_true(koc_digest_equal(&a, &a));
    assert_false(koc_digest_equal(&none, &none));
    assert_false(koc_digest_equal(&a, NULL));
    assert_false(koc_digest_equal(NULL, NULL));
    assert_false(koc_digest_equal(&forged, &forged));
    assert_string_equal(koc__digest_str(&none).s, "");
    assert_string_equal(koc__digest_str(NULL).s, "");
    assert_string_equal(koc__digest_str(&forged).s, "");
    assert_int_equal(koc_digest_format(&none, out, sizeof(out), NULL), KOC_EMISUSE);
}

KOC_TEST(digest_of_refuses_a_null_view_with_a_length)
{
    koc_digest d;
    assert_int_equal(koc_digest_of((koc_str){NULL, 3}, &d, NULL), KOC_EMISUSE);
    assert_int_equal(koc_digest_of((koc_str){NULL, 0}, &d, NULL), KOC_OK);
    assert_string_equal(koc__digest_hex(&d).s,
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void check_hasher(int32_t algorithm, const char *expected)
{
    koc_hasher *h = NULL;
    koc_digest d, before = {0};
    assert_int_equal(koc_hasher_new(algorithm, &h, NULL), KOC_OK);
    koc_hasher_update(h, KOC__STR("a"));
    koc_hasher_update(h, (koc_str){NULL, 0});
    koc_hasher_update(h, KOC__STR("bc"));
    assert_int_equal(koc_hasher_finish(h, &d, NULL), KOC_OK);
    assert_string_equal(koc__digest_str(&d).s, expected);
    koc_hasher_update(h, KOC__STR("more"));
    assert_int_equal(koc_hasher_finish(h, &before, NULL), KOC_EMISUSE);
    assert_int_equal(before.algorithm, KOC_DIGEST_NONE);
    koc_hasher_free(h);
}

KOC_TEST(hasher_makes_both_algorithms)
{
    koc_hasher *h = NULL;
    check_hasher(KOC_DIGEST_SHA256, "sha256:" HEX32);
    check_hasher(KOC_DIGEST_SHA512, "sha512:" HEX64);
    assert_int_equal(koc_hasher_new(KOC_DIGEST_NONE, &h, NULL), KOC_EMISUSE);
    assert_int_equal(koc_hasher_new(3, &h, NULL), KOC_EMISUSE);
    assert_int_equal(koc_hasher_new(KOC_DIGEST_SHA256, NULL, NULL), KOC_EMISUSE);
    assert_null(h);
    koc_hasher_update(NULL, KOC__STR("x"));
    koc_hasher_free(NULL);
}

KOC_TEST(hasher_survives_running_out_of_memory)
{
    for (uint64_t n = 1; n < 10; n++) {
        koc_hasher *h = NULL;

        koc__alloc_fail_after(n);
        int rc = koc_hasher_new(KOC_DIGEST_SHA512, &h, NULL);

        koc__alloc_fail_after(0);
        if (rc == KOC_OK) {
            koc_hasher_free(h);
            assert_true(n > 2);
            return;
        }
        assert_int_equal(rc, KOC_ENOMEM);
        assert_null(h);
    }
    fail_msg("never succeeded");
}

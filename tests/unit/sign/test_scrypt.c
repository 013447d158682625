/* The vectors of RFC 7914, 12. */
#include "core/common.h"

#include "core/str.h"
#include "core/text.h"
#include "sign/scrypt.h"
#include "test.h"

static void check(const char *password, const char *salt, koc__scrypt_cost cost, const char *want)
{
    uint8_t out[64];
    char hex[129];
    assert_int_equal(koc__scrypt(koc__str(password), koc__str(salt), &cost, out, sizeof(out), NULL),
                     KOC_OK);
    koc__hex(out, sizeof(out), hex);
    assert_string_equal(hex, want);
}

KOC_TEST(scrypt_gives_the_vectors_of_the_rfc)
{
    check("", "", (koc__scrypt_cost){16, 1, 1},
          "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
          "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
    check("password", "NaCl", (koc__scrypt_cost){1024, 8, 16},
          "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
          "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
    check("pleaseletmein", "SodiumChloride", (koc__scrypt_cost){16384, 8, 1},
          "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
          "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
}

KOC_TEST(scrypt_refuses_costs_that_are_none_or_too_high)
{
    static const koc__scrypt_cost wrong[] = {{0, 8, 1},        {1, 8, 1},       {3, 8, 1},
                                             {16, 0, 1},       {16, 8, 0},      {16, 65, 1},
                                             {1u << 31, 8, 1}, {1u << 20, 8, 1}};
    uint8_t out[32];
    for (size_t i = 0; i < KOC__COUNT(wrong); i++) {
        assert_int_equal(
            koc__scrypt(KOC__STR("p"), KOC__STR("s"), &wrong[i], out, sizeof(out), NULL),
            KOC_ELIMIT);
    }
}

KOC_TEST(scrypt_without_memory_says_so)
{
    koc__scrypt_cost cost = {16, 1, 1};
    uint8_t out[32];
    int rc = KOC_ENOMEM;
    for (uint64_t n = 1; n < 50 && rc != KOC_OK; n++) {
        koc__alloc_fail_after(n);
        rc = koc__scrypt(KOC__STR("p"), KOC__STR("s"), &cost, out, sizeof(out), NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM);
    }
    assert_int_equal(rc, KOC_OK);
}

/* The vectors of RFC 8439 (Poly1305) and of NaCl (crypto_secretbox). */
#include "core/common.h"

#include "core/str.h"
#include "core/text.h"
#include "sign/secretbox.h"
#include "test.h"

static size_t unhex(const char *hex, uint8_t *out)
{
    assert_true(koc__unhex(koc__str(hex), out));
    return strlen(hex) / 2;
}

static void check_tag(const char *key_hex, const char *data_hex, const char *want)
{
    uint8_t key[32], data[128], tag[16];
    char hex[33];
    unhex(key_hex, key);
    koc__poly1305(key, data, unhex(data_hex, data), tag);
    koc__hex(tag, sizeof(tag), hex);
    assert_string_equal(hex, want);
}

KOC_TEST(poly1305_gives_the_vectors_of_the_rfc)
{
    check_tag("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b",
              "43727970746f6772617068696320466f72756d2052657365617263682047726f7570",
              "a8061dc1305136c6c22b8baf0c0127a9");
    /* A.3, 7 to 11: carries and the reduction modulo 2^130 - 5. */
    check_tag("0200000000000000000000000000000000000000000000000000000000000000",
              "ffffffffffffffffffffffffffffffff", "03000000000000000000000000000000");
    check_tag("02000000000000000000000000000000ffffffffffffffffffffffffffffffff",
              "02000000000000000000000000000000", "03000000000000000000000000000000");
    check_tag("0100000000000000000000000000000000000000000000000000000000000000",
              "fffffffffffffffffffffffffffffffff0ffffffffffffffffffffffffffffff"
              "11000000000000000000000000000000",
              "05000000000000000000000000000000");
    check_tag("0100000000000000000000000000000000000000000000000000000000000000",
              "fffffffffffffffffffffffffffffffffbfefefefefefefefefefefefefefefe"
              "01010101010101010101010101010101",
              "00000000000000000000000000000000");
    check_tag("0200000000000000000000000000000000000000000000000000000000000000",
              "fdffffffffffffffffffffffffffffff", "faffffffffffffffffffffffffffffff");
}

static const char key_hex[] = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389";
static const char nonce_hex[] = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37";
static const char message_hex[] =
    "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c6129"
    "6cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde"
    "048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705";
static const char box_hex[] =
    "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a"
    "c0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae"
    "90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74"
    "e355a5";

KOC_TEST(secretbox_seals_and_opens_nacl_s_vector)
{
    uint8_t key[32], nonce[24], message[256], box[256], back[256];
    char hex[512];
    unhex(key_hex, key);
    unhex(nonce_hex, nonce);
    size_t len = unhex(message_hex, message);
    koc__secretbox_seal(key, nonce, koc__str_n((char *)message, len), box);
    koc__hex(box, len + 16, hex);
    assert_string_equal(hex, box_hex);
    assert_true(koc__secretbox_open(key, nonce, koc__str_n((char *)box, len + 16), back));
    assert_memory_equal(back, message, len);
}

KOC_TEST(secretbox_does_not_open_what_was_changed_anywhere)
{
    uint8_t key[32], nonce[24], box[256], back[256] = {0}, none[256] = {0};
    unhex(key_hex, key);
    unhex(nonce_hex, nonce);
    size_t len = unhex(box_hex, box);
    for (size_t i = 0; i < len; i++) {
        box[i] ^= 0x40;
        assert_false(koc__secretbox_open(key, nonce, koc__str_n((char *)box, len), back));
        box[i] ^= 0x40;
    }
    for (size_t n = 0; n < len; n++) {
        assert_false(koc__secretbox_open(key, nonce, koc__str_n((char *)box, n), back));
    }
    assert_memory_equal(back, none, sizeof(none));
}

#include "core/common.h"

#include "core/hash/crypto.h"
#include "core/str.h"
#include "core/text.h"
#include "test.h"
#include "text/pem.h"

/* One key of openssl's in both forms, and what openssl signs with it. */
static const char pkcs8[] = "-----BEGIN PRIVATE KEY-----\n"
                            "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAOb5z5N8tEfWVJwU\n"
                            "F547tlf9bwPJP/y5irY83YGg6qaWVHaXTbTZoeD3ZJCg+yddajWgPEjwCBAnBAe3\n"
                            "++wuLu1gQBivyHTDnKQpa0TFAe/Dee/wURv0nFir3kcpvjdVIxViEDQ7XQjb8huH\n"
                            "iTe0kc5bE9NzexY3eeq3CYtiZ0adAgMBAAECgYA/tM9IArFGzxrvIauR/S5B/qjM\n"
                            "BoobjqFvukHuKxANepE5VGoeY5h+kD2wlnYvWVieCeAWzf2rVteJuXlGn0ZZtHrB\n"
                            "qLafKWgev/iqR4YqajcVp9U55Cwvmc8xjVurLVloVg3rnvc+X5yiOzgq3a1ZQ57d\n"
                            "yz5F/1kcTfoNmz4ggQJBAPO3cBlxn6x2G0uDBB7fsSezoKeX2Jafm7AJwQUxKlkD\n"
                            "5Dm7iogoExHsXUcq9CK+Ize4fUOMt6twgT8p8I/SzwUCQQDynfw1sNm8POi3gcxJ\n"
                            "rNbDooJIvVFIfNOPBe571LR7zU8wg1GKYOa8jcomY4C5pgYakwDXyIJ/Ih29k2q1\n"
                            "aLy5AkEAvVNwKuPglZn+ZC+4IL/HID9jey3znDcLO7qoDn9+FT53qf2thU4UWmUS\n"
                            "pTmSA/dO5ndUIAiNmgnA7a+H6EJsfQJAQTIZEyh56i6H7sAPcIDkmV+zGO7ex9bb\n"
                            "VuSmKFqJQXdzXzr6j2/osSR8/QHiFoE5xKxaHqJABv/Y9BeIJkWF6QJAXBCVOpGG\n"
                            "bjL7m3cusCfR6nWXJZInDGTFg4vIaSRZoI3Ss7gSF/hu0rWSlsdpxMEwpLyVR49b\n"
                            "7+wqhESmyNTzVA==\n"
                            "-----END PRIVATE KEY-----\n";
static const char pkcs1[] = "-----BEGIN RSA PRIVATE KEY-----\n"
                            "MIICXAIBAAKBgQDm+c+TfLRH1lScFBeeO7ZX/W8DyT/8uYq2PN2BoOqmllR2l020\n"
                            "2aHg92SQoPsnXWo1oDxI8AgQJwQHt/vsLi7tYEAYr8h0w5ykKWtExQHvw3nv8FEb\n"
                            "9JxYq95HKb43VSMVYhA0O10I2/Ibh4k3tJHOWxPTc3sWN3nqtwmLYmdGnQIDAQAB\n"
                            "AoGAP7TPSAKxRs8a7yGrkf0uQf6ozAaKG46hb7pB7isQDXqROVRqHmOYfpA9sJZ2\n"
                            "L1lYngngFs39q1bXibl5Rp9GWbR6wai2nyloHr/4qkeGKmo3FafVOeQsL5nPMY1b\n"
                            "qy1ZaFYN6573Pl+cojs4Kt2tWUOe3cs+Rf9ZHE36DZs+IIECQQDzt3AZcZ+sdhtL\n"
                            "gwQe37Ens6Cnl9iWn5uwCcEFMSpZA+Q5u4qIKBMR7F1HKvQiviM3uH1DjLercIE/\n"
                            "KfCP0s8FAkEA8p38NbDZvDzot4HMSazWw6KCSL1RSHzTjwXue9S0e81PMINRimDm\n"
                            "vI3KJmOAuaYGGpMA18iCfyIdvZNqtWi8uQJBAL1TcCrj4JWZ/mQvuCC/xyA/Y3st\n"
                            "85w3Czu6qA5/fhU+d6n9rYVOFFplEqU5kgP3TuZ3VCAIjZoJwO2vh+hCbH0CQEEy\n"
                            "GRMoeeouh+7AD3CA5Jlfsxju3sfW21bkpihaiUF3c186+o9v6LEkfP0B4haBOcSs\n"
                            "Wh6iQAb/2PQXiCZFhekCQFwQlTqRhm4y+5t3LrAn0ep1lyWSJwxkxYOLyGkkWaCN\n"
                            "0rO4Ehf4btK1kpbHacTBMKS8lUePW+/sKoREpsjU81Q=\n"
                            "-----END RSA PRIVATE KEY-----\n";
static const char signature[] = "1141e898c41eae670fbcecab131d963e4456267604af48b94771bd51e52e0c42"
                                "8488302dd89f8e2e1574d8ffc2f2a501e296af600714f52a5c98e107b642eb01"
                                "ea6e35931086a9cd1dfa088a2c2f8b011738bf76e8cc46a64f593a4e688c4c1d"
                                "93af20349d19b539846cfe37c34ae1f39c0181b5211485d5e3577001e96868f6";

static void check_key(const char *pem)
{
    KOC__AUTO_VAL(koc__dynbuf) key = KOC__DYNBUF_INIT(4096);
    KOC__AUTO_VAL(koc__dynbuf) signed_by = KOC__DYNBUF_INIT(4096);
    char hex[257];
    assert_int_equal(koc__pem_rsa_key(koc__str(pem), &key, NULL), KOC_OK);
    assert_int_equal(
        koc__rsa_sha256_sign(koc__dynbuf_view(&key), KOC__STR("koc"), &signed_by, NULL), KOC_OK);
    assert_int_equal(signed_by.len, 128);
    koc__hex((const uint8_t *)signed_by.ptr, signed_by.len, hex);
    assert_string_equal(hex, signature);
}

KOC_TEST(pem_both_forms_sign_as_openssl_does)
{
    check_key(pkcs8);
    check_key(pkcs1);
}

KOC_TEST(pem_with_windows_line_ends_and_text_around)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(8192);
    assert_int_equal(koc__dynbuf_puts(&text, "Bag Attributes\r\n", NULL), KOC_OK);
    for (const char *p = pkcs8; *p; p++) {
        assert_int_equal(koc__dynbuf_puts(&text, *p == '\n' ? "\r\n" : (char[2]){*p, 0}, NULL),
                         KOC_OK);
    }
    check_key(koc__dynbuf_cstr(&text));
}

KOC_TEST(pem_refuses_the_rest_and_quotes_nothing)
{
    static const char *const bad[] = {
        "",
        "planted",
        "-----BEGIN PRIVATE KEY-----\nplanted\n",
        "-----BEGIN PRIVATE KEY-----\nplanted!\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMIT/////\n-----END PRIVATE KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nplanted\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nplanted\n-----END EC PRIVATE KEY-----\n",
    };

    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        KOC__AUTO_VAL(koc__dynbuf) key = KOC__DYNBUF_INIT(4096);
        koc_error *err = NULL;
        assert_int_equal(koc__pem_rsa_key(koc__str(bad[i]), &key, &err), KOC_EFORMAT);
        assert_null(strstr(koc_error_message(err), "planted"));
        koc_error_free(err);
    }
}

KOC_TEST(rsa_refuses_what_is_no_key)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(4096);
    assert_int_equal(koc__rsa_sha256_sign(KOC__STR("no key"), KOC__STR("x"), &out, NULL),
                     KOC_EFORMAT);
    assert_int_equal(koc__rsa_sha256_sign(KOC__STR(""), KOC__STR("x"), &out, NULL), KOC_EFORMAT);
    assert_int_equal(out.len, 0);
}

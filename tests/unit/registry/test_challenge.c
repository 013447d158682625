#include "core/common.h"

#include "core/str.h"
#include "registry/host/challenge.h"
#include "test.h"

typedef struct row {
    const char *text;
    bool basic;
    const char *realm; /* NULL: no bearer */
    const char *service;
    const char *scope;
} row;

/* what registries really send. */
KOC_TEST(challenge_table_R60_R61_R64)
{
    static const row table[] = {
        {"Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
         "scope=\"repository:a/b:pull,push\"",
         false, "https://auth.docker.io/token", "registry.docker.io", "repository:a/b:pull,push"},
        {"bearer REALM=\"https://a/t\" , Service = foo.com", false, "https://a/t", "foo.com", NULL},
        {"BASIC realm=\"Sonatype Nexus\"", true, NULL, NULL, NULL},
        {"Basic realm=/", true, NULL, NULL, NULL},
        {"Basic", true, NULL, NULL, NULL},
        {"Basic realm=\"x\", Bearer realm=\"https://a/t\",service=\"s\"", true, "https://a/t", "s",
         NULL},
        {"Negotiate, Basic realm=\"x\"", true, NULL, NULL, NULL},
        {"Negotiate YWJj==, Bearer realm=https://a:5000/t?x=y", false, "https://a:5000/t?x=y", NULL,
         NULL},
        {"Bearer realm=\"https://a/\\\"q\\\\\",scope=\"\"", false, "https://a/\"q\\", NULL, ""},
        {"Bearer realm=\"https://first/\", Bearer realm=\"https://second/\",service=\"s2\"", false,
         "https://first/", NULL, NULL},
        {"Bearer service=\"s\"", false, NULL, "s", NULL},
        {"Bearer realm=\"\"", false, NULL, NULL, NULL},
        {"Bearer realm=\"https://unclosed", false, "https://unclosed", NULL, NULL},
        {",, ,Bearer realm=\"https://a/t\",,", false, "https://a/t", NULL, NULL},
        {"Digest realm=\"d\", nonce=\"n\", service=\"no\"", false, NULL, NULL, NULL},
        {"", false, NULL, NULL, NULL},
        {"=\"\"==,\"\"", false, NULL, NULL, NULL},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(koc__challenge) c = KOC__CHALLENGE_INIT;
        assert_int_equal(koc__challenge_read(koc__str(table[i].text), &c, NULL), KOC_OK);
        assert_int_equal(c.basic, table[i].basic);
        assert_int_equal(c.bearer, table[i].realm != NULL);
        if (table[i].realm) {
            assert_string_equal(c.realm, table[i].realm);
        }
        assert_true(koc__streq(c.service, table[i].service));
        assert_true(koc__streq(c.scope, table[i].scope));
    }
}

/* several header lines. */
KOC_TEST(challenge_of_several_fields_R60)
{
    KOC__AUTO_VAL(koc__headers) h = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__challenge) c = KOC__CHALLENGE_INIT;
    assert_int_equal(koc__headers_put(&h, "WWW-Authenticate", "Negotiate", NULL), KOC_OK);
    assert_int_equal(koc__headers_put(&h, "www-authenticate", "Basic realm=\"x\"", NULL), KOC_OK);
    assert_int_equal(koc__headers_put(&h, "Www-Authenticate",
                                      "Bearer realm=\"https://a/t\",error=invalid_token", NULL),
                     KOC_OK);
    assert_int_equal(koc__challenge_of(&h, &c, NULL), KOC_OK);
    assert_true(c.basic && c.bearer);
    assert_string_equal(c.others, "Negotiate");
    assert_string_equal(c.error, "invalid_token");
}

KOC_TEST(challenge_too_long_says_nothing)
{
    KOC__AUTO_STR text = koc__malloc(20000);
    KOC__AUTO_VAL(koc__challenge) c = KOC__CHALLENGE_INIT;
    memset(text, 'x', 19999);
    text[19999] = '\0';
    memcpy(text, "Basic realm=", 12);
    assert_int_equal(koc__challenge_read(koc__str(text), &c, NULL), KOC_OK);
    assert_false(c.basic);
}

KOC_TEST(challenge_out_of_memory)
{
    for (uint64_t n = 1; n < 8; n++) {
        KOC__AUTO_VAL(koc__challenge) c = KOC__CHALLENGE_INIT;
        koc__alloc_fail_after(n);
        int rc = koc__challenge_read(
            KOC__STR("Bearer realm=\"r\",service=\"s\",scope=\"x\",error=\"e\""), &c, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM);
    }
}

#include "core/common.h"

#include "core/str.h"
#include "registry/regerror.h"
#include "test.h"

/* every shape that registries answer with. */
KOC_TEST(regerror_read_R190)
{
    static const char *const table[][3] = {
        {"{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\",\"detail\":{}}]}",
         "MANIFEST_UNKNOWN", "manifest unknown"},
        {"{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required\"}", "UNAUTHORIZED",
         "authentication required"},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"bad\\nthings\"}", "invalid_grant",
         "bad things"},
        {"{\"errors\":[{\"status\":403,\"message\":\"Forbidden\"}]}", "403", "Forbidden"},
        {"{\"details\":\"incorrect username or password\"}", "", "incorrect username or password"},
        {"{\"errors\":[]}", "", ""},
        {"{}", "", ""},
        {"<html><head><title>502 Bad Gateway</title></head>\n<body>nginx</body></html>", "",
         "502 Bad Gateway nginx"},
        {"404 page not found\n", "", "404 page not found"},
        {"", "", ""},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc__regerror e;
        koc__regerror_read(koc__str(table[i][0]), &e);
        assert_string_equal(e.code, table[i][1]);
        assert_string_equal(e.message, table[i][2]);
    }
}

/* nothing that moves a terminal's cursor or turns text round. */
KOC_TEST(clean_text_R191)
{
    static const char *const table[][2] = {
        {"a\x1b[31mred\x07", "a [31mred"},
        {"  two\t\n words ", "two words"},
        {"\xc2\x9b"
         "1A",
         "1A"},
        {"over\xe2\x80\xaeride", "over ride"},
        {"\xff\xfe bad \xc3", "bad"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"1 < 2 <b>bold</b>", "1 < 2 bold"},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        char out[64];
        koc__clean_text(koc__str(table[i][0]), out, sizeof(out));
        assert_string_equal(out, table[i][1]);
    }
}

KOC_TEST(clean_text_never_cuts_a_character)
{
    char out[6];

    koc__clean_text(KOC__STR("abcd\xc3\xbcx"), out, sizeof(out));
    assert_string_equal(out, "abcd");
    koc__clean_text(KOC__STR("abcdefgh"), out, sizeof(out));
    assert_string_equal(out, "abcde");
}

KOC_TEST(regerror_make_gives_code_status_and_words)
{
    koc__regerror denied = {"DENIED", "requested access is denied"}, none = {"", ""};
    koc__regerror lost = {"NAME_UNKNOWN", ""},
                  tls = {"", "400 No required SSL certificate was sent"};
    koc_error *err = NULL;

    assert_int_equal(koc__regerror_make(403, &denied, &err), KOC_EDENIED);
    assert_string_equal(koc_error_message(err), "access denied (requested access is denied)");
    assert_int_equal(koc_error_http_status(err), 403);
    assert_string_equal(koc_error_registry_code(err), "DENIED");
    assert_false(koc_error_is_retryable(err));
    assert_int_equal(koc__regerror_make(503, &none, &err), KOC_EHTTP);
    assert_true(koc_error_is_retryable(err));
    assert_int_equal(koc__regerror_make(404, &lost, &err), KOC_ENOTFOUND);
    assert_string_equal(koc_error_message(err), "no such repository (NAME_UNKNOWN)");
    assert_int_equal(koc__regerror_make(418, &none, &err), KOC_EHTTP);
    assert_string_equal(koc_error_message(err), "the registry answered 418");
    assert_int_equal(koc__regerror_make(400, &tls, &err), KOC_ETLS); /* */
    koc_error_free(err);
}

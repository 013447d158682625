#include "core/common.h"

#include "core/str.h"
#include "http/http_message.h"
#include "test.h"

KOC_TEST(headers_compare_names_without_case)
{
    KOC__AUTO_VAL(koc__headers) h = KOC__HEADERS_INIT;
    assert_int_equal(koc__headers_put(&h, "Location", "/a", NULL), KOC_OK);
    assert_int_equal(koc__headers_put(&h, "LOCATION", "/b", NULL), KOC_OK);
    assert_string_equal(koc__headers_get(&h, "location"), "/a");
    assert_int_equal(koc__headers_count(&h, "Location"), 2);
    assert_null(koc__headers_get(&h, "Locatio"));
}

/* CR/LF in any value never reaches the wire. */
KOC_TEST(headers_refuse_line_ends)
{
    static const char *const names[] = {"", "a b", "a:b", "a\r\nb", "\x80"};
    KOC__AUTO_VAL(koc__headers) h = KOC__HEADERS_INIT;
    assert_int_equal(koc__headers_put(&h, "X", "a\r\nEvil: b", NULL), KOC_EINVAL);
    assert_int_equal(koc__headers_add(&h, KOC__STR("X"), KOC__STR("a\0b"), NULL), KOC_EINVAL);
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        assert_int_equal(koc__headers_put(&h, names[i], "v", NULL), KOC_EINVAL);
    }
    assert_int_equal(h.count, 0);
}

/* at most 200 fields and 256 KiB. */
KOC_TEST(headers_have_limits_R96)
{
    KOC__AUTO_VAL(koc__headers) h = KOC__HEADERS_INIT;
    KOC__AUTO_STR big = koc__malloc(KOC__HEADERS_BYTES_MAX);
    memset(big, 'x', KOC__HEADERS_BYTES_MAX - 1);
    big[KOC__HEADERS_BYTES_MAX - 1] = '\0';
    for (int i = 0; i < KOC__HEADERS_COUNT_MAX; i++) {
        assert_int_equal(koc__headers_put(&h, "X", "y", NULL), KOC_OK);
    }
    assert_int_equal(koc__headers_put(&h, "X", "y", NULL), KOC_ELIMIT);
    koc__headers_clear(&h);
    assert_int_equal(koc__headers_put(&h, "X", "y", NULL), KOC_OK);
    assert_int_equal(koc__headers_put(&h, "X", big, NULL), KOC_ELIMIT);
}

KOC_TEST(http_lines)
{
    int status = 0;
    koc_str name, value;
    assert_int_equal(koc__http_line(KOC__STR("HTTP/1.1 200 OK\r\n"), &status, &name, &value),
                     KOC__LINE_STATUS);
    assert_int_equal(status, 200);
    assert_int_equal(koc__http_line(KOC__STR("HTTP/2 404 \r\n"), &status, &name, &value),
                     KOC__LINE_STATUS);
    assert_int_equal(status, 404);
    assert_int_equal(koc__http_line(KOC__STR("HTTP/1.0 301\n"), &status, &name, &value),
                     KOC__LINE_STATUS);
    assert_int_equal(status, 301);
    assert_int_equal(koc__http_line(KOC__STR("HTTP/1.1 2000 OK"), &status, &name, &value),
                     KOC__LINE_BAD);
    assert_int_equal(koc__http_line(KOC__STR("HTTP/1.1 20 OK"), &status, &name, &value),
                     KOC__LINE_BAD);
    assert_int_equal(koc__http_line(KOC__STR("HTTP/1.1"), &status, &name, &value), KOC__LINE_BAD);
    assert_int_equal(koc__http_line(KOC__STR("Range:  0-5 \r\n"), &status, &name, &value),
                     KOC__LINE_FIELD);
    assert_true(koc__str_is(name, "Range") && koc__str_is(value, "0-5"));
    assert_int_equal(koc__http_line(KOC__STR("X:\r\n"), &status, &name, &value), KOC__LINE_FIELD);
    assert_int_equal(value.len, 0);
    assert_int_equal(koc__http_line(KOC__STR("no colon\r\n"), &status, &name, &value),
                     KOC__LINE_BAD);
    assert_int_equal(koc__http_line(KOC__STR("\r\n"), &status, &name, &value), KOC__LINE_END);
    assert_int_equal(koc__http_line(KOC__STR("\n"), &status, &name, &value), KOC__LINE_END);
}

/* */
KOC_TEST(http_content_range_R122)
{
    static const char *const bad[] = {"",
                                      "bytes",
                                      "bytes 1-2",
                                      "bytes 2-1/5",
                                      "bytes 1-5/5",
                                      "1-2/5",
                                      "bytes -2/5",
                                      "bytes 1-/5",
                                      "bytes 1-2/x",
                                      "lines 1-2/5",
                                      "bytes */5",
                                      "bytes 1-99999999999999999999/5"};
    uint64_t first, last, total;

    assert_true(koc__http_content_range("bytes 10-19/100", &first, &last, &total));
    assert_true(first == 10 && last == 19 && total == 100);
    assert_true(koc__http_content_range("BYTES 0-0/*", &first, &last, &total));
    assert_true(first == 0 && last == 0 && total == UINT64_MAX);
    assert_false(koc__http_content_range(NULL, &first, &last, &total));
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        assert_false(koc__http_content_range(bad[i], &first, &last, &total));
    }
}

/* without parameters, in lower case. */
KOC_TEST(http_media_type_R111)
{
    KOC__AUTO_VAL(koc__headers) h = KOC__HEADERS_INIT;
    char out[32];
    assert_false(koc__http_media_type(&h, out, sizeof(out)));
    assert_int_equal(koc__headers_put(&h, "content-type", "Application/JSON ; charset=utf-8", NULL),
                     KOC_OK);
    assert_true(koc__http_media_type(&h, out, sizeof(out)));
    assert_string_equal(out, "application/json");
    assert_false(koc__http_media_type(&h, out, 5));
}

/* one form of Warning, all others are nothing. */
KOC_TEST(http_warning_R192)
{
    static const char *const bad[] = {
        "", "299", "299 - ", "299 - x", "199 - \"x\"", "299 host \"x\"", "299 - \""};
    koc_str text;

    assert_true(koc__http_warning(" 299 - \"say it\" ", &text));
    assert_true(koc__str_is(text, "say it"));
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        assert_false(koc__http_warning(bad[i], &text));
    }
}

/* relative or absolute, several links, quoted or not. */
KOC_TEST(http_next_link_R180)
{
    static const char *const table[][2] = {
        {"</v2/a/tags/list?n=2&last=b>; rel=\"next\"", "/v2/a/tags/list?n=2&last=b"},
        {"<https://r/x,y>; rel=next", "https://r/x,y"},
        {"</a>; rel=\"prev\", </b>; title=\"x\"; REL=\"last next\"", "/b"},
        {"</a>; rel=prev", NULL},
        {"</a>", NULL},
        {"/a; rel=next", NULL},
        {"</a; rel=next", NULL},
        {"<>; rel=next", ""},
        {"", NULL},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(koc__headers) h = KOC__HEADERS_INIT;
        koc_str url;
        assert_int_equal(koc__headers_put(&h, "Link", table[i][0], NULL), KOC_OK);
        assert_int_equal(koc__http_next_link(&h, &url), table[i][1] != NULL);
        if (table[i][1]) {
            assert_true(koc__str_is(url, table[i][1]));
        }
    }
}

KOC_TEST(http_length_is_digits_only)
{
    static const char *const bad[] = {"-1", "1.0", "0x10", "", "18446744073709551616", "1 2"};
    uint64_t n;
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        KOC__AUTO_VAL(koc__headers) h = KOC__HEADERS_INIT;
        assert_int_equal(koc__headers_put(&h, "Content-Length", bad[i], NULL), KOC_OK);
        assert_false(koc__http_length(&h, &n));
    }
}

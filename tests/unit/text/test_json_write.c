/* The writer: bytes that are the same on every machine. */
#include "core/common.h"

#include "core/str.h"
#include "test.h"
#include "text/json_write.h"

static void begin(koc__jw *w, koc__dynbuf *out, int indent, uint32_t flags)
{
    *out = (koc__dynbuf)KOC__DYNBUF_INIT(1 << 16);
    koc__jw_begin(w, out, indent, flags);
}

static void check(koc__jw *w, koc__dynbuf *out, const char *expected)
{
    assert_int_equal(koc__jw_end(w, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(out), expected);
    koc__dynbuf_dispose(out);
}

static void fill(koc__jw *w)
{
    koc__jw_object(w);
    koc__jw_kv(w, "s", "x");
    koc__jw_kv(w, "absent", NULL);
    koc__jw_key(w, "a");
    koc__jw_array(w);
    koc__jw_u64(w, UINT64_MAX);
    koc__jw_i64(w, INT64_MIN);
    koc__jw_bool(w, true);
    koc__jw_bool(w, false);
    koc__jw_null(w);
    koc__jw_str(w, NULL);
    koc__jw_object(w);
    koc__jw_object_end(w);
    koc__jw_array(w);
    koc__jw_array_end(w);
    koc__jw_array_end(w);
    koc__jw_key(w, "o");
    koc__jw_object(w);
    koc__jw_kv(w, "k", "");
    koc__jw_object_end(w);
    koc__jw_object_end(w);
}

KOC_TEST(jw_writes_compactly)
{
    koc__jw w;
    koc__dynbuf out;
    begin(&w, &out, 0, 0);
    fill(&w);
    check(
        &w, &out,
        "{\"s\":\"x\",\"a\":[18446744073709551615,-9223372036854775808,true,false,null,null,{},[]],"
        "\"o\":{\"k\":\"\"}}");
}

KOC_TEST(jw_indents)
{
    koc__jw w;
    koc__dynbuf out;
    begin(&w, &out, 2, 0);
    fill(&w);
    check(
        &w, &out,
        "{\n  \"s\": \"x\",\n  \"a\": [\n    18446744073709551615,\n    -9223372036854775808,\n    true,\n"
        "    false,\n    null,\n    null,\n    {},\n    []\n  ],\n  \"o\": {\n    \"k\": \"\"\n  }\n}");
}

static void check_string(koc_str text, uint32_t flags, const char *expected)
{
    koc__jw w;
    koc__dynbuf out;
    begin(&w, &out, 0, flags);
    koc__jw_str_n(&w, text);
    check(&w, &out, expected);
}

KOC_TEST(jw_escapes)
{
    check_string(KOC__STR("\"\\/\b\f\n\r\t\x01\x1f\x7f"), 0,
                 "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
    check_string(KOC__STR("<&>\xE2\x80\xA8\xE2\x80\xA9\xC3\xA9"), 0,
                 "\"<&>\xE2\x80\xA8\xE2\x80\xA9\xC3\xA9\"");
    check_string(KOC__STR("a\0b"), 0, "\"a\\u0000b\"");
    check_string(KOC__STR(""), 0, "\"\"");
}

KOC_TEST(jw_escapes_as_go_does)
{
    check_string(KOC__STR("<&>\xE2\x80\xA8\xE2\x80\xA9\xC3\xA9\xF0\x9F\x98\x80\b\f\x7f"),
                 KOC__JW_GO,
                 "\"\\u003c\\u0026\\u003e\\u2028\\u2029\xC3\xA9\xF0\x9F\x98\x80\\b\\f\x7f\"");
}

KOC_TEST(jw_replaces_what_is_not_utf8)
{
    check_string(KOC__STR("a\xff"
                          "b\xE6\x97z\xC0\xAF"),
                 KOC__JW_GO, "\"a\\ufffdb\\ufffd\\ufffdz\\ufffd\\ufffd\"");
    check_string(KOC__STR("a\xE6"), 0, "\"a\xEF\xBF\xBD\"");
}

KOC_TEST(jw_keeps_foreign_values_as_they_are)
{
    static const char text[] =
        "{\"z\":1.50,\"a\":[1e2,-0,\"\xC3\xA9\"],\"m\":{\"b\":null,\"a\":true}}";
    KOC__AUTO(koc__json) doc = NULL;
    assert_int_equal(koc__json_parse(KOC__STR(text), 4096, "doc", &doc, NULL), KOC_OK);
    koc__jw w;
    koc__dynbuf out;
    begin(&w, &out, 0, 0);
    koc__jw_array(&w);
    koc__jw_node(&w, koc__json_root(doc));
    koc__jw_node(&w, NULL);
    koc__jw_array_end(&w);
    KOC__AUTO_STR expected = koc__format("[%s,null]", text);
    check(&w, &out, expected);
}

KOC_TEST(jw_says_when_a_document_is_not_complete)
{
    koc__jw w;
    koc__dynbuf out;
    koc_error *err = NULL;
    begin(&w, &out, 0, 0);
    koc__jw_object(&w);
    assert_int_equal(koc__jw_end(&w, &err), KOC_EMISUSE);
    koc_error_free(err);
    koc__dynbuf_dispose(&out);
}

KOC_TEST(jw_stops_at_the_first_failure)
{
    koc__jw w;
    koc__dynbuf out = KOC__DYNBUF_INIT(8);
    koc_error *err = NULL;
    koc__jw_begin(&w, &out, 0, 0);
    fill(&w);
    assert_int_equal(koc__jw_end(&w, &err), KOC_ELIMIT);
    assert_int_equal(koc_error_code(err), KOC_ELIMIT);
    koc_error_free(err);
    koc__dynbuf_dispose(&out);

    begin(&w, &out, 0, 0);
    for (int i = 0; i < 70; i++) {
        koc__jw_array(&w);
    }
    for (int i = 0; i < 70; i++) {
        koc__jw_array_end(&w);
    }
    assert_int_equal(koc__jw_end(&w, NULL), KOC_ELIMIT);
    koc__dynbuf_dispose(&out);
}

/* The strict reader: what is refused, what is kept, what is changed. */
#include "core/common.h"

#include "core/str.h"
#include "test.h"
#include "text/json.h"
#include "text/json_scan.h"
#include "text/json_write.h"

static koc__json *parse(const char *text)
{
    koc__json *doc = NULL;
    koc_error *err = NULL;
    if (koc__json_parse(koc__str(text), 1 << 20, "doc", &doc, &err) != KOC_OK) {
        fail_msg("%s: %s", text, koc_error_message(err));
    }
    return doc;
}

static void refuse(koc_str text, int code, const char *words)
{
    koc__json *doc = NULL;
    koc_error *err = NULL;
    int got = koc__json_parse(text, 1 << 20, "doc", &doc, &err);
    if (got != code || !strstr(koc_error_message(err), words)) {
        fail_msg("%.*s: got %d \"%s\", want \"%s\"", KOC__FMT(text), got,
                 got ? koc_error_message(err) : "", words);
    }
    assert_null(doc);
    koc_error_free(err);
}

/* In the manner of the well-known JSON test suite: each is not JSON, or is ambiguous. */
static const koc_str bad[] = {
    KOC__STR(""),
    KOC__STR(" "),
    KOC__STR("\xEF\xBB\xBF{}"),
    KOC__STR("[1,]"),
    KOC__STR("[,1]"),
    KOC__STR("[1,,2]"),
    KOC__STR("[1 2]"),
    KOC__STR("[1"),
    KOC__STR("["),
    KOC__STR("]"),
    KOC__STR("[1]]"),
    KOC__STR("[1}"),
    KOC__STR("{\"a\":1]"),
    KOC__STR("{"),
    KOC__STR("{\"a\"}"),
    KOC__STR("{\"a\":}"),
    KOC__STR("{\"a\":1,}"),
    KOC__STR("{\"a\" 1}"),
    KOC__STR("{a:1}"),
    KOC__STR("{'a':1}"),
    KOC__STR("{1:1}"),
    KOC__STR("{\"a\":1 \"b\":2}"),
    KOC__STR("{,}"),
    KOC__STR("{} x"),
    KOC__STR("{}{}"),
    KOC__STR("nul"),
    KOC__STR("nullx"),
    KOC__STR("True"),
    KOC__STR("[fals]"),
    KOC__STR("01"),
    KOC__STR("-01"),
    KOC__STR("-"),
    KOC__STR("+1"),
    KOC__STR("1."),
    KOC__STR(".5"),
    KOC__STR("1.e3"),
    KOC__STR("1e"),
    KOC__STR("1e+"),
    KOC__STR("0x10"),
    KOC__STR("NaN"),
    KOC__STR("Infinity"),
    KOC__STR("-Infinity"),
    KOC__STR("1_0"),
    KOC__STR("\"abc"),
    KOC__STR("\""),
    KOC__STR("\"\\"),
    KOC__STR("\"a\\x\""),
    KOC__STR("\"\\u12\""),
    KOC__STR("\"\\uZZZZ\""),
    KOC__STR("\"\\u0000\""),
    KOC__STR("{\"config\\u0000x\":1}"),
    KOC__STR("\"\\ud800\""),
    KOC__STR("\"\\udc00\""),
    KOC__STR("\"\\ud800\\n\""),
    KOC__STR("\"\\ud800\\ud800\""),
    KOC__STR("\"\\ud83d\\u\""),
    KOC__STR("\"\t\""),
    KOC__STR("\"a\nb\""),
    KOC__STR("\"\0\""),
    KOC__STR("\"\x1f\""),
    KOC__STR("\"\xff\""),
    KOC__STR("\"\x80\""),
    KOC__STR("\"\xc0\xaf\""),
    KOC__STR("\"\xe0\x80\xaf\""),
    KOC__STR("\"\xed\xa0\x80\""),
    KOC__STR("\"\xf4\x90\x80\x80\""),
    KOC__STR("\"\xf5\x80\x80\x80\""),
    KOC__STR("\"\xe6\x97\""),
    KOC__STR("\"\xe6\x97"),
    KOC__STR("[1]\0"),
    KOC__STR("[\f1]"),
    KOC__STR("[1\x0b]"),
    KOC__STR("/* */ 1"),
    KOC__STR("[1]//"),
    KOC__STR("\xc2\xa0[]"),
};

KOC_TEST(json_refuses_what_is_not_rfc_8259)
{
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        refuse(bad[i], KOC_EFORMAT, "doc: not valid JSON at byte ");
    }
}

KOC_TEST(json_accepts_all_of_rfc_8259)
{
    static const char *const good[] = {
        "0",
        "-0",
        "1e400",
        "-1.5E-7",
        "0e+1",
        "\"\"",
        "[]",
        "{}",
        " [ ] ",
        "\t\r\n{ }\n",
        "null",
        "true",
        "[[],{}]",
        "{\"\":0}",
        "{\"a\":{\"b\":[{}]}}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\xF0\x9F\x98\x80\"",
        "\"\x7f\"",
        "\"\xEF\xBF\xBF\"",
        "\"\xEF\xBB\xBF\"",
        "123456789012345678901234567890",
        "-0.000000000000000000000000000000000000000000000000000000000000000000000000000001",
        "[1,\"a\",null,true,false,{\"x\":[1.0]}]",
    };
    for (size_t i = 0; i < KOC__COUNT(good); i++) {
        koc__json_free(parse(good[i]));
    }
}

KOC_TEST(json_refuses_names_that_are_there_twice)
{
    refuse(KOC__STR("{\"a\":1,\"a\":2}"), KOC_EFORMAT,
           "doc: duplicate name \"a\" in the top level");
    refuse(KOC__STR("{\"a\":1,\"\\u0061\":2}"), KOC_EFORMAT, "duplicate ");
    refuse(KOC__STR("{\"x\":{\"y\":[{\"b\":1,\"c\":0,\"b\":2}]}}"), KOC_EFORMAT,
           "duplicate name \"b\" in /x/y/*");
    refuse(KOC__STR("{\"\":1,\"\":2}"), KOC_EFORMAT, "duplicate ");
    koc__json_free(parse("{\"Digest\":1,\"digest\":2,\"o\":{\"Digest\":3}}"));
}

KOC_TEST(json_is_bounded)
{
    char text[400];
    koc__json *doc = NULL;
    koc_error *err = NULL;
    assert_int_equal(koc__json_parse(KOC__STR("[1,2]"), 4, "doc", &doc, &err), KOC_ELIMIT);
    assert_string_equal(koc_error_message(err),
                        "doc: 5 bytes of JSON, more than the 4 that are accepted");
    koc_error_free(err);

    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    assert_int_equal(koc__json_parse(koc__str_n(text, 128), 4096, "doc", &doc, NULL), KOC_OK);
    koc__json_free(doc);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    refuse(koc__str_n(text, 130), KOC_ELIMIT, "nested more than 64 levels deep");
    memset(text, '[', sizeof(text));
    refuse(koc__str_n(text, sizeof(text)), KOC_ELIMIT, "nested more than 64 levels deep");
}

KOC_TEST(json_bounds_the_number_of_values)
{
    size_t n = (size_t)2 * KOC__JSON_VALUES + 3;
    char *text = koc__malloc(n);
    koc__json_scan scan;
    for (size_t i = 0; i < n; i++) {
        text[i] = i % 2 ? '1' : ',';
    }
    text[0] = '[';
    text[n - 1] = ']';
    assert_int_equal(koc__json_scan_text(koc__str_n(text, n), &scan), KOC_ELIMIT);
    koc__json_scan_dispose(&scan);
    koc__free(text);
}

KOC_TEST(json_numbers_keep_their_text)
{
    static const char *const numbers[] = {
        "1000000000000000",
        "5000000000000001",
        "9007199254740991",
        "1e400",
        "-0",
        "1.10",
        "0.0000000000000000000000000000000000000000000000000000000000000000000000000000001",
    };
    for (size_t i = 0; i < KOC__COUNT(numbers); i++) {
        KOC__AUTO_STR text = koc__format("{\"a\":[true,%s,\"7\"],\"b\":2}", numbers[i]);
        KOC__AUTO(koc__json) doc = parse(text);
        koc__jnode *root = koc__json_root(doc);
        assert_string_equal(koc__json_number(koc__json_at(root, "/a/1")), numbers[i]);
        assert_string_equal(koc__json_number(koc__json_get(root, "b")), "2");
        assert_null(koc__json_number(koc__json_at(root, "/a/2")));
        assert_string_equal(koc__json_str(koc__json_at(root, "/a/2")), "7");
        assert_null(koc__json_str(koc__json_at(root, "/a/1")));
    }
}

static bool u64(const char *text, uint64_t *out)
{
    KOC__AUTO(koc__json) doc = parse(text);
    return koc__json_u64(koc__json_root(doc), out);
}

static bool i64(const char *text, int64_t *out)
{
    KOC__AUTO(koc__json) doc = parse(text);
    return koc__json_i64(koc__json_root(doc), out);
}

KOC_TEST(json_integers_are_read_from_the_text)
{
    uint64_t u = 7;
    int64_t i = 7;
    assert_true(u64("9007199254740991", &u));
    assert_true(u == UINT64_C(9007199254740991));
    assert_true(u64("0", &u));
    assert_true(u == 0);
    u = 7;
    assert_false(u64("9007199254740992", &u));
    assert_false(u64("-1", &u));
    assert_false(u64("-0", &u));
    assert_false(u64("1.0", &u));
    assert_false(u64("1e3", &u));
    assert_false(u64("\"1\"", &u));
    assert_false(u64("18446744073709551616", &u));
    assert_true(u == 7);
    assert_true(i64("-9223372036854775808", &i));
    assert_true(i == INT64_MIN);
    assert_false(i64("9223372036854775808", &i));
    assert_false(i64("1.5", &i));
}

KOC_TEST(json_pointers_reach_every_value)
{
    KOC__AUTO(koc__json) doc = parse("{\"a/b\":{\"~\":[10,{\"\":11}]},\"\":12,\"01\":13}");
    koc__jnode *root = koc__json_root(doc);
    assert_ptr_equal(koc__json_at(root, ""), root);
    assert_string_equal(koc__json_number(koc__json_at(root, "/a~1b/~0/0")), "10");
    assert_string_equal(koc__json_number(koc__json_at(root, "/a~1b/~0/1/")), "11");
    assert_string_equal(koc__json_number(koc__json_at(root, "/")), "12");
    assert_string_equal(koc__json_number(koc__json_at(root, "/01")), "13");
    static const char *const absent[] = {"a",          "/a",      "/a~1b/~0/2",  "/a~1b/~0/00",
                                         "/a~1b/~0/-", "/a~1b/~", "/a~1b/~0/+1", "/a~1b/~2",
                                         "/01/x",      "x/"};
    for (size_t i = 0; i < KOC__COUNT(absent); i++) {
        assert_null(koc__json_at(root, absent[i]));
    }
    assert_null(koc__json_at(NULL, ""));
}

KOC_TEST(json_getters_take_nothing_for_nothing)
{
    assert_int_equal(koc__json_type(NULL), 0);
    assert_false(koc__json_is(NULL, 0));
    assert_null(koc__json_get(NULL, "x"));
    assert_null(koc__json_child(NULL));
    assert_null(koc__json_next(NULL));
    assert_int_equal(koc__json_count(NULL), 0);
    assert_null(koc__json_name(NULL));
    assert_null(koc__json_str(NULL));
    assert_false(koc__json_true(NULL));
    assert_null(koc__json_root(NULL));
    koc__json_free(NULL);
    KOC__AUTO(koc__json) doc = parse("[1]");
    assert_null(koc__json_get(koc__json_root(doc), "x"));
}

static void assert_written(const koc__json *doc, const char *expected)
{
    koc__dynbuf out = KOC__DYNBUF_INIT(4096);
    koc__jw w;
    koc__jw_begin(&w, &out, 0, 0);
    koc__jw_node(&w, koc__json_root(doc));
    assert_int_equal(koc__jw_end(&w, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&out), expected);
    koc__dynbuf_dispose(&out);
}

KOC_TEST(json_documents_are_changed_in_place)
{
    KOC__AUTO(koc__json) doc = parse("{\"a\":1,\"b\":[\"x\",\"y\",\"z\"],\"c\":1e5}");
    koc__jnode *root = koc__json_root(doc);
    koc__jnode *list = koc__json_get(root, "b");
    assert_int_equal(koc__json_put(root, "a", koc__json_make_str("one"), NULL), KOC_OK);
    assert_int_equal(koc__json_put(root, "d", koc__json_make_u64(UINT64_MAX), NULL), KOC_OK);
    assert_int_equal(koc__json_replace(list, koc__json_child(list), koc__json_make_str("X"), NULL),
                     KOC_OK);
    koc__json_remove(list, koc__json_next(koc__json_child(list)));
    assert_int_equal(koc__json_push(list, koc__json_make_object(), NULL), KOC_OK);
    koc__json_drop(root, "absent");
    assert_written(doc,
                   "{\"a\":\"one\",\"b\":[\"X\",\"z\",{}],\"c\":1e5,\"d\":18446744073709551615}");
    koc__json_drop(root, "b");
    assert_written(doc, "{\"a\":\"one\",\"c\":1e5,\"d\":18446744073709551615}");

    KOC__AUTO(koc__json) copy = NULL;
    assert_int_equal(koc__json_copy(root, &copy, NULL), KOC_OK);
    assert_int_equal(koc__json_put(root, "c", koc__json_make_array(), NULL), KOC_OK);
    assert_written(copy, "{\"a\":\"one\",\"c\":1e5,\"d\":18446744073709551615}");
    assert_int_equal(koc__json_put(root, "e", NULL, NULL), KOC_ENOMEM);
}

KOC_TEST(json_survives_every_failing_allocation)
{
    static const char text[] =
        "{\"a\":{\"b\":[1,2,3],\"c\":null},\"d\":[{\"e\":1,\"f\":2}],"
        "\"g\":0.000000000000000000000000000000000000000000000000000000000000000001}";
    for (uint64_t n = 1;; n++) {
        koc__json *doc = NULL;
        koc_error *err = NULL;
        koc__alloc_fail_after(n);
        int code = koc__json_parse(KOC__STR(text), 4096, "doc", &doc, &err);
        koc__alloc_fail_after(0);
        koc_error_free(err);
        if (code == KOC_OK) {
            koc__json_free(doc);
            assert_true(n > 4);
            return;
        }
        assert_int_equal(code, KOC_ENOMEM);
        assert_null(doc);
    }
}

/* Every prefix and every one-byte change of a document: no crash, and what is accepted prints and reads
 * back the same. */
KOC_TEST(json_survives_every_small_damage)
{
    static const char text[] =
        "{\"a\\u00e9\":[1.5e3,-0,{\"b\":\"\xF0\x9F\x98\x80\\ud83d\\ude00\"}],\"c\":null}";
    static const char changes[] = "\"\\{}[],:0-e.u \x01\x80\xff";
    for (size_t i = 0; i < strlen(text); i++) {
        koc__json *doc = NULL;
        assert_int_equal(koc__json_parse(koc__str_n(text, i), 4096, "doc", &doc, NULL),
                         KOC_EFORMAT);
        for (size_t k = 0; k < sizeof(changes); k++) {
            char damaged[sizeof(text)];
            memcpy(damaged, text, sizeof(text));
            damaged[i] = changes[k];
            if (koc__json_parse(koc__str_n(damaged, sizeof(text) - 1), 4096, "doc", &doc, NULL) !=
                KOC_OK) {
                continue;
            }
            koc__dynbuf out = KOC__DYNBUF_INIT(4096);
            koc__jw w;
            koc__jw_begin(&w, &out, 0, 0);
            koc__jw_node(&w, koc__json_root(doc));
            assert_int_equal(koc__jw_end(&w, NULL), KOC_OK);
            koc__json_free(doc);
            doc = parse(koc__dynbuf_cstr(&out));
            assert_written(doc, koc__dynbuf_cstr(&out));
            koc__json_free(doc);
            koc__dynbuf_dispose(&out);
        }
    }
}

/* As Go reads a member into a struct. */
KOC_TEST(json_folded_names_give_the_last_that_is_not_null)
{
    static const struct {
        const char *text, *found;
    } cases[] = {
        {"{\"name\":\"a\"}", "a"},
        {"{\"NAME\":\"a\",\"name\":\"b\"}", "b"},
        {"{\"name\":\"a\",\"Name\":null}", "a"},
        {"{\"Name\":null,\"name\":\"b\",\"nAme\":null}", "b"},
        {"{\"names\":\"x\"}", NULL},
        {"{\"name\":null}", NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO(koc__json) doc = parse(cases[i].text);
        const char *found = koc__json_str(koc__json_get_folded(koc__json_root(doc), "name"));
        if ((found == NULL) != (cases[i].found == NULL) ||
            (found && strcmp(found, cases[i].found) != 0)) {
            fail_msg("%s: %s", cases[i].text, found ? found : "NULL");
        }
    }
}

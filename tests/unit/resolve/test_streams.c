/* Streams of JSON and YAML, inputs that follow each other, and calls that are wrong. */
#include "core/common.h"

#include "helper.h"
#include "test.h"

#include "core/dynbuf.h"
#include "core/str.h"
#include "resolve/resolve.h"

/* kubectl reads one JSON value after another; the output is YAML, so that more can be joined to it. */
KOC_TEST(json_values_become_documents)
{
    static const struct {
        const char *yaml, *want;
    } table[] = {
        {"{\"a\":\"ko://x\"}{\"b\":\"ko://y\"}",
         "{\"a\":\"" IMAGE("x") "\"}\n---\n{\"b\":\"" IMAGE("y") "\"}"},
        {"{\"a\":1}\n{\"b\":\"ko://y\"}\n", "{\"a\":1}\n---\n{\"b\":\"" IMAGE("y") "\"}\n"},
        {" \r\n[1] [\"ko://x\"]", " \r\n[1] \n---\n[\"" IMAGE("x") "\"]"},
        {"\xEF\xBB\xBF{}{}", "\xEF\xBB\xBF{}\n---\n{}"},
        {"{\"a\":\"}\\\"]\"}{\"b\":[{}]}", "{\"a\":\"}\\\"]\"}\n---\n{\"b\":[{}]}"},
        {"{}\n{}\n---\na: ko://x\n---\nb\n", "{}\n---\n{}\n---\na: " IMAGE("x") "\n---\nb\n"},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        CHECK(table[i].yaml, table[i].want);
    }
}

/* What is no sequence of values keeps the error of YAML. */
KOC_TEST(json_values_and_something_else_are_refused)
{
    static const char *const broken[] = {"{} x",     "{}{",   "{}{\"a\":\"b}",
                                         "[1]\n2\n", "{}{}]", "{}x: 1\n{}"};
    for (size_t i = 0; i < KOC__COUNT(broken); i++) {
        KOC__AUTO_STR message = refused(broken[i], NULL, KOC_EFORMAT);
        assert_memory_equal(message, "in.yaml:", 8);
        assert_null(strstr(message, "not JSON"));
    }
}

KOC_TEST(json_values_are_selected_one_by_one)
{
#define OBJECT(label, image)                                                                       \
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"labels\":{\"a\":\"" label             \
    "\"}},\"image\":\"" image "\"}"
    check_text(resolve_selected(OBJECT("1", "ko://x") "\n" OBJECT("2", "ko://no"), "a=1"),
               OBJECT("1", IMAGE("x")) "\n---\n");
}

/* --- where a stream may be cut --- */

static size_t next(const char *text, size_t start, size_t least)
{
    return koc__split_next(koc__str(text), start, least);
}

KOC_TEST(streams_are_split_at_markers_alone)
{
    assert_int_equal(next("a\n---\nb", 0, 0), 2);
    assert_int_equal(next("a\n---\nb", 0, 1), 2);
    assert_int_equal(next("a\n---\nb", 0, 2), 7);
    assert_int_equal(next("a\n---", 0, 1), 2);
    assert_int_equal(next("a\n--- b\n---\tc", 3, 1), 8);
    assert_int_equal(next("a\n---b\n---\rc\n", 0, 0), 7);
    assert_int_equal(next("a\n ---\n--\n----\n", 0, 0), 15);
    assert_int_equal(next("a\n---\nb", 0, 6), 7);
    assert_int_equal(next("a\n---\nb", 0, 7), 7);
    assert_int_equal(next("a\n---\nb", 0, 100), 7);
}

KOC_TEST(streams_with_directives_are_not_split)
{
    static const struct {
        const char *text;
        bool allowed;
    } table[] = {
        {"", true},
        {"a: 5%\n", true},
        {"%YAML 1.1\n---\n", false},
        {"\xEF\xBB\xBF%Y", false},
        {"a\n%Y", false},
        {"a\n %Y", true},
        {"%", false},
        {"a: %\n%", false},
        {"5% of 7%\nb", true},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_int_equal(koc__split_allowed(koc__str(table[i].text)), table[i].allowed);
    }
}

KOC_TEST(streams_have_documents_before_and_first_characters)
{
    static const char text[] = "a\n---\nb\nc\n---\nd";
    static const size_t before[] = {0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 10, 10, 10, 10, 10};
    for (size_t i = 0; i < KOC__COUNT(before); i++) {
        assert_int_equal(koc__split_before(koc__str(text), i), before[i]);
    }
    static const struct {
        const char *text;
        size_t first;
    } table[] = {{"", 0},    {"a", 0},   {" \t\r\na", 4},   {"# c\n# d\n%a", 8},
                 {"# c", 3}, {"#\n", 2}, {"  # c\n  b", 8}, {"\xEF\xBB\xBF a", 4}};
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_int_equal(koc__split_first(koc__str(table[i].text)), table[i].first);
    }
}

KOC_TEST(json_values_end_at_their_own_bracket)
{
    static const struct {
        const char *text;
        size_t at, end;
    } table[] = {
        {"{}", 0, 2}, {"[[]]x", 0, 4}, {"x{}", 1, 3}, {"{\"}\"}", 0, 5},    {"[\"\\\"]\"]", 0, 7},
        {"{", 0, 0},  {"[\"", 0, 0},   {"[{]", 0, 0}, {"[\"\\\\\"]", 0, 6},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        if (koc__split_json(koc__str(table[i].text), table[i].at) != table[i].end) {
            fail_msg("%s", table[i].text);
        }
    }
}

/* --- inputs that follow each other --- */

/* A block scalar that the end of the file cuts would get a line break from what follows. */
KOC_TEST(blocks_at_the_end_of_an_input_keep_their_value)
{
    static const struct {
        const char *first, *want; /* NULL: a line break is all that it needs */
    } table[] = {
        {"a: |\n  x", "a: |-\n  x"},
        {"a: >\n  x", "a: >-\n  x"},
        {"a: |+\n  x", "a: |-\n  x"},
        {"a: |-\n  x", "a: |-\n  x"},
        {"a: |2\n  x", "a: |-2\n  x"},
        {"a: |2+\n  x", "a: |2-\n  x"},
        {"a: |+2\n  x", "a: |-2\n  x"},
        {"a: | # c\n  x", "a: |- # c\n  x"},
        {"a: |\n  x\n", "a: |\n  x\n"},
        {"a: |\n  x\n  ", "a: |\n  x\n"},
        {"a: |\r\n  x\r\n  ", "a: |\r\n  x\r\n"},
        {"a: |+\n  x\n\n ", "a: |+\n  x\n\n"},
        {"a: |", NULL},
        {"a: x", NULL},
        {"a: 'x'", NULL},
        {"a: |\n  ko://x", "a: |-\n  " IMAGE("x")},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        const char *first = table[i].first;
        const char *two[] = {first, "b: 1\n", NULL};
        const char *lone[] = {first, NULL};
        const char *before_nothing[] = {first, "", "\xEF\xBB\xBF", NULL};
        const char *want = table[i].want ? table[i].want : first;
        bool broken = want[strlen(want) - 1] == '\n';
        KOC__AUTO_STR joined = koc__format("%s%s---\nb: 1\n", want, broken ? "" : "\n");
        KOC__AUTO_STR alone = resolve_all(lone, NULL);
        check_text(resolve_all(two, NULL), joined);
        check_text(resolve_all(before_nothing, NULL), alone);
    }
}

/* --- wrong calls --- */

static int refuse(void *self, const void *data, size_t len, koc_error **err)
{
    (void)data;
    (void)len;
    return *(int *)self == 0 ? koc__error(err, KOC_EIO, "the disk is full")
                             : ((*(int *)self)--, KOC_OK);
}

KOC_TEST(resolver_calls_without_their_arguments_are_misuse)
{
    KOC__AUTO(koc_error) err = NULL;
    koc_resolver *r = NULL;
    koc_strlist *list = NULL;
    koc_buf out = KOC_BUF_INIT;
    bool complete = false;
    int left = 0;
    const koc_writer w = {refuse, &left}, no_write = {NULL, NULL};
    const koc_str none = {NULL, 0}, null = {NULL, 1};
    assert_int_equal(koc_resolver_new(NULL, NULL, &r, NULL), KOC_OK);
    const int codes[] = {
        koc_resolver_add_bytes(r, NULL, none, NULL),
        koc_resolver_add_bytes(r, "x", null, NULL),
        koc_resolver_add_file(r, NULL, NULL),
        koc_resolver_add_dir(NULL, "/", false, NULL),
        koc_resolver_add_dir(r, NULL, false, NULL),
        koc_resolver_references(NULL, &list, NULL),
        koc_resolver_references(r, NULL, NULL),
        koc_resolver_set(NULL, "a", "b", NULL),
        koc_resolver_set(r, NULL, "b", NULL),
        koc_resolver_set(r, "a", NULL, NULL),
        koc_resolver_read_map(NULL, "x", koc__str("{}"), NULL),
        koc_resolver_read_map(r, NULL, koc__str("{}"), NULL),
        koc_resolver_read_map(r, "x", none, NULL),
        koc_resolver_write_map(NULL, &out, NULL),
        koc_resolver_write_map(r, NULL, NULL),
        koc_resolver_write_input(NULL, 0, &w, NULL),
        koc_resolver_write_input(r, 0, &w, NULL), /* there is none */
        koc_resolver_write(NULL, &w, NULL),
        koc_resolver_write(r, NULL, NULL),
        koc_resolver_write(r, &no_write, NULL),
        koc_resolver_write_ready(NULL, &w, &complete, NULL),
        koc_resolver_write_ready(r, NULL, &complete, NULL),
        koc_resolver_write_ready(r, &no_write, &complete, NULL),
        koc_resolver_write_ready(r, &w, NULL, NULL),
    };
    for (size_t i = 0; i < KOC__COUNT(codes); i++) {
        if (codes[i] != KOC_EMISUSE) {
            fail_msg("call %zu gave %d", i, codes[i]);
        }
    }
    assert_int_equal(koc_resolver_add_bytes(r, "x", none, NULL), KOC_OK);
    assert_int_equal(koc_resolver_add_bytes(r, "y", koc__str("a: ko://x\n"), NULL), KOC_OK);
    assert_int_equal(koc_resolver_write_input(r, 2, &w, NULL), KOC_EMISUSE);
    assert_int_equal(koc_resolver_write_input(r, 0, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_resolver_write_input(r, 0, &no_write, NULL), KOC_EMISUSE);
    assert_int_equal(koc_resolver_write_input(r, 1, &w, &err), KOC_EMISUSE);
    assert_non_null(strstr(koc_error_message(err), "a reference has no replacement yet"));
    assert_null(koc_resolver_replacement(r, NULL));
    assert_null(koc_resolver_replacement(NULL, "ko://x"));
    assert_null(koc_resolver_label(NULL, 0));
    assert_null(koc_resolver_warnings(NULL));
    assert_false(koc_resolver_is_ready(NULL, 0) || koc_resolver_is_ready(r, 2));
    koc_resolver_locate(NULL, NULL);
    koc_resolver_locate(r, NULL);
    koc_resolver_free(r);
}

/* A writer that fails at any of its calls is heard. */
KOC_TEST(resolver_passes_on_what_its_writer_says)
{
    const char *inputs[] = {"a: |\n  x", "b: ko://x # c\n---\nc: 1\n", "d: 1\n"};
    for (int fails = 0;; fails++) {
        KOC__AUTO(koc_error) err = NULL;
        koc_resolver *r = NULL;
        int left = fails;
        bool complete = false;
        const koc_writer w = {refuse, &left};
        assert_int_equal(koc_resolver_new(NULL, NULL, &r, NULL), KOC_OK);
        for (size_t i = 0; i < KOC__COUNT(inputs); i++) {
            assert_int_equal(koc_resolver_add_bytes(r, "x", koc__str(inputs[i]), NULL), KOC_OK);
        }
        assert_int_equal(koc_resolver_set(r, "ko://x", "r/x:1", NULL), KOC_OK);
        int rc = koc_resolver_write(r, &w, &err);
        KOC__AUTO(koc_error) second = NULL;
        left = fails;
        assert_int_equal(rc, rc == KOC_OK ? KOC_OK : KOC_EIO);
        if (rc != KOC_OK) {
            assert_string_equal(koc_error_message(err), "the disk is full");
        }
        koc_resolver_free(r);
        r = NULL;
        assert_int_equal(koc_resolver_new(NULL, NULL, &r, NULL), KOC_OK);
        for (size_t i = 0; i < KOC__COUNT(inputs); i++) {
            assert_int_equal(koc_resolver_add_bytes(r, "x", koc__str(inputs[i]), NULL), KOC_OK);
        }
        assert_int_equal(koc_resolver_set(r, "ko://x", "r/x:1", NULL), KOC_OK);
        assert_int_equal(koc_resolver_write_ready(r, &w, &complete, &second), rc);
        assert_int_equal(complete, rc == KOC_OK);
        koc_resolver_free(r);
        if (rc == KOC_OK) {
            assert_true(fails > 5);
            return;
        }
    }
}

KOC_TEST(replacements_of_the_wrong_form_have_their_place)
{
    KOC__AUTO(koc_error) err = NULL;
    koc_resolver *r = NULL;
    int left = 100;
    const koc_writer w = {refuse, &left};
    assert_int_equal(koc_resolver_new(NULL, NULL, &r, NULL), KOC_OK);
    assert_int_equal(
        koc_resolver_add_bytes(
            r, "v.yaml", koc__str("a: 1\nimage:\n  repository: ko://x\n  digest: \"\"\n"), NULL),
        KOC_OK);
    assert_int_equal(koc_resolver_set(r, "ko://x", "r/x:1", NULL), KOC_OK);
    assert_int_equal(koc_resolver_write(r, &w, &err), KOC_EINVAL);
    assert_string_equal(koc_error_message(err),
                        "v.yaml:4:11: a digest is needed here, and r/x:1 has none");
    koc_resolver_free(r);
}

KOC_TEST(replacements_are_printable_and_short)
{
    char longest[4097];
    memset(longest, 'a', 4096);
    longest[4096] = '\0';
    assert_int_equal(koc__rewrite_check(longest, NULL), KOC_OK);
    KOC__AUTO_STR longer = koc__format("%sa", longest);
    static const char *const bad[] = {"", " a", "a ", "a\x7f", "a\xc3\xa9", "\n"};
    assert_int_equal(koc__rewrite_check(longer, NULL), KOC_EINVAL);
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        assert_int_equal(koc__rewrite_check(bad[i], NULL), KOC_EINVAL);
    }
    assert_int_equal(koc__rewrite_check("!~", NULL), KOC_OK);
}

/* --- references --- */

KOC_TEST(references_have_tags_of_any_letter_and_a_limit)
{
    char tag[130];
    memset(tag, 't', 129);
    tag[129] = '\0';
    KOC__AUTO_STR too_long = koc__format("a: ko://x:%s\n", tag);
    KOC__AUTO_STR message = refused(too_long, NULL, KOC_EINVAL);
    assert_non_null(strstr(message, "the text after the colon is not a tag"));
    KOC__AUTO_STR longest = koc__format("a: ko://x:%.128s\n", tag);
    KOC__AUTO_STR with_tag = koc__format("a: reg.example:5000/t/x:%.128s@" DIGEST "\n", tag);
    CHECK(longest, with_tag);
    static const char *const good[] = {"azAZ09_.-", "_a", "0", "Z", "z9", "A"};
    for (size_t i = 0; i < KOC__COUNT(good); i++) {
        KOC__AUTO_STR yaml = koc__format("a: ko://x:%s\n", good[i]);
        KOC__AUTO_STR want = koc__format("a: reg.example:5000/t/x:%s@" DIGEST "\n", good[i]);
        CHECK(yaml, want);
    }
    static const char *const bad[] = {".a", "-a"};
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        KOC__AUTO_STR yaml = koc__format("a: ko://x:%s\n", bad[i]);
        KOC__AUTO_STR why = refused(yaml, NULL, KOC_EINVAL);
        assert_non_null(strstr(why, "not a tag"));
    }
}

/* --- the last of equal keys --- */

KOC_TEST(labels_given_twice_have_their_last_value)
{
#define TWICE "apiVersion: v1\nkind: Pod\nmetadata:\n  labels:\n    a: one\n    b: x\n    a: two\n"
    check_text(resolve_selected(TWICE, "a=two"), TWICE);
    check_text(resolve_selected(TWICE, "a=one"), "");
    check_text(resolve_selected(TWICE, "b=x"), TWICE);
}

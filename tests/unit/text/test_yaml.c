/* YAML in: the settings tree, and events with their bytes. */
#include "core/common.h"

#include "core/str.h"
#include "test.h"
#include "text/yaml.h"
#include "text/yaml_events.h"

static koc__yaml *parse(const char *text)
{
    koc__yaml *y = NULL;
    koc_error *err = NULL;
    if (koc__yaml_parse(koc__str(text), 1 << 20, "t.yaml", &y, &err) != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    return y;
}

static void refuse(koc_str text, int code, const char *message)
{
    koc__yaml *y = NULL;
    koc_error *err = NULL;
    assert_int_equal(koc__yaml_parse(text, 1 << 20, "t.yaml", &y, &err), code);
    if (!strstr(koc_error_message(err), message)) {
        fail_msg("\"%s\" is not in \"%s\"", message, koc_error_message(err));
    }
    assert_null(y);
    koc_error_free(err);
}

static const char *get(const koc__yaml *y, const char *key)
{
    return koc__yaml_str(koc__yaml_get(koc__yaml_root(y), key, false));
}

KOC_TEST(yaml_tree_holds_scalars_lists_and_mappings)
{
    KOC__AUTO(koc__yaml)
    y = parse("a: 1\nb: [x, 'y z', \"q\\n\"]\nc:\n  d: |\n    two\n    lines\n");
    const koc__ynode *root = koc__yaml_root(y);
    assert_int_equal(koc__yaml_type(root), KOC__YAML_MAPPING);
    assert_int_equal(koc__yaml_count(root), 3);
    assert_string_equal(get(y, "a"), "1");
    const koc__ynode *b = koc__yaml_get(root, "b", false);
    assert_int_equal(koc__yaml_type(b), KOC__YAML_SEQUENCE);
    assert_string_equal(koc__yaml_str(koc__yaml_at(b, 1)), "y z");
    assert_string_equal(koc__yaml_str(koc__yaml_at(b, 2)), "q\n");
    assert_null(koc__yaml_at(b, 3));
    const koc__ynode *d = koc__yaml_get(koc__yaml_get(root, "c", false), "d", false);
    assert_string_equal(koc__yaml_str(d), "two\nlines\n");
    assert_int_equal(koc__yaml_line(d), 4);
    assert_int_equal(koc__yaml_column(d), 6);
    assert_string_equal(koc__yaml_key(root, 2), "c");
}

KOC_TEST(yaml_tree_takes_nothing_for_nothing)
{
    koc__yaml *y = parse("");
    assert_null(koc__yaml_root(y));
    koc__yaml_free(y);
    y = parse("# only a comment\n");
    assert_null(koc__yaml_root(y));
    koc__yaml_free(y);
    y = parse("---\n");
    assert_true(koc__yaml_is_null(koc__yaml_root(y)));
    koc__yaml_free(y);
    assert_int_equal(koc__yaml_type(NULL), 0);
    assert_null(koc__yaml_str(NULL));
    assert_null(koc__yaml_get(NULL, "x", true));
    assert_int_equal(koc__yaml_count(NULL), 0);
    koc__yaml_free(NULL);
}

KOC_TEST(yaml_tree_knows_null_from_text)
{
    KOC__AUTO(koc__yaml)
    y = parse("a:\nb: ~\nc: null\nd: 'null'\ne: \"\"\nf: !!str\ng: !!null x\n");
    assert_null(get(y, "a"));
    assert_null(get(y, "b"));
    assert_null(get(y, "c"));
    assert_string_equal(get(y, "d"), "null");
    assert_string_equal(get(y, "e"), "");
    assert_string_equal(get(y, "f"), "");
    assert_null(get(y, "g"));
}

KOC_TEST(yaml_tree_finds_keys_whatever_their_case)
{
    KOC__AUTO(koc__yaml) y = parse("defaultBaseImage: a\nDEFAULTBASEIMAGE: b\n");
    const koc__ynode *root = koc__yaml_root(y);
    assert_string_equal(koc__yaml_str(koc__yaml_get(root, "DEFAULTBASEIMAGE", true)), "b");
    assert_string_equal(koc__yaml_str(koc__yaml_get(root, "defaultbaseimage", true)), "a");
    assert_null(koc__yaml_get(root, "defaultbaseimage", false));
}

KOC_TEST(yaml_tree_expands_aliases_and_merges)
{
    KOC__AUTO(koc__yaml)
    y = parse("base: &b {x: 1, y: 2}\n"
              "more: &m {y: 3, z: 4}\n"
              "one: {<<: *b, y: 9}\n"
              "two:\n  <<: [*b, *m]\n"
              "list: [*b, *b]\n"
              "text: {'<<': plain}\n");
    const koc__ynode *root = koc__yaml_root(y);
    const koc__ynode *one = koc__yaml_get(root, "one", false);
    const koc__ynode *two = koc__yaml_get(root, "two", false);
    assert_string_equal(koc__yaml_str(koc__yaml_get(one, "x", false)), "1");
    assert_string_equal(koc__yaml_str(koc__yaml_get(one, "y", false)), "9");
    assert_int_equal(koc__yaml_count(one), 2);
    assert_string_equal(koc__yaml_str(koc__yaml_get(two, "y", false)), "2");
    assert_string_equal(koc__yaml_str(koc__yaml_get(two, "z", false)), "4");
    assert_int_equal(koc__yaml_count(koc__yaml_get(root, "list", false)), 2);
    assert_string_equal(
        koc__yaml_str(koc__yaml_get(koc__yaml_get(root, "text", false), "<<", false)), "plain");
}

KOC_TEST(yaml_tree_refuses_what_has_two_meanings)
{
    refuse(KOC__STR("a: 1\nb: 2\na: 3\n"), KOC_EFORMAT, "t.yaml:3:1: duplicate key \"a\"");
    refuse(KOC__STR("a: &a {x: 1}\nb: {<<: *a, <<: *a}\n"), KOC_EFORMAT, "duplicate ");
    refuse(KOC__STR("a: 1\n---\nb: 2\n"), KOC_EFORMAT, "t.yaml:2:1: a second document");
    refuse(KOC__STR("? [x]\n: 1\n"), KOC_EFORMAT, "a key must be a text");
    refuse(KOC__STR("a: {<<: 1}\n"), KOC_EFORMAT, "\"<<\" needs a mapping");
    refuse(KOC__STR("a: \"x\\0y\"\n"), KOC_EFORMAT, "NUL");
}

KOC_TEST(yaml_tree_refuses_broken_text_with_its_place)
{
    refuse(KOC__STR("a: [1\n"), KOC_EFORMAT, "t.yaml:2:1: ");
    refuse(KOC__STR("a: b: c\n"), KOC_EFORMAT, "t.yaml:1:5: ");
    refuse(KOC__STR("a: 1\nb: \"\xFF\"\n"), KOC_EFORMAT, "t.yaml:2:5: not UTF-8");
    refuse(KOC__STR("a: \xC3\xA9\x01\n"), KOC_EFORMAT, "t.yaml:1:5: ");
    refuse(KOC__STR("\xEF\xBB\xBF"
                    "a: \xC3\xA9\x01\n"),
           KOC_EFORMAT, "t.yaml:1:5: ");
    refuse(KOC__STR("\xFF\xFE"
                    "a\0:\0"),
           KOC_EFORMAT, "UTF-16");
    refuse(KOC__STR("a: *b\n"), KOC_EFORMAT, "t.yaml:1:4: the alias");
    refuse(KOC__STR("a: &a [*a]\n"), KOC_EFORMAT, "t.yaml:1:8: the alias");
}

KOC_TEST(yaml_tree_is_bounded)
{
    koc_error *err = NULL;
    koc__yaml *y = NULL;
    assert_int_equal(koc__yaml_parse(KOC__STR("abcdef"), 5, "t.yaml", &y, &err), KOC_ELIMIT);
    koc_error_free(err);

    refuse(KOC__STR("a: &a [x,x,x,x,x,x,x,x,x,x]\n"
                    "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                    "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                    "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                    "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"),
           KOC_ELIMIT, "10000 values");

    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    refuse(koc__str_n(deep, sizeof(deep)), KOC_ELIMIT, "nested more than 64");
    memset(deep, '[', sizeof(deep));
    refuse(koc__str_n(deep, sizeof(deep)), KOC_ELIMIT, "nested more than 64");

    size_t n = 0;
    char *many = koc__malloc(3 * 10001 + 3);
    many[n++] = '[';
    for (int i = 0; i < 10001; i++) {
        many[n++] = 'x';
        many[n++] = ',';
    }
    many[n++] = ']';
    refuse(koc__str_n(many, n), KOC_ELIMIT, "10000 values");
    koc__free(many);
}

KOC_TEST(yaml_tree_survives_every_failing_allocation)
{
    static const char text[] = "a: &a {x: [1, 2], y: 'z'}\nb: {<<: *a, c: ~}\nd: [*a, *a]\n";
    for (uint64_t n = 1;; n++) {
        koc__yaml *y = NULL;
        koc_error *err = NULL;
        koc__alloc_fail_after(n);
        int code = koc__yaml_parse(KOC__STR(text), 4096, "t.yaml", &y, &err);
        koc__alloc_fail_after(0);
        koc_error_free(err);
        if (code == KOC_OK) {
            koc__yaml_free(y);
            assert_true(n > 10);
            return;
        }
        assert_int_equal(code, KOC_ENOMEM);
        assert_null(y);
    }
}

/* --- events --- */

/* The bytes of the n-th scalar of text. */
static koc_str scalar(koc_str text, int n, koc__yevent *event)
{
    koc__yevents *r = NULL;
    koc__yevent e;
    koc_error *err = NULL;
    assert_int_equal(koc__yevents_open(text, 1 << 20, "t.yaml", &r, &err), KOC_OK);
    do {
        if (koc__yevents_next(r, &e, &err) != KOC_OK) {
            fail_msg("%s", koc_error_message(err));
        }
        n -= e.type == KOC__YEVENT_SCALAR;
    } while (n >= 0 && e.type != KOC__YEVENT_END);
    assert_int_equal(e.type, KOC__YEVENT_SCALAR);
    koc_str bytes = koc__str_n(text.ptr + e.start, e.end - e.start);
    e.value = koc__str(NULL); /* not valid any more */
    e.anchor = NULL;
    e.tag = NULL;
    *event = e;
    koc__yevents_free(r);
    return bytes;
}

static void check_scalar(const char *text, int n, const char *expected, int style)
{
    koc__yevent e;
    koc_str bytes = scalar(koc__str(text), n, &e);
    if (!koc__str_is(bytes, expected) || e.style != style) {
        fail_msg("scalar %d of \"%s\" is \"%.*s\" in style %d", n, text, KOC__FMT(bytes), e.style);
    }
}

KOC_TEST(yaml_events_give_exact_bytes)
{
    check_scalar("a: ko://x\n", 1, "ko://x", KOC__YSTYLE_PLAIN);
    check_scalar("a: \"\xC3\xA9\xE6\x97\xA5\"\nb: ko://x # c\n", 3, "ko://x", KOC__YSTYLE_PLAIN);
    check_scalar("\xEF\xBB\xBF"
                 "a: 'ko://x'\n",
                 1, "'ko://x'", KOC__YSTYLE_SINGLE);
    check_scalar("a: \"\xF0\x9F\x98\x80\"\r\nb: \"ko://x\"\r\n", 3, "\"ko://x\"",
                 KOC__YSTYLE_DOUBLE);
    check_scalar("a: 1\rb: ko://x\r", 3, "ko://x", KOC__YSTYLE_PLAIN);
    check_scalar("{\"a\": [\"ko://x\", ko://y]}", 2, "ko://y", KOC__YSTYLE_PLAIN);
    check_scalar("a:\nb: 1\n", 1, "", KOC__YSTYLE_PLAIN);
    check_scalar("a: ko://x\n  y\nb: 1\n", 1, "ko://x\n  y", KOC__YSTYLE_PLAIN);
    check_scalar("\xE6\x97\xA5: |\n  ko://x\n\n\nb: 1\n", 1, "|\n  ko://x\n\n\n",
                 KOC__YSTYLE_LITERAL);
    check_scalar("a: >-\n  ko://x\nb: 1\n", 1, ">-\n  ko://x\n", KOC__YSTYLE_FOLDED);
    check_scalar("\xC2\x85"
                 "a: ko://x\n",
                 1, "ko://x", KOC__YSTYLE_PLAIN);
}

KOC_TEST(yaml_events_leave_out_anchors_and_tags)
{
    check_scalar("a: &i !!str ko://x # c\n", 1, "ko://x", KOC__YSTYLE_PLAIN);
    check_scalar("a: !!str &i 'ko://x'\n", 1, "'ko://x'", KOC__YSTYLE_SINGLE);
    check_scalar("a: &i # why & what\n  ko://x\n", 1, "ko://x", KOC__YSTYLE_PLAIN);
    check_scalar("a: &i\nb: 1\n", 1, "", KOC__YSTYLE_PLAIN);
    check_scalar("[&i , !!str , &j ko://x]\n", 2, "ko://x", KOC__YSTYLE_PLAIN);
    check_scalar("a: !<tag:yaml.org,2002:str> \xC3\xA9\n", 1, "\xC3\xA9", KOC__YSTYLE_PLAIN);
    check_scalar("a: &b:{x\n", 1, ":{x", KOC__YSTYLE_PLAIN);
    koc__yevent e;
    scalar(KOC__STR("\xC3\xA9: &i ko://x\n"), 1, &e);
    assert_int_equal(e.line, 1);
    assert_int_equal(e.column, 7);
}

KOC_TEST(yaml_events_tell_flow_from_block)
{
    koc__yevent e;
    scalar(KOC__STR("a: [b, {c: d}]\ne: f\n"), 3, &e);
    assert_true(e.flow);
    scalar(KOC__STR("a: [b, {c: d}]\ne: f\n"), 5, &e);
    assert_false(e.flow);
}

KOC_TEST(yaml_events_walk_many_documents)
{
    koc__yevents *r = NULL;
    koc__yevent e = {0};
    int documents = 0;
    int aliases = 0;
    assert_int_equal(koc__yevents_open(KOC__STR("a: &x 1\nb: *x\n---\n...\n---\n- {{ .Values }}\n"),
                                       4096, "t", &r, NULL),
                     KOC_OK);
    do {
        assert_int_equal(koc__yevents_next(r, &e, NULL), KOC_OK);
        documents += e.type == KOC__YEVENT_DOCUMENT;
        aliases += e.type == KOC__YEVENT_ALIAS;
    } while (e.type != KOC__YEVENT_END);
    assert_int_equal(documents, 3);
    assert_int_equal(aliases, 1);
    assert_int_equal(koc__yevents_next(r, &e, NULL), KOC_OK);
    assert_int_equal(e.type, KOC__YEVENT_END);
    koc__yevents_free(r);
}

KOC_TEST(yaml_marks_go_both_ways)
{
    koc__ymarks m;
    koc__ymarks_init(&m, KOC__STR("\xEF\xBB\xBF"
                                  "a\xC3\xA9\xF0\x9F\x98\x80z"));
    assert_int_equal(koc__ymarks_byte(&m, 0), 3);
    assert_int_equal(koc__ymarks_byte(&m, 3), 10);
    assert_int_equal(koc__ymarks_byte(&m, 1), 4);
    assert_int_equal(koc__ymarks_byte(&m, 2), 6);
    assert_int_equal(koc__ymarks_byte(&m, 99), 11);
    assert_int_equal(koc__ymarks_byte(&m, 0), 3);
}

/* As editors count: a line ends with LF, CR or both. */
KOC_TEST(yaml_places_count_lines_and_characters)
{
    static const struct {
        const char *text;
        size_t byte, line, column;
    } cases[] = {
        {"ab\ncd", 0, 1, 1},
        {"ab\ncd", 2, 1, 3},
        {"ab\ncd", 3, 2, 1},
        {"ab\r\ncd", 4, 2, 1},
        {"ab\r\ncd", 5, 2, 2},
        {"ab\rcd", 3, 2, 1},
        {"a\n\rb", 3, 3, 1},
        {"a\r\n\r\nb", 5, 3, 1},
        {"\xC3\xA9z", 2, 1, 2},
        {"\xEF\xBB\xBF"
         "ab",
         4, 1, 2},
        {"ab", 9, 1, 3},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        size_t line = 0, column = 0;
        koc__ymarks_place(koc__str(cases[i].text), cases[i].byte, &line, &column);
        if (line != cases[i].line || column != cases[i].column) {
            fail_msg("case %zu: %zu:%zu", i, line, column);
        }
    }
}

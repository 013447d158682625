/* References are replaced, and nothing else is. */
#include "core/alloc_faults.h"
#include "core/common.h"

#include "helper.h"
#include "test.h"

#include "core/dynbuf.h"
#include "core/str.h"

KOC_TEST(nothing_to_replace_is_byte_for_byte)
{
    UNCHANGED("");
    UNCHANGED("# only a comment");
    UNCHANGED("---\n---\n...\n");
    UNCHANGED("\xEF\xBB\xBF"
              "a: 1\r\nb: &x [ 1,2 ]   # c\r\nc: *x\r\n");
    UNCHANGED("a:    'x'\nb: \"\\u00e9\"\nc: |+\n  t\n\n\n---\n");
    UNCHANGED("{\"a\":1.50, \"b\": [ ]}");
    UNCHANGED("%YAML 1.1\n%TAG !e! tag:example,2000:\n--- !e!x\na: 1\n...\n%YAML 1.1\n---\nb\n");
}

KOC_TEST(every_style_keeps_its_style)
{
    CHECK("image: ko://x # why\n", "image: " IMAGE("x") " # why\n");
    CHECK("image: 'ko://x'\n", "image: '" IMAGE("x") "'\n");
    CHECK("image: \"ko://x\"\n", "image: \"" IMAGE("x") "\"\n");
    CHECK("image: \"\\x6bo:\\/\\/x\"\n", "image: \"" IMAGE("x") "\"\n");
    CHECK("{a: ko://x,b: [ko://x]}", "{a: " IMAGE("x") ",b: [" IMAGE("x") "]}");
    CHECK("{\"image\":\"ko://x\",\"n\":1.50}", "{\"image\":\"" IMAGE("x") "\",\"n\":1.50}");
    CHECK("- ko://x\r\n- 2\r\n", "- " IMAGE("x") "\r\n- 2\r\n");
    CHECK("ko://x", IMAGE("x"));
    CHECK("--- ko://x\n... # end\n", "--- " IMAGE("x") "\n... # end\n");
}

KOC_TEST(blocks_lose_the_line_break_of_their_value_only)
{
    CHECK("a: |\n    ko://x\nb: 1\n", "a: |-\n    " IMAGE("x") "\nb: 1\n");
    CHECK("a: >-  # c\n  ko://x\n\n\nb: 1\n", "a: >-  # c\n  " IMAGE("x") "\n\n\nb: 1\n");
    CHECK("a: |2+\n  ko://x  \n\n", "a: |2-\n  " IMAGE("x") "  \n\n");
    CHECK("a: |+1\r\n ko://x\r\nb: 1\r\n", "a: |1-\r\n " IMAGE("x") "\r\nb: 1\r\n");
    CHECK("- >\n ko://x", "- >-\n " IMAGE("x"));
}

KOC_TEST(keys_anchors_tags_and_trailing_space)
{
    CHECK("ko://x: ko://y\n", IMAGE("x") ": " IMAGE("y") "\n");
    CHECK("? ko://x\n: v\n", "? " IMAGE("x") "\n: v\n");
    CHECK("{\"ko://x\":1}", "{\"" IMAGE("x") "\":1}");
    CHECK("a: &i ko://x\nb: *i\n", "a: &i " IMAGE("x") "\nb: *i\n");
    CHECK("a: !!str &i ko://x\n", "a: !!str &i " IMAGE("x") "\n");
    CHECK("a: ! ko://x\n", "a: ! " IMAGE("x") "\n");
    CHECK("a: \"ko://x  \"\n", "a: \"" IMAGE("x") "\"\n");
    CHECK("é: ko://x # ü\n日本: [ko://y]\n", "é: " IMAGE("x") " # ü\n日本: [" IMAGE("y") "]\n");
    CHECK("\xEF\xBB\xBF"
          "a: ko://x\n",
          "\xEF\xBB\xBF"
          "a: " IMAGE("x") "\n");
}

KOC_TEST(what_is_no_reference_stays)
{
    UNCHANGED("a: --img=ko://x\n");
    UNCHANGED("a: KO://x\nb: ' ko://x'\nc: !custom ko://x\nd: !!binary ko://x\n");
    UNCHANGED("a: |\n  # run it\n  docker run ko://x\n");
    UNCHANGED("# ko://x\na: 1 # ko://x\n");
    UNCHANGED("a: 1\na: 2\n");
    UNCHANGED("{{ .Values.image }}: {{ ko }}\n" + 30);
    UNCHANGED("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n");
}

KOC_TEST(one_string_with_a_tag)
{
    CHECK("image: ko://x:1.2\n", "image: reg.example:5000/t/x:1.2@" DIGEST "\n");
    CHECK("image: \"ko://e.test/m/x:v1_0-b\"\n",
          "image: \"reg.example:5000/t/x:v1_0-b@" DIGEST "\"\n");
    check_text(resolve_labelled("in.yaml", "a: ko://x:1.2\n", NULL, ":latest"),
               "a: reg.example:5000/t/x:latest\n");
}

KOC_TEST(references_that_are_malformed_are_refused_with_their_place)
{
    REFUSED("a: 1\nb: ko://\n", "2:4: \"ko://\": a reference without an import path");
    REFUSED("b: ko://x y\n", "1:4: \"ko://x y\": white space within a reference");
    REFUSED("b: &q 'ko://x@v1'\n",
            "1:7: \"ko://x@v1\": a version or digest cannot be part of a reference");
    REFUSED("b: ko://x/...\n", "1:4: \"ko://x/...\": a reference names one package, not a pattern");
    REFUSED("b: ko://x:\"\"\n", "1:4: \"ko://x:\"\"\": the text after the colon is not a tag");
    REFUSED("b: ko://x:-a\n", "1:4: \"ko://x:-a\": the text after the colon is not a tag");
    REFUSED("b: ko://x\n  y\n", "1:4: \"ko://x y\": white space within a reference");
    REFUSED("b: |\n  ko://x\n  more\n", "1:4: \"ko://x?more\": white space within a reference");
    REFUSED("é: 'ko://a\"b'\n", "1:4: \"ko://a\"b\": not an import path");
}

KOC_TEST(broken_streams_are_refused_with_their_place)
{
    check_text(refused("a: 1\nb: [\n", NULL, KOC_EFORMAT),
               "in.yaml:3:1: did not find expected node content while parsing a flow node");
    check_text(refused("a: \xFF\n", NULL, KOC_EFORMAT), "in.yaml:1:4: not UTF-8");
    check_text(refused("\xFF\xFE"
                       "a",
                       NULL, KOC_EFORMAT),
               "in.yaml:1:1: the file is UTF-16; UTF-8 is needed");
}

static char *nested(size_t depth)
{
    char *text = koc__malloc(depth * 2 + 1);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[depth * 2] = '\0';
    return text;
}

KOC_TEST(depth_and_size_have_a_limit)
{
    char *deep = nested(501);
    check_text(refused(deep, NULL, KOC_ELIMIT), "in.yaml:1:501: nested more than 500 levels deep");
    koc__free(deep);
    deep = nested(500);
    check_text(resolve(deep), deep);
    koc__free(deep);

    koc_error *err = NULL;
    koc_resolver *r = NULL;
    koc_resolver_options o = KOC_RESOLVER_OPTIONS_INIT;
    o.max_bytes = 3;
    assert_int_equal(koc_resolver_new(NULL, &o, &r, &err), KOC_OK);
    assert_int_equal(koc_resolver_add_bytes(r, "x", koc__str("a: 1"), &err), KOC_ELIMIT);
    assert_string_equal(koc_error_message(err),
                        "x: 4 bytes of YAML, more than the 3 that are accepted");
    koc__error_clear(&err);
    const char *path = koc_test_write("big.yaml", "a: 1", 4);
    assert_int_equal(koc_resolver_add_file(r, path, &err), KOC_ELIMIT);
    koc_error_free(err);
    koc_resolver_free(r);
}

KOC_TEST(inputs_are_joined_by_one_line)
{
    const char *two[] = {"a: 1\n", "b: 2", NULL};
    check_text(resolve_all(two, NULL), "a: 1\n---\nb: 2");
    const char *no_break[] = {"a: ko://x", "{\"b\":\"ko://x\"}", "c: 3\n", NULL};
    check_text(resolve_all(no_break, NULL),
               "a: " IMAGE("x") "\n---\n{\"b\":\"" IMAGE("x") "\"}\n---\nc: 3\n");
    const char *marked[] = {"\xEF\xBB\xBF---\na: 1\n",
                            "\xEF\xBB\xBF"
                            "b: 2\n",
                            "", "%YAML 1.1\n---\nc\n", NULL};
    check_text(resolve_all(marked, NULL),
               "\xEF\xBB\xBF---\na: 1\n---\nb: 2\n...\n%YAML 1.1\n---\nc\n");
}

static int to_buf(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__dynbuf_append(self, data, len, err);
}

/* Sets one reference, or none, and returns the output. */
static void step(koc_resolver *r, const char *reference, const char *want, bool is_rest)
{
    koc_error *err = NULL;
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(4096);
    koc_writer w = {to_buf, &out};
    bool complete = !is_rest;
    if (reference) {
        assert_int_equal(koc_resolver_set(r, reference, "r/x:1", &err), KOC_OK);
    }
    assert_int_equal(koc_resolver_write_ready(r, &w, &complete, &err), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&out), want);
    assert_int_equal(complete, is_rest);
}

KOC_TEST(documents_are_written_as_they_become_ready)
{
    koc_resolver *r = NULL;
    koc_resolver_options o = KOC_RESOLVER_OPTIONS_INIT;
    const char *first =
        "a: 1\n---\nb: ko://b\nt: |\n  x\n  --- y\n---\nc: [ko://c, ko://d]\n--- # last\ne: 5";
    assert_int_equal(koc_resolver_new(NULL, NULL, &r, NULL), KOC_OK);
    assert_int_equal(koc_resolver_add_bytes(r, "1", koc__str(first), NULL), KOC_OK);
    assert_int_equal(koc_resolver_add_bytes(r, "2", koc__str("f: 6\n"), NULL), KOC_OK);
    step(r, NULL, "a: 1\n", false);
    step(r, "ko://d", "", false);
    step(r, "ko://b", "---\nb: r/x:1\nt: |\n  x\n  --- y\n", false);
    step(r, NULL, "", false);
    step(r, "ko://c", "---\nc: [r/x:1, r/x:1]\n--- # last\ne: 5\n---\nf: 6\n", true);
    step(r, NULL, "", true);
    koc_resolver_free(r);

    /* With directives the input is written as one. Documents that a selector removes do not delay the
     * others. */
    assert_int_equal(koc_resolver_new(NULL, NULL, &r, NULL), KOC_OK);
    const char *directive = "%YAML 1.1\n---\na\n...\n%YAML 1.1\n---\nko://b\n";
    assert_int_equal(koc_resolver_add_bytes(r, "1", koc__str(directive), NULL), KOC_OK);
    step(r, NULL, "", false);
    step(r, "ko://b", "%YAML 1.1\n---\na\n...\n%YAML 1.1\n---\nr/x:1\n", true);
    koc_resolver_free(r);

#define POD(label, image)                                                                          \
    "apiVersion: v1\nkind: Pod\nmetadata: {labels: {a: " label "}}\nimage: " image "\n"
    o.selector = "a=1";
    assert_int_equal(koc_resolver_new(NULL, &o, &r, NULL), KOC_OK);
    const char *pods = POD("1", "x") "---\n" POD("2", "ko://no") "---\n" POD("1", "ko://b");
    assert_int_equal(koc_resolver_add_bytes(r, "1", koc__str(pods), NULL), KOC_OK);
    step(r, NULL, POD("1", "x"), false);
    step(r, "ko://b", "---\n" POD("1", "r/x:1"), true);
    koc_resolver_free(r);
}

KOC_TEST(references_come_once_in_order_with_their_place)
{
    koc_error *err = NULL;
    koc_resolver *r = NULL;
    koc_strlist *l = NULL;
    assert_int_equal(koc_resolver_new(NULL, NULL, &r, &err), KOC_OK);
    assert_int_equal(
        koc_resolver_add_bytes(r, "a.yaml", koc__str("x: 1\nb: ko://b\na: ko://a:1\n"), &err),
        KOC_OK);
    assert_int_equal(koc_resolver_add_bytes(r, "b.yaml", koc__str("- ko://a\n- ko://./c\n"), &err),
                     KOC_OK);
    assert_int_equal(koc_resolver_references(r, &l, &err), KOC_OK);
    assert_int_equal(koc_strlist_count(l), 3);
    assert_string_equal(koc_strlist_get(l, 0), "ko://b");
    assert_string_equal(koc_strlist_get(l, 1), "ko://a");
    assert_string_equal(koc_strlist_get(l, 2), "ko://./c");
    assert_string_equal(koc_resolver_place(r, "ko://a"), "a.yaml:3:4");
    assert_string_equal(koc_resolver_place(r, "ko://./c"), "b.yaml:2:3");
    assert_null(koc_resolver_place(r, "ko://d"));
    assert_int_equal(koc_resolver_count(r), 2);
    assert_string_equal(koc_resolver_label(r, 1), "b.yaml");
    assert_null(koc_resolver_label(r, 2));
    koc_strlist_free(l);

    koc_writer w = {NULL, NULL};
    assert_int_equal(koc_resolver_write(r, &w, &err), KOC_EMISUSE);
    koc__error_clear(&err);
    assert_false(koc_resolver_is_ready(r, 0));
    assert_int_equal(koc_resolver_set(r, "ko://a", "r/a@" DIGEST, &err), KOC_OK);
    assert_false(koc_resolver_is_ready(r, 0));
    assert_int_equal(koc_resolver_set(r, "ko://b", "r/b@" DIGEST, &err), KOC_OK);
    assert_true(koc_resolver_is_ready(r, 0));
    assert_false(koc_resolver_is_ready(r, 1));
    assert_int_equal(koc_resolver_set(r, "ko://d", "r/b", &err), KOC_ENOTFOUND);
    koc__error_clear(&err);
    assert_int_equal(koc_resolver_set(r, "ko://a", "r/a\nb", &err), KOC_EINVAL);
    koc__error_clear(&err);
    assert_int_equal(koc_resolver_set(r, "ko://a", "", &err), KOC_EINVAL);
    koc_error_free(err);
    koc_resolver_free(r);
}

KOC_TEST(odd_replacements_are_quoted)
{
    koc_error *err = NULL;
    koc_resolver *r = NULL;
    koc__dynbuf out = KOC__DYNBUF_INIT(4096);
    assert_int_equal(koc_resolver_new(NULL, NULL, &r, &err), KOC_OK);
    assert_int_equal(koc_resolver_add_bytes(
                         r, "a",
                         koc__str("- ko://a\n- 'ko://b'\n- \"ko://c\"\n- [ko://d]\n- |\n ko://a\n"),
                         &err),
                     KOC_OK);
    assert_int_equal(koc_resolver_set(r, "ko://a", "1:30", &err), KOC_OK);
    assert_int_equal(koc_resolver_set(r, "ko://b", "it's", &err), KOC_OK);
    assert_int_equal(koc_resolver_set(r, "ko://c", "a\"b\\c", &err), KOC_OK);
    assert_int_equal(koc_resolver_set(r, "ko://d", "r/a,b]", &err), KOC_OK);
    koc_writer w = {
        (int (*)(void *, const void *, size_t, koc_error **))(void (*)(void))koc__dynbuf_append,
        &out};
    assert_int_equal(koc_resolver_write(r, &w, &err), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&out),
                        "- \"1:30\"\n- 'it''s'\n- \"a\\\"b\\\\c\"\n- [\"r/a,b]\"]\n- |-\n 1:30\n");
    koc__dynbuf_dispose(&out);
    koc_resolver_free(r);
}

KOC_TEST(maps_set_and_give_replacements)
{
    koc_error *err = NULL;
    koc_resolver *r = NULL;
    koc_buf out = KOC_BUF_INIT;
    assert_int_equal(koc_resolver_new(NULL, NULL, &r, &err), KOC_OK);
    assert_int_equal(
        koc_resolver_add_bytes(r, "a", koc__str("- ko://b\n- ko://a\n- ko://c\n"), &err), KOC_OK);
    koc_str map = koc__str("{\"ko://a\":\"r/a@x\",\"ko://z\":\"r/z\",\"ko://b\":\"r/b\"}");
    assert_int_equal(koc_resolver_read_map(r, "m.json", map, &err), KOC_OK);
    assert_string_equal(koc_resolver_replacement(r, "ko://a"), "r/a@x");
    assert_null(koc_resolver_replacement(r, "ko://c"));
    assert_null(koc_resolver_replacement(r, "ko://z"));
    assert_int_equal(koc_resolver_write_map(r, &out, &err), KOC_OK);
    assert_string_equal(out.ptr, "{\n  \"ko://b\": \"r/b\",\n  \"ko://a\": \"r/a@x\"\n}\n");
    koc_buf_dispose(&out);

    assert_int_equal(koc_resolver_read_map(r, "m.json", koc__str("[]"), &err), KOC_EFORMAT);
    assert_string_equal(koc_error_message(err), "m.json: not a JSON object of references");
    koc__error_clear(&err);
    assert_int_equal(koc_resolver_read_map(r, "m.json", koc__str("{\"ko://a\":1}"), &err),
                     KOC_EFORMAT);
    assert_string_equal(koc_error_message(err), "m.json: the value of \"ko://a\" is not a string");
    koc__error_clear(&err);
    assert_int_equal(koc_resolver_read_map(r, "m.json", koc__str("{\"ko://a\":\"a b\"}"), &err),
                     KOC_EINVAL);
    assert_string_equal(koc_error_message(err),
                        "m.json: ko://a: \"a b\" is not an image reference");
    koc_error_free(err);
    koc_resolver_free(r);
}

KOC_TEST(misuse_is_told)
{
    koc_error *err = NULL;
    koc_resolver *r = NULL;
    koc_resolver_options o = KOC_RESOLVER_OPTIONS_INIT;
    o.flags = 1;
    assert_int_equal(koc_resolver_new(NULL, &o, &r, &err), KOC_EMISUSE);
    koc__error_clear(&err);
    assert_int_equal(koc_resolver_new(NULL, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_resolver_add_bytes(NULL, "x", koc__str(""), NULL), KOC_EMISUSE);
    assert_int_equal(koc_resolver_add_file(NULL, "x", NULL), KOC_EMISUSE);
    assert_int_equal(koc_resolver_write(NULL, NULL, NULL), KOC_EMISUSE);
    o.flags = 0;
    o.selector = "a in b";
    assert_int_equal(koc_resolver_new(NULL, &o, &r, NULL), KOC_EINVAL);
    assert_null(r);
    koc_resolver_free(NULL);
    assert_int_equal(koc_resolver_count(NULL), 0);
}

/* A long stream: pieces on several threads give the same result as one scan. */
static char *long_stream(size_t documents, const char *last)
{
    koc__dynbuf b = KOC__DYNBUF_INIT((size_t)64 << 20);
    for (size_t i = 0; i < documents; i++) {
        koc__dynbuf_printf(
            &b, NULL,
            "---\nkind: Deployment\nmetadata:\n  name: d%zu\nspec:\n  text: |\n    --- no marker\n"
            "  image: %s%zu # é\n",
            i, i % 100 == 7 ? "ko://e.test/m" : "plain/m", i % 700);
    }
    koc__dynbuf_puts(&b, last, NULL);
    char *text = koc__strdup(koc__dynbuf_cstr(&b));
    koc__dynbuf_dispose(&b);
    return text;
}

/* The text with each reference replaced, or NULL: adding it failed for lack of memory. */
static char *resolve_in_pieces(koc_ctx *ctx, const char *text, uint64_t failing_allocation)
{
    koc_resolver *r = NULL;
    koc_strlist *l = NULL;
    koc__dynbuf out = KOC__DYNBUF_INIT((size_t)64 << 20);
    koc_writer w = {
        (int (*)(void *, const void *, size_t, koc_error **))(void (*)(void))koc__dynbuf_append,
        &out};
    assert_int_equal(koc_resolver_new(ctx, NULL, &r, NULL), KOC_OK);
    koc__alloc_fail_only(failing_allocation);
    int rc = koc_resolver_add_bytes(r, "long", koc__str(text), NULL);
    koc__alloc_fail_only(0);
    if (rc != KOC_OK) {
        assert_int_equal(rc, KOC_ENOMEM);
        koc_resolver_free(r);
        return NULL;
    }
    assert_int_equal(koc_resolver_references(r, &l, NULL), KOC_OK);
    for (size_t i = 0; i < koc_strlist_count(l); i++) {
        char *image =
            koc__format("reg.example:5000/t/%s@" DIGEST, strrchr(koc_strlist_get(l, i), '/') + 1);
        assert_int_equal(koc_resolver_set(r, koc_strlist_get(l, i), image, NULL), KOC_OK);
        koc__free(image);
    }
    assert_int_equal(koc_resolver_write(r, &w, NULL), KOC_OK);
    char *written = koc__strdup(koc__dynbuf_cstr(&out));
    koc__dynbuf_dispose(&out);
    koc_strlist_free(l);
    koc_resolver_free(r);
    return written;
}

KOC_TEST(pieces_give_what_one_reading_gives)
{
    koc_error *err = NULL;
    koc_ctx *ctx = NULL;
    koc_resolver *r = NULL;
    char *text = long_stream(40000, "---\nb: 1\n");
    char *alone = resolve(text);
    assert_int_equal(koc_ctx_new(NULL, &ctx, &err), KOC_OK);
    char *got = resolve_in_pieces(ctx, text, 0);
    assert_string_equal(got, alone);
    koc__free(got);
    koc__free(alone);
    koc__free(text);

    /* an error in the last piece has its position in the whole input */
    text = long_stream(40000, "b: 1\n---\nc: [");
    assert_int_equal(koc_resolver_new(ctx, NULL, &r, &err), KOC_OK);
    assert_int_equal(koc_resolver_add_bytes(r, "long", koc__str(text), &err), KOC_EFORMAT);
    assert_string_equal(
        koc_error_message(err),
        "long:320004:1: did not find expected node content while parsing a flow node");
    koc_error_free(err);
    koc_resolver_free(r);
    koc_ctx_unref(ctx);
    koc__free(text);
}

/* A piece without memory fails, the input is read as one: no edit of the pieces before may stay. */
KOC_TEST(edits_of_a_failed_reading_in_pieces_do_not_stay)
{
    koc_ctx *ctx = NULL;
    char *text = long_stream(25000, "---\nb: 1\n");
    char *alone = resolve(text);
    unsigned recovered = 0;
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    for (uint64_t n = 3; n < 2400; n += 150) {
        char *got = resolve_in_pieces(ctx, text, n);
        if (got) {
            recovered++;
            assert_string_equal(got, alone);
        }
        koc__free(got);
    }
    assert_true(recovered > 0);
    koc_ctx_unref(ctx);
    koc__free(alone);
    koc__free(text);
}

KOC_TEST(running_out_of_memory_is_an_error)
{
    const char *yaml =
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {labels: {a: b}}\n"
        "  image: ko://x\n  v: {repository: ko://x, tag: 1}\n- apiVersion: v1\n  kind: Pod\n  x: |\n   ko://y\n";
    for (uint64_t n = 1; n < 400; n++) {
        koc_resolver_options o = KOC_RESOLVER_OPTIONS_INIT;
        koc_resolver *r = NULL;
        koc_error *err = NULL;
        o.selector = "a in (b,c)";
        koc__alloc_fail_after(n);
        int rc = koc_resolver_new(NULL, &o, &r, &err);
        rc = rc == KOC_OK ? koc_resolver_add_bytes(r, "x", koc__str(yaml), &err) : rc;
        rc = rc == KOC_OK ? koc_resolver_set(r, "ko://x", "r/x@" DIGEST, &err) : rc;
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM);
        koc_error_free(err);
        koc_resolver_free(r);
        if (rc == KOC_OK) {
            assert_true(n > 10);
            return;
        }
    }
    fail_msg("never enough memory");
}

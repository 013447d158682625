/* Platforms: text, JSON, matching. */
#include "model_test.h"

static koc_platform *read_json(const char *text)
{
    KOC__AUTO(koc__json) doc = NULL;
    koc_platform *p = NULL;
    koc_error *err = NULL;
    must(koc__json_parse(koc__str(text), 4096, "platform", &doc, &err), err);
    must(koc__platform_read(koc__json_root(doc), &p, &err), err);
    return p;
}

KOC_TEST(platform_reads_its_text_form)
{
    static const char *const texts[] = {
        "linux",  "linux/amd64", "linux/arm/v7", "windows/amd64:10.0.20348.1",
        "/amd64", "linux//v7",   "darwin:14"};
    for (size_t i = 0; i < KOC__COUNT(texts); i++) {
        koc_buf storage = KOC_BUF_INIT;
        koc_buf back = KOC_BUF_INIT;
        koc_platform p = KOC_PLATFORM_INIT;
        must(koc_platform_parse(texts[i], &storage, &p, NULL), NULL);
        must(koc_platform_format(&p, &back, NULL), NULL);
        assert_string_equal(back.ptr, texts[i]);
        koc_buf_dispose(&storage);
        koc_buf_dispose(&back);
    }
    koc_buf storage = KOC_BUF_INIT;
    koc_platform p = KOC_PLATFORM_INIT;
    must(koc_platform_parse(" linux/arm64 ", &storage, &p, NULL), NULL);
    assert_string_equal(p.os, "linux");
    assert_string_equal(p.arch, "arm64");
    assert_null(p.variant);
    assert_null(p.os_version);
    koc_buf_dispose(&storage);
}

KOC_TEST(platform_refuses_other_texts)
{
    static const char *const texts[] = {
        "", " ", "/", "//:", "a/b/c/d", "linux/amd 64", "linux/amd64\n/x", "linux/\x7f"};
    for (size_t i = 0; i < KOC__COUNT(texts); i++) {
        koc_buf storage = KOC_BUF_INIT;
        koc_platform p = KOC_PLATFORM_INIT;
        koc_error *err = NULL;
        int code = koc_platform_parse(texts[i], &storage, &p, &err);
        assert_error(code, &err, KOC_EINVAL, "is not a platform");
        assert_null(storage.ptr);
    }
    assert_int_equal(koc_platform_parse(NULL, NULL, NULL, NULL), KOC_EMISUSE);
}

KOC_TEST(platform_goes_through_json)
{
    static const char text[] =
        "{\"architecture\":\"amd64\",\"os\":\"windows\",\"os.version\":\"10.0.1\","
        "\"os.features\":[\"win32k\",\"x\"],\"variant\":\"v2\"}";
    KOC__AUTO(koc_platform) p = read_json(text);
    KOC__AUTO(koc_platform) copy = koc__platform_dup(p);
    koc__dynbuf out = KOC__DYNBUF_INIT(4096);
    koc__jw w;
    koc__jw_begin(&w, &out, 0, 0);
    koc__platform_write(&w, copy);
    must(koc__jw_end(&w, NULL), NULL);
    assert_string_equal(koc__dynbuf_cstr(&out), text);
    koc__dynbuf_dispose(&out);

    KOC__AUTO(koc_platform)
    empty = read_json("{\"architecture\":\"\",\"os\":null,\"os.features\":[]}");
    assert_null(empty->arch);
    assert_null(empty->os);
    assert_null(empty->os_features);
    assert_null(koc__platform_dup(NULL));
}

KOC_TEST(platform_refuses_other_json)
{
    static const char *const texts[] = {"[]",
                                        "{\"os\":1}",
                                        "{\"os.features\":\"x\"}",
                                        "{\"os.features\":[1]}",
                                        "{\"os.features\":{\"a\":\"b\"}}",
                                        "{\"variant\":[]}"};
    for (size_t i = 0; i < KOC__COUNT(texts); i++) {
        KOC__AUTO(koc__json) doc = NULL;
        koc_platform *p = NULL;
        koc_error *err = NULL;
        must(koc__json_parse(koc__str(texts[i]), 4096, "platform", &doc, &err), err);
        int code = koc__platform_read(koc__json_root(doc), &p, &err);
        assert_error(code, &err, KOC_EFORMAT, "the platform");
        assert_null(p);
    }
}

static bool wanted(const char *items, const koc_platform *have)
{
    KOC__AUTO(koc_strlist) list = NULL;
    koc_str rest = koc__str(items);
    koc_str item;
    must(koc__strlist_new(&list, NULL), NULL);
    while (koc__str_split(&rest, ',', &item)) {
        must(koc__strlist_add_n(list, item, NULL), NULL);
    }
    return koc__platform_wanted(list, have);
}

/* spec: ko 9.2 */
KOC_TEST(platform_lists_mean_what_ko_means)
{
    koc_platform amd64 = KOC_PLATFORM_INIT;
    amd64.os = "linux";
    amd64.arch = "amd64";
    koc_platform armv7 = amd64;
    armv7.arch = "arm";
    armv7.variant = "v7";
    koc_platform win = amd64;
    win.os = "windows";
    win.os_version = "10.0.20348.1234";
    koc_platform unknown = amd64;
    unknown.os = "unknown";
    unknown.arch = "unknown";

    assert_true(wanted("all", &amd64));
    assert_true(wanted("all", NULL));
    assert_false(wanted("all", &unknown));
    assert_false(wanted("linux/amd64,all", &armv7));
    assert_false(wanted("linux/amd64", NULL));
    assert_false(wanted("", &amd64));
    assert_true(wanted("linux/arm64, linux/amd64 ", &amd64));
    assert_true(wanted("linux", &armv7));
    assert_true(wanted("/arm", &armv7));
    assert_true(wanted("linux/arm/v7", &armv7));
    assert_false(wanted("linux/arm/v6", &armv7));
    assert_false(wanted("linux/amd64/v2", &amd64));
    assert_true(wanted("windows/amd64:10.0.20348", &win));
    assert_true(wanted("windows/amd64:10.0.20348.1234", &win));
    assert_false(wanted("windows/amd64:10.0", &win));
    assert_false(wanted("windows/amd64:10.0.2034", &win));
    assert_false(wanted("/amd64:10.0.20348", &win));
    assert_false(wanted("linux/amd64/a/b", &amd64));
    win.os_version = NULL;
    assert_false(wanted("windows/amd64:10.0.20348", &win));
}

KOC_TEST(platform_matching_knows_the_default_variants)
{
    koc_platform have = KOC_PLATFORM_INIT;
    koc_platform want = KOC_PLATFORM_INIT;
    have.os = "linux";
    have.arch = "arm64";
    want = have;
    assert_true(koc_platform_matches(&want, &have));
    want.variant = "v8";
    assert_true(koc_platform_matches(&want, &have));
    want.variant = "v9";
    assert_false(koc_platform_matches(&want, &have));
    want.variant = NULL;
    have.variant = "v8";
    assert_true(koc_platform_matches(&want, &have));
    want.arch = "arm";
    want.variant = "v7";
    have.arch = "arm";
    have.variant = NULL;
    assert_true(koc_platform_matches(&want, &have));
    have.variant = "v6";
    assert_false(koc_platform_matches(&want, &have));
    assert_false(koc_platform_matches(NULL, &have));
    assert_false(koc_platform_matches(&want, NULL));
    have.os = "unknown";
    want = have;
    assert_false(koc_platform_matches(&want, &have));
    assert_true(koc__platform_is_unknown(&have));
}

KOC_TEST(platform_features_must_all_be_there)
{
    static const char *const two[] = {"a", "b", NULL};
    static const char *const one[] = {"b", NULL};
    koc_platform have = KOC_PLATFORM_INIT;
    koc_platform want = KOC_PLATFORM_INIT;
    have.os_features = two;
    want.os_features = one;
    assert_true(koc_platform_matches(&want, &have));
    assert_false(koc_platform_matches(&have, &want));
    want.os_features = NULL;
    assert_true(koc_platform_matches(&want, &have));
    assert_false(koc_platform_matches(&have, &want));
}

/* As containerd's platforms.Normalize spells them. */
KOC_TEST(platform_spellings)
{
    static const struct {
        const char *given, *spelled;
    } rows[] = {
        {"linux/amd64", "linux/amd64"},
        {"linux/x86_64", "linux/amd64"},
        {"linux/x86-64", "linux/amd64"},
        {"Linux/AMD64", "linux/amd64"},
        {"LINUX/X86_64", "linux/amd64"},
        {"linux/amd64/v1", "linux/amd64/v1"},
        {"linux/amd64/V3", "linux/amd64/v3"},
        {"linux/amd64/2", "linux/amd64/v2"},
        {"linux/aarch64", "linux/arm64"},
        {"linux/AArch64", "linux/arm64"},
        {"linux/arm64/8", "linux/arm64/v8"},
        {"linux/arm64/v8.0", "linux/arm64/v8"},
        {"linux/arm64/8.0", "linux/arm64/v8"},
        {"linux/arm64/9", "linux/arm64/v9"},
        {"linux/armhf", "linux/arm/v7"},
        {"linux/armel", "linux/arm/v6"},
        {"linux/arm", "linux/arm"},
        {"linux/arm/7", "linux/arm/v7"},
        {"linux/arm/V6", "linux/arm/v6"},
        {"linux/i386", "linux/386"},
        {"macos/arm64", "darwin/arm64"},
        {"macOS/aarch64", "darwin/arm64"},
        {"windows/x86_64:10.0.20348", "windows/amd64:10.0.20348"},
        {"wasi/wasm", "wasi/wasm"},
        {"linux/arm64/new", "linux/arm64/new"},
    };
    for (size_t i = 0; i < KOC__COUNT(rows); i++) {
        koc_buf storage = KOC_BUF_INIT, text = KOC_BUF_INIT;
        koc_platform p = KOC_PLATFORM_INIT;
        koc_error *err = NULL;
        must(koc_platform_parse(rows[i].given, &storage, &p, &err), err);
        must(koc_platform_format(&p, &text, &err), err);
        assert_string_equal(text.ptr, rows[i].spelled);
        koc_buf_dispose(&storage);
        koc_buf_dispose(&text);
    }
}

/* Spelled one way or another, by the flag or by the index; and a variant that is not named is the usual one. */
KOC_TEST(platform_spellings_match)
{
    static const struct {
        const char *want;
        koc_platform have;
        bool match;
    } rows[] = {
#define HAVE(arch, variant) {sizeof(koc_platform), 0, "linux", arch, variant, NULL, NULL}
        {"linux/arm64/v8", HAVE("arm64", NULL), true},
        {"linux/arm64", HAVE("arm64", "v8"), true},
        {"linux/aarch64", HAVE("arm64", "v8"), true},
        {"linux/arm64/v8", HAVE("aarch64", NULL), true},
        {"linux/arm64/v9", HAVE("arm64", NULL), false},
        {"linux/arm64/v8", HAVE("arm64", "v9"), false},
        {"linux/x86_64", HAVE("amd64", NULL), true},
        {"linux/amd64", HAVE("x86_64", NULL), true},
        {"linux/amd64/v1", HAVE("amd64", NULL), true},
        {"linux/amd64/v2", HAVE("amd64", NULL), false},
        {"linux/amd64/v1", HAVE("amd64", "v2"), false},
        {"linux/amd64", HAVE("amd64", "v1"), true},
        {"linux/arm/v7", HAVE("arm", NULL), true},
        {"linux/arm", HAVE("arm", "v6"), true},
        {"linux/armhf", HAVE("arm", "7"), true},
        {"linux/armhf", HAVE("arm", "v6"), false},
        {"linux/arm/v7", HAVE("armhf", NULL), true},
        {"linux/armel", HAVE("arm", "v6"), true},
        {"linux/386", HAVE("i386", NULL), true},
        {"linux/amd64", HAVE("arm64", NULL), false},
        {"LINUX/ARM64", HAVE("ARM64", "V8"), true},
#undef HAVE
    };
    for (size_t i = 0; i < KOC__COUNT(rows); i++) {
        koc_buf storage = KOC_BUF_INIT;
        koc_platform want = KOC_PLATFORM_INIT;
        koc_error *err = NULL;
        koc_strlist *list = NULL;
        must(koc_platform_parse(rows[i].want, &storage, &want, &err), err);
        assert_int_equal(koc_platform_matches(&want, &rows[i].have), rows[i].match);
        must(koc__strlist_new(&list, &err), err);
        must(koc__strlist_add(list, rows[i].want, &err), err);
        assert_int_equal(koc__platform_wanted(list, &rows[i].have), rows[i].match);
        koc_strlist_free(list);
        koc_buf_dispose(&storage);
    }
}

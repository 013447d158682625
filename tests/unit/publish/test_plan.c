/* What options and environment become, what is rejected before any work, and which platforms of a base are chosen. */
#include "store/helper.h"

#include <koc/ext/publish.h>

#include "publish/publish.h"

#undef setenv

static const char *const variables[] = {"KO_DOCKER_REPO",
                                        "KO_DEFAULTPLATFORMS",
                                        "KO_DEFAULTBASEIMAGE",
                                        "KO_CONFIG_PATH",
                                        "COSIGN_REPOSITORY",
                                        "GOOS",
                                        "GOARCH",
                                        "GOARM",
                                        "SOURCE_DATE_EPOCH",
                                        "KO_DATA_DATE_EPOCH"};

/* An empty directory, and nothing set that a plan reads. */
static void begin(void)
{
    for (size_t i = 0; i < KOC__COUNT(variables); i++) {
        unsetenv(variables[i]);
    }
    setenv("XDG_DATA_HOME", koc_test_path("data"), 1);
    assert_int_equal(chdir(koc_test_dir()), 0);
}

static koc__plan *plan_of(koc_ctx *ctx, const koc_publish_options *o)
{
    koc__plan *p = NULL;
    koc_error *err = NULL;
    ok(koc__plan_new(ctx, o, &p, &err), err);
    return p;
}

static void assert_list(const koc_strlist *list, const char *want)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(4096);
    for (size_t i = 0; i < koc_strlist_count(list); i++) {
        assert_int_equal(
            koc__dynbuf_printf(&text, NULL, "%s%s", i ? " " : "", koc_strlist_get(list, i)),
            KOC_OK);
    }
    assert_string_equal(koc__dynbuf_cstr(&text), want);
}

KOC_TEST(plan_keeps_each_tag_and_platform_once_and_in_order)
{
    const char *const tags[] = {"v2", "v1", "v2", NULL};
    const char *const platforms[] = {"linux/arm64,linux/amd64", "linux/arm64", NULL};
    begin();
    KOC__AUTO(koc_ctx) ctx = context();
    koc_publish_options o = KOC_PUBLISH_OPTIONS_INIT;
    o.repository = "r.example/t/"; /* a slash at the end is tolerated */
    KOC__AUTO(koc__plan) usual = plan_of(ctx, &o);
    assert_list(usual->tags, "latest");
    assert_list(usual->platforms, "linux/amd64");
    assert_true(usual->default_platform);
    assert_string_equal(usual->repository, "r.example/t");
    o.tags = tags;
    o.platforms = platforms;
    KOC__AUTO(koc__plan) asked = plan_of(ctx, &o);
    assert_list(asked->tags, "v2 v1");
    assert_list(asked->platforms, "linux/arm64 linux/amd64");
    assert_false(asked->default_platform);
}

KOC_TEST(plan_chooses_the_destinations)
{
    const struct {
        const char *repository, *layout, *tarball, *into;
        uint32_t flags;
        bool to_registry;
        const char *layout_path; /* "data": the default one */
        koc__local_kind local;
    } cases[] = {
        {"r.example/t", NULL, NULL, NULL, 0, true, NULL, KOC__LOCAL_NONE},
        {"docker://r.example/t", NULL, NULL, NULL, 0, true, NULL, KOC__LOCAL_NONE},
        {"r.example/t", "out", NULL, NULL, 0, true, "out", KOC__LOCAL_NONE},
        {"r.example/t", "out", NULL, NULL, KOC_PUBLISH_NO_PUSH, false, "out", KOC__LOCAL_NONE},
        {"r.example/t", NULL, NULL, NULL, KOC_PUBLISH_NO_PUSH, false, NULL, KOC__LOCAL_NONE},
        {NULL, NULL, NULL, NULL, KOC_PUBLISH_DEFAULT_LAYOUT, false, "data", KOC__LOCAL_NONE},
        {NULL, NULL, "a.tar", NULL, KOC_PUBLISH_DEFAULT_LAYOUT, false, NULL, KOC__LOCAL_NONE},
        {NULL, NULL, NULL, NULL, KOC_PUBLISH_NO_PUSH, false, NULL, KOC__LOCAL_NONE},
        {"ko.local", "out", NULL, NULL, 0, false, NULL, KOC__LOCAL_DOCKER},
        {"r.example/t", NULL, NULL, "docker", 0, false, NULL, KOC__LOCAL_DOCKER},
    };
    begin();
    KOC__AUTO(koc_ctx) ctx = context();
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_publish_options o = KOC_PUBLISH_OPTIONS_INIT;
        o.repository = cases[i].repository;
        o.oci_layout_path = cases[i].layout;
        o.tarball = cases[i].tarball;
        o.into = cases[i].into;
        o.flags = cases[i].flags;
        KOC__AUTO(koc__plan) p = plan_of(ctx, &o);
        const char *want = koc__streq(cases[i].layout_path, "data")
                               ? koc_test_path("data/koc/images")
                               : cases[i].layout_path;
        if (p->to_registry != cases[i].to_registry || !koc__streq(p->layout_path, want) ||
            p->local_kind != cases[i].local) {
            fail_msg("case %zu: registry %d, layout %s, local %d", i, p->to_registry,
                     p->layout_path ? p->layout_path : "NULL", (int)p->local_kind);
        }
    }
}

KOC_TEST(plan_is_rejected_before_any_work)
{
    const char *const empty[] = {"", NULL}, *const two[] = {"a", "b", NULL},
                      *const latest[] = {"latest", NULL}, *const bad[] = {"-x", NULL},
                      *const none[] = {NULL}, *const pair[] = {"no pair", NULL},
                      *const wasi[] = {"wasi/wasm", NULL}, *const spelled[] = {"a/b/c/d", NULL};
    const uint32_t tag_only = KOC_PUBLISH_TAG_ONLY, offline = KOC_PUBLISH_OFFLINE;
    const struct {
        koc_publish_options o;
        const char *option; /* NULL: the error is about the environment */
        const char *message;
    } cases[] = {
        {{.tags = empty}, "tags", "an empty tag"},
        {{.tags = none}, "tags", "no tag given"},
        {{.tags = bad}, "tags", "\"-x\" is not a tag"},
        {{.tags = two, .flags = tag_only}, "tag_only", "exactly one tag is needed, 2 are given"},
        {{.tags = latest, .flags = tag_only}, "tag_only", "\"latest\" names no version"},
        {{.labels = pair}, "labels", "\"no pair\" is not key=value"},
        {{.annotations = pair}, "annotations", "\"no pair\" is not key=value"},
        {{.platforms = wasi}, "platforms", "wasi/wasm is not a platform of Go"},
        {{.platforms = spelled}, "platforms", "is not a platform"},
        {{.base_image = "UPPER"}, "base_image", "lower case"},
        {{.base_image = "oci:"}, "base_image", "there is no path in it"},
        {{.base_image = "oci-archive:b.tar"}, "base_image", "oci-archive: names a file"},
        {{.jobs = -1}, "jobs", "-1 is negative"},
        {{.flags = offline}, "offline", "cannot push to r.example/t"},
        {{.into = "moon"}, "into", "\"moon\" is not docker"},
        {{.sbom_dir = "file"}, "sbom_dir", "file is a file"},
        {{.repository = "r.example/T"}, NULL, "KO_DOCKER_REPO"},
        {{.repository = "docker.io"}, NULL, "without a namespace"},
        {{.repository = ""}, NULL, "no destination: KO_DOCKER_REPO is not set"},
    };
    begin();
    koc_test_write("file", "", 0);
    KOC__AUTO(koc_ctx) ctx = context();
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_publish_options o = cases[i].o;
        koc__plan *p = NULL;
        KOC__AUTO(koc_error) err = NULL;
        o.struct_size = sizeof(o);
        o.repository = o.repository ? o.repository : "r.example/t";
        if (koc__plan_new(ctx, &o, &p, &err) != KOC_EINVAL) {
            koc__plan_free(p);
            fail_msg("case %zu: %s", i, err ? koc_error_message(err) : "no error");
        }
        const char *option = koc_error_option(err);
        if (!strstr(koc_error_message(err), cases[i].message) ||
            !koc__streq(option && *option ? option : NULL, cases[i].option)) {
            fail_msg("case %zu: option %s: %s", i, option ? option : "NULL",
                     koc_error_message(err));
        }
        assert_null(p);
    }
}

/* --- platforms of a base --- */

/* A layout with an index for linux/amd64 and linux/arm64, and a single image. */
static void write_bases(koc_ctx *ctx)
{
    static const char *const text[] = {"one", NULL};
    KOC__AUTO(koc_image) amd64 = image(ctx, "amd64", KOC_COMPRESS_GZIP, text);
    KOC__AUTO(koc_image) arm64 = image(ctx, "arm64", KOC_COMPRESS_GZIP, text);
    KOC__AUTO(koc_index_builder) b = NULL;
    KOC__AUTO(koc_index) index = NULL;
    KOC__AUTO(koc_layout) l = NULL;
    koc_error *err = NULL;
    ok(koc_index_builder_new(ctx, KOC_FORMAT_OCI, &b, &err), err);
    ok(koc_index_builder_add_image(b, amd64, NULL, &err), err);
    ok(koc_index_builder_add_image(b, arm64, NULL, &err), err);
    ok(koc_index_builder_finish(b, &index, &err), err);
    ok(koc_layout_open(ctx, "bases", KOC_LAYOUT_CREATE, &l, &err), err);
    ok(koc__layout_put_index(l, index, "index", NULL, &err), err);
    ok(koc_layout_put_image(l, arm64, "single", NULL, &err), err);
}

KOC_TEST(base_gives_the_platforms_that_are_wanted)
{
    const struct {
        const char *base, *platforms, *have, *message;
    } cases[] = {
        {"oci:bases:index", "all", "linux/amd64 linux/arm64", NULL},
        {"oci:bases:index", "linux/arm64", "linux/arm64", NULL},
        {"oci:bases:index", "linux", "linux/amd64 linux/arm64", NULL},
        {"oci:bases:index", "linux/arm64,linux/amd64", "linux/amd64 linux/arm64", NULL},
        {"oci:bases:index", "linux/s390x", NULL,
         "base image oci:bases:index: it has no linux/s390x (it has linux/amd64, linux/arm64)"},
        {"oci:bases:single", "all", "linux/arm64", NULL},
        {"oci:bases:single", "linux/amd64", NULL,
         "base image oci:bases:single: it has no linux/amd64 (it has linux/arm64)"},
        {"oci:bases:none", "all", NULL, "it has no none (it has index, single)"},
        {"oci:nowhere", "all", NULL, "base image oci:nowhere: "},
        {"scratch", "linux/riscv64,windows/amd64", "linux/riscv64 windows/amd64", NULL},
        {"scratch", "all", NULL, "the base scratch has no list of platforms"},
        {"scratch", "linux", NULL, "\"linux\" lacks the os or the architecture"},
    };
    begin();
    KOC__AUTO(koc_ctx) ctx = context();
    write_bases(ctx);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        const char *const platforms[] = {cases[i].platforms, NULL};
        koc_publish_options o = KOC_PUBLISH_OPTIONS_INIT;
        o.repository = "r.example/t";
        o.base_image = cases[i].base;
        o.platforms = platforms;
        KOC__AUTO(koc__plan) p = plan_of(ctx, &o);
        KOC__AUTO(koc__base) b = NULL;
        KOC__AUTO(koc_error) err = NULL;
        KOC__AUTO(koc_strlist) have = NULL;
        assert_int_equal(koc__base_of(p, "example.com/app", &b, NULL), KOC_OK);
        assert_false(koc__base_is_remote(b));
        int rc = koc__base_open(p, b, NULL, &err);
        if (cases[i].message) {
            assert_int_not_equal(rc, KOC_OK);
            if (!strstr(koc_error_message(err), cases[i].message)) {
                fail_msg("case %zu: %s", i, koc_error_message(err));
            }
            continue;
        }
        ok(rc, err);
        assert_int_equal(koc__strlist_new(&have, NULL), KOC_OK);
        for (size_t k = 0; k < b->n_items; k++) {
            KOC__AUTO_STR text = koc__platform_str(b->items[k].platform);
            assert_int_equal(koc__strlist_add(have, text, NULL), KOC_OK);
        }
        assert_list(have, cases[i].have);
    }
}

KOC_TEST(base_is_of_the_kind_that_its_text_names)
{
    static const struct {
        const char *text, *name;
        int kind;
    } cases[] = {
        {"scratch", "scratch", KOC__BASE_SCRATCH},
        {"ko.local/app", "ko.local/app", KOC__BASE_DAEMON},
        {"ko.locals/app", "ko.locals/app", KOC__BASE_REMOTE},
        {"kind.local/app", "kind.local/app", KOC__BASE_REMOTE},
        {"r.example/base:1", "r.example/base:1", KOC__BASE_REMOTE},
        {"docker://r.example/base:1", "r.example/base:1", KOC__BASE_REMOTE},
        {"oci:bases:one", "oci:bases:one", KOC__BASE_FILE},
        {"docker-archive:b.tar", "docker-archive:b.tar", KOC__BASE_FILE},
    };
    begin();
    KOC__AUTO(koc_ctx) ctx = context();
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_publish_options o = KOC_PUBLISH_OPTIONS_INIT;
        o.repository = "r.example/t";
        o.base_image = cases[i].text;
        KOC__AUTO(koc__plan) p = plan_of(ctx, &o);
        KOC__AUTO(koc__base) b = NULL;
        assert_int_equal(koc__base_of(p, "example.com/app", &b, NULL), KOC_OK);
        assert_string_equal(b->name, cases[i].name);
        if ((int)b->kind != cases[i].kind) {
            fail_msg("%s: kind %d", cases[i].text, (int)b->kind);
        }
    }
}

KOC_TEST(pairs_are_cut_at_their_first_sign)
{
    const char *const labels[] = {"a=b=c", "d=", NULL}, *const annotations[] = {"x=y=z==", NULL};
    begin();
    KOC__AUTO(koc_ctx) ctx = context();
    koc_publish_options o = KOC_PUBLISH_OPTIONS_INIT;
    o.repository = "r.example/t";
    o.labels = labels;
    o.annotations = annotations;
    KOC__AUTO(koc__plan) p = plan_of(ctx, &o);
    assert_int_equal(p->n_labels, 2);
    assert_string_equal(p->labels[0].key, "a");
    assert_string_equal(p->labels[0].value, "b=c");
    assert_string_equal(p->labels[1].value, "");
    assert_int_equal(p->n_annotations, 1);
    assert_string_equal(p->annotations[0].value, "y=z==");
}

KOC_TEST(platforms_of_the_options_replace_those_of_the_settings)
{
    static const char config[] = "defaultPlatforms:\n- linux/s390x\n- linux/riscv64\n";
    const char *const one[] = {"linux/arm64", NULL};
    begin();
    koc_test_write(".ko.yaml", config, sizeof(config) - 1);
    KOC__AUTO(koc_ctx) ctx = context();
    koc_publish_options o = KOC_PUBLISH_OPTIONS_INIT;
    o.repository = "r.example/t";
    KOC__AUTO(koc__plan) usual = plan_of(ctx, &o);
    assert_list(usual->platforms, "linux/s390x linux/riscv64");
    o.platforms = one;
    KOC__AUTO(koc__plan) asked = plan_of(ctx, &o);
    assert_list(asked->platforms, "linux/arm64");
}

/* The JSON report of a build and its timings. */
#include "store/helper.h"

#include "publish/publish.h"

static const char *text_at(const koc__json *doc, const char *pointer)
{
    return koc__json_str(koc__json_at(koc__json_root(doc), pointer));
}

static void assert_text(const koc__json *doc, const char *pointer, const char *want)
{
    const char *have = text_at(doc, pointer);
    if (!koc__streq(have, want)) {
        fail_msg("%s: %s, not %s", pointer, have ? have : "NULL", want ? want : "NULL");
    }
}

static void assert_number(const koc__json *doc, const char *pointer, uint64_t want)
{
    uint64_t have = 0;
    assert_true(koc__json_u64(koc__json_at(koc__json_root(doc), pointer), &have));
    assert_int_equal(have, want);
}

/* One package, one platform, on scratch. */
typedef struct build {
    koc__plan plan;
    koc__go_target target;
    koc__base base;
    koc__base_item item;
    koc_platform platform;
    koc__go_binary binary;
    koc__unit unit;
    koc__work work;
    koc_image *image;
} build;

static void build_init(build *b, koc_ctx *ctx)
{
    static const char *const layers[] = {"kodata", "binary", NULL};
    static char import_path[] = "example.com/app", base[] = "scratch", name[] = "r.example/app",
                printed[] = "r.example/app@sha256:1", app[] = "the-app";
    *b = (build){0};
    b->image = image(ctx, "arm64", KOC_COMPRESS_GZIP, layers);
    assert_int_equal(koc__strlist_new(&b->plan.tags, NULL), KOC_OK);
    assert_int_equal(koc__strlist_new(&b->plan.warnings, NULL), KOC_OK);
    assert_int_equal(koc__strlist_add(b->plan.tags, "v1", NULL), KOC_OK);
    assert_int_equal(koc__strlist_add(b->plan.warnings, "careful", NULL), KOC_OK);
    b->plan.times.build = 7000;
    b->target.import_path = import_path;
    b->base.name = base;
    b->base.kind = KOC__BASE_SCRATCH;
    b->platform = (koc_platform)KOC_PLATFORM_INIT;
    b->platform.os = "linux";
    b->platform.arch = "arm64";
    b->item.platform = &b->platform;
    b->binary.go_skipped = true;
    b->unit = (koc__unit){.work = &b->work, .on = &b->item, .binary = &b->binary};
    b->unit.unchanged = true;
    b->unit.image = b->image;
    b->unit.kodata = (koc_layer *)(uintptr_t)koc_image_layer(b->image, 0);
    b->unit.app = (koc_layer *)(uintptr_t)koc_image_layer(b->image, 1);
    b->work = (koc__work){.plan = &b->plan, .target = &b->target, .base = &b->base};
    b->work.units = &b->unit;
    b->work.n_units = 1;
    b->work.name = name;
    b->work.printed = printed;
    b->work.pushed.bytes_sent = 42;
    b->work.app = app;
    b->work.build_ms = 5;
    b->work.push_ms = 9;
}

static void build_dispose(build *b)
{
    koc_image_unref(b->image);
    koc_strlist_free(b->plan.tags);
    koc_strlist_free(b->plan.warnings);
}
KOC__DEFINE_AUTO_VAL(build, build_dispose);

static koc__json *report_of(const build *b)
{
    KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    koc__json *doc = NULL;
    assert_int_equal(koc__report(&b->plan, &b->work, 1, 12, &text, NULL), KOC_OK);
    assert_int_equal(
        koc__json_parse(koc__str_n(text.ptr, text.len), TEST_MAX, "report", &doc, NULL), KOC_OK);
    return doc;
}

KOC_TEST(report_names_images_layers_and_times)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO_VAL(build) b;
    build_init(&b, ctx);
    KOC__AUTO(koc__json) doc = report_of(&b);
    const koc__digest_text digest = koc__digest_str(&koc_image_descriptor(b.image)->digest);
    assert_text(doc, "/schema", "koc-build-1");
    assert_number(doc, "/totalMs", 12);
    assert_number(doc, "/timings/buildUs", 7);
    assert_text(doc, "/results/0/importPath", "example.com/app");
    assert_text(doc, "/results/0/reference", "r.example/app@sha256:1");
    assert_text(doc, "/results/0/repository", "r.example/app");
    assert_text(doc, "/results/0/digest", digest.s);
    assert_text(doc, "/results/0/tags/0", "v1");
    assert_text(doc, "/results/0/base/name", "scratch");
    assert_null(koc__json_at(koc__json_root(doc), "/results/0/base/digest"));
    assert_text(doc, "/results/0/images/0/platform", "linux/arm64");
    assert_text(doc, "/results/0/images/0/digest", digest.s);
    assert_text(doc, "/results/0/images/0/layers/0/content", "kodata");
    assert_text(doc, "/results/0/images/0/layers/1/content", "binary");
    assert_text(doc, "/results/0/images/0/layers/1/digest",
                koc__digest_str(&koc_layer_descriptor(b.unit.app)->digest).s);
    assert_number(doc, "/results/0/push/bytesSent", 42);
    assert_number(doc, "/results/0/timings/pushMs", 9);
    assert_text(doc, "/warnings/0", "careful");
    const koc__jnode *root = koc__json_root(doc);
    assert_false(koc__json_true(koc__json_at(root, "/results/0/images/0/compiled")));
    assert_false(koc__json_true(koc__json_at(root, "/results/0/images/0/goStarted")));
    b.unit.unchanged = b.binary.go_skipped = false;
    KOC__AUTO(koc__json) linked = report_of(&b);
    root = koc__json_root(linked);
    assert_true(koc__json_true(koc__json_at(root, "/results/0/images/0/compiled")));
    assert_true(koc__json_true(koc__json_at(root, "/results/0/images/0/goStarted")));
}

KOC_TEST(report_has_a_word_for_each_state)
{
    const struct {
        koc__work_state state;
        const char *word;
    } cases[] = {{KOC__WORK_BUILT, "built"},
                 {KOC__WORK_PUSHED, "pushed"},
                 {KOC__WORK_UNCHANGED, "unchanged"},
                 {KOC__WORK_WRITTEN, "written"},
                 {KOC__WORK_LOADED, "loaded"}};
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO_VAL(build) b;
    build_init(&b, ctx);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        b.work.state = cases[i].state;
        KOC__AUTO(koc__json) doc = report_of(&b);
        assert_text(doc, "/results/0/state", cases[i].word);
    }
}

KOC_TEST(timings_say_what_go_did)
{
    const struct {
        bool unchanged, go_skipped;
        const char *words;
    } cases[] = {{true, true, "no input changed"},
                 {true, false, "go had nothing to do"},
                 {false, false, "linked"}};
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO_VAL(build) b;
    build_init(&b, ctx);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
        b.unit.unchanged = cases[i].unchanged;
        b.binary.go_skipped = cases[i].go_skipped;
        assert_int_equal(koc__timings_text(&b.plan, &b.work, 1, &text, NULL), KOC_OK);
        assert_non_null(strstr(text.ptr, cases[i].words));
        assert_non_null(strstr(text.ptr, "  the-app: go 5 ms ("));
    }
}

/* Choices without a build: the platform that is loaded, debuggers, settings in effect, the paths of a build. */
#include "store/helper.h"

#include <koc/ext/publish.h>

#include "publish/publish.h"
#include "served.h"

#undef setenv

typedef struct fixture {
    koc__plan plan;
    koc__go_settings settings;
    koc__go_target target;
    koc__base base;
    koc__base_item items[3];
    koc_platform platforms[3];
    koc__go_binary binaries[3];
    koc__unit units[3];
    koc__work work;
} fixture;

static void fixture_init(fixture *f, const char *const (*on)[3], size_t n)
{
    static char app[] = "app", import_path[] = "example.com/app", dir[] = "/src/app";
    memset(f, 0, sizeof(*f));
    assert_int_equal(koc__strlist_new(&f->plan.warnings, NULL), KOC_OK);
    f->plan.settings = &f->settings;
    f->target = (koc__go_target){.import_path = import_path, .package_dir = dir};
    f->work = (koc__work){.plan = &f->plan, .target = &f->target, .base = &f->base, .app = app};
    f->work.units = f->units;
    f->work.n_units = n;
    for (size_t i = 0; i < n; i++) {
        f->platforms[i] = (koc_platform)KOC_PLATFORM_INIT;
        f->platforms[i].os = on[i][0];
        f->platforms[i].arch = on[i][1];
        f->platforms[i].variant = on[i][2];
        f->items[i].platform = &f->platforms[i];
        f->units[i] = (koc__unit){.work = &f->work, .on = &f->items[i], .binary = &f->binaries[i]};
    }
}

static void fixture_dispose(fixture *f)
{
    koc_strlist_free(f->plan.warnings);
    for (size_t i = 0; i < 3; i++) {
        koc_strlist_free(f->binaries[i].inputs);
    }
}
KOC__DEFINE_AUTO_VAL(fixture, fixture_dispose);

static const char *const three[][3] = {
    {"linux", "amd64", NULL}, {"linux", "arm", "v7"}, {"windows", "arm64", NULL}};

KOC_TEST(debugger_is_for_linux_on_two_architectures)
{
    const char *const on[][3] = {
        {"linux", "arm64", NULL}, {"linux", "s390x", NULL}, {"windows", "amd64", NULL}};
    KOC__AUTO_VAL(fixture) f = {0};
    fixture_init(&f, on, 3);
    assert_false(koc__debug_supports(&f.plan, &f.platforms[0]));
    assert_int_equal(koc__debug_warn(&f.plan, &f.work, 1, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(f.plan.warnings), 0);
    f.plan.debug = true;
    assert_true(koc__debug_supports(&f.plan, &f.platforms[0]));
    assert_true(koc__debug_supports(&f.plan, &(koc_platform){.os = "linux", .arch = "amd64"}));
    assert_false(koc__debug_supports(&f.plan, &f.platforms[1]));
    assert_false(koc__debug_supports(&f.plan, &f.platforms[2]));
    koc__work twice[2] = {f.work, f.work}; /* each platform is named once */
    assert_int_equal(koc__debug_warn(&f.plan, twice, 2, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(f.plan.warnings), 2);
    assert_non_null(strstr(koc_strlist_get(f.plan.warnings, 0), "no debugger for linux/s390x "));
    assert_non_null(strstr(koc_strlist_get(f.plan.warnings, 1), "no debugger for windows/amd64 "));
    koc__go_binary *none = NULL;
    assert_int_equal(koc__debug_build(&f.plan, &f.platforms[1], NULL, &none, NULL), KOC_OK);
    assert_null(none);
}

/* --- what was read --- */

static void assert_paths(const koc_strlist *paths, const char *const *want)
{
    size_t n = 0;
    for (; want[n]; n++) {
        const char *have = koc_strlist_get(paths, n);
        if (!koc__streq(have, want[n])) {
            fail_msg("%zu: %s, not %s", n, have ? have : "NULL", want[n]);
        }
    }
    assert_int_equal(koc_strlist_count(paths), n);
}

KOC_TEST(paths_of_a_build_are_settings_kodata_and_inputs_once_each)
{
    static char config[] = "/src/.ko.yaml";
    KOC__AUTO_VAL(fixture) f = {0};
    KOC__AUTO(koc_strlist) paths = NULL;
    fixture_init(&f, three, 2);
    f.settings.path = config;
    for (size_t i = 0; i < 2; i++) {
        f.binaries[i].inputs_known = true;
        assert_int_equal(koc__strlist_new(&f.binaries[i].inputs, NULL), KOC_OK);
        assert_int_equal(koc__strlist_add(f.binaries[i].inputs, "/src/go.mod", NULL), KOC_OK);
    }
    assert_int_equal(koc__strlist_add(f.binaries[1].inputs, "/src/arm.go", NULL), KOC_OK);
    assert_int_equal(koc__published_paths(&f.plan, &f.work, 1, &paths, NULL), KOC_OK);
    const char *const want[] = {config, "/src/app/kodata/", "/src/go.mod", "/src/arm.go", NULL};
    assert_paths(paths, want);
}

KOC_TEST(paths_of_a_build_name_the_settings_that_could_appear)
{
    KOC__AUTO_VAL(fixture) f = {0};
    KOC__AUTO(koc_strlist) paths = NULL;
    assert_int_equal(chdir(koc_test_dir()), 0);
    fixture_init(&f, three, 1);
    f.binaries[0].inputs_known = true;
    assert_int_equal(koc__published_paths(&f.plan, &f.work, 1, &paths, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(paths), 5);
    assert_string_equal(koc_strlist_get(paths, 0), koc_test_path(".ko.json"));
    assert_string_equal(koc_strlist_get(paths, 3), koc_test_path(".ko.yml"));
}

KOC_TEST(paths_of_a_build_are_not_known_unless_all_are)
{
    KOC__AUTO_VAL(fixture) f = {0};
    KOC__AUTO(koc_strlist) paths = NULL;
    fixture_init(&f, three, 2);
    f.binaries[0].inputs_known = true;
    assert_int_equal(koc__published_paths(&f.plan, &f.work, 1, &paths, NULL), KOC_OK);
    assert_null(paths);
    f.binaries[1].inputs_known = true;
    f.target.package_dir = NULL;
    assert_int_equal(koc__published_paths(&f.plan, &f.work, 1, &paths, NULL), KOC_OK);
    assert_null(paths);
}

/* --- what the target has --- */

KOC_TEST(target_has_an_image_only_if_no_go_ran_since)
{
    static const char *const text[] = {"one", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, text);
    KOC__AUTO_VAL(fixture) f = {0};
    koc_digest other, sbom;
    fixture_init(&f, three, 2);
    koc__sha256_of("x", 1, &other);
    koc__sha256_of("s", 1, &sbom);
    f.units[0].image = img;
    f.binaries[0].go_skipped = f.binaries[1].go_skipped = true;
    const koc_digest digest = koc_image_descriptor(img)->digest;
    const koc__target_state has = {
        .has_image = true, .has_sbom = true, .image = digest, .sbom = sbom};
    f.work.target_state = has;
    assert_true(koc__target_has_image(&f.work));
    assert_true(koc__target_has_sbom(&f.work, &digest, &sbom));
    assert_false(koc__target_has_sbom(&f.work, &other, &sbom));
    assert_false(koc__target_has_sbom(&f.work, &digest, &other));
    f.binaries[1].go_skipped = false;
    assert_false(koc__target_has_image(&f.work));
    assert_false(koc__target_has_sbom(&f.work, &digest, &sbom));
    f.binaries[1].go_skipped = true;
    f.work.target_state.has_image = f.work.target_state.has_sbom = false;
    assert_false(koc__target_has_image(&f.work));
    assert_false(koc__target_has_sbom(&f.work, &digest, &sbom));
    f.work.target_state = has;
    f.work.target_state.image = other;
    assert_false(koc__target_has_image(&f.work));
}

/* "v1" and "v2" of an image in a registry. */
static void tag_image(koc_ctx *ctx, koc_client *client, const char *host, const char *tag,
                      const char *content)
{
    const char *const text[] = {content, NULL};
    KOC__AUTO(koc_image) img = image(ctx, "amd64", KOC_COMPRESS_GZIP, text);
    KOC__AUTO(koc_reference) ref = NULL;
    koc_error *err = NULL;
    char name[128];
    snprintf(name, sizeof(name), "%s/app:%s", host, tag);
    ok(koc_reference_parse(name, 0, &ref, &err), err);
    ok(koc_client_push_image(client, ref, img, NULL, NULL, NULL, &err), err);
}

KOC_TEST(target_has_an_image_if_all_tags_name_it)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO_VAL(fixture) f = {0};
    koc_client *client = NULL;
    koc_error *err = NULL;
    char name[128];
    const char *host = serve_begin(0);
    snprintf(name, sizeof(name), "%s/app", host);
    ok(koc_client_new(ctx, NULL, &client, &err), err);
    fixture_init(&f, three, 1);
    f.plan.client = client;
    f.plan.o.sbom = KOC_SBOM_NONE;
    f.work.name = name;
    assert_int_equal(koc__strlist_new(&f.plan.tags, NULL), KOC_OK);
    assert_int_equal(koc__strlist_add(f.plan.tags, "v1", NULL), KOC_OK);
    assert_int_equal(koc__strlist_add(f.plan.tags, "v2", NULL), KOC_OK);
    static const struct {
        const char *tag, *content;
        bool has, lacks;
    } steps[] = {{NULL, NULL, false, true},
                 {"v1", "one", false, true},
                 {"v2", "other", false, false},
                 {"v2", "one", true, false}};
    for (size_t i = 0; i < KOC__COUNT(steps); i++) {
        KOC__AUTO_VAL(koc__call) call = {0};
        if (steps[i].tag) {
            tag_image(ctx, client, host, steps[i].tag, steps[i].content);
        }
        f.work.target_state = (koc__target_state){0};
        ok(koc__call_begin(&call, ctx, NULL, &err), err);
        ok(koc__target_state_fetch(&f.work, &call, &err), err);
        assert_int_equal(f.work.target_state.has_image, steps[i].has);
        assert_int_equal(f.work.target_state.lacks_image, steps[i].lacks);
    }
    koc_strlist_free(f.plan.tags);
    koc_client_unref(client);
    serve_end();
}

/* --- loaders --- */

KOC_TEST(programs_with_a_loader_are_warned_of_on_static_bases)
{
    static char program[] = "/bin/sh";
    static const struct {
        const char *name;
        int kind;
        size_t warnings;
    } cases[] = {
        {"scratch", KOC__BASE_SCRATCH, 1},
        {"gcr.io/distroless/static", KOC__BASE_REMOTE, 1},
        {"gcr.io/distroless/static-debian12:nonroot", KOC__BASE_REMOTE, 1},
        {"gcr.io/distroless/base", KOC__BASE_REMOTE, 0},
        {"r.example/static/app", KOC__BASE_REMOTE, 0},
        {"r.example/statically", KOC__BASE_REMOTE, 0},
    };
    char *loader = NULL;
    if (koc__exe_loader(program, &loader, NULL) != KOC_OK || !loader) {
        skip(); /* this system's shell is static */
    }
    koc__free(loader);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(fixture) f = {0};
        KOC__AUTO_STR name = koc__strdup(cases[i].name);
        fixture_init(&f, three, 1);
        f.base.name = name;
        f.base.kind = cases[i].kind;
        f.binaries[0].path = program;
        assert_int_equal(koc__warn_loaders(&f.plan, &f.work, 1, NULL), KOC_OK);
        if (koc_strlist_count(f.plan.warnings) != cases[i].warnings) {
            fail_msg("%s: %zu warnings", cases[i].name, koc_strlist_count(f.plan.warnings));
        }
    }
}

/* --- settings --- */

static char seen[4096];

static int see(const char *name, const char *value, void *payload)
{
    size_t len = strlen(seen);
    if (strncmp(name, "git", 3) != 0 && strcmp(name, "warning") != 0) {
        snprintf(seen + len, sizeof(seen) - len, "%s=%s\n", name, value);
    }
    return payload && strcmp(name, payload) == 0;
}

KOC_TEST(settings_in_effect_are_those_of_a_build)
{
    static char stop[] = "base";
    static const char *const platforms[] = {"linux/arm64,linux/amd64", NULL};
    koc_publish_options o = KOC_PUBLISH_OPTIONS_INIT;
    KOC__AUTO(koc_ctx) ctx = context();
    koc_error *err = NULL;
    unsetenv("KO_DEFAULTPLATFORMS");
    unsetenv("KO_DEFAULTBASEIMAGE");
    unsetenv("KO_CONFIG_PATH");
    unsetenv("GOOS");
    unsetenv("GOARCH");
    assert_int_equal(chdir(koc_test_dir()), 0);
    static const char config[] =
        "defaultBaseImage: r.example/base\nbaseImageOverrides:\n  a.example/x: r.example/other\n";
    koc_test_write(".ko.yaml", config, strlen(config));
    o.repository = "r.example/t";
    o.platforms = platforms;
    o.oci_layout_path = "out";
    seen[0] = '\0';
    ok(koc_publish_settings(ctx, &o, see, NULL, &err), err);
    assert_string_equal(seen,
                        "config=.ko.yaml\nrepository=r.example/t\nlayout=out\nbase=r.example/base\n"
                        "base=r.example/other\nplatform=linux/arm64\nplatform=linux/amd64\n");
    o.base_image = "scratch"; /* hides the file's */
    o.oci_layout_path = NULL;
    o.platforms = NULL;
    seen[0] = '\0';
    ok(koc_publish_settings(ctx, &o, see, NULL, &err), err);
    assert_string_equal(
        seen, "config=.ko.yaml\nrepository=r.example/t\nbase=scratch\nplatform=linux/amd64\n");
    fails(koc_publish_settings(ctx, &o, see, stop, &err), KOC_EUSER, &err);
    fails(koc_publish_settings(ctx, &o, NULL, NULL, &err), KOC_EMISUSE, &err);
    fails(koc_publish_settings(NULL, &o, see, NULL, &err), KOC_EMISUSE, &err);
    o.repository = "UPPER";
    fails(koc_publish_settings(ctx, &o, see, NULL, &err), KOC_EINVAL, &err);
}

/* --- plans --- */

KOC_TEST(daemon_as_destination_says_what_it_ignores)
{
    const struct {
        koc_publish_options o;
        const char *warning; /* NULL: none */
    } cases[] = {
        {{.into = "docker", .oci_layout_path = "out"},
         "the OCI layout is ignored: images go into the daemon and nowhere else"},
        {{.into = "docker", .tarball = "a.tar"},
         "the archive is ignored: images go into the daemon and nowhere else"},
        {{.into = "kind", .flags = KOC_PUBLISH_NO_PUSH},
         "not to push is ignored: images go into the nodes and nowhere else"},
        {{.into = "docker"}, NULL},
    };
    KOC__AUTO(koc_ctx) ctx = context();
    unsetenv("KO_DOCKER_REPO");
    assert_int_equal(chdir(koc_test_dir()), 0);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO(koc__plan) p = NULL;
        koc_publish_options o = cases[i].o;
        koc_error *err = NULL;
        o.struct_size = sizeof(o);
        ok(koc__plan_new(ctx, &o, &p, &err), err);
        const char *first = koc_strlist_get(p->warnings, 0);
        if (!koc__streq(first, cases[i].warning)) {
            fail_msg("case %zu: %s", i, first ? first : "NULL");
        }
        assert_false(p->to_registry);
        assert_null(p->layout_path);
        assert_null(p->o.tarball);
        assert_string_equal(p->repository, i == 2 ? "kind.local" : "ko.local");
    }
}

KOC_TEST(options_that_do_not_exist_are_misuse)
{
    koc_publish_options o = KOC_PUBLISH_OPTIONS_INIT;
    KOC__AUTO(koc_ctx) ctx = context();
    koc_error *err = NULL;
    koc__plan *p = NULL;
    o.repository = "r.example/t";
    o.sbom = 7;
    fails(koc__plan_new(ctx, &o, &p, &err), KOC_EMISUSE, &err);
    o.sbom = KOC_SBOM_SPDX;
    o.flags = 1u << 31;
    fails(koc__plan_new(ctx, &o, &p, &err), KOC_EMISUSE, &err);
    assert_null(p);
}

KOC_TEST(flags_of_a_plan_reach_go_and_the_client)
{
    static const char *const ldflags[] = {"-s", NULL};
    const uint32_t none = KOC_PUBLISH_NO_PUSH;
    koc_publish_options o = KOC_PUBLISH_OPTIONS_INIT;
    KOC__AUTO(koc_ctx) ctx = context();
    koc_error *err = NULL;
    KOC__AUTO(koc__plan) plain = NULL;
    KOC__AUTO(koc__plan) all = NULL;
    KOC__AUTO(koc__plan) debug = NULL;
    o.flags = none;
    ok(koc__plan_new(ctx, &o, &plain, &err), err);
    assert_false(plain->go.force || plain->go.inputs || plain->go.disable_optimizations ||
                 plain->debug || plain->compat);
    assert_null(plain->go.ldflags);
    o.flags = none | KOC_PUBLISH_FORCE | KOC_PUBLISH_INPUTS | KOC_PUBLISH_DISABLE_OPTIMIZATIONS |
              KOC_PUBLISH_COMPAT_KO;
    o.ldflags = ldflags;
    o.jobs = 3;
    ok(koc__plan_new(ctx, &o, &all, &err), err);
    assert_true(all->go.force && all->go.inputs && all->go.disable_optimizations && all->compat);
    assert_false(all->debug);
    assert_ptr_equal(all->go.ldflags, ldflags);
    assert_int_equal(all->go.jobs, 3);
    o.flags = none | KOC_PUBLISH_DEBUG; /* no debugger without unoptimized code */
    ok(koc__plan_new(ctx, &o, &debug, &err), err);
    assert_true(debug->debug && debug->go.disable_optimizations);
}

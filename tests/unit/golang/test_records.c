/* A record of inputs from one build to the next: when go is started, why, and what koc explain says. */
#include "core/common.h"

#include <unistd.h>

#include "core/str.h"
#include "faketool.h"
#include "golang/golang.h"
#include "gotest.h"
#include "test.h"

#undef setenv

#define APP "example.com/m/app"

static char said[8192]; /* the reasons that were logged */

static void hear(int32_t level, const char *component, const char *message, void *payload)
{
    (void)level;
    (void)payload;
    if (koc__streq(component, "golang")) {
        size_t n = strlen(said);
        snprintf(said + n, sizeof(said) - n, "%s\n", message);
    }
}

static koc_ctx *listening(void)
{
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    koc_ctx *ctx = NULL;
    o.cache_dir = koc_test_path("cache");
    o.log = hear;
    o.log_level = KOC_LOG_INFO;
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_OK);
    return ctx;
}

static void world(void)
{
    fake_begin();
    setenv("GOFLAGS", "-buildvcs=false", 1);
    gotest_write("fake/VERSION", "go1.26.8\n");
    gotest_write("fake/pkg/tool/linux_amd64/compile", "");
    gotest_write("go.mod", "module example.com/m\n");
    gotest_main("app", "app");
    fake_program("app", "a/b/c/d", "path\t" APP "\n");
    const char *dir = koc_test_dir();
    KOC__AUTO_STR json = koc__format(
        "{\n\"Dir\": \"%s/fake/src/runtime\", \"ImportPath\": \"runtime\", \"DepOnly\": true\n}\n"
        "{\n\"Dir\": \"%s/app\", \"ImportPath\": \"" APP
        "\", \"Module\": {\"Main\": true, \"GoMod\": \"%s/go.mod\"}\n}\n",
        dir, dir, dir);
    fake_list(json);
}

static char import_path[] = APP, argument[] = "./app";

static koc__go_binary *build(const koc__go_options *o)
{
    KOC__AUTO(koc_ctx) ctx = listening();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    KOC__AUTO_STR dir = koc__strdup(koc_test_path("app"));
    koc__go_target t = {.argument = argument, .import_path = import_path, .package_dir = dir};
    koc_platform p = KOC_PLATFORM_INIT;
    koc_error *err = NULL;
    p.os = "linux";
    p.arch = "amd64";
    koc__go_job job = {&t, &p, NULL};
    said[0] = '\0';
    (void)fake_runs();
    usleep(120000); /* a tick of the clock */
    if (koc__go_build(ctx, s, &job, 1, o, NULL, &err) != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    return job.binary;
}

/* runs: the commands of go, by their first words. */
static void check_build(const koc__go_options *o, const char *runs, bool skipped,
                        const char *reason)
{
    KOC__AUTO(koc__go_binary) b = build(o);
    char commands[256] = "";
    koc_str rest = koc__str(fake_runs()), line;
    while (rest.len > 0 && koc__str_split(&rest, '\n', &line)) {
        size_t n = strlen(commands);
        snprintf(commands + n, sizeof(commands) - n, "%.*s ", (int)strcspn(line.ptr, " "),
                 line.ptr);
    }
    assert_string_equal(commands, runs);
    assert_int_equal(b->go_skipped, skipped);
    if (reason ? !strstr(said, reason) : *said != '\0') {
        fail_msg("\"%s\" is not in \"%s\"", reason ? reason : "(nothing)", said);
    }
}

/* The first build links, the second makes the record, the third needs no go. */
static void settle(void)
{
    check_build(NULL, "build ", false,
                "go is started for " APP ": no build with these flags and variables is on record");
    check_build(NULL, "build list ", false,
                "the last build linked, so its inputs are not on record");
    check_build(NULL, "", true, NULL);
}

/* The lines of koc explain. */
static const char *explain(const char *goflags)
{
    static char out[4096];
    KOC__AUTO(koc_ctx) ctx = listening();
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO(koc_strlist) lines = NULL;
    setenv("GOFLAGS", goflags, 1);
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    setenv("GOFLAGS", "-buildvcs=false", 1);
    koc__go_target t = {.argument = argument, .import_path = import_path};
    koc_platform p = KOC_PLATFORM_INIT;
    koc_error *err = NULL;
    p.os = "linux";
    p.arch = "amd64";
    setenv("GOFLAGS", goflags, 1);
    assert_int_equal(koc__strlist_new(&lines, NULL), KOC_OK);
    assert_int_equal(koc__call_begin(&call, ctx, NULL, NULL), KOC_OK);
    int rc = koc__go_explain(s, &t, &p, NULL, &call, lines, &err);
    setenv("GOFLAGS", "-buildvcs=false", 1);
    if (rc != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    out[0] = '\0';
    for (size_t i = 0; i < koc_strlist_count(lines); i++) {
        size_t n = strlen(out);
        snprintf(out + n, sizeof(out) - n, "%s\n", koc_strlist_get(lines, i));
    }
    return out;
}

static void check_explained(const char *goflags, const char *want)
{
    const char *got = explain(goflags);
    if (*want ? !strstr(got, want) : *got != '\0') {
        fail_msg("\"%s\" is not in \"%s\"", want, got);
    }
}

KOC_TEST(records_spare_go_until_an_input_changes)
{
    static const koc__go_options force = {.force = true};
    world();
    settle();
    check_build(&force, "build ", false, "the build is forced");
    check_build(NULL, "build list ", false, "so its inputs are not on record");
    check_build(NULL, "", true, NULL);
    gotest_write("app/README", ""); /* no input: the record takes the new stamp of the directory */
    check_build(NULL, "", true, NULL);
    gotest_main("app", "other"); /* below its header: the list of inputs is still right */
    check_build(NULL, "build ", false, "app/main.go");
    check_build(NULL, "", true, NULL);
    gotest_write("app/more.go", "package main\n");
    check_build(NULL, "build list ", false, "files were added or removed: ");
    check_build(NULL, "", true, NULL);
    fake_program("app", "a/b/c/e", "path\t" APP "\n"); /* go links: no list is made yet */
    gotest_write("go.mod", "module example.com/m\n\ngo 1.20\n");
    check_build(NULL, "build ", false, "changed: ");
    check_build(NULL, "build list ", false, "so its inputs are not on record");
    check_build(NULL, "", true, NULL);
}

KOC_TEST(records_are_not_used_without_the_program)
{
    KOC__AUTO_STR path = NULL;
    world();
    settle();
    {
        KOC__AUTO(koc__go_binary) b = build(NULL);
        path = koc__strdup(b->path);
    }
    assert_int_equal(unlink(path), 0);
    check_build(NULL, "build ", false, NULL); /* the record stays right */
    check_build(NULL, "", true, NULL);
}

KOC_TEST(records_are_not_kept_where_go_reads_unknown_files)
{
    world();
    setenv("CGO_ENABLED", "1", 1);
    for (int i = 0; i < 3; i++) {
        check_build(NULL, "build ", false, "go is started for " APP ": cgo is on");
    }
    check_explained("-buildvcs=false", "go is started each time: cgo is on");
}

KOC_TEST(records_give_the_paths_of_inputs_when_asked)
{
    static const koc__go_options with = {.inputs = true};
    world();
    for (int i = 0; i < 2; i++) { /* made for it at once, then from the record */
        KOC__AUTO(koc__go_binary) b = build(&with);
        KOC__AUTO_STR file = koc__strdup(koc_test_path("app/main.go"));
        KOC__AUTO_STR dir = koc__strdup(koc_test_path("app"));
        KOC__AUTO_STR mod = koc__strdup(koc_test_path("go.mod"));
        assert_true(b->inputs_known && b->inputs);
        assert_int_equal(b->go_skipped, i > 0);
        assert_true(koc__strlist_has(b->inputs, file) && koc__strlist_has(b->inputs, dir));
        assert_true(koc__strlist_has(b->inputs, mod) && !koc__strlist_has(b->inputs, ""));
    }
    KOC__AUTO(koc__go_binary) without = build(NULL);
    assert_true(!without->inputs_known && !without->inputs);
}

KOC_TEST(records_explain_what_changed)
{
    world();
    check_explained("-buildvcs=false", "nothing is known: there is no build of it in this cache\n");
    settle();
    check_explained("-buildvcs=false", "");
    check_explained("-buildvcs=false -v", "changed: variable GOFLAGS\n");
    gotest_main("app", "other");
    check_explained("-buildvcs=false", "app/main.go\n");
    gotest_write("app/more.go", "package main\n");
    check_explained("-buildvcs=false", "files were added or removed: ");
}

/* After a build that linked there is no list: what is newer than it changed. */
KOC_TEST(records_explain_by_time_after_a_link)
{
    KOC__AUTO_STR main = NULL;
    world();
    check_build(NULL, "build ", false, "no build with these flags");
    check_explained("-buildvcs=false", "");
    usleep(20000);
    gotest_main("app", "other");
    main = koc__format("changed: %s/app/main.go\n", koc_test_dir());
    check_explained("-buildvcs=false", main);
    assert_int_equal(unlink("app/main.go"), 0);
    KOC__AUTO_STR names = koc__format("names changed in: %s/app\n", koc_test_dir());
    check_explained("-buildvcs=false", names);
    fake_status("1");
    check_explained("-buildvcs=false", "not known: go list fails for this package\n");
}

/* What becomes of a go that fails, and the debugger that koc builds: with a go that says what a test wants. */
#include "core/common.h"

#include <unistd.h>

#include "core/path.h"
#include "faketool.h"
#include "golang/golang.h"
#include "gotest.h"
#include "test.h"

#undef setenv

static koc_platform platform(const char *arch)
{
    koc_platform p = KOC_PLATFORM_INIT;
    p.os = "linux";
    p.arch = arch;
    return p;
}

static void check_words(const char *got, const char *want)
{
    if (want ? !got || !strstr(got, want) : got != NULL) {
        fail_msg("\"%s\" is not in \"%s\"", want ? want : "(none)", got ? got : "(none)");
    }
}

/* --- go build --- */

static int build_both(koc_error **err)
{
    char paths[][24] = {"example.com/m/api", "example.com/m/worker"},
         names[][12] = {"./api", "./worker"};
    koc__go_target targets[2];
    koc__go_job jobs[2];
    koc_platform p = platform("amd64");
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    for (size_t i = 0; i < 2; i++) {
        targets[i] = (koc__go_target){.argument = names[i], .import_path = paths[i]};
        jobs[i] = (koc__go_job){&targets[i], &p, NULL};
    }
    int rc = koc__go_build(NULL, s, jobs, 2, NULL, NULL, err);
    koc__go_binary_free(jobs[0].binary);
    koc__go_binary_free(jobs[1].binary);
    return rc;
}

KOC_TEST(failures_of_a_build_name_the_package_and_a_way_out)
{
    static const struct {
        const char *errors, *cgo, *message, *hint;
    } table[] = {
        {"# example.com/m/worker\nx.go:1: undefined\n", NULL,
         "cannot build ./worker: go build failed (exit 1)", NULL},
        {"# example.com/m/api\n# example.com/m/worker\n", NULL,
         "cannot build ./api, ./worker: go build failed (exit 1)", NULL},
        {"nonsense\n", NULL, "cannot build ./api, ./worker: go build failed (exit 1)", NULL},
        {"", NULL, "cannot build ./api, ./worker: go build failed (exit 1)", NULL},
        {"unsupported GOOS/GOARCH pair linux/vax\n", NULL, "go build failed", "go tool dist list"},
        {"build constraints exclude all Go files in x\n", "0", "go build failed", "CGO_ENABLED=1"},
        {"build constraints exclude all Go files in x\n", "1", "go build failed", NULL},
        {"error obtaining VCS status: exit 128\n", NULL, "go build failed", NULL}, /* git is fine */
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO(koc_error) err = NULL;
        fake_begin();
        if (table[i].cgo) {
            setenv("CGO_ENABLED", table[i].cgo, 1);
        }
        fake_failure(table[i].errors);
        assert_int_equal(build_both(&err), KOC_EPROCESS);
        check_words(koc_error_message(err), table[i].message);
        check_words(koc_error_hint(err), table[i].hint);
        if (*table[i].errors) {
            check_words(koc_error_detail(err), table[i].errors);
        }
    }
}

KOC_TEST(failures_of_a_build_without_programs_are_told)
{
    KOC__AUTO(koc_error) err = NULL;
    KOC__AUTO(koc_error) second = NULL;
    fake_begin();
    fake_write_program("fake/programs/api", "a/b/c/d", "path\texample.com/m/api\n");
    assert_int_equal(build_both(&err), KOC_EPROCESS); /* worker is not there: cp fails */
    check_words(koc_error_message(err), "cannot build ");
    fake_program("worker", "a/b/c/d", "path\texample.com/other\n");
    fake_list("{\n\"Name\": \"lib\", \"ImportPath\": \"example.com/m/worker\", \"Match\": "
              "[\"example.com/m/worker\"]\n}\n");
    assert_int_equal(build_both(&second), KOC_EINVAL);
    check_words(koc_error_message(second),
                "cannot build ./worker: package main not found there (package is \"lib\")");
}

/* --- Delve --- */

static koc__go_binary *delve(koc_ctx *ctx, const char *version, const char *arch, bool offline,
                             koc_error **err)
{
    koc__go_settings *s = NULL;
    koc_platform p = platform(arch);
    koc__go_binary *b = NULL;
    KOC__AUTO_VAL(koc__call) call = {0};
    assert_int_equal(koc__go_settings_load(NULL, offline, &s, NULL), KOC_OK);
    assert_int_equal(koc__call_begin(&call, ctx, NULL, NULL), KOC_OK);
    (void)koc__go_delve(ctx, s, version, &p, &call, &b, err);
    koc__go_settings_free(s);
    return b;
}

static void check_delve(koc_ctx *ctx, const char *version, const char *arch, bool from_cache)
{
    KOC__AUTO(koc__go_binary) b = delve(ctx, version, arch, false, NULL);
    assert_non_null(b);
    assert_int_equal(b->from_cache, from_cache);
    assert_string_equal(b->build_id, "a/b/c/dlv");
    assert_int_equal(b->digest.algorithm, KOC_DIGEST_SHA256);
    assert_int_equal(*fake_runs() != '\0', !from_cache);
}

/* The key has the version and the platform, and the program is checked against its record. */
KOC_TEST(delve_is_built_again_for_each_part_of_its_key)
{
    static const char *const others[][2] = {
        {"v1.27.1", "amd64"}, {NULL, "arm64"}, {"v1.27.1", "arm64"}};
    KOC__AUTO_STR path = NULL;
    fake_begin();
    fake_program("dlv", "a/b/c/dlv", "path\tdlv\n");
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    check_delve(ctx, NULL, "amd64", false);
    check_delve(ctx, NULL, "amd64", true);
    check_delve(ctx, KOC__DELVE_VERSION, "amd64", true);
    for (size_t i = 0; i < KOC__COUNT(others); i++) {
        check_delve(ctx, others[i][0], others[i][1], false);
        check_delve(ctx, others[i][0], others[i][1], true);
        check_delve(ctx, NULL, "amd64", true);
    }
    {
        KOC__AUTO(koc__go_binary) b = delve(ctx, NULL, "amd64", false, NULL);
        path = koc__strdup(b->path);
    }
    fake_write_program(path, "a/b/c/dlv", "path\tdamaged\n");
    check_delve(ctx, NULL, "amd64", false);
    check_delve(ctx, NULL, "amd64", true);
    assert_int_equal(unlink(path), 0);
    check_delve(ctx, NULL, "amd64", false);
    assert_int_equal(koc__fs_remove("cache/v1/records/delve", NULL), KOC_OK);
    check_delve(ctx, NULL, "amd64", false);
}

KOC_TEST(delve_without_a_cache_leaves_nothing)
{
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    KOC__AUTO(koc_ctx) ctx = NULL;
    KOC__AUTO_STR path = NULL;
    KOC__AUTO_VAL(koc__dynbuf) module = KOC__DYNBUF_INIT(4096);
    fake_begin();
    fake_program("dlv", "a/b/c/dlv", "path\tdlv\n");
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_OK);
    {
        KOC__AUTO(koc__go_binary) b = delve(ctx, "v1.2.3-rc.1+x", "amd64", false, NULL);
        assert_non_null(b);
        path = koc__strdup(b->path);
        KOC__AUTO_STR dir = koc__str_dup(koc__path_dir(koc__str(path)));
        KOC__AUTO_STR mod = koc__path_join(dir, "go.mod");
        assert_int_equal(koc__fs_read_file(mod, &module, NULL), KOC_OK);
        check_words(koc__dynbuf_cstr(&module), "require github.com/go-delve/delve v1.2.3-rc.1+x\n");
    }
    assert_false(koc__fs_exists(path));
    check_words(fake_runs(), "build -trimpath -ldflags=-s -w -o ");
}

KOC_TEST(delve_of_no_version_is_refused)
{
    static const char *const bad[] = {"",     "1.2.3", "v",      "vx",     "v1 2", "v1/2",
                                      "v1\n", "v:",    "v1.2_3", "v1.2@x", "v/"};
    fake_begin();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        KOC__AUTO(koc_error) err = NULL;
        assert_null(delve(ctx, bad[i], "amd64", false, &err));
        assert_int_equal(koc_error_code(err), KOC_EINVAL);
        check_words(koc_error_message(err), "is not a version like v");
    }
    char longest[81] = "v1";
    memset(longest + 2, '0', 77);
    fake_program("dlv", "a/b/c/dlv", "path\tdlv\n");
    KOC__AUTO(koc__go_binary) fits = delve(ctx, longest, "amd64", false, NULL);
    assert_non_null(fits);
    longest[79] = '0';
    assert_null(delve(ctx, longest, "amd64", false, NULL));
    assert_string_not_equal(fake_runs(), "");
}

KOC_TEST(delve_that_go_cannot_build_is_explained)
{
    static const struct {
        const char *errors;
        bool offline;
        const char *message, *hint;
    } table[] = {
        {"x@v1.27.2: lookup disabled\n", true, "it is not in the module cache", "not offline"},
        {"github.com/go-delve/delve@v1.27.2: unknown revision\n", false,
         "cannot get Delve v1.27.2, the debugger: see go's answer", "go list -m -versions"},
        {"mod/github.com/go-delve/delve@v1.27.2/x.go:1: undefined\n", false,
         "cannot build Delve v1.27.2, the debugger: go build failed (exit 1)",
         "names another version"},
        {"no space left\n", false,
         "cannot build Delve v1.27.2, the debugger: go build failed (exit 1)",
         "names another version"},
        {"", false, "go build failed (exit 1)", "names another version"},
    };
    fake_begin();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO(koc_error) err = NULL;
        fake_failure(table[i].errors);
        assert_null(delve(ctx, "v1.27.2", "amd64", table[i].offline, &err));
        assert_int_equal(koc_error_code(err), KOC_EPROCESS);
        check_words(koc_error_message(err), table[i].message);
        check_words(koc_error_hint(err), table[i].hint);
    }
}

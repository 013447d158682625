/* go build, with a real go: programs, the cache, and when go can skip the link. */
#include "core/common.h"

#include <unistd.h>

#include "core/hash/sha256.h"
#include "core/path.h"
#include "core/run/proc.h"
#include "golang/go_build.h"
#include "gotest.h"
#include "test.h"

#undef setenv

#define MOST 8

/* The binaries of one build, freed together. */
typedef struct built {
    koc__go_targets *targets;
    koc__go_binary *b[MOST];
    size_t n;
    int rc;
    koc_error *err;
} built;

static void built_dispose(built *x)
{
    for (size_t i = 0; i < MOST; i++) {
        koc__go_binary_free(x->b[i]);
    }
    koc__go_targets_free(x->targets);
    koc_error_free(x->err);
}
KOC__DEFINE_AUTO_VAL(built, built_dispose);

static const koc__go_options plain = {NULL, false, false, 0};

static built build_with(koc_ctx *ctx, const koc__go_settings *s, const char *args, const char *os,
                        const char *arch, const koc__go_options *o)
{
    built x = {0};
    koc_platform p = KOC_PLATFORM_INIT;
    p.os = os;
    p.arch = arch;
    x.targets = gotest_targets(ctx, s, args);
    x.n = x.targets->count;
    assert_true(x.n <= MOST);
    (void)gotest_runs();
    koc__go_job jobs[MOST] = {{0}};
    for (size_t i = 0; i < x.n; i++) {
        jobs[i] = (koc__go_job){.target = x.targets->items[i], .platform = &p};
    }
    x.rc = koc__go_build(ctx, s, jobs, x.n, o, NULL, &x.err);
    for (size_t i = 0; i < x.n; i++) {
        x.b[i] = jobs[i].binary;
    }
    return x;
}

static built build(koc_ctx *ctx, const koc__go_settings *s, const char *args)
{
    built x = build_with(ctx, s, args, "linux", "amd64", &plain);
    if (x.rc != KOC_OK) {
        const char *detail = koc_error_detail(x.err);
        fail_msg("%s\n%s", koc_error_message(x.err), detail ? detail : "");
    }
    return x;
}

static void module(void)
{
    gotest_begin();
    gotest_write("go.mod", "module example.com/m\n\ngo 1.19\n");
    gotest_main("cmd/api", "api");
    gotest_main("cmd/worker", "worker");
    gotest_main("other/api", "the other api");
    gotest_main("cmd/tool/v2", "tool");
}

static koc_digest digest_of(const char *path)
{
    KOC__AUTO_VAL(koc__dynbuf) bytes = KOC__DYNBUF_INIT((size_t)64 << 20);
    koc_digest d;
    assert_int_equal(koc__fs_read_file(path, &bytes, NULL), KOC_OK);
    koc__sha256_of(bytes.ptr, bytes.len, &d);
    return d;
}

static const char *path_in(const koc__go_binary *b)
{
    static koc__exe_info *info;
    koc__exe_info_free(info);
    info = NULL;
    if (!b) {
        return NULL;
    }
    assert_int_equal(koc__exe_info_read(b->path, &info, NULL), KOC_OK);
    return info->path;
}

KOC_TEST(build_makes_each_program_in_one_go)
{
    module();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    KOC__AUTO_VAL(built) x = build(ctx, s, "./cmd/api ./cmd/worker ./cmd/tool/v2");
    assert_int_equal(gotest_runs(), 1);
    for (size_t i = 0; i < x.n; i++) {
        assert_string_equal(path_in(x.b[i]), x.targets->items[i]->import_path);
        assert_false(x.b[i]->from_cache);
        assert_int_equal(x.b[i]->digest.algorithm, KOC_DIGEST_NONE);
        assert_int_equal(strlen(x.b[i]->key), 64);
        assert_true(koc__path_within(koc_test_path("cache"), x.b[i]->path));
    }
    assert_string_not_equal(x.b[0]->key, x.b[1]->key);
    assert_true(koc__str_ends(koc__str(x.b[2]->path), "/tool")); /* go's name for x/v2 */
    path_in(NULL);
}

typedef struct heard {
    int begun[MOST], count[MOST];
    koc_digest digest[MOST];
} heard;

static int on_linked(void *self, size_t target, koc__go_binary *b, koc_error **err)
{
    (void)err;
    heard *h = self;
    h->count[target]++;
    h->digest[target] = digest_of(b->path);
    return KOC_OK;
}

static void on_begun(void *self, size_t job)
{
    heard *h = self;
    assert_int_equal(h->count[job], 0);
    h->begun[job]++;
}

/* One go for each platform, and each job gets the program of its own. */
KOC_TEST(build_takes_jobs_of_several_platforms)
{
    static const char *const arch[] = {"amd64", "arm64", "amd64"};
    module();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    KOC__AUTO(koc__go_targets) t = gotest_targets(ctx, s, "./cmd/api ./cmd/worker");
    koc_platform p[] = {KOC_PLATFORM_INIT, KOC_PLATFORM_INIT};
    p[0].os = p[1].os = "linux";
    p[0].arch = "amd64";
    p[1].arch = "arm64";
    koc__go_job jobs[] = {
        {t->items[0], &p[0], NULL}, {t->items[0], &p[1], NULL}, {t->items[1], &p[0], NULL}};
    heard h = {{0}};
    const koc__go_options o = {.jobs = 1, .begun = on_begun, .linked = on_linked, .jobs_self = &h};
    (void)gotest_runs();
    assert_int_equal(koc__go_build(ctx, s, jobs, 3, &o, NULL, NULL), KOC_OK);
    assert_int_equal(gotest_runs(), 2);
    for (size_t i = 0; i < 3; i++) {
        KOC__AUTO(koc__exe_info) info = NULL;
        assert_int_equal(koc__exe_info_read(jobs[i].binary->path, &info, NULL), KOC_OK);
        assert_string_equal(info->path, jobs[i].target->import_path);
        for (size_t k = 0; k < info->n_settings; k++) {
            if (koc__streq(info->settings[k].key, "GOARCH")) {
                assert_string_equal(info->settings[k].value, arch[i]);
            }
        }
        assert_int_equal(h.begun[i], 1);
        assert_int_equal(h.count[i], 1);
        koc__go_binary_free(jobs[i].binary);
    }
}

/* A program that is delivered while go links the others must be complete. */
KOC_TEST(build_hands_out_each_program_once_and_whole)
{
    module();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    for (int pass = 0; pass < 3; pass++) { /* linked, nothing to link, go not started */
        heard h = {{0}};
        const koc__go_options o = {.linked = on_linked, .jobs_self = &h};
        KOC__AUTO_VAL(built)
        x = build_with(ctx, s, "./cmd/api ./cmd/worker ./cmd/tool/v2", "linux", "amd64", &o);
        assert_int_equal(x.rc, KOC_OK);
        for (size_t i = 0; i < x.n; i++) {
            koc_digest now = digest_of(x.b[i]->path);
            assert_int_equal(h.count[i], 1);
            assert_true(koc_digest_equal(&h.digest[i], &now));
        }
    }
}

KOC_TEST(build_keeps_programs_of_one_name_apart)
{
    module();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    for (int pass = 0; pass < 2; pass++) {
        KOC__AUTO_VAL(built) x = build(ctx, s, "./cmd/api ./other/api ./cmd/worker");
        assert_int_equal(gotest_runs(), 2);
        for (size_t i = 0; i < x.n; i++) {
            assert_string_equal(path_in(x.b[i]), x.targets->items[i]->import_path);
            assert_int_equal(x.b[i]->from_cache, pass > 0);
        }
    }
    KOC__AUTO_VAL(built) alone = build(ctx, s, "./other/api");
    assert_true(alone.b[0]->from_cache); /* it kept its place */
    path_in(NULL);
}

KOC_TEST(build_without_change_links_nothing)
{
    static const char *const sets[] = {"./cmd/api", "./cmd/api ./cmd/worker"};
    module();
    for (size_t k = 0; k < KOC__COUNT(sets); k++) {
        KOC__AUTO(koc_ctx) ctx = gotest_ctx();
        KOC__AUTO(koc__go_settings) s = gotest_settings();
        assert_int_equal(koc__fs_remove("cache", NULL), KOC_OK);
        uint64_t inode = 0;
        koc_digest d;
        {
            KOC__AUTO_VAL(built) x = build(ctx, s, sets[k]);
            inode = x.b[0]->stamp.inode;
            d = digest_of(x.b[0]->path);
            assert_int_equal(koc__go_binary_set_digest(ctx, x.b[0], &d, NULL), KOC_OK);
        }
        for (int again = 0; again < 2; again++) {
            KOC__AUTO_VAL(built) y = build(ctx, s, sets[k]);
            assert_int_equal(gotest_runs(), 1); /* no go list, no go env */
            assert_true(y.b[0]->from_cache);
            assert_true(koc_digest_equal(&y.b[0]->digest, &d));
            assert_int_equal(y.b[0]->stamp.inode, inode);
        }
        const koc__go_options force = {NULL, false, true, 0};
        KOC__AUTO_VAL(built) forced = build_with(ctx, s, sets[k], "linux", "amd64", &force);
        assert_int_equal(forced.rc, KOC_OK);
        assert_false(forced.b[0]->from_cache);
        koc_digest same = digest_of(forced.b[0]->path);
        assert_true(koc_digest_equal(&same, &d));
    }
}

KOC_TEST(build_sees_a_change)
{
    module();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    koc_digest before;
    {
        KOC__AUTO_VAL(built) x = build(ctx, s, "./cmd/api");
        before = digest_of(x.b[0]->path);
        assert_int_equal(koc__go_binary_set_digest(ctx, x.b[0], &before, NULL), KOC_OK);
    }
    gotest_main("cmd/api", "ipa"); /* of the same length */
    KOC__AUTO_VAL(built) y = build(ctx, s, "./cmd/api");
    assert_false(y.b[0]->from_cache);
    assert_int_equal(y.b[0]->digest.algorithm, KOC_DIGEST_NONE);
    koc_digest after = digest_of(y.b[0]->path);
    assert_false(koc_digest_equal(&before, &after));
}

/* go would take a file that starts like the program for the program. */
KOC_TEST(build_trusts_no_file_that_was_touched)
{
    module();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    koc_digest good;
    KOC__AUTO_STR path = NULL;
    {
        KOC__AUTO_VAL(built) x = build(ctx, s, "./cmd/api");
        good = digest_of(x.b[0]->path);
        path = koc__strdup(x.b[0]->path);
    }
    assert_int_equal(truncate(path, 300000), 0); /* cut off by a kill */
    {
        KOC__AUTO_VAL(built) x = build(ctx, s, "./cmd/api");
        assert_false(x.b[0]->from_cache);
        koc_digest d = digest_of(x.b[0]->path);
        assert_true(koc_digest_equal(&d, &good));
    }
    FILE *f = fopen(path, "r+"); /* change a byte at the end */
    assert_non_null(f);
    assert_int_equal(fseek(f, -5, SEEK_END), 0);
    assert_int_equal(fputc('!', f), '!');
    assert_int_equal(fclose(f), 0);
    KOC__AUTO_VAL(built) x = build(ctx, s, "./cmd/api");
    assert_false(x.b[0]->from_cache);
    koc_digest d = digest_of(x.b[0]->path);
    assert_true(koc_digest_equal(&d, &good));
}

KOC_TEST(build_does_not_wait_for_a_dir_in_use)
{
    module();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    KOC__AUTO_STR private = NULL;
    {
        KOC__AUTO_VAL(built) first = build(ctx, s, "./cmd/api ./cmd/worker");
        KOC__AUTO_VAL(built) second = build(ctx, s, "./cmd/api ./cmd/worker");
        assert_string_not_equal(first.b[0]->path, second.b[0]->path);
        koc_digest a = digest_of(first.b[0]->path), b = digest_of(second.b[0]->path);
        assert_true(koc_digest_equal(&a, &b));
        private = koc__str_dup(koc__path_dir(koc__path_dir(koc__str(second.b[0]->path))));
        assert_true(koc__fs_is_dir(private));
        koc__go_binary_free(second.b[0]); /* one of two: the directory stays */
        second.b[0] = NULL;
        assert_true(koc__fs_is_dir(private));
    }
    assert_false(koc__fs_exists(private));
    KOC__AUTO_VAL(built) third = build(ctx, s, "./cmd/api ./cmd/worker");
    assert_true(third.b[0]->from_cache);
}

KOC_TEST(build_without_a_cache_leaves_nothing)
{
    module();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    setenv("TMPDIR", koc_test_path("tmp"), 1);
    assert_int_equal(koc__fs_mkdirs(koc_test_path("tmp"), 0755, NULL), KOC_OK);
    {
        KOC__AUTO_VAL(built) x = build(NULL, s, "./cmd/api ./cmd/worker");
        assert_string_equal(path_in(x.b[1]), "example.com/m/cmd/worker");
        assert_true(koc__path_within(koc_test_path("tmp"), x.b[1]->path));
    }
    KOC__AUTO(koc_strlist) left = NULL;
    assert_int_equal(koc__fs_list("tmp", &left, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(left), 0);
    unsetenv("TMPDIR");
    path_in(NULL);
}

KOC_TEST(build_for_other_platforms)
{
    static const char *const table[][3] = {{"linux", "arm64",
                                            "\x7f"
                                            "ELF"},
                                           {"windows", "amd64", "MZ"},
                                           {"darwin", "arm64", "\xcf"}};
    module();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        for (int pass = 0; pass < 2; pass++) {
            KOC__AUTO(koc__go_settings) s = gotest_settings();
            KOC__AUTO_VAL(built)
            x = build_with(ctx, s, "./cmd/api ./cmd/worker", table[i][0], table[i][1], &plain);
            KOC__AUTO_VAL(koc__dynbuf) bytes = KOC__DYNBUF_INIT((size_t)64 << 20);
            assert_int_equal(x.rc, KOC_OK);
            assert_int_equal(koc__fs_read_file(x.b[1]->path, &bytes, NULL), KOC_OK);
            assert_memory_equal(bytes.ptr, table[i][2], strlen(table[i][2]));
            assert_non_null(x.b[1]->build_id); /* found in ELF, PE and Mach-O */
            assert_int_equal(x.b[1]->from_cache, pass > 0);
            assert_true(koc__str_ends(koc__str(x.b[1]->path), "/worker"));
        }
    }
}

KOC_TEST(build_of_a_program_for_one_platform_only)
{
    module();
    gotest_write("cmd/win/main_windows.go", "package main\n\nfunc main() {}\n");
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    KOC__AUTO_VAL(built) good = build_with(NULL, s, "./cmd/win", "windows", "amd64", &plain);
    assert_int_equal(good.rc, KOC_OK);
    KOC__AUTO_VAL(built) bad = build_with(NULL, s, "./cmd/win", "linux", "amd64", &plain);
    assert_int_equal(bad.rc, KOC_EPROCESS);
    assert_non_null(strstr(koc_error_detail(bad.err), "build constraints exclude all Go files"));
}

KOC_TEST(build_failure_has_gos_words)
{
    module();
    gotest_write("cmd/worker/main.go", "package main\n\nfunc main() { undefined() }\n");
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    KOC__AUTO_VAL(built) x = build_with(ctx, s, "./cmd/api ./cmd/worker", "linux", "amd64", &plain);
    assert_int_equal(x.rc, KOC_EPROCESS);
    assert_string_equal(koc_error_message(x.err),
                        "cannot build ./cmd/worker: go build failed (exit 1)");
    assert_non_null(strstr(koc_error_detail(x.err), "undefined: undefined"));
    assert_null(x.b[0]);
    /* The other one can be built meanwhile, and this one after it is repaired. */
    KOC__AUTO_VAL(built) api = build(ctx, s, "./cmd/api");
    assert_non_null(api.b[0]);
    gotest_main("cmd/worker", "mended");
    KOC__AUTO_VAL(built) both = build(NULL, s, "./cmd/api ./cmd/worker");
    assert_int_equal(both.n, 2);
}

/* The cache says that these are main packages; the build detects that they are not any more. */
KOC_TEST(build_finds_out_that_a_kept_answer_is_stale)
{
    static const char *const sets[] = {"./cmd/api", "./cmd/api ./cmd/worker"};
    for (size_t k = 0; k < KOC__COUNT(sets); k++) {
        module();
        KOC__AUTO(koc_ctx) ctx = gotest_ctx();
        KOC__AUTO(koc__go_settings) s = gotest_settings();
        {
            KOC__AUTO_VAL(built) x = build(ctx, s, sets[k]);
        }
        gotest_write("cmd/api/main.go", "package apilib\n");
        KOC__AUTO_VAL(built) x = build_with(ctx, s, sets[k], "linux", "amd64", &plain);
        assert_int_equal(x.rc, KOC_EINVAL);
        assert_string_equal(
            koc_error_message(x.err),
            "cannot build ./cmd/api: package main not found there (package is \"apilib\")");
    }
}

KOC_TEST(build_groups_by_flags_and_environment)
{
    module();
    gotest_write(".ko.yaml", "builds:\n- main: ./cmd/api\n  env: [A=1]\n- main: ./cmd/worker\n"
                             "  ldflags: [\"-X main.x={{.Env.A_KOC}}\"]\n");
    setenv("A_KOC", "1", 1);
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    KOC__AUTO_STR key = NULL;
    KOC__AUTO_STR path = NULL;
    {
        KOC__AUTO_VAL(built) x = build(ctx, s, "./cmd/api ./cmd/worker ./other/api ./cmd/tool/v2");
        assert_int_equal(gotest_runs(), 3); /* the last two have no entry */
        key = koc__strdup(x.b[1]->key);
        path = koc__strdup(x.b[1]->path);
    }
    setenv("A_KOC", "2", 1); /* another command in the same directory: commits do not add files */
    KOC__AUTO_VAL(built) y = build(ctx, s, "./cmd/worker");
    assert_string_not_equal(y.b[0]->key, key);
    assert_string_equal(y.b[0]->path, path);
    unsetenv("A_KOC");
}

KOC_TEST(build_in_workspace_vendor_and_without_cgo)
{
    gotest_begin();
    gotest_write("one/go.mod", "module example.com/one\n\ngo 1.19\n\nrequire example.com/two "
                               "v0.0.0\n\nreplace example.com/two => ../two\n");
    gotest_write("one/main.go", "package main\n\nimport \"example.com/two\"\n\nfunc main() { "
                                "println(two.Text) }\n");
    gotest_write("two/go.mod", "module example.com/two\n\ngo 1.19\n");
    gotest_write("two/two.go", "package two\n\nconst Text = \"two\"\n");
    gotest_main("two/cmd/x", "x");
    gotest_write("one/cgo/main.go", "package main\n\nimport \"C\"\n\nfunc main() {}\n");
    gotest_write(".ko.yaml", "builds:\n- dir: one\n- dir: two\n  main: cmd/x\n");
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    {
        KOC__AUTO_VAL(built) replaced = build(ctx, s, "./one ./two/cmd/x");
        assert_string_equal(path_in(replaced.b[0]), "example.com/one");
        assert_string_equal(path_in(replaced.b[1]), "example.com/two/cmd/x");
        assert_int_equal(gotest_runs(), 2);
    }
    KOC__AUTO_VAL(built) cgo = build_with(ctx, s, "./one/cgo", "linux", "amd64", &plain);
    assert_int_equal(cgo.rc, KOC_EPROCESS); /* CGO_ENABLED=0 leaves no file of it */
    gotest_write("go.work", "go 1.19\n\nuse ./one\nuse ./two\n");
    KOC__AUTO_VAL(built) work = build(ctx, s, "./one");
    assert_string_equal(path_in(work.b[0]), "example.com/one");
    assert_int_equal(unlink("go.work"), 0);
    assert_int_equal(chdir("one"), 0);
    gotest_run("go mod vendor");
    KOC__AUTO(koc__go_settings) here = gotest_settings();
    KOC__AUTO_VAL(built) vendored = build(ctx, here, ". example.com/one");
    assert_int_equal(vendored.n, 1);
    assert_string_equal(path_in(vendored.b[0]), "example.com/one");
    path_in(NULL);
}

KOC_TEST(build_of_other_spellings)
{
    module();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    KOC__AUTO_STR absolute = NULL;
    assert_int_equal(koc__fs_realpath("cmd/api", &absolute, NULL), KOC_OK);
    KOC__AUTO_STR args = koc__format("%s ko://./cmd/worker", absolute);
    KOC__AUTO_VAL(built) x = build(ctx, s, args);
    assert_string_equal(path_in(x.b[0]), "example.com/m/cmd/api");
    assert_string_equal(path_in(x.b[1]), "example.com/m/cmd/worker");
    path_in(NULL);
}

KOC_TEST(build_id_needs_a_hash_of_the_content)
{
    module();
    gotest_write(".ko.yaml", "defaultLdflags: [-buildid=mine]\n");
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    for (int pass = 0; pass < 2; pass++) {
        KOC__AUTO_VAL(built) x = build(ctx, s, "./cmd/api");
        assert_null(x.b[0]->build_id);
        assert_false(x.b[0]->from_cache);
    }
    char *id = NULL;
    static const char *const files[] = {"",
                                        "\x7f"
                                        "ELF",
                                        "\xff Go build ID: \"a/b/c/\"\n \xff",
                                        "\xff Go build ID: \"a/b/c"};
    for (size_t i = 0; i < KOC__COUNT(files); i++) {
        gotest_write("x", files[i]);
        assert_int_equal(koc__exe_build_id("x", &id, NULL), KOC_OK);
        assert_null(id);
    }
    gotest_write("x", "MZ \xff Go build ID: \"a/b/c/d\"\n \xff");
    assert_int_equal(koc__exe_build_id("x", &id, NULL), KOC_OK);
    assert_string_equal(id, "a/b/c/d");
    koc__free(id);
    assert_int_equal(koc__exe_build_id("nope", &id, NULL), KOC_OK);
    assert_null(id);
}

KOC_TEST(build_ends_when_cancelled)
{
    module();
    gotest_write("slow-go", "#!/bin/sh\ncase $1 in build) sleep 60;; *) exec \"$REAL_GO\" \"$@\";; "
                            "esac\n");
    assert_int_equal(chmod("slow-go", 0755), 0);
    KOC__AUTO_STR go = NULL;
    assert_int_equal(koc__proc_find("go", NULL, &go, NULL), KOC_OK);
    setenv("REAL_GO", go, 1);
    setenv("KO_GO_PATH", koc_test_path("slow-go"), 1);
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    KOC__AUTO(koc__go_targets) t = gotest_targets(ctx, s, "./cmd/api");
    koc_op user = KOC_OP_INIT;
    user.timeout_ms = 200;
    KOC__AUTO_VAL(koc__call) call = {0};
    assert_int_equal(koc__call_begin(&call, ctx, &user, NULL), KOC_OK);
    koc_platform p = KOC_PLATFORM_INIT;
    p.os = "linux";
    p.arch = "amd64";
    koc__go_job job = {.target = t->items[0], .platform = &p};
    assert_int_equal(koc__go_build(ctx, s, &job, 1, &plain, &call, NULL), KOC_ETIMEOUT);
    assert_null(job.binary);
    unsetenv("REAL_GO");
}

KOC_TEST(build_survives_out_of_memory)
{
    module();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    KOC__AUTO(koc__go_targets) t = gotest_targets(ctx, s, "./cmd/api ./cmd/worker");
    koc_platform p = KOC_PLATFORM_INIT;
    p.os = "linux";
    p.arch = "amd64";
    for (uint64_t n = 1; n < 20000; n += 1 + n / 2) {
        koc__go_job jobs[] = {{t->items[0], &p, NULL}, {t->items[1], &p, NULL}};
        koc__alloc_fail_after(n);
        int rc = koc__go_build(ctx, s, jobs, 2, &plain, NULL, NULL);
        koc__alloc_fail_after(0);
        koc__go_binary_free(jobs[0].binary);
        koc__go_binary_free(jobs[1].binary);
        if (rc == KOC_OK) {
            return;
        }
        assert_true(rc == KOC_ENOMEM || rc == KOC_EPROCESS);
    }
    fail_msg("never enough memory");
}

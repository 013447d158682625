/* Which files and directories become inputs of a build: every one that go list names, and what lies around them. */
#include "core/common.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/path.h"
#include "faketool.h"
#include "golang/go_command.h"
#include "golang/record/input_record.h"
#include "gotest.h"
#include "test.h"

#undef setenv

#define APP "example.com/m/app"

/* A batch of one program whose inputs are asked for. */
typedef struct asked {
    koc__go_settings *s;
    char import_path[64], argument[64], *work_dir;
    koc__go_target target;
    koc_platform platform;
    koc__go_options options;
    koc__go_binary binary;
    koc__go_unit unit;
    koc__go_unit *units[1];
    koc__go_batch b;
    koc__inputs *in;
    bool usable;
} asked;

static void asked_dispose(asked *x)
{
    x->unit.binary = NULL;
    koc__go_unit_dispose(&x->unit);
    koc__inputs_free(x->in);
    koc__free(x->binary.path);
    koc__free(x->binary.package_path);
    koc__free(x->work_dir);
    koc__go_settings_free(x->s);
}
KOC__DEFINE_AUTO_VAL(asked, asked_dispose);

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* program: the file whose build info counts. */
static void prepare(asked *x, const char *goflags, const char *program)
{
    memset(x, 0, sizeof(*x));
    setenv("GOFLAGS", goflags, 1);
    x->s = gotest_settings();
    snprintf(x->import_path, sizeof(x->import_path), APP);
    snprintf(x->argument, sizeof(x->argument), "./app");
    x->work_dir = koc__strdup("m");
    x->target = (koc__go_target){
        .argument = x->argument, .import_path = x->import_path, .work_dir = x->work_dir};
    x->platform = (koc_platform)KOC_PLATFORM_INIT;
    x->platform.os = "linux";
    x->platform.arch = "amd64";
    x->binary.path = koc__strdup(koc_test_path(program));
    x->binary.package_path = koc__strdup(APP);
    x->unit.target = &x->target;
    x->unit.platform = &x->platform;
    x->unit.binary = &x->binary;
    x->units[0] = &x->unit;
    x->b = (koc__go_batch){
        .s = x->s, .platform = &x->platform, .options = &x->options, .units = x->units, .n = 1};
    assert_int_equal(koc__go_command_env(x->s, NULL, x->work_dir, &x->platform, &x->unit.env, NULL),
                     KOC_OK);
    assert_int_equal(koc__go_command_args(x->s, &x->options, &x->unit, NULL, NULL), KOC_OK);
}

/* The files are older than a tick of the clock when go list runs. */
static void ask(asked *x, const char *goflags, const char *program)
{
    koc_error *err = NULL;
    prepare(x, goflags, program);
    usleep(120000);
    assert_int_equal(koc__inputs_new(&x->in, NULL), KOC_OK);
    x->in->time_ns = now_ns();
    if (koc__inputs_list(&x->b, x->in, NULL, &x->usable, &err) != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
}

/* The text with each $ replaced by the test's directory. */
static char *expand(const char *text)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1 << 16);
    for (; *text; text++) {
        int rc = *text == '$' ? koc__dynbuf_puts(&out, koc_test_dir(), NULL)
                              : koc__dynbuf_putc(&out, *text, NULL);
        assert_int_equal(rc, KOC_OK);
    }
    return koc__strdup(koc__dynbuf_cstr(&out));
}

static void list(const char *text)
{
    KOC__AUTO_STR json = expand(text);
    fake_list(json);
}

static void put_name(koc__dynbuf *out, char kind, const char *name, bool whole)
{
    const char *dir = koc_test_dir();
    size_t n = strlen(dir);
    bool inside = strncmp(name, dir, n) == 0;
    if (inside || !whole) { /* what lies above the test's directory depends on the machine */
        koc__dynbuf_printf(out, NULL, "%c %s%s\n", kind, inside ? "$" : "",
                           name + (inside ? n : 0));
    }
}

/* One line per directory and file of the record: its kind and its name. */
static char *dump(const koc__inputs *in)
{
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(1 << 16);
    for (size_t i = 0; i < in->n_dirs; i++) {
        const koc__input_dir *d = &in->dirs[i];
        if (*d->path) {
            put_name(&out, d->kind, d->path, true);
        }
        for (size_t k = d->first; k < d->first + d->count; k++) {
            const koc__input_file *f = &in->files[k];
            put_name(&out, f->kind, f->name, *d->path == '\0');
            assert_true(f->kind == KOC__INPUT_ABSENT || f->stamp.inode != 0);
        }
    }
    return koc__strdup(koc__dynbuf_cstr(&out));
}

static void check(const koc__inputs *in, const char *want)
{
    KOC__AUTO_STR got = dump(in);
    assert_string_equal(got, want);
}

#define RUNTIME                                                                                    \
    "{\n\"Dir\": \"$/fake/src/runtime\", \"ImportPath\": \"runtime\", \"DepOnly\": true\n}\n"
#define MAIN_MODULE "\"Module\": {\"Main\": true, \"GoMod\": \"$/m/go.mod\"}"
#define PROGRAM(more)                                                                              \
    "{\n\"Dir\": \"$/m/app\", \"ImportPath\": \"" APP "\", " MAIN_MODULE more "\n}\n"

static void world(void)
{
    fake_begin();
    gotest_write("fake/VERSION", "go1.26.8\n");
    gotest_write("fake/pkg/tool/linux_amd64/compile", "");
    gotest_write("fake/pkg/tool/linux_amd64/link", "");
    gotest_write("m/go.mod", "module example.com/m\n");
    gotest_main("m/app", "app");
    gotest_write("m/app/README", "");
    gotest_write("m/app/data.h", "");
    gotest_write("m/app/main_test.go", "package main\n");
    fake_write_program("program", "a/b/c/d", "path\t" APP "\n");
}

KOC_TEST(inputs_of_a_program_are_its_directory_and_what_surrounds_it)
{
    KOC__AUTO_VAL(asked) x;
    world();
    list(RUNTIME PROGRAM(""));
    ask(&x, "-buildvcs=false", "program");
    assert_true(x.usable && x.in->complete);
    check(x.in, "p $/fake/src/runtime\nf runtime.go\n"
                "p $/m/app\nf data.h\ng main.go\n"
                "f $/m/go.mod\nn $/m/go.work\nn $/go.work\nn $/m/vendor/modules.txt\n"
                "n $/m/app/go.mod\nn $/fake/go.env\nn $/m/app/default.pgo\n"
                "n $/m/go.sum\nn $/m/vendor\n"
                "f $/fake/VERSION\nf $/fake/bin/go\n"
                "f $/fake/pkg/tool/linux_amd64/compile\nf $/fake/pkg/tool/linux_amd64/link\n"
                "n $/fake/pkg/tool/linux_amd64/asm\n");
    KOC__AUTO_STR want = expand("list -deps "
                                "-json=Dir,ImportPath,DepOnly,Module,CgoFiles,SwigFiles,"
                                "SwigCXXFiles,EmbedPatterns,EmbedFiles -trimpath " APP "\n");
    assert_string_equal(fake_runs(), want);
}

/* Of the user's own modules the headers of files count, of others all of them. */
KOC_TEST(inputs_of_modules_are_own_or_not)
{
    static const struct {
        const char *module, *want;
    } table[] = {
        {"", "p $/mod/x\nf s.s\nf x.go\n"},
        {"\"Module\": {\"Main\": true, \"GoMod\": \"$/mod/go.mod\"}, ",
         "p $/mod/x\nf s.s\ng x.go\nc e.txt\n"},
        {"\"Module\": {\"Path\": \"x\", \"Version\": \"v1\", \"GoMod\": \"$/mod/go.mod\"}, ",
         "p $/mod/x\nf s.s\nf x.go\nf e.txt\n"},
        {"\"Module\": {\"Path\": \"x\", \"Version\": \"v1\", \"GoMod\": \"$/mod/go.mod\", "
         "\"Replace\": {\"Path\": \"../mod\", \"GoMod\": \"$/mod/other.mod\"}}, ",
         "p $/mod/x\nf s.s\ng x.go\nc e.txt\n"},
        {"\"Module\": {\"Path\": \"x\", \"Version\": \"v1\", \"GoMod\": \"$/mod/go.mod\", "
         "\"Replace\": {\"Path\": \"y\", \"Version\": \"v2\", \"GoMod\": \"$/mod/other.mod\"}}, ",
         "p $/mod/x\nf s.s\nf x.go\nf e.txt\n"},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(asked) x;
        world();
        gotest_write("mod/x/x.go", "package x\n");
        gotest_write("mod/x/s.s", "");
        gotest_write("mod/x/e.txt", "");
        gotest_write("mod/go.mod", "module x\n");
        gotest_write("mod/other.mod", "module y\n");
        KOC__AUTO_STR text =
            koc__format(RUNTIME "{\n\"Dir\": \"$/mod/x\", \"ImportPath\": \"x\", %s%s"
                                "\"DepOnly\": true\n}\n" PROGRAM(""),
                        table[i].module, i > 0 ? "\"EmbedFiles\": [\"e.txt\"], " : "");
        list(text);
        ask(&x, "-buildvcs=false", "program");
        assert_true(x.usable);
        KOC__AUTO_STR got = dump(x.in);
        KOC__AUTO_STR all = koc__format("p $/fake/src/runtime\nf runtime.go\n%s", table[i].want);
        got[KOC__MIN(strlen(got), strlen(all))] = '\0';
        assert_string_equal(got, all);
        KOC__AUTO_STR rest = dump(x.in);
        assert_true((strstr(rest, "f $/mod/go.mod\n") != NULL) == (i > 0));
        assert_true((strstr(rest, "f $/mod/other.mod\n") != NULL) == (i > 2));
        assert_true((strstr(rest, "n $/mod/go.sum\n") != NULL) == (i > 0));
    }
}

/* A replacement in go.mod or a module of go.work counts even if the program needs none of its packages. */
KOC_TEST(inputs_follow_the_directories_that_modules_name)
{
    static const char *const named[] = {"one", "two", "m/three", "four", "five", "six"};
    KOC__AUTO_VAL(asked) x;
    world();
    KOC__AUTO_STR mod =
        expand("module example.com/m\n\nreplace a => ../one\nreplace (\n"
               "\tb v1 => \"../two\"\n\tc => `./three`\n\td => $/four\n\te => other v1\n)\n");
    gotest_write("m/go.mod", mod);
    gotest_write("m/go.work", "go 1.19\nuse (../five)\nuse .\nuse ..\n");
    gotest_write("five/go.mod", "module five\n\nreplace g => ../six\n");
    list(RUNTIME PROGRAM(""));
    ask(&x, "-buildvcs=false", "program");
    assert_true(x.usable);
    KOC__AUTO_STR got = dump(x.in);
    for (size_t i = 0; i < KOC__COUNT(named); i++) {
        KOC__AUTO_STR file = koc__format(" $/%s/go.mod\n", named[i]);
        KOC__AUTO_STR sum = koc__format("n $/%s/go.sum\n", named[i]);
        if (!strstr(got, file) || !strstr(got, sum)) {
            fail_msg("%s is not in\n%s", named[i], got);
        }
    }
    assert_non_null(strstr(got, "f $/m/go.work\n"));
    assert_non_null(strstr(got, "n $/m/go.work.sum\n"));
    assert_non_null(strstr(got, "n $/go.mod\n")); /* of ".." */
    assert_non_null(strstr(got, "n $/five/vendor\n"));
    assert_null(strstr(got, "other"));
}

KOC_TEST(inputs_see_a_vendor_directory_come_and_go)
{
    koc__inputs_verdict v = {0};
    KOC__AUTO_VAL(asked) x;
    KOC__AUTO_VAL(asked) y;
    world();
    list(RUNTIME PROGRAM(""));
    ask(&x, "-buildvcs=false", "program");
    assert_int_equal(koc__inputs_check(x.in, NULL, NULL, &v, NULL), KOC_OK);
    assert_true(v.same);
    assert_int_equal(koc__fs_mkdirs("m/vendor", 0755, NULL), KOC_OK);
    assert_int_equal(koc__inputs_check(x.in, NULL, NULL, &v, NULL), KOC_OK);
    assert_false(v.same || v.refreshable);
    KOC__AUTO_STR want = expand("new: $/m/vendor");
    assert_string_equal(v.first, want);
    ask(&y, "-buildvcs=false", "program");
    v = (koc__inputs_verdict){0};
    gotest_write("m/vendor/modules.txt", "");
    assert_int_equal(koc__inputs_check(y.in, NULL, NULL, &v, NULL), KOC_OK);
    assert_false(v.same || v.refreshable);
}

KOC_TEST(inputs_have_gos_own_settings)
{
    KOC__AUTO_VAL(asked) x;
    world();
    setenv("GOENV", koc_test_path("goenv"), 1);
    list(RUNTIME PROGRAM(""));
    ask(&x, "-buildvcs=false", "program");
    assert_true(x.usable);
    KOC__AUTO_STR got = dump(x.in);
    assert_non_null(strstr(got, "n $/goenv\n"));
}

/* --- go:embed --- */

static void embedded(void)
{
    world();
    gotest_write("m/app/static/a.html", "");
    gotest_write("m/app/static/deep/.hidden", "");
    gotest_write("m/app/notes/a.txt", "");
    gotest_write("m/app/notes/b/c.txt", "");
    gotest_write("m/app/[x]/d.txt", "");
    assert_int_equal(symlink("static", "m/app/link"), 0);
}

/* The directories in which a new file would be embedded. */
KOC_TEST(inputs_of_embed_are_the_directories_where_a_new_file_would_count)
{
    static const struct {
        const char *pattern, *want;
    } table[] = {
        {"static", "w $/m/app/static\nw $/m/app/static/deep\n"},
        {"all:static", "w $/m/app/static\nw $/m/app/static/deep\n"},
        {"static/deep", "w $/m/app/static/deep\n"},
        {"static/a.html", ""},
        {"main.go", ""},
        {"none/x", ""},
        {"link", ""},
        {"*", "w $/m/app\nw $/m/app/[x]\nw $/m/app/notes\nw $/m/app/notes/b\nw $/m/app/static\n"
              "w $/m/app/static/deep\n"},
        {"notes/*.txt", "w $/m/app/notes\n"},
        {"notes/*", "w $/m/app/notes\nw $/m/app/notes/b\n"},
        {"n*/b", "w $/m/app\nw $/m/app/notes/b\n"},
        {"*/*.txt", "w $/m/app\nw $/m/app/[x]\nw $/m/app/notes\nw $/m/app/static\n"},
        {"notes/?", "w $/m/app/notes\nw $/m/app/notes/b\n"},
        {"notes/[a-b]", "w $/m/app/notes\nw $/m/app/notes/b\n"},
        {"note\\\\s/b", "w $/m/app\nw $/m/app/notes/b\n"},
        {".", "w $/m/app\nw $/m/app/[x]\nw $/m/app/notes\nw $/m/app/notes/b\nw $/m/app/static\n"
              "w $/m/app/static/deep\n"},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(asked) x;
        embedded();
        KOC__AUTO_STR text =
            koc__format(RUNTIME "{\n\"Dir\": \"$/m/app\", \"ImportPath\": \"" APP
                                "\", \"EmbedPatterns\": [\"%s\"], " MAIN_MODULE "\n}\n",
                        table[i].pattern);
        list(text);
        ask(&x, "-buildvcs=false", "program");
        assert_true(x.usable);
        KOC__AUTO_STR got = dump(x.in);
        KOC__AUTO_STR want =
            koc__format("p $/m/app\nf data.h\ng main.go\n%sf $/m/go.mod\n", table[i].want);
        if (!strstr(got, want)) {
            fail_msg("%s:\n%s", table[i].pattern, got);
        }
        assert_int_equal(koc__fs_remove("m", NULL), KOC_OK);
    }
}

/* --- git --- */

#define REVISION "0123456789012345678901234567890123456789"
#define STAMPED(version, more)                                                                     \
    "path\t" APP "\nmod\texample.com/m\t" version "\t\nbuild\tvcs=git\n" more

/* Writes a repository; go stamped revision and modified into the program. */
static void repository(const char *text)
{
    world();
    gotest_write("m/.git/HEAD", "ref: refs/heads/main\n");
    gotest_write("m/.git/refs/tags/v1.0.0", REVISION "\n");
    gotest_write("m/.git/refs/tags/sub/v1.0.0", REVISION "\n");
    fake_write_program("program", "a/b/c/d", text);
    list(RUNTIME PROGRAM(""));
}

static void check_repo(const koc__inputs *in, const char *revision, bool modified)
{
    KOC__AUTO_STR root = expand("$/m");
    assert_int_equal(in->n_repos, 1);
    assert_string_equal(in->repos[0].root, root);
    assert_string_equal(in->repos[0].revision, revision);
    assert_int_equal(in->repos[0].modified, modified);
}

KOC_TEST(inputs_of_a_repository_are_its_commit_and_where_others_would_be)
{
    KOC__AUTO_VAL(asked) x;
    repository(STAMPED("(devel)", "build\tvcs.revision=" REVISION "\nbuild\tvcs.modified=false\n"));
    ask(&x, "", "program");
    assert_true(x.usable);
    check_repo(x.in, REVISION, false);
    KOC__AUTO_STR got = dump(x.in);
    static const char *const others[] = {".hg", ".svn", ".bzr", ".fslckout", "_FOSSIL_"};
    for (size_t i = 0; i < KOC__COUNT(others); i++) {
        KOC__AUTO_STR inside = koc__format("n $/m/app/%s\n", others[i]);
        KOC__AUTO_STR beside = koc__format("n $/m/%s\n", others[i]);
        assert_non_null(strstr(got, inside));
        assert_non_null(strstr(got, beside));
    }
    assert_non_null(strstr(got, "n $/m/app/.git\n"));
    assert_null(strstr(got, "refs/tags")); /* no tag is in the version */
    assert_null(strstr(got, "$/.hg"));     /* not searched above the repository */
}

/* Go 1.24 derives the version from tags: a tag alone changes the program. */
KOC_TEST(inputs_of_a_tagged_version_are_the_tags)
{
    KOC__AUTO_VAL(asked) x;
    koc__inputs_verdict v = {0};
    repository(STAMPED("v1.0.0", "build\tvcs.revision=" REVISION "\nbuild\tvcs.modified=true\n"));
    ask(&x, "", "program");
    assert_true(x.usable);
    check_repo(x.in, REVISION, true);
    KOC__AUTO_STR got = dump(x.in);
    assert_non_null(
        strstr(got, "w $/m/.git/refs/tags\nf v1.0.0\nw $/m/.git/refs/tags/sub\nf v1.0.0\n"));
    assert_non_null(strstr(got, "n $/m/.git/packed-refs\nn $/m/.git/shallow\n"));
    x.in->n_repos = 0; /* git itself is asked elsewhere */
    gotest_write("m/.git/refs/tags/v1.1.0", REVISION "\n");
    assert_int_equal(koc__inputs_check(x.in, NULL, NULL, &v, NULL), KOC_OK);
    assert_false(v.same || v.refreshable);
}

KOC_TEST(inputs_of_a_repository_may_be_beyond_knowledge)
{
#define GOOD "build\tvcs.revision=" REVISION "\nbuild\tvcs.modified=true\n"
    static const struct {
        const char *text, *file; /* the program's, and one more of the repository */
        const char *removed;
        const char *program; /* NULL: the one with that text */
    } table[] = {
        {STAMPED("(devel)", "build\tvcs.modified=true\n"), NULL, NULL, NULL},
        {STAMPED("(devel)", "build\tvcs.revision=" REVISION "\n"), NULL, NULL, NULL},
        {"path\t" APP "\nbuild\tvcs=hg\n" GOOD, NULL, NULL, NULL},
        {"path\t" APP "\n" GOOD, NULL, NULL, NULL},
        {STAMPED("(devel)", GOOD), NULL, NULL, "m/go.mod"}, /* no build info */
        {STAMPED("(devel)", GOOD), "m/.hg/x", NULL, NULL},
        {STAMPED("(devel)", GOOD), "m/app/.svn/x", NULL, NULL},
        {STAMPED("(devel)", GOOD), "m/app/_FOSSIL_", NULL, NULL},
        {STAMPED("v1.0.0", GOOD), "m/.git/reftable/x", NULL, NULL},
        {STAMPED("v1.0.0", GOOD), NULL, "m/.git/refs", NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(asked) x;
        repository(table[i].text);
        if (table[i].file) {
            gotest_write(table[i].file, "");
        }
        if (table[i].removed) {
            assert_int_equal(koc__fs_remove(table[i].removed, NULL), KOC_OK);
        }
        ask(&x, "", table[i].program ? table[i].program : "program");
        if (x.usable) {
            fail_msg("row %zu", i);
        }
        assert_true(x.in->n_repos == 0 || !x.usable);
        assert_int_equal(koc__fs_remove("m", NULL), KOC_OK);
    }
}

KOC_TEST(inputs_without_a_stamp_of_the_commit_need_no_repository)
{
    KOC__AUTO_VAL(asked) x;
    repository("path\t" APP "\n");
    gotest_write("m/.hg/x", "");
    ask(&x, "-buildvcs=false", "program");
    assert_true(x.usable);
    assert_int_equal(x.in->n_repos, 0);
    KOC__AUTO_STR got = dump(x.in);
    assert_null(strstr(got, ".git"));
}

KOC_TEST(inputs_are_refreshed_by_what_go_stamped)
{
    KOC__AUTO_VAL(asked) x;
    bool usable = false;
    repository(STAMPED("(devel)", "build\tvcs.revision=" REVISION "\nbuild\tvcs.modified=false\n"));
    ask(&x, "", "program");
    fake_write_program("program", "a/b/c/d",
                       STAMPED("(devel)", "build\tvcs.revision=abc\nbuild\tvcs.modified=true\n"));
    assert_int_equal(koc__inputs_refresh_vcs(&x.b, x.in, &usable, NULL), KOC_OK);
    assert_true(usable);
    check_repo(x.in, "abc", true);
    fake_write_program("program", "a/b/c/d", STAMPED("(devel)", "build\tvcs.revision=abc\n"));
    assert_int_equal(koc__inputs_refresh_vcs(&x.b, x.in, &usable, NULL), KOC_OK);
    assert_false(usable);
    assert_int_equal(koc__inputs_add_repo(x.in, "/other", "x", false, NULL), KOC_OK);
    usable = true;
    assert_int_equal(koc__inputs_refresh_vcs(&x.b, x.in, &usable, NULL), KOC_OK);
    assert_false(usable); /* two repositories, and one program */
    x.in->n_repos = 0;
    assert_int_equal(koc__inputs_refresh_vcs(&x.b, x.in, &usable, NULL), KOC_OK);
    assert_true(usable);
}

/* --- what no record can be kept of --- */

static void young_file(void)
{
    gotest_write("m/app/young.go", "package main\n");
}

static void two_lines(void)
{
    gotest_write("m/app/two\nlines.go", "package main\n");
}

static void no_tools(void)
{
    assert_int_equal(koc__fs_remove("fake/pkg", NULL), KOC_OK);
}

static void list_fails(void)
{
    fake_status("1");
}

KOC_TEST(inputs_that_cannot_be_known_keep_no_record)
{
#define BESIDE(members)                                                                            \
    RUNTIME "{\n\"Dir\": \"$/lib\", \"ImportPath\": \"lib\", \"DepOnly\": true" members            \
            "\n}\n" PROGRAM("")
    static const struct {
        const char *json;
        void (*change)(void);
        bool usable;
    } table[] = {
        {BESIDE(""), NULL, true},
        {BESIDE(", \"CgoFiles\": []"), NULL, true},
        {BESIDE(", \"CgoFiles\": [\"a.go\"]"), NULL, false},
        {BESIDE(", \"SwigFiles\": [\"a.swig\"]"), NULL, false},
        {BESIDE(", \"SwigCXXFiles\": [\"a.swigcxx\"]"), NULL, false},
        {RUNTIME "{\n\"ImportPath\": \"lib\", \"DepOnly\": true\n}\n" PROGRAM(""), NULL, false},
        {RUNTIME "{\n\"Dir\": \"\", \"ImportPath\": \"lib\", \"DepOnly\": true\n}\n" PROGRAM(""),
         NULL, false},
        {RUNTIME "{\n\"Dir\": \"$/lib\", \"DepOnly\": true\n}\n" PROGRAM(""), NULL, false},
        {RUNTIME
         "{\n\"Dir\": \"$/none\", \"ImportPath\": \"lib\", \"DepOnly\": true\n}\n" PROGRAM(""),
         NULL, false},
        {RUNTIME "{\n\"Dir\": \"$/lib\", \"ImportPath\": \"lib\"\n}\n" PROGRAM(""), NULL, false},
        {RUNTIME PROGRAM(", \"EmbedFiles\": [\"none\"]"), NULL, false},
        {PROGRAM(""), NULL, false}, /* no runtime: the toolchain is not known */
        {RUNTIME PROGRAM(""), no_tools, false},
        {RUNTIME PROGRAM(""), two_lines, false},
        {RUNTIME PROGRAM(""), list_fails, false},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(asked) x;
        world();
        gotest_write("lib/lib.go", "package lib\n");
        list(table[i].json);
        if (table[i].change) {
            table[i].change();
        }
        ask(&x, "-buildvcs=false", "program");
        if (x.usable != table[i].usable) {
            fail_msg("row %zu", i);
        }
        assert_int_equal(koc__fs_remove("m", NULL), KOC_OK);
    }
}

/* go may have read what a file was before. */
KOC_TEST(inputs_that_changed_just_before_keep_no_record)
{
    KOC__AUTO_VAL(asked) x;
    world();
    list(RUNTIME PROGRAM(""));
    prepare(&x, "-buildvcs=false", "program");
    usleep(120000);
    young_file();
    assert_int_equal(koc__inputs_new(&x.in, NULL), KOC_OK);
    x.in->time_ns = now_ns();
    assert_int_equal(koc__inputs_list(&x.b, x.in, NULL, &x.usable, NULL), KOC_OK);
    assert_false(x.usable);
    assert_true(x.in->complete); /* the list of paths is right all the same */
}

KOC_TEST(inputs_of_an_answer_that_is_no_json_are_an_error)
{
    KOC__AUTO_VAL(asked) x;
    KOC__AUTO(koc_error) err = NULL;
    world();
    list("{\n\"Dir\":\n}\n");
    prepare(&x, "-buildvcs=false", "program");
    assert_int_equal(koc__inputs_new(&x.in, NULL), KOC_OK);
    assert_int_equal(koc__inputs_list(&x.b, x.in, NULL, &x.usable, &err), KOC_EFORMAT);
    assert_non_null(strstr(koc_error_message(err), "answer of go list"));
    assert_false(x.usable);
}

/* --- short of memory: all of it, or none --- */

KOC_TEST(inputs_are_whole_or_none)
{
    bool done = false;
    KOC__AUTO_STR want = NULL;
    embedded();
    gotest_write("m/.git/HEAD", "ref: refs/heads/main\n");
    gotest_write("m/.git/refs/tags/v1.0.0", REVISION "\n");
    fake_write_program(
        "program", "a/b/c/d",
        STAMPED("v1.0.0", "build\tvcs.revision=" REVISION "\nbuild\tvcs.modified=true\n"));
    list(RUNTIME PROGRAM(", \"EmbedPatterns\": [\"static\", \"n*/b\"], \"EmbedFiles\": "
                         "[\"static/a.html\"]"));
    {
        KOC__AUTO_VAL(asked) x;
        ask(&x, "", "program");
        assert_true(x.usable);
        want = dump(x.in);
    }
    for (uint64_t n = 1; n < 5000 && !done; n += 1 + n / 30) {
        KOC__AUTO_VAL(asked) x;
        prepare(&x, "", "program");
        assert_int_equal(koc__inputs_new(&x.in, NULL), KOC_OK);
        x.in->time_ns = now_ns();
        koc__alloc_fail_after(n);
        int rc = koc__inputs_list(&x.b, x.in, NULL, &x.usable, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM);
        done = rc == KOC_OK && x.usable;
        if (done) {
            check(x.in, want);
            check_repo(x.in, REVISION, true);
        }
    }
    assert_true(done);
}

static void check_repo_of(const koc__inputs *in)
{
    assert_int_equal(in->n_repos, 1);
    assert_string_equal(in->repos[0].root, "/root");
    assert_string_equal(in->repos[0].revision, "abc");
    assert_true(in->repos[0].modified);
    assert_int_equal(koc_strlist_count(in->lines), 1);
}

KOC_TEST(inputs_record_is_whole_or_none)
{
    static const koc_str key = {"key", 3};
    koc__cache *cache = NULL;
    KOC__AUTO_VAL(asked) x;
    int rc = KOC_ENOMEM;
    world();
    list(RUNTIME PROGRAM(""));
    ask(&x, "-buildvcs=false", "program");
    KOC__AUTO_STR want = dump(x.in);
    assert_int_equal(koc__inputs_add_repo(x.in, "/root", "abc", true, NULL), KOC_OK);
    assert_int_equal(koc__strlist_add(x.in->lines, "line 1", NULL), KOC_OK);
    assert_int_equal(koc__cache_open(koc_test_path("cache"), &cache, NULL), KOC_OK);
    for (uint64_t n = 1; n < 500 && rc != KOC_OK; n++) {
        KOC__AUTO(koc__inputs) back = NULL;
        koc__alloc_fail_after(n);
        rc = koc__inputs_keep(cache, key, x.in, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM);
        assert_int_equal(koc__inputs_recall(cache, key, &back, NULL), KOC_OK);
        if (back) {
            check(back, want);
            check_repo_of(back);
        }
    }
    assert_int_equal(koc__inputs_keep(cache, key, x.in, NULL), KOC_OK);
    rc = KOC_ENOMEM;
    for (uint64_t n = 1; n < 500 && rc != KOC_OK; n++) {
        KOC__AUTO(koc__inputs) back = NULL;
        koc__alloc_fail_after(n);
        rc = koc__inputs_recall(cache, key, &back, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || (rc == KOC_ENOMEM && !back));
        if (back) {
            check(back, want);
            check_repo_of(back);
        }
    }
    koc__cache_free(cache);
}

/* Arguments to packages, with a real go. */
#include "core/common.h"

#include <unistd.h>

#include "core/env.h"
#include "core/path.h"
#include "golang/package/package.h"
#include "gotest.h"
#include "test.h"

#undef setenv

/* A module with two programs, a library, an empty directory and a program for Windows. */
static void module(void)
{
    gotest_begin();
    gotest_write("go.mod", "module example.com/m\n\ngo 1.19\n");
    gotest_main("cmd/api", "api");
    gotest_main("cmd/worker", "worker");
    gotest_write("lib/lib.go", "package apilib\n");
    gotest_write("empty/README", "");
    gotest_write("cmd/win/main_windows.go", "package main\n\nfunc main() {}\n");
}

KOC_TEST(package_arguments_become_import_paths)
{
    static const struct {
        const char *args, *targets;
    } table[] = {
        {"./cmd/api", "example.com/m/cmd/api|.\n"},
        {"./cmd/api/", "example.com/m/cmd/api|.\n"},
        {"./lib/../cmd/api", "example.com/m/cmd/api|.\n"},
        {"example.com/m/cmd/api", "example.com/m/cmd/api|.\n"},
        {"ko://example.com/m/cmd/api", "example.com/m/cmd/api|.\n"},
        {"./cmd/worker ./cmd/api example.com/m/cmd/worker",
         "example.com/m/cmd/worker|.\nexample.com/m/cmd/api|.\n"},
        {"./...", "example.com/m/cmd/api|.\nexample.com/m/cmd/worker|.\n"},
        {"./cmd/...", "example.com/m/cmd/api|.\nexample.com/m/cmd/worker|.\n"},
        {"example.com/m/... ./cmd/api", "example.com/m/cmd/api|.\nexample.com/m/cmd/worker|.\n"},
        {"./cmd/win", "example.com/m/cmd/win|.\n"}, /* the build reports the platform */
    };
    module();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_string_equal(gotest_find(NULL, s, table[i].args), table[i].targets);
        /* Another go list finds packages that need cgo, if the files cannot show it. */
        assert_int_equal(gotest_runs(), strstr(table[i].args, "example.com/m/...") ? 2 : 1);
    }
}

KOC_TEST(package_targets_know_dir_and_reference)
{
    module();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    KOC__AUTO_STR absolute = NULL;
    assert_int_equal(koc__fs_realpath("cmd/api", &absolute, NULL), KOC_OK);
    KOC__AUTO_STR args = koc__format("./cmd/worker %s ko://./cmd/worker", absolute);
    KOC__AUTO(koc__go_targets) t = gotest_targets(NULL, s, args);
    assert_int_equal(t->count, 2);
    assert_string_equal(t->items[0]->argument, "./cmd/worker");
    assert_string_equal(t->items[0]->reference, "ko://example.com/m/cmd/worker");
    assert_string_equal(t->items[0]->spellings ? koc_strlist_get(t->items[0]->spellings, 0) : "",
                        "./cmd/worker"); /* the spelling in a document is kept */
    assert_string_equal(t->items[1]->import_path, "example.com/m/cmd/api");
    assert_string_equal(t->items[1]->package_dir, absolute);
}

KOC_TEST(package_has_one_import_path_however_it_is_spelled)
{
    static const char *const spellings[] = {"./cmd/api",
                                            "./cmd/api/",
                                            "./cmd/api/.",
                                            ".//cmd//api",
                                            "./lib/../cmd/api",
                                            "./cmd/../cmd/api",
                                            "../m/cmd/api",
                                            "example.com/m/cmd/api",
                                            "example.com/m/cmd/api/",
                                            "example.com/m//cmd/api",
                                            "example.com/m/cmd/./api",
                                            "ko://./cmd/api",
                                            "ko://./cmd/api/",
                                            "ko://../m/cmd/api",
                                            "ko://example.com/m/cmd/api/",
                                            "ko://example.com//m/cmd/api"};
    gotest_begin();
    assert_int_equal(koc__fs_mkdirs("m", 0755, NULL), KOC_OK);
    assert_int_equal(chdir("m"), 0);
    gotest_write("go.mod", "module example.com/m\n\ngo 1.19\n");
    gotest_main("cmd/api", "api");
    gotest_main(".", "root");
    gotest_write("lib/lib.go", "package lib\n");
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    KOC__AUTO_VAL(koc__dynbuf) all = KOC__DYNBUF_INIT(4096);
    for (size_t i = 0; i < KOC__COUNT(spellings); i++) {
        assert_string_equal(gotest_find(NULL, s, spellings[i]), "example.com/m/cmd/api|.\n");
        assert_int_equal(koc__dynbuf_printf(&all, NULL, "%s ", spellings[i]), KOC_OK);
    }
    assert_string_equal(gotest_find(NULL, s, koc__dynbuf_cstr(&all)), "example.com/m/cmd/api|.\n");
    static const char *const here[] = {".", "./", "ko://.", "ko://./", "./.", "example.com/m/"};
    for (size_t i = 0; i < KOC__COUNT(here); i++) {
        assert_string_equal(gotest_find(NULL, s, here[i]), "example.com/m|.\n");
    }
    assert_int_equal(chdir("cmd"), 0);
    assert_string_equal(gotest_find(NULL, s, "ko://../cmd/api"), "example.com/m/cmd/api|.\n");
    assert_string_equal(gotest_find(NULL, s, "ko://.."), "example.com/m|.\n");
}

KOC_TEST(package_complaints)
{
    static const struct {
        const char *args, *message;
    } table[] = {
        {"./lib", "cannot build ./lib: package main not found there (package is \"apilib\")"},
        {"example.com/m/lib",
         "cannot build example.com/m/lib: package main not found there (package is \"apilib\")"},
        {"./cmd/ap", "cannot build ./cmd/ap: no such directory -- did you mean ./cmd/api?"},
        {"ko://./cmd/ap",
         "cannot build ko://./cmd/ap: no such directory -- did you mean ./cmd/api?"},
        {"./cmd/api/main.go", "cannot build ./cmd/api/main.go: it is a file, not a package -- name "
                              "its directory: ./cmd/api"},
        {"example.com/x@v1.2.3",
         "cannot build example.com/x@v1.2.3: a version cannot be given here -- add the module with "
         "`go get example.com/x@v1.2.3`, then name it without the version"},
        {"./lib/...", "cannot build ./lib/...: no main package found there"},
        {"fmt", "cannot build fmt: package main not found there (package is \"fmt\")"},
        {"ko://", "cannot build \"ko://\": an empty import path"},
    };
    module();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_string_equal(gotest_find(NULL, s, table[i].args), table[i].message);
    }
    /* Here the words are go's. */
    const char *text = gotest_find(NULL, s, "cmd/worker");
    assert_memory_equal(text, "cannot build cmd/worker: ", 25);
    assert_non_null(strstr(text, " -- did you mean ./cmd/worker?"));
    text = gotest_find(NULL, s, "./empty");
    assert_non_null(strstr(text, "cannot build ./empty: no Go files in "));
    text = gotest_find(NULL, s, "./cmd/api example.com/other/cmd");
    assert_non_null(
        strstr(text, "cannot build example.com/other/cmd: no required module provides"));
    assert_null(strchr(text, '\n'));
}

KOC_TEST(package_without_a_module_or_go)
{
    gotest_begin();
    gotest_main("cmd/api", "api");
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    assert_string_equal(gotest_find(NULL, s, "./cmd/api"),
                        "cannot build ./cmd/api: go.mod file not found in current directory or any "
                        "parent directory; see 'go help modules'");
    gotest_write("go.mod", "module example.com/m\n\nnonsense\n");
    const char *text = gotest_find(NULL, s, "./cmd/api");
    assert_non_null(strstr(text, "cannot build ./cmd/api: errors parsing go.mod: "));
    assert_non_null(strstr(text, "go.mod:3"));

    setenv("KO_GO_PATH", "/nope/go", 1);
    KOC__AUTO(koc__go_settings) named = gotest_settings();
    assert_string_equal(gotest_find(NULL, named, "./cmd/api"),
                        "cannot build: KO_GO_PATH names no program: /nope/go -- set KO_GO_PATH to "
                        "the go tool, or unset it to use go from PATH");
    unsetenv("KO_GO_PATH");
    KOC__AUTO_STR path = koc__strdup(koc__env("PATH"));
    setenv("PATH", "/nope", 1);
    KOC__AUTO(koc__go_settings) none = gotest_settings();
    assert_string_equal(
        gotest_find(NULL, none, "./cmd/api"),
        "cannot build: there is no go in PATH -- install Go (https://go.dev/dl), or "
        "set KO_GO_PATH to the go tool");
    setenv("PATH", path, 1);
}

/* Two modules beside each other without a workspace: go list works only in their directories. */
static void write_two_modules(void)
{
    gotest_write("one/go.mod", "module example.com/one\n\ngo 1.19\n");
    gotest_main("one/cmd/app", "one");
    gotest_main("one/cmd/extra", "extra");
    gotest_write("two/go.mod", "module example.com/two\n\ngo 1.19\n");
    gotest_main("two/app", "two");
    gotest_main("two", "root of two");
}

static void two_modules(void)
{
    gotest_begin();
    write_two_modules();
}

KOC_TEST(package_entries_of_builds_say_where_go_runs)
{
    static const struct {
        const char *args, *targets;
    } table[] = {
        {"example.com/one/cmd/app", "example.com/one/cmd/app|one\n"}, /* an entry's import path */
        {"./one/cmd/app", "example.com/one/cmd/app|one\n"},           /* is in an entry's dir */
        {"./one/cmd/extra", "example.com/one/cmd/extra|one\n"},
        {"example.com/one/cmd/extra", "example.com/one/cmd/extra|one\n"}, /* ko picks at random */
        {"example.com/two/app", "example.com/two/app|two\n"},
        {"./two ./two/app", "example.com/two|two\nexample.com/two/app|two\n"},
        {"./one/... example.com/two",
         "example.com/one/cmd/app|one\nexample.com/one/cmd/extra|one\nexample.com/two|two\n"},
    };
    two_modules();
    gotest_write(".ko.yaml", "builds:\n- id: a\n  dir: ./one\n  main: ./cmd/app\n  env: [A=1]\n"
                             "- id: b\n  dir: two/\n  main: main.go\n");
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_string_equal(gotest_find(NULL, s, table[i].args), table[i].targets);
    }
    KOC__AUTO(koc__go_targets) t = gotest_targets(NULL, s, "./one/cmd/app ./one/cmd/extra ./two");
    assert_ptr_equal(t->items[0]->config, &s->builds[0]);
    assert_null(t->items[1]->config); /* flags and env go by the exact import path */
    assert_ptr_equal(t->items[2]->config, &s->builds[1]);
    /* Not in any of them: what the working directory has. */
    assert_non_null(strstr(gotest_find(NULL, s, "example.com/three"),
                           "cannot build example.com/three: no required module provides package"));
}

/* The last gotest_find has one warning, which starts with text; none if text is NULL. */
static void check_warning(const char *text)
{
    const char *warning = gotest_warnings();
    size_t len = strlen(warning);
    assert_memory_equal(warning, text ? text : "", text ? strlen(text) : 1);
    assert_true(text ? strchr(warning, '\n') == warning + len - 1 : len == 0);
}

/* Entries that no argument needs: the build continues, and the warning names the position. */
KOC_TEST(package_entries_that_go_cannot_load_are_warnings)
{
    static const struct {
        const char *entry, *warning;
    } table[] = {
        {"main: ./empty", ".ko.yaml:4:3: builds[1]: no Go files in "},
        {"main: ./inner", ".ko.yaml:4:3: builds[1]: main module (example.com/m) does not contain "},
        {"dir: inner", ".ko.yaml:4:3: builds[1]: "},
        {"dir: /", ".ko.yaml:4:3: builds[1]: "},
        {"dir: gone", ".ko.yaml:4:8: builds[1].dir: no such directory: gone"},
        {"main: ./cmd/gone", ".ko.yaml:4:9: builds[1].main: no such directory: ./cmd/gone"},
        {"main: ./cmd/worker\n  env: [A]", ".ko.yaml:5:8: builds[1].env: not of the form"},
        {"main: ./cmd/worker\n  linux_capabilities: [chwon]", ".ko.yaml:5:23: builds[1]: linux_"},
        {"main: ./lib/bad", ".ko.yaml:4:3: builds[1]: "},
        {"main: ./cmd/worker\n  ldflags: ['{{.Nope}}']", NULL}, /* is reported when it is used */
        {"main: ./lib", NULL},
    };
    module();
    gotest_write("inner/go.mod", "module example.com/inner\n\ngo 1.19\n");
    gotest_main("inner", "inner");
    gotest_write("lib/bad/bad.go", "packag nonsense\n");
    gotest_write("go.work", "go 1.19\n\nuse .\n");
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_STR text =
            koc__format("builds:\n- id: a\n  main: ./cmd/api\n- %s\n", table[i].entry);
        gotest_write(".ko.yaml", text);
        KOC__AUTO(koc__go_settings) s = gotest_settings();
        assert_string_equal(gotest_find(NULL, s, "./cmd/api"), "example.com/m/cmd/api|.\n");
        check_warning(table[i].warning);
        assert_string_equal(gotest_find(NULL, s, ""), ""); /* as koc doctor does */
        check_warning(table[i].warning);
    }
}

KOC_TEST(package_entries_that_are_asked_for_must_be_right)
{
    module();
    gotest_write("inner/go.mod", "module example.com/inner\n\ngo 1.19\n");
    gotest_main("inner", "inner");
    gotest_write(".ko.yaml", "builds:\n- main: ./cmd/api\n  env: [A]\n- main: ./inner\n"
                             "- main: ./empty\n");
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    assert_string_equal(gotest_find(NULL, s, "./cmd/worker"), "example.com/m/cmd/worker|.\n");
    assert_string_equal(gotest_find(NULL, s, "./cmd/api"),
                        ".ko.yaml:3:8: builds[0].env: not of the form NAME=value: A");
    const char *text = gotest_find(NULL, s, "example.com/inner");
    assert_non_null(strstr(text, "cannot build example.com/inner: "));
    assert_non_null(strstr(text, "this entry cannot be loaded: .ko.yaml:4:3: builds[1]: "));
    assert_non_null(strstr(gotest_find(NULL, s, "./empty"), "cannot build ./empty: no Go files"));
    assert_non_null(strstr(gotest_find(NULL, s, "./inner"), "cannot build ./inner: "));
    assert_string_equal(gotest_warnings(), "");
}

KOC_TEST(package_patterns_in_a_bare_workspace_are_all_modules_below)
{
    static const struct {
        const char *args, *targets;
    } table[] = {
        {"./...", "example.com/one/cmd/app|.\nexample.com/one/cmd/extra|.\nexample.com/two|.\n"
                  "example.com/two/app|.\n"},
        {"...", "example.com/one/cmd/app|.\nexample.com/one/cmd/extra|.\nexample.com/two|.\n"
                "example.com/two/app|.\n"},
        {"./one/...", "example.com/one/cmd/app|.\nexample.com/one/cmd/extra|.\n"},
        {"./one/cmd/...", "example.com/one/cmd/app|.\nexample.com/one/cmd/extra|.\n"},
        {"example.com/two/...", "example.com/two|.\nexample.com/two/app|.\n"},
        {"./deep/...", "example.com/deep/mod/x|.\n"},
    };
    gotest_begin(); /* the log and the cache are outside of the tree */
    assert_int_equal(koc__fs_mkdirs("ws", 0755, NULL), KOC_OK);
    assert_int_equal(chdir("ws"), 0);
    write_two_modules();
    gotest_write("three/go.mod", "module example.com/three\n\ngo 1.19\n"); /* not in use */
    gotest_main("three", "three");
    gotest_write("go.work", "go 1.19\n\nuse ./one\nuse ./two\n");
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    usleep(250000); /* nothing is recorded about files as young as a tick of the clock */
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(gotest_find(NULL, s, table[i].args), table[i].targets);
    }
    assert_string_equal(gotest_find(ctx, s, "./..."), table[0].targets);
    assert_true(gotest_runs() > 0);
    assert_string_equal(gotest_find(ctx, s, "./..."), table[0].targets);
    assert_int_equal(gotest_runs(), 0);
    gotest_write("deep/mod/go.mod", "module example.com/deep/mod\n\ngo 1.19\n");
    gotest_main("deep/mod/x", "x");
    gotest_write("go.work", "go 1.19\n\nuse ./one\nuse ./two\nuse ./deep/mod\n");
    assert_string_equal(gotest_find(ctx, s, "./deep/..."), table[5].targets);
    assert_non_null(strstr(gotest_find(ctx, s, "./..."), "example.com/deep/mod/x|.\n"));
    gotest_write("two/go.mod", "module example.com/two2\n\ngo 1.19\n"); /* its name is an input */
    assert_non_null(strstr(gotest_find(ctx, s, "./..."), "example.com/two2/app|.\n"));
    assert_non_null(strstr(gotest_find(ctx, s, "./three/..."), "cannot build ./three/...: "));
}

KOC_TEST(package_patterns_name_the_programs_that_need_cgo)
{
    module();
    gotest_write("cmd/c/main.go", "package main\n\nimport \"C\"\n\nfunc main() {}\n");
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    static const char both[] = "example.com/m/cmd/api|.\nexample.com/m/cmd/worker|.\n";
    static const char *const patterns[] = {"./...", "./cmd/...", "...", "example.com/m/...",
                                           "./..."};
    for (size_t i = 0; i < KOC__COUNT(patterns); i++) {
        KOC__AUTO(koc__go_settings) s = gotest_settings();
        assert_string_equal(gotest_find(ctx, s, patterns[i]), both);
        KOC__AUTO_STR warning = koc__format("example.com/m/cmd/c is left out of %s: it needs cgo "
                                            "(CGO_ENABLED=1)\n",
                                            patterns[i]);
        assert_string_equal(gotest_warnings(), warning);
    }
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    assert_string_equal(gotest_find(ctx, s, "./cmd/c/..."),
                        "cannot build ./cmd/c/...: no main package found there -- "
                        "example.com/m/cmd/c needs cgo: set CGO_ENABLED=1");
    gotest_write(".ko.yaml", "defaultEnv: [CGO_ENABLED=1]\n");
    KOC__AUTO(koc__go_settings) with = gotest_settings();
    assert_non_null(strstr(gotest_find(ctx, with, "./..."), "example.com/m/cmd/c|.\n"));
    assert_string_equal(gotest_warnings(), "");
}

KOC_TEST(package_words_that_go_keeps_for_itself)
{
    static const char *const words[] = {"all", "cmd", "std", "tool", "work", "ko://tool"};
    module();
    gotest_main("tool", "tool");
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    for (size_t i = 0; i < KOC__COUNT(words); i++) {
        assert_non_null(strstr(gotest_find(NULL, s, words[i]), "is a set of packages -- "));
    }
    assert_string_equal(gotest_find(NULL, s, "tool"),
                        "cannot build tool: to go that word is a set of packages -- did you mean "
                        "./tool?");
    /* Go has a cmd/api of its own. */
    assert_string_equal(gotest_find(NULL, s, "cmd/api"),
                        "cannot build cmd/api: to go that is a package of its standard library -- "
                        "did you mean ./cmd/api?");
    assert_string_equal(gotest_find(NULL, s, "cmd/vet"), "cmd/vet|.\n"); /* nothing else is meant */
    assert_string_equal(gotest_find(NULL, s, "cmd/..."),
                        "cannot build cmd/...: no main package found there -- did you mean "
                        "./cmd/...?");
}

KOC_TEST(package_last_entry_of_an_import_path_wins)
{
    module();
    gotest_write(".ko.yaml", "builds:\n- main: ./cmd/api\n- main: ./cmd/api/main.go\n");
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    KOC__AUTO(koc__go_targets) t = gotest_targets(NULL, s, "./cmd/api");
    assert_ptr_equal(t->items[0]->config, &s->builds[1]);
    assert_int_equal(gotest_runs(), 1); /* entries and arguments in one go list */
}

KOC_TEST(package_workspace_replace_and_vendor)
{
    two_modules();
    gotest_write("go.work", "go 1.19\n\nuse ./one\nuse ./two\n");
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    assert_string_equal(gotest_find(NULL, s, "./one/cmd/app example.com/two"),
                        "example.com/one/cmd/app|.\nexample.com/two|.\n");
    assert_int_equal(unlink("go.work"), 0);

    gotest_write("three/go.mod", "module example.com/three\n\ngo 1.19\n\nrequire example.com/two "
                                 "v0.0.0\n\nreplace example.com/two => ../two\n");
    gotest_write("three/tools.go", "package three\n\nimport _ \"example.com/two/lib\"\n");
    gotest_write("two/lib/lib.go", "package lib\n");
    gotest_main("three/cmd", "three");
    assert_int_equal(chdir("three"), 0);
    KOC__AUTO(koc__go_settings) replaced = gotest_settings();
    KOC__AUTO(koc__go_targets) t = gotest_targets(NULL, replaced, "example.com/two/app ./cmd");
    assert_true(koc__str_ends(koc__str(t->items[0]->package_dir), "/two/app"));
    gotest_run("go mod vendor");
    assert_string_equal(gotest_find(NULL, replaced, "./cmd"), "example.com/three/cmd|.\n");
}

KOC_TEST(package_answers_are_kept)
{
    module();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    static const char both[] = "example.com/m/cmd/api|.\nexample.com/m/cmd/worker|.\n";
    assert_string_equal(gotest_find(ctx, s, "./cmd/api ./cmd/worker"), both);
    assert_int_equal(gotest_runs(), 1);
    assert_string_equal(gotest_find(ctx, s, "./cmd/api ./cmd/worker"), both);
    assert_int_equal(gotest_runs(), 0);
    /* Only new patterns are listed. */
    assert_string_equal(gotest_find(ctx, s, "./cmd/api ./cmd/win"),
                        "example.com/m/cmd/api|.\nexample.com/m/cmd/win|.\n");
    assert_int_equal(gotest_runs(), 1);
    /* "./..." may have grown. */
    assert_string_equal(gotest_find(ctx, s, "./..."), both);
    gotest_main("cmd/third", "x");
    assert_non_null(strstr(gotest_find(ctx, s, "./..."), "third"));
    assert_int_equal(gotest_runs(), 2);
    /* The module's name is in go.mod. */
    gotest_write("go.mod", "module example.com/n\n\ngo 1.19\n");
    assert_string_equal(gotest_find(ctx, s, "./cmd/api"), "example.com/n/cmd/api|.\n");
    assert_int_equal(gotest_runs(), 1);
    /* A module between. */
    gotest_write("cmd/api/go.mod", "module example.com/inner\n\ngo 1.19\n");
    assert_non_null(strstr(gotest_find(ctx, s, "./cmd/api"), "cannot build ./cmd/api: "));
    assert_int_equal(gotest_runs(), 1);
    /* A workspace that takes it in. */
    gotest_write("go.work", "go 1.19\n\nuse .\nuse ./cmd/api\n");
    assert_string_equal(gotest_find(ctx, s, "./cmd/api"), "example.com/inner|.\n");
    assert_string_equal(gotest_find(ctx, s, "./cmd/api"), "example.com/inner|.\n");
    assert_int_equal(gotest_runs(), 1);
    /* A variable that matters to go. */
    setenv("GOWORK", "off", 1);
    assert_non_null(strstr(gotest_find(ctx, s, "./cmd/api"), "cannot build ./cmd/api: "));
    assert_int_equal(gotest_runs(), 1);
    unsetenv("GOWORK");
    setenv("KOC_TEST_OTHER", "1", 1); /* and one that does not */
    assert_string_equal(gotest_find(ctx, s, "./cmd/api"), "example.com/inner|.\n");
    assert_int_equal(gotest_runs(), 0);
    unsetenv("KOC_TEST_OTHER");
    /* Another go. */
    KOC__AUTO_VAL(koc__dynbuf) script = KOC__DYNBUF_INIT(4096);
    assert_int_equal(koc__fs_read_file("watched-go", &script, NULL), KOC_OK);
    assert_int_equal(koc__dynbuf_puts(&script, "\n", NULL), KOC_OK);
    assert_int_equal(koc__fs_write_file("watched-go", koc__dynbuf_view(&script), 0755, NULL),
                     KOC_OK);
    KOC__AUTO(koc__go_settings) again = gotest_settings();
    assert_string_equal(gotest_find(ctx, again, "./cmd/api"), "example.com/inner|.\n");
    assert_int_equal(gotest_runs(), 1);
    /* A directory that is gone. */
    assert_int_equal(koc__fs_remove("cmd/worker", NULL), KOC_OK);
    assert_non_null(strstr(gotest_find(ctx, again, "./cmd/worker"), "no such directory"));
}

KOC_TEST(package_kept_answers_follow_go_env_w)
{
    module();
    KOC__AUTO(koc_ctx) ctx = gotest_ctx();
    KOC__AUTO(koc__go_settings) s = gotest_settings();
    setenv("GOENV", koc_test_path("goenv"), 1);
    gotest_find(ctx, s, "./cmd/api");
    gotest_find(ctx, s, "./cmd/api");
    assert_int_equal(gotest_runs(), 1);
    gotest_write("goenv", "GOPRIVATE=example.com\n");
    gotest_find(ctx, s, "./cmd/api");
    assert_int_equal(gotest_runs(), 1);
    setenv("GOFLAGS", "-modfile=go.mod", 1); /* names a file: nothing is known of it */
    gotest_find(ctx, s, "./cmd/api");
    gotest_find(ctx, s, "./cmd/api");
    assert_int_equal(gotest_runs(), 2);
}

/* After a colon the next line is joined; there may be none. */
KOC_TEST(package_first_words_of_go)
{
    static const char *const table[][2] = {
        {"go: downloading example.test/x v1\ngo: a:\n\tb\n", "a: b"},
        {"go: a:\n", "a:"},
        {"go: a: \n", "a:"},
        {"a:", "a:"},
        {"\n\n", ""},
        {"", ""},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_STR words = koc__go_first_words(koc__str(table[i][0]));
        assert_string_equal(words, table[i][1]);
    }
}

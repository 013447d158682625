#include "core/common.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/path.h"
#include "core/run/proc.h"
#include "golang/go_env.h"
#include "gotest.h"
#include "test.h"

#undef setenv

static const char *const cleared[] = {"GOOS",
                                      "GOARCH",
                                      "GOARM",
                                      "GOAMD64",
                                      "CGO_ENABLED",
                                      "GOFLAGS",
                                      "GOWORK",
                                      "GOENV",
                                      "KOCACHE",
                                      "KO_GO_PATH",
                                      "KO_CONFIG_PATH",
                                      "KO_DEFAULTFLAGS",
                                      "KO_DEFAULTENV",
                                      "KO_DEFAULTLDFLAGS",
                                      "KO_DEFAULTPLATFORMS",
                                      "SOURCE_DATE_EPOCH"};

void gotest_begin(void)
{
    KOC__AUTO_STR go = NULL;
    for (size_t i = 0; i < KOC__COUNT(cleared); i++) {
        unsetenv(cleared[i]);
    }
    if (koc__proc_find("go", NULL, &go, NULL) != KOC_OK) {
        print_message("skipped: there is no go\n");
        skip();
    }
    assert_int_equal(chdir(koc_test_dir()), 0);
    KOC__AUTO_STR script =
        koc__format("#!/bin/sh\necho \"$1\" >>%s\nexec %s \"$@\"\n", koc_test_path("go.log"), go);
    const char *path = koc_test_write("watched-go", script, strlen(script));
    assert_int_equal(chmod(path, 0755), 0);
    setenv("KO_GO_PATH", path, 1);
    setenv("GOENV", "off", 1);
    setenv("GOPROXY", "off", 1);
    setenv("GOTOOLCHAIN", "local", 1);
    setenv("GOFLAGS", "-buildvcs=false", 1);
}

void gotest_write(const char *path, const char *text)
{
    KOC__AUTO_STR dir = koc__str_dup(koc__path_dir(koc__str(path)));
    assert_int_equal(koc__fs_mkdirs(dir, 0755, NULL), KOC_OK);
    assert_int_equal(koc__fs_write_file(path, koc__str(text), 0644, NULL), KOC_OK);
}

void gotest_main(const char *dir, const char *text)
{
    KOC__AUTO_STR path = koc__path_join(dir, "main.go");
    KOC__AUTO_STR source = koc__format("package main\n\nfunc main() { println(\"%s\") }\n", text);
    gotest_write(path, source);
}

unsigned gotest_runs(void)
{
    KOC__AUTO_VAL(koc__dynbuf) log = KOC__DYNBUF_INIT(1 << 20);
    unsigned n = 0;
    if (koc__fs_read_file(koc_test_path("go.log"), &log, NULL) == KOC_OK) {
        for (size_t i = 0; i < log.len; i++) {
            n += log.ptr[i] == '\n';
        }
    }
    (void)unlink(koc_test_path("go.log"));
    return n;
}

koc_ctx *gotest_ctx(void)
{
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    koc_ctx *ctx = NULL;
    o.cache_dir = koc_test_path("cache");
    assert_int_equal(koc_ctx_new(&o, &ctx, NULL), KOC_OK);
    return ctx;
}

koc__go_settings *gotest_settings(void)
{
    koc__go_settings *s = NULL;
    koc_error *err = NULL;
    if (koc__go_settings_load(NULL, false, &s, &err) != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    return s;
}

static int find(koc_ctx *ctx, const koc__go_settings *s, const char *args, koc__go_targets **out,
                koc_error **err)
{
    KOC__AUTO(koc_strlist) list = NULL;
    KOC__AUTO(koc_strlist) platforms = NULL;
    koc_str rest = koc__str(args);
    koc_str word;
    assert_int_equal(koc__strlist_new(&list, NULL), KOC_OK);
    while (koc__str_word(&rest, &word)) {
        assert_int_equal(koc__strlist_add_n(list, word, NULL), KOC_OK);
    }
    assert_int_equal(koc__go_settings_platforms(s, NULL, &platforms, NULL), KOC_OK);
    return koc__go_targets_find(ctx, s, koc_strlist_get(platforms, 0), koc__strlist_argv(list),
                                NULL, out, err);
}

static char warnings[4096];

const char *gotest_warnings(void)
{
    return warnings;
}

const char *gotest_find(koc_ctx *ctx, const koc__go_settings *s, const char *args)
{
    static char out[4096];
    KOC__AUTO(koc__go_targets) t = NULL;
    koc_error *err = NULL;
    size_t len = 0;
    out[0] = warnings[0] = '\0';
    if (find(ctx, s, args, &t, &err) != KOC_OK) {
        const char *hint = koc_error_hint(err);
        snprintf(out, sizeof(out), "%s%s%s", koc_error_message(err), hint ? " -- " : "",
                 hint ? hint : "");
        koc_error_free(err);
        return out;
    }
    for (size_t i = 0; i < koc_strlist_count(t->warnings); i++) {
        size_t n = strlen(warnings);
        snprintf(warnings + n, sizeof(warnings) - n, "%s\n", koc_strlist_get(t->warnings, i));
    }
    for (size_t i = 0; i < t->count; i++) {
        const koc__go_target *x = t->items[i];
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s|%s\n", x->import_path,
                                x->work_dir ? x->work_dir : ".");
    }
    return out;
}

koc__go_targets *gotest_targets(koc_ctx *ctx, const koc__go_settings *s, const char *args)
{
    koc__go_targets *t = NULL;
    koc_error *err = NULL;
    if (find(ctx, s, args, &t, &err) != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    return t;
}

void gotest_run(const char *command)
{
    KOC__AUTO(koc_strlist) argv = NULL;
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    koc_str rest = koc__str(command);
    koc_str word;
    assert_int_equal(koc__strlist_new(&argv, NULL), KOC_OK);
    while (koc__str_word(&rest, &word)) {
        assert_int_equal(koc__strlist_add_n(argv, word, NULL), KOC_OK);
    }
    const koc__proc proc = {.argv = koc__strlist_argv(argv), .flags = KOC__PROC_MERGE};
    assert_int_equal(koc__proc_run(&proc, NULL, &result, NULL), KOC_OK);
    if (result.exit_code != 0) {
        fail_msg("%s: %s", command, koc__dynbuf_cstr(&result.output));
    }
}

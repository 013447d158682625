/* .ko.yaml and its KO_* overrides. */
#include "core/common.h"

#include <sys/stat.h>
#include <unistd.h>

#include "golang/config/settings.h"
#include "test.h"

#undef setenv

static const char *const variables[] = {"KO_CONFIG_PATH",
                                        "KO_DEFAULTBASEIMAGE",
                                        "KO_BASEIMAGEOVERRIDES",
                                        "KO_DEFAULTPLATFORMS",
                                        "KO_DEFAULTENV",
                                        "KO_DEFAULTFLAGS",
                                        "KO_DEFAULTLDFLAGS",
                                        "GOOS",
                                        "GOARCH",
                                        "GOARM"};

/* Changes to an empty directory and clears the variables. */
static void begin(void)
{
    for (size_t i = 0; i < KOC__COUNT(variables); i++) {
        unsetenv(variables[i]);
    }
    assert_int_equal(chdir(koc_test_dir()), 0);
}

static void write_file(const char *name, const char *text)
{
    koc_test_write(name, text, strlen(text));
}

static koc__go_settings *load(const char *path)
{
    koc__go_settings *s = NULL;
    koc_error *err = NULL;
    if (koc__go_settings_load(path, false, &s, &err) != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    return s;
}

/* Joined by '|', in one of four buffers. */
static const char *joined(const koc_strlist *l)
{
    static char buffers[4][512];
    static unsigned next;
    char *out = buffers[next++ % 4];
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < koc_strlist_count(l); i++) {
        len +=
            (size_t)snprintf(out + len, 512 - len, "%s%s", i > 0 ? "|" : "", koc_strlist_get(l, i));
    }
    return out;
}

static void check_platforms(const koc__go_settings *s, const char *const *requested,
                            const char *expected)
{
    KOC__AUTO(koc_strlist) platforms = NULL;
    assert_int_equal(koc__go_settings_platforms(s, requested, &platforms, NULL), KOC_OK);
    assert_string_equal(joined(platforms), expected);
}

/* The message (and hint, after " -- ") of loading text as .ko.yaml. */
static const char *complaint(const char *text)
{
    static char out[1024];
    koc__go_settings *s = NULL;
    koc_error *err = NULL;
    write_file(".ko.yaml", text);
    int rc = koc__go_settings_load(NULL, false, &s, &err);
    if (rc == KOC_OK) {
        koc__go_settings_free(s);
        return "";
    }
    const char *hint = koc_error_hint(err);
    snprintf(out, sizeof(out), "%s%s%s", koc_error_message(err), hint ? " -- " : "",
             hint ? hint : "");
    koc_error_free(err);
    return out;
}

KOC_TEST(settings_without_a_file_are_the_defaults)
{
    begin();
    KOC__AUTO(koc__go_settings) s = load(NULL);
    assert_null(s->path);
    assert_string_equal(s->base.name, "cgr.dev/chainguard/static:latest");
    assert_int_equal(s->n_builds, 0);
    assert_string_equal(joined(s->platforms), "");
    assert_string_equal(koc__go_settings_base(s, "example.com/x")->name, s->base.name);
}

KOC_TEST(settings_read_every_key)
{
    begin();
    write_file(".ko.yaml", "defaultBaseImage: example.com/base:1\n"
                           "baseImageOverrides:\n"
                           "  Example.com/Foo/cmd/App: example.com/other\n"
                           "  example.com/scratchy: scratch\n"
                           "defaultPlatforms: [linux/amd64, linux/arm64]\n"
                           "defaultEnv: [A=1, B=x=y]\n"
                           "defaultFlags: -v -x\n"
                           "defaultLdflags:\n- -s\n- -w\n"
                           "builds:\n"
                           "- id: first\n"
                           "  dir: ./sub/\n"
                           "  main: cmd/app\n"
                           "  flags: -tags  netgo\n"
                           "  ldflags: -s -w\n"
                           "  env: C=2\n"
                           "  linux_capabilities: net_bind_service chown\n"
                           "  goos: [linux]\n"
                           "- ldflags: [a, b c]\n");
    assert_int_equal(koc__fs_mkdirs("sub/cmd/app", 0755, NULL), KOC_OK);
    KOC__AUTO(koc__go_settings) s = load(NULL);
    assert_string_equal(s->path, ".ko.yaml");
    assert_string_equal(s->base.name, "example.com/base:1");
    assert_string_equal(koc__go_settings_base(s, "example.com/foo/CMD/app")->name,
                        "example.com/other");
    assert_string_equal(koc__go_settings_base(s, "example.com/scratchy")->name, "scratch");
    assert_string_equal(joined(s->platforms), "linux/amd64|linux/arm64");
    assert_string_equal(joined(s->env), "A=1|B=x=y");
    assert_string_equal(joined(s->flags), "-v|-x");
    assert_string_equal(joined(s->ldflags), "-s|-w");
    assert_int_equal(s->n_builds, 2);
    const koc__go_config *c = &s->builds[0];
    assert_string_equal(c->id, "first");
    assert_string_equal(c->dir, "sub");
    assert_string_equal(c->main, "cmd/app");
    assert_string_equal(joined(c->flags), "-tags|netgo");
    assert_string_equal(joined(c->ldflags), "-s -w"); /* a string is one item */
    assert_string_equal(joined(c->env), "C=2");
    assert_string_equal(joined(c->capabilities), "net_bind_service|chown");
    assert_int_equal(c->line, 12);
    assert_string_equal(s->builds[1].id, "#1");
    assert_string_equal(s->builds[1].dir, ".");
    assert_string_equal(s->builds[1].main, ".");
    assert_string_equal(joined(s->builds[1].ldflags), "a|b c");
    assert_int_equal(koc_strlist_count(s->warnings), 0);
}

KOC_TEST(settings_keys_match_in_any_case_and_one_build_needs_no_list)
{
    begin();
    write_file(".ko.yaml", "DEFAULTENV: A=1 B=2\nBuilds:\n  Flags: -v\n  LDFLAGS: [-s]\n");
    KOC__AUTO(koc__go_settings) s = load(NULL);
    assert_string_equal(joined(s->env), "A=1|B=2");
    assert_int_equal(s->n_builds, 1);
    assert_string_equal(joined(s->builds[0].flags), "-v");
    assert_string_equal(joined(s->builds[0].ldflags), "-s");
}

KOC_TEST(settings_null_and_empty_values_are_not_there)
{
    begin();
    write_file(".ko.yaml", "defaultBaseImage: ~\nbaseImageOverrides:\ndefaultEnv:\nbuilds:\n");
    KOC__AUTO(koc__go_settings) s = load(NULL);
    assert_string_equal(s->base.name, KOC__GO_DEFAULT_BASE);
    assert_int_equal(s->n_builds, 0);
    write_file(".ko.yaml", "");
    KOC__AUTO(koc__go_settings) empty = load(NULL);
    assert_int_equal(empty->n_builds, 0);
}

KOC_TEST(settings_complain_with_file_line_and_column)
{
    static const struct {
        const char *text, *message;
    } table[] = {
        {"builds: 3\n", ".ko.yaml:1:9: builds: must be a list of mappings"},
        {"builds:\n- x\n",
         ".ko.yaml:2:3: builds[0]: must be a mapping (id, dir, main, flags, ldflags, env, ...)"},
        {"builds:\n- flags: {a: b}\n", ".ko.yaml:2:10: builds[0].flags: must be a list of strings"},
        {"defaultEnv: FOO\n", ".ko.yaml:1:13: defaultEnv: not of the form NAME=value: FOO"},
        {"defaultFlags: [[a]]\n", ".ko.yaml:1:16: defaultFlags: must be a list of strings"},
        {"defaultFlags:\n- ~\n", ".ko.yaml:2:3: defaultFlags: must be a list of strings"},
        {"defaultBaseImage: [a]\n", ".ko.yaml:1:19: defaultBaseImage: must be a string"},
        {"defaultBaseImage: \"\"\n", ".ko.yaml:1:19: defaultBaseImage: the base image is empty"},
        {"baseImageOverrides: [a]\n",
         ".ko.yaml:1:21: baseImageOverrides: must map import paths to base images"},
        {"baseImageOverrides:\n  a/b: \"\"\n",
         ".ko.yaml:2:8: baseImageOverrides: a/b: the base image is empty"},
        {"- a\n", ".ko.yaml:1:1: not a mapping of keys to values"},
        {"defaultEnv: A=1\ndefaultenv: A=2\n",
         ".ko.yaml:2:13: defaultenv: the same key as defaultEnv on line 1"},
    };
    begin();
    assert_int_equal(koc__fs_mkdirs("cmd/app", 0755, NULL), KOC_OK);
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_string_equal(complaint(table[i].text), table[i].message);
    }
    /* The words are the reference parser's and libyaml's. */
    assert_memory_equal(complaint("defaultBaseImage: A//b\n"),
                        ".ko.yaml:1:19: defaultBaseImage: ", 33);
    assert_memory_equal(complaint("a: [b\n"), ".ko.yaml:", 9);
    assert_memory_equal(complaint("a: 1\na: 2\n"), ".ko.yaml:2:", 11);
}

KOC_TEST(settings_warn_once_about_unknown_keys)
{
    begin();
    write_file(".ko.yaml", "defaultPlatfroms: [linux/amd64]\nfoo: 1\nbuilds:\n- goarm: 6\n");
    KOC__AUTO(koc__go_settings) s = load(NULL);
    assert_int_equal(koc_strlist_count(s->warnings), 1);
    assert_string_equal(koc_strlist_get(s->warnings, 0),
                        ".ko.yaml: unknown key defaultPlatfroms (did you mean defaultPlatforms?), "
                        "foo");
}

KOC_TEST(settings_warn_about_two_entries_for_one_package)
{
    begin();
    write_file(".ko.yaml", "builds:\n- id: a\n- id: b\n  main: ./\n");
    KOC__AUTO(koc__go_settings) s = load(NULL);
    assert_int_equal(koc_strlist_count(s->warnings), 1);
    assert_string_equal(koc_strlist_get(s->warnings, 0),
                        ".ko.yaml:3:3: builds[1]: . is also the package of builds[0]; the last "
                        "entry counts");
}

KOC_TEST(settings_warn_about_two_entries_with_one_id)
{
    begin();
    assert_int_equal(koc__fs_mkdirs("cmd/app", 0755, NULL), KOC_OK);
    write_file(".ko.yaml", "builds:\n- id: a\n- id: a\n  main: ./cmd/app\n");
    KOC__AUTO(koc__go_settings) s = load(NULL);
    assert_int_equal(koc_strlist_count(s->warnings), 1);
    assert_string_equal(koc_strlist_get(s->warnings, 0),
                        ".ko.yaml:3:3: builds[1]: the id a is also that of builds[0]");
}

KOC_TEST(settings_keep_a_mistake_in_one_entry_for_who_asks_for_it)
{
    static const struct {
        const char *text, *message;
    } table[] = {
        {"builds:\n- main: ./cmd/ap\n",
         ".ko.yaml:2:9: builds[0].main: no such directory: ./cmd/ap -- did you mean ./cmd/app?"},
        {"builds:\n- dir: nope\n", ".ko.yaml:2:8: builds[0].dir: no such directory: nope"},
        {"builds:\n- env: [A]\n", ".ko.yaml:2:8: builds[0].env: not of the form NAME=value: A"},
        {"builds: [{linux_capabilities: [chwon]}]\n",
         ".ko.yaml:1:31: builds[0]: linux_capabilities: unknown capability \"chwon\""},
        {"builds: [{env: [A], linux_capabilities: [chwon]}]\n", /* the first is reported */
         ".ko.yaml:1:41: builds[0]: linux_capabilities: unknown capability \"chwon\""},
    };
    begin();
    assert_int_equal(koc__fs_mkdirs("cmd/app", 0755, NULL), KOC_OK);
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        write_file(".ko.yaml", table[i].text);
        KOC__AUTO(koc__go_settings) s = load(NULL);
        const koc_error *why = s->builds[0].why;
        const char *hint = koc_error_hint(why);
        KOC__AUTO_STR text =
            koc__format("%s%s%s", koc_error_message(why), hint ? " -- " : "", hint ? hint : "");
        assert_string_equal(text, table[i].message);
    }
}

KOC_TEST(settings_are_found_in_kos_order)
{
    begin();
    koc__go_settings *s = NULL;
    koc_error *err = NULL;
    write_file(".ko.yml", "defaultBaseImage: example.com/yml\n");
    s = load(NULL);
    assert_string_equal(s->base.name, "example.com/yml");
    koc__go_settings_free(s);
    write_file(".ko.yaml", "defaultBaseImage: example.com/yaml\n");
    s = load(NULL);
    assert_string_equal(s->base.name, "example.com/yaml");
    koc__go_settings_free(s);
    write_file(".ko.toml", "");
    assert_int_equal(koc__go_settings_load(NULL, false, &s, &err), KOC_EUNSUPPORTED);
    assert_string_equal(koc_error_message(err),
                        "cannot read .ko.toml: settings in TOML are not supported");
    koc_error_free(err);
    write_file(".ko.json",
               "{\n\t\"defaultBaseImage\":\"example.com/json\",\n\t\"builds\": [{\"main\""
               ": \".\", \"ldflags\": [\"-X a=\\u00e9\\tb\"]}]\n}\n");
    s = load(NULL);
    assert_string_equal(s->base.name, "example.com/json");
    assert_string_equal(koc_strlist_get(s->builds[0].ldflags, 0), "-X a=\xc3\xa9\tb");
    koc__go_settings_free(s);
}

/* A file that exists but cannot be read is reported as such, never as missing. */
KOC_TEST(settings_file_that_is_no_file)
{
    static const struct {
        const char *words;
        int code;
    } table[] = {{"it is a directory, not a file", KOC_EINVAL},
                 {"it is a link that leads nowhere", KOC_EINVAL},
                 {"it is a FIFO, not a file", KOC_EINVAL},
                 {"Too many levels of symbolic links", KOC_EIO}};
    begin();
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO(koc_error) err = NULL;
        KOC__AUTO(koc_error) named = NULL;
        koc__go_settings *s = NULL;
        int made = i == 0   ? mkdir(".ko.yaml", 0755)
                   : i == 1 ? symlink("nowhere", ".ko.yaml")
                   : i == 2 ? mkfifo(".ko.yaml", 0644)
                            : symlink(".ko.yaml", ".ko.yaml");
        assert_int_equal(made, 0);
        assert_int_equal(koc__go_settings_load(NULL, false, &s, &err), table[i].code);
        assert_non_null(strstr(koc_error_message(err), "cannot read .ko.yaml: "));
        assert_non_null(strstr(koc_error_message(err), table[i].words));
        setenv("KO_CONFIG_PATH", ".", 1); /* the directory that it is in */
        assert_int_equal(koc__go_settings_load(NULL, false, &s, &named), table[i].code);
        assert_non_null(strstr(koc_error_message(named), table[i].words));
        unsetenv("KO_CONFIG_PATH");
        assert_int_equal(koc__fs_remove(".ko.yaml", NULL), KOC_OK);
    }
    KOC__AUTO(koc_error) err = NULL;
    koc__go_settings *s = NULL;
    write_file("plain", "");
    assert_int_not_equal(koc__go_settings_load("plain/x.yaml", false, &s, &err), KOC_OK);
    assert_non_null(strstr(koc_error_message(err), "Not a directory"));
}

KOC_TEST(settings_json_is_strict)
{
    begin();
    static const char *const bad[] = {"{\"a\": 1,}", "{a: 1}", "{\"a\": 1, \"a\": 2}", "",
                                      "# x\n{}"};
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        koc__go_settings *s = NULL;
        koc_error *err = NULL;
        write_file(".ko.json", bad[i]);
        assert_int_equal(koc__go_settings_load(NULL, false, &s, &err), KOC_EFORMAT);
        assert_non_null(strstr(koc_error_message(err), ".ko.json"));
        koc_error_free(err);
    }
}

KOC_TEST(settings_path_is_a_file_or_a_dir)
{
    static const struct {
        const char *path;
        int code;
        const char *message;
    } table[] = {
        {"nope.yaml", KOC_ENOTFOUND, "cannot read nope.yaml: no such file"},
        {"empty", KOC_ENOTFOUND, "cannot read empty/.ko.yaml: no such file"},
        {"plain", KOC_EINVAL, "cannot read plain: settings files end in .yaml, .yml or .json"},
        {"x.toml", KOC_EUNSUPPORTED, "cannot read x.toml: settings in TOML are not supported"},
        {"/dev/null", KOC_EINVAL, "cannot read /dev/null: it is a device, not a file"},
    };
    begin();
    assert_int_equal(koc__fs_mkdirs("empty", 0755, NULL), KOC_OK);
    assert_int_equal(koc__fs_mkdirs("full", 0755, NULL), KOC_OK);
    write_file("plain", "");
    write_file("x.toml", "");
    write_file("x.yaml", "defaultBaseImage: example.com/named\n");
    write_file("full/.ko.yaml", "defaultBaseImage: example.com/folder\n");
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc__go_settings *s = NULL;
        koc_error *err = NULL;
        setenv("KO_CONFIG_PATH", table[i].path, 1);
        assert_int_equal(koc__go_settings_load(NULL, false, &s, &err), table[i].code);
        assert_string_equal(koc_error_message(err), table[i].message);
        koc_error_free(err);
    }
    setenv("KO_CONFIG_PATH", "full", 1);
    KOC__AUTO(koc__go_settings) dir = load(NULL);
    assert_string_equal(dir->base.name, "example.com/folder");
    KOC__AUTO(koc__go_settings) named = load("x.yaml"); /* the argument wins over the variable */
    assert_string_equal(named->base.name, "example.com/named");
    unsetenv("KO_CONFIG_PATH");
}

KOC_TEST(settings_environment_beats_the_file)
{
    begin();
    write_file(".ko.yaml", "defaultBaseImage: example.com/file\n"
                           "baseImageOverrides: {example.com/a: example.com/b}\n"
                           "defaultPlatforms: [linux/s390x]\ndefaultEnv: [A=1]\n"
                           "defaultFlags: [-v]\ndefaultLdflags: [-s]\n");
    setenv("KO_DEFAULTBASEIMAGE", "example.com/env", 1);
    setenv("KO_BASEIMAGEOVERRIDES", "{\"Example.com/C\": \"example.com/d\"}", 1);
    setenv("KO_DEFAULTPLATFORMS", "linux/arm64,linux/amd64", 1);
    setenv("KO_DEFAULTENV", "X=1  Y=2", 1);
    setenv("KO_DEFAULTFLAGS", "", 1); /* empty is unset */
    setenv("KO_DEFAULTLDFLAGS", "-a -b", 1);
    KOC__AUTO(koc__go_settings) s = load(NULL);
    assert_string_equal(s->base.name, "example.com/env");
    assert_string_equal(koc__go_settings_base(s, "example.com/a")->name, "example.com/env");
    assert_string_equal(koc__go_settings_base(s, "example.com/c")->name, "example.com/d");
    assert_string_equal(joined(s->env), "X=1|Y=2");
    assert_string_equal(joined(s->flags), "-v");
    assert_string_equal(joined(s->ldflags), "-a|-b");
    check_platforms(s, NULL, "linux/arm64|linux/amd64");

    static const char *const bad[][2] = {
        {"KO_DEFAULTENV", "A"},
        {"KO_BASEIMAGEOVERRIDES", "[]"},
        {"KO_BASEIMAGEOVERRIDES", "{\"a\": 1}"},
        {"KO_BASEIMAGEOVERRIDES", "{\"a\": \"\"}"},
        {"KO_BASEIMAGEOVERRIDES", "{"},
        {"KO_DEFAULTBASEIMAGE", "UPPER//x"},
    };
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        koc__go_settings *none = NULL;
        koc_error *err = NULL;
        begin();
        setenv(bad[i][0], bad[i][1], 1);
        assert_int_not_equal(koc__go_settings_load(NULL, false, &none, &err), KOC_OK);
        assert_memory_equal(koc_error_message(err), bad[i][0], strlen(bad[i][0]));
        koc_error_free(err);
    }
    begin();
}

KOC_TEST(settings_platforms_come_from_the_first_that_has_any)
{
    static const char *const asked[] = {"linux/amd64,linux/arm64", " linux/s390x ", NULL};
    begin();
    KOC__AUTO(koc__go_settings) s = load(NULL);
    check_platforms(s, asked, "linux/amd64|linux/arm64|linux/s390x");
    koc_error *err = NULL;
    koc_strlist *none = NULL;
    setenv("GOARCH", "", 1); /* even empty, as in ko */
    assert_int_equal(koc__go_settings_platforms(s, asked, &none, &err), KOC_EINVAL);
    assert_string_equal(koc_error_message(err),
                        "platforms: the environment variable GOARCH is also set");
    koc_error_free(err);
    KOC__AUTO(koc__go_settings) plain = load(NULL);
    check_platforms(plain, NULL, "linux/amd64");
    static const struct {
        const char *os, *arch, *arm, *platform;
    } table[] = {{"linux", "arm64", NULL, "linux/arm64"},
                 {"linux", "arm", "6", "linux/arm/v6"},
                 {"linux", "arm64", "7", "linux/arm64/v7"},
                 {"windows", "amd64", "7", "windows/amd64"},
                 {"linux", "", NULL, "linux/amd64"}};
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        begin();
        KOC__AUTO(koc__go_settings) ambient = load(NULL);
        setenv("GOOS", table[i].os, 1);
        setenv("GOARCH", table[i].arch, 1);
        if (table[i].arm) {
            setenv("GOARM", table[i].arm, 1);
        }
        check_platforms(ambient, NULL, table[i].platform);
    }
    begin();
}

KOC_TEST(settings_survive_out_of_memory)
{
    begin();
    write_file(".ko.yaml", "defaultBaseImage: example.com/a\nbaseImageOverrides: {a/b: scratch}\n"
                           "defaultEnv: A=1\nbuilds:\n- env: [B=1]\n  flags: -v\nunknown: 1\n");
    for (uint64_t n = 1; n < 2000; n++) {
        koc__go_settings *s = NULL;
        koc__alloc_fail_after(n);
        int rc = koc__go_settings_load(NULL, false, &s, NULL);
        koc__alloc_fail_after(0);
        if (rc == KOC_OK) {
            koc__go_settings_free(s);
            return;
        }
        assert_int_equal(rc, KOC_ENOMEM);
        assert_null(s);
    }
    fail_msg("never enough memory");
}

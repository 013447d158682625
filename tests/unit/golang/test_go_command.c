/* Arguments and environment of `go build`: ko's BuildEnv and BuildConfig tables, and koc's refusals. */
#include "core/common.h"

#include <unistd.h>

#include "golang/go_command.h"
#include "golang/go_env.h"
#include "test.h"

#undef setenv

static const char *const ambient[] = {"GOOS",    "GOARCH",      "GOARM",
                                      "GOAMD64", "CGO_ENABLED", "GOFLAGS",
                                      "FOO_KOC", "GOENV",       "SOURCE_DATE_EPOCH"};

static void begin(void)
{
    for (size_t i = 0; i < KOC__COUNT(ambient); i++) {
        unsetenv(ambient[i]);
    }
    assert_int_equal(chdir(koc_test_dir()), 0);
}

static koc__go_settings *settings(const char *yaml)
{
    koc__go_settings *s = NULL;
    koc_error *err = NULL;
    koc_test_write(".ko.yaml", yaml, strlen(yaml));
    if (koc__go_settings_load(NULL, false, &s, &err) != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    return s;
}

static koc_platform platform(const char *os, const char *arch, const char *variant)
{
    koc_platform p = KOC_PLATFORM_INIT;
    p.os = os;
    p.arch = arch;
    p.variant = variant;
    return p;
}

static const char *value_of(const koc_strlist *env, const char *name)
{
    const char *v = koc__go_var_get(env, name);
    return v ? v : "(unset)";
}

/* An import path for targets that need nothing else. */
static char x[] = "x";

KOC_TEST(command_env_follows_the_platform)
{
    static const struct {
        const char *os, *arch, *variant, *arm, *amd64;
    } table[] = {
        {"linux", "amd64", NULL, "(unset)", "(unset)"},
        {"linux", "amd64", "v3", "(unset)", "v3"},
        {"linux", "arm", "v7", "7", "(unset)"},
        {"linux", "arm", "v5", "5", "(unset)"},
        {"linux", "arm", "v8", "7", "(unset)"},
        {"linux", "arm", "v4", "(unset)", "(unset)"},
        {"linux", "arm", NULL, "(unset)", "(unset)"},
        {"linux", "arm64", "v8", "(unset)", "(unset)"},
        {"windows", "amd64", NULL, "(unset)", "(unset)"},
    };
    begin();
    KOC__AUTO(koc__go_settings) s = settings("");
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc_platform p = platform(table[i].os, table[i].arch, table[i].variant);
        KOC__AUTO(koc_strlist) env = NULL;
        assert_int_equal(koc__go_command_env(s, NULL, NULL, &p, &env, NULL), KOC_OK);
        assert_string_equal(value_of(env, "CGO_ENABLED"), "0");
        assert_string_equal(value_of(env, "GOOS"), table[i].os);
        assert_string_equal(value_of(env, "GOARCH"), table[i].arch);
        assert_string_equal(value_of(env, "GOARM"), table[i].arm);
        assert_string_equal(value_of(env, "GOAMD64"), table[i].amd64);
    }
    koc_platform bad = platform("linux", "arm", "seven");
    koc_strlist *none = NULL;
    assert_int_equal(koc__go_command_env(s, NULL, NULL, &bad, &none, NULL), KOC_EINVAL);
}

KOC_TEST(command_env_later_wins)
{
    begin();
    setenv("CGO_ENABLED", "1", 1);
    setenv("FOO_KOC", "shell", 1);
    KOC__AUTO(koc__go_settings)
    s = settings("defaultEnv: [FOO_KOC=default, A=1]\nbuilds:\n- env: [FOO_KOC=entry, B=2, B=3]\n"
                 "- ldflags: -s\n");
    koc_platform p = platform("linux", "amd64", NULL);
    KOC__AUTO(koc_strlist) none = NULL;
    KOC__AUTO(koc_strlist) first = NULL;
    KOC__AUTO(koc_strlist) second = NULL;
    assert_int_equal(koc__go_command_env(s, NULL, NULL, &p, &none, NULL), KOC_OK);
    assert_string_equal(value_of(none, "CGO_ENABLED"), "1");
    assert_string_equal(value_of(none, "FOO_KOC"), "default");
    /* An entry's env replaces the default; they are not merged. */
    assert_int_equal(koc__go_command_env(s, &s->builds[0], "/", &p, &first, NULL), KOC_OK);
    assert_string_equal(value_of(first, "FOO_KOC"), "entry");
    assert_string_equal(value_of(first, "A"), "(unset)");
    assert_string_equal(value_of(first, "B"), "3");
    assert_string_equal(value_of(first, "PWD"), "/");
    assert_int_equal(koc__go_command_env(s, &s->builds[1], NULL, &p, &second, NULL), KOC_OK);
    assert_string_equal(value_of(second, "A"), "1");
    for (size_t i = 1; i < koc_strlist_count(first); i++) { /* sorted, no name twice */
        const char *a = koc_strlist_get(first, i - 1), *b = koc_strlist_get(first, i);
        assert_true(strcmp(a, b) < 0);
        assert_int_not_equal(strncmp(a, b, strcspn(a, "=") + 1), 0);
    }
    begin();
}

/* Offline go may use the module cache alone, whatever else is set. */
KOC_TEST(command_env_of_offline_has_no_proxy)
{
    KOC__AUTO(koc__go_settings) s = NULL;
    KOC__AUTO(koc_strlist) env = NULL;
    koc_platform p = platform("linux", "amd64", NULL);
    static const char yaml[] = "defaultEnv: [\"GOPROXY=https://a.example\"]\n";
    begin();
    koc_test_write(".ko.yaml", yaml, sizeof(yaml) - 1);
    for (int offline = 0; offline < 2; offline++) {
        koc__go_settings_free(s);
        koc_strlist_free(env);
        s = NULL;
        env = NULL;
        assert_int_equal(koc__go_settings_load(NULL, offline, &s, NULL), KOC_OK);
        assert_int_equal(koc__go_command_env(s, NULL, NULL, &p, &env, NULL), KOC_OK);
        assert_string_equal(value_of(env, "GOPROXY"), offline ? "off" : "https://a.example");
    }
}

KOC_TEST(command_env_refuses_what_contradicts_the_platform)
{
    static const struct {
        const char *name, *value, *arch, *variant, *message;
    } table[] = {
        {"GOARCH", "arm64", "amd64", NULL,
         "cannot build for linux/amd64: GOARCH=arm64 is set in the environment"},
        {"GOOS", "windows", "amd64", NULL,
         "cannot build for linux/amd64: GOOS=windows is set in the environment"},
        {"GOARM", "6", "arm", "v7",
         "cannot build for linux/arm/v7: GOARM=6 is set in the environment"},
        {"GOAMD64", "v3", "amd64", "v2",
         "cannot build for linux/amd64/v2: GOAMD64=v3 is set in the environment"},
        {"GOARCH", "amd64", "amd64", NULL, NULL},
        {"GOARCH", "", "amd64", NULL, NULL}, /* would mean that of the host */
        {"GOARM", "7,softfloat", "arm", "v7", NULL},
        {"GOARM", "6", "arm", NULL, NULL},
        {"GOAMD64", "v3", "amd64", NULL, NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        begin();
        setenv(table[i].name, table[i].value, 1);
        KOC__AUTO(koc__go_settings) s = settings("");
        koc_platform p = platform("linux", table[i].arch, table[i].variant);
        KOC__AUTO(koc_strlist) env = NULL;
        koc_error *err = NULL;
        int rc = koc__go_command_env(s, NULL, NULL, &p, &env, &err);
        assert_int_equal(rc, table[i].message ? KOC_EINVAL : KOC_OK);
        if (table[i].message) {
            assert_string_equal(koc_error_message(err), table[i].message);
            assert_non_null(koc_error_hint(err));
        }
        koc_error_free(err);
    }
    begin();
    KOC__AUTO(koc__go_settings) s = settings("builds:\n- env: [GOARCH=s390x]\n");
    koc_platform p = platform("linux", "amd64", NULL);
    koc_strlist *env = NULL;
    koc_error *err = NULL;
    assert_int_equal(koc__go_command_env(s, &s->builds[0], NULL, &p, &env, &err), KOC_EINVAL);
    assert_non_null(strstr(koc_error_message(err), "the env of the build settings"));
    koc_error_free(err);
}

KOC_TEST(command_refuses_toolexec_everywhere)
{
    static const struct {
        const char *goflags, *yaml;
        bool refused;
    } table[] = {
        {"-toolexec=evil", "", true},
        {"-v --toolexec=evil", "", true},
        {"-toolexec", "", true},
        {"'-toolexec=evil x'", "", true},
        {"-trimpath -mod=mod", "", false},
        {"-toolexecutor", "", false},
        {"", "defaultEnv: [\"GOFLAGS=-toolexec=x\"]\n", true},
        {"", "defaultFlags: [-toolexec, x]\n", true},
        {"", "defaultFlags: [-toolexec=x]\n", true},
        {"", "defaultFlags: [\"--toolexec={{.Env.PATH}}\"]\n", true},
        {"", "defaultFlags: [\"{{print \\\"-tool\\\" \\\"exec=x\\\"}}\"]\n", true},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        begin();
        setenv("GOFLAGS", table[i].goflags, 1);
        KOC__AUTO(koc__go_settings) s = settings(table[i].yaml);
        koc_platform p = platform("linux", "amd64", NULL);
        koc__go_target t = {.import_path = x};
        KOC__AUTO_VAL(koc__go_unit) u = {.target = &t};
        int rc = koc__go_command_env(s, NULL, NULL, &p, &u.env, NULL);
        if (rc == KOC_OK) {
            rc = koc__go_command_args(s, NULL, &u, NULL, NULL);
        }
        assert_int_equal(rc, table[i].refused ? KOC_EINVAL : KOC_OK);
    }
    begin();
}

/* The arguments joined by '|'. */
static const char *arguments(const char *yaml, bool entry, const koc__go_options *o)
{
    static char out[1024];
    KOC__AUTO(koc__go_settings) s = settings(yaml);
    koc_platform p = platform("linux", "amd64", NULL);
    koc__go_target t = {.import_path = x};
    t.config = entry ? &s->builds[0] : NULL;
    KOC__AUTO_VAL(koc__go_unit) u = {.target = &t};
    koc_error *err = NULL;
    assert_int_equal(koc__go_command_env(s, t.config, NULL, &p, &u.env, NULL), KOC_OK);
    if (koc__go_command_args(s, o, &u, NULL, &err) != KOC_OK) {
        snprintf(out, sizeof(out), "%s", koc_error_message(err));
        koc_error_free(err);
        return out;
    }
    size_t len = 0;
    for (size_t i = 0; i < koc_strlist_count(u.args); i++) {
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s", i > 0 ? "|" : "",
                                koc_strlist_get(u.args, i));
    }
    return out;
}

KOC_TEST(command_arguments_stand_in_kos_order)
{
    static const char *const ldflags[] = {"-X a=b", "-w", NULL};
    static const koc__go_options plain = {NULL, false, false, 0};
    static const koc__go_options debug = {NULL, true, false, 0};
    static const koc__go_options cli = {ldflags, false, false, 0};
    static const struct {
        const char *yaml;
        bool entry;
        const koc__go_options *o;
        const char *arguments;
    } table[] = {
        {"", false, &plain, "build|-trimpath"},
        {"", false, &debug, "build|-trimpath|-gcflags|all=-N -l"},
        {"", false, &cli, "build|-trimpath|-ldflags=-X a=b -w"},
        {"defaultFlags: [-v]\n", false, &plain, "build|-v|-trimpath"},
        {"defaultLdflags: [-s, -w]\n", false, &plain, "build|-trimpath|-ldflags=-s -w"},
        {"defaultLdflags: [-s]\n", false, &cli, "build|-trimpath|-ldflags=-X a=b -w"},
        {"defaultFlags: [-v]\nbuilds:\n- flags: -trimpath=false  -race=false\n  ldflags:\n  - -X "
         "m=1\n  - -w\n",
         true, &debug,
         "build|-trimpath=false|-race=false|-trimpath|-gcflags|all=-N -l|-ldflags=-X m=1 -w"},
        {"defaultFlags: [-v]\ndefaultLdflags: [-s]\nbuilds:\n- id: x\n", true, &plain,
         "build|-v|-trimpath|-ldflags=-s"},
        {"builds:\n- ldflags: [-s]\n", true, &cli, "build|-trimpath|-ldflags=-X a=b -w"},
    };
    begin();
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_string_equal(arguments(table[i].yaml, table[i].entry, table[i].o),
                            table[i].arguments);
    }
}

KOC_TEST(command_templates_see_the_build)
{
    begin();
    setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
    assert_string_equal(
        arguments("builds:\n- env: [FOO=bar]\n  ldflags:\n  - -X v={{.Env.FOO}}/{{.Git.TreeState}}/"
                  "{{.Date}}/{{.Timestamp}}\n  - -w\n",
                  true, NULL),
        "build|-trimpath|-ldflags=-X v=bar/clean/2023-11-14T22:13:20Z/1700000000 -w");
    /* Outside of a repository. */
    assert_string_equal(
        arguments("defaultLdflags: [\"[{{.Git.Branch}}{{.Git.Tag}}{{.Git.ShortCommit}}"
                  "{{.Git.FullCommit}}]{{.Git.CommitDate}} {{.Git.IsDirty}} "
                  "{{.Git.IsClean}} {{.Git.CommitTimestamp}}\"]\n",
                  false, NULL),
        "build|-trimpath|-ldflags=[]0001-01-01T00:00:00Z false true -62135596800");
    assert_string_equal(arguments("defaultLdflags: [\"a{{.Env.LDFLAGS}}b\"]\n", false, NULL),
                        "build|-trimpath|-ldflags=ab");
    assert_string_equal(
        arguments("defaultFlags: [\"{{if .Git.IsDirty}}-v{{end}}\", -x]\n", false, NULL),
        "build|-x|-trimpath"); /* an item that is empty afterwards is not an argument */
    assert_string_equal(arguments("defaultFlags: [-v, \"{{.Env.KOC_NOPE}}\"]\n", false, NULL),
                        ".ko.yaml: defaultFlags[1]:1:3: <.Env.KOC_NOPE>: there is no KOC_NOPE");
    assert_string_equal(arguments("builds:\n- ldflags: [a, \"x {{.Nope}}\"]\n", true, NULL),
                        ".ko.yaml: builds[0].ldflags[1]:1:5: <.Nope>: there is no Nope");
    setenv("SOURCE_DATE_EPOCH", "soon", 1);
    assert_string_equal(arguments("defaultLdflags: [\"{{.Date}}\"]\n", false, NULL),
                        "SOURCE_DATE_EPOCH: not a whole number of seconds: soon");
    begin();
}

KOC_TEST(command_go_env_is_the_environment_over_gos_own)
{
    begin();
    setenv("GOAMD64", "v2", 1);
    const char *text = arguments("defaultLdflags: [\"{{.GoEnv.GOOS}} {{.GoEnv.GOAMD64}} "
                                 "{{if .GoEnv.GOROOT}}root{{end}} {{.GoEnv.GOEXE}}\"]\n",
                                 false, NULL);
    assert_string_equal(text, "build|-trimpath|-ldflags=linux v2 root ");
    assert_non_null(strstr(arguments("defaultLdflags: [\"{{.GoEnv.NOPE}}\"]\n", false, NULL),
                           "there is no NOPE"));
    begin();
}

KOC_TEST(command_survives_out_of_memory)
{
    begin();
    KOC__AUTO(koc__go_settings)
    s = settings("defaultLdflags: [\"{{.Env.PATH}}\"]\ndefaultFlags: [-v]\n");
    koc_platform p = platform("linux", "amd64", NULL);
    koc__go_target t = {.import_path = x};
    for (uint64_t n = 1; n < 5000; n += 1 + n / 50) {
        KOC__AUTO_VAL(koc__go_unit) u = {.target = &t};
        koc__alloc_fail_after(n);
        int rc = koc__go_command_env(s, NULL, NULL, &p, &u.env, NULL);
        if (rc == KOC_OK) {
            rc = koc__go_command_args(s, NULL, &u, NULL, NULL);
        }
        koc__alloc_fail_after(0);
        if (rc == KOC_OK) {
            return;
        }
        assert_int_equal(rc, KOC_ENOMEM);
    }
    fail_msg("never enough memory");
}

/* Go's variables from the environment and from files. */
#include "core/common.h"

#include "core/str.h"
#include "golang/golang.h"
#include "test.h"

static char goenv[4200], goroot[4200];

static void set_files(const char *user, const char *toolchain)
{
    assert_int_equal(koc__fs_mkdirs(koc_test_path("root"), 0755, NULL), KOC_OK);
    snprintf(goenv, sizeof(goenv), "GOENV=%s", koc_test_write("env", user, strlen(user)));
    koc_test_write("root/go.env", toolchain, strlen(toolchain));
    snprintf(goroot, sizeof(goroot), "GOROOT=%s", koc_test_path("root"));
    putenv(goenv);
    putenv(goroot);
}

static void unset(void)
{
    unsetenv("GOENV");
    unsetenv("GOROOT");
    unsetenv("KOC_TEST_VARIABLE");
}

static char *get(const char *name, bool defaults)
{
    static const koc__go_settings none;
    char *value = NULL;
    assert_int_equal(koc__go_variable(&none, name, defaults, &value, NULL), KOC_OK);
    return value;
}

KOC_TEST(variable_comes_from_the_nearest_place)
{
    static char given[] = "KOC_TEST_VARIABLE=here";
    set_files(
        "# mine\nKOC_TEST_VARIABLE=user\nGOPROXY=https://a.example,direct\n",
        "# $GOROOT\n\nKOC_TEST_VARIABLE=toolchain\nGOPROXY=https://b.example,direct\nGOSUMDB=x=y\n");
    putenv(given);
    KOC__AUTO_STR first = get("KOC_TEST_VARIABLE", false);
    KOC__AUTO_STR plain = get("KOC_TEST_VARIABLE", true);
    unsetenv("KOC_TEST_VARIABLE");
    KOC__AUTO_STR second = get("KOC_TEST_VARIABLE", false);
    KOC__AUTO_STR third = get("GOSUMDB", false);
    KOC__AUTO_STR none = get("GOMISSING", false);
    unset();
    assert_string_equal(first, "here");
    assert_string_equal(plain, "toolchain");
    assert_string_equal(second, "user");
    assert_string_equal(third, "x=y");
    assert_null(none);
}

KOC_TEST(variable_file_can_be_off_or_missing)
{
    static char off[] = "GOENV=off";
    set_files("GOPROXY=user\n", "GOPROXY=toolchain");
    putenv(off);
    KOC__AUTO_STR value = get("GOPROXY", false);
    snprintf(goroot, sizeof(goroot), "GOROOT=%s", koc_test_path("gone"));
    KOC__AUTO_STR none = get("GOPROXY", false);
    unset();
    assert_string_equal(value, "toolchain");
    assert_null(none);
}

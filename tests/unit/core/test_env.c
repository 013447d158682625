#include "core/common.h"

#include "core/env.h"
#include "test.h"

#undef setenv

KOC_TEST(env_reads)
{
    setenv("KOC_TEST_SET", "x", 1);
    setenv("KOC_TEST_EMPTY", "", 1);
    unsetenv("KOC_TEST_UNSET");
    assert_string_equal(koc__env("KOC_TEST_SET"), "x");
    assert_string_equal(koc__env("KOC_TEST_EMPTY"), "");
    assert_null(koc__env("KOC_TEST_UNSET"));
    assert_null(koc__env_nonempty("KOC_TEST_EMPTY"));
    assert_string_equal(koc__env_nonempty("KOC_TEST_SET"), "x");
    assert_non_null(koc__environ()[0]);
}

static void check_xdg(const char *variable, const char *value, const char *expected)
{
    KOC__AUTO_STR got = NULL;
    setenv("HOME", "/home/x", 1);
    setenv(variable, value, 1);
    got = koc__xdg(variable, ".cache");
    assert_string_equal(got, expected);
    unsetenv(variable);
}

KOC_TEST(env_xdg)
{
    KOC__AUTO_STR before = koc__strdup(koc__env("HOME"));
    check_xdg("XDG_CACHE_HOME", "", "/home/x/.cache");
    check_xdg("XDG_CACHE_HOME", "/c", "/c");
    check_xdg("XDG_CACHE_HOME", "relative", "/home/x/.cache");
    check_xdg("DOCKER_CONFIG", "relative", "relative");
    if (before) {
        setenv("HOME", before, 1);
    }
}

KOC_TEST(env_home_without_home)
{
    KOC__AUTO_STR before = koc__strdup(koc__env("HOME"));
    KOC__AUTO_STR home = NULL;
    unsetenv("HOME");
    home = koc__home(); /* from the password database, or nothing */
    assert_true(!home || home[0] == '/');
    if (before) {
        setenv("HOME", before, 1);
    }
}

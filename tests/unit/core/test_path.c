#include "core/common.h"

#include <unistd.h>

#include "core/path.h"
#include "core/str.h"
#include "test.h"

static void check_clean(const char *path, const char *expected)
{
    KOC__AUTO_STR got = koc__path_clean(path);
    assert_string_equal(got, expected);
}

/* The cases of Go's path.Clean. */
KOC_TEST(path_clean)
{
    check_clean("", ".");
    check_clean(".", ".");
    check_clean("./", ".");
    check_clean("abc", "abc");
    check_clean("abc/def", "abc/def");
    check_clean("a/b/c", "a/b/c");
    check_clean("..", "..");
    check_clean("../..", "../..");
    check_clean("../../abc", "../../abc");
    check_clean("/abc", "/abc");
    check_clean("/", "/");
    check_clean("//", "/");
    check_clean("abc/", "abc");
    check_clean("../../", "../..");
    check_clean("/abc/", "/abc");
    check_clean("abc//def//ghi", "abc/def/ghi");
    check_clean("//abc//", "/abc");
    check_clean("abc/./def", "abc/def");
    check_clean("/./abc/def", "/abc/def");
    check_clean("abc/def/ghi/../jkl", "abc/def/jkl");
    check_clean("abc/def/../ghi/../jkl", "abc/jkl");
    check_clean("abc/def/..", "abc");
    check_clean("abc/def/../..", ".");
    check_clean("/abc/def/../..", "/");
    check_clean("abc/def/../../..", "..");
    check_clean("/abc/def/../../..", "/");
    check_clean("abc/def/../../../ghi/jkl/../../../mno", "../../mno");
    check_clean("/../abc", "/abc");
    check_clean("abc/./../def", "def");
    check_clean("abc//./../def", "def");
    check_clean("abc/../../././../def", "../../def");
    check_clean("...", "...");
    check_clean("a/..b/..", "a");
}

static void check_join(const char *a, const char *b, const char *expected)
{
    KOC__AUTO_STR got = koc__path_join(a, b);
    assert_string_equal(got, expected);
}

KOC_TEST(path_join)
{
    check_join("a", "b", "a/b");
    check_join("", "b", "b");
    check_join("a", "", "a");
    check_join("", "", ".");
    check_join("/", "b", "/b");
    check_join("/a/", "../b", "/b");
    check_join("/a", "/b", "/a/b");
}

static void check_base_dir(const char *path, const char *base, const char *dir)
{
    assert_true(koc__str_is(koc__path_base(koc__str(path)), base));
    assert_true(koc__str_is(koc__path_dir(koc__str(path)), dir));
}

KOC_TEST(path_base_and_dir)
{
    check_base_dir("", ".", ".");
    check_base_dir("/", "/", "/");
    check_base_dir("///", "/", "/");
    check_base_dir("a", "a", ".");
    check_base_dir("a/", "a", ".");
    check_base_dir("a/b", "b", "a");
    check_base_dir("/a", "a", "/");
    check_base_dir("/a//b/", "b", "/a");
}

KOC_TEST(path_within)
{
    assert_true(koc__path_within("/a", "/a"));
    assert_true(koc__path_within("/a", "/a/b"));
    assert_false(koc__path_within("/a", "/ab"));
    assert_false(koc__path_within("/a/b", "/a"));
    assert_true(koc__path_within("/", "/x"));
    assert_true(koc__path_within("/", "/"));
    assert_false(koc__path_within("/", "x"));
    assert_true(koc__path_within(".", "x/y"));
    assert_true(koc__path_within(".", "..x"));
    assert_false(koc__path_within(".", "../x"));
    assert_false(koc__path_within(".", ".."));
    assert_false(koc__path_within(".", "/x"));
}

KOC_TEST(path_below)
{
    assert_string_equal(koc__path_below("/a", "/a/b/c"), "b/c");
    assert_string_equal(koc__path_below("/", "/b"), "b");
    assert_string_equal(koc__path_below("/a", "/a"), ".");
    assert_null(koc__path_below("/a", "/ab"));
    assert_null(koc__path_below("/a/b", "/a"));
}

KOC_TEST(path_abs)
{
    KOC__AUTO_STR plain = NULL;
    KOC__AUTO_STR relative = NULL;
    char here[4096];
    KOC__AUTO_STR expected = NULL;
    assert_int_equal(koc__path_abs("/a/../b", &plain, NULL), KOC_OK);
    assert_string_equal(plain, "/b");
    assert_non_null(getcwd(here, sizeof(here)));
    expected = koc__path_join(here, "x");
    assert_int_equal(koc__path_abs("./x", &relative, NULL), KOC_OK);
    assert_string_equal(relative, expected);
}

KOC_TEST(path_without_memory)
{
    char *out = NULL;
    koc__alloc_fail_after(1);
    assert_null(koc__path_clean("a"));
    assert_null(koc__path_join("a", "b"));
    assert_int_equal(koc__path_abs("a", &out, NULL), KOC_ENOMEM);
    koc__alloc_fail_after(0);
    assert_null(out);
}

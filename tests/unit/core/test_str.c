#include "core/common.h"

#include "core/clean.h"
#include "core/str.h"
#include "test.h"

static void assert_str(koc_str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr, expected, s.len);
}

KOC_TEST(str_compare)
{
    koc_str none = {NULL, 0};
    assert_true(koc__str_eq(none, KOC__STR("")));
    assert_true(koc__str_is(KOC__STR("abc"), "abc"));
    assert_false(koc__str_is(KOC__STR("abc"), "ab"));
    assert_true(koc__str_ieq(KOC__STR("AbZ"), KOC__STR("aBz")));
    assert_false(koc__str_ieq(KOC__STR("@"), KOC__STR("`")));
    assert_true(koc__streq(NULL, NULL));
    assert_false(koc__streq("a", NULL));
    assert_true(koc__str_cmp(KOC__STR("a"), KOC__STR("ab")) < 0);
    assert_true(koc__str_cmp(KOC__STR("b"), KOC__STR("ab")) > 0);
    assert_true(koc__str_cmp(KOC__STR("\xff"), KOC__STR("a")) > 0);
    assert_int_equal(koc__str_cmp(none, none), 0);
}

KOC_TEST(str_ends_and_trim)
{
    assert_true(koc__str_starts(KOC__STR("ko://x"), "ko://"));
    assert_false(koc__str_starts(KOC__STR("ko"), "ko://"));
    assert_true(koc__str_ends(KOC__STR("a.go"), ".go"));
    assert_false(koc__str_ends(KOC__STR("go"), ".go"));
    assert_true(koc__str_starts((koc_str){NULL, 0}, ""));
    assert_str(koc__str_from(KOC__STR("abc"), 1), "bc");
    assert_str(koc__str_from(KOC__STR("abc"), 9), "");
    assert_str(koc__str_trim(KOC__STR(" \t\r\n a b \v\f")), "a b");
    assert_str(koc__str_trim(KOC__STR("  ")), "");
}

KOC_TEST(str_cut)
{
    koc_str a = KOC__STR("-"), b = KOC__STR("-");
    assert_false(koc__str_cut(KOC__STR("abc"), ':', &a, &b));
    assert_str(a, "-");
    assert_true(koc__str_cut(KOC__STR("a:b:c"), ':', &a, &b));
    assert_str(a, "a");
    assert_str(b, "b:c");
    assert_true(koc__str_rcut(KOC__STR("a:b:c"), ':', &a, &b));
    assert_str(a, "a:b");
    assert_str(b, "c");
    assert_true(koc__str_cut(KOC__STR("a:"), ':', &a, &b));
    assert_str(b, "");
    assert_false(koc__str_rcut((koc_str){NULL, 0}, ':', &a, &b));
}

static void check_split(const char *text, const char *expected)
{
    koc_str rest = koc__str(text);
    koc_str piece;
    char got[64] = "";
    size_t n = 0;
    while (koc__str_split(&rest, ',', &piece)) {
        memcpy(got + n, piece.ptr, piece.len);
        n += piece.len;
        got[n++] = '|';
    }
    got[n] = '\0';
    assert_string_equal(got, expected);
    assert_false(koc__str_split(&rest, ',', &piece));
}

KOC_TEST(str_split)
{
    check_split("", "");
    check_split("a", "a|");
    check_split("a,b", "a|b|");
    check_split(",", "||");
    check_split("a,", "a||");
    check_split(",a", "|a|");
    check_split("a,,b,,", "a||b|||");
}

KOC_TEST(str_word)
{
    koc_str rest = KOC__STR("  one\ttwo\n");
    koc_str word;
    assert_true(koc__str_word(&rest, &word));
    assert_str(word, "one");
    assert_true(koc__str_word(&rest, &word));
    assert_str(word, "two");
    assert_false(koc__str_word(&rest, &word));
    assert_false(koc__str_word(&rest, &word));
}

KOC_TEST(str_numbers)
{
    uint64_t u = 7;
    int64_t i = 7;
    assert_true(koc__str_u64(KOC__STR("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    u = 7;
    assert_false(koc__str_u64(KOC__STR("18446744073709551616"), &u));
    assert_false(koc__str_u64(KOC__STR("99999999999999999999"), &u));
    assert_false(koc__str_u64(KOC__STR(""), &u));
    assert_false(koc__str_u64(KOC__STR("-1"), &u));
    assert_false(koc__str_u64(KOC__STR("+1"), &u));
    assert_false(koc__str_u64(KOC__STR("1 "), &u));
    assert_false(koc__str_u64(KOC__STR("1/"), &u));
    assert_false(koc__str_u64(KOC__STR("1:"), &u));
    assert_int_equal(u, 7);
    assert_true(koc__str_i64(KOC__STR("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_true(koc__str_i64(KOC__STR("+9223372036854775807"), &i));
    assert_true(i == INT64_MAX);
    assert_false(koc__str_i64(KOC__STR("9223372036854775808"), &i));
    assert_false(koc__str_i64(KOC__STR("-9223372036854775809"), &i));
    assert_false(koc__str_i64(KOC__STR("-"), &i));
    assert_false(koc__str_i64(KOC__STR("--1"), &i));
}

KOC_TEST(str_copies)
{
    KOC__AUTO_STR a = koc__str_dup(KOC__STR("Ab"));
    KOC__AUTO_STR b = koc__str_lower(KOC__STR("A-Z\xc3\x84"));
    assert_string_equal(a, "Ab");
    assert_string_equal(b, "a-z\xc3\x84");
    koc__alloc_fail_after(1);
    assert_null(koc__str_lower(KOC__STR("X")));
    koc__alloc_fail_after(0);
}

KOC_TEST(str_utf8)
{
    assert_true(koc__str_utf8(KOC__STR("")));
    assert_true(koc__str_utf8(KOC__STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")));
    assert_true(koc__str_utf8(KOC__STR("\xf4\x8f\xbf\xbf")));
    assert_false(koc__str_utf8(KOC__STR("\xf4\x90\x80\x80"))); /* past U+10FFFF */
    assert_false(koc__str_utf8(KOC__STR("\xed\xa0\x80")));     /* a surrogate */
    assert_false(koc__str_utf8(KOC__STR("\xc0\x80")));         /* overlong */
    assert_false(koc__str_utf8(KOC__STR("\xe0\x80\xaf")));
    assert_false(koc__str_utf8(KOC__STR("\xf0\x80\x80\xaf")));
    assert_false(koc__str_utf8(KOC__STR("\x80")));
    assert_false(koc__str_utf8(KOC__STR("\xe2\x82")));
    assert_false(koc__str_utf8(KOC__STR("\xff")));
}

KOC_TEST(str_printable)
{
    char text[] = "a\tb\xe2\x80\xae\xe2\x82\xac\xe2\x82";
    koc__str_printable(text);
    assert_string_equal(text, "a?b?\xe2\x82\xac??");
}

KOC_TEST(str_distance)
{
    char longer[70];
    memset(longer, 'a', sizeof(longer));
    longer[69] = '\0';
    assert_int_equal(koc__str_distance("", ""), 0);
    assert_int_equal(koc__str_distance("", "abc"), 3);
    assert_int_equal(koc__str_distance("kitten", "sitting"), 3);
    assert_int_equal(koc__str_distance("biuld", "build"), 1);
    assert_int_equal(koc__str_distance("bulid", "build"), 1);
    assert_true(koc__str_distance(longer, "a") == SIZE_MAX);
}

KOC_TEST(strlist_basics)
{
    KOC__AUTO(koc_strlist) l = NULL;
    assert_int_equal(koc__strlist_new(&l, NULL), KOC_OK);
    assert_null(koc__strlist_argv(l)[0]);
    koc__strlist_sort(l);
    for (int i = 99; i >= 0; i--) {
        assert_int_equal(koc__strlist_addf(l, NULL, "n%02d", i), KOC_OK);
    }
    assert_int_equal(koc__strlist_add(l, "a", NULL), KOC_OK);
    assert_int_equal(koc__strlist_add_n(l, (koc_str){"bcd", 2}, NULL), KOC_OK);
    koc__strlist_sort(l);
    assert_int_equal(koc_strlist_count(l), 102);
    assert_string_equal(koc_strlist_get(l, 0), "a");
    assert_string_equal(koc_strlist_get(l, 1), "bc");
    assert_string_equal(koc_strlist_get(l, 101), "n99");
    assert_null(koc_strlist_get(l, 102));
    assert_null(koc__strlist_argv(l)[102]);
    assert_true(koc__strlist_has(l, "n50"));
    assert_false(koc__strlist_has(l, "n5"));
    koc__strlist_clear(l);
    assert_int_equal(koc_strlist_count(l), 0);
    assert_null(koc__strlist_argv(l)[0]);
}

KOC_TEST(strlist_takes_null)
{
    assert_int_equal(koc_strlist_count(NULL), 0);
    assert_null(koc_strlist_get(NULL, 0));
    koc_strlist_free(NULL);
}

KOC_TEST(strlist_without_memory)
{
    for (uint64_t n = 1; n < 6; n++) {
        KOC__AUTO(koc_strlist) l = NULL;
        int rc;

        koc__alloc_fail_after(n);
        rc = koc__strlist_new(&l, NULL);
        if (rc == KOC_OK) {
            rc = koc__strlist_add(l, "x", NULL);
        }
        if (rc == KOC_OK) {
            rc = koc__strlist_addf(l, NULL, "%d", 1);
        }
        koc__alloc_fail_after(0);
        assert_int_equal(rc, n <= 4 ? KOC_ENOMEM : KOC_OK);
    }
}

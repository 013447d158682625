/* Columns of text, and cutting it. */
#include "term/screen.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static const char *cut(const char *text, size_t width)
{
    static char out[64];
    screen_cut(text, width, out, sizeof(out));
    return out;
}

KOC_TEST(columns_are_characters)
{
    assert_int_equal(screen_columns(""), 0);
    assert_int_equal(screen_columns("abc"), 3);
    assert_int_equal(screen_columns("äö…"), 3);
}

KOC_TEST(the_middle_of_long_text_is_cut)
{
    setenv("LC_ALL", "C.UTF-8", 1);
    assert_string_equal(cut("abcdef", 6), "abcdef");
    assert_string_equal(cut("abcdef", 5), "ab…ef");
    assert_string_equal(cut("abcdef", 4), "a…ef");
    assert_string_equal(cut("äöüäöü", 5), "äö…öü");
    assert_string_equal(cut("abcdef", 1), "…");
    assert_string_equal(cut("abcdef", 0), "");
    setenv("LC_ALL", "C", 1);
    assert_string_equal(cut("abcdef", 5), "ab.ef");
}

KOC_TEST(characters_outside_the_locale_are_replaced)
{
    char text[32] = "a → b…";
    setenv("LC_ALL", "C.UTF-8", 1);
    screen_to_locale(text);
    assert_string_equal(text, "a → b…");
    setenv("LC_ALL", "C", 1);
    screen_to_locale(text);
    assert_string_equal(text, "a -> b...");
}

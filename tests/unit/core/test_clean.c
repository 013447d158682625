#include "core/common.h"

#include <koc/context.h>

#include "core/clean.h"
#include "core/str.h"
#include "test.h"

static void assert_output(koc_str text, bool colors, const char *expected)
{
    koc_buf out = KOC_BUF_INIT;
    assert_int_equal(koc_printable(text, colors, &out, NULL), KOC_OK);
    assert_string_equal(out.ptr, expected);
    assert_int_equal(out.len, strlen(expected));
    koc_buf_dispose(&out);
}

/* What a tool printed keeps its lines and loses what moves a terminal. */
KOC_TEST(output_of_a_program_is_harmless)
{
    static const char *const table[][2] = {
        {"", ""},
        {"a.go:1:2: x\n\ty\n", "a.go:1:2: x\n\ty\n"},
        {"one\r\ntwo\rthree", "one\ntwo\nthree"},
        {"\x1b]0;evil\x07.go:1", ".go:1"},
        {"\x1b]8;;file:///x\x1b\\link\x1b]8;;\x1b\\", "link"},
        {"\x1bPq#0\x1b\\x\x1b_a\x07y", "xy"},
        {"a\x1b[2K\x1b[1A\x1b[?1049h\x1b[>4mb", "ab"},
        {"a\x1b"
         "c\x1b(0\x1b%Gb",
         "ab"},
        {"a\x1b]0;no end\nb", "a?]0;no end\nb"}, /* a line is never taken away */
        {"a\x1b[12", "a?[12"},
        {"a\x1b", "a?"},
        {"\x1b\x1b[1Ax", "?x"},
        {"a\b\b\x07\x0e\x7f", "a?????"},
        {"\xc2\x9b"
         "1A\xc2\x9d"
         "0;x",
         "?1A?0;x"},
        {"over\xe2\x80\xae\xe2\x81\xa6\xd8\x9cride", "over???ride"},
        {"\xff\xc3", "??"},
        {"gr\xc3\xbc\xc3\x9f \xe2\x86\x92", "gr\xc3\xbc\xc3\x9f \xe2\x86\x92"},
        {"\x1b[31mred\x1b[0m", "red"},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_output(koc__str(table[i][0]), false, table[i][1]);
    }
    assert_output(KOC__STR("a\0b"), false, "a?b");
    assert_output((koc_str){NULL, 0}, false, "");
    assert_int_equal(koc_printable(KOC__STR("x"), false, NULL, NULL), KOC_EMISUSE);
}

KOC_TEST(output_keeps_its_colors_and_ends_them)
{
    static const char *const table[][2] = {
        {"\x1b[1;31mred\x1b[0m\n", "\x1b[1;31mred\x1b[0m\n"},
        {"\x1b[38:5:1mred\x1b[m", "\x1b[38:5:1mred\x1b[m"},
        {"\x1b[31mred", "\x1b[31mred\x1b[0m"},
        {"\x1b[31mred\nmore\n", "\x1b[31mred\nmore\x1b[0m\n"},
        {"\x1b[>4;2m\x1b[?5m\x1b[1A", ""},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_output(koc__str(table[i][0]), true, table[i][1]);
    }
}

KOC_TEST(detail_of_an_error_is_harmless)
{
    koc_error *err = NULL;
    koc__error(&err, KOC_EPROCESS, "it failed");
    koc__error_detail(&err, KOC__STR("\x1b[31ma\x1b[0m\n\tb\x1b]0;evil\x07\n"));
    assert_string_equal(koc_error_detail(err), "\x1b[31ma\x1b[0m\n\tb\n");
    koc__error_detail(&err, KOC__STR(""));
    assert_null(koc_error_detail(err));
    koc_error_free(err);
}

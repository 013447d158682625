/* JSON on stdout: escapes, commas, indents. */
#include "capture.h"
#include "term/json_output.h"
#include "test.h"

static const char *string(const char *s, const char *also)
{
    capture_begin(1);
    cli_json_string(stdout, s, also);
    return capture_end();
}

KOC_TEST(strings_are_escaped)
{
    assert_string_equal(string("a", ""), "\"a\"");
    assert_string_equal(string("\"\\", ""), "\"\\\"\\\\\"");
    assert_string_equal(string("\n\x01\x1f", ""), "\"\\u000a\\u0001\\u001f\"");
    assert_string_equal(string("ä<&", ""), "\"ä<&\"");
    assert_string_equal(string("<&", "<&"), "\"\\u003c\\u0026\"");
}

KOC_TEST(members_get_commas_and_indents)
{
    capture_begin(1);
    cli_json_open(NULL, '{');
    cli_json_text("a", "x");
    cli_json_text("none", NULL);
    cli_json_open("list", '[');
    cli_json_number(NULL, 7);
    cli_json_bool(NULL, false);
    cli_json_close(']');
    cli_json_open("empty", '[');
    cli_json_close(']');
    cli_json_close('}');
    assert_string_equal(capture_end(),
                        "{\n  \"a\": \"x\",\n  \"list\": [\n    7,\n    false\n  ],\n"
                        "  \"empty\": []\n}\n");
}

KOC_TEST(inline_members_may_be_null)
{
    capture_begin(1);
    cli_json_inline("a", "x\"", ", ");
    cli_json_inline("b", NULL, "}");
    assert_string_equal(capture_end(), "\"a\": \"x\\\"\", \"b\": null}");
}

/* Suggestions for mistyped words. */
#include "cli.h"
#include "test.h"

static const char *const names[] = {"build", "resolve", "rebase", "push", "pull", NULL};

KOC_TEST(near_names_are_suggested)
{
    assert_string_equal(cli_nearest("biuld", names), "build");
    assert_string_equal(cli_nearest("resolv", names), "resolve");
    assert_string_equal(cli_nearest("reb", names), "rebase");
    assert_string_equal(cli_nearest("pus", names), "push");
}

KOC_TEST(far_or_ambiguous_names_are_not)
{
    assert_null(cli_nearest("deploy", names));
    assert_null(cli_nearest("xy", names));
    assert_null(cli_nearest("", names));
}

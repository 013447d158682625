/* Errors of the library as the command reports them: exit codes, flags for options, hints. */
#include "capture.h"
#include "cleanup_macros.h"
#include "test.h"

#include <string.h>

static const cli plain = {0};
static const char *said;

static int report(koc_error *made)
{
    CLI_AUTO(koc_error) err = made;
    capture_begin(2);
    int code = cli_exit_code(&plain, koc_error_code(err), err);
    said = capture_end();
    return code;
}

KOC_TEST(exit_codes_follow_from_error_codes)
{
    assert_int_equal(cli_exit_code(&plain, KOC_OK, NULL), EXIT_OK);
    assert_int_equal(report(koc_error_new(KOC_ENET, "no route")), EXIT_FAILED);
    assert_string_equal(said, "koc: no route\n");
    assert_int_equal(report(koc_error_new(KOC_EINVAL, "bad file")), EXIT_FAILED);
    assert_int_equal(report(koc_error_new_option("jobs", "-1 is negative")), EXIT_USAGE);
    assert_int_equal(report(koc_error_new(KOC_ECANCELLED, "x")), EXIT_CANCELLED);
    assert_string_equal(said, "koc: cancelled\n");
}

KOC_TEST(options_are_printed_as_flags)
{
    report(koc_error_new_option("jobs", "-1 is negative"));
    assert_string_equal(said, "koc: --jobs: -1 is negative\n");
    report(koc_error_new_option("tag_only", "no"));
    assert_string_equal(said, "koc: --tag-only: no\n");
    report(koc_error_new_option("labels", "no"));
    assert_string_equal(said, "koc: --image-label: no\n");
}

KOC_TEST(rejected_flags_are_errors_about_an_option)
{
    CLI_AUTO(koc_error) err = NULL;
    assert_int_equal(cli_reject(&err, "created", "\"%s\" is not a time", "x"), KOC_EINVAL);
    assert_string_equal(koc_error_option(err), "created");
    assert_string_equal(koc_error_message(err), "created: \"x\" is not a time");
    assert_int_equal(cli_reject(NULL, "created", "x"), KOC_EINVAL);
    assert_int_equal(cli_fail(NULL, KOC_EIO, "x"), KOC_EIO);
}

KOC_TEST(helpers_return_their_exit_codes)
{
    capture_begin(2);
    assert_int_equal(cli_usage(&plain, "a"), EXIT_USAGE);
    assert_int_equal(cli_failure(&plain, "b"), EXIT_FAILED);
    assert_int_equal(cli_cancelled(&plain), EXIT_CANCELLED);
    assert_string_equal(capture_end(), "koc: a\nkoc: b\nkoc: cancelled\n");
}

KOC_TEST(json_progress_makes_errors_json)
{
    const cli json = {.progress_mode = "json"};
    capture_begin(2);
    cli_usage(&json, "a \"%s\"", "b");
    const char *line = capture_end();
    assert_non_null(strstr(line, "\"kind\":\"error\",\"message\":\"a \\\"b\\\"\"}\n"));
}

/* The rows of the progress display: found by name and platform, ended in order. */
#include "term/progress_state.h"
#include "test.h"

#include <string.h>

KOC_TEST(rows_differ_by_platform)
{
    static cli_progress p;
    memset(&p, 0, sizeof(p));
    progress_start_row(&p, "api", "linux/amd64", PHASE_COMPILE);
    progress_start_row(&p, "api", "linux/arm64", PHASE_COMPILE);
    progress_start_row(&p, "api", "linux/arm64", PHASE_COMPILE);
    assert_int_equal(p.n_rows, 2);
    assert_null(progress_find_row(&p, "api", NULL));
    progress_share_compile(&p, progress_find_row(&p, "api", "linux/arm64"));
    assert_false(p.rows[0].shared || p.rows[1].shared);
    assert_true(progress_end_row(&p, "api", "linux/amd64") >= 0);
    assert_int_equal(p.n_rows, 1);
    assert_string_equal(p.rows[0].platform, "linux/arm64");
}

KOC_TEST(programs_of_one_compile_have_no_time_of_their_own)
{
    static cli_progress p;
    memset(&p, 0, sizeof(p));
    progress_start_row(&p, "api", "linux/amd64", PHASE_COMPILE);
    progress_start_row(&p, "web", "linux/amd64", PHASE_COMPILE);
    progress_share_compile(&p, progress_find_row(&p, "web", "linux/amd64"));
    assert_true(progress_end_row(&p, "api", "linux/amd64") < 0);
    assert_true(progress_end_row(&p, "web", "linux/amd64") < 0);
}

KOC_TEST(long_names_are_cut_and_still_found)
{
    static cli_progress p;
    char name[2 * ROW_NAME_MAX];
    memset(&p, 0, sizeof(p));
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    progress_start_row(&p, name, NULL, PHASE_LOOK_UP);
    assert_non_null(progress_find_row(&p, name, NULL));
    progress_end_row(&p, name, NULL);
    assert_int_equal(p.n_rows, 0);
}

KOC_TEST(the_verb_of_a_transfer_depends_on_command_and_target)
{
    static const cli_command build = {.name = "build", .builds = true}, copy = {.name = "copy"};
    static cli_progress p;
    cli c = {.command = &build};
    memset(&p, 0, sizeof(p));
    p.c = &c;
    assert_string_equal(progress_transfer_verb(&p), "push");
    p.local = true;
    assert_string_equal(progress_transfer_verb(&p), "load");
    c.command = &copy;
    assert_string_equal(progress_transfer_verb(&p), "copy");
}

KOC_TEST(one_delay_stands_for_others_with_its_reason)
{
    static cli_progress p;
    char text[DELAY_TEXT_SIZE];
    memset(&p, 0, sizeof(p));
    p.n_delays = 2;
    for (size_t i = 0; i < 2; i++) {
        p.delays[i] = (delay){.id = i, .what = "host", .reason = "503", .attempt = 2};
    }
    assert_true(progress_shows_delay(&p, 0));
    assert_false(progress_shows_delay(&p, 1));
    strcpy(p.delays[1].reason, "429");
    assert_true(progress_shows_delay(&p, 1));
    progress_delay_text(&p.delays[0], text, sizeof(text));
    assert_string_equal(text, "host: 503 (attempt 2)");
}

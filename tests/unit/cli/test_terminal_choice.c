/* What the terminal and the environment decide: live lines or plain ones, how many columns. */
#define _GNU_SOURCE
#include "term/fit_line.h"
#include "term/progress_state.h"
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static enum progress_mode mode_with(const char *term, const char *flag)
{
    cli c = {.progress_mode = flag};
    if (term) {
        setenv("TERM", term, 1);
    } else {
        unsetenv("TERM");
    }
    cli_progress *p = cli_progress_new(&c, false);
    assert_non_null(p);
    enum progress_mode mode = p->mode;
    cli_progress_end(p);
    cli_progress_free(p);
    return mode;
}

KOC_TEST(live_lines_need_a_terminal_that_can_move)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY), saved = dup(STDERR_FILENO);
    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    int other = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    assert_true(other >= 0);
    dup2(other, STDERR_FILENO);
    enum progress_mode live = mode_with("xterm", NULL), dumb = mode_with("dumb", NULL),
                       none = mode_with(NULL, NULL), empty = mode_with("", NULL),
                       asked = mode_with("dumb", "tty"), plain = mode_with("xterm", "plain"),
                       json = mode_with("xterm", "json");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(other);
    close(terminal);
    assert_int_equal(live, MODE_TTY);
    assert_int_equal(dumb, MODE_PLAIN);
    assert_int_equal(none, MODE_PLAIN);
    assert_int_equal(empty, MODE_PLAIN);
    assert_int_equal(asked, MODE_TTY);
    assert_int_equal(plain, MODE_PLAIN);
    assert_int_equal(json, MODE_JSON);
}

KOC_TEST(columns_come_from_the_environment_within_limits)
{
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {{"100", 100}, {"40", 40}, {"200", 200}, {"39", 40}, {"5", 40}, {"201", 200}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        setenv("COLUMNS", cases[i].text, 1);
        assert_int_equal(fit_columns(), cases[i].columns);
    }
    unsetenv("COLUMNS");
}

/* Sizes for people, and when there are colours. */
#include "cli.h"
#include "test.h"

#include <stdlib.h>

KOC_TEST(sizes_have_a_unit_and_few_digits)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0 B"},
                 {999, "999 B"},
                 {1000, "1.0 kB"},
                 {99999, "100.0 kB"},
                 {100000, "0.1 MB"},
                 {99999999999, "100000.0 MB"},
                 {100000000000, "100.0 GB"}};
    char text[24];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(cli_size(cases[i].bytes, text), cases[i].text);
    }
}

KOC_TEST(colors_follow_the_flag_and_then_the_environment)
{
    static const struct {
        const char *flag, *no_color, *force;
        bool want;
    } cases[] = {{"always", "1", "", true}, {"never", "", "1", false}, {"auto", "", "1", true},
                 {"auto", "1", "1", false}, {NULL, "", "1", true},     {NULL, "", "0", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cli c = {.color = cases[i].flag};
        setenv("NO_COLOR", cases[i].no_color, 1);
        setenv("CLICOLOR_FORCE", cases[i].force, 1);
        setenv("TERM", "dumb", 1);
        cli_setup_output(&c);
        if (c.use_color != cases[i].want) {
            fail_msg("case %zu", i);
        }
    }
}

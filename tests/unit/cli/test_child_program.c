/* Programs that koc runs for the user: how they end. */
#include "child_program.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static int run(const char *script, const char *input, char **output)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const cli c = {0};
    const child ch = {.argv = argv,
                      .input = input,
                      .input_len = input ? strlen(input) : 0,
                      .output = output,
                      .quiet = true};
    return child_run(&c, &ch);
}

KOC_TEST(the_exit_code_is_that_of_the_program)
{
    char *output = NULL;
    assert_int_equal(run("exit 0", "", NULL), 0);
    assert_int_equal(run("exit 7", "", NULL), 7);
    assert_int_equal(run("kill -TERM $$", "", NULL), 128 + 15);
    assert_int_equal(run("kill -KILL $$", "", NULL), 128 + 9);
    assert_int_equal(run("cat; exit 3", "text", &output), 3);
    assert_string_equal(output, "text");
    free(output);
}

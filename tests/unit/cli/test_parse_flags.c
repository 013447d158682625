/* The parser of flags: kinds of values, forms of flags, errors and their suggestions. */
#include "args/flag_tables.h"
#include "capture.h"
#include "test.h"

#include <string.h>

typedef struct options {
    bool push;
    int32_t jobs;
    const char *repo, *when;
    cli_list tags, hosts;
} options;

#define AT(member) offsetof(options, member)
static const cli_flag flags[] = {
    {"push", 'p', CLI_BOOL, AT(push), NULL, "Group", "help", NULL},
    {"jobs", 'j', CLI_INT, AT(jobs), "N", "Group", "help", NULL},
    {"repo", 'r', CLI_STRING, AT(repo), "REF", "Group", "help", NULL},
    {"when", 0, CLI_OPTIONAL, AT(when), "WHEN", "Group", "help", NULL},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_flag shared[] = {
    {"tags", 't', CLI_CSV, AT(tags), "TAGS", "Group", "help", NULL},
    {"host", 0, CLI_LIST, AT(hosts), "HOST", "Group", "help", NULL},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_command command = {.name = "test", .flags = flags, .shared_flags = shared};
static const cli_command raw = {.name = "raw", .flags = flags, .raw = true};

static struct {
    cli c;
    options o;
    cli_list args;
    const char *said; /* on stderr */
} got;

static void clear(void)
{
    cli_list_free(&got.o.tags);
    cli_list_free(&got.o.hosts);
    cli_list_free(&got.args);
    cli_free_kept();
    memset(&got, 0, sizeof(got));
}

/* words: separated by one space each. */
static int parse(const cli_command *c, const char *words)
{
    static char copy[256];
    static char *argv[32];
    int argc = 0;
    clear();
    strncpy(copy, words, sizeof(copy) - 1);
    for (char *rest = copy; rest && *rest;) {
        argv[argc++] = rest;
        rest = strchr(rest, ' ');
        if (rest) {
            *rest++ = '\0';
        }
    }
    argv[argc] = NULL;
    capture_begin(2);
    int code = cli_parse(&got.c, c, &got.o, argc, argv, &got.args);
    got.said = capture_end();
    return code;
}

KOC_TEST(each_kind_of_flag_takes_its_value)
{
    assert_int_equal(parse(&command, "--push --jobs=4 --repo r --when --host a --host b,c x"), 0);
    assert_true(got.o.push);
    assert_int_equal(got.o.jobs, 4);
    assert_string_equal(got.o.repo, "r");
    assert_string_equal(got.o.when, "");
    assert_int_equal(got.o.hosts.count, 2);
    assert_string_equal(got.o.hosts.items[1], "b,c");
    assert_int_equal(got.args.count, 1);
    assert_string_equal(got.args.items[0], "x");
    assert_string_equal(got.said, "");
    assert_int_equal(parse(&command, "--push=false --when=now"), 0);
    assert_false(got.o.push);
    assert_string_equal(got.o.when, "now");
    clear();
}

KOC_TEST(letters_join_and_take_values)
{
    assert_int_equal(parse(&command, "-pj4 -vv"), 0);
    assert_true(got.o.push);
    assert_int_equal(got.o.jobs, 4);
    assert_int_equal(got.c.verbose, 2);
    assert_int_equal(parse(&command, "-j=7 -r x"), 0);
    assert_int_equal(got.o.jobs, 7);
    assert_string_equal(got.o.repo, "x");
    clear();
}

KOC_TEST(repeated_flags_append_to_lists_and_replace_strings)
{
    assert_int_equal(parse(&command, "-t a,\"b,c\" --repo=1 -t d --repo=2"), 0);
    assert_int_equal(got.o.tags.count, 3);
    assert_string_equal(got.o.tags.items[0], "a");
    assert_string_equal(got.o.tags.items[1], "b,c");
    assert_string_equal(got.o.tags.items[2], "d");
    assert_null(got.o.tags.items[3]);
    assert_string_equal(got.o.repo, "2");
    assert_int_equal(parse(&command, "-t a\"b"), EXIT_USAGE);
    clear();
}

KOC_TEST(two_dashes_end_the_flags)
{
    assert_int_equal(parse(&command, "a --push -- --jobs b"), 0);
    assert_true(got.c.has_dashes);
    assert_int_equal(got.c.dashes, 1);
    assert_int_equal(got.args.count, 3);
    assert_string_equal(got.args.items[1], "--jobs");
    assert_int_equal(parse(&command, "a b"), 0);
    assert_false(got.c.has_dashes);
    assert_int_equal(got.c.dashes, 2);
    clear();
}

KOC_TEST(wrong_values_are_rejected_in_one_line)
{
    assert_int_equal(parse(&command, "--jobs=many"), EXIT_USAGE);
    assert_string_equal(got.said, "koc: --jobs: \"many\" is not a number\n");
    assert_int_equal(parse(&command, "--jobs=4294967296"), EXIT_USAGE);
    assert_int_equal(parse(&command, "--push=maybe"), EXIT_USAGE);
    assert_string_equal(got.said, "koc: --push: \"maybe\" is not true or false\n");
    assert_int_equal(parse(&command, "--repo"), EXIT_USAGE);
    assert_string_equal(got.said, "koc: --repo needs a value (REF)\n");
    assert_int_equal(parse(&command, "-r"), EXIT_USAGE);
    assert_string_equal(got.said, "koc: -r needs a value (REF)\n");
    clear();
}

KOC_TEST(unknown_flags_get_a_suggestion)
{
    assert_int_equal(parse(&command, "--jbos=4"), EXIT_USAGE);
    assert_string_equal(got.said, "koc: unknown flag: --jbos\nhint: did you mean --jobs?\n");
    assert_int_equal(parse(&command, "--verbos"), EXIT_USAGE);
    assert_non_null(strstr(got.said, "did you mean --verbose?"));
    assert_int_equal(parse(&command, "-x"), EXIT_USAGE);
    assert_string_equal(got.said, "koc: unknown flag: -x\nhint: koc test -h lists the flags\n");
    clear();
}

KOC_TEST(words_of_a_raw_command_stay_as_they_are)
{
    assert_int_equal(parse(&raw, "--jobs -f x"), 0);
    assert_int_equal(got.args.count, 3);
    assert_int_equal(got.o.jobs, 0);
    assert_false(got.c.help);
    assert_int_equal(parse(&raw, "-f x -h"), 0);
    assert_true(got.c.help);
    assert_int_equal(parse(&raw, "-- -h"), 0);
    assert_false(got.c.help);
    clear();
}

KOC_TEST(a_doubled_quote_in_a_quoted_item_is_one)
{
    assert_int_equal(parse(&command, "test -t \"a\"\"b\",\"c,d\",e"), EXIT_OK);
    assert_int_equal(got.o.tags.count, 3);
    assert_string_equal(got.o.tags.items[0], "a\"b");
    assert_string_equal(got.o.tags.items[1], "c,d");
    assert_string_equal(got.o.tags.items[2], "e");
}

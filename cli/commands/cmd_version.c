/* koc version and koc help. */
#include "commands/commands.h"
#include "help/help.h"

#include <stdio.h>
#include <string.h>

typedef struct version_options {
    bool json;
} version_options;

static const cli_flag version_flags[] = {
    {"json", 0, CLI_BOOL, offsetof(version_options, json), NULL, "Other",
     "print a JSON document with library versions and features"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

static const struct {
    const char *name;
    uint64_t bit;
} features[] = {
    {"libcurl", KOC_FEATURE_CURL},   {"libdeflate", KOC_FEATURE_DEFLATE},
    {"mbedtls", KOC_FEATURE_CRYPTO}, {"cjson", KOC_FEATURE_CJSON},
    {"libyaml", KOC_FEATURE_YAML},   {"sha256", KOC_FEATURE_SHA_HW},
    {"zstd", KOC_FEATURE_ZSTD},
};

/* Nothing needs escaping: the details are versions and names of libraries. */
static void print_json(void)
{
    printf("{\n  \"schema\": \"koc-version-1\",\n  \"version\": \"%s\",\n  \"libraries\": {",
           koc_version_string());
    bool first = true;
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        const char *detail = koc_feature_detail(features[i].bit);
        if (detail) {
            printf("%s\n    \"%s\": \"%s\"", first ? "" : ",", features[i].name, detail);
            first = false;
        }
    }
    printf(
        "\n  },\n  \"features\": {\n    \"zstd\": %s,\n    \"http2\": %s,\n    \"shaHardware\": %s\n  }\n}\n",
        koc_features() & KOC_FEATURE_ZSTD ? "true" : "false",
        koc_features() & KOC_FEATURE_HTTP2 ? "true" : "false",
        koc_features() & KOC_FEATURE_SHA_HW ? "true" : "false");
}

static int run_version(cli *c, void *options, const cli_list *args)
{
    const version_options *o = options;
    if (args->count) {
        return cli_usage(c, "koc version takes no arguments");
    }
    if (o->json) {
        print_json();
    } else {
        printf("koc %s\n", koc_version_string());
    }
    return cli_finish_stdout(c, EXIT_OK);
}

static const cli_example version_examples[] = {
    {"koc version --json", "with the versions of the libraries"},
    {NULL, NULL},
};

const cli_command cli_version = {
    .name = "version",
    .group = "Other",
    .usage = "koc version [--json]",
    .summary = "print the version",
    .description =
        "Prints the version of koc; --json adds the versions of the libraries and the features of this build.",
    .examples = version_examples,
    .flags = version_flags,
    .options_size = sizeof(version_options),
    .run = run_version,
};

typedef struct help_options {
    const char *format;
} help_options;

static const cli_flag help_flags[] = {
    {"format", 0, CLI_STRING, offsetof(help_options, format), "FORMAT", "Results",
     "text or man; markdown and json are for all commands at once", "text man markdown json"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

/* Without a command, prints all pages; each begins with a comment that names it. */
static void print_man_pages(const cli *c, const cli_command *command)
{
    if (command) {
        cli_help_man(c, command);
        return;
    }
    cli_help_man(c, NULL);
    for (size_t i = 0; c->commands[i]; i++) {
        cli_help_man(c, c->commands[i]);
    }
}

static int print_help(const cli *c, const char *format, const cli_command *command)
{
    if (strcmp(format, "man") == 0) {
        print_man_pages(c, command);
    } else if (strcmp(format, "markdown") == 0) {
        cli_help_markdown(c);
    } else if (strcmp(format, "json") == 0) {
        cli_help_json(c);
    } else if (strcmp(format, "text") != 0) {
        return cli_usage(c, "--format: \"%s\" is not text, man, markdown or json", format);
    } else if (command) {
        cli_help_command(command, true);
    } else {
        cli_help_overview(c);
    }
    return cli_finish_stdout(c, EXIT_OK);
}

static int run_help(cli *c, void *options, const cli_list *args)
{
    const help_options *o = options;
    const char *format = o->format ? o->format : "text";
    const cli_command *command = args->count ? cli_find_command(c, args->items[0]) : NULL;
    if (args->count && !command) {
        return cli_unknown_command(c, args->items[0]);
    }
    return print_help(c, format, command);
}

static const cli_example help_examples[] = {
    {"koc help build", "the full help of a command"},
    {"koc help --format=man build | man -l -", "the same as a man page"},
    {NULL, NULL},
};

const cli_command cli_help = {
    .name = "help",
    .group = "Other",
    .usage = "koc help [--format=FORMAT] [COMMAND]",
    .summary = "list all commands, or show the full help of one",
    .description = "Lists the commands, or shows the full help of one.",
    .examples = help_examples,
    .flags = help_flags,
    .options_size = sizeof(help_options),
    .complete = CLI_COMMANDS,
    .run = run_help,
};

/* koc version and koc help. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

typedef struct version_options {
    bool json;
} version_options;

static const cli_flag version_flags[] = {
    {"json", 0, CLI_BOOL, offsetof(version_options, json), NULL, "Other",
     "one JSON document with library versions and features"},
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

/* Details hold versions and words of ours: nothing that needs escaping. */
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

const cli_command cli_version = {
    .name = "version",
    .group = "Other",
    .usage = "koc version [--json]",
    .summary = "print the version",
    .description =
        "Prints one line; --json adds the versions of the libraries and what this build can do.",
    .flags = version_flags,
    .options_size = sizeof(version_options),
    .run = run_version,
};

static int run_help(cli *c, void *options, const cli_list *args)
{
    (void)options;
    if (args->count == 0) {
        cli_help_overview();
        return cli_finish_stdout(c, EXIT_OK);
    }
    const cli_command *command = cli_find_command(args->items[0]);
    if (!command) {
        cli_usage(c, "no help for \"%s\": there is no such command", args->items[0]);
        cli_hint(c, "koc help lists the commands");
        return EXIT_USAGE;
    }
    cli_help_command(command, true);
    return cli_finish_stdout(c, EXIT_OK);
}

const cli_command cli_help = {
    .name = "help",
    .group = "Other",
    .usage = "koc help [COMMAND]",
    .summary = "show all commands, or all about one",
    .description = "Shows the list of commands, or the whole help of one.",
    .complete = CLI_COMMANDS,
    .run = run_help,
};

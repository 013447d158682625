/* koc export: writes the file system of an image as a tar file. */
#include "args/client_flags.h"
#include "args/place_words.h"
#include "commands/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct export_options {
    client_flags client;
    const char *platform;
} export_options;

#define AT(member) offsetof(export_options, member)
static const cli_flag flags[] = {
    {"platform", 0, CLI_STRING, AT(platform), "PLATFORM", "Selection",
     "platform of an index (default: the only one, else linux/amd64)", CLI_PLATFORMS},
    CLIENT_FLAG_ROWS(export_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

static int flatten(cli_session *s, const char *word, const export_options *o, koc_file *to,
                   koc_error **err)
{
    CLI_AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    CLI_AUTO_VAL(cli_source) place = {0};
    CLI_AUTO(koc_source) source = NULL;
    CLI_AUTO(koc_image) img = NULL;
    koc_platform want = KOC_PLATFORM_INIT;
    koc_writer w = {koc_file_write, to};
    if (o->platform) {
        CLI_TRY(koc_platform_parse(o->platform, &storage, &want, err));
    }
    CLI_TRY(cli_source_parse(word, 0, &place, err));
    CLI_TRY(koc_source_open(s->ctx, s->client, &place.place, &s->op, &source, err));
    CLI_TRY(koc_source_get_image(source, o->platform ? &want : NULL, &s->op, &img, err));
    return koc_image_flatten(img, &w, &s->op, err);
}

static int export_image(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    CLI_AUTO(koc_file) file = NULL;
    CLI_TRY(koc_file_new(args->count > 1 ? args->items[1] : "-", 0, &s->op, &file, err));
    CLI_TRY(flatten(s, args->items[0], options, file, err));
    return koc_file_finish(file, err);
}

static int run(cli *c, void *options, const cli_list *args)
{
    const export_options *o = options;
    if (args->count < 1 || args->count > 2) {
        return cli_usage(c, "koc export takes an image and a file");
    }
    if ((args->count == 1 || strcmp(args->items[1], "-") == 0) && isatty(STDOUT_FILENO)) {
        return cli_usage(c, "koc export does not write a tar file to a terminal: name a file");
    }
    return cli_session_run(c, &o->client, export_image, o, args);
}

static const cli_example examples[] = {
    {"koc export registry.example/app:1 fs.tar", "the file system as a tar file"},
    {"koc export oci:out | tar -t", "list the files of an image"},
    {NULL, NULL},
};

const cli_command cli_export = {
    .name = "export",
    .group = "Images",
    .usage = "koc export [flags] IMAGE [FILE]",
    .summary = "write the file system of an image as a tar file",
    .description =
        "Applies the layers of an image in order and writes the resulting files as one tar "
        "file, to FILE or to stdout.",
    .more =
        "Whiteouts and opaque directories are applied. A hard link keeps its content even if its\n"
        "target was removed. Names have no leading slash, and none leads out of the root.\n",
    .examples = examples,
    .flags = flags,
    .complete = CLI_FILES,
    .options_size = sizeof(export_options),
    .run = run,
};

/* koc export: writes the file system of an image as a tar file, or one of its files. */
#include "args/client_flags.h"
#include "args/place_words.h"
#include "commands/commands.h"
#include "commands/write_blob.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct export_options {
    client_flags client;
    const char *platform;
    const char *file; /* of the image; NULL: all */
} export_options;

#define AT(member) offsetof(export_options, member)
static const cli_flag flags[] = {
    {"platform", 0, CLI_STRING, AT(platform), "PLATFORM", "Selection",
     "platform of an index (default: the only one, else linux/amd64)", CLI_PLATFORMS},
    {"file", 0, CLI_STRING, AT(file), "PATH", "Selection",
     "write the content of this file of the image instead of a tar file"},
    CLIENT_FLAG_ROWS(export_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

static int open_image(cli_session *s, const char *word, const export_options *o, koc_image **out,
                      koc_error **err)
{
    CLI_AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    CLI_AUTO_VAL(cli_source) place = {0};
    CLI_AUTO(koc_source) source = NULL;
    koc_platform want = KOC_PLATFORM_INIT;
    if (o->platform) {
        CLI_TRY(koc_platform_parse(o->platform, &storage, &want, err));
    }
    CLI_TRY(cli_source_parse(word, 0, &place, err));
    CLI_TRY(koc_source_open(s->ctx, s->client, &place.place, &s->op, &source, err));
    return koc_source_get_image(source, o->platform ? &want : NULL, &s->op, out, err);
}

static int export_image(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    const export_options *o = options;
    const char *to = args->count > 1 ? args->items[1] : "-";
    CLI_AUTO(koc_file) file = NULL;
    CLI_AUTO(koc_image) img = NULL;
    CLI_AUTO(koc_blob) content = NULL;
    if (o->file) {
        CLI_TRY(open_image(s, args->items[0], o, &img, err));
        CLI_TRY(koc_image_get_file(img, o->file, &s->op, &content, err));
        return cli_write_blob(to, content, &s->op, err);
    }
    CLI_TRY(koc_file_new(to, 0, &s->op, &file, err));
    CLI_TRY(open_image(s, args->items[0], o, &img, err));
    const koc_writer w = {koc_file_write, file};
    CLI_TRY(koc_image_flatten(img, &w, &s->op, err));
    return koc_file_finish(file, err);
}

static int run(cli *c, void *options, const cli_list *args)
{
    const export_options *o = options;
    if (args->count < 1 || args->count > 2) {
        return cli_usage(c, "koc export takes an image and a file");
    }
    if (!o->file && (args->count == 1 || strcmp(args->items[1], "-") == 0) &&
        isatty(STDOUT_FILENO)) {
        return cli_usage(c, "koc export does not write a tar file to a terminal: name a file");
    }
    return cli_session_run(c, &o->client, export_image, o, args);
}

static const cli_example examples[] = {
    {"koc export registry.example/app:1 fs.tar", "the file system as a tar file"},
    {"koc export oci:out | tar -t", "list the files of an image"},
    {"koc export --file=/ko-app/api registry.example/app:1 api", "take one file out of it"},
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
        "target was removed. Names have no leading slash, and none leads out of the root. --file follows\n"
        "links as a process in a container does, and reads only the layers that it needs.\n",
    .examples = examples,
    .flags = flags,
    .complete = CLI_FILES,
    .options_size = sizeof(export_options),
    .run = run,
};

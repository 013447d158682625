/* koc export: the file system of an image as a tar. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <koc/ext/edit.h>

#include "commands/cmd_edit_common.h"

typedef struct export_options {
    client_flags client;
    const char *platform;
} export_options;

#define AT(member) offsetof(export_options, member)
static const cli_flag flags[] = {
    {"platform", 0, CLI_STRING, AT(platform), "PLATFORM", "What",
     "of an index (default the only one, else linux/amd64)", CLI_PLATFORMS},
    CLIENT_FLAG_ROWS(export_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

static int flatten(cli_session *s, const char *word, const export_options *o, koc_file *to,
                   koc_error **err)
{
    koc_buf storage = KOC_BUF_INIT;
    koc_platform want = KOC_PLATFORM_INIT;
    koc_image *img = NULL;
    picture p = {0};
    koc_writer w = {koc_file_write, to};
    int rc = o->platform ? koc_platform_parse(o->platform, &storage, &want, err) : KOC_OK;
    if (rc == KOC_OK) {
        rc = cli_source_parse(word, 0, &p.place, err);
    }
    if (rc == KOC_OK) {
        rc = koc_source_open(s->ctx, s->client, &p.place.place, &s->op, &p.source, err);
    }
    if (rc == KOC_OK) {
        rc = koc_source_get_image(p.source, o->platform ? &want : NULL, &s->op, &img, err);
    }
    if (rc == KOC_OK) {
        rc = koc_image_flatten(img, &w, &s->op, err);
    }
    koc_image_unref(img);
    koc_buf_dispose(&storage);
    picture_close(&p);
    return rc;
}

static int export_to(cli_session *s, const export_options *o, const cli_list *args, koc_error **err)
{
    koc_file *file = NULL;
    int rc = koc_file_new(args->count > 1 ? args->items[1] : "-", 0, &s->op, &file, err);
    rc = rc == KOC_OK ? flatten(s, args->items[0], o, file, err) : rc;
    rc = rc == KOC_OK ? koc_file_finish(file, err) : rc;
    koc_file_free(file);
    return rc;
}

static int run(cli *c, void *options, const cli_list *args)
{
    export_options *o = options;
    cli_session session = {0};
    koc_error *err = NULL;
    if (args->count < 1 || args->count > 2) {
        return cli_usage(c, "koc export takes an image and a file");
    }
    if ((args->count == 1 || strcmp(args->items[1], "-") == 0) && isatty(STDOUT_FILENO)) {
        return cli_usage(c, "koc export: a tar is nothing for a terminal: name a file");
    }
    int rc = cli_session_open(c, &o->client, 0, &session, &err);
    rc = rc == KOC_OK ? export_to(&session, o, args, &err) : rc;
    int code = rc == KOC_OK ? EXIT_OK : cli_error(c, err);
    koc_error_free(err);
    cli_session_close(&session);
    client_flags_free(&o->client);
    return code;
}

static const cli_example examples[] = {
    {"koc export registry.example/app:1 fs.tar", "the file system as a tar file"},
    {"koc export oci:out | tar -t", "what is in an image"},
    {NULL, NULL},
};

const cli_command cli_export = {
    .name = "export",
    .group = "Images",
    .usage = "koc export [flags] IMAGE [FILE]",
    .summary = "write the file system of an image as a tar",
    .description = "Lays the layers of an image over each other and writes the files that are left "
                   "as one tar, to FILE or to stdout.",
    .more =
        "Whiteouts and opaque folders are applied. A hard link keeps its content where the name it\n"
        "was made from is gone. Names have no leading slash, and none leads out of the root.\n",
    .examples = examples,
    .flags = flags,
    .complete = CLI_FILES,
    .options_size = sizeof(export_options),
    .run = run,
};

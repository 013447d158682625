/* koc rebase: puts an image on another base image. */
#include "commands/cmd_edit_common.h"
#include "commands/commands.h"

typedef struct rebase_options {
    edit_flags edit;
    const char *old_base, *new_base;
} rebase_options;

#define AT(member) offsetof(rebase_options, member)
static const cli_flag flags[] = {
    {"old-base", 0, CLI_STRING, AT(old_base), "IMAGE", "Bases",
     "the base of the image (default: as recorded in its annotations)"},
    {"new-base", 0, CLI_STRING, AT(new_base), "IMAGE", "Bases",
     "the base to put it on (default: what the name in its annotations refers to now)"},
    EDIT_FLAG_ROWS(rebase_options, edit),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

static int rebase(cli_session *s, const void *options, const cli_list *args, koc_error **err)
{
    const rebase_options *o = options;
    CLI_AUTO_VAL(edited) e = {0};
    CLI_AUTO_VAL(cli_source) old = {0};
    CLI_AUTO_VAL(cli_source) new = {0};
    CLI_TRY(edited_open(s, args->items[0], &o->edit, &e, err));
    CLI_TRY(o->old_base ? cli_source_parse(o->old_base, 0, &old, err) : KOC_OK);
    CLI_TRY(o->new_base ? cli_source_parse(o->new_base, 0, &new, err) : KOC_OK);
    CLI_TRY(koc_edit_rebase(e.edit, s->client, o->old_base ? &old.place : NULL,
                            o->new_base ? &new.place : NULL, &s->op, err));
    return edited_store(s, &e, &o->edit, err);
}

static int run(cli *c, void *options, const cli_list *args)
{
    const rebase_options *o = options;
    if (args->count != 1) {
        return cli_usage(c, "koc rebase takes one image, got %zu", args->count);
    }
    return cli_session_run(c, &o->edit.client, rebase, o, args);
}

static const cli_example examples[] = {
    {"koc rebase registry.example/app:1", "on the current version of its base, under the same tag"},
    {"koc rebase --old-base=r.example/base:1 --new-base=r.example/base:2 r.example/app:1",
     "from one base to another"},
    {NULL, NULL},
};

const cli_command cli_rebase = {
    .name = "rebase",
    .group = "Images",
    .usage = "koc rebase [flags] IMAGE",
    .summary = "put an image on another base",
    .description =
        "Replaces the layers of an image's base by those of a new base. The image's own layers "
        "stay as they are, and nothing is built.",
    .more =
        "The layers of the old base must be the lowest layers of the image. The config of the image\n"
        "stays, including its environment; the history and the annotations that name the base are\n"
        "updated. In an index, each platform is put on the same platform of the new base.\n",
    .examples = examples,
    .flags = flags,
    .options_size = sizeof(rebase_options),
    .run = run,
};

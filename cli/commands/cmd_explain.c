/* koc explain: lists the inputs that changed since the last build. */
#include "commands/commands.h"

#include <stdio.h>

#include "kube/kube_manifests.h"

/* clang-format off */
static const cli_flag flags[] = {
    {"filename", 'f', CLI_CSV, MANIFEST_AT(files), "FILE", "Input",
     "the packages referenced by this YAML or JSON: a file, a directory, or - for stdin (repeatable)"},
    {"recursive", 'R', CLI_BOOL, MANIFEST_AT(recursive), NULL, "Input", "also read subdirectories"},
    {"selector", 'l', CLI_STRING, MANIFEST_AT(selector), "QUERY", "Input",
     "consider only objects with these labels"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};
/* clang-format on */

static int explain(const cli *c, const publish_session *s, const koc_publish_options *options,
                   const char *const *import_paths)
{
    koc_publish_options p = *options;
    CLI_AUTO_VAL(koc_buf) text = KOC_BUF_INIT;
    CLI_AUTO(koc_error) err = NULL;
    koc_op op = KOC_OP_INIT;
    op.cancel = c->cancel;
    p.flags |= KOC_PUBLISH_DEFAULT_LAYOUT;
    p.import_paths = import_paths;
    int rc = koc_explain(s->base.ctx, &p, &op, &text, &err);
    if (rc == KOC_OK) {
        fwrite(text.ptr, 1, text.len, stdout);
    }
    return cli_exit_code(c, rc, err);
}

/* Explains the packages of all references in the inputs. */
static int explain_manifests(manifests *m, void *self)
{
    const cli *c = self;
    CLI_AUTO_VAL(cli_list) paths = {0};
    CLI_AUTO(koc_strlist) references = NULL;
    CLI_AUTO(koc_error) err = NULL;
    int rc = manifests_load(m, &err);
    rc = rc == KOC_OK ? koc_resolver_references(m->resolver, &references, &err) : rc;
    if (rc != KOC_OK) {
        return cli_error(c, err);
    }
    for (size_t i = 0; i < koc_strlist_count(references); i++) {
        if (cli_list_add(&paths, koc_strlist_get(references, i)) != 0) {
            return cli_no_memory(c);
        }
    }
    if (paths.count == 0) {
        cli_warn(c, "there is no ko:// reference in the input");
        return EXIT_OK;
    }
    return explain(c, m->session, m->options, cli_list_argv(&paths));
}

static int run(cli *c, void *options, const cli_list *args)
{
    manifest_flags *o = options;
    koc_publish_options p = KOC_PUBLISH_OPTIONS_INIT;
    CLI_AUTO_VAL(publish_session) session = {0};
    CLI_AUTO(koc_error) err = NULL;
    if (o->files.count && args->count) {
        return cli_usage(c, "koc explain takes packages or -f, not both");
    }
    if (o->files.count) {
        const manifests_command command = {.round = explain_manifests, .self = c};
        return manifests_run(c, o, &command);
    }
    CLI_TRY(publish_flags_read(c, &o->publish, &p));
    if (publish_session_open(c, &o->publish, &session, &err) != KOC_OK) {
        return cli_error(c, err);
    }
    return explain(c, &session, &p, cli_list_argv(args));
}

static const cli_example examples[] = {
    {"koc explain ./cmd/api", "why the next build would run go, or why it would not"},
    {"koc explain -f config/", "the same for each package that the YAML references"},
    {NULL, NULL},
};

const cli_command cli_explain = {
    .name = "explain",
    .group = "Build",
    .usage = "koc explain [flags] [IMPORTPATH... | -f FILE]",
    .summary = "list the inputs that changed since the last build",
    .description =
        "Compares files, flags, environment variables and commits with those that the last build "
        "of each package read. Takes the flags of koc build and builds nothing. After a build that "
        "linked, files are compared by their modification time.",
    .examples = examples,
    .flags = flags,
    .shared_flags = publish_flag_table,
    .complete = CLI_PACKAGES,
    .options_size = sizeof(manifest_flags),
    .defaults = manifest_flags_defaults,
    .run = run,
};

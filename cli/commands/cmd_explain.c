/* koc explain: which inputs changed since the last build. */
#include "cli.h"

#include <stdio.h>

#include "kube/kube_manifests.h"

/* clang-format off */
static const cli_flag flags[] = {
    {"filename", 'f', CLI_CSV, MANIFEST_AT(files), "FILE", "Input",
     "the packages that this YAML or JSON refers to: a file, a folder, or - for stdin; may be repeated"},
    {"recursive", 'R', CLI_BOOL, MANIFEST_AT(recursive), NULL, "Input", "look into the sub-folders of folders too"},
    {"selector", 'l', CLI_STRING, MANIFEST_AT(selector), "QUERY", "Input",
     "only objects with these labels"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};
/* clang-format on */

static int explain(const cli *c, const publish_session *s, const koc_publish_options *options,
                   const char *const *import_paths)
{
    koc_publish_options p = *options;
    koc_buf text = KOC_BUF_INIT;
    koc_op op = KOC_OP_INIT;
    koc_error *err = NULL;
    int code = EXIT_OK;
    op.cancel = c->cancel;
    p.flags |= KOC_PUBLISH_DEFAULT_LAYOUT;
    p.import_paths = import_paths;
    if (koc_explain(s->base.ctx, &p, &op, &text, &err) == KOC_OK) {
        fwrite(text.ptr, 1, text.len, stdout);
    } else {
        code = cli_error(c, err);
    }
    koc_error_free(err);
    koc_buf_dispose(&text);
    return cli_finish_stdout(c, code);
}

/* The packages of all references in the inputs. */
static int explain_manifests(manifests *m, void *self)
{
    const cli *c = self;
    cli_list paths = {0};
    koc_strlist *references = NULL;
    koc_error *err = NULL;
    int rc = manifests_load(m, &err);
    rc = rc == KOC_OK ? koc_resolver_references(m->resolver, &references, &err) : rc;
    size_t n = rc == KOC_OK ? koc_strlist_count(references) : 0;
    int code = rc == KOC_OK ? EXIT_OK : cli_error(c, err);
    for (size_t i = 0; i < n; i++) {
        if (cli_list_add(&paths, koc_strlist_get(references, i)) != 0) {
            cli_usage(c, "out of memory");
            code = EXIT_FAILED;
            break;
        }
    }
    if (code == EXIT_OK && n > 0) {
        code = explain(c, m->session, m->options, cli_list_argv(&paths));
    } else if (code == EXIT_OK) {
        cli_warn(c, "there is no ko:// reference in the input");
    }
    koc_error_free(err);
    koc_strlist_free(references);
    cli_list_free(&paths);
    return code;
}

static int run(cli *c, void *options, const cli_list *args)
{
    manifest_flags *o = options;
    koc_publish_options p = KOC_PUBLISH_OPTIONS_INIT;
    publish_session session = {0};
    koc_error *err = NULL;
    if (o->files.count && args->count) {
        manifest_flags_free(o);
        return cli_usage(c, "koc explain takes packages or -f, not both");
    }
    if (o->files.count) {
        const manifests_command what = {.round = explain_manifests, .self = c};
        return manifests_run(c, o, &what);
    }
    int code = publish_flags_read(c, &o->publish, &p);
    if (code == EXIT_OK && publish_session_open(c, &o->publish, &session, &err) != KOC_OK) {
        code = cli_error(c, err);
    } else if (code == EXIT_OK) {
        code = explain(c, &session, &p, cli_list_argv(args));
    }
    koc_error_free(err);
    publish_session_close(&session);
    manifest_flags_free(o);
    return code;
}

static const cli_example examples[] = {
    {"koc explain ./cmd/api", "what made, or would make, the next build start go"},
    {"koc explain -f config/", "the same for each package that the YAML refers to"},
    {NULL, NULL},
};

const cli_command cli_explain = {
    .name = "explain",
    .group = "Build",
    .usage = "koc explain [flags] [IMPORTPATH... | -f FILE]",
    .summary = "say which inputs changed since the last build",
    .description =
        "Compares files, flags, variables and commits with those that the last build of each "
        "package read. Takes the flags of koc build and builds nothing. After a build that linked, "
        "files count by the time of their last change.",
    .examples = examples,
    .flags = flags,
    .shared_flags = publish_flag_table,
    .complete = CLI_PACKAGES,
    .options_size = sizeof(manifest_flags),
    .defaults = manifest_flags_defaults,
    .run = run,
};

/* koc explain: which inputs changed since the last build. */
#include "cli.h"

#include <stdio.h>

#include "publish_flags.h"

static void defaults(void *options)
{
    publish_flags_defaults(options);
}

static int run(cli *c, void *options, const cli_list *args)
{
    publish_flags *o = options;
    koc_publish_options p = KOC_PUBLISH_OPTIONS_INIT;
    publish_session session = {0};
    koc_buf text = KOC_BUF_INIT;
    koc_error *err = NULL;
    int code = publish_flags_read(c, o, &p);
    if (code == EXIT_OK) {
        koc_op op = KOC_OP_INIT;
        op.cancel = c->cancel;
        p.flags |= KOC_PUBLISH_DEFAULT_LAYOUT;
        p.import_paths = cli_list_argv(args);
        int rc = publish_session_open(c, o, &session, &err);
        if (rc == KOC_OK) {
            rc = koc_explain(session.base.ctx, &p, &op, &text, &err);
        }
        if (rc == KOC_OK) {
            fwrite(text.ptr, 1, text.len, stdout);
            code = cli_finish_stdout(c, EXIT_OK);
        } else {
            code = cli_error(c, err);
        }
    }
    koc_error_free(err);
    koc_buf_dispose(&text);
    publish_session_close(&session);
    publish_flags_free(o);
    return code;
}

static const cli_example examples[] = {
    {"koc explain ./cmd/api", "what made, or would make, the next build start go"},
    {NULL, NULL},
};

const cli_command cli_explain = {
    .name = "explain",
    .group = "Build",
    .usage = "koc explain [flags] [IMPORTPATH...]",
    .summary = "say which inputs changed since the last build",
    .description =
        "Compares files, flags, variables and commits with those that the last build of each "
        "package read. Takes the flags of koc build and builds nothing.",
    .examples = examples,
    .shared_flags = publish_flag_table,
    .complete = CLI_PACKAGES,
    .options_size = sizeof(publish_flags),
    .defaults = defaults,
    .run = run,
};

/* The list of commands and the flags that all of them take. */
#include "cli.h"

#include <string.h>

const cli_command *const cli_commands[] = {
    /* clang-format off */
    &cli_build,
    &cli_resolve,
    &cli_apply,
    &cli_create,
    &cli_delete,
    &cli_run,
    &cli_login,
    &cli_logout,
    &cli_auth,
    &cli_push,
    &cli_pull,
    &cli_copy,
    &cli_inspect,
    &cli_manifest,
    &cli_config,
    &cli_digest,
    &cli_validate,
    &cli_append,
    &cli_mutate,
    &cli_rebase,
    &cli_export,
    &cli_ls,
    &cli_tag,
    &cli_rm,
    &cli_blob,
    &cli_serve,
    &cli_explain,
    &cli_cache,
    &cli_completion,
    &cli_doctor,
    &cli_version,
    &cli_help,
    /* clang-format on */
    NULL,
};

const cli_flag cli_global_flags[] = {
    {"verbose", 'v', CLI_COUNT, offsetof(cli, verbose), NULL, "Output",
     "say what was decided; -vv adds HTTP, never credentials"},
    {"quiet", 'q', CLI_BOOL, offsetof(cli, quiet), NULL, "Output", "only errors on stderr"},
    {"color", 0, CLI_STRING, offsetof(cli, color), "WHEN", "Output",
     "auto, always or never (NO_COLOR and CLICOLOR_FORCE count too)", "auto always never"},
    {"progress", 0, CLI_STRING, offsetof(cli, progress_mode), "MODE", "Output",
     "auto, tty, plain, json or none", "auto tty plain json none"},
    {"help", 'h', CLI_BOOL, offsetof(cli, help), NULL, "Output", "this text"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

const cli_command *cli_find_command(const char *name)
{
    for (size_t i = 0; cli_commands[i]; i++) {
        const cli_command *c = cli_commands[i];
        if (strcmp(c->name, name) == 0 || (c->alias && strcmp(c->alias, name) == 0)) {
            return c;
        }
    }
    return NULL;
}

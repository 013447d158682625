/* All commands, for the table in args/command_table.c. Each is defined in one of the files beside this one. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli.h"

/* In the order in which help lists them; ends with NULL. */
extern const cli_command *const cli_command_table[];

extern const cli_command cli_build, cli_explain;
extern const cli_command cli_resolve, cli_apply, cli_create, cli_delete, cli_run;
extern const cli_command cli_push, cli_pull, cli_copy, cli_inspect, cli_manifest, cli_config,
    cli_digest, cli_validate;
extern const cli_command cli_append, cli_mutate, cli_rebase, cli_export;
extern const cli_command cli_key, cli_sign, cli_attest, cli_verify;
extern const cli_command cli_ls, cli_tag, cli_rm, cli_blob, cli_serve;
extern const cli_command cli_auth, cli_login, cli_logout;
extern const cli_command cli_cache, cli_completion, cli_doctor, cli_version, cli_help;

#endif

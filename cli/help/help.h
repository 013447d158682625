/* Help in four formats, made from the command tables (cli.commands). */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "args/flag_tables.h"

void cli_help_overview(const cli *c);
/* whole: with the command's `more` text. */
void cli_help_command(const cli_command *command, bool whole);
void cli_help_man(const cli *c, const cli_command *command); /* command NULL: koc(1) */
void cli_help_markdown(const cli *c);
void cli_help_json(const cli *c);
/* Calls fn for each command of a group. */
void cli_each_in_group(const cli *c, const char *group, void (*fn)(const cli_command *command));

#endif

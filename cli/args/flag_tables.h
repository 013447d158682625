/* Iterating over the command tables, for the parser, help, man pages, docs/cli.md and completion. */
#ifndef CLI_TABLES_H
#define CLI_TABLES_H

#include "cli.h"

/* The flags that every command takes; they write to the cli. */
extern const cli_flag cli_global_flags[];
/* The groups of commands in the order of the overview; ends with NULL. */
extern const char *const cli_groups[];

/* The i-th table of flags that a command takes: its own, the shared ones, the global ones. NULL past the end. A
 * command without one of the tables has an empty table in its place. */
const cli_flag *cli_flag_table_of(const cli_command *command, size_t i);
/* What the value of a flag completes to, "" for nothing. */
const char *cli_flag_completes_to(const cli_flag *f);
bool cli_flag_takes_value(const cli_flag *f);
/* "--tags TAGS", "--watch[=WHEN]" */
const char *cli_flag_long(const cli_flag *f, char out[96]);

/* A command's `more` text consists of headings in the first column and blocks indented by two columns. A block whose
 * lines are indented further, or are set in columns, is printed as it is. */
enum cli_block { CLI_HEADING, CLI_PARAGRAPH, CLI_LITERAL };
/* The next block of *text, without the newline after it; false: there is none. */
bool cli_next_block(const char **text, enum cli_block *kind, const char **block, size_t *len);

/* `koc __complete WORD...`, which the scripts of `koc completion` run: the last word is the one at the cursor.
 * Prints "words", "files" or "directories", then candidates, each with a description after a tab. */
int cli_complete(const cli *c, int argc, char **argv);
/* Calls fn with "./cmd/api" and the like for every main package below the working directory; with names below the
 * module's path if prefix is not a relative path. Stops when fn returns non-zero. */
void cli_each_main_package(const char *prefix, int (*fn)(const char *path, void *payload),
                           void *payload);

#endif

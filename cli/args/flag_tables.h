/* Walking the command tables: what help, man pages, docs/cli.md and completions have in common. */
#ifndef CLI_TABLES_H
#define CLI_TABLES_H

#include "cli.h"

/* In the order of the overview; ends with NULL. */
extern const char *const cli_groups[];

/* The i-th table of flags that a command takes: its own, the shared ones, the global ones. NULL past the
 * end; a table that a command lacks is an empty one. */
const cli_flag *cli_flag_table_of(const cli_command *command, size_t i);
/* What the value of a flag completes to, "" for nothing. */
const char *cli_flag_completes_to(const cli_flag *f);
bool cli_flag_takes_value(const cli_flag *f);
/* "--tags TAGS", "--watch[=WHEN]" */
const char *cli_flag_long(const cli_flag *f, char out[96]);

/* A command's `more` text is headings in the first column and blocks below them, two columns in. A block
 * with lines further in, or in columns, is to be kept as it is. */
enum cli_block { CLI_HEADING, CLI_PARAGRAPH, CLI_LITERAL };
/* The next block of *text: from its first line to its end, without the newline after it; false: none. */
bool cli_next_block(const char **text, enum cli_block *kind, const char **block, size_t *len);

/* The rest of `koc help --format`. */
void cli_help_man(const cli_command *command); /* NULL: koc(1) */
void cli_help_markdown(void);
void cli_help_json(void);

/* `koc __complete WORD...`, which the scripts of `koc completion` ask: the last word is the one at the
 * cursor. Prints "words", "files" or "folders", then candidates with their description after a tab. */
int cli_complete(int argc, char **argv);
/* "./cmd/api" and the like: every main package below the working folder, or below the module's path when
 * prefix is no relative one. Stops when fn returns non-zero. */
void cli_each_main_package(const char *prefix, int (*fn)(const char *path, void *payload),
                           void *payload);

#endif

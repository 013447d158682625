/* What is asked of the person at the terminal. */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include "cli.h"

enum { PROMPT_MAX = 64 << 10 };

/* One line from the terminal that stdin is, without its end, in out; hidden: not shown while it is typed.
 * The question goes to stderr. EXIT_OK, or an exit code after one line (130 after ^C). */
int cli_ask(const cli *c, const char *question, bool hidden, char *out, size_t size);
/* All of stdin without one line end at its end, as docker and ko read a password. */
int cli_read_secret(const cli *c, char *out, size_t size);
/* Overwrites a secret. */
void cli_wipe(void *p, size_t size);

#endif

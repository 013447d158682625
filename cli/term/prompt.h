/* Questions to the user at the terminal. */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include "cli.h"

enum { PROMPT_MAX = 64 << 10 };

/* Prints the question to stderr and reads one line from the terminal on stdin, without its line end. hidden: the
 * answer is not echoed. Returns EXIT_OK, or an exit code after an error line (130 after ^C). */
int cli_ask(const cli *c, const char *question, bool hidden, char *out, size_t size);
/* Reads all of stdin and removes one line end, as docker and ko read a password. */
int cli_read_secret(const cli *c, char *out, size_t size);
/* Overwrites a secret. */
void cli_wipe(void *p, size_t size);

#endif

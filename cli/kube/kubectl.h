/* kubectl itself. */
#ifndef CLI_KUBECTL_H
#define CLI_KUBECTL_H

#include "cli.h"

#define KUBECTL "kubectl"

/* Runs argv with text as its input. Its exit code, after one line when it is not 0; 130 without one when
 * the run was cancelled. */
int kubectl_feed(const cli *c, const char *const *argv, const char *text, size_t len);
/* The line about a kubectl that ended so; tells when it is too old for koc. */
void kubectl_failed(const cli *c, const char *verb, int code);

#endif

/* Running kubectl. */
#ifndef CLI_KUBECTL_H
#define CLI_KUBECTL_H

#include "cli.h"

#define KUBECTL "kubectl"

/* Runs argv with text as its input. Returns its exit code, after an error line if it is not 0; 130 without a line if
 * the run was cancelled. */
int kubectl_feed(const cli *c, const char *const *argv, const char *text, size_t len);
/* Prints the error line about a kubectl that ended with this code; reports it if kubectl is too old. */
void kubectl_report_failure(const cli *c, const char *verb, int code);

#endif

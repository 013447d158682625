/* Helpers for tests that run a real go: modules in the test's directory, and a go that logs its runs. */
#ifndef KOC_TESTS_GOTEST_H
#define KOC_TESTS_GOTEST_H

#include <koc/context.h>

#include "golang/golang.h"

/* Skips the test if there is no go. Changes to the test's directory, clears the variables of go and ko,
 * and replaces go by a script that logs its runs to go.log. */
void gotest_begin(void);
/* Writes a file, with the directories above it. */
void gotest_write(const char *path, const char *text);
/* Writes a package main in dir that prints text. */
void gotest_main(const char *dir, const char *text);
/* The number of go processes that were started since the last call. */
unsigned gotest_runs(void);
/* A context with a cache in the test's directory. */
koc_ctx *gotest_ctx(void);
koc__go_settings *gotest_settings(void);
/* One line "import path|work dir" (dir "." for NULL) per target; or the message, " -- " and the hint. In
 * a static buffer. args are separated by spaces. */
const char *gotest_find(koc_ctx *ctx, const koc__go_settings *s, const char *args);
/* The warnings of the last gotest_find, one per line. */
const char *gotest_warnings(void);
/* The targets of args; fails the test on an error. */
koc__go_targets *gotest_targets(koc_ctx *ctx, const koc__go_settings *s, const char *args);
/* Runs a program (argv split at spaces) and fails the test when it fails. */
void gotest_run(const char *command);

#endif

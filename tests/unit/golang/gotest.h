/* What the tests that run a real go share: modules in the test's directory, and a go that is watched. */
#ifndef KOC_TESTS_GOTEST_H
#define KOC_TESTS_GOTEST_H

#include <koc/context.h>

#include "golang/golang.h"

/* Skips the test where there is no go; goes to the test's directory, clears what steers go and ko, and puts
 * a go in its place that writes its arguments to go.log. */
void gotest_begin(void);
/* Writes a file, with the directories above it. */
void gotest_write(const char *path, const char *text);
/* A package main at directory that prints text. */
void gotest_main(const char *dir, const char *text);
/* How many go processes were started since the last call, and forgets them. */
unsigned gotest_runs(void);
/* A context with a cache in the test's directory. */
koc_ctx *gotest_ctx(void);
koc__go_settings *gotest_settings(void);
/* One line "import path|work dir" (dir "." for NULL) a target; or the message, and " -- " hint. In a
 * static buffer. args are separated by spaces. */
const char *gotest_find(koc_ctx *ctx, const koc__go_settings *s, const char *args);
/* The warnings of the last gotest_find, one per line. */
const char *gotest_warnings(void);
/* The targets of args; fails the test without. */
koc__go_targets *gotest_targets(koc_ctx *ctx, const koc__go_settings *s, const char *args);
/* Runs a program (argv split at spaces) and fails the test when it fails. */
void gotest_run(const char *command);

#endif

/*
 * A go that links nothing: a shell script in a tree that looks like Go's own. Its tests take milliseconds,
 * and it answers what a test wants to hear.
 *
 *     fake/bin/go         logs its arguments to fake/log
 *     fake/programs/NAME  what `go build` makes of packages whose path ends in NAME
 *     fake/list           what `go list` prints
 *     fake/status         the exit code of both
 *     fake/errors         what both print to stderr
 */
#ifndef KOC_TESTS_FAKETOOL_H
#define KOC_TESTS_FAKETOOL_H

#include <koc/context.h>

#include "golang/golang.h"

/* Changes to the test's directory, clears the variables of go and ko, and makes fake/bin/go the go tool. */
void fake_begin(void);
/* The arguments of each run since the last call, one run a line. In a static buffer. */
const char *fake_runs(void);
/* Makes `go build` write an ELF program with this build ID (NULL: none) and text as build info. */
void fake_program(const char *name, const char *build_id, const char *text);
/* The same as a file of its own. */
void fake_write_program(const char *path, const char *build_id, const char *text);
void fake_list(const char *json);
/* Empty file: both succeed. */
void fake_status(const char *status);
/* Both fail, with these words. */
void fake_failure(const char *errors);

#endif

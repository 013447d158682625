/* The whole command in this process, in a directory and a home of the test's own. */
#ifndef KOC_TESTS_UNIT_CLI_COMMAND_H
#define KOC_TESTS_UNIT_CLI_COMMAND_H

#include "served.h"
#include "store/helper.h"

/* What the last command wrote. */
extern const char *out, *said;

/* An empty directory becomes the working directory and holds HOME; nothing else is set that koc reads. */
void begin(void);
/* Runs koc with these words, separated by one space each; '' is an empty word. Returns the exit code. */
int koc(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same with stdin, or with stdout on a file. NULL: /dev/null, and a capture. */
int koc_with(const char *in, const char *stdout_path, const char *words);
/* koc(...) must end with this code; on_stdout is all of stdout, with each digest as "#". */
void expect(int code, const char *on_stdout, const char *words);
/* The command must fail with code, print nothing on stdout and have each of these lines on stderr. */
void refuse(int code, const char *on_stderr, const char *words);
/* text with each sha256 digest as "#". */
const char *without_digests(const char *text);
/* What a file of the test holds. */
const char *content(const char *name);

/* The layout "l": "app" is an image for linux/amd64 with two layers, "other" one for linux/arm64, "both" an index. */
void write_layout(void);

/* As koc_test_write, with the directories above the file. */
void write_at(const char *path, const char *text, size_t len);
/* A module with the packages cmd/app (which has kodata) and cmd/tool, golden/cli/go.sh as the go tool, kubectl.sh as kubectl, podman.sh as podman. */
void write_module(void);

#endif

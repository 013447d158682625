/* Runs other programs for the user, above all kubectl. */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include "cli.h"

typedef struct child {
    const char *const *argv;
    const char *input; /* for its stdin; NULL: it inherits ours */
    size_t input_len;
    char **output;            /* receives its stdout, to be freed; NULL: it inherits ours */
    bool as_error;            /* its stdout goes to our stderr */
    bool quiet;               /* its stderr is discarded */
    bool (*until)(void *arg); /* ends the program once it returns true; or NULL */
    void *until_arg;
} child;

/* Finds the program on PATH; a name with a slash is a path already. */
bool child_find(const char *program, char *out, size_t size);
bool child_on_path(const char *program);
/* The same; prints an error line if it is missing. */
bool child_exists(const cli *c, const char *program);
/* Runs the program and waits for its end. ^C and SIGTERM end it too. Returns its exit code, 128 + its signal, or -1
 * after an error line if it could not be started. */
int child_run(const cli *c, const child *ch);
/* Creates a pipe that no child inherits. 0, or -1 with errno. */
int child_pipe(int ends[2]);
/* Replaces koc with the program. Returns an exit code only if that fails. */
int child_become(const cli *c, const char *const *argv);

#endif

/* Programs that koc runs for its user, kubectl above all. */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include "cli.h"

typedef struct child {
    const char *const *argv;
    const char *input; /* for its stdin; NULL: our stdin */
    size_t input_len;
    char **output; /* its stdout, owned by the caller afterwards; NULL: it has our stdout */
    bool as_error; /* its stdout is our stderr */
    bool quiet;    /* what it says on stderr is dropped */
    bool (*until)(void *arg); /* it is to end once this says so; or NULL */
    void *until_arg;
} child;

/* Where PATH has it; a name with a slash is taken as it is. */
bool child_find(const char *program, char *out, size_t size);
bool child_on_path(const char *program);
/* The same; the error line is printed. */
bool child_exists(const cli *c, const char *program);
/* Runs it to its end. ^C and SIGTERM end it too. The result is its exit code, 128 + its signal, or -1 after a
 * line that says why it could not be run. */
int child_run(const cli *c, const child *ch);
/* A pipe that no child inherits. 0, or -1 with errno. */
int child_pipe(int ends[2]);
/* Becomes the program. Returns an exit code when that cannot be. */
int child_become(const cli *c, const char *const *argv);

#endif

/* Commands that build: once, or with --watch again after each save. */
#ifndef CLI_ROUNDS_H
#define CLI_ROUNDS_H

#include "args/publish_flags.h"

typedef struct rounds {
    const cli *c;
    publish_session *session; /* open */
    bool watch;
    const cli_list *files;  /* -f: looked at beside what the packages are made from; or NULL */
    const char *map;        /* the same, or NULL */
    const char *outputs[8]; /* what the command writes itself is not looked at; or NULL */
    int (*run)(void *self); /* one round: an exit code */
    void *self;
} rounds;

/* The exit code of the one round; of watching, 130: ^C is the way out. */
int rounds_run(const rounds *r);

#endif

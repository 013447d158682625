/* Runs a command's round once, or with --watch again after each save. */
#ifndef CLI_WATCH_LOOP_H
#define CLI_WATCH_LOOP_H

#include "args/publish_flags.h"

typedef struct watch_loop {
    const cli *c;
    publish_session *session; /* open */
    bool watch;
    const cli_list *files;    /* of -f: watched beside the inputs of the packages; or NULL */
    const char *map;          /* of --map-from: the same, or NULL */
    const char *outputs[8];   /* written by the command itself and not watched; or NULL */
    int (*round)(void *self); /* returns an exit code */
    void *self;
} watch_loop;

/* Returns the exit code of the single round; of watching, 130, since only ^C ends it. */
int watch_loop_run(const watch_loop *l);

#endif

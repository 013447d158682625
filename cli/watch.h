/* Waiting for a save. */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli.h"

typedef struct watch {
    const cli *c;
    const cli_list *inputs; /* watched beside the working folder; or NULL */
    const char *outputs[8]; /* what koc itself writes: not looked at */
    uint64_t seen;
} watch;

/* Remembers how the files are now. */
void watch_look(watch *w);
/* Waits until they are otherwise, and have stayed so for a moment. false: ^C. */
bool watch_wait(watch *w);

#endif

/* Waiting for a save in files that are known by name. */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli.h"

typedef struct watch watch;

watch *watch_new(const cli *c); /* NULL: out of memory */
void watch_free(watch *w);
/* What koc itself writes is not looked at. path is borrowed; NULL is fine. */
void watch_ignore(watch *w, const char *path);

/* Names what is to be looked at from the next watch_look or watch_wait on, instead of what it was: first
 * watch_clear, then each path. A folder counts by the names in it, one that ends in a slash by all that is
 * below; what is not there counts once it is. */
void watch_clear(watch *w);
bool watch_add(watch *w, const char *path); /* false: out of memory */

/* Remembers how the files are now: a run begins. */
void watch_look(watch *w);
/* Waits until they are otherwise, and have stayed so for a moment; a change since watch_look counts, too.
 * *what is one that changed, borrowed until the next call. false: ^C. */
bool watch_wait(watch *w, const char **what);

#endif

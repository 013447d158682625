/* Waiting for changes of files that are known by name. */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli.h"

typedef struct watch watch;

watch *watch_new(const cli *c); /* NULL: out of memory */
void watch_free(watch *w);
/* Files that koc itself writes are not watched. path is borrowed; NULL is ignored. */
void watch_ignore(watch *w, const char *path);

/* Names the files for the next watch_record or watch_wait, in the place of those before: first watch_clear, then each
 * path. Of a directory the names in it are watched; if the path ends in a slash, everything below it. A path that does
 * not exist is watched for its creation. */
void watch_clear(watch *w);
bool watch_add(watch *w, const char *path); /* false: out of memory */

/* Records the state of the files at the start of a round. */
void watch_record(watch *w);
/* Waits until a file has changed since watch_record and all have been stable for a moment. *what is a file that changed,
 * borrowed until the next call. false: ^C. */
bool watch_wait(watch *w, const char **what);

#endif

/* Waiting for changes in directories. */
#ifndef CLI_NOTIFY_H
#define CLI_NOTIFY_H

#include "cli.h"

/* Uses inotify on Linux. Without it, waiting is a short sleep. */
typedef struct notify notify;
/* Whether a change of this name in that directory is relevant. */
typedef bool (*notify_filter)(void *arg, int dir, const char *name);

notify *notify_new(notify_filter filter, void *arg); /* NULL: out of memory */
void notify_free(notify *n);
/* From now on, relevant changes in this directory end a wait. Returns the number of the directory, the same for all
 * its paths; -1: it does not exist, or the system reports no changes. To be called again from time to time, since the
 * directory may have been replaced. */
int notify_add(notify *n, const char *dir);
/* Waits for a relevant change, at most `calm` seconds; with idle, at most as long as changes that the system does not
 * report (on network file systems) may go unnoticed. A signal ends the wait early. */
void notify_wait(notify *n, koc_cancel *cancel, double calm, bool idle);

#endif

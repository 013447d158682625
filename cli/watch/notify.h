/* Being woken when something happens in a folder. */
#ifndef CLI_NOTIFY_H
#define CLI_NOTIFY_H

#include "cli.h"

/* inotify on Linux. Elsewhere, and where that is not to be had, waiting is a nap. */
typedef struct notify notify;
/* Whether it matters that this name was made, changed or removed in that folder. */
typedef bool (*notify_filter)(void *arg, int folder, const char *name);

notify *notify_new(notify_filter filter, void *arg); /* NULL: out of memory */
void notify_free(notify *n);
/* From now on what happens in this folder ends a wait. The result is its number, the same for all its names;
 * -1: it is not there, or nobody tells. To be called again from time to time: a folder may be a new one. */
int notify_add(notify *n, const char *folder);
/* Waits until something happened that matters, for `calm` seconds at most; with patient, for so long as
 * changes that nobody tells of (network file systems) may stay unseen. Ends early for a signal. */
void notify_wait(notify *n, koc_cancel *cancel, double calm, bool patient);

#endif

/* One child process as proc.c sees it: its pipes, its end, its signals. */
#ifndef KOC__CHILD_H
#define KOC__CHILD_H

#include <sys/types.h>

#include "core/run/proc.h"

typedef struct koc__child {
    pid_t pid;
    bool own_group; /* it leads a process group, which is signalled whole */
    int exit_fd;    /* readable once it ended; -1 where the system has no such thing */
    int input;      /* our ends of the pipes, non-blocking; -1: none or closed */
    int output;
    int errors;
} koc__child;

int koc__child_start(const koc__proc *p, koc__child *out, koc_error **err);
/* Whether it ended. Does not wait and does not reap, so that its pid stays taken. */
bool koc__child_ended(const koc__child *c);
void koc__child_signal(const koc__child *c, int signal);
/* Ends what is left of its group, reaps it (waiting if need be) and closes the pipes. */
int koc__child_reap(koc__child *c, const char *name, koc__proc_result *result, koc_error **err);
/* write() to a pipe that raises no SIGPIPE, whatever the process has set up for it. */
ssize_t koc__write_quietly(int fd, const void *data, size_t len);

#endif

/* One child process: its pipes, its end, its signals. For proc.c. */
#ifndef KOC__CHILD_H
#define KOC__CHILD_H

#include <sys/types.h>

#include "core/run/proc.h"

typedef struct koc__child {
    pid_t pid;
    bool own_group; /* it leads a process group, which gets every signal */
    int exit_fd;    /* readable after it ended; -1: the system has no such descriptor */
    int input;      /* this side's ends of the pipes, non-blocking; -1: none or closed */
    int output;
    int errors;
} koc__child;

int koc__child_start(const koc__proc *p, koc__child *out, koc_error **err);
/* Whether it ended. Neither waits nor reaps, so that its pid is not reused. */
bool koc__child_ended(const koc__child *c);
void koc__child_signal(const koc__child *c, int signal);
/* Kills the rest of its group, waits for it, reaps it and closes the pipes. */
int koc__child_reap(koc__child *c, const char *name, koc__proc_result *result, koc_error **err);
/* write() to a pipe without SIGPIPE, whatever its action in this process is. */
ssize_t koc__write_quietly(int fd, const void *data, size_t len);

#endif

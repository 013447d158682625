/* Threads of the library: small stacks, and no signals but those a thread raises itself. */
#ifndef KOC__THREAD_H
#define KOC__THREAD_H

#include <pthread.h>
#include <signal.h>

/* 0, or an errno value. The program's signal handlers never run on these threads, and writing to a
 * closed pipe there is EPIPE, not a signal. Children started from such a thread inherit its signal
 * mask unless posix_spawn is told otherwise. */
int koc__thread_start(pthread_t *out, void *(*fn)(void *arg), void *arg);

/* All signals but a thread's own faults: the mask of threads that other libraries start for us. */
void koc__thread_signals(sigset_t *set);

#endif

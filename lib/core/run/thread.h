/* Threads of the library: small stacks, and no signals except those that a thread raises itself. */
#ifndef KOC__THREAD_H
#define KOC__THREAD_H

#include <pthread.h>
#include <signal.h>

/* 0, or an errno value. The program's signal handlers never run on these threads, and a write to a closed
 * pipe fails with EPIPE instead of a signal. A child inherits the signal mask unless posix_spawn sets
 * another. */
int koc__thread_start(pthread_t *out, void *(*fn)(void *arg), void *arg);

/* All signals except a thread's own faults: the mask for threads that other libraries start. */
void koc__thread_signals(sigset_t *set);

#endif

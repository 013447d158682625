/*
 * Objects after fork(): their threads exist only in the parent, and a lock may be held by a thread that no
 * longer exists. An object with threads or locks has a mark and is reset in the child.
 */
#ifndef KOC__FORK_H
#define KOC__FORK_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct koc__fork_mark {
    atomic_int pid; /* the process that the object was set up in; -1: it is being reset */
} koc__fork_mark;

void koc__fork_init(koc__fork_mark *m);
/* True in the first call after a fork: this thread resets its object and calls koc__fork_done; other threads
 * wait for that here. */
bool koc__fork_happened(koc__fork_mark *m);
void koc__fork_done(koc__fork_mark *m);

#endif

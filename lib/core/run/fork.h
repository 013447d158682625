/*
 * Objects after fork(): the threads that they counted on are the parent's, and their locks may be held by nobody. An
 * object that has either carries a mark, and starts anew in the child.
 */
#ifndef KOC__FORK_H
#define KOC__FORK_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct koc__fork_mark {
    atomic_int pid; /* of the process that the object works in; -1: it starts anew just now */
} koc__fork_mark;

void koc__fork_init(koc__fork_mark *m);
/* True in the first call after a fork: the caller, alone, starts its object anew and calls koc__fork_done; others
 * wait for that here. */
bool koc__fork_happened(koc__fork_mark *m);
void koc__fork_done(koc__fork_mark *m);

#endif

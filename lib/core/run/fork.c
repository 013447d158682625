#include "core/common.h"

#include <sched.h>

#include "core/run/fork.h"

void koc__fork_init(koc__fork_mark *m)
{
    atomic_init(&m->pid, (int)getpid());
}

bool koc__fork_happened(koc__fork_mark *m)
{
    int me = (int)getpid();
    int was = atomic_load(&m->pid);
    while (was != me) {
        if (was != -1 && atomic_compare_exchange_strong(&m->pid, &was, -1)) {
            return true;
        }
        sched_yield();
        was = atomic_load(&m->pid);
    }
    return false;
}

void koc__fork_done(koc__fork_mark *m)
{
    atomic_store(&m->pid, (int)getpid());
}

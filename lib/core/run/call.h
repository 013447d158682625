/*
 * The inside of one public call that can wait.
 *
 * Model (docs/architecture.md, "Run time"): the code of a call reads top to bottom and blocks. Where
 * several tasks run in parallel, a koc__group runs each on a thread of its own; the thread that made the
 * public call waits in koc__group_wait, where it also runs the user's callbacks. So callbacks never meet
 * a foreign thread, and no piece of code is a state machine.
 *
 *     int koc_x(koc_ctx *ctx, ..., const koc_op *user, koc_error **err)
 *     {
 *         KOC__AUTO_VAL(koc__call) call = {0};
 *         KOC__TRY(koc__call_begin(&call, ctx, user, err));
 *         return koc__x(..., &call, err);
 *     }
 */
#ifndef KOC__CALL_H
#define KOC__CALL_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include <koc/context.h>

#include "core/cleanup.h"
#include "core/run/cancel.h"
#include "core/run/context.h"
#include "core/run/wake.h"

typedef struct koc__event koc__event;

enum { KOC__CALL_SLOTS = 32 }; /* a power of two */

typedef struct koc__call {
    koc_ctx *ctx;         /* borrowed; may be NULL for calls without a context */
    koc_op user;          /* a copy, with a reference to its cancel token */
    bool live;            /* begun and not ended */
    pthread_t caller;     /* the thread that made the public call */
    int64_t deadline_ms;  /* koc__monotonic_ms; 0: none */
    koc_cancel *stop;     /* triggered if a task fails: its siblings end early */
    atomic_int user_code; /* what a progress callback returned to end the call; 0: none did */
    atomic_uint groups;   /* begun and not ended */
    atomic_ulong next_id;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t called; /* an event of koc__call_on_caller was served */
    koc__event *head, *tail;
    size_t queued;
    koc__wake wake; /* raised when the queue has something, or a task ended */
    struct {
        uint64_t id;
        int64_t last_ms;
    } active
        [KOC__CALL_SLOTS]; /* time of the last ACTIVE event per id; ids share slots, the newest wins */
} koc__call;

int koc__call_begin(koc__call *call, koc_ctx *ctx, const koc_op *user, koc_error **err);
void koc__call_end(koc__call *call); /* also one that was never begun */
KOC__DEFINE_AUTO_VAL(koc__call, koc__call_end);

/* KOC_OK, or KOC_ECANCELLED ("cancelled"), KOC_ETIMEOUT, KOC_EUSER. Cheap: check once per chunk. call may be
 * NULL: always KOC_OK. Code that waits long must also use koc__call_fds. */
int koc__call_check(koc__call *call, koc_error **err);
/* Milliseconds left, at most max (-1: no limit); 0: the time is over. */
int koc__call_timeout(koc__call *call, int max);
/* Descriptors that become readable when the call must end, for poll sets. Returns how many (0..2). */
size_t koc__call_fds(koc__call *call, struct pollfd out[2]);
/* Waits ms milliseconds unless the call ends first. */
int koc__call_sleep(koc__call *call, int64_t ms, koc_error **err);
/* A new number for koc_progress.id, unique in this call. */
uint64_t koc__call_new_id(koc__call *call);
/* Reports an event to the user's callback. On other threads the event is queued, with copies of what it
 * points to. An ACTIVE event is dropped if one of the same id was reported less than 100 ms ago (unless done
 * == total), or if the queue is long. call may be NULL. */
void koc__call_progress(koc__call *call, const koc_progress *event);
/* Reports that a request waits: for what, why, and for how long (ms 0: not known). reason NULL: the wait is over. */
void koc__call_report_wait(koc__call *call, uint64_t id, const char *what, int32_t state,
                           const char *reason, int64_t ms, unsigned attempt);
bool koc__call_wants_progress(const koc__call *call);
/* Runs fn on the caller's thread and waits for it, as all user callbacks must be run; on the caller's thread
 * it is a direct call. The caller's thread runs queued functions only in koc__group_wait and koc__group_end,
 * so it must not wait for a task in any other way. */
int koc__call_on_caller(koc__call *call, int (*fn)(void *arg, koc_error **err), void *arg,
                        koc_error **err);
/* Whether this is the thread that made the public call. True for NULL. */
bool koc__call_is_on_caller(const koc__call *call);
/* Runs the functions and events that other threads have queued. Caller's thread only. */
void koc__call_drain(koc__call *call);
/* The call whose task this thread runs, NULL on all other threads. Only koc__group sets it. */
koc__call *koc__call_current(void);
void koc__call_enter(koc__call *call);
/* Queues a log line from one of the call's tasks. component: a literal. */
void koc__call_log(koc__call *call, int32_t level, const char *component, const char *line);

/*
 * Tasks that run in parallel. A failure ends the whole call: call->stop is triggered, so a group that was
 * begun by a task must pass its failure on (the outermost koc__group_wait takes call->stop back).
 */
typedef int (*koc__task_fn)(void *arg, koc__call *call, koc_error **err);
typedef struct koc__task koc__task;
typedef struct koc__worker koc__worker;
typedef struct koc__group {
    koc__call *call;       /* borrowed; may be NULL */
    unsigned max_parallel; /* 1..64 */
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t work;   /* for workers: a task was added, or the group ends */
    pthread_cond_t ended;  /* for waiters: a task ended */
    koc__task *head, *tail;
    size_t queued;
    size_t unfinished; /* queued or running */
    koc__worker *workers;
    unsigned n_workers;
    unsigned idle;
    koc_error *first_error;
    int first_code;
    bool first_is_soft; /* only a "cancelled" that call->stop may have caused */
    bool closing;
    bool live;
} koc__group;
/* max_parallel 0: 64, which is also the maximum. Declare a group after its call: it must end first. */
int koc__group_begin(koc__group *g, koc__call *call, unsigned max_parallel, koc_error **err);
/* Runs fn(arg) on another thread as soon as one is free. Tasks may add tasks. arg is borrowed until
 * koc__group_wait returns. A task that has not started when the call ends is not run. If no thread can be
 * started, tasks run in koc__group_wait, one after the other. */
int koc__group_add(koc__group *g, koc__task_fn fn, void *arg, koc_error **err);
/* Waits for all tasks, running callbacks meanwhile when this is the caller's thread. The first failure
 * triggers call->stop, so that the others end, and is returned; the "cancelled" of the others never hides it.
 * */
int koc__group_wait(koc__group *g, koc_error **err);
/* Waits for first, and for then, to which its tasks may add tasks. A failure of one ends the other; the
 * failure is returned, not the "cancelled" that it caused. */
int koc__group_wait_both(koc__group *first, koc__group *then, koc_error **err);
/* Waits for what still runs (after call->stop) and releases; also one that was never begun. */
void koc__group_end(koc__group *g);
KOC__DEFINE_AUTO_VAL(koc__group, koc__group_end);

#endif

/*
 * The inside of one public call that can wait.
 *
 * Model (docs/architecture.md, "Run time"): the code of a call reads top to bottom and blocks. Where
 * several things go on at once, a koc__group runs each on a thread of its own; the thread that made the
 * public call waits in koc__group_wait, where it also runs the user's callbacks. So callbacks never meet
 * a foreign thread, and no piece of code is a state machine.
 *
 *     int koc_x(koc_ctx *ctx, ..., const koc_op *user, koc_error **err)
 *     {
 *         KOC__AUTO_VAL(koc__op) op = {0};
 *         KOC__TRY(koc__op_begin(&op, ctx, user, err));
 *         return koc__x(..., &op, err);
 *     }
 */
#ifndef KOC__OP_H
#define KOC__OP_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include <koc/context.h>

#include "core/cleanup.h"
#include "core/context.h"

typedef struct koc__event koc__event;

typedef struct koc__op {
    koc_ctx *ctx;          /* borrowed; may be NULL for calls without a context */
    koc_op user;           /* a copy */
    bool live;             /* begun and not ended */
    pthread_t caller;      /* the thread that made the public call */
    int64_t deadline_ms;   /* koc__monotonic_ms; 0: none */
    koc_cancel *stop;      /* triggered when a task fails: its siblings end early */
    pthread_mutex_t mutex; /* guards the queue and user_error */
    koc__event *head, *tail;
    int wake[2];           /* a byte in the pipe (or an eventfd) when the queue has something */
    koc_error *user_error; /* from a progress callback that asked to stop */
    atomic_ulong next_id;
} koc__op;

int koc__op_begin(koc__op *op, koc_ctx *ctx, const koc_op *user, koc_error **err);
void koc__op_end(koc__op *op); /* takes one that was never begun */
KOC__DEFINE_AUTO_VAL(koc__op, koc__op_end);

/* KOC_OK, or KOC_ECANCELLED ("cancelled"), KOC_ETIMEOUT, KOC_EUSER. Cheap: call it per chunk. op may
 * be NULL: always KOC_OK. Code that waits for long must use koc__op_fds as well. */
int koc__op_check(koc__op *op, koc_error **err);
/* Milliseconds left, at most max (-1: no limit); 0 when the time is over. */
int koc__op_timeout(koc__op *op, int max);
/* Descriptors that become readable when the call must end, for poll sets. Returns how many (0..2). */
size_t koc__op_fds(koc__op *op, struct pollfd out[2]);
/* Waits ms milliseconds unless the call ends first. */
int koc__op_sleep(koc__op *op, int64_t ms, koc_error **err);
/* A number that is new in this call, for koc_progress.id. */
uint64_t koc__op_new_id(koc__op *op);
/* Tells the user; from other threads the event (with copies of what and digest) is queued and ACTIVE
 * events are dropped when the queue is long or came less than 50 ms ago for the same id. op may be NULL. */
void koc__op_progress(koc__op *op, const koc_progress *event);
bool koc__op_wants_progress(const koc__op *op);
/* Runs fn on the caller's thread and waits for it: the way to every user callback. Direct when this is
 * the caller's thread already. */
int koc__op_call(koc__op *op, int (*fn)(void *arg, koc_error **err), void *arg, koc_error **err);

/* Tasks that run side by side. */
typedef int (*koc__task_fn)(void *arg, koc__op *op, koc_error **err);
typedef struct koc__task koc__task;
typedef struct koc__group {
    koc__op *op;
    unsigned max_parallel; /* 0: no limit but 64 */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    koc__task *waiting_head, *waiting_tail;
    koc__task *threads; /* to be joined */
    unsigned running;
    size_t unfinished;
    koc_error *first_error;
    int first_code;
    bool live;
} koc__group;
int koc__group_begin(koc__group *g, koc__op *op, unsigned max_parallel, koc_error **err);
/* Starts fn(arg) on another thread now, or when a place is free. Tasks may add tasks. arg is borrowed
 * until koc__group_wait returns. */
int koc__group_add(koc__group *g, koc__task_fn fn, void *arg, koc_error **err);
/* Waits for all tasks, running callbacks meanwhile when this is the caller's thread. The first failure
 * triggers op->stop, so that the others end, and is what comes back; a "cancelled" that this caused never
 * hides it. */
int koc__group_wait(koc__group *g, koc_error **err);
/* Waits for what still runs (after op->stop) and releases; takes one that was never begun. */
void koc__group_end(koc__group *g);
KOC__DEFINE_AUTO_VAL(koc__group, koc__group_end);

/* Descriptor of a cancel token that is readable once it was triggered. */
int koc__cancel_fd(const koc_cancel *c);

#endif

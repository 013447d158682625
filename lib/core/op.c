#include "core/common.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/op.h"
#include "core/text.h"

enum { QUEUE_LONG = 256, QUEUE_MAX = 65536, ACTIVE_EVERY_MS = 100 };

enum event_kind { EVENT_CALL, EVENT_PROGRESS, EVENT_LOG };

struct koc__event {
    koc__event *next;
    enum event_kind kind;
};

/* On the stack of the thread that waits in koc__op_call. */
typedef struct call_event {
    koc__event base;
    int (*fn)(void *arg, koc_error **err);
    void *arg;
    koc_error **err;
    int rc;
    bool done;
} call_event;

/* These two are on the heap, their texts behind them. */
typedef struct progress_event {
    koc__event base;
    koc_progress progress;
    koc_digest digest;
    char texts[];
} progress_event;

typedef struct log_event {
    koc__event base;
    int32_t level;
    const char *component;
    char line[];
} log_event;

static _Thread_local koc__op *current;

koc__op *koc__op_current(void)
{
    return current;
}

void koc__op_enter(koc__op *op)
{
    current = op;
}

static int take_options(koc__op *op, const koc_op *user, koc_error **err)
{
    KOC__TRY(koc__options_copy(&op->user, sizeof(op->user), user, "koc_op", err));
    if (op->user.flags != 0) {
        return koc__misuse(err, "koc_op: unknown flags");
    }
    if (op->user.timeout_ms < 0) {
        return koc__misuse(err, "koc_op: timeout_ms is negative");
    }
    return KOC_OK;
}

int koc__op_begin(koc__op *op, koc_ctx *ctx, const koc_op *user, koc_error **err)
{
    int rc;

    *op = (koc__op){.ctx = ctx, .caller = pthread_self(), .wake = KOC__WAKE_INIT};
    KOC__TRY(take_options(op, user, err));
    if (op->user.timeout_ms > 0) {
        int64_t now = koc__monotonic_ms();

        op->deadline_ms =
            op->user.timeout_ms > INT64_MAX - now ? INT64_MAX : now + op->user.timeout_ms;
    }
    KOC__TRY(koc_cancel_new(&op->stop, err));
    rc = koc__wake_open(&op->wake, err);
    if (rc != KOC_OK) {
        koc_cancel_unref(op->stop);
        return rc;
    }
    koc_cancel_ref(op->user.cancel);
    pthread_mutex_init(&op->mutex, NULL);
    pthread_cond_init(&op->called, NULL);
    op->live = true;
    return koc__op_check(op, err);
}

void koc__op_end(koc__op *op)
{
    if (!op->live) {
        return;
    }
    koc__op_drain(op);
    op->live = false;
    koc_cancel_unref(op->stop);
    koc_cancel_unref(op->user.cancel);
    koc__wake_close(&op->wake);
    pthread_cond_destroy(&op->called);
    pthread_mutex_destroy(&op->mutex);
}

bool koc__op_on_caller(const koc__op *op)
{
    return !op || pthread_equal(op->caller, pthread_self());
}

static int timed_out(const koc__op *op, koc_error **err)
{
    int64_t ms = op->user.timeout_ms;

    if (ms % 1000 != 0) {
        return koc__error(err, KOC_ETIMEOUT, "the time limit of %" PRId64 " ms is over", ms);
    }
    return koc__error(err, KOC_ETIMEOUT, "the time limit of %" PRId64 " s is over", ms / 1000);
}

int koc__op_check(koc__op *op, koc_error **err)
{
    if (!op) {
        return KOC_OK;
    }
    if (atomic_load_explicit(&op->user_code, memory_order_acquire) != 0) {
        return koc__error(err, KOC_EUSER, "the progress callback ended the call (it returned %d)",
                          atomic_load(&op->user_code));
    }
    if (koc_cancel_is_triggered(op->user.cancel)) {
        return koc__error(err, KOC_ECANCELLED, "cancelled");
    }
    if (op->deadline_ms != 0 && koc__monotonic_ms() >= op->deadline_ms) {
        return timed_out(op, err);
    }
    if (koc_cancel_is_triggered(op->stop)) {
        return koc__error(err, KOC_ECANCELLED, "cancelled");
    }
    return KOC_OK;
}

int koc__op_timeout(koc__op *op, int max)
{
    int64_t left;

    if (!op || op->deadline_ms == 0) {
        return max;
    }
    left = op->deadline_ms - koc__monotonic_ms();
    left = KOC__MIN(KOC__MAX(left, 0), INT32_MAX);
    return max < 0 || left < max ? (int)left : max;
}

size_t koc__op_fds(koc__op *op, struct pollfd out[2])
{
    size_t n = 0;

    if (op) {
        out[n++] = (struct pollfd){.fd = koc__cancel_fd(op->stop), .events = POLLIN};
    }
    if (op && op->user.cancel) {
        out[n++] = (struct pollfd){.fd = koc__cancel_fd(op->user.cancel), .events = POLLIN};
    }
    return n;
}

int koc__op_sleep(koc__op *op, int64_t ms, koc_error **err)
{
    int64_t end = koc__monotonic_ms() + KOC__MAX(ms, 0);
    struct pollfd fds[2];
    size_t n = koc__op_fds(op, fds);

    for (;;) {
        int64_t left = end - koc__monotonic_ms();

        KOC__TRY(koc__op_check(op, err));
        if (left <= 0) {
            return KOC_OK;
        }
        /* Whatever poll says, the loop looks for itself. */
        (void)poll(fds, (nfds_t)n, koc__op_timeout(op, (int)KOC__MIN(left, INT32_MAX)));
    }
}

uint64_t koc__op_new_id(koc__op *op)
{
    return op ? atomic_fetch_add_explicit(&op->next_id, 1, memory_order_relaxed) + 1 : 0;
}

/* Appends e and wakes the caller's thread; false: dropped, because the queue is longer than limit. */
static bool enqueue(koc__op *op, koc__event *e, size_t limit)
{
    bool room;

    e->next = NULL;
    pthread_mutex_lock(&op->mutex);
    room = op->queued < limit;
    if (room) {
        if (op->tail) {
            op->tail->next = e;
        } else {
            op->head = e;
        }
        op->tail = e;
        op->queued++;
    }
    pthread_mutex_unlock(&op->mutex);
    if (room) {
        koc__wake_raise(&op->wake);
    }
    return room;
}

static koc__event *dequeue(koc__op *op)
{
    koc__event *e;

    pthread_mutex_lock(&op->mutex);
    e = op->head;
    if (e) {
        op->head = e->next;
        op->tail = op->head ? op->tail : NULL;
        op->queued--;
    }
    pthread_mutex_unlock(&op->mutex);
    return e;
}

bool koc__op_wants_progress(const koc__op *op)
{
    return op && op->user.progress &&
           atomic_load_explicit(&op->user_code, memory_order_relaxed) == 0;
}

/* On the caller's thread. */
static void tell(koc__op *op, const koc_progress *event)
{
    int code = koc__op_wants_progress(op) ? op->user.progress(event, op->user.payload) : 0;

    if (code != 0) {
        atomic_store_explicit(&op->user_code, code, memory_order_release);
        koc_cancel_trigger(op->stop);
    }
}

/* Whether an ACTIVE event follows the last one of its id too soon. */
static bool too_soon(koc__op *op, const koc_progress *event)
{
    size_t slot = (size_t)(event->id & (KOC__OP_SLOTS - 1));
    int64_t now = koc__monotonic_ms();
    bool soon;

    if (event->state != KOC_STATE_ACTIVE || (event->total != 0 && event->done == event->total)) {
        return false;
    }
    pthread_mutex_lock(&op->mutex);
    soon = op->active[slot].id == event->id && now - op->active[slot].last_ms < ACTIVE_EVERY_MS &&
           op->active[slot].last_ms != 0;
    if (!soon) {
        op->active[slot].id = event->id;
        op->active[slot].last_ms = now;
    }
    pthread_mutex_unlock(&op->mutex);
    return soon;
}

void koc__op_progress(koc__op *op, const koc_progress *event)
{
    size_t text = event->what ? strlen(event->what) + 1 : 0;
    size_t reason = event->reason ? strlen(event->reason) + 1 : 0;
    progress_event *e;

    if (!koc__op_wants_progress(op) || too_soon(op, event)) {
        return;
    }
    if (koc__op_on_caller(op)) {
        tell(op, event);
        return;
    }
    e = koc__malloc(sizeof(*e) + text + reason);
    if (!e) {
        return; /* progress is not worth a failure */
    }
    e->base.kind = EVENT_PROGRESS;
    e->progress = *event;
    if (event->what) {
        memcpy(e->texts, event->what, text);
        e->progress.what = e->texts;
    }
    if (event->reason) {
        memcpy(e->texts + text, event->reason, reason);
        e->progress.reason = e->texts + text;
    }
    if (event->digest) {
        e->digest = *event->digest;
        e->progress.digest = &e->digest;
    }
    if (!enqueue(op, &e->base, event->state == KOC_STATE_ACTIVE ? QUEUE_LONG : QUEUE_MAX)) {
        koc__free(e);
    }
}

void koc__op_log(koc__op *op, int32_t level, const char *component, const char *line)
{
    size_t text = strlen(line) + 1;
    log_event *e = koc__malloc(sizeof(*e) + text);

    if (e) {
        e->base.kind = EVENT_LOG;
        e->level = level;
        e->component = component;
        memcpy(e->line, line, text);
        if (!enqueue(op, &e->base, QUEUE_MAX)) {
            koc__free(e);
        }
    }
}

int koc__op_call(koc__op *op, int (*fn)(void *arg, koc_error **err), void *arg, koc_error **err)
{
    call_event e = {.base = {.kind = EVENT_CALL}, .fn = fn, .arg = arg, .err = err};

    if (koc__op_on_caller(op)) {
        return fn(arg, err);
    }
    (void)enqueue(op, &e.base, SIZE_MAX);
    pthread_mutex_lock(&op->mutex);
    while (!e.done) {
        pthread_cond_wait(&op->called, &op->mutex);
    }
    pthread_mutex_unlock(&op->mutex);
    return e.rc;
}

static void serve_call(koc__op *op, call_event *e)
{
    int rc = e->fn(e->arg, e->err);

    pthread_mutex_lock(&op->mutex);
    e->rc = rc;
    e->done = true; /* from here on e may be gone */
    pthread_cond_broadcast(&op->called);
    pthread_mutex_unlock(&op->mutex);
}

static void serve(koc__op *op, koc__event *e)
{
    switch (e->kind) {
    case EVENT_CALL: serve_call(op, (call_event *)e); break;
    case EVENT_PROGRESS:
        tell(op, &((progress_event *)e)->progress);
        koc__free(e);
        break;
    case EVENT_LOG: {
        log_event *l = (log_event *)e;

        op->ctx->log(l->level, l->component, l->line, op->ctx->log_payload);
        koc__free(e);
        break;
    }
    }
}

void koc__op_drain(koc__op *op)
{
    for (koc__event *e = dequeue(op); e; e = dequeue(op)) {
        serve(op, e);
    }
}

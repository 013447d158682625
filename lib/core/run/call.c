#include "core/common.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/run/call.h"
#include "core/text.h"

enum { QUEUE_LONG = 256, QUEUE_MAX = 65536, ACTIVE_EVERY_MS = 100 };

enum event_kind { EVENT_CALL, EVENT_PROGRESS, EVENT_LOG };

struct koc__event {
    koc__event *next;
    enum event_kind kind;
};

/* On the stack of the thread that waits in koc__call_on_caller. */
typedef struct call_event {
    koc__event base;
    int (*fn)(void *arg, koc_error **err);
    void *arg;
    koc_error **err;
    int rc;
    bool done;
} call_event;

/* These two are on the heap; their texts follow them in the same allocation. */
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

static _Thread_local koc__call *current;

koc__call *koc__call_current(void)
{
    return current;
}

void koc__call_enter(koc__call *call)
{
    current = call;
}

static int copy_options(koc__call *call, const koc_op *user, koc_error **err)
{
    KOC__TRY(koc__options_copy(&call->user, sizeof(call->user), user, "koc_op", err));
    if (call->user.flags != 0) {
        return koc__misuse(err, "koc_op: unknown flags");
    }
    if (call->user.timeout_ms < 0) {
        return koc__misuse(err, "koc_op: timeout_ms is negative");
    }
    return KOC_OK;
}

int koc__call_begin(koc__call *call, koc_ctx *ctx, const koc_op *user, koc_error **err)
{
    *call = (koc__call){.ctx = ctx, .caller = pthread_self(), .wake = KOC__WAKE_INIT};
    KOC__TRY(copy_options(call, user, err));
    if (call->user.timeout_ms > 0) {
        int64_t now = koc__monotonic_ms();

        call->deadline_ms =
            call->user.timeout_ms > INT64_MAX - now ? INT64_MAX : now + call->user.timeout_ms;
    }
    KOC__TRY(koc_cancel_new(&call->stop, err));
    int rc = koc__wake_open(&call->wake, err);
    if (rc != KOC_OK) {
        koc_cancel_unref(call->stop);
        return rc;
    }
    koc_cancel_ref(call->user.cancel);
    pthread_mutex_init(&call->mutex, NULL);
    pthread_cond_init(&call->called, NULL);
    call->live = true;
    return koc__call_check(call, err);
}

void koc__call_end(koc__call *call)
{
    if (!call->live) {
        return;
    }
    koc__call_drain(call);
    call->live = false;
    koc_cancel_unref(call->stop);
    koc_cancel_unref(call->user.cancel);
    koc__wake_close(&call->wake);
    pthread_cond_destroy(&call->called);
    pthread_mutex_destroy(&call->mutex);
}

bool koc__call_is_on_caller(const koc__call *call)
{
    return !call || pthread_equal(call->caller, pthread_self());
}

static int timed_out(const koc__call *call, koc_error **err)
{
    int64_t ms = call->user.timeout_ms;
    if (ms % 1000 != 0) {
        return koc__error(err, KOC_ETIMEOUT, "the time limit of %" PRId64 " ms is over", ms);
    }
    return koc__error(err, KOC_ETIMEOUT, "the time limit of %" PRId64 " s is over", ms / 1000);
}

int koc__call_check(koc__call *call, koc_error **err)
{
    if (!call) {
        return KOC_OK;
    }
    if (atomic_load_explicit(&call->user_code, memory_order_acquire) != 0) {
        return koc__error(err, KOC_EUSER, "the progress callback ended the call (it returned %d)",
                          atomic_load(&call->user_code));
    }
    if (koc_cancel_is_triggered(call->user.cancel)) {
        return koc__error(err, KOC_ECANCELLED, "cancelled");
    }
    if (call->deadline_ms != 0 && koc__monotonic_ms() >= call->deadline_ms) {
        return timed_out(call, err);
    }
    if (koc_cancel_is_triggered(call->stop)) {
        return koc__error(err, KOC_ECANCELLED, "cancelled");
    }
    return KOC_OK;
}

int koc__call_timeout(koc__call *call, int max)
{
    if (!call || call->deadline_ms == 0) {
        return max;
    }
    int64_t left = call->deadline_ms - koc__monotonic_ms();
    left = KOC__MIN(KOC__MAX(left, 0), INT32_MAX);
    return max < 0 || left < max ? (int)left : max;
}

size_t koc__call_fds(koc__call *call, struct pollfd out[2])
{
    size_t n = 0;
    if (call) {
        out[n++] = (struct pollfd){.fd = koc__cancel_fd(call->stop), .events = POLLIN};
    }
    if (call && call->user.cancel) {
        out[n++] = (struct pollfd){.fd = koc__cancel_fd(call->user.cancel), .events = POLLIN};
    }
    return n;
}

int koc__call_sleep(koc__call *call, int64_t ms, koc_error **err)
{
    int64_t end = koc__monotonic_ms() + KOC__MAX(ms, 0);
    struct pollfd fds[2];
    size_t n = koc__call_fds(call, fds);
    for (;;) {
        int64_t left = end - koc__monotonic_ms();

        KOC__TRY(koc__call_check(call, err));
        if (left <= 0) {
            return KOC_OK;
        }
        /* The loop checks by itself, whatever poll returns. */
        (void)poll(fds, (nfds_t)n, koc__call_timeout(call, (int)KOC__MIN(left, INT32_MAX)));
    }
}

uint64_t koc__call_new_id(koc__call *call)
{
    return call ? atomic_fetch_add_explicit(&call->next_id, 1, memory_order_relaxed) + 1 : 0;
}

/* Appends e and wakes the caller's thread; false: dropped, because the queue is longer than limit. */
static bool enqueue(koc__call *call, koc__event *e, size_t limit)
{
    e->next = NULL;
    pthread_mutex_lock(&call->mutex);
    bool room = call->queued < limit;
    if (room) {
        if (call->tail) {
            call->tail->next = e;
        } else {
            call->head = e;
        }
        call->tail = e;
        call->queued++;
    }
    pthread_mutex_unlock(&call->mutex);
    if (room) {
        koc__wake_raise(&call->wake);
    }
    return room;
}

static koc__event *dequeue(koc__call *call)
{
    pthread_mutex_lock(&call->mutex);
    koc__event *e = call->head;
    if (e) {
        call->head = e->next;
        call->tail = call->head ? call->tail : NULL;
        call->queued--;
    }
    pthread_mutex_unlock(&call->mutex);
    return e;
}

void koc__call_report_wait(koc__call *call, uint64_t id, const char *what, int32_t state,
                           const char *reason, int64_t ms, unsigned attempt)
{
    koc_progress event = KOC_PROGRESS_INIT;
    event.kind = KOC_PROGRESS_REQUEST;
    event.state = state;
    event.what = what;
    event.id = id;
    event.reason = reason;
    event.wait_ms = ms;
    event.attempt = reason ? KOC__MAX(attempt, 1U) : 0;
    koc__call_progress(call, &event);
}

bool koc__call_wants_progress(const koc__call *call)
{
    return call && call->user.progress &&
           atomic_load_explicit(&call->user_code, memory_order_relaxed) == 0;
}

/* On the caller's thread. */
static void run_progress_callback(koc__call *call, const koc_progress *event)
{
    int code = koc__call_wants_progress(call) ? call->user.progress(event, call->user.payload) : 0;
    if (code != 0) {
        atomic_store_explicit(&call->user_code, code, memory_order_release);
        koc_cancel_trigger(call->stop);
    }
}

/* Whether an ACTIVE event follows the last one of its id too soon. */
static bool too_soon(koc__call *call, const koc_progress *event)
{
    size_t slot = (size_t)(event->id & (KOC__CALL_SLOTS - 1));
    int64_t now = koc__monotonic_ms();
    if (event->state != KOC_STATE_ACTIVE || (event->total != 0 && event->done == event->total)) {
        return false;
    }
    pthread_mutex_lock(&call->mutex);
    bool soon = call->active[slot].id == event->id &&
                now - call->active[slot].last_ms < ACTIVE_EVERY_MS &&
                call->active[slot].last_ms != 0;
    if (!soon) {
        call->active[slot].id = event->id;
        call->active[slot].last_ms = now;
    }
    pthread_mutex_unlock(&call->mutex);
    return soon;
}

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* Copies text to *at, which moves behind the copy. */
static const char *copy_text(char **at, const char *text)
{
    char *copy = *at;
    if (!text) {
        return NULL;
    }
    memcpy(copy, text, size_of(text));
    *at += size_of(text);
    return copy;
}

void koc__call_progress(koc__call *call, const koc_progress *event)
{
    if (!koc__call_wants_progress(call) || too_soon(call, event)) {
        return;
    }
    if (koc__call_is_on_caller(call)) {
        run_progress_callback(call, event);
        return;
    }
    progress_event *e = koc__malloc(sizeof(*e) + size_of(event->what) + size_of(event->reason) +
                                    size_of(event->name) + size_of(event->platform));
    if (!e) {
        return; /* without memory the event is dropped */
    }
    e->base.kind = EVENT_PROGRESS;
    e->progress = *event;
    char *at = e->texts;
    e->progress.what = copy_text(&at, event->what);
    e->progress.reason = copy_text(&at, event->reason);
    e->progress.name = copy_text(&at, event->name);
    e->progress.platform = copy_text(&at, event->platform);
    if (event->digest) {
        e->digest = *event->digest;
        e->progress.digest = &e->digest;
    }
    if (!enqueue(call, &e->base, event->state == KOC_STATE_ACTIVE ? QUEUE_LONG : QUEUE_MAX)) {
        koc__free(e);
    }
}

void koc__call_log(koc__call *call, int32_t level, const char *component, const char *line)
{
    size_t text = strlen(line) + 1;
    log_event *e = koc__malloc(sizeof(*e) + text);
    if (e) {
        e->base.kind = EVENT_LOG;
        e->level = level;
        e->component = component;
        memcpy(e->line, line, text);
        if (!enqueue(call, &e->base, QUEUE_MAX)) {
            koc__free(e);
        }
    }
}

int koc__call_on_caller(koc__call *call, int (*fn)(void *arg, koc_error **err), void *arg,
                        koc_error **err)
{
    call_event e = {.base = {.kind = EVENT_CALL}, .fn = fn, .arg = arg, .err = err};
    if (koc__call_is_on_caller(call)) {
        return fn(arg, err);
    }
    (void)enqueue(call, &e.base, SIZE_MAX);
    pthread_mutex_lock(&call->mutex);
    while (!e.done) {
        pthread_cond_wait(&call->called, &call->mutex);
    }
    pthread_mutex_unlock(&call->mutex);
    return e.rc;
}

static void serve_call(koc__call *call, call_event *e)
{
    int rc = e->fn(e->arg, e->err);
    pthread_mutex_lock(&call->mutex);
    e->rc = rc;
    e->done = true; /* from here on e may be freed */
    pthread_cond_broadcast(&call->called);
    pthread_mutex_unlock(&call->mutex);
}

static void serve(koc__call *call, koc__event *e)
{
    switch (e->kind) {
    case EVENT_CALL: serve_call(call, (call_event *)e); break;
    case EVENT_PROGRESS:
        run_progress_callback(call, &((progress_event *)e)->progress);
        koc__free(e);
        break;
    case EVENT_LOG: {
        log_event *l = (log_event *)e;

        call->ctx->log(l->level, l->component, l->line, call->ctx->log_payload);
        koc__free(e);
        break;
    }
    }
}

void koc__call_drain(koc__call *call)
{
    for (koc__event *e = dequeue(call); e; e = dequeue(call)) {
        serve(call, e);
    }
}

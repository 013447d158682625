#include "core/common.h"

#include "core/run/call.h"
#include "core/run/thread.h"

enum { MOST_PARALLEL = 64 };

struct koc__task {
    koc__task *next;
    koc__task_fn fn;
    void *arg;
};

struct koc__worker {
    koc__worker *next;
    koc__group *group;
    pthread_t thread;
};

int koc__group_begin(koc__group *g, koc__call *call, unsigned max_parallel, koc_error **err)
{
    (void)err;
    *g = (koc__group){.call = call, .max_parallel = max_parallel, .live = true};
    if (max_parallel == 0 || max_parallel > MOST_PARALLEL) {
        g->max_parallel = MOST_PARALLEL;
    }
    pthread_mutex_init(&g->mutex, NULL);
    pthread_cond_init(&g->work, NULL);
    pthread_cond_init(&g->ended, NULL);
    if (call) {
        atomic_fetch_add(&call->groups, 1);
    }
    return KOC_OK;
}

/* Under the mutex. */
static koc__task *dequeue(koc__group *g)
{
    koc__task *t = g->head;
    if (t) {
        g->head = t->next;
        g->tail = g->head ? g->tail : NULL;
        g->queued--;
    }
    return t;
}

/* Keeps the most useful failure: the first one, except that a "cancelled" that another failure may have
 * caused is replaced by a real failure. Takes e. Under the mutex. */
static void record(koc__group *g, int code, koc_error *e)
{
    bool user_cancelled = g->call && koc_cancel_is_triggered(g->call->user.cancel);
    bool soft = code == KOC_ECANCELLED && !user_cancelled;
    if (g->first_code != KOC_OK && (!g->first_is_soft || soft)) {
        koc_error_free(e);
        return;
    }
    koc_error_free(g->first_error);
    g->first_error = e;
    g->first_code = code;
    g->first_is_soft = soft;
    if (g->call) {
        koc_cancel_trigger(g->call->stop);
    }
}

/* Called and returns with the mutex held. */
static void run(koc__group *g, koc__task *t)
{
    koc_error *e = NULL;
    int rc = g->call ? KOC_OK : g->first_code; /* without a call nothing else reports the failure */
    pthread_mutex_unlock(&g->mutex);
    if (rc == KOC_OK) {
        rc = koc__call_check(g->call, &e);
    }
    if (rc == KOC_OK) {
        rc = t->fn(t->arg, g->call, &e);
    }
    koc__free(t);
    pthread_mutex_lock(&g->mutex);
    if (rc != KOC_OK) {
        record(g, rc, e);
    }
    g->unfinished--;
    pthread_cond_broadcast(&g->ended);
    if (g->call) {
        koc__wake_raise(&g->call->wake);
    }
}

static void *work(void *arg)
{
    koc__worker *w = arg;
    koc__group *g = w->group;
    koc__call_enter(g->call);
    pthread_mutex_lock(&g->mutex);
    while (!g->closing || g->head) {
        koc__task *t = dequeue(g);

        if (t) {
            run(g, t);
        } else {
            g->idle++;
            pthread_cond_wait(&g->work, &g->mutex);
            g->idle--;
        }
    }
    pthread_mutex_unlock(&g->mutex);
    return NULL;
}

/* Starts one more thread if there are more tasks than waiting threads. If that fails, the existing threads do
 * the work. Under the mutex. */
static void start_worker(koc__group *g)
{
    koc__worker *w;
    if (g->queued <= g->idle || g->n_workers >= g->max_parallel) {
        return;
    }
    w = koc__calloc(1, sizeof(*w));
    if (!w) {
        return;
    }
    w->group = g;
    if (koc__thread_start(&w->thread, work, w) != 0) {
        koc__free(w);
        return;
    }
    w->next = g->workers;
    g->workers = w;
    g->n_workers++;
}

int koc__group_add(koc__group *g, koc__task_fn fn, void *arg, koc_error **err)
{
    koc__task *t = koc__calloc(1, sizeof(*t));
    if (!t) {
        return koc__oom(err);
    }
    t->fn = fn;
    t->arg = arg;
    pthread_mutex_lock(&g->mutex);
    if (g->tail) {
        g->tail->next = t;
    } else {
        g->head = t;
    }
    g->tail = t;
    g->queued++;
    g->unfinished++;
    start_worker(g);
    pthread_cond_signal(&g->work);
    pthread_mutex_unlock(&g->mutex);
    return KOC_OK;
}

/* One round on the caller's thread: waits for an event, then runs callbacks. */
static void serve(koc__call *call)
{
    bool stopped = koc_cancel_is_triggered(call->stop);
    struct pollfd fds[2] = {{.fd = call->wake.fd, .events = POLLIN}};
    nfds_t n = 1;
    if (!stopped && call->user.cancel) {
        fds[n++] = (struct pollfd){.fd = koc__cancel_fd(call->user.cancel), .events = POLLIN};
    }
    (void)poll(fds, n, stopped ? -1 : koc__call_timeout(call, -1));
    koc__wake_clear(&call->wake);
    koc__call_drain(call);
    if (!stopped && koc__call_check(call, NULL) != KOC_OK) {
        koc_cancel_trigger(call->stop);
    }
}

/* Called with the mutex held; returns with it held and no task left. */
static void wait_for_all(koc__group *g)
{
    bool serving = g->call && koc__call_is_on_caller(g->call);
    while (g->unfinished > 0) {
        if (g->n_workers == 0) {
            run(g, dequeue(g));
        } else if (serving) {
            pthread_mutex_unlock(&g->mutex);
            serve(g->call);
            pthread_mutex_lock(&g->mutex);
        } else {
            pthread_cond_wait(&g->ended, &g->mutex);
        }
    }
    if (serving) {
        pthread_mutex_unlock(&g->mutex);
        koc__call_drain(g->call);
        pthread_mutex_lock(&g->mutex);
    }
}

/* After the last task of the outermost group call->stop is reset: the call may continue (clean up, try
 * another way) unless the user ended it. */
static void reset_stop(koc__call *call)
{
    if (call && koc__call_is_on_caller(call) && atomic_load(&call->groups) == 1 &&
        atomic_load(&call->user_code) == 0) {
        koc__cancel_rearm(call->stop);
    }
}

int koc__group_wait(koc__group *g, koc_error **err)
{
    pthread_mutex_lock(&g->mutex);
    wait_for_all(g);
    int rc = g->first_code;
    koc_error *e = koc__steal(&g->first_error);
    g->first_code = KOC_OK;
    g->first_is_soft = false;
    pthread_mutex_unlock(&g->mutex);
    reset_stop(g->call);
    if (rc == KOC_OK) {
        /* A callback may have ended the call after the last task. */
        return koc__call_check(g->call, err);
    }
    if (!e) {
        return koc__error(err, rc, "a task failed (%s)", koc_code_name(rc));
    }
    koc__error_move(err, &e);
    return rc;
}

int koc__group_wait_both(koc__group *first, koc__group *then, koc_error **err)
{
    koc_error *of_first = NULL;
    int a = koc__group_wait(first, &of_first);
    int b = koc__group_wait(then, a == KOC_OK || a == KOC_ECANCELLED ? err : NULL);
    if (a == KOC_ECANCELLED && b != KOC_OK) {
        koc_error_free(of_first);
        return b;
    }
    return a == KOC_OK ? b : koc__error_move(err, &of_first);
}

static void join_all(koc__group *g)
{
    while (g->workers) {
        koc__worker *w = g->workers;

        g->workers = w->next;
        pthread_join(w->thread, NULL);
        koc__free(w);
    }
}

void koc__group_end(koc__group *g)
{
    if (!g->live) {
        return;
    }
    pthread_mutex_lock(&g->mutex);
    if (g->unfinished > 0 && g->call) {
        koc_cancel_trigger(g->call->stop);
    }
    wait_for_all(g);
    g->closing = true;
    pthread_cond_broadcast(&g->work);
    pthread_mutex_unlock(&g->mutex);
    join_all(g);
    reset_stop(g->call);
    if (g->call) {
        atomic_fetch_sub(&g->call->groups, 1);
    }
    koc_error_free(g->first_error);
    pthread_cond_destroy(&g->work);
    pthread_cond_destroy(&g->ended);
    pthread_mutex_destroy(&g->mutex);
    g->live = false;
}

#include "core/common.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "core/dynbuf.h"
#include "core/run/call.h"
#include "core/text.h"
#include "test.h"

static void nap(int ms)
{
    (void)poll(NULL, 0, ms);
}

typedef struct counter {
    atomic_int runs;
    atomic_int now;
    atomic_int most;
} counter;

static int count(void *arg, koc__call *call, koc_error **err)
{
    counter *c = arg;
    int now = atomic_fetch_add(&c->now, 1) + 1;
    int most = atomic_load(&c->most);
    (void)call;
    (void)err;
    while (now > most && !atomic_compare_exchange_weak(&c->most, &most, now)) {
    }
    nap(2);
    atomic_fetch_sub(&c->now, 1);
    atomic_fetch_add(&c->runs, 1);
    return KOC_OK;
}

static void check_many(koc__call *call, unsigned parallel, int most)
{
    KOC__AUTO_VAL(koc__group) g = {0};
    counter c = {0};
    assert_int_equal(koc__group_begin(&g, call, parallel, NULL), KOC_OK);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(koc__group_add(&g, count, &c, NULL), KOC_OK);
    }
    assert_int_equal(koc__group_wait(&g, NULL), KOC_OK);
    assert_int_equal(c.runs, 40);
    assert_in_range(c.most, 1, most);
    /* and once more, on the same group */
    assert_int_equal(koc__group_add(&g, count, &c, NULL), KOC_OK);
    assert_int_equal(koc__group_wait(&g, NULL), KOC_OK);
    assert_int_equal(c.runs, 41);
}

KOC_TEST(group_runs_all_with_a_limit)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_OK);
    check_many(&call, 1, 1);
    check_many(&call, 3, 3);
    check_many(&call, 0, 40);
    check_many(&call, 1000, 40);
    check_many(NULL, 4, 4);
}

KOC_TEST(group_tasks_really_run_side_by_side)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) g = {0};
    counter c = {0};
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_begin(&g, &call, 8, NULL), KOC_OK);
    for (int i = 0; i < 80; i++) {
        assert_int_equal(koc__group_add(&g, count, &c, NULL), KOC_OK);
    }
    assert_int_equal(koc__group_wait(&g, NULL), KOC_OK);
    assert_in_range(c.most, 2, 8);
}

KOC_TEST(group_empty_and_never_begun)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) g = {0};
    koc__group_end(&g);
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_begin(&g, &call, 2, NULL), KOC_OK);
    assert_int_equal(koc__group_wait(&g, NULL), KOC_OK);
}

static int wait_for_stop(void *arg, koc__call *call, koc_error **err)
{
    (void)arg;
    return koc__call_sleep(call, 60000, err);
}

static int fail_soon(void *arg, koc__call *call, koc_error **err)
{
    (void)call;
    nap(10);
    return koc__error(err, KOC_EDIGEST, "%s", (const char *)arg);
}

static char real_failure[] = "the real failure";

KOC_TEST(group_first_failure_ends_the_others_and_comes_back)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) g = {0};
    koc_error *e = NULL;
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_begin(&g, &call, 8, NULL), KOC_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(koc__group_add(&g, wait_for_stop, NULL, NULL), KOC_OK);
    }
    assert_int_equal(koc__group_add(&g, fail_soon, real_failure, NULL), KOC_OK);
    assert_int_equal(koc__group_wait(&g, &e), KOC_EDIGEST);
    assert_string_equal(koc_error_message(e), real_failure);
    koc_error_free(e);
    /* the call may go on */
    assert_int_equal(koc__call_check(&call, NULL), KOC_OK);
    assert_int_equal(koc__group_wait(&g, NULL), KOC_OK);
}

static int nested_failure(void *arg, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__group) g = {0};
    (void)arg;
    KOC__TRY(koc__group_begin(&g, call, 2, err));
    KOC__TRY(koc__group_add(&g, fail_soon, real_failure, err));
    KOC__TRY(koc__group_add(&g, wait_for_stop, NULL, err));
    int rc = koc__group_wait(&g, err);
    nap(20); /* let the siblings' "cancelled" arrive first */
    return rc;
}

KOC_TEST(group_cancelled_never_hides_the_real_failure)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) g = {0};
    koc_error *e = NULL;
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_begin(&g, &call, 8, NULL), KOC_OK);
    assert_int_equal(koc__group_add(&g, wait_for_stop, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_add(&g, nested_failure, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_add(&g, wait_for_stop, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_wait(&g, &e), KOC_EDIGEST);
    assert_string_equal(koc_error_message(e), real_failure);
    koc_error_free(e);
}

KOC_TEST(group_failure_without_an_op_skips_the_rest)
{
    KOC__AUTO_VAL(koc__group) g = {0};
    counter c = {0};
    koc_error *e = NULL;
    assert_int_equal(koc__group_begin(&g, NULL, 1, NULL), KOC_OK);
    assert_int_equal(koc__group_add(&g, fail_soon, real_failure, NULL), KOC_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(koc__group_add(&g, count, &c, NULL), KOC_OK);
    }
    assert_int_equal(koc__group_wait(&g, &e), KOC_EDIGEST);
    assert_string_equal(koc_error_message(e), real_failure);
    assert_int_equal(c.runs, 0);
    koc_error_free(e);
}

static int fail_without_an_error(void *arg, koc__call *call, koc_error **err)
{
    (void)arg;
    (void)call;
    (void)err;
    return KOC_EFORMAT;
}

KOC_TEST(group_failure_without_an_error_object_gets_one)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) g = {0};
    koc_error *e = NULL;
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_begin(&g, &call, 1, NULL), KOC_OK);
    assert_int_equal(koc__group_add(&g, fail_without_an_error, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_wait(&g, &e), KOC_EFORMAT);
    assert_int_equal(koc_error_code(e), KOC_EFORMAT);
    koc_error_free(e);
}

KOC_TEST(group_end_without_wait_stops_the_tasks)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    int64_t start = koc__monotonic_ms();
    koc__group g = {0};
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_begin(&g, &call, 2, NULL), KOC_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(koc__group_add(&g, wait_for_stop, NULL, NULL), KOC_OK);
    }
    koc__group_end(&g);
    assert_in_range(koc__monotonic_ms() - start, 0, 30000);
    assert_int_equal(koc__call_check(&call, NULL), KOC_OK);
}

static void *trigger_soon(void *arg)
{
    nap(20);
    koc_cancel_trigger(arg);
    return NULL;
}

static int only_looks_at_stop(void *arg, koc__call *call, koc_error **err)
{
    struct pollfd p = {.fd = koc__cancel_fd(call->stop), .events = POLLIN};
    (void)arg;
    (void)poll(&p, 1, 60000);
    return koc__call_check(call, err);
}

KOC_TEST(group_cancel_from_another_thread)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) g = {0};
    KOC__AUTO(koc_cancel) cancel = NULL;
    koc_op user = KOC_OP_INIT;
    int64_t start = koc__monotonic_ms();
    pthread_t t;
    assert_int_equal(koc_cancel_new(&cancel, NULL), KOC_OK);
    user.cancel = cancel;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    assert_int_equal(koc__group_begin(&g, &call, 4, NULL), KOC_OK);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(koc__group_add(&g, i % 2 ? wait_for_stop : only_looks_at_stop, NULL, NULL),
                         KOC_OK);
    }
    assert_int_equal(pthread_create(&t, NULL, trigger_soon, cancel), 0);
    assert_int_equal(koc__group_wait(&g, NULL), KOC_ECANCELLED);
    assert_in_range(koc__monotonic_ms() - start, 0, 30000);
    pthread_join(t, NULL);
}

KOC_TEST(group_time_limit)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) g = {0};
    koc_op user = KOC_OP_INIT;
    user.timeout_ms = 30;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    assert_int_equal(koc__group_begin(&g, &call, 4, NULL), KOC_OK);
    assert_int_equal(koc__group_add(&g, wait_for_stop, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_add(&g, only_looks_at_stop, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_wait(&g, NULL), KOC_ETIMEOUT);
}

typedef struct seen {
    pthread_t caller;
    int events;
    int calls;
    int logs;
    int stop_after; /* events; 0: never */
    char text[64];
} seen;

static int see_event(const koc_progress *event, void *payload)
{
    seen *s = payload;
    assert_true(pthread_equal(s->caller, pthread_self()));
    snprintf(s->text, sizeof(s->text), "%s %02x", event->what,
             event->digest ? event->digest->bytes[0] : 0);
    s->events++;
    return s->stop_after && s->events >= s->stop_after;
}

static void see_log(int32_t level, const char *component, const char *message, void *payload)
{
    seen *s = payload;
    (void)level;
    assert_true(pthread_equal(s->caller, pthread_self()));
    assert_string_equal(component, "test");
    assert_int_equal(strncmp(message, "token=***", 9), 0);
    s->logs++;
}

static int see_call(void *arg, koc_error **err)
{
    seen *s = arg;
    assert_true(pthread_equal(s->caller, pthread_self()));
    s->calls++;
    return koc__error(err, KOC_EAUTH, "call %d", s->calls);
}

/* Everything that may reach the user, from a thread that must not. */
static int talk(void *arg, koc__call *call, koc_error **err)
{
    koc_progress event = KOC_PROGRESS_INIT;
    koc_digest digest = {.algorithm = KOC_DIGEST_SHA256, .len = 32, .bytes = {0xab}};
    char what[8] = "thing";
    koc_error *e = NULL;
    (void)err;
    assert_false(koc__call_is_on_caller(call));
    assert_ptr_equal(koc__call_current(), call);
    event.id = koc__call_new_id(call);
    event.what = what;
    event.digest = &digest;
    event.state = KOC_STATE_STARTED;
    koc__call_progress(call, &event);
    memset(what, 'x', 7); /* the queue has copies */
    memset(&digest, 0, sizeof(digest));
    koc__log(call->ctx, KOC_LOG_INFO, "test", "token=%s", "secret");
    assert_int_equal(koc__call_on_caller(call, see_call, arg, &e), KOC_EAUTH);
    assert_int_equal(koc_error_code(e), KOC_EAUTH);
    koc_error_free(e);
    return KOC_OK;
}

static int talk_below(void *arg, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__group) g = {0};
    KOC__TRY(koc__group_begin(&g, call, 2, err));
    for (int i = 0; i < 3; i++) {
        KOC__TRY(koc__group_add(&g, talk, arg, err));
    }
    return koc__group_wait(&g, err);
}

static void begin_seen(seen *s, koc_ctx **ctx, koc__call *call)
{
    koc_ctx_options o = KOC_CTX_OPTIONS_INIT;
    koc_op user = KOC_OP_INIT;
    s->caller = pthread_self();
    o.log = see_log;
    o.log_payload = s;
    o.log_level = KOC_LOG_INFO;
    user.progress = see_event;
    user.payload = s;
    assert_int_equal(koc_ctx_new(&o, ctx, NULL), KOC_OK);
    assert_int_equal(koc__call_begin(call, *ctx, &user, NULL), KOC_OK);
}

KOC_TEST(group_callbacks_run_on_the_callers_thread)
{
    KOC__AUTO(koc_ctx) ctx = NULL;
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) g = {0};
    seen s = {0};
    begin_seen(&s, &ctx, &call);
    assert_int_equal(koc__group_begin(&g, &call, 8, NULL), KOC_OK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(koc__group_add(&g, talk, &s, NULL), KOC_OK);
        assert_int_equal(koc__group_add(&g, talk_below, &s, NULL), KOC_OK);
    }
    assert_int_equal(koc__group_wait(&g, NULL), KOC_OK);
    assert_int_equal(s.events, 40);
    assert_int_equal(s.calls, 40);
    assert_int_equal(s.logs, 40);
    assert_string_equal(s.text, "thing ab");
}

static atomic_bool talk_begun;

static int talk_and_say_so(void *arg, koc__call *call, koc_error **err)
{
    atomic_store(&talk_begun, true);
    return talk(arg, call, err);
}

KOC_TEST(group_end_still_serves_calls)
{
    KOC__AUTO(koc_ctx) ctx = NULL;
    KOC__AUTO_VAL(koc__call) call = {0};
    koc__group g = {0};
    seen s = {0};
    begin_seen(&s, &ctx, &call);
    assert_int_equal(koc__group_begin(&g, &call, 1, NULL), KOC_OK);
    assert_int_equal(koc__group_add(&g, talk_and_say_so, &s, NULL), KOC_OK);
    while (!atomic_load(&talk_begun)) { /* one that never began would not be run at all */
        nap(1);
    }
    koc__group_end(&g);
    assert_int_equal(s.calls, 1);
}

KOC_TEST(group_progress_callback_ends_the_call)
{
    KOC__AUTO(koc_ctx) ctx = NULL;
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) g = {0};
    seen s = {.stop_after = 2};
    koc_error *e = NULL;
    begin_seen(&s, &ctx, &call);
    assert_int_equal(koc__group_begin(&g, &call, 8, NULL), KOC_OK);
    assert_int_equal(koc__group_add(&g, wait_for_stop, NULL, NULL), KOC_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(koc__group_add(&g, talk, &s, NULL), KOC_OK);
    }
    assert_int_equal(koc__group_wait(&g, &e), KOC_EUSER);
    assert_int_equal(s.events, 2);
    assert_int_equal(koc__call_check(&call, NULL), KOC_EUSER);
    koc_error_free(e);
}

typedef struct grower {
    koc__group *g;
    atomic_int left;
} grower;

static int grow(void *arg, koc__call *call, koc_error **err)
{
    grower *w = arg;
    (void)call;
    if (atomic_fetch_sub(&w->left, 1) > 0) {
        KOC__TRY(koc__group_add(w->g, grow, arg, err));
        KOC__TRY(koc__group_add(w->g, grow, arg, err));
    }
    return KOC_OK;
}

KOC_TEST(group_tasks_add_tasks)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) g = {0};
    grower w = {&g, 200};
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_begin(&g, &call, 6, NULL), KOC_OK);
    assert_int_equal(koc__group_add(&g, grow, &w, NULL), KOC_OK);
    assert_int_equal(koc__group_wait(&g, NULL), KOC_OK);
    assert_int_equal(w.left, -201);
}

KOC_TEST(group_without_threads_works_in_wait)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) g = {0};
    counter c = {0};
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_begin(&g, &call, 4, NULL), KOC_OK);
    for (int i = 0; i < 3; i++) {
        koc__alloc_fail_after(2); /* the task fits, the thread does not */
        assert_int_equal(koc__group_add(&g, count, &c, NULL), KOC_OK);
        koc__alloc_fail_after(0);
    }
    assert_int_equal(g.n_workers, 0);
    koc__alloc_fail_after(1);
    assert_int_equal(koc__group_add(&g, count, &c, NULL), KOC_ENOMEM);
    koc__alloc_fail_after(0);
    assert_int_equal(koc__group_wait(&g, NULL), KOC_OK);
    assert_int_equal(c.runs, 3);
}

static int look_at_signals(void *arg, koc__call *call, koc_error **err)
{
    sigset_t blocked;
    (void)arg;
    (void)call;
    (void)err;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_int_equal(sigismember(&blocked, SIGINT), 1);
    assert_int_equal(sigismember(&blocked, SIGPIPE), 1);
    assert_int_equal(sigismember(&blocked, SIGCHLD), 1);
    assert_int_equal(sigismember(&blocked, SIGSEGV), 0);
    return KOC_OK;
}

KOC_TEST(group_threads_get_no_signals)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) g = {0};
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_begin(&g, &call, 1, NULL), KOC_OK);
    assert_int_equal(koc__group_add(&g, look_at_signals, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_wait(&g, NULL), KOC_OK);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
}

static int allocate(void *arg, koc__call *call, koc_error **err)
{
    KOC__AUTO_STR text = koc__format("%d", 7);
    koc_progress event = KOC_PROGRESS_INIT;
    event.what = "x";
    koc__call_progress(call, &event);
    koc__log(call->ctx, KOC_LOG_INFO, "test", "token=x1234");
    atomic_fetch_add((atomic_int *)arg, 1);
    return text ? KOC_OK : koc__oom(err);
}

static int allocate_in_parallel(koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__group) g = {0};
    atomic_int runs = 0;
    KOC__TRY(koc__group_begin(&g, call, 2, err));
    for (int i = 0; i < 4; i++) {
        KOC__TRY(koc__group_add(&g, allocate, &runs, err));
    }
    KOC__TRY(koc__group_wait(&g, err));
    assert_int_equal(runs, 4);
    return KOC_OK;
}

KOC_TEST(group_without_memory_neither_hangs_nor_leaks)
{
    KOC__AUTO(koc_ctx) ctx = NULL;
    KOC__AUTO_VAL(koc__call) call = {0};
    seen s = {0};
    begin_seen(&s, &ctx, &call);
    for (uint64_t n = 1; n < 60; n++) {
        koc_error *e = NULL;
        int rc;

        koc__alloc_fail_after(n);
        rc = allocate_in_parallel(&call, &e);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM);
        assert_int_equal(koc_error_code(e), rc);
        koc_error_free(e);
    }
    assert_int_equal(allocate_in_parallel(&call, NULL), KOC_OK);
}

#include "core/common.h"

#include <poll.h>

#include "core/run/call.h"
#include "core/text.h"
#include "test.h"

KOC_TEST(op_begin_checks_its_options)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_op user = KOC_OP_INIT;
    koc__call_end(&call); /* never begun */
    user.flags = 1;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_EMISUSE);
    user.flags = 0;
    user.timeout_ms = -1;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_EMISUSE);
    user.timeout_ms = 0;
    user.struct_size = 2;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_EMISUSE);
    koc__call_end(&call);
    koc__call_end(&call);
}

KOC_TEST(op_null_never_ends)
{
    struct pollfd fds[2];
    assert_int_equal(koc__call_check(NULL, NULL), KOC_OK);
    assert_int_equal(koc__call_timeout(NULL, 50), 50);
    assert_int_equal(koc__call_timeout(NULL, -1), -1);
    assert_int_equal(koc__call_fds(NULL, fds), 0);
    assert_int_equal(koc__call_sleep(NULL, 1, NULL), KOC_OK);
    assert_int_equal(koc__call_new_id(NULL), 0);
    assert_false(koc__call_wants_progress(NULL));
    koc__call_progress(NULL, &(koc_progress)KOC_PROGRESS_INIT);
    assert_true(koc__call_is_on_caller(NULL));
}

KOC_TEST(op_cancelled)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__call) late = {0};
    koc_op user = KOC_OP_INIT;
    struct pollfd fds[2];
    koc_error *e = NULL;
    assert_int_equal(koc_cancel_new(&user.cancel, NULL), KOC_OK);
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    assert_int_equal(koc__call_fds(&call, fds), 2);
    assert_int_equal(poll(fds, 2, 0), 0);
    koc_cancel_trigger(user.cancel);
    assert_int_equal(poll(fds, 2, 0), 1);
    assert_int_equal(koc__call_check(&call, &e), KOC_ECANCELLED);
    assert_string_equal(koc_error_message(e), "cancelled");
    assert_int_equal(koc__call_sleep(&call, 60000, NULL), KOC_ECANCELLED);
    assert_int_equal(koc__call_begin(&late, NULL, &user, NULL), KOC_ECANCELLED);
    koc_error_free(e);
    koc_cancel_unref(user.cancel); /* the call has its own reference */
    assert_int_equal(koc__call_check(&call, NULL), KOC_ECANCELLED);
}

KOC_TEST(op_times_out)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_op user = KOC_OP_INIT;
    int64_t start = koc__monotonic_ms();
    koc_error *e = NULL;
    user.timeout_ms = 30;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    assert_in_range(koc__call_timeout(&call, -1), 0, 30);
    assert_int_equal(koc__call_timeout(&call, 0), 0);
    assert_int_equal(koc__call_sleep(&call, 60000, &e), KOC_ETIMEOUT);
    assert_in_range(koc__monotonic_ms() - start, 30, 20000);
    assert_string_equal(koc_error_message(e), "the time limit of 30 ms is over");
    assert_int_equal(koc__call_timeout(&call, -1), 0);
    koc_error_free(e);
}

KOC_TEST(op_timeout_for_ever_is_fine)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_op user = KOC_OP_INIT;
    user.timeout_ms = INT64_MAX;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    assert_int_equal(koc__call_check(&call, NULL), KOC_OK);
    assert_int_equal(koc__call_timeout(&call, -1), INT32_MAX);
}

KOC_TEST(op_sleeps)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    int64_t start = koc__monotonic_ms();
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(koc__call_sleep(&call, 20, NULL), KOC_OK);
    assert_in_range(koc__monotonic_ms() - start, 20, 20000);
    assert_int_equal(koc__call_sleep(&call, 0, NULL), KOC_OK);
    assert_int_equal(koc__call_sleep(&call, -5, NULL), KOC_OK);
}

KOC_TEST(op_without_memory)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc__alloc_fail_after(1);
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_ENOMEM);
    koc__alloc_fail_after(0);
    assert_false(call.live);
}

static int events;
static int answer;

static int count_event(const koc_progress *event, void *payload)
{
    assert_ptr_equal(payload, &events);
    assert_int_equal(event->struct_size, sizeof(*event));
    events++;
    return answer;
}

static koc_op with_progress(int returns)
{
    koc_op user = KOC_OP_INIT;
    events = 0;
    answer = returns;
    user.progress = count_event;
    user.payload = &events;
    return user;
}

KOC_TEST(op_progress_on_the_caller_is_direct)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_op user = with_progress(0);
    koc_progress event = KOC_PROGRESS_INIT;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    assert_true(koc__call_wants_progress(&call));
    event.id = koc__call_new_id(&call);
    assert_int_equal(event.id, 1);
    assert_int_equal(koc__call_new_id(&call), 2);
    event.state = KOC_STATE_STARTED;
    koc__call_progress(&call, &event);
    koc__call_progress(&call, &event);
    assert_int_equal(events, 2);
}

KOC_TEST(op_progress_throttles_active)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_op user = with_progress(0);
    koc_progress event = KOC_PROGRESS_INIT;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    event.state = KOC_STATE_ACTIVE;
    event.total = 1000;
    for (event.done = 0; event.done < 1000; event.done++) {
        event.id = 1;
        koc__call_progress(&call, &event);
        event.id = 2;
        koc__call_progress(&call, &event);
    }
    assert_in_range(events, 2, 20);
    events = 0;
    koc__call_progress(&call, &event); /* done == total is always told */
    assert_int_equal(events, 1);
}

KOC_TEST(op_progress_callback_ends_the_call)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_op user = with_progress(3);
    koc_progress event = KOC_PROGRESS_INIT;
    koc_error *e = NULL;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    koc__call_progress(&call, &event);
    koc__call_progress(&call, &event);
    assert_int_equal(events, 1); /* not asked again */
    assert_int_equal(koc__call_check(&call, &e), KOC_EUSER);
    assert_non_null(strstr(koc_error_message(e), "3"));
    assert_int_equal(koc__call_check(&call, NULL), KOC_EUSER);
    koc_error_free(e);
}

/* What an event said, kept from before its sender went on. */
typedef struct kept {
    char what[16], reason[32];
    int64_t wait_ms;
    uint32_t attempt;
} kept;

static int keep_event(const koc_progress *event, void *payload)
{
    kept *k = payload;
    snprintf(k->what, sizeof(k->what), "%s", event->what);
    snprintf(k->reason, sizeof(k->reason), "%s", event->reason);
    k->wait_ms = event->wait_ms;
    k->attempt = event->attempt;
    return 0;
}

static int tell_waiting(void *arg KOC__UNUSED, koc__call *call, koc_error **err KOC__UNUSED)
{
    koc_progress event = KOC_PROGRESS_INIT;
    char what[16] = "host", reason[32] = "503 Service Unavailable";
    event.kind = KOC_PROGRESS_REQUEST;
    event.state = KOC_STATE_WAITING;
    event.what = what;
    event.reason = reason;
    event.wait_ms = 1500;
    event.attempt = 2;
    koc__call_progress(call, &event);
    memset(what, 'x', sizeof(what) - 1);
    memset(reason, 'x', sizeof(reason) - 1);
    return KOC_OK;
}

KOC_TEST(op_progress_of_another_thread_keeps_its_texts)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc__group) group = {0};
    koc_op user = KOC_OP_INIT;
    kept seen = {"", "", 0, 0};
    user.progress = keep_event;
    user.payload = &seen;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    assert_int_equal(koc__group_begin(&group, &call, 1, NULL), KOC_OK);
    assert_int_equal(koc__group_add(&group, tell_waiting, NULL, NULL), KOC_OK);
    assert_int_equal(koc__group_wait(&group, NULL), KOC_OK);
    assert_string_equal(seen.what, "host");
    assert_string_equal(seen.reason, "503 Service Unavailable");
    assert_int_equal(seen.wait_ms, 1500);
    assert_int_equal(seen.attempt, 2);
}

static int answer_call(void *arg, koc_error **err)
{
    *(int *)arg += 1;
    return koc__error(err, KOC_EAUTH, "no");
}

KOC_TEST(op_call_on_the_caller_is_direct)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_error *e = NULL;
    int n = 0;
    assert_int_equal(koc__call_begin(&call, NULL, NULL, NULL), KOC_OK);
    assert_int_equal(koc__call_on_caller(&call, answer_call, &n, &e), KOC_EAUTH);
    assert_int_equal(koc__call_on_caller(NULL, answer_call, &n, &e), KOC_EAUTH);
    assert_int_equal(n, 2);
    assert_string_equal(koc_error_message(e), "no");
    koc_error_free(e);
}

#include "core/common.h"

#include "core/str.h"
#include "core/text.h"
#include "http/watchdog.h"
#include "test.h"

static int n_quiet;
static const char *quiet_reason;

static void on_quiet(void *self, const char *reason, int64_t left_ms)
{
    n_quiet++;
    quiet_reason = reason;
    assert_true(left_ms >= 0);
}

/* A watch whose last activity was so many milliseconds ago. */
static koc__watch watch_since(int64_t silent_ms, const koc__http_request *rq)
{
    koc__watch w;
    koc__watch_begin(&w, rq);
    w.opened_ms -= silent_ms;
    w.active_ms -= silent_ms;
    w.window_ms -= silent_ms;
    return w;
}

KOC_TEST(watchdog_fails_without_an_answer_in_time_R95)
{
    koc__http_request rq = {.connect_timeout_ms = 1000, .response_timeout_ms = 5000};
    koc__watch w = watch_since(6000, &rq);
    koc__watch_state s = {.connected = true, .sent = true};
    koc__failure why = KOC__FAIL_NONE;
    assert_int_equal(koc__watch_check(&w, &s, &why, NULL), KOC_ETIMEOUT);
    assert_int_equal(why, KOC__FAIL_SILENT);
    s.connected = false; /* connecting has its own limit, in libcurl */
    assert_int_equal(koc__watch_check(&w, &s, &why, NULL), KOC_OK);
    rq.no_timeout = true;
    w = watch_since(6000, &rq);
    s.connected = true;
    assert_int_equal(koc__watch_check(&w, &s, &why, NULL), KOC_OK);
}

KOC_TEST(watchdog_fails_on_a_slow_body_R95)
{
    koc__http_request rq = {.response_timeout_ms = 5000};
    koc__watch w = watch_since(61000, &rq);
    koc__watch_state s = {.connected = true, .sent = true, .head_done = true, .moved = 60 << 10};
    koc__failure why = KOC__FAIL_NONE;
    assert_int_equal(koc__watch_check(&w, &s, &why, NULL), KOC_OK);
    w.window_ms -= 61000;
    s.moved++;
    assert_int_equal(koc__watch_check(&w, &s, &why, NULL), KOC_ETIMEOUT);
    assert_int_equal(why, KOC__FAIL_BROKEN);
    koc__watch_restart(&w); /* the time before the caller's next read does not count */
    assert_int_equal(koc__watch_check(&w, &s, &why, NULL), KOC_OK);
}

KOC_TEST(watchdog_reports_silence_once)
{
    koc__http_request rq = {.response_timeout_ms = 5000, .quiet = on_quiet};
    koc__watch w = watch_since(2000, &rq);
    koc__watch_state s = {.connected = true, .sent = true};
    koc__failure why = KOC__FAIL_NONE;
    n_quiet = 0;
    assert_int_equal(koc__watch_check(&w, &s, &why, NULL), KOC_OK);
    assert_int_equal(koc__watch_check(&w, &s, &why, NULL), KOC_OK);
    assert_int_equal(n_quiet, 1);
    assert_string_equal(quiet_reason, "no answer yet");
}

/* Each state has its reason and its limit. */
KOC_TEST(watchdog_says_what_it_waits_for)
{
    static const struct {
        bool connected, body, sent, head_done;
        const char *reason; /* NULL: nothing is reported */
    } cases[] = {
        {false, false, false, false, "no connection yet"},
        {true, true, false, false, "the connection takes no more bytes"},
        {true, true, true, false, "no answer yet"},
        {true, false, true, false, "no answer yet"},
        {true, false, true, true, NULL},
    };
    koc__http_request rq = {
        .connect_timeout_ms = 1500, .response_timeout_ms = 5000, .quiet = on_quiet};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc__watch w = watch_since(2000, &rq);
        koc__watch_state s = {.connected = cases[i].connected,
                              .sent = cases[i].sent,
                              .head_done = cases[i].head_done};
        koc__failure why = KOC__FAIL_NONE;
        w.body_ms = cases[i].body ? w.active_ms : 0;
        quiet_reason = NULL;
        assert_int_equal(koc__watch_check(&w, &s, &why, NULL), KOC_OK);
        assert_true(koc__streq(quiet_reason, cases[i].reason));
    }
}

KOC_TEST(watchdog_is_quiet_for_a_second)
{
    koc__http_request rq = {
        .connect_timeout_ms = 1500, .response_timeout_ms = 5000, .quiet = on_quiet};
    koc__watch w = watch_since(100, &rq);
    koc__watch_state s = {.connected = true, .sent = true};
    koc__failure why = KOC__FAIL_NONE;
    quiet_reason = NULL;
    assert_int_equal(koc__watch_check(&w, &s, &why, NULL), KOC_OK);
    assert_null(quiet_reason);
}

KOC_TEST(watchdog_fails_on_a_slow_upload_R95)
{
    koc__http_request rq = {.response_timeout_ms = 5000};
    koc__watch w = watch_since(61000, &rq);
    koc__watch_state s = {.connected = true, .moved = (60 << 10) - 1};
    koc__failure why = KOC__FAIL_NONE;
    koc_error *err = NULL;
    w.body_ms = w.active_ms;
    assert_int_equal(koc__watch_check(&w, &s, &why, &err), KOC_ETIMEOUT);
    assert_int_equal(why, KOC__FAIL_BROKEN);
    assert_string_equal(koc_error_message(err), "stalled: less than 1 KiB per second for 60 s");
    koc_error_free(err);
    /* As soon as all is sent, the answer has its own time. */
    w = watch_since(4000, &rq);
    w.body_ms = w.active_ms;
    s.sent = true;
    assert_int_equal(koc__watch_check(&w, &s, &why, NULL), KOC_OK);
    w = watch_since(6000, &rq);
    w.body_ms = w.active_ms;
    err = NULL;
    assert_int_equal(koc__watch_check(&w, &s, &why, &err), KOC_ETIMEOUT);
    assert_int_equal(why, KOC__FAIL_SILENT);
    assert_string_equal(koc_error_message(err), "no answer within 5 s");
    koc_error_free(err);
}

KOC_TEST(watchdog_knows_what_has_moved)
{
    koc__http_request rq = {.response_timeout_ms = 5000};
    koc__watch w = watch_since(2000, &rq);
    assert_false(koc__watch_saw_activity(&w));
    koc__watch_note_activity(&w);
    assert_true(koc__watch_saw_activity(&w));
    koc__watch body;
    koc__watch_begin(&body, &rq);
    koc__watch_note_body(&body); /* in the same millisecond */
    assert_true(koc__watch_saw_activity(&body));
    w.body_ms = w.opened_ms + 1049;
    assert_false(koc__watch_expect_expired(&w, 100));
    w.body_ms = w.opened_ms + 1050;
    assert_true(koc__watch_expect_expired(&w, 100));
    int64_t first = w.body_ms;
    koc__watch_note_body(&w);
    assert_int_equal(w.body_ms, first);
}

#include "core/common.h"

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

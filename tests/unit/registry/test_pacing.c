#include "core/common.h"

#include <koc/context.h>

#include "core/text.h"
#include "registry/host/pacing.h"
#include "test.h"

/* A call that ends after some milliseconds. */
static void call_begin(koc__call *call, koc_ctx *ctx, int32_t timeout_ms)
{
    koc_op op = KOC_OP_INIT;
    op.timeout_ms = timeout_ms;
    assert_int_equal(koc__call_begin(call, ctx, &op, NULL), KOC_OK);
}

static koc_ctx *context(void)
{
    koc_ctx *ctx = NULL;
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    return ctx;
}

KOC_TEST(pacing_halves_the_window_and_lets_it_grow_R196)
{
    koc_ctx *ctx = context();
    koc__pace *p = koc__pace_new(0, 2);
    KOC__AUTO_VAL(koc__call) call = {0};
    call_begin(&call, ctx, 300);
    assert_int_equal(koc__pace_acquire(p, NULL, NULL, &call, NULL), KOC_OK);
    assert_int_equal(koc__pace_acquire(p, NULL, NULL, &call, NULL), KOC_OK);
    koc__pace_release(p, 429);
    koc__pace_release(p, 0); /* no reply: the window stays */
    assert_int_equal(koc__pace_acquire(p, NULL, NULL, &call, NULL), KOC_OK);
    assert_int_equal(koc__pace_acquire(p, NULL, NULL, &call, NULL), KOC_ETIMEOUT);
    koc__pace_release(p, 200);

    KOC__AUTO_VAL(koc__call) next = {0};
    call_begin(&next, ctx, 300);
    assert_int_equal(koc__pace_acquire(p, NULL, NULL, &next, NULL), KOC_OK);
    assert_int_equal(koc__pace_acquire(p, NULL, NULL, &next, NULL), KOC_OK);
    koc__pace_free(p);
    koc_ctx_unref(ctx);
}

KOC_TEST(pacing_keeps_the_longest_pause)
{
    koc__pace *p = koc__pace_new(0, 2);
    assert_int_equal(koc__pace_pause_left(p), 0);
    koc__pace_pause(p, 5000);
    koc__pace_pause(p, 10);
    assert_true(koc__pace_pause_left(p) > 1000);
    koc__pace_free(p);
}

KOC_TEST(pacing_spreads_requests_by_the_rate)
{
    koc_ctx *ctx = context();
    koc__pace *p = koc__pace_new(50, 8);
    KOC__AUTO_VAL(koc__call) call = {0};
    call_begin(&call, ctx, 0);
    int64_t begin = koc__monotonic_ms();
    for (int i = 0; i < 4; i++) {
        assert_int_equal(koc__pace_acquire(p, NULL, NULL, &call, NULL), KOC_OK);
    }
    assert_true(koc__monotonic_ms() - begin >= 55); /* three waits of 20 ms */
    koc__pace_free(p);
    koc_ctx_unref(ctx);
}

static void note_report(void *self, const char *reason, int64_t ms)
{
    snprintf(self, 128, "%s; %s", reason, ms > 0 ? "known" : "not known");
}

KOC_TEST(pacing_reports_a_wait_for_a_narrowed_window_but_not_for_a_full_one)
{
    koc_ctx *ctx = context();
    koc__pace *p = koc__pace_new(0, 2);
    KOC__AUTO_VAL(koc__call) full = {0};
    char said[128] = "";
    call_begin(&full, ctx, 1300);
    assert_int_equal(koc__pace_acquire(p, NULL, NULL, &full, NULL), KOC_OK);
    assert_int_equal(koc__pace_acquire(p, NULL, NULL, &full, NULL), KOC_OK);
    assert_int_equal(koc__pace_acquire(p, note_report, said, &full, NULL), KOC_ETIMEOUT);
    assert_string_equal(said, "");
    koc__pace_release(p, 503);

    KOC__AUTO_VAL(koc__call) narrowed = {0};
    call_begin(&narrowed, ctx, 1300);
    assert_int_equal(koc__pace_acquire(p, note_report, said, &narrowed, NULL), KOC_ETIMEOUT);
    assert_string_equal(said, "the registry was busy: 1 request at a time; not known");
    koc__pace_free(p);
    koc_ctx_unref(ctx);
}

KOC_TEST(pacing_reports_a_long_wait_for_the_rate)
{
    koc_ctx *ctx = context();
    koc__pace *p = koc__pace_new(1, 8);
    KOC__AUTO_VAL(koc__call) call = {0};
    char said[128] = "";
    call_begin(&call, ctx, 100);
    assert_int_equal(koc__pace_acquire(p, note_report, said, &call, NULL), KOC_OK);
    assert_int_equal(koc__pace_acquire(p, note_report, said, &call, NULL), KOC_ETIMEOUT);
    assert_string_equal(said, "");
    assert_int_equal(koc__pace_acquire(p, note_report, said, &call, NULL), KOC_ETIMEOUT);
    assert_string_equal(said, "limited to 1 request per second; known");
    koc__pace_free(p);
    koc_ctx_unref(ctx);
}

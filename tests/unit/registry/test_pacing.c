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
    assert_int_equal(koc__pace_acquire(p, &call, NULL), KOC_OK);
    assert_int_equal(koc__pace_acquire(p, &call, NULL), KOC_OK);
    koc__pace_release(p, 429);
    koc__pace_release(p, 0); /* no reply: the window stays */
    assert_int_equal(koc__pace_acquire(p, &call, NULL), KOC_OK);
    assert_int_equal(koc__pace_acquire(p, &call, NULL), KOC_ETIMEOUT);
    koc__pace_release(p, 200);

    KOC__AUTO_VAL(koc__call) next = {0};
    call_begin(&next, ctx, 300);
    assert_int_equal(koc__pace_acquire(p, &next, NULL), KOC_OK);
    assert_int_equal(koc__pace_acquire(p, &next, NULL), KOC_OK);
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
        assert_int_equal(koc__pace_acquire(p, &call, NULL), KOC_OK);
    }
    assert_true(koc__monotonic_ms() - begin >= 55); /* three waits of 20 ms */
    koc__pace_free(p);
    koc_ctx_unref(ctx);
}

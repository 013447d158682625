#include "test.h"

#include <pthread.h>

#include "core/run/turn.h"
#include "core/text.h"

KOC_TEST(turn_is_for_one_and_waiting_ends_with_the_call)
{
    koc__turn turn;
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_op user = KOC_OP_INIT;
    user.timeout_ms = 120;
    koc__turn_init(&turn);
    assert_int_equal(koc__turn_enter(&turn, NULL, NULL), KOC_OK);
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    assert_int_equal(koc__turn_enter(&turn, &call, NULL), KOC_ETIMEOUT);
    assert_true(turn.taken); /* the wait that failed took nothing away */
    koc__turn_leave(&turn);
    assert_int_equal(koc__turn_enter(&turn, NULL, NULL), KOC_OK);
    koc__turn_leave(&turn);
    koc__turn_destroy(&turn);
}

static void *enter(void *turn)
{
    assert_int_equal(koc__turn_enter(turn, NULL, NULL), KOC_OK);
    koc__turn_leave(turn);
    return NULL;
}

KOC_TEST(turn_wakes_the_next)
{
    koc__turn turn;
    pthread_t other;
    koc__turn_init(&turn);
    assert_int_equal(koc__turn_enter(&turn, NULL, NULL), KOC_OK);
    assert_int_equal(pthread_create(&other, NULL, enter, &turn), 0);
    koc__turn_leave(&turn);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_false(turn.taken);
    koc__turn_destroy(&turn);
}

#include "core/common.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "core/run/cancel.h"
#include "core/run/wake.h"
#include "test.h"

static bool is_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

KOC_TEST(cancel_triggers_once_and_for_good)
{
    koc_cancel *c = NULL;
    assert_int_equal(koc_cancel_new(&c, NULL), KOC_OK);
    assert_false(koc_cancel_is_triggered(c));
    assert_false(is_readable(koc__cancel_fd(c)));
    koc_cancel_trigger(c);
    koc_cancel_trigger(c);
    assert_true(koc_cancel_is_triggered(c));
    assert_true(is_readable(koc__cancel_fd(c)));
    koc__cancel_rearm(c);
    assert_false(koc_cancel_is_triggered(c));
    assert_false(is_readable(koc__cancel_fd(c)));
    koc_cancel_unref(c);
}

KOC_TEST(cancel_references_and_null)
{
    koc_cancel *c = NULL;
    assert_int_equal(koc_cancel_new(&c, NULL), KOC_OK);
    assert_ptr_equal(koc_cancel_ref(c), c);
    koc_cancel_unref(c);
    assert_false(koc_cancel_is_triggered(c));
    koc_cancel_unref(c);
    koc_cancel_unref(NULL);
    koc_cancel_trigger(NULL);
    assert_null(koc_cancel_ref(NULL));
    assert_false(koc_cancel_is_triggered(NULL));
    assert_int_equal(koc__cancel_fd(NULL), -1);
    assert_int_equal(koc_cancel_new(NULL, NULL), KOC_EMISUSE);
}

KOC_TEST(cancel_without_memory)
{
    koc_cancel *c = NULL;
    koc_error *e = NULL;
    koc__alloc_fail_after(1);
    assert_int_equal(koc_cancel_new(&c, &e), KOC_ENOMEM);
    koc__alloc_fail_after(0);
    assert_null(c);
    koc_error_free(e);
}

static koc_cancel *handled;

static void handler(int signum)
{
    (void)signum;
    koc_cancel_trigger(handled);
}

KOC_TEST(cancel_from_a_signal_handler_leaves_errno)
{
    struct sigaction action = {.sa_handler = handler};
    struct sigaction before;
    assert_int_equal(koc_cancel_new(&handled, NULL), KOC_OK);
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    errno = 77;
    raise(SIGUSR1);
    assert_int_equal(errno, 77);
    sigaction(SIGUSR1, &before, NULL);
    assert_true(koc_cancel_is_triggered(handled));
    koc_cancel_unref(handled);
}

KOC_TEST(wake_is_up_until_cleared)
{
    koc__wake w = KOC__WAKE_INIT;
    koc__wake_close(&w);
    assert_int_equal(koc__wake_open(&w, NULL), KOC_OK);
    for (int i = 0; i < 100; i++) {
        koc__wake_raise(&w);
    }
    assert_true(is_readable(w.fd));
    koc__wake_clear(&w);
    assert_false(is_readable(w.fd));
    koc__wake_clear(&w);
    koc__wake_close(&w);
    assert_int_equal(w.fd, -1);
}

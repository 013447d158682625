/* Connections that do nothing make room, or are ended. */
#include "core/common.h"

#include <poll.h>
#include <sys/socket.h>

#include "core/text.h"
#include "serve/connections.h"
#include "test.h"

enum { MANY = 4 };

/* A connection and its other end. */
typedef struct pair {
    int ours, theirs;
    koc__connection *n;
} pair;

static void open_pair(koc__connections *c, pair *p)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    p->ours = fds[0];
    p->theirs = fds[1];
    p->n = koc__connection_add(c, p->ours);
    assert_non_null(p->n);
}

static void close_pair(pair *p)
{
    koc__connection_drop(p->n);
    close(p->ours);
    close(p->theirs);
}

static bool is_ended(const pair *p)
{
    char byte;
    return recv(p->theirs, &byte, 1, MSG_DONTWAIT) == 0;
}

KOC_TEST(connections_the_longest_idle_makes_room)
{
    KOC__AUTO(koc__connections) c = koc__connections_new(MANY);
    pair pairs[MANY + 1];
    for (size_t i = 0; i < MANY; i++) {
        open_pair(c, &pairs[i]);
        poll(NULL, 0, 2);
    }
    koc__connection_state(pairs[0].n, KOC__WORKED_ON);
    assert_int_equal(write(pairs[1].theirs, "G", 1), 1); /* a request is on its way */
    open_pair(c, &pairs[MANY]);
    assert_false(koc__connection_is_surplus(pairs[MANY].n));
    assert_false(is_ended(&pairs[0]));
    assert_false(is_ended(&pairs[1]));
    assert_true(is_ended(&pairs[2]));
    assert_false(is_ended(&pairs[3]));
    for (size_t i = 0; i <= MANY; i++) {
        close_pair(&pairs[i]);
    }
}

KOC_TEST(connections_that_all_work_make_no_room)
{
    KOC__AUTO(koc__connections) c = koc__connections_new(MANY);
    pair pairs[MANY + 2];
    for (size_t i = 0; i < MANY; i++) {
        open_pair(c, &pairs[i]);
        koc__connection_state(pairs[i].n, KOC__SENDS);
    }
    open_pair(c, &pairs[MANY]);
    assert_true(koc__connection_is_surplus(pairs[MANY].n));
    close_pair(&pairs[0]);
    open_pair(c, &pairs[MANY + 1]);
    assert_false(koc__connection_is_surplus(pairs[MANY + 1].n));
    for (size_t i = 1; i <= MANY + 1; i++) {
        close_pair(&pairs[i]);
    }
}

KOC_TEST(connections_that_take_too_long_are_ended)
{
    KOC__AUTO(koc__connections) c = koc__connections_new(MANY);
    pair waits, sends, works, moves;
    open_pair(c, &waits);
    open_pair(c, &sends);
    open_pair(c, &works);
    open_pair(c, &moves);
    int64_t start = koc__monotonic_ms();
    koc__connection_state(sends.n, KOC__SENDS);
    koc__connection_state(works.n, KOC__WORKED_ON);
    koc__connection_state(moves.n, KOC__SENDS);
    koc__connections_tick(c, start + 20 * 1000);
    assert_false(is_ended(&waits));
    koc__connections_tick(c, start + 40 * 1000);
    assert_true(is_ended(&waits));
    assert_false(is_ended(&sends));
    koc__connection_moved(sends.n, 1); /* a byte now and then is not enough */
    koc__connections_tick(c, start + 90 * 1000);
    assert_true(is_ended(&sends));
    assert_true(is_ended(&moves));
    assert_false(is_ended(&works));
    close_pair(&waits);
    close_pair(&sends);
    close_pair(&works);
    close_pair(&moves);
}

#include "core/common.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "core/text.h"
#include "serve/connections.h"

/* For a head, counted from the end of the last answer, and for each STRIDE of a body. */
enum { WAIT_MS = 30 * 1000, BODY_MS = 60 * 1000, STRIDE = 16 * 1024 };

struct koc__connection {
    koc__connections *home;
    int fd;
    int state;
    bool surplus;
    bool ended;    /* shut down, about to be dropped */
    int64_t since; /* of this state, or of the last STRIDE */
    size_t moved;  /* since then */
    koc__connection *before, *after;
};

struct koc__connections {
    unsigned max;
    pthread_mutex_t mutex; /* guards all but max, also of the connections */
    koc__connection *first;
    unsigned n; /* neither surplus nor ended */
};

koc__connections *koc__connections_new(unsigned max)
{
    koc__connections *c = koc__calloc(1, sizeof(*c));
    if (c) {
        c->max = max;
        pthread_mutex_init(&c->mutex, NULL);
    }
    return c;
}

void koc__connections_free(koc__connections *c)
{
    if (c) {
        pthread_mutex_destroy(&c->mutex);
        koc__free(c);
    }
}

/* Whether bytes have arrived that were not read yet: then the connection is not idle. */
static bool has_input(const koc__connection *n)
{
    char byte;
    return recv(n->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Under the mutex. The server that reads from it sees the end and closes it. */
static void end(koc__connection *n)
{
    (void)shutdown(n->fd, SHUT_RDWR);
    n->home->n -= n->surplus ? 0 : 1;
    n->ended = true;
}

/* Under the mutex: ends the connection that has waited longest. false: none waits. */
static bool make_room(koc__connections *c)
{
    koc__connection *oldest = NULL;
    for (koc__connection *n = c->first; n; n = n->after) {
        if (n->state == KOC__WAITS && !n->ended && !n->surplus &&
            (!oldest || n->since < oldest->since) && !has_input(n)) {
            oldest = n;
        }
    }
    if (oldest) {
        end(oldest);
    }
    return oldest != NULL;
}

koc__connection *koc__connection_add(koc__connections *c, int fd)
{
    koc__connection *n = koc__calloc(1, sizeof(*n));
    if (!n) {
        return NULL;
    }
    n->home = c;
    n->fd = fd;
    n->since = koc__monotonic_ms();
    pthread_mutex_lock(&c->mutex);
    n->surplus = c->n >= c->max && !make_room(c);
    c->n += n->surplus ? 0 : 1;
    n->after = c->first;
    if (c->first) {
        c->first->before = n;
    }
    c->first = n;
    pthread_mutex_unlock(&c->mutex);
    return n;
}

void koc__connection_drop(koc__connection *n)
{
    if (!n) {
        return;
    }
    koc__connections *c = n->home;
    pthread_mutex_lock(&c->mutex);
    c->n -= n->surplus || n->ended ? 0 : 1;
    if (n->before) {
        n->before->after = n->after;
    } else {
        c->first = n->after;
    }
    if (n->after) {
        n->after->before = n->before;
    }
    pthread_mutex_unlock(&c->mutex);
    koc__free(n);
}

bool koc__connection_is_surplus(const koc__connection *n)
{
    return n && n->surplus; /* never changes */
}

void koc__connection_state(koc__connection *n, int state)
{
    if (!n) {
        return;
    }
    pthread_mutex_lock(&n->home->mutex);
    n->state = state;
    n->since = koc__monotonic_ms();
    n->moved = 0;
    pthread_mutex_unlock(&n->home->mutex);
}

void koc__connection_moved(koc__connection *n, size_t len)
{
    if (!n) {
        return;
    }
    pthread_mutex_lock(&n->home->mutex);
    n->moved += len;
    if (n->moved >= STRIDE) {
        n->since = koc__monotonic_ms();
        n->moved = 0;
    }
    pthread_mutex_unlock(&n->home->mutex);
}

void koc__connections_tick(koc__connections *c, int64_t now_ms)
{
    pthread_mutex_lock(&c->mutex);
    for (koc__connection *n = c->first; n; n = n->after) {
        int64_t limit = n->state == KOC__WAITS ? WAIT_MS : BODY_MS;
        if (!n->ended && n->state != KOC__WORKED_ON && now_ms - n->since > limit) {
            end(n);
        }
    }
    pthread_mutex_unlock(&c->mutex);
}

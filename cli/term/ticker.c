/* The thread waits on a pipe with a timeout; closing the other end stops it. */
#include "term/ticker.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "child_program.h"

struct cli_ticker {
    int period_ms;
    void (*on_tick)(void *);
    void *payload;
    int ends[2]; /* of a pipe: the thread ends when ends[1] is closed */
    pthread_t thread;
};

static void *run(void *arg)
{
    const cli_ticker *t = arg;
    struct pollfd end = {.fd = t->ends[0], .events = POLLIN};
    while (poll(&end, 1, t->period_ms) <= 0) {
        t->on_tick(t->payload);
    }
    return NULL;
}

cli_ticker *cli_ticker_start(int period_ms, void (*on_tick)(void *), void *payload)
{
    cli_ticker *t = malloc(sizeof(*t));
    if (!t) {
        return NULL;
    }
    *t = (cli_ticker){.period_ms = period_ms, .on_tick = on_tick, .payload = payload};
    if (child_pipe(t->ends) != 0) {
        free(t);
        return NULL;
    }
    if (pthread_create(&t->thread, NULL, run, t) != 0) {
        close(t->ends[0]);
        close(t->ends[1]);
        free(t);
        return NULL;
    }
    return t;
}

void cli_ticker_stop(cli_ticker *t)
{
    if (t) {
        close(t->ends[1]);
        pthread_join(t->thread, NULL);
        close(t->ends[0]);
        free(t);
    }
}

/* A thread that calls a function periodically. */
#ifndef CLI_TICKER_H
#define CLI_TICKER_H

#include <stdbool.h>

typedef struct cli_ticker cli_ticker;

/*
 * Calls on_tick(payload) every period_ms on a thread of its own until the ticker is stopped. Changes of the system
 * clock have no effect. NULL: no memory, file descriptor or thread is available.
 */
cli_ticker *cli_ticker_start(int period_ms, void (*on_tick)(void *payload), void *payload);
/* Waits for a running call and makes no other. Frees the ticker; NULL is ignored. */
void cli_ticker_stop(cli_ticker *t);

#endif

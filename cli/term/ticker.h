/* A thread of the command's own that calls a function again and again. */
#ifndef CLI_TICKER_H
#define CLI_TICKER_H

#include <stdbool.h>

typedef struct cli_ticker cli_ticker;

/*
 * Calls on_tick(payload) every period_ms until the ticker is stopped, on a thread of its own. The clock
 * of the machine does not matter. NULL when there is no memory, no file descriptor or no thread for it.
 */
cli_ticker *cli_ticker_start(int period_ms, void (*on_tick)(void *payload), void *payload);
/* Waits for a call that is under way, and makes no other. Frees it; NULL is nothing. */
void cli_ticker_stop(cli_ticker *t);

#endif

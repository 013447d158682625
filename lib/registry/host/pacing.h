/* How fast koc sends requests to one host: the rate, the number in flight, and pauses. */
#ifndef KOC__PACING_H
#define KOC__PACING_H

#include "core/run/call.h"

typedef struct koc__pace koc__pace;

/* rate: requests per second, 0: no limit. max_in_flight: requests at the same time, at most.
 * NULL: out of memory. */
koc__pace *koc__pace_new(unsigned rate, unsigned max_in_flight);
void koc__pace_free(koc__pace *p); /* takes NULL */

/* Reports a wait of more than a second: the reason, and the milliseconds it takes at most (0: not
 * known). */
typedef void koc__pace_report_fn(void *self, const char *reason, int64_t ms);
/* Waits until another request may be sent, and counts it as in flight. report: or NULL. */
int koc__pace_acquire(koc__pace *p, koc__pace_report_fn *report, void *self, koc__call *call,
                      koc_error **err);
/* The request is over. status 0: there was no reply. */
void koc__pace_release(koc__pace *p, int status);

/* No request is sent for ms milliseconds, because the host asked for a pause. */
void koc__pace_pause(koc__pace *p, int64_t ms);
/* Milliseconds that are left of the pause; 0: there is none. */
int64_t koc__pace_pause_left(koc__pace *p);

#endif

/* Waits that the user hears of: an event for progress, a line in the log. */
#ifndef KOC__REPORTED_WAIT_H
#define KOC__REPORTED_WAIT_H

#include "core/run/call.h"
#include "registry/host/host.h"

/* One piece of work at a host that may have to wait several times. */
typedef struct koc__waiter {
    koc__call *call;
    koc__host *host;
    uint64_t id;      /* of its progress events; 0 until it waits for the first time */
    unsigned attempt; /* which attempt is waiting */
    bool waiting;     /* a wait was reported, and not yet its end */
} koc__waiter;
/* Reports a wait of at most ms milliseconds (0: not known). Secrets are removed from reason. */
void koc__waiter_report(koc__waiter *w, const char *reason, int64_t ms);
/* Reports that the work continues, if a wait was reported. */
void koc__waiter_resume(koc__waiter *w);
/* Reports, sleeps, and reports that the work continues. */
int koc__waiter_sleep(koc__waiter *w, const char *reason, int64_t ms, koc_error **err);
/* The work is over; reported only when it had waited. */
void koc__waiter_finish(const koc__waiter *w, bool succeeded);
/* A single wait that belongs to no request. */
int koc__host_wait(koc__host *h, koc__call *call, unsigned attempt, const char *reason, int64_t ms,
                   koc_error **err);

#endif

/* Which requests are retried, and when. No I/O. */
#ifndef KOC__RETRY_H
#define KOC__RETRY_H

#include <koc/base.h>

#include "http/http_message.h"

typedef enum koc__retry {
    KOC__RETRY_NO,
    KOC__RETRY_YES,
    KOC__RETRY_ONCE,    /* once, then it is final */
    KOC__RETRY_THROTTLE /* the server wants fewer requests: all requests to the host pause */
} koc__retry;

/* The longest wait that koc accepts from a server, in seconds. */
#define KOC__RETRY_AFTER_MAX 60

/* code: the registry's error code or "". */
koc__retry koc__retry_of_status(int status, const char *code);
/* idempotent: sending the request twice does no harm. answered: the host answered an earlier
 * request of this process. */
koc__retry koc__retry_of_failure(koc__failure failure, bool idempotent, bool answered);
/* Retry-After: seconds or an HTTP date, in seconds from now; false: absent, past or invalid. */
bool koc__retry_after(const char *value, int64_t now, int64_t *seconds);
/* A random wait of up to 0.1 s, doubled with each attempt, at most 5 s. attempt counts from 0;
 * random: any number. */
int64_t koc__retry_delay_ms(unsigned attempt, uint32_t random);

#endif

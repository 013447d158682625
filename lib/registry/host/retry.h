/* What is tried again, and when. No I/O. */
#ifndef KOC__RETRY_H
#define KOC__RETRY_H

#include <koc/base.h>

#include "http/http_message.h"

typedef enum koc__retry {
    KOC__RETRY_NO,
    KOC__RETRY_YES,
    KOC__RETRY_ONCE,    /* once, then it is final */
    KOC__RETRY_THROTTLE /* the server wants us slower: the whole host pauses */
} koc__retry;

/* The longest wait that a server may ask for, seconds. */
#define KOC__RETRY_AFTER_MAX 60

/* code: the registry's error code or "". */
koc__retry koc__retry_of_status(int status, const char *code);
/* idempotent: sending it twice does no harm although the first may have been done. answered: the host
 * has answered in this process. */
koc__retry koc__retry_of_failure(koc__failure failure, bool idempotent, bool answered);
/* Retry-After: seconds or an HTTP date, in seconds from now; false: absent, past or nonsense. */
bool koc__retry_after(const char *value, int64_t now, int64_t *seconds);
/* Full jitter over 0.1 s doubled each time, at most 5 s. attempt counts from 0; random: any number. */
int64_t koc__retry_delay_ms(unsigned attempt, uint32_t random);

#endif

/* Notices that an exchange has stopped moving: no reply in time, or a body that is too slow. No
 * I/O. */
#ifndef KOC__WATCHDOG_H
#define KOC__WATCHDOG_H

#include "http/http_message.h"

typedef struct koc__watch {
    int64_t opened_ms;
    int64_t active_ms;     /* last byte sent or received */
    int64_t body_ms;       /* when the first bytes of the request's body were wanted; 0: not yet */
    int64_t window_ms;     /* start of the window in which speed is measured */
    uint64_t window_bytes; /* bytes that had moved at that time */
    int64_t connect_timeout_ms;
    int64_t response_timeout_ms;
    bool no_timeout;
    void (*quiet)(void *self, const char *reason, int64_t left_ms); /* NULL once it was called */
    void *quiet_self;
} koc__watch;

/* What the exchange is doing. */
typedef struct koc__watch_state {
    bool connected;
    bool sent;      /* the request's body is complete */
    bool head_done; /* the head of the reply is complete */
    uint64_t moved; /* bytes of both bodies, so far */
} koc__watch_state;

void koc__watch_begin(koc__watch *w, const koc__http_request *rq);
/* A byte was sent or received. */
void koc__watch_note_activity(koc__watch *w);
/* The network is ready for the request's body. */
void koc__watch_note_body(koc__watch *w);
/* The caller reads the reply again: the time since its last read does not count. */
void koc__watch_restart(koc__watch *w);
/* Whether a byte was sent or received, or wanted. */
bool koc__watch_saw_activity(const koc__watch *w);
/* Whether the body had to wait for an answer to Expect: 100-continue that did not come.
 * connected_ms: how long it took to connect. */
bool koc__watch_expect_expired(const koc__watch *w, int64_t connected_ms);
/* KOC_OK while all is well, KOC_ETIMEOUT with *why when nothing moved for too long. */
int koc__watch_check(koc__watch *w, const koc__watch_state *s, koc__failure *why, koc_error **err);

#endif

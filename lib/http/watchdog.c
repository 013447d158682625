#include "core/common.h"

#include "http/watchdog.h"

#include "core/text.h"

/* Moving fewer bytes in this time is a stall. */
#define STALL_MS    60000
#define STALL_BYTES (60 * 1024)
#define QUIET_MS    1000 /* the user hears of a longer silence */
#define EXPECT_MS   950  /* libcurl waits a second for the answer to Expect */

void koc__watch_begin(koc__watch *w, const koc__http_request *rq)
{
    *w = (koc__watch){.connect_timeout_ms = rq->connect_timeout_ms,
                      .response_timeout_ms = rq->response_timeout_ms,
                      .no_timeout = rq->no_timeout,
                      .quiet = rq->quiet,
                      .quiet_self = rq->quiet_self};
    w->opened_ms = w->active_ms = w->window_ms = koc__monotonic_ms();
}

void koc__watch_note_activity(koc__watch *w)
{
    w->active_ms = koc__monotonic_ms();
}

void koc__watch_note_body(koc__watch *w)
{
    koc__watch_note_activity(w);
    w->body_ms = w->body_ms ? w->body_ms : w->active_ms;
}

void koc__watch_restart(koc__watch *w)
{
    w->window_ms = w->active_ms = koc__monotonic_ms();
}

bool koc__watch_saw_activity(const koc__watch *w)
{
    return w->body_ms != 0 || w->active_ms != w->opened_ms;
}

bool koc__watch_expect_expired(const koc__watch *w, int64_t connected_ms)
{
    return w->body_ms - w->opened_ms - connected_ms >= EXPECT_MS;
}

static void report_quiet(koc__watch *w, const koc__watch_state *s, bool sending, int64_t now)
{
    int64_t silent = now - w->active_ms;
    int64_t limit = !s->connected ? w->connect_timeout_ms
                    : sending     ? STALL_MS
                                  : w->response_timeout_ms;

    if (!w->quiet || s->head_done || silent < QUIET_MS) {
        return;
    }
    w->quiet(w->quiet_self,
             !s->connected ? "no connection yet"
             : sending     ? "the connection takes no more bytes"
                           : "no answer yet",
             KOC__MAX(limit - silent, (int64_t)0));
    w->quiet = NULL;
}

int koc__watch_check(koc__watch *w, const koc__watch_state *s, koc__failure *why, koc_error **err)
{
    int64_t now = koc__monotonic_ms();
    bool sending = w->body_ms != 0 && !s->sent;
    report_quiet(w, s, sending, now);
    if (w->no_timeout && s->connected) {
        return KOC_OK;
    }
    if (!s->head_done && !sending) {
        if (s->connected && now - w->active_ms > w->response_timeout_ms) {
            *why = KOC__FAIL_SILENT;
            return koc__error(err, KOC_ETIMEOUT, "no answer within %lld s",
                              (long long)(w->response_timeout_ms / 1000));
        }
        w->window_ms = now;
        return KOC_OK;
    }
    if (now - w->window_ms < STALL_MS) {
        return KOC_OK;
    }
    if (s->moved - w->window_bytes < STALL_BYTES) {
        *why = KOC__FAIL_BROKEN;
        return koc__error(err, KOC_ETIMEOUT, "stalled: less than 1 KiB per second for %d s",
                          STALL_MS / 1000);
    }
    w->window_ms = now;
    w->window_bytes = s->moved;
    return KOC_OK;
}

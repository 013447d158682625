/* Waiting that the user hears of: an event for progress, a line for the log. */
#include "core/common.h"

#include "registry/host/request.h"

static void tell(const koc__waiter *w, int32_t state, const char *reason, int64_t ms)
{
    koc_progress event = KOC_PROGRESS_INIT;

    event.kind = KOC_PROGRESS_REQUEST;
    event.state = state;
    event.what = w->host->name;
    event.id = w->id;
    event.reason = reason;
    event.wait_ms = ms;
    event.attempt = reason ? KOC__MAX(w->attempt, 1U) : 0;
    koc__call_progress(w->call, &event);
}

void koc__waiter_wait(koc__waiter *w, const char *reason, int64_t ms)
{
    size_t name = strlen(w->host->name);
    char text[512];

    if (strncmp(reason, w->host->name, name) == 0 && strncmp(reason + name, ": ", 2) == 0) {
        reason += name + 2; /* what it is about is said already */
    }
    snprintf(text, sizeof(text), "%s", reason[0] ? reason : "no reason given");
    koc__session_scrub(w->host, text);
    koc__log(w->host->client->ctx, KOC_LOG_INFO, "registry", "%s: %s; attempt %u, waiting %lld ms",
             w->host->name, text, w->attempt, (long long)ms);
    if (!koc__call_wants_progress(w->call)) {
        return;
    }
    w->id = w->id ? w->id : koc__call_new_id(w->call);
    tell(w, KOC_STATE_WAITING, text, ms);
}

void koc__waiter_tell(const koc__waiter *w, int32_t state)
{
    if (w->id) {
        tell(w, state, NULL, 0);
    }
}

int koc__waiter_sleep(koc__waiter *w, const char *reason, int64_t ms, koc_error **err)
{
    koc__waiter_wait(w, reason, ms);
    KOC__TRY(koc__call_sleep(w->call, ms, err));
    koc__waiter_tell(w, KOC_STATE_STARTED);
    return KOC_OK;
}

int koc__host_wait(koc__host *h, koc__call *call, unsigned attempt, const char *reason, int64_t ms,
                   koc_error **err)
{
    koc__waiter w = {call, h, 0, attempt};

    koc__waiter_wait(&w, reason, ms);
    int rc = koc__call_sleep(call, ms, err);
    koc__waiter_tell(&w, rc == KOC_OK ? KOC_STATE_FINISHED : KOC_STATE_FAILED);
    return rc;
}

#include "core/common.h"

#include "registry/host/reported_wait.h"

#include "registry/client.h"

static void send_event(const koc__waiter *w, int32_t state, const char *reason, int64_t ms)
{
    koc__call_report_wait(w->call, w->id, w->host->name, state, reason, ms, w->attempt);
}

void koc__waiter_report(koc__waiter *w, const char *reason, int64_t ms)
{
    size_t name = strlen(w->host->name);
    char text[512];
    if (strncmp(reason, w->host->name, name) == 0 && strncmp(reason + name, ": ", 2) == 0) {
        reason += name + 2; /* event and log name the host already */
    }
    snprintf(text, sizeof(text), "%s", reason[0] ? reason : "no reason given");
    koc__login_scrub(w->host->login, text);
    char limit[32] = "";
    if (ms > 0) {
        snprintf(limit, sizeof(limit), " %lld ms", (long long)ms);
    }
    koc__log(w->host->client->ctx, KOC_LOG_INFO, "registry", "%s: %s; attempt %u, waiting%s",
             w->host->name, text, w->attempt, limit);
    if (!koc__call_wants_progress(w->call)) {
        return;
    }
    w->id = w->id ? w->id : koc__call_new_id(w->call);
    w->waiting = true;
    send_event(w, KOC_STATE_WAITING, text, ms);
}

void koc__waiter_resume(koc__waiter *w)
{
    if (w->waiting) {
        w->waiting = false;
        send_event(w, KOC_STATE_STARTED, NULL, 0);
    }
}

int koc__waiter_sleep(koc__waiter *w, const char *reason, int64_t ms, koc_error **err)
{
    koc__waiter_report(w, reason, ms);
    KOC__TRY(koc__call_sleep(w->call, ms, err));
    koc__waiter_resume(w);
    return KOC_OK;
}

void koc__waiter_finish(const koc__waiter *w, bool succeeded)
{
    if (w->id) {
        send_event(w, succeeded ? KOC_STATE_FINISHED : KOC_STATE_FAILED, NULL, 0);
    }
}

int koc__host_wait(koc__host *h, koc__call *call, unsigned attempt, const char *reason, int64_t ms,
                   koc_error **err)
{
    koc__waiter w = {.call = call, .host = h, .attempt = attempt};
    koc__waiter_report(&w, reason, ms);
    int rc = koc__call_sleep(call, ms, err);
    koc__waiter_finish(&w, rc == KOC_OK);
    return rc;
}

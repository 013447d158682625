/*
 * The window of requests in flight halves when the host answers 429 or 503, and grows again by
 * about one request each time that a whole window succeeded.
 */
#include "core/common.h"

#include "registry/host/pacing.h"

#include <pthread.h>

#include "core/run/timed_wait.h"
#include "core/text.h"

#define NS_PER_SECOND 1000000000LL
#define ONE           256u /* of window_256ths */
#define CHECK_MS      50   /* how soon a waiting thread notices that its call was cancelled */
#define SILENT_MS     1000 /* a longer wait is reported */

struct koc__pace {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned rate;              /* requests per second; 0: no limit */
    int64_t next_ns;            /* with a rate: when the next request may be sent */
    unsigned in_flight;         /* requests between acquire and release */
    unsigned window_256ths;     /* how many there may be, times 256: it grows by fractions */
    unsigned max_window_256ths; /* the window of a host that never complained */
    int64_t pause_until_ms;     /* by the monotonic clock */
};

koc__pace *koc__pace_new(unsigned rate, unsigned max_in_flight)
{
    koc__pace *p = koc__calloc(1, sizeof(*p));
    if (p) {
        pthread_mutex_init(&p->mutex, NULL);
        koc__cond_init(&p->changed);
        p->rate = rate;
        p->window_256ths = p->max_window_256ths = max_in_flight * ONE;
    }
    return p;
}

void koc__pace_free(koc__pace *p)
{
    if (p) {
        pthread_mutex_destroy(&p->mutex);
        pthread_cond_destroy(&p->changed);
        koc__free(p);
    }
}

static int wait_for_rate(koc__pace *p, koc__pace_report_fn *report, void *self, koc__call *call,
                         koc_error **err)
{
    if (p->rate == 0) {
        return KOC_OK;
    }
    int64_t now = koc__monotonic_ns();
    pthread_mutex_lock(&p->mutex);
    int64_t mine = KOC__MAX(p->next_ns, now);
    p->next_ns = mine + NS_PER_SECOND / p->rate;
    pthread_mutex_unlock(&p->mutex);
    if (mine <= now) {
        return KOC_OK;
    }
    int64_t ms = (mine - now + 999999) / 1000000;
    if (report && ms > SILENT_MS) {
        char reason[64];
        snprintf(reason, sizeof(reason), "limited to %u request%s per second", p->rate,
                 p->rate == 1 ? "" : "s");
        report(self, reason, ms);
    }
    return koc__call_sleep(call, ms, err);
}

/* Reports only a window that the host has narrowed: the requests that fill a whole window report
 * their own progress. The caller holds the mutex. It is released during the report, which may run
 * code of the user. */
static bool report_window(koc__pace *p, koc__pace_report_fn *report, void *self)
{
    unsigned window = p->window_256ths / ONE;
    if (!report || p->window_256ths >= p->max_window_256ths) {
        return false;
    }
    pthread_mutex_unlock(&p->mutex);
    char reason[96];
    snprintf(reason, sizeof(reason), "the registry was busy: %u request%s at a time", window,
             window == 1 ? "" : "s");
    report(self, reason, 0);
    pthread_mutex_lock(&p->mutex);
    return true;
}

int koc__pace_acquire(koc__pace *p, koc__pace_report_fn *report, void *self, koc__call *call,
                      koc_error **err)
{
    int rc = wait_for_rate(p, report, self, call, err);
    int64_t begin = 0;
    bool reported = false;
    pthread_mutex_lock(&p->mutex);
    while (rc == KOC_OK && p->in_flight >= p->window_256ths / ONE) {
        begin = begin ? begin : koc__monotonic_ms();
        koc__cond_wait_ms(&p->changed, &p->mutex, CHECK_MS);
        rc = koc__call_check(call, err);
        if (rc == KOC_OK && !reported && koc__monotonic_ms() - begin > SILENT_MS) {
            reported = report_window(p, report, self);
        }
    }
    p->in_flight += rc == KOC_OK;
    pthread_mutex_unlock(&p->mutex);
    return rc;
}

void koc__pace_release(koc__pace *p, int status)
{
    pthread_mutex_lock(&p->mutex);
    p->in_flight--;
    if (status == 429 || status == 503) {
        p->window_256ths = KOC__MAX(p->window_256ths / 2, ONE);
    } else if (status >= 200 && status < 300) {
        p->window_256ths =
            KOC__MIN(p->window_256ths + ONE * ONE / p->window_256ths, p->max_window_256ths);
    }
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mutex);
}

void koc__pace_pause(koc__pace *p, int64_t ms)
{
    int64_t until = koc__monotonic_ms() + ms;
    pthread_mutex_lock(&p->mutex);
    p->pause_until_ms = KOC__MAX(p->pause_until_ms, until);
    pthread_mutex_unlock(&p->mutex);
}

int64_t koc__pace_pause_left(koc__pace *p)
{
    pthread_mutex_lock(&p->mutex);
    int64_t left = p->pause_until_ms - koc__monotonic_ms();
    pthread_mutex_unlock(&p->mutex);
    return KOC__MAX(left, (int64_t)0);
}

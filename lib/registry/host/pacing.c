/*
 * How fast one host is asked: never more than so many requests a second where a limit is set, and fewer at
 * once after it said that it has enough: half as many, then slowly more again.
 */
#include "core/common.h"

#include "core/text.h"
#include "registry/client.h"

#define NS_PER_SECOND 1000000000LL
#define ONE           256u /* of window_256ths */

static int wait_for_rate(koc__host *h, koc__call *call, koc_error **err)
{
    if (h->rate == 0) {
        return KOC_OK;
    }
    int64_t now = koc__monotonic_ns();
    pthread_mutex_lock(&h->mutex);
    int64_t mine = KOC__MAX(h->next_ns, now);
    h->next_ns = mine + NS_PER_SECOND / h->rate;
    pthread_mutex_unlock(&h->mutex);
    return mine > now ? koc__call_sleep(call, (mine - now + 999999) / 1000000, err) : KOC_OK;
}

int koc__host_take_place(koc__host *h, koc__call *call, koc_error **err)
{
    int rc = wait_for_rate(h, call, err);

    pthread_mutex_lock(&h->mutex);
    while (rc == KOC_OK && h->in_flight >= h->window_256ths / ONE) {
        koc__host_wait_locked(h);
        rc = koc__call_check(call, err);
    }
    h->in_flight += rc == KOC_OK;
    pthread_mutex_unlock(&h->mutex);
    return rc;
}

void koc__host_leave_place(koc__host *h, int status)
{
    unsigned most = h->client->max_connections * ONE;

    pthread_mutex_lock(&h->mutex);
    h->in_flight--;
    if (status == 429 || status == 503) {
        h->window_256ths = KOC__MAX(h->window_256ths / 2, ONE);
    } else if (status >= 200 && status < 300) {
        /* One more once as many as go at once have gone well. */
        h->window_256ths = KOC__MIN(h->window_256ths + ONE * ONE / h->window_256ths, most);
    }
    pthread_cond_broadcast(&h->left);
    pthread_mutex_unlock(&h->mutex);
}

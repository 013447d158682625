#include "core/common.h"

#include "core/run/timed_wait.h"
#include "core/text.h"
#include "test.h"

KOC_TEST(cond_wait_ends_by_itself)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    int64_t begin = koc__monotonic_ms(), waited = 0;
    koc__cond_init(&cond);
    pthread_mutex_lock(&mutex);
    /* It may wake early, but not for long. */
    while (waited < 1100) {
        koc__cond_wait_ms(&cond, &mutex, 1100 - waited);
        waited = koc__monotonic_ms() - begin;
    }
    pthread_mutex_unlock(&mutex);
    assert_in_range(waited, 1100, 20000);
    pthread_cond_destroy(&cond);
}

#include "core/common.h"

#include "core/run/timed_wait.h"

#include <time.h>

#ifdef __APPLE__

void koc__cond_init(pthread_cond_t *cond)
{
    pthread_cond_init(cond, NULL);
}

/* macOS conditions have no clock attribute, but a relative wait does not depend on the wall clock. */
void koc__cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t ms)
{
    struct timespec wait = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
    pthread_cond_timedwait_relative_np(cond, mutex, &wait);
}

#else

void koc__cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t how;
    pthread_condattr_init(&how);
    pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &how);
    pthread_condattr_destroy(&how);
}

void koc__cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_cond_timedwait(cond, mutex, &until);
}

#endif

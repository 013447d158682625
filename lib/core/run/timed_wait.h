/* Timed waits that do not depend on the wall clock. */
#ifndef KOC__COND_H
#define KOC__COND_H

#include <pthread.h>
#include <stdint.h>

/* A condition for koc__cond_wait_ms; end it with pthread_cond_destroy. */
void koc__cond_init(pthread_cond_t *cond);
/* Waits, with the mutex held, until cond is signalled or ms milliseconds have passed. May wake early. */
void koc__cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t ms);

#endif

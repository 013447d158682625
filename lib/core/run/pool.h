/* Threads for pure CPU work (hashing, compression). Jobs never call user code and never wait for each other.
 * */
#ifndef KOC__POOL_H
#define KOC__POOL_H

#include <koc/base.h>

typedef struct koc__pool koc__pool;
typedef struct koc__job {
    void (*run)(struct koc__job *job);
    struct koc__job *next; /* the pool's */
    int state;             /* the pool's */
} koc__job;

koc__pool *koc__pool_new(unsigned threads); /* NULL: out of memory; no thread is started yet */
void koc__pool_free(koc__pool *p);          /* waits for running jobs */
unsigned koc__pool_threads(const koc__pool *p);
/* Queues job, which must stay valid until koc__pool_wait has returned for it. If no thread can be started, it
 * runs on this thread now. */
void koc__pool_submit(koc__pool *p, koc__job *job);
/* Waits for job and runs queued jobs meanwhile. */
void koc__pool_wait(koc__pool *p, koc__job *job);

#endif

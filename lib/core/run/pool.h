/* Threads for pure CPU work (hash, compress). Jobs never call user code, never wait for each other. */
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
void koc__pool_free(koc__pool *p);          /* waits for what runs */
unsigned koc__pool_threads(const koc__pool *p);
/* Queues job; it must stay in place until koc__pool_wait returned for it. When no thread can be
 * started the job runs at once on this thread. */
void koc__pool_submit(koc__pool *p, koc__job *job);
/* Returns when job is done; runs queued jobs itself meanwhile. */
void koc__pool_wait(koc__pool *p, koc__job *job);

#endif

#include "core/common.h"

#include <pthread.h>

#include "core/run/fork.h"
#include "core/run/pool.h"
#include "core/run/thread.h"

enum { QUEUED = 1, RUNNING, DONE };

struct koc__pool {
    pthread_mutex_t mutex;
    pthread_cond_t work; /* a job was queued, or the pool closes */
    pthread_cond_t done; /* a job ended */
    koc__job *head;
    koc__job *tail;
    unsigned size;
    unsigned started;
    unsigned idle;
    size_t queued;
    bool closing;
    koc__fork_mark process;
    pthread_t threads[]; /* an array of size threads, of which `started` run */
};

koc__pool *koc__pool_new(unsigned threads)
{
    koc__pool *p;
    threads = threads ? threads : 1;
    p = koc__calloc(1, sizeof(*p) + threads * sizeof(p->threads[0]));
    if (!p) {
        return NULL;
    }
    p->size = threads;
    koc__fork_init(&p->process);
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, NULL);
    return p;
}

/* After a fork the child has neither the threads nor their jobs: new threads start with the next job. */
static void start_anew(koc__pool *p)
{
    if (koc__fork_happened(&p->process)) {
        pthread_mutex_init(&p->mutex, NULL);
        pthread_cond_init(&p->work, NULL);
        pthread_cond_init(&p->done, NULL);
        p->head = p->tail = NULL;
        p->started = p->idle = 0;
        p->queued = 0;
        p->closing = false;
        koc__fork_done(&p->process);
    }
}

unsigned koc__pool_threads(const koc__pool *p)
{
    return p->size;
}

/* Removes the given job from the queue (NULL: the first one). NULL: it is not queued. Under the mutex. */
static koc__job *take_job(koc__pool *p, koc__job *wanted)
{
    koc__job *before = NULL;
    koc__job *job = p->head;
    while (job && wanted && job != wanted) {
        before = job;
        job = job->next;
    }
    if (!job) {
        return NULL;
    }
    if (before) {
        before->next = job->next;
    } else {
        p->head = job->next;
    }
    if (p->tail == job) {
        p->tail = before;
    }
    job->next = NULL;
    p->queued--;
    return job;
}

/* Called and returns with the mutex held. */
static void run(koc__pool *p, koc__job *job)
{
    job->state = RUNNING;
    pthread_mutex_unlock(&p->mutex);
    job->run(job);
    pthread_mutex_lock(&p->mutex);
    job->state = DONE;
    pthread_cond_broadcast(&p->done);
}

static void *worker(void *arg)
{
    koc__pool *p = arg;
    pthread_mutex_lock(&p->mutex);
    while (!p->closing || p->head) {
        koc__job *job = take_job(p, NULL);

        if (job) {
            run(p, job);
        } else {
            p->idle++;
            pthread_cond_wait(&p->work, &p->mutex);
            p->idle--;
        }
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

void koc__pool_submit(koc__pool *p, koc__job *job)
{
    job->next = NULL;
    start_anew(p);
    pthread_mutex_lock(&p->mutex);
    if (p->queued >= p->idle && p->started < p->size &&
        koc__thread_start(&p->threads[p->started], worker, p) == 0) {
        p->started++;
    }
    if (p->started == 0) {
        run(p, job);
    } else {
        job->state = QUEUED;
        if (p->tail) {
            p->tail->next = job;
        } else {
            p->head = job;
        }
        p->tail = job;
        p->queued++;
        pthread_cond_signal(&p->work);
    }
    pthread_mutex_unlock(&p->mutex);
}

void koc__pool_wait(koc__pool *p, koc__job *job)
{
    pthread_mutex_lock(&p->mutex);
    while (job->state != DONE) {
        koc__job *next = take_job(p, job->state == QUEUED ? job : NULL);

        if (next) {
            run(p, next);
        } else {
            pthread_cond_wait(&p->done, &p->mutex);
        }
    }
    pthread_mutex_unlock(&p->mutex);
}

void koc__pool_free(koc__pool *p)
{
    if (!p) {
        return;
    }
    start_anew(p);
    pthread_mutex_lock(&p->mutex);
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
    for (unsigned i = 0; i < p->started; i++) {
        pthread_join(p->threads[i], NULL);
    }
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->mutex);
    koc__free(p);
}

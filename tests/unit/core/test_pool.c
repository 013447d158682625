#include "core/common.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "core/run/pool.h"
#include "test.h"

typedef struct work {
    koc__job job;
    int input;
    int result;
    int ms;
} work;

static atomic_int now;
static atomic_int most;

static void square(koc__job *job)
{
    work *w = (work *)job;
    int n = atomic_fetch_add(&now, 1) + 1;
    int m = atomic_load(&most);
    while (n > m && !atomic_compare_exchange_weak(&most, &m, n)) {
    }
    if (w->ms > 0) {
        (void)poll(NULL, 0, w->ms);
    }
    w->result = w->input * w->input;
    atomic_fetch_sub(&now, 1);
}

static void check(unsigned threads, int jobs, int ms)
{
    koc__pool *p = koc__pool_new(threads);
    work *all = koc__calloc((size_t)jobs, sizeof(*all));
    assert_non_null(p);
    assert_non_null(all);
    atomic_store(&most, 0);
    for (int i = 0; i < jobs; i++) {
        all[i] = (work){.job = {.run = square}, .input = i, .ms = ms};
        koc__pool_submit(p, &all[i].job);
    }
    for (int i = jobs - 1; i >= 0; i--) {
        koc__pool_wait(p, &all[i].job);
        assert_int_equal(all[i].result, i * i);
    }
    koc__pool_free(p);
    koc__free(all);
}

KOC_TEST(pool_runs_every_job)
{
    check(1, 200, 0);
    check(4, 2000, 0);
}

KOC_TEST(pool_runs_jobs_side_by_side)
{
    check(4, 16, 10);
    assert_in_range(most, 2, 5); /* four threads, and the one that waits */
}

KOC_TEST(pool_zero_threads_is_one)
{
    koc__pool *p = koc__pool_new(0);
    assert_int_equal(koc__pool_threads(p), 1);
    koc__pool_free(p);
    koc__pool_free(NULL);
}

KOC_TEST(pool_free_finishes_what_is_queued)
{
    koc__pool *p = koc__pool_new(2);
    work all[10];
    for (int i = 0; i < 10; i++) {
        all[i] = (work){.job = {.run = square}, .input = i, .ms = 1};
        koc__pool_submit(p, &all[i].job);
    }
    koc__pool_free(p);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(all[i].result, i * i);
    }
}

static void *use_pool(void *arg)
{
    koc__pool *p = arg;
    for (int i = 0; i < 300; i++) {
        work w = {.job = {.run = square}, .input = i};

        koc__pool_submit(p, &w.job);
        koc__pool_wait(p, &w.job);
        assert_int_equal(w.result, i * i);
    }
    return NULL;
}

KOC_TEST(pool_many_users)
{
    koc__pool *p = koc__pool_new(2);
    pthread_t users[4];
    for (size_t i = 0; i < KOC__COUNT(users); i++) {
        assert_int_equal(pthread_create(&users[i], NULL, use_pool, p), 0);
    }
    for (size_t i = 0; i < KOC__COUNT(users); i++) {
        pthread_join(users[i], NULL);
    }
    koc__pool_free(p);
}

KOC_TEST(pool_without_memory)
{
    koc__alloc_fail_after(1);
    assert_null(koc__pool_new(2));
    koc__alloc_fail_after(0);
}

static bool squares(koc__pool *p)
{
    work jobs[8];
    bool good = true;
    for (int i = 0; i < 8; i++) {
        jobs[i] = (work){.job = {.run = square}, .input = i};
        koc__pool_submit(p, &jobs[i].job);
    }
    for (int i = 0; i < 8; i++) {
        koc__pool_wait(p, &jobs[i].job);
        good = good && jobs[i].result == i * i;
    }
    return good;
}

KOC_TEST(pool_starts_anew_in_a_forked_child)
{
    koc__pool *p = koc__pool_new(2);
    int status = 0;
    assert_true(squares(p));
    for (int use = 0; use < 2; use++) { /* a child that only leaves, and one that works */
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            bool good = use == 0 || squares(p);
            koc__pool_free(p);
            _exit(good ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    assert_true(squares(p));
    koc__pool_free(p);
}

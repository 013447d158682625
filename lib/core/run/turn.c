#include "core/common.h"

#include "core/run/turn.h"

#include "core/run/timed_wait.h"

#define CHECK_MS 50 /* how soon a waiting thread notices that its call was cancelled */

void koc__turn_init(koc__turn *t)
{
    pthread_mutex_init(&t->mutex, NULL);
    koc__cond_init(&t->left);
    t->taken = false;
}

void koc__turn_destroy(koc__turn *t)
{
    pthread_mutex_destroy(&t->mutex);
    pthread_cond_destroy(&t->left);
}

int koc__turn_enter(koc__turn *t, koc__call *call, koc_error **err)
{
    int rc = KOC_OK;
    pthread_mutex_lock(&t->mutex);
    while (rc == KOC_OK && t->taken) {
        koc__cond_wait_ms(&t->left, &t->mutex, CHECK_MS);
        rc = koc__call_check(call, err);
    }
    t->taken = t->taken || rc == KOC_OK;
    pthread_mutex_unlock(&t->mutex);
    return rc;
}

void koc__turn_leave(koc__turn *t)
{
    pthread_mutex_lock(&t->mutex);
    t->taken = false;
    pthread_cond_broadcast(&t->left);
    pthread_mutex_unlock(&t->mutex);
}

/* A turn: one thread at a time has it, and waiting for it ends with the call. */
#ifndef KOC__TURN_H
#define KOC__TURN_H

#include <pthread.h>
#include <stdbool.h>

#include "core/run/call.h"

typedef struct koc__turn {
    pthread_mutex_t mutex; /* guards taken */
    pthread_cond_t left;
    bool taken;
} koc__turn;

void koc__turn_init(koc__turn *t);
void koc__turn_destroy(koc__turn *t);
/* Waits until no other thread has the turn. After KOC_OK the caller must leave it. Fails if the call ends first; call may
 * be NULL. */
int koc__turn_enter(koc__turn *t, koc__call *call, koc_error **err);
void koc__turn_leave(koc__turn *t);

#endif

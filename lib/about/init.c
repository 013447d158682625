#include "core/common.h"

#include <pthread.h>
#include <stdatomic.h>

#include <koc/context.h>

#include "core/hash/crypto.h"
#include "http/transport.h"

/* A mutex instead of pthread_once: after a failure the next call tries again. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool done;

static int init_all(koc_error **err)
{
    KOC__TRY(koc__crypto_init(err));
    return koc__curl_global_init(err);
}

int koc_init(koc_error **err)
{
    int rc = KOC_OK;
    if (atomic_load_explicit(&done, memory_order_acquire)) {
        return KOC_OK;
    }
    pthread_mutex_lock(&mutex);
    if (!atomic_load(&done)) {
        rc = init_all(err);
        atomic_store_explicit(&done, rc == KOC_OK, memory_order_release);
    }
    pthread_mutex_unlock(&mutex);
    return rc;
}

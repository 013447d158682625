#include "core/common.h"

#include <limits.h>
#include <signal.h>

#include "core/run/thread.h"

/* Enough for curl and a TLS library; sanitizers make frames several times as large. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_SIZE (4u << 20)
#else
#define STACK_SIZE (512u << 10)
#endif

void koc__thread_signals(sigset_t *set)
{
    sigfillset(set);
    /* Faults of the thread itself: if they were blocked, they would end the process silently. */
    sigdelset(set, SIGSEGV);
    sigdelset(set, SIGBUS);
    sigdelset(set, SIGFPE);
    sigdelset(set, SIGILL);
    sigdelset(set, SIGTRAP);
    sigdelset(set, SIGABRT);
}

int koc__thread_start(pthread_t *out, void *(*fn)(void *arg), void *arg)
{
    pthread_attr_t attr;
    sigset_t blocked, before;
    int rc = pthread_attr_init(&attr);
    if (rc != 0) {
        return rc;
    }
    (void)pthread_attr_setstacksize(&attr,
                                    STACK_SIZE); /* refused: keep the default, which is larger */
    koc__thread_signals(&blocked);
    rc = pthread_sigmask(SIG_SETMASK, &blocked, &before);
    if (rc == 0) {
        rc = pthread_create(out, &attr, fn, arg);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attr);
    return rc;
}

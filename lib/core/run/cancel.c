#include "core/common.h"

#include <stdatomic.h>

#include "core/run/cancel.h"
#include "core/run/wake.h"

struct koc_cancel {
    atomic_uint refs;
    atomic_int triggered; /* lock-free, so that signal handlers may set it */
    koc__wake wake;
};

int koc_cancel_new(koc_cancel **out, koc_error **err)
{
    koc_cancel *c;
    if (!out) {
        return koc__misuse(err, "koc_cancel_new: out is NULL");
    }
    c = koc__calloc(1, sizeof(*c));
    if (!c) {
        return koc__oom(err);
    }
    atomic_init(&c->refs, 1);
    atomic_init(&c->triggered, 0);
    int rc = koc__wake_open(&c->wake, err);
    if (rc != KOC_OK) {
        koc__free(c);
        return rc;
    }
    *out = c;
    return KOC_OK;
}

koc_cancel *koc_cancel_ref(koc_cancel *c)
{
    if (c) {
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    }
    return c;
}

void koc_cancel_unref(koc_cancel *c)
{
    if (c && atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1) {
        koc__wake_close(&c->wake);
        koc__free(c);
    }
}

void koc_cancel_trigger(koc_cancel *c)
{
    if (c && atomic_exchange(&c->triggered, 1) == 0) {
        koc__wake_raise(&c->wake);
    }
}

bool koc_cancel_is_triggered(const koc_cancel *c)
{
    return c && atomic_load_explicit(&c->triggered, memory_order_acquire) != 0;
}

int koc__cancel_fd(const koc_cancel *c)
{
    return c ? c->wake.fd : -1;
}

void koc__cancel_rearm(koc_cancel *c)
{
    if (atomic_exchange(&c->triggered, 0) != 0) {
        koc__wake_clear(&c->wake);
    }
}

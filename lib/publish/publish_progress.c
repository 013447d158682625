/* Progress events of a build, and the names of its parts in them. */
#include "core/common.h"

#include "publish/publish.h"

#include "model/model.h"

void koc__report_build(koc__call *call, int32_t state, const char *name, const char *platform)
{
    KOC__AUTO_STR label = koc__format("%s %s", name, platform);
    koc_progress e = KOC_PROGRESS_INIT;
    e.kind = KOC_PROGRESS_BUILD;
    e.state = state;
    e.what = label ? label : name;
    e.name = name;
    e.platform = platform;
    koc__call_progress(call, &e);
}

void koc__report_base(koc__call *call, int32_t state, const char *name, const char *what)
{
    koc_progress e = KOC_PROGRESS_INIT;
    e.kind = KOC_PROGRESS_RESOLVE;
    e.state = state;
    e.what = what ? what : name;
    e.name = name;
    koc__call_progress(call, &e);
}

char *koc__unit_label(const koc__unit *u)
{
    KOC__AUTO_STR platform = koc__platform_str(u->on->platform);
    return platform ? koc__format("%s %s", u->work->app, platform) : NULL;
}

/* The manifest and the layers of all platforms: the size of the image, however little of it was missing. */
static uint64_t size_of(const koc__work *w)
{
    uint64_t size = koc__work_descriptor(w)->size;
    for (size_t i = 0; i < w->n_units; i++) {
        for (size_t k = 0; k < koc_image_layer_count(w->units[i].image); k++) {
            size += koc_layer_descriptor(koc_image_layer(w->units[i].image, k))->size;
        }
    }
    return size;
}

void koc__report_image(const koc__work *w, uint64_t sent, koc__call *call, int32_t state)
{
    koc_progress e = KOC_PROGRESS_INIT;
    e.kind = KOC_PROGRESS_IMAGE;
    e.state = state;
    e.flags = w->plan->local ? KOC_TO_LOCAL : 0;
    e.what = w->app;
    e.name = w->app;
    e.done = sent;
    e.reason = state == KOC_STATE_WAITING ? "for the other images" : NULL;
    e.total = w->state == KOC__WORK_PUSHED ? size_of(w) : 0;
    koc__call_progress(call, &e);
}

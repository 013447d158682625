/* --debug: a layer with Delve, and an entry point that starts the program under it. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/text.h"
#include "model/model.h"

bool koc__debug_supports(const koc__plan *p, const koc_platform *platform)
{
    return p->debug && koc__streq(platform->os, "linux") &&
           (koc__streq(platform->arch, "amd64") || koc__streq(platform->arch, "arm64"));
}

int koc__debug_warn(koc__plan *p, const koc__work *works, size_t n, koc_error **err)
{
    KOC__AUTO(koc_strlist) warned = NULL;
    KOC__TRY(koc__strlist_new(&warned, err));
    for (size_t i = 0; p->debug && i < n; i++) {
        for (size_t k = 0; k < works[i].n_units; k++) {
            const koc_platform *on = works[i].units[k].on->platform;
            KOC__AUTO_STR platform = koc__platform_str(on);
            if (!platform) {
                return koc__oom(err);
            }
            if (koc__debug_supports(p, on) || koc__strlist_has(warned, platform)) {
                continue;
            }
            KOC__TRY(koc__strlist_add(warned, platform, err));
            KOC__TRY(koc__strlist_addf(p->warnings, err,
                                       "there is no debugger for %s (only for linux/amd64 "
                                       "and linux/arm64), its image starts without one",
                                       platform));
        }
    }
    return KOC_OK;
}

int koc__debug_build(koc__plan *p, const koc_platform *platform, koc__call *call,
                     koc__go_binary **out, koc_error **err)
{
    if (!koc__debug_supports(p, platform)) {
        return KOC_OK;
    }
    KOC__AUTO_STR text = koc__platform_str(platform);
    if (!text) {
        return koc__oom(err);
    }
    koc__report_build(call, KOC_STATE_STARTED, "delve", text);
    int rc = koc__go_delve(p->ctx, p->settings, p->o.delve_version, platform, call, out, err);
    int32_t state = rc != KOC_OK         ? KOC_STATE_FAILED
                    : (*out)->from_cache ? KOC_STATE_SKIPPED
                                         : KOC_STATE_FINISHED;
    koc__report_build(call, state, "delve", text);
    return rc;
}

int koc__debug_layer(koc__unit *u, koc__go_binary *delve, const koc__go_layer_options *o,
                     koc__call *call, koc_error **err)
{
    char name[] = "dlv";
    const koc__go_target target = {.import_path = name, .config = u->work->target->config};
    return koc__go_binary_layer(u->work->plan->ctx, &target, delve, o, call, &u->delve, err);
}

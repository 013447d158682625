/*
 * Warns about programs that cannot start because their base lacks the dynamic loader they name. The layers of the base
 * are not fetched, so only two kinds of base are known to lack it: scratch, and those called static
 * (distroless/static, chainguard/static).
 */
#include "core/common.h"

#include "publish/publish.h"

#include "core/path.h"
#include "model/model.h"

static bool is_static(const koc__base *b)
{
    KOC__AUTO(koc_reference) ref = NULL;
    if (b->kind == KOC__BASE_SCRATCH) {
        return true;
    }
    if (!koc__base_is_remote(b) || koc_reference_parse(b->name, 0, &ref, NULL) != KOC_OK) {
        return false;
    }
    koc_str name = koc__path_base(koc__str(koc_reference_repository(ref)));
    return koc__str_is(name, "static") || koc__str_starts(name, "static-");
}

static int warn_loader(koc__plan *p, const koc__unit *u, const char *loader, koc_error **err)
{
    KOC__AUTO(koc__exe_info) info = NULL;
    (void)koc__exe_info_read(u->binary->path, &info, NULL);
    const char *mode = koc__exe_setting(info, "-buildmode");
    const char *cure = koc__streq(koc__exe_setting(info, "CGO_ENABLED"), "1")
                           ? "build with CGO_ENABLED=0, or on a base with a C library"
                       : koc__streq(mode, "pie")
                           ? "build without -buildmode=pie, or on a base with a C library"
                           : "build on a base with a C library";
    KOC__AUTO_STR label = koc__unit_label(u);
    KOC__AUTO_STR text =
        koc__format("%s needs %s to start, which base %s does not have: %s",
                    label ? label : u->work->app, loader, u->work->base->name, cure);
    if (!text) {
        return koc__oom(err);
    }
    return koc__strlist_has(p->warnings, text) ? KOC_OK : koc__strlist_add(p->warnings, text, err);
}

/* A library cannot be started at all. */
static int warn_library(koc__plan *p, const koc__unit *u, koc_error **err)
{
    KOC__AUTO(koc__exe_info) info = NULL;
    (void)koc__exe_info_read(u->binary->path, &info, NULL);
    const char *mode = koc__exe_setting(info, "-buildmode");
    if (!mode || (!koc__streq(mode, "c-shared") && !koc__streq(mode, "c-archive") &&
                  !koc__streq(mode, "plugin"))) {
        return KOC_OK;
    }
    return koc__strlist_addf(p->warnings, err,
                             "%s is built with -buildmode=%s: a library cannot be started",
                             u->work->app, mode);
}

int koc__warn_loaders(koc__plan *p, const koc__work *works, size_t n, koc_error **err)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < works[i].n_units; k++) {
            const koc__unit *u = &works[i].units[k];
            KOC__AUTO_STR loader = NULL;
            if (!u->binary || !koc__streq(u->on->platform->os, "linux") ||
                koc__exe_loader(u->binary->path, &loader, NULL) != KOC_OK) {
                continue;
            }
            KOC__TRY(loader && is_static(works[i].base) ? warn_loader(p, u, loader, err) : KOC_OK);
            KOC__TRY(loader ? KOC_OK : warn_library(p, u, err));
        }
    }
    return KOC_OK;
}

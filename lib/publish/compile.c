/* Compiles the packages for all platforms; layers are built as soon as each program is linked. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/hash/digests.h"
#include "core/text.h"
#include "model/model.h"

typedef struct compilation {
    koc__plan *plan;
    koc__unit **units;
    koc__go_job *jobs; /* one for each unit */
    size_t n;
    koc__group builds;
    koc__group layers; /* built while go links the next programs */
} compilation;

static void compilation_dispose(compilation *c)
{
    koc__group_end(&c->builds); /* its tasks add to layers */
    koc__group_end(&c->layers);
    for (size_t i = 0; c->jobs && i < c->n; i++) {
        koc__go_binary_free(c->jobs[i].binary); /* the units have references of their own */
    }
    koc__free(c->jobs);
    koc__free(c->units);
}
KOC__DEFINE_AUTO_VAL(compilation, compilation_dispose);

static void log_layer(const koc__unit *u, const koc_layer *layer, const char *content)
{
    koc_ctx *ctx = u->work->plan->ctx;
    if (koc__log_wants(ctx, KOC_LOG_INFO)) {
        const koc_descriptor *d = koc_layer_descriptor(layer);
        KOC__AUTO_STR label = koc__unit_label(u);
        koc__log(ctx, KOC_LOG_INFO, "layer", "%s: %s layer %s, %llu bytes", label ? label : "",
                 content, koc__digest_str(&d->digest).s, (unsigned long long)d->size);
    }
}

static koc__go_layer_options layer_options(const koc__unit *u)
{
    const koc__plan *p = u->work->plan;
    return (koc__go_layer_options){
        .platform = u->on->platform,
        .format = u->work->base->docker ? KOC_FORMAT_DOCKER : KOC_FORMAT_OCI,
        .compression = p->o.compression,
        .level = p->o.level,
    };
}

static int build_layers(void *unit, koc__call *call, koc_error **err)
{
    koc__unit *u = unit;
    koc__plan *p = u->work->plan;
    const koc__go_layer_options o = layer_options(u);
    int64_t start = koc__monotonic_ms();
    KOC__TRY(koc__go_package_dir(p->ctx, u->work->target, call, err));
    KOC__TRY(koc__go_kodata_layer(p->ctx, u->work->target, &o, call, &u->kodata, err));
    KOC__TRY(koc__go_binary_layer(p->ctx, u->work->target, u->binary, &o, call, &u->app, err));
    u->layers_ms = koc__monotonic_ms() - start;
    log_layer(u, u->kodata, "kodata");
    log_layer(u, u->app, "binary");
    return koc__early_pushes_part_ready(u, err);
}

static int build_debug_layer(void *unit, koc__call *call, koc_error **err)
{
    koc__unit *u = unit;
    const koc__go_layer_options o = layer_options(u);
    KOC__TRY(koc__debug_layer(u, u->debugger, &o, call, err));
    return koc__early_pushes_part_ready(u, err);
}

static void report_unit(const koc__unit *u, int32_t state, koc__call *call)
{
    if (koc__call_wants_progress(call)) {
        KOC__AUTO_STR platform = koc__platform_str(u->on->platform);
        koc__report_build(call, state, u->work->app, platform ? platform : "");
    }
}

static void on_begun(void *self, size_t job)
{
    compilation *c = self;
    c->units[job]->begun_at = koc__monotonic_ms();
    report_unit(c->units[job], KOC_STATE_STARTED, c->builds.call);
}

static int on_linked(void *self, size_t job, koc__go_binary *binary, koc_error **err)
{
    compilation *c = self;
    koc__unit *u = c->units[job];
    KOC__AUTO_STR label = koc__unit_label(u);
    u->binary = koc__go_binary_ref(binary);
    u->unchanged = binary->from_cache;
    u->build_ms = koc__monotonic_ms() - u->begun_at;
    koc__log(c->plan->ctx, KOC_LOG_INFO, "golang", "%s: %s", label ? label : u->work->app,
             binary->go_skipped   ? "no input changed, go was not started"
             : binary->from_cache ? "go had nothing to link, the file of the last build is used"
                                  : "linked");
    report_unit(u, binary->from_cache ? KOC_STATE_SKIPPED : KOC_STATE_FINISHED, c->builds.call);
    return koc__group_add(&c->layers, build_layers, u, err);
}

static int build_programs(void *arg, koc__call *call, koc_error **err)
{
    compilation *c = arg;
    koc__go_options o = c->plan->go;
    o.begun = on_begun;
    o.linked = on_linked;
    o.jobs_self = c;
    return koc__go_build(c->plan->ctx, c->plan->settings, c->jobs, c->n, &o, call, err);
}

/* --- the debugger --- */

/* For each platform the debugger is built once: units without one get that of the first unit like them. */
static int build_debuggers(compilation *c, koc__call *call, koc_error **err)
{
    for (size_t i = 0; c->plan->debug && i < c->n; i++) {
        koc__unit *u = c->units[i];
        for (size_t k = 0; k < i && !u->debugger; k++) {
            if (c->units[k]->debugger &&
                koc__platform_equal(c->units[k]->on->platform, u->on->platform)) {
                u->debugger = koc__go_binary_ref(c->units[k]->debugger);
            }
        }
        if (!u->debugger) {
            KOC__TRY(koc__debug_build(c->plan, u->on->platform, call, &u->debugger, err));
        }
        KOC__TRY(u->debugger ? koc__group_add(&c->layers, build_debug_layer, u, err) : KOC_OK);
    }
    return KOC_OK;
}

static int build_all(void *arg, koc__call *call, koc_error **err)
{
    KOC__TRY(build_programs(arg, call, err));
    return build_debuggers(arg, call, err);
}

static int list_units(compilation *c, koc__work *works, size_t n, koc_error **err)
{
    for (size_t i = 0; i < n; i++) {
        c->n += works[i].n_units;
    }
    c->units = koc__calloc(c->n, sizeof(koc__unit *));
    c->jobs = koc__calloc(c->n, sizeof(*c->jobs));
    if (!c->units || !c->jobs) {
        return koc__oom(err);
    }
    size_t job = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < works[i].n_units; k++, job++) {
            koc__unit *u = &works[i].units[k];
            c->units[job] = u;
            c->jobs[job] = (koc__go_job){.target = works[i].target, .platform = u->on->platform};
        }
    }
    return KOC_OK;
}

static void add_times(koc__work *w)
{
    for (size_t i = 0; i < w->n_units; i++) {
        w->build_ms = KOC__MAX(w->build_ms, w->units[i].build_ms);
        w->layers_ms = KOC__MAX(w->layers_ms, w->units[i].layers_ms);
    }
}

int koc__compile(koc__plan *p, koc__work *works, size_t n, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(compilation) c = {.plan = p};
    KOC__TRY(list_units(&c, works, n, err));
    /* One layer at a time: all threads compress it, and each further one costs memory. */
    KOC__TRY(koc__group_begin(&c.layers, call, 1, err));
    KOC__TRY(koc__group_begin(&c.builds, call, 1, err));
    KOC__TRY(koc__group_add(&c.builds, build_all, &c, err));
    KOC__TRY(koc__group_wait_both(&c.builds, &c.layers, err));
    for (size_t i = 0; i < n; i++) {
        add_times(&works[i]);
    }
    return KOC_OK;
}

/* Every distinct platform is one `go build` for all its packages; layers are made as programs get ready. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/hash/digests.h"
#include "core/text.h"
#include "model/model.h"

typedef struct batch { /* all units of one platform */
    koc__plan *plan;
    koc__group *layers; /* where layers are made while go links on */
    int64_t start;
    char *platform;
    koc__unit **units;
    size_t n, capacity;
} batch;

typedef struct batches {
    batch *list;
    size_t n, capacity;
} batches;

static void batches_dispose(batches *all)
{
    for (size_t i = 0; i < all->n; i++) {
        koc__free(all->list[i].platform);
        koc__free(all->list[i].units);
    }
    koc__free(all->list);
}
KOC__DEFINE_AUTO_VAL(batches, batches_dispose);

char *koc__unit_label(const koc__unit *u)
{
    KOC__AUTO_STR platform = koc__platform_str(u->on->platform);
    return platform ? koc__format("%s %s", u->work->app, platform) : NULL;
}

static int batch_for(koc__plan *p, batches *all, const koc_platform *platform, batch **out,
                     koc_error **err)
{
    KOC__AUTO_STR text = koc__platform_str(platform);
    if (!text) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < all->n; i++) {
        if (koc__streq(all->list[i].platform, text)) {
            *out = &all->list[i];
            return KOC_OK;
        }
    }
    if (!koc__grow((void **)&all->list, &all->capacity, all->n + 1, sizeof(*all->list))) {
        return koc__oom(err);
    }
    *out = &all->list[all->n++];
    **out = (batch){.plan = p, .platform = koc__steal(&text)};
    return KOC_OK;
}

static int sort_out(koc__plan *p, koc__work *works, size_t n, batches *all, koc_error **err)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < works[i].n_units; k++) {
            koc__unit *u = &works[i].units[k];
            batch *b = NULL;
            KOC__TRY(batch_for(p, all, u->on->platform, &b, err));
            if (!koc__grow((void **)&b->units, &b->capacity, b->n + 1, sizeof(koc__unit *))) {
                return koc__oom(err);
            }
            b->units[b->n++] = u;
        }
    }
    return KOC_OK;
}

static void log_unit(const koc__unit *u, const koc_layer *layer, const char *what)
{
    koc_ctx *ctx = u->work->plan->ctx;
    if (koc__log_wants(ctx, KOC_LOG_INFO)) {
        const koc_descriptor *d = koc_layer_descriptor(layer);
        KOC__AUTO_STR label = koc__unit_label(u);
        koc__log(ctx, KOC_LOG_INFO, "layer", "%s: %s layer %s, %llu bytes", label ? label : "",
                 what, koc__digest_str(&d->digest).s, (unsigned long long)d->size);
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

static int make_layers(void *unit, koc__call *call, koc_error **err)
{
    koc__unit *u = unit;
    koc__plan *p = u->work->plan;
    const koc__go_layer_options o = layer_options(u);
    int64_t start = koc__monotonic_ms();
    KOC__TRY(koc__go_package_dir(p->ctx, u->work->target, call, err));
    KOC__TRY(koc__go_kodata_layer(p->ctx, u->work->target, &o, call, &u->kodata, err));
    KOC__TRY(koc__go_binary_layer(p->ctx, u->work->target, u->binary, &o, call, &u->app, err));
    u->layers_ms = koc__monotonic_ms() - start;
    log_unit(u, u->kodata, "kodata");
    log_unit(u, u->app, "binary");
    return koc__sends_ready(u, err);
}

static int make_debug_layer(void *unit, koc__call *call, koc_error **err)
{
    koc__unit *u = unit;
    const koc__go_layer_options o = layer_options(u);
    KOC__TRY(koc__debug_layer(u, u->debugger, &o, call, err));
    return koc__sends_ready(u, err);
}

static void tell_unit(const koc__unit *u, int32_t state, koc__call *call)
{
    if (koc__call_wants_progress(call)) {
        KOC__AUTO_STR label = koc__unit_label(u);
        koc__tell(call, KOC_PROGRESS_BUILD, state, label, 0);
    }
}

/* A program is complete: its layers are made beside what go does next. */
static int on_linked(void *self, size_t target, koc__go_binary *binary, koc_error **err)
{
    batch *b = self;
    koc__unit *u = b->units[target];
    u->binary = koc__go_binary_ref(binary);
    u->unchanged = binary->from_cache;
    u->build_ms = koc__monotonic_ms() - b->start;
    koc__log(b->plan->ctx, KOC_LOG_INFO, "golang", "%s %s: %s", u->work->app, b->platform,
             binary->not_asked    ? "no input changed, go was not started"
             : binary->from_cache ? "go had nothing to link, the file of the last build is used"
                                  : "linked");
    tell_unit(u, binary->from_cache ? KOC_STATE_SKIPPED : KOC_STATE_FINISHED, b->layers->call);
    return koc__group_add(b->layers, make_layers, u, err);
}

static int add_debugger(batch *b, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc__go_binary) delve = NULL;
    KOC__TRY(koc__debug_build(b->plan, b->units[0]->on->platform, call, &delve, err));
    for (size_t i = 0; delve && i < b->n; i++) {
        b->units[i]->debugger = koc__go_binary_ref(delve);
        KOC__TRY(koc__group_add(b->layers, make_debug_layer, b->units[i], err));
    }
    return KOC_OK;
}

static int build_batch(void *arg, koc__call *call, koc_error **err)
{
    batch *b = arg;
    koc__go_options o = b->plan->go;
    koc__go_target **targets = koc__calloc(b->n, sizeof(*targets));
    koc__go_binary **binaries = koc__calloc(b->n, sizeof(*binaries));
    int rc = targets && binaries ? KOC_OK : koc__oom(err);
    o.linked = on_linked;
    o.linked_self = b;
    b->start = koc__monotonic_ms();
    for (size_t i = 0; rc == KOC_OK && i < b->n; i++) {
        targets[i] = b->units[i]->work->target;
        tell_unit(b->units[i], KOC_STATE_STARTED, call);
    }
    if (rc == KOC_OK) {
        rc = koc__go_build(b->plan->ctx, b->plan->settings, targets, b->n,
                           b->units[0]->on->platform, &o, call, binaries, err);
    }
    rc = rc == KOC_OK ? add_debugger(b, call, err) : rc;
    for (size_t i = 0; binaries && i < b->n; i++) {
        koc__go_binary_free(binaries[i]); /* the units have references of their own */
    }
    koc__free(targets);
    koc__free(binaries);
    return rc;
}

static void add_up(koc__work *w)
{
    for (size_t i = 0; i < w->n_units; i++) {
        w->build_ms = KOC__MAX(w->build_ms, w->units[i].build_ms);
        w->layers_ms = KOC__MAX(w->layers_ms, w->units[i].layers_ms);
    }
}

int koc__compile(koc__plan *p, koc__work *works, size_t n, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(batches) all = {0};
    KOC__TRY(sort_out(p, works, n, &all, err));
    unsigned at_once = p->o.jobs > 0 ? (unsigned)p->o.jobs : p->ctx->threads;
    KOC__AUTO_VAL(koc__group) layers = {0};
    KOC__AUTO_VAL(koc__group) builds = {0};
    /* One layer at a time is enough: it is compressed by all threads, and costs memory. */
    KOC__TRY(koc__group_begin(&layers, call, 1, err));
    KOC__TRY(koc__group_begin(&builds, call, at_once, err));
    for (size_t i = 0; i < all.n; i++) {
        all.list[i].layers = &layers;
        KOC__TRY(koc__group_add(&builds, build_batch, &all.list[i], err));
    }
    KOC__TRY(koc__group_wait_both(&builds, &layers, err));
    for (size_t i = 0; i < n; i++) {
        add_up(&works[i]);
    }
    return KOC_OK;
}

/* Every distinct platform is one `go build` for all its packages; the layers follow at once. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/digests.h"
#include "core/text.h"
#include "model/model.h"

typedef struct batch { /* all units of one platform */
    koc__plan *plan;
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

static int make_layers(koc__unit *u, koc__go_binary *delve, koc__op *op, koc_error **err)
{
    koc__plan *p = u->work->plan;
    koc__go_layer_options o = {
        .platform = u->on->platform,
        .format = u->work->base->docker ? KOC_FORMAT_DOCKER : KOC_FORMAT_OCI,
        .compression = p->o.compression,
        .level = p->o.level,
    };
    int64_t start = koc__monotonic_ms();
    KOC__TRY(koc__go_package_dir(p->ctx, u->work->target, op, err));
    KOC__TRY(koc__go_kodata_layer(p->ctx, u->work->target, &o, op, &u->kodata, err));
    KOC__TRY(koc__go_binary_layer(p->ctx, u->work->target, u->binary, &o, op, &u->app, err));
    if (delve) {
        KOC__TRY(koc__debug_layer(u, delve, &o, op, err));
    }
    u->work->layers_ms = KOC__MAX(u->work->layers_ms, koc__monotonic_ms() - start);
    log_unit(u, u->kodata, "kodata");
    log_unit(u, u->app, "binary");
    return KOC_OK;
}

static void tell_batch(const batch *b, int32_t state, koc__op *op)
{
    for (size_t i = 0; i < b->n && koc__op_wants_progress(op); i++) {
        const koc__unit *u = b->units[i];
        KOC__AUTO_STR label = koc__unit_label(u);
        bool skipped = state == KOC_STATE_FINISHED && u->binary && u->binary->from_cache;
        koc__tell(op, KOC_PROGRESS_BUILD, skipped ? KOC_STATE_SKIPPED : state, label, 0);
    }
}

static int build_batch(void *arg, koc__op *op, koc_error **err)
{
    batch *b = arg;
    koc__go_target **targets = koc__calloc(b->n, sizeof(*targets));
    koc__go_binary **binaries = koc__calloc(b->n, sizeof(*binaries));
    int rc = targets && binaries ? KOC_OK : koc__oom(err);
    int64_t start = koc__monotonic_ms();
    for (size_t i = 0; rc == KOC_OK && i < b->n; i++) {
        targets[i] = b->units[i]->work->target;
    }
    if (rc == KOC_OK) {
        tell_batch(b, KOC_STATE_STARTED, op);
        rc = koc__go_build(b->plan->ctx, b->plan->settings, targets, b->n,
                           b->units[0]->on->platform, &b->plan->go, op, binaries, err);
    }
    for (size_t i = 0; rc == KOC_OK && i < b->n; i++) {
        b->units[i]->binary = binaries[i];
        b->units[i]->unchanged = binaries[i]->from_cache;
        koc__log(
            b->plan->ctx, KOC_LOG_INFO, "golang", "%s %s: %s", b->units[i]->work->app, b->platform,
            binaries[i]->not_asked    ? "no input changed, go was not started"
            : binaries[i]->from_cache ? "go had nothing to link, the file of the last build is used"
                                      : "linked");
        b->units[i]->work->build_ms =
            KOC__MAX(b->units[i]->work->build_ms, koc__monotonic_ms() - start);
    }
    koc__free(targets);
    koc__free(binaries);
    if (rc == KOC_OK) {
        tell_batch(b, KOC_STATE_FINISHED, op);
    }
    return rc;
}

static int layers_of_batch(void *arg, koc__op *op, koc_error **err)
{
    batch *b = arg;
    KOC__AUTO(koc__go_binary) delve = NULL;
    KOC__TRY(build_batch(b, op, err));
    KOC__TRY(koc__debug_build(b->plan, b->units[0]->on->platform, op, &delve, err));
    for (size_t i = 0; i < b->n; i++) {
        KOC__TRY(make_layers(b->units[i], delve, op, err));
    }
    return KOC_OK;
}

int koc__compile(koc__plan *p, koc__work *works, size_t n, koc__op *op, koc_error **err)
{
    KOC__AUTO_VAL(batches) all = {0};
    KOC__TRY(sort_out(p, works, n, &all, err));
    unsigned at_once = p->o.jobs > 0 ? (unsigned)p->o.jobs : p->ctx->threads;
    KOC__AUTO_VAL(koc__group) group = {0};
    KOC__TRY(koc__group_begin(&group, op, at_once, err));
    for (size_t i = 0; i < all.n; i++) {
        KOC__TRY(koc__group_add(&group, layers_of_batch, &all.list[i], err));
    }
    return koc__group_wait(&group, err);
}

/* koc_publish: runs the steps of a build and collects one reference for each package. */
#include "core/common.h"

#include "publish/publish.h"

#include "core/io/cache.h"
#include "core/text.h"

struct koc_published {
    koc_strlist *references;
    koc_strlist *import_paths;
    koc_strlist *sboms; /* files, "" for none */
    koc_strlist *warnings;
    koc_strlist *inputs; /* NULL: not requested, or not known */
    koc_buf report, timings;
};

void koc_published_free(koc_published *p)
{
    if (!p) {
        return;
    }
    koc_strlist_free(p->references);
    koc_strlist_free(p->import_paths);
    koc_strlist_free(p->sboms);
    koc_strlist_free(p->warnings);
    koc_strlist_free(p->inputs);
    koc_buf_dispose(&p->report);
    koc_buf_dispose(&p->timings);
    koc__free(p);
}
KOC__DEFINE_AUTO(koc_published, koc_published_free);

/* --- everything of one call --- */

static void work_dispose(koc__work *w)
{
    for (size_t i = 0; w->sboms && i < w->sboms_capacity; i++) { /* also the one that failed */
        koc__push_free(w->sboms[i].push);
        koc_image_unref(w->sboms[i].artifact);
        koc_reference_unref(w->sboms[i].target);
        koc_buf_dispose(&w->sboms[i].text);
        koc__free(w->sboms[i].file_name);
    }
    koc__free(w->sboms);
    koc__push_free(w->push);
    koc_reference_unref(w->to);
    koc__work_reset(w);
    koc_index_unref(w->index);
    koc__free(w->app);
    koc__free(w->name);
    koc__free(w->printed);
}

static void run_dispose(koc__run *r)
{
    for (size_t i = 0; i < r->n_works; i++) {
        work_dispose(&r->works[i]);
    }
    koc__free(r->works);
    for (size_t i = 0; i < r->n_bases; i++) {
        koc__base_free(r->bases[i]);
    }
    koc__free(r->bases);
    koc__go_targets_free(r->targets);
    koc__plan_free(r->plan);
}
KOC__DEFINE_AUTO_VAL(koc__run, run_dispose);

static int base_for(koc__run *r, const char *import_path, koc__base **out, koc_error **err)
{
    KOC__AUTO(koc__base) b = NULL;
    KOC__TRY(koc__base_of(r->plan, import_path, &b, err));
    for (size_t i = 0; i < r->n_bases; i++) {
        if (koc__streq(r->bases[i]->name, b->name)) {
            *out = r->bases[i];
            return KOC_OK;
        }
    }
    size_t capacity = r->n_bases;
    if (!koc__grow((void **)&r->bases, &capacity, r->n_bases + 1, sizeof(koc__base *))) {
        return koc__oom(err);
    }
    *out = r->bases[r->n_bases++] = koc__steal(&b);
    return KOC_OK;
}

/* An image without a destination keeps upper case in its name (ko's quirk Q14). */
static int name_work(const koc__run *r, koc__work *w, koc_error **err)
{
    const koc__plan *p = r->plan;
    bool lower = p->to_registry || p->o.tarball || p->layout_path || p->local;
    w->app = koc__name_app(w->target->import_path);
    if (!w->app) {
        return koc__oom(err);
    }
    return koc__name_image(koc__namer_of(p->o.flags), p->repository, w->target->import_path, lower,
                           &w->name, err);
}

static int create_works(koc__run *r, koc_error **err)
{
    r->works = koc__calloc(r->targets->count, sizeof(*r->works));
    if (!r->works) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < r->targets->count; i++) {
        koc__work *w = &r->works[r->n_works++];
        w->plan = r->plan;
        atomic_flag_clear(&w->push_reported);
        w->target = r->targets->items[i];
        KOC__TRY(base_for(r, w->target->import_path, &w->base, err));
        KOC__TRY(name_work(r, w, err));
    }
    return KOC_OK;
}

/* With base import paths two packages can get the same name: each keeps its digest, the tags go to the last one. */
static int warn_same_names(koc__run *r, koc_error **err)
{
    if (koc__namer_of(r->plan->o.flags) != KOC__NAME_BASE) {
        return KOC_OK;
    }
    for (size_t i = 0; i < r->n_works; i++) {
        for (size_t k = 0; k < i; k++) {
            if (koc__streq(r->works[i].name, r->works[k].name)) {
                KOC__TRY(koc__strlist_addf(
                    r->plan->warnings, err,
                    "%s and %s both become %s; their whole import paths would differ",
                    r->works[k].target->import_path, r->works[i].target->import_path,
                    r->works[i].name));
            }
        }
    }
    return KOC_OK;
}

static int report_published(void *arg, koc_error **err)
{
    const koc__work *w = arg;
    const koc_publish_options *o = &w->plan->o;
    const koc_strlist *spellings = w->target->spellings;
    int answer = o->published(w->target->import_path, w->printed, o->published_payload);
    for (size_t i = 0; answer == 0 && i < koc_strlist_count(spellings); i++) {
        answer = o->published(koc_strlist_get(spellings, i), w->printed, o->published_payload);
    }
    return answer == 0 ? KOC_OK : koc__error(err, KOC_EUSER, "ended by the caller");
}

static int finish_work(void *arg, koc__call *call, koc_error **err)
{
    koc__work *w = arg;
    const koc__plan *p = w->plan;
    if (!p->to_registry) { /* early_push.c has done it for a registry */
        koc__report_image(w, 0, call, KOC_STATE_STARTED);
        KOC__TRY(koc__assemble(w, call, err));
        KOC__TRY(!p->local || p->o.sbom_dir ? koc__sboms_create(w, call, err) : KOC_OK);
    }
    KOC__TRY(koc__output(w, call, err));
    for (size_t i = 0; i < w->n_units; i++) {
        koc__fingerprint_record(&w->units[i], call);
    }
    return p->o.published ? koc__call_on_caller(call, report_published, w, err) : KOC_OK;
}

static int finish_works(koc__run *r, koc__call *call, koc_error **err)
{
    KOC__AUTO_VAL(koc__group) group = {0};
    if (r->n_works == 1) { /* the usual case needs no thread */
        KOC__TRY(finish_work(&r->works[0], call, err));
        return koc__output_together(r->plan, r->works, r->n_works, call, err);
    }
    KOC__TRY(koc__group_begin(&group, call, 8, err));
    for (size_t i = 0; i < r->n_works; i++) {
        KOC__TRY(koc__group_add(&group, finish_work, &r->works[i], err));
    }
    KOC__TRY(koc__group_wait(&group, err));
    return koc__output_together(r->plan, r->works, r->n_works, call, err);
}

static int collect(const koc__run *r, int64_t total_ms, koc_published **out, koc_error **err)
{
    KOC__AUTO(koc_published) p = koc__calloc(1, sizeof(*p));
    if (!p) {
        return koc__oom(err);
    }
    KOC__TRY(koc__strlist_new(&p->references, err));
    KOC__TRY(koc__strlist_new(&p->import_paths, err));
    KOC__TRY(koc__strlist_new(&p->sboms, err));
    for (size_t i = 0; i < r->n_works; i++) {
        KOC__TRY(koc__work_list_sbom(&r->works[i], p->sboms, err));
        KOC__TRY(koc__strlist_add(p->references, r->works[i].printed, err));
        KOC__TRY(koc__strlist_add(p->import_paths, r->works[i].target->import_path, err));
    }
    KOC__TRY(koc__report(r->plan, r->works, r->n_works, total_ms, &p->report, err));
    KOC__TRY(koc__timings_text(r->plan, r->works, r->n_works, &p->timings, err));
    if (r->plan->go.inputs) {
        KOC__TRY(koc__published_paths(r->plan, r->works, r->n_works, &p->inputs, err));
    }
    p->warnings = koc__steal(&r->plan->warnings);
    *out = koc__steal(&p);
    return KOC_OK;
}

static int publish(koc_ctx *ctx, const koc_publish_options *o, koc__call *call, koc_published **out,
                   koc_error **err)
{
    static const char *const here[] = {".", NULL};
    const int64_t start = koc__monotonic_ns();
    int64_t lap = start;
    KOC__AUTO_VAL(koc__run) r = {0};
    KOC__TRY(koc__plan_new(ctx, o, &r.plan, err));
    KOC__TRY(koc__output_local_prepare(r.plan, call, err));
    koc__timings *t = &r.plan->times;
    t->settings = koc__lap(&lap);
    const char *const *args = r.plan->o.import_paths;
    args = args && args[0] ? args : here;
    KOC__TRY(koc__go_targets_find(ctx, r.plan->settings, koc_strlist_get(r.plan->platforms, 0),
                                  args, call, &r.targets, err));
    KOC__TRY(koc__plan_add_warnings(r.plan, r.targets->warnings, err));
    KOC__TRY(create_works(&r, err));
    KOC__TRY(warn_same_names(&r, err));
    t->packages = koc__lap(&lap);
    KOC__TRY(koc__run_builds(&r, call, err));
    lap = r.compiled_at;
    KOC__TRY(finish_works(&r, call, err));
    KOC__TRY(koc__warn_loaders(r.plan, r.works, r.n_works, err));
    t->images = koc__lap(&lap);
    t->total = lap - start;
    koc__cache_tidy(ctx->cache);
    return collect(&r, t->total / 1000000, out, err);
}

/* A cache that is full, damaged or gone costs time, not the build: builds again without it. */
static int publish_without_cache(koc_ctx *ctx, const koc_publish_options *o, koc__call *call,
                                 koc_error **failure, koc_published **out, koc_error **err)
{
    koc__log(ctx, KOC_LOG_WARN, "cache", "continuing without the cache: %s",
             koc_error_message(*failure));
    koc_error_free(koc__steal(failure));
    koc__cache_set_off(ctx->cache, true);
    int rc = publish(ctx, o, call, out, err);
    koc__cache_set_off(ctx->cache, false);
    return rc;
}

int koc_publish(koc_ctx *ctx, const koc_publish_options *o, const koc_op *user, koc_published **out,
                koc_error **err)
{
    if (!ctx || !out) {
        return koc__misuse(err, "koc_publish: ctx and out must be given");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, ctx, user, err));
    koc_error *why = NULL;
    int rc = publish(ctx, o, &call, out, &why);
    if (rc == KOC_OK) {
        return KOC_OK;
    }
    if (rc != KOC_ECANCELLED && koc__cache_is_to_blame(ctx->cache, why)) {
        return publish_without_cache(ctx, o, &call, &why, out, err);
    }
    return koc__error_move(err, &why);
}

size_t koc_published_count(const koc_published *p)
{
    return p ? koc_strlist_count(p->references) : 0;
}

const char *koc_published_reference(const koc_published *p, size_t i)
{
    return p ? koc_strlist_get(p->references, i) : NULL;
}

const char *koc_published_import_path(const koc_published *p, size_t i)
{
    return p ? koc_strlist_get(p->import_paths, i) : NULL;
}

const char *koc_published_sbom(const koc_published *p, size_t i)
{
    const char *path = p ? koc_strlist_get(p->sboms, i) : NULL;
    return path && *path ? path : NULL;
}

koc_str koc_published_report(const koc_published *p)
{
    return p ? (koc_str){p->report.ptr, p->report.len} : (koc_str){NULL, 0};
}

koc_str koc_published_timings(const koc_published *p)
{
    return p ? (koc_str){p->timings.ptr, p->timings.len} : (koc_str){NULL, 0};
}

const koc_strlist *koc_published_warnings(const koc_published *p)
{
    return p ? p->warnings : NULL;
}

const koc_strlist *koc_published_inputs(const koc_published *p)
{
    return p ? p->inputs : NULL;
}

/*
 * What a build does in parallel. Each base is assumed to be what it was at the last lookup, so that the compile need
 * not wait for a registry; if the tag has moved, the units are dropped and built again, which the caches make cheap.
 * Push permission is checked when the first go build is about to start.
 */
#include "core/common.h"

#include <stdatomic.h>

#include "publish/publish.h"

#include "core/text.h"
#include "model/model.h"

enum { AT_ONCE = 32 };

typedef struct schedule schedule;

typedef struct base_lookup {
    schedule *schedule;
    koc__base *base; /* NULL: not in a registry */
    int64_t took;
} base_lookup;

typedef struct target_lookup { /* of one image */
    schedule *schedule;
    koc__work *work;
} target_lookup;

struct schedule {
    koc__run *run;
    koc__group group;
    koc__early_pushes pushes; /* begun if a destination is a registry */
    base_lookup *bases;
    size_t n_bases;
    target_lookup *targets;
    size_t n_targets;
    bool recalled;       /* the compile uses the bases of the last lookup */
    atomic_uint pending; /* lookups without an answer, and one more until all are added */
    int64_t compile_took;
    atomic_flag push_checked;
};

static void schedule_dispose(schedule *s)
{
    koc__group_end(&s->group); /* its tasks add to pushes */
    koc__early_pushes_end(&s->pushes);
    for (size_t i = 0; i < s->n_bases; i++) {
        koc__base_free(s->bases[i].base);
    }
    koc__free(s->bases);
    koc__free(s->targets);
}
KOC__DEFINE_AUTO_VAL(schedule, schedule_dispose);

/* --- units --- */

void koc__work_reset(koc__work *w)
{
    for (size_t i = 0; i < w->n_units; i++) {
        koc__go_binary_free(w->units[i].binary);
        koc__go_binary_free(w->units[i].debugger);
        koc_layer_unref(w->units[i].kodata);
        koc_layer_unref(w->units[i].app);
        koc_layer_unref(w->units[i].delve);
        koc_image_unref(w->units[i].image);
    }
    koc__free(w->units);
    w->units = NULL;
    w->n_units = 0;
}

static int create_units(koc__run *r, koc_error **err)
{
    for (size_t i = 0; i < r->n_works; i++) {
        koc__work *w = &r->works[i];
        w->units = koc__calloc(w->base->n_items, sizeof(*w->units));
        if (!w->units) {
            return koc__oom(err);
        }
        w->n_units = w->base->n_items;
        for (size_t k = 0; k < w->n_units; k++) {
            w->units[k].work = w;
            w->units[k].on = &w->base->items[k];
        }
        KOC__TRY(koc__output_local_choose(w, err));
        if (r->plan->o.tarball && w->n_units > 1) {
            return koc__error_option(
                err, "tarball",
                "%s would have %zu platforms, a docker archive holds one; write an OCI layout, "
                "or name one platform",
                w->app, w->n_units);
        }
    }
    return KOC_OK;
}

/* --- bases --- */

/* Replaces a base by b and drops the units that were compiled on it. */
static void replace_base(koc__run *r, size_t i, koc__base *b)
{
    for (size_t k = 0; k < r->n_works; k++) {
        koc__work *w = &r->works[k];
        if (w->base == r->bases[i]) {
            w->base = b;
            koc__work_reset(w);
        }
    }
    koc__base_free(r->bases[i]);
    r->bases[i] = b;
}

/* *known false: at least one base must be looked up before the compile; no remote base is open then. */
static int recall_bases(koc__run *r, koc__call *call, bool *known, koc_error **err)
{
    *known = r->plan->ctx->cache && !r->plan->go.force;
    for (size_t i = 0; i < r->n_bases; i++) {
        if (!koc__base_is_remote(r->bases[i])) {
            KOC__TRY(koc__base_open(r->plan, r->bases[i], call, err));
        } else if (*known && koc__base_recall(r->plan, r->bases[i], call, NULL) != KOC_OK) {
            *known = false;
        }
    }
    KOC__TRY(koc__call_check(call, err));
    for (size_t i = 0; !*known && i < r->n_bases; i++) {
        koc__base *fresh = NULL;
        if (koc__base_is_remote(r->bases[i])) {
            KOC__TRY(koc__base_copy_unopened(r->bases[i], &fresh, err));
            replace_base(r, i, fresh);
        }
    }
    return KOC_OK;
}

/* Whether a lookup found another base than the one that the units were built on. */
static bool have_bases_moved(const schedule *s)
{
    for (size_t i = 0; i < s->n_bases; i++) {
        const koc__base *now = s->bases[i].base, *then = s->run->bases[i];
        if (now &&
            (!koc_digest_equal(&now->digest, &then->digest) || now->n_items != then->n_items)) {
            return true;
        }
    }
    return false;
}

/* --- lookups --- */

/* The last answer allows the early pushes, unless the units must be built again. */
static int lookup_done(schedule *s, koc_error **err)
{
    bool last = atomic_fetch_sub(&s->pending, 1) == 1;
    return last && s->recalled && !have_bases_moved(s) ? koc__early_pushes_allow(&s->pushes, err)
                                                       : KOC_OK;
}

static int look_up_base(void *arg, koc__call *call, koc_error **err)
{
    base_lookup *l = arg;
    int64_t since = koc__monotonic_ns();
    KOC__TRY(koc__base_open(l->schedule->run->plan, l->base, call, err));
    l->took = koc__lap(&since);
    return lookup_done(l->schedule, err);
}

static int look_up_target(void *arg, koc__call *call, koc_error **err)
{
    target_lookup *l = arg;
    KOC__TRY(koc__target_state_fetch(l->work, call, err));
    return lookup_done(l->schedule, err);
}

/* A lookup opens a base of its own: those of the run may be in use. */
static int create_lookups(schedule *s, koc_error **err)
{
    koc__run *r = s->run;
    s->bases = koc__calloc(r->n_bases, sizeof(*s->bases));
    s->targets = koc__calloc(r->n_works, sizeof(*s->targets));
    if (!s->bases || !s->targets) {
        return koc__oom(err);
    }
    for (; s->n_bases < r->n_bases; s->n_bases++) {
        base_lookup *l = &s->bases[s->n_bases];
        l->schedule = s;
        if (koc__base_is_remote(r->bases[s->n_bases])) {
            KOC__TRY(koc__base_copy_unopened(r->bases[s->n_bases], &l->base, err));
        }
    }
    bool asks_target = r->plan->to_registry && r->plan->ctx->cache && !r->plan->go.force;
    for (; asks_target && s->n_targets < r->n_works; s->n_targets++) {
        s->targets[s->n_targets] = (target_lookup){s, &r->works[s->n_targets]};
    }
    return KOC_OK;
}

static int add_lookups(schedule *s, koc_error **err)
{
    KOC__TRY(create_lookups(s, err));
    for (size_t i = 0; i < s->n_bases; i++) {
        if (s->bases[i].base) {
            atomic_fetch_add(&s->pending, 1);
            KOC__TRY(koc__group_add(&s->group, look_up_base, &s->bases[i], err));
        }
    }
    for (size_t i = 0; i < s->n_targets; i++) {
        atomic_fetch_add(&s->pending, 1);
        KOC__TRY(koc__group_add(&s->group, look_up_target, &s->targets[i], err));
    }
    return lookup_done(s, err);
}

static void replace_remote_bases(schedule *s)
{
    for (size_t i = 0; i < s->n_bases; i++) {
        koc__base *now = koc__steal(&s->bases[i].base);
        if (now) {
            replace_base(s->run, i, now);
        }
    }
}

/* --- push permission --- */

static int check_push(void *work, koc__call *call, koc_error **err)
{
    koc__work *w = work;
    KOC__AUTO(koc_reference) repository = NULL;
    KOC__TRY(koc__reference_parse_repository(w->name, &repository, err));
    return koc__client_check_push(w->plan->client, repository, call, err);
}

static bool is_first_of_name(const koc__run *r, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (koc__streq(r->works[k].name, r->works[i].name)) {
            return false;
        }
    }
    return true;
}

/* A go build is about to start: a denied push fails now, not after the compile. Without a compile the push itself is as
 * early. */
static void on_starting(void *self)
{
    schedule *s = self;
    if (!s->run->plan->to_registry || atomic_flag_test_and_set(&s->push_checked)) {
        return;
    }
    for (size_t i = 0; i < s->run->n_works; i++) {
        if (is_first_of_name(s->run, i)) { /* if this fails, the push finds out */
            (void)koc__group_add(&s->group, check_push, &s->run->works[i], NULL);
        }
    }
}

/* --- all of it --- */

static int compile(void *arg, koc__call *call, koc_error **err)
{
    schedule *s = arg;
    int64_t since = koc__monotonic_ns();
    int rc = koc__compile(s->run->plan, s->run->works, s->run->n_works, call, err);
    s->compile_took += koc__lap(&since);
    s->run->compiled_at = since;
    return rc;
}

static int add_compile(schedule *s, koc_error **err)
{
    KOC__TRY(create_units(s->run, err));
    if (s->pushes.group.live) {
        KOC__TRY(koc__early_pushes_expect(&s->pushes, err));
    }
    return koc__group_add(&s->group, compile, s, err);
}

static int wait_for_all(schedule *s, koc_error **err)
{
    return s->pushes.group.live ? koc__group_wait_both(&s->group, &s->pushes.group, err)
                                : koc__group_wait(&s->group, err);
}

static int run_all(schedule *s, koc__call *call, koc_error **err)
{
    KOC__TRY(recall_bases(s->run, call, &s->recalled, err));
    if (s->recalled) {
        KOC__TRY(add_compile(s, err));
    }
    KOC__TRY(add_lookups(s, err));
    KOC__TRY(wait_for_all(s, err));
    if (s->recalled && !have_bases_moved(s)) {
        return KOC_OK;
    }
    for (size_t i = 0; s->recalled && i < s->run->n_works; i++) { /* those answers are stale */
        koc__work_reset(&s->run->works[i]);
        s->run->works[i].target_state = (koc__target_state){0};
    }
    replace_remote_bases(s);
    KOC__TRY(koc__early_pushes_allow(&s->pushes, err));
    KOC__TRY(add_compile(s, err));
    return wait_for_all(s, err);
}

int koc__run_builds(koc__run *r, koc__call *call, koc_error **err)
{
    koc__timings *t = &r->plan->times;
    KOC__AUTO_VAL(schedule) s = {.run = r, .push_checked = ATOMIC_FLAG_INIT, .pending = 1};
    r->plan->go.starting = on_starting;
    r->plan->go.starting_self = &s;
    KOC__TRY(koc__group_begin(&s.group, call, AT_ONCE, err));
    if (r->plan->to_registry) {
        KOC__TRY(koc__early_pushes_begin(&s.pushes, r, call, err));
    }
    KOC__TRY(run_all(&s, call, err));
    r->plan->go.starting = NULL; /* s ends here, the plan does not */
    for (size_t i = 0; i < s.n_bases; i++) {
        t->bases = KOC__MAX(t->bases, s.bases[i].took);
    }
    t->build = s.compile_took;
    return koc__debug_warn(r->plan, r->works, r->n_works, err);
}

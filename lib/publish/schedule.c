/*
 * What goes on at the same time. A base is taken to be what it was last time, so that the compile need not wait
 * for a registry; should it have moved, what was compiled is dropped and made again, which go and the cache
 * have ready by then. As soon as a go is about to start, one asks whether what it makes may be pushed.
 */
#include "core/common.h"

#include <stdatomic.h>

#include "publish/publish.h"

#include "core/text.h"
#include "model/model.h"

enum { AT_ONCE = 32 };

typedef struct start start;

typedef struct lookup { /* one base */
    start *start;
    koc__base *base;
    int64_t took;
} lookup;

typedef struct ahead { /* one image at the target */
    start *start;
    koc__work *work;
} ahead;

struct start {
    koc__run *run;
    koc__group group;
    koc__sends sends; /* begun when something goes to a registry */
    lookup *lookups;
    size_t n_lookups;
    ahead *aheads;
    size_t n_aheads;
    bool known;          /* one compiles for the bases of last time */
    atomic_uint unknown; /* questions without an answer, and one until all are asked */
    int64_t compile_took;
    atomic_flag asked; /* whether pushing is allowed */
};

static void start_dispose(start *s)
{
    koc__group_end(&s->group); /* its tasks add to sends */
    koc__sends_end(&s->sends);
    for (size_t i = 0; i < s->n_lookups; i++) {
        koc__base_free(s->lookups[i].base);
    }
    koc__free(s->lookups);
    koc__free(s->aheads);
}
KOC__DEFINE_AUTO_VAL(start, start_dispose);

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

static int make_units(koc__run *r, koc_error **err)
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

/* Puts b in the place of a base. What was compiled on that is dropped. */
static void put_base(koc__run *r, size_t i, koc__base *b)
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

/* *known false: at least one base must be asked for before it can be built on; none of the remote ones is open
 * then. */
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
            KOC__TRY(koc__base_again(r->bases[i], &fresh, err));
            put_base(r, i, fresh);
        }
    }
    return KOC_OK;
}

/* Whether a base is not what was built on. */
static bool have_moved(const start *s)
{
    for (size_t i = 0; i < s->n_lookups; i++) {
        const koc__base *now = s->lookups[i].base, *then = s->run->bases[i];
        if (now &&
            (!koc_digest_equal(&now->digest, &then->digest) || now->n_items != then->n_items)) {
            return true;
        }
    }
    return false;
}

/* The last answer lets out what is complete, unless it must be made again. */
static int answered(start *s, koc_error **err)
{
    bool last = atomic_fetch_sub(&s->unknown, 1) == 1;
    return last && s->known && !have_moved(s) ? koc__sends_allow(&s->sends, err) : KOC_OK;
}

static int look_up(void *arg, koc__call *call, koc_error **err)
{
    lookup *l = arg;
    int64_t since = koc__monotonic_ns();
    KOC__TRY(koc__base_open(l->start->run->plan, l->base, call, err));
    l->took = koc__lap(&since);
    return answered(l->start, err);
}

/* What the target has of every image. */
static int look_ahead(void *arg, koc__call *call, koc_error **err)
{
    ahead *a = arg;
    KOC__TRY(koc__ahead_task(a->work, call, err));
    return answered(a->start, err);
}

/* Bases are opened beside those of the run, which stay as they are. */
static int make_questions(start *s, koc_error **err)
{
    koc__run *r = s->run;
    s->lookups = koc__calloc(r->n_bases, sizeof(*s->lookups));
    s->aheads = koc__calloc(r->n_works, sizeof(*s->aheads));
    if (!s->lookups || !s->aheads) {
        return koc__oom(err);
    }
    for (; s->n_lookups < r->n_bases; s->n_lookups++) {
        lookup *l = &s->lookups[s->n_lookups];
        l->start = s;
        if (koc__base_is_remote(r->bases[s->n_lookups])) {
            KOC__TRY(koc__base_again(r->bases[s->n_lookups], &l->base, err));
        }
    }
    bool asks = r->plan->to_registry && r->plan->ctx->cache && !r->plan->go.force;
    for (; asks && s->n_aheads < r->n_works; s->n_aheads++) {
        s->aheads[s->n_aheads].start = s;
        s->aheads[s->n_aheads].work = &r->works[s->n_aheads];
    }
    return KOC_OK;
}

/* Adds what asks registries. */
static int ask(start *s, koc_error **err)
{
    KOC__TRY(make_questions(s, err));
    for (size_t i = 0; i < s->n_lookups; i++) {
        if (s->lookups[i].base) {
            atomic_fetch_add(&s->unknown, 1);
            KOC__TRY(koc__group_add(&s->group, look_up, &s->lookups[i], err));
        }
    }
    for (size_t i = 0; i < s->n_aheads; i++) {
        atomic_fetch_add(&s->unknown, 1);
        KOC__TRY(koc__group_add(&s->group, look_ahead, &s->aheads[i], err));
    }
    return answered(s, err);
}

/* Puts the bases that were looked up into the place of those that are not known, or have moved. */
static void take_bases(start *s)
{
    for (size_t i = 0; i < s->n_lookups; i++) {
        koc__base *now = koc__steal(&s->lookups[i].base);
        if (now) {
            put_base(s->run, i, now);
        }
    }
}

/* --- the right to push --- */

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

/* A go starts. To be refused now is better than after the compile; where nothing is compiled, the push itself
 * is as soon. */
static void on_starting(void *self)
{
    start *s = self;
    if (!s->run->plan->to_registry || atomic_flag_test_and_set(&s->asked)) {
        return;
    }
    for (size_t i = 0; i < s->run->n_works; i++) {
        if (is_first_of_name(s->run, i)) { /* one that cannot be asked here is asked by the push */
            (void)koc__group_add(&s->group, check_push, &s->run->works[i], NULL);
        }
    }
}

/* --- the whole --- */

static int compile(void *arg, koc__call *call, koc_error **err)
{
    start *s = arg;
    int64_t since = koc__monotonic_ns();
    int rc = koc__compile(s->run->plan, s->run->works, s->run->n_works, call, err);
    s->compile_took += koc__lap(&since);
    s->run->compiled_at = since;
    return rc;
}

static int add_compile(start *s, koc_error **err)
{
    KOC__TRY(make_units(s->run, err));
    if (s->sends.group.live) {
        KOC__TRY(koc__sends_expect(&s->sends, err));
    }
    return koc__group_add(&s->group, compile, s, err);
}

static int wait_for_all(start *s, koc_error **err)
{
    return s->sends.group.live ? koc__group_wait_both(&s->group, &s->sends.group, err)
                               : koc__group_wait(&s->group, err);
}

static int run_all(start *s, koc__call *call, koc_error **err)
{
    KOC__TRY(recall_bases(s->run, call, &s->known, err));
    if (s->known) {
        KOC__TRY(add_compile(s, err));
    }
    KOC__TRY(ask(s, err));
    KOC__TRY(wait_for_all(s, err));
    if (s->known && !have_moved(s)) {
        return KOC_OK;
    }
    for (size_t i = 0; s->known && i < s->run->n_works; i++) { /* those answers have become old */
        koc__work_reset(&s->run->works[i]);
        s->run->works[i].ahead = (koc__ahead){0};
    }
    take_bases(s);
    KOC__TRY(koc__sends_allow(&s->sends, err));
    KOC__TRY(add_compile(s, err));
    return wait_for_all(s, err);
}

int koc__start(koc__run *r, koc__call *call, koc_error **err)
{
    koc__timings *t = &r->plan->times;
    KOC__AUTO_VAL(start) s = {.run = r, .asked = ATOMIC_FLAG_INIT, .unknown = 1};
    r->plan->go.starting = on_starting;
    r->plan->go.starting_self = &s;
    KOC__TRY(koc__group_begin(&s.group, call, AT_ONCE, err));
    if (r->plan->to_registry) {
        KOC__TRY(koc__sends_begin(&s.sends, r, call, err));
    }
    KOC__TRY(run_all(&s, call, err));
    for (size_t i = 0; i < s.n_lookups; i++) {
        t->bases = KOC__MAX(t->bases, s.lookups[i].took);
    }
    t->build = s.compile_took;
    return koc__debug_warn(r->plan, r->works, r->n_works, err);
}

/* Groups jobs into as few runs of `go build` as possible. */
#include "core/common.h"

#include "core/path.h"
#include "golang/go_build.h"
#include "golang/go_command.h"
#include "model/model.h"

void koc__go_unit_dispose(koc__go_unit *u)
{
    koc_strlist_free(u->env);
    koc_strlist_free(u->args);
    koc_strlist_free(u->raw);
    koc__free(u->name);
    koc__free(u->platform_text);
    koc__go_binary_free(u->binary);
}

typedef struct plan {
    koc__go_unit *units;
    size_t n;
    koc__go_batch *batches;
    size_t n_batches;
} plan;

static void plan_dispose(plan *p)
{
    for (size_t i = 0; i < p->n_batches; i++) {
        koc__free(p->batches[i].units);
        koc__free(p->batches[i].dir);
        koc__go_lock_unref(p->batches[i].lock);
    }
    for (size_t i = 0; p->units && i < p->n; i++) {
        koc__go_unit_dispose(&p->units[i]);
    }
    koc__free(p->batches);
    koc__free(p->units);
}
KOC__DEFINE_AUTO_VAL(plan, plan_dispose);

/* "v2" and higher: go names the program after the path element before it. */
static bool is_version(koc_str element)
{
    if (element.len < 2 || element.ptr[0] != 'v' || element.ptr[1] == '0' ||
        koc__str_is(element, "v1")) {
        return false;
    }
    for (size_t i = 1; i < element.len; i++) {
        if (element.ptr[i] < '0' || element.ptr[i] > '9') {
            return false;
        }
    }
    return true;
}

static char *program_name(const char *package_path)
{
    koc_str path = koc__str(package_path);
    koc_str name = koc__path_base(path);
    if (is_version(name)) {
        koc_str before = koc__path_base(koc__path_dir(path));
        name = koc__str_is(before, ".") ? name : before;
    }
    return koc__str_dup(name);
}

static int prepare(const koc__go_batch *model, koc__go_unit *u, koc__call *call, koc_error **err)
{
    koc__go_target *t = u->target;
    KOC__TRY(koc__go_command_env(model->s, t->config, t->work_dir, u->platform, &u->env, err));
    KOC__TRY(koc__go_command_args(model->s, model->options, u, call, err));
    u->name = program_name(t->import_path);
    u->platform_text = koc__platform_str(u->platform);
    return u->name && u->platform_text ? KOC_OK : koc__oom(err);
}

static bool same_list(const koc_strlist *a, const koc_strlist *b)
{
    size_t n = koc_strlist_count(a);
    if (n != koc_strlist_count(b)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!koc__streq(koc_strlist_get(a, i), koc_strlist_get(b, i))) {
            return false;
        }
    }
    return true;
}

static bool same_command(const koc__go_unit *a, const koc__go_unit *b)
{
    return koc__streq(a->target->work_dir, b->target->work_dir) &&
           koc__streq(a->platform_text, b->platform_text) && same_list(a->args, b->args) &&
           same_list(a->env, b->env);
}

/* go would overwrite one of two programs with the same name without an error; some file systems fold case. */
static bool fits(const koc__go_batch *b, const koc__go_unit *u)
{
    if (!same_command(b->units[0], u)) {
        return false;
    }
    for (size_t i = 0; i < b->n; i++) {
        if (koc__str_ieq(koc__str(b->units[i]->name), koc__str(u->name))) {
            return false;
        }
    }
    return true;
}

static int sort_into_batches(plan *all, const koc__go_batch *model, koc_error **err)
{
    all->batches = koc__calloc(all->n, sizeof(*all->batches));
    if (!all->batches) {
        return koc__oom(err);
    }
    for (size_t i = 0; i < all->n; i++) {
        size_t k = 0;
        while (k < all->n_batches && !fits(&all->batches[k], &all->units[i])) {
            k++;
        }
        koc__go_batch *b = &all->batches[k];
        if (k == all->n_batches) {
            *b = *model;
            b->platform = all->units[i].platform;
            all->n_batches++;
        }
        if (!koc__grow((void **)&b->units, &b->capacity, b->n + 1, sizeof(koc__go_unit *))) {
            all->n_batches -= b->n == 0;
            return koc__oom(err);
        }
        b->units[b->n++] = &all->units[i];
    }
    return KOC_OK;
}

/* Batches that differ only in the names of programs share a directory and its lock. */
static int open_dirs(plan *all, koc_error **err)
{
    for (size_t i = 0; i < all->n_batches; i++) {
        koc__go_batch *b = &all->batches[i];
        const koc__go_batch *like = NULL;
        for (size_t k = 0; k < i; k++) {
            if (same_command(all->batches[k].units[0], b->units[0])) {
                like = &all->batches[k];
            }
        }
        KOC__TRY(koc__go_batch_open(b, like, err));
    }
    return KOC_OK;
}

static int run_batches(const plan *all, unsigned jobs, koc__call *call, koc_error **err)
{
    if (all->n_batches == 1) {
        return koc__go_batch_run(&all->batches[0], call, err);
    }
    KOC__AUTO_VAL(koc__group) group = {0};
    KOC__TRY(koc__group_begin(&group, call, jobs, err));
    for (size_t i = 0; i < all->n_batches; i++) {
        KOC__TRY(koc__group_add(&group, koc__go_batch_run, &all->batches[i], err));
    }
    return koc__group_wait(&group, err);
}

int koc__go_build(koc_ctx *ctx, const koc__go_settings *s, koc__go_job *jobs, size_t n,
                  const koc__go_options *o, koc__call *call, koc_error **err)
{
    static const koc__go_options defaults;
    o = o ? o : &defaults;
    if (n == 0) {
        return KOC_OK;
    }
    KOC__AUTO_VAL(plan) all = {.n = n};
    all.units = koc__calloc(n, sizeof(*all.units));
    if (!all.units) {
        return koc__oom(err);
    }
    const koc__go_batch model = {.ctx = ctx, .s = s, .options = o};
    for (size_t i = 0; i < n; i++) {
        all.units[i].target = jobs[i].target;
        all.units[i].platform = jobs[i].platform;
        all.units[i].index = i;
        KOC__TRY(prepare(&model, &all.units[i], call, err));
    }
    KOC__TRY(sort_into_batches(&all, &model, err));
    KOC__TRY(open_dirs(&all, err));
    KOC__TRY(run_batches(&all, o->jobs ? o->jobs : ctx ? ctx->threads : 1, call, err));
    for (size_t i = 0; i < n; i++) {
        jobs[i].binary = koc__steal(&all.units[i].binary);
    }
    return KOC_OK;
}

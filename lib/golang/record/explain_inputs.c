/* Explains what differs from the last build. */
#include "core/common.h"

#include "golang/go_command.h"
#include "golang/record/input_record.h"

/* "variable GOFLAGS" of "variable GOFLAGS 1f2e…". */
static koc_str name_of(const char *line)
{
    koc_str before, after;
    koc_str s = koc__str(line);
    if (koc__str_starts(s, "go ")) {
        return koc__str("go tool");
    }
    return koc__str_rcut(s, ' ', &before, &after) ? before : s;
}

static const char *line_named(const koc_strlist *lines, koc_str name)
{
    for (size_t i = 0; i < koc_strlist_count(lines); i++) {
        if (koc__str_eq(name_of(koc_strlist_get(lines, i)), name)) {
            return koc_strlist_get(lines, i);
        }
    }
    return NULL;
}

/* Which packages were built together does not matter. */
static bool is_reported(const char *line)
{
    return !koc__str_starts(koc__str(line), "package ");
}

int koc__go_compare_fingerprints(const koc_strlist *then, const koc_strlist *now, koc_strlist *out,
                                 koc_error **err)
{
    for (size_t i = 0; i < koc_strlist_count(now); i++) {
        koc_str name = name_of(koc_strlist_get(now, i));
        const char *old = line_named(then, name);
        if (is_reported(koc_strlist_get(now, i)) && !koc__streq(old, koc_strlist_get(now, i))) {
            KOC__TRY(
                koc__strlist_addf(out, err, "%s: %.*s", old ? "changed" : "new", KOC__FMT(name)));
        }
    }
    for (size_t i = 0; i < koc_strlist_count(then); i++) {
        koc_str name = name_of(koc_strlist_get(then, i));
        if (is_reported(koc_strlist_get(then, i)) && !line_named(now, name)) {
            KOC__TRY(koc__strlist_addf(out, err, "removed: %.*s", KOC__FMT(name)));
        }
    }
    return KOC_OK;
}

/* Reports what changed in a directory since then. Its own stamp changes with every name in it. */
static int compare_times(const koc__inputs *now, const koc__input_dir *d, int64_t since_ns,
                         koc_strlist *out, koc_error **err)
{
    bool any = false;
    for (size_t i = d->first; i < d->first + d->count; i++) {
        const koc__input_file *f = &now->files[i];
        if (f->kind != KOC__INPUT_ABSENT && f->stamp.ctime_ns >= since_ns) {
            any = true;
            KOC__TRY(koc__strlist_addf(out, err, "changed: %s%s%s", d->path, *d->path ? "/" : "",
                                       f->name));
        }
    }
    return !any && d->kind != KOC__INPUT_FILES && d->stamp.ctime_ns >= since_ns
               ? koc__strlist_addf(out, err, "names changed in: %s", d->path)
               : KOC_OK;
}

/* The last build linked and has no list of files: lists the present ones. */
static int compare_with_link(const koc__go_batch *b, int64_t since_ns, koc__call *call,
                             koc_strlist *out, koc_error **err)
{
    KOC__AUTO(koc__inputs) now = NULL;
    bool usable = false;
    KOC__TRY(koc__inputs_new(&now, err));
    now->time_ns = since_ns;
    koc__go_binary binary = {.package_path = b->units[0]->target->import_path};
    b->units[0]->binary = &binary;
    int rc = koc__inputs_list(b, now, call, &usable, err);
    b->units[0]->binary = NULL;
    KOC__TRY(rc);
    if (now->n_dirs == 0) {
        return koc__strlist_add(out, "not known: go list fails for this package", err);
    }
    for (size_t i = 0; i < now->n_dirs; i++) {
        KOC__TRY(compare_times(now, &now->dirs[i], since_ns, out, err));
    }
    return KOC_OK;
}

static int compare(const koc__go_batch *b, koc__inputs *last, koc__call *call, koc_strlist *out,
                   koc_error **err)
{
    KOC__AUTO(koc_strlist) now = NULL;
    koc__inputs_verdict verdict = {.changes = out};
    bool allowed = false;
    KOC__AUTO_STR why = NULL;
    KOC__TRY(koc__inputs_allowed(b, &allowed, &why, err));
    if (!allowed) {
        return koc__strlist_addf(out, err, "go is started each time: %s", why);
    }
    if (!last) {
        return koc__strlist_add(out, "nothing is known: there is no build of it in this cache",
                                err);
    }
    const int64_t since_ns = last->time_ns;
    KOC__TRY(koc__strlist_new(&now, err));
    KOC__TRY(koc__go_inputs_fingerprint(b, now, err));
    KOC__TRY(koc__go_compare_fingerprints(last->lines, now, out, err));
    KOC__TRY(koc__inputs_check(last, b->units[0]->env, call, &verdict, err));
    return last->n_files == 0 ? compare_with_link(b, since_ns, call, out, err) : KOC_OK;
}

int koc__go_explain(const koc__go_settings *s, koc__go_target *t, const koc_platform *p,
                    const koc__go_options *o, koc__call *call, koc_strlist *out, koc_error **err)
{
    KOC__AUTO(koc__inputs) last = NULL;
    KOC__AUTO_VAL(koc__go_unit) u = {.target = t, .platform = p};
    if (!call->ctx->cache) {
        return koc__error(err, KOC_EINVAL, "without a cache nothing is known of the last build");
    }
    KOC__TRY(koc__go_command_env(s, t->config, t->work_dir, p, &u.env, err));
    KOC__TRY(koc__go_command_args(s, o, &u, call, err));
    koc__go_unit *units[] = {&u};
    const koc__go_batch b = {
        .ctx = call->ctx, .s = s, .platform = p, .options = o, .units = units, .n = 1};
    KOC__TRY(koc__go_inputs_last(&b, &u, &last, err));
    return compare(&b, last, call, out, err);
}

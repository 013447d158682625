/* Patterns that go rejects in a directory with a go.work and no go.mod: lists the modules below it
 * instead. */
#include "core/common.h"

#include "core/path.h"
#include "core/run/proc.h"
#include "golang/package/package.h"

#define MODULES_MAX ((size_t)1 << 20)

/* The directory in which a pattern like ./cmd/... starts, without symbolic links. *out stays NULL for
 * "...". */
static int start_dir(const koc__go_list_question *q, const char *pattern, char **out,
                     koc_error **err)
{
    koc_str before, after;
    if (!koc__go_is_local(pattern)) {
        return KOC_OK;
    }
    koc_str path = koc__str(pattern);
    if (koc__str_rcut(path, '/', &before, &after) && koc__str_is(after, "...")) {
        path = before;
    }
    KOC__AUTO_STR name = koc__str_dup(path);
    KOC__AUTO_STR below = name ? koc__path_join(q->dir, name) : NULL;
    if (!below) {
        return koc__oom(err);
    }
    return koc__fs_realpath(below, out, err);
}

/* "<dir>/..." for each main module in or below the directory below; NULL: for each main module. */
static int module_patterns(const koc__go_list_question *q, const char *below, koc__call *call,
                           koc_strlist *out, koc_error **err)
{
    const char *const argv[] = {q->tool, "list", "-m", "-f", "{{.Dir}}", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    const koc__proc proc = {.argv = argv,
                            .env = q->env ? koc__strlist_argv(q->env) : NULL,
                            .dir = q->dir,
                            .max_output = MODULES_MAX};
    KOC__TRY(koc__proc_run(&proc, call, &result, err));
    koc_str rest = koc__dynbuf_view(&result.output), line;
    while (result.exit_code == 0 && koc__str_split(&rest, '\n', &line)) {
        KOC__AUTO_STR dir = koc__str_dup(line);
        KOC__AUTO_STR real = NULL;
        if (!dir) {
            return koc__oom(err);
        }
        if (*dir && koc__fs_realpath(dir, &real, NULL) == KOC_OK &&
            (!below || koc__path_within(below, real))) {
            KOC__TRY(koc__strlist_addf(out, err, "%s/...", dir));
        }
    }
    return KOC_OK;
}

int koc__go_list_modules(const koc__go_list_question *q, const char *pattern, koc__call *call,
                         bool *found, koc__go_listing *out, koc_error **err)
{
    KOC__AUTO(koc_strlist) patterns = NULL;
    KOC__AUTO_STR below = NULL;
    KOC__TRY(start_dir(q, pattern, &below, err));
    KOC__TRY(koc__strlist_new(&patterns, err));
    KOC__TRY(module_patterns(q, below, call, patterns, err));
    *found = koc_strlist_count(patterns) > 0;
    if (!*found) {
        return KOC_OK;
    }
    KOC__AUTO_STR as =
        koc__strdup(pattern); /* pattern may belong to an item of out, which moves when it grows */
    size_t count = out->count;
    KOC__TRY(as ? koc__go_list_run(q, patterns, call, out, err) : koc__oom(err));
    for (size_t i = count; i < out->count; i++) {
        koc__free(out->items[i].pattern);
        out->items[i].pattern = koc__strdup(as);
        if (!out->items[i].pattern) {
            return koc__oom(err);
        }
    }
    return KOC_OK;
}

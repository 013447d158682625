/* Finds the directories in which a new file would be embedded by go:embed. */
#include "core/common.h"

#include <fnmatch.h>

#include "core/path.h"
#include "golang/record/input_record.h"

#define DIRS_MAX 20000

int koc__inputs_gather_tree(koc__inputs_gather *g, const char *path, bool with_files,
                            koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    bool added = false;
    KOC__TRY(koc__strlist_new(&names, err));
    KOC__TRY(koc__inputs_gather_dir(g, path, KOC__INPUT_WHOLE, names, &added, err));
    if (g->in->n_dirs > DIRS_MAX) {
        koc__inputs_give_up(g, "too many directories");
    }
    for (size_t pass = 0; pass < 2; pass++) { /* files have to follow their own directory */
        for (size_t i = 0; i < koc_strlist_count(names) && g->usable; i++) {
            KOC__AUTO_STR below = koc__path_join(path, koc_strlist_get(names, i));
            if (!below) {
                return koc__oom(err);
            }
            bool dir = koc__inputs_is_dir(below);
            if (pass == 0 && !dir && with_files) {
                KOC__TRY(koc__inputs_gather_file(g, path, koc_strlist_get(names, i),
                                                 KOC__INPUT_OPAQUE, err));
            } else if (pass == 1 && dir) {
                KOC__TRY(koc__inputs_gather_tree(g, below, with_files, err));
            }
        }
    }
    return KOC_OK;
}

/* Go's path.Match knows more than the star; with other characters in the pattern every name counts. */
static bool matches(const char *element, const char *name)
{
    return strpbrk(element, "?[\\") || fnmatch(element, name, FNM_NOESCAPE) == 0;
}

/* rest: the elements of the pattern that remain to be matched below dir. */
static int walk_pattern(koc__inputs_gather *g, const char *dir, koc_str rest, koc_error **err)
{
    koc_str element;
    if (!g->usable || !koc__inputs_is_dir(dir)) {
        return KOC_OK;
    }
    if (!koc__str_split(&rest, '/', &element)) {
        return koc__inputs_gather_tree(g, dir, false, err);
    }
    KOC__AUTO_STR name = koc__str_dup(element);
    if (!name) {
        return koc__oom(err);
    }
    if (!strpbrk(name, "*?[\\")) {
        KOC__AUTO_STR below = koc__path_join(dir, name);
        return below ? walk_pattern(g, below, rest, err) : koc__oom(err);
    }
    KOC__AUTO(koc_strlist) names = NULL;
    bool added = false;
    KOC__TRY(koc__inputs_gather_dir(g, dir, KOC__INPUT_WHOLE, NULL, &added, err));
    if (koc__fs_list(dir, &names, NULL) != KOC_OK) {
        koc__inputs_give_up(g, "a directory that cannot be read");
        return KOC_OK;
    }
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        if (matches(name, koc_strlist_get(names, i))) {
            KOC__AUTO_STR below = koc__path_join(dir, koc_strlist_get(names, i));
            KOC__TRY(below ? walk_pattern(g, below, rest, err) : koc__oom(err));
        }
    }
    return KOC_OK;
}

int koc__inputs_gather_embed(koc__inputs_gather *g, const char *dir, const char *pattern,
                             koc_error **err)
{
    koc_str rest = koc__str(pattern);
    if (koc__str_starts(rest, "all:")) {
        rest = koc__str_from(rest, strlen("all:"));
    }
    return koc__str_is(rest, ".") ? koc__inputs_gather_tree(g, dir, false, err)
                                  : walk_pattern(g, dir, rest, err);
}

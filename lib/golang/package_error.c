/* What to say when an argument is no main package. */
#include "core/common.h"

#include "core/path.h"
#include "golang/package.h"
#include "golang/settings.h"

/* Names that stand near the one that is not there. */
static void hint_folder(const char *argument, koc_error **err)
{
    KOC__AUTO_STR clean = koc__path_clean(argument);
    KOC__AUTO_STR parent = clean ? koc__str_dup(koc__path_dir(koc__str(clean))) : NULL;
    KOC__AUTO_STR name = clean ? koc__str_dup(koc__path_base(koc__str(clean))) : NULL;
    KOC__AUTO_STR near = parent && name ? koc__go_near_name(parent, name) : NULL;
    KOC__AUTO_STR path = near ? koc__path_join(parent, near) : NULL;
    if (path && koc__fs_is_dir(path)) {
        bool prefix = !koc__go_is_local(path) && !koc__path_is_abs(path);
        koc__error_hint(err, "did you mean %s%s?", prefix ? "./" : "", path);
    }
}

int koc__go_not_main(const char *argument, const koc__go_package *p, koc_error **err)
{
    const char *path = strncmp(argument, "ko://", 5) == 0 ? argument + 5 : argument;
    if (!p || (strstr(path, "...") && !p->error)) {
        int rc = koc__error(err, KOC_ENOTFOUND, "cannot build %s: no main package found there",
                            argument);
        KOC__AUTO_STR folder = koc__str_dup(koc__path_dir(koc__str(path)));
        if (p && p->needs_cgo) {
            koc__error_hint(err, "%s needs cgo: set CGO_ENABLED=1", p->import_path);
        } else if (folder && !koc__go_is_local(path) && !koc__path_is_abs(path) &&
                   koc__fs_is_dir(folder)) {
            koc__error_hint(err, "did you mean ./%s?", path);
        }
        return rc;
    }
    if (!p->error) {
        return koc__error(err, KOC_EINVAL,
                          "cannot build %s: package main not found there (package is \"%s\")",
                          argument, p->name);
    }
    if (koc__go_is_local(path) && !koc__fs_exists(path) && !strstr(path, "...")) {
        int rc = koc__error(err, KOC_ENOTFOUND, "cannot build %s: no such folder", argument);
        hint_folder(path, err);
        return rc;
    }
    int rc = koc__error(err, KOC_ENOTFOUND, "cannot build %s: %s", argument, p->error);
    if (!koc__go_is_local(path) && !koc__path_is_abs(path) && koc__fs_is_dir(path)) {
        koc__error_hint(err, "did you mean ./%s?", path);
    }
    return rc;
}

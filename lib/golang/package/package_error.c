/* The error for an argument that is not a main package. */
#include "core/common.h"

#include "core/dynbuf.h"
#include "core/io/fs.h"
#include "core/path.h"
#include "golang/config/settings.h"
#include "golang/package/package.h"

#define GO_MOD_MAX ((size_t)1 << 20)

/* Suggests a similar name for one that does not exist. */
static void hint_dir(const char *argument, koc_error **err)
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

/* The module that contains the working directory: its path; *dir: its directory. NULL: there is none. */
static char *find_own_module(char **dir)
{
    KOC__AUTO_STR at = NULL;
    if (koc__path_abs(".", &at, NULL) != KOC_OK) {
        return NULL;
    }
    for (;;) {
        KOC__AUTO_STR file = koc__path_join(at, "go.mod");
        KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(GO_MOD_MAX);
        if (file && koc__fs_read_file(file, &text, NULL) == KOC_OK) {
            koc_str rest = koc__dynbuf_view(&text), line;
            while (koc__str_split(&rest, '\n', &line)) {
                koc_str word;
                if (koc__str_word(&line, &word) && koc__str_is(word, "module") &&
                    koc__str_word(&line, &word)) {
                    *dir = koc__steal(&at);
                    return koc__str_dup(word);
                }
            }
        }
        if (koc__streq(at, "/")) {
            return NULL;
        }
        char *up = koc__str_dup(koc__path_dir(koc__str(at)));
        koc__free(at);
        at = up;
        if (!at) {
            return NULL;
        }
    }
}

/* If the package would be in the module of the working directory, go's advice to get it from elsewhere
 * does not help. Then reports the error, with its code in *rc. */
static bool report_missing_in_own(const char *argument, const char *path, const char *said, int *rc,
                                  koc_error **err)
{
    KOC__AUTO_STR dir = NULL;
    KOC__AUTO_STR module = find_own_module(&dir);
    if (!module || !koc__path_within(module, path)) {
        return false;
    }
    const char *below = path + strlen(module);
    KOC__AUTO_STR place = koc__format("%s%s", dir, below);
    if (place && koc__fs_is_dir(place) && strstr(said, "go get ")) {
        *rc = koc__error(err, KOC_ENOTFOUND, "cannot build %s: no Go files in .%s of module %s",
                         argument, *below ? below : "/", module);
        return true;
    }
    if (!place || koc__fs_is_dir(place)) {
        return false;
    }
    *rc = koc__error(err, KOC_ENOTFOUND, "cannot build %s: module %s has no directory .%s",
                     argument, module, below);
    KOC__AUTO_STR parent = koc__str_dup(koc__path_dir(koc__str(place)));
    KOC__AUTO_STR name = koc__str_dup(koc__path_base(koc__str(place)));
    KOC__AUTO_STR near = parent && name ? koc__go_near_name(parent, name) : NULL;
    if (near) {
        koc__error_hint(err, "did you mean %.*s/%s?", KOC__FMT(koc__path_dir(koc__str(path))),
                        near);
    }
    return true;
}

int koc__go_not_main(const char *argument, const koc__go_package *p, koc_error **err)
{
    const char *path = strncmp(argument, "ko://", 5) == 0 ? argument + 5 : argument;
    if (!p || (strstr(path, "...") && !p->error)) {
        int rc = koc__error(err, KOC_ENOTFOUND, "cannot build %s: no main package found there",
                            argument);
        KOC__AUTO_STR dir = koc__str_dup(koc__path_dir(koc__str(path)));
        if (p && p->needs_cgo) {
            koc__error_hint(err, "%s needs cgo: set CGO_ENABLED=1", p->import_path);
        } else if (dir && !koc__go_is_local(path) && !koc__path_is_abs(path) &&
                   koc__fs_is_dir(dir)) {
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
        int rc = koc__error(err, KOC_ENOTFOUND, "cannot build %s: no such directory", argument);
        hint_dir(path, err);
        return rc;
    }
    int rc = KOC_OK;
    if (report_missing_in_own(argument, path, p->error, &rc, err)) {
        return rc;
    }
    rc = koc__error(err, KOC_ENOTFOUND, "cannot build %s: %s", argument, p->error);
    if (!koc__go_is_local(path) && !koc__path_is_abs(path) && koc__fs_is_dir(path)) {
        koc__error_hint(err, "did you mean ./%s?", path);
    }
    return rc;
}

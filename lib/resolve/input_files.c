/* Reads inputs from files, and finds the files in directories. */
#include "core/common.h"

#include "resolve/input_files.h"

#include "core/io/fs.h"
#include "core/path.h"

#define DEPTH_MAX 100

int koc__input_read(const char *path, size_t max, koc__dynbuf *out, koc_error **err)
{
    koc_error *why = NULL;
    *out = (koc__dynbuf)KOC__DYNBUF_INIT(max);
    int rc = koc__fs_read_any(path, NULL, out, &why);
    if (rc == KOC_ELIMIT) {
        koc_error_free(why);
        return koc__error(err, KOC_ELIMIT, "%s: more than %zu bytes of YAML", path, max);
    }
    return rc == KOC_OK ? KOC_OK : koc__error_move(err, &why);
}

static bool is_manifest(const char *name)
{
    koc_str s = koc__str(name);
    return koc__str_ends(s, ".yaml") || koc__str_ends(s, ".yml") || koc__str_ends(s, ".json");
}

static int add_files(const char *dir, bool recursive, int depth, koc_strlist *files,
                     koc_strlist *warnings, koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    if (depth > DEPTH_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s: more than %d directories deep", dir, DEPTH_MAX);
    }
    KOC__TRY(koc__fs_list(dir, &names, err));
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        struct stat st;
        const char *name = koc_strlist_get(names, i);
        KOC__AUTO_STR path =
            koc__format("%s%s%s", dir, koc__str_ends(koc__str(dir), "/") ? "" : "/", name);
        if (!path) {
            return koc__oom(err);
        }
        bool is_dir = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
        if (is_dir && recursive) {
            KOC__TRY(add_files(path, recursive, depth + 1, files, warnings, err));
        }
        if (is_dir || !is_manifest(name)) {
            continue;
        }
        if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
            KOC__TRY(koc__strlist_addf(warnings, err, "skipping %s: not a regular file", path));
        } else {
            KOC__TRY(koc__strlist_add(files, path, err));
        }
    }
    return KOC_OK;
}

int koc__input_files_find(const char *dir, bool recursive, koc_strlist *files,
                          koc_strlist *warnings, koc_error **err)
{
    KOC__TRY(add_files(dir, recursive, 0, files, warnings, err));
    if (koc_strlist_count(files) == 0) {
        int rc = koc__error(err, KOC_ENOTFOUND, "%s: no .yaml, .yml or .json file in it", dir);
        if (!recursive) {
            koc__error_hint_on(err, KOC_HINT_OPTION, "recursive",
                               "recursive looks into its subdirectories also");
        }
        return rc;
    }
    return KOC_OK;
}

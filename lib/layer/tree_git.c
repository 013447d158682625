/* Paths through a .git file: gitrepository-layout(5). */
#include "core/common.h"

#include <sys/stat.h>

#include "core/path.h"
#include "layer/layer.h"

#define FILE_MAX ((size_t)64 << 10)

/* The path after prefix in a one-line file of git, relative to the directory of the file. */
static int read_path(const char *file, const char *prefix, char **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(FILE_MAX);
    KOC__TRY(koc__fs_read_file(file, &text, err));
    koc_str line = koc__str_trim(koc__dynbuf_view(&text));
    if (!koc__str_starts(line, prefix)) {
        return koc__error(err, KOC_EFORMAT, "%s does not say where git keeps its files", file);
    }
    KOC__AUTO_STR name = koc__str_dup(koc__str_trim(koc__str_from(line, strlen(prefix))));
    KOC__AUTO_STR directory = koc__str_dup(koc__path_dir(koc__str(file)));
    if (!name || !directory) {
        return koc__oom(err);
    }
    *out = koc__path_is_abs(name) ? koc__strdup(name) : koc__path_join(directory, name);
    return *out ? KOC_OK : koc__oom(err);
}

/* Work trees share everything but HEAD and similar files. */
static bool is_common(const char *below)
{
    static const char *const own[] = {"refs/bisect/", "refs/worktree/", "refs/rewritten/"};
    static const char *const shared[] = {"refs", "packed-refs", "objects", "config",   "hooks",
                                         "info", "shallow",     "modules", "logs/refs"};
    for (size_t i = 0; i < KOC__COUNT(own); i++) {
        if (koc__str_starts(koc__str(below), own[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < KOC__COUNT(shared); i++) {
        if (koc__path_within(shared[i], below)) {
            return true;
        }
    }
    return false;
}

/* The path `below` in the directory that the .git file names. */
static int find_in(const char *file, const char *below, char **out, koc_error **err)
{
    KOC__AUTO_STR own = NULL;
    KOC__AUTO_STR shared = NULL;
    KOC__TRY(read_path(file, "gitdir:", &own, err));
    KOC__AUTO_STR common = koc__path_join(own, "commondir");
    if (!common) {
        return koc__oom(err);
    }
    if (is_common(below) && koc__fs_is_file(common)) {
        KOC__TRY(read_path(common, "", &shared, err));
    }
    *out = koc__path_join(shared ? shared : own, below);
    return *out ? KOC_OK : koc__oom(err);
}

int koc__tree_git_path(const char *link, const char *target, const char *boundary, char **out,
                       koc_error **err)
{
    KOC__AUTO_STR directory = koc__str_dup(koc__path_dir(koc__str(link)));
    KOC__AUTO_STR path = !directory                 ? NULL
                         : koc__path_is_abs(target) ? koc__strdup(target)
                                                    : koc__format("%s/%s", directory, target);
    if (!path) {
        return koc__oom(err);
    }
    for (char *at = strstr(path, "/.git/"); at; at = strstr(at + 1, "/.git/")) {
        KOC__AUTO_STR above = koc__strndup(path, (size_t)(at - path));
        KOC__AUTO_STR real = NULL;
        if (!above) {
            return koc__oom(err);
        }
        if (koc__fs_realpath(*above ? above : "/", &real, NULL) != KOC_OK ||
            !koc__path_within(boundary, real)) {
            continue;
        }
        KOC__AUTO_STR file = koc__path_join(real, ".git");
        if (!file) {
            return koc__oom(err);
        }
        if (koc__fs_is_file(file)) {
            return find_in(file, at + strlen("/.git/"), out, err);
        }
    }
    return KOC_OK;
}

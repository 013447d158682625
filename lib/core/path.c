#include "core/common.h"

#include <unistd.h>

#include "core/dynbuf.h"
#include "core/path.h"
#include "core/str.h"

/* Appends one component; ".." removes the last one unless that is ".." itself. Returns the new length. */
static size_t push(char *out, size_t len, size_t root, koc_str part)
{
    size_t start = len;
    while (start > root && out[start - 1] != '/') {
        start--;
    }
    if (koc__str_is(part, "..")) {
        bool at_root = root == 1 && len == root;
        bool can_drop = len > root && !koc__str_is((koc_str){out + start, len - start}, "..");

        if (at_root) {
            return len;
        }
        if (can_drop) {
            return start > root ? start - 1 : root;
        }
    }
    if (len > root) {
        out[len++] = '/';
    }
    memcpy(out + len, part.ptr, part.len);
    return len + part.len;
}

char *koc__path_clean(const char *path)
{
    koc_str rest = koc__str(path);
    size_t root = path[0] == '/' ? 1 : 0;
    size_t len = root;
    /* Never longer than path, except that "" becomes ".". */
    char *out = koc__malloc(rest.len + 2);
    koc_str part;

    if (!out) {
        return NULL;
    }
    if (root) {
        out[0] = '/';
    }
    while (koc__str_split(&rest, '/', &part)) {
        if (part.len > 0 && !koc__str_is(part, ".")) {
            len = push(out, len, root, part);
        }
    }
    if (len == 0) {
        out[len++] = '.';
    }
    out[len] = '\0';
    return out;
}

char *koc__path_join(const char *a, const char *b)
{
    KOC__AUTO_STR both = NULL;
    if (!a[0]) {
        return koc__path_clean(b);
    }
    both = koc__format("%s/%s", a, b);
    return both ? koc__path_clean(both) : NULL;
}

/* path without slashes at its end, but "/" stays. */
static koc_str without_slashes(koc_str path)
{
    while (path.len > 1 && path.ptr[path.len - 1] == '/') {
        path.len--;
    }
    return path;
}

koc_str koc__path_base(koc_str path)
{
    koc_str s = without_slashes(path);
    koc_str before, after;
    if (s.len == 0) {
        return KOC__STR(".");
    }
    if (koc__str_is(s, "/") || !koc__str_rcut(s, '/', &before, &after)) {
        return s;
    }
    return after;
}

koc_str koc__path_dir(koc_str path)
{
    koc_str s = without_slashes(path);
    koc_str before, after;
    if (koc__str_is(s, "/")) {
        return s;
    }
    if (!koc__str_rcut(s, '/', &before, &after)) {
        return KOC__STR(".");
    }
    return before.len == 0 ? KOC__STR("/") : without_slashes(before);
}

bool koc__path_is_abs(const char *path)
{
    return path[0] == '/';
}

static int working_directory(char **out, koc_error **err)
{
    char space[4096];
    char *dir = getcwd(space, sizeof(space));
    if (!dir) {
        return koc__error_errno(err, errno, "cannot determine the working directory");
    }
    *out = koc__strdup(dir);
    return *out ? KOC_OK : koc__oom(err);
}

int koc__path_abs(const char *path, char **out, koc_error **err)
{
    KOC__AUTO_STR here = NULL;
    char *result;
    if (koc__path_is_abs(path)) {
        result = koc__path_clean(path);
    } else {
        KOC__TRY(working_directory(&here, err));
        result = koc__path_join(here, path);
    }
    if (!result) {
        return koc__oom(err);
    }
    *out = result;
    return KOC_OK;
}

const char *koc__path_below(const char *base, const char *target)
{
    size_t n = strlen(base);
    if (strcmp(base, target) == 0) {
        return ".";
    }
    if (strncmp(base, target, n) != 0) {
        return NULL;
    }
    if (n > 0 && base[n - 1] == '/') {
        return target + n; /* base is "/" */
    }
    return target[n] == '/' ? target + n + 1 : NULL;
}

bool koc__path_within(const char *root, const char *path)
{
    if (strcmp(root, ".") == 0) {
        return !koc__path_is_abs(path) && strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0;
    }
    return koc__path_below(root, path) != NULL;
}

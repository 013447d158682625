/*
 * Values of Go's own variables without running `go env`: from the environment, then the file that `go env
 * -w` writes, then $GOROOT/go.env, which the toolchain came with.
 */
#include "core/common.h"

#include "core/env.h"
#include "core/io/fs.h"
#include "core/path.h"
#include "golang/go_command.h"
#include "golang/go_env.h"

#define FILE_MAX ((size_t)1 << 20)

/* --- in a list of NAME=value --- */

const char *koc__go_var_get(const koc_strlist *env, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = koc_strlist_count(env); i > 0; i--) {
        const char *item = koc_strlist_get(env, i - 1);
        if (strncmp(item, name, n) == 0 && item[n] == '=') {
            return item + n + 1;
        }
    }
    return NULL;
}

bool koc__go_var_matters(const char *item)
{
    static const char *const prefixes[] = {"GO", "CGO_", "PKG_CONFIG"};
    static const char *const names[] = {"CC", "CXX", "FC", "AR", "HOME", "XDG_CONFIG_HOME"};
    /* Neither where go keeps its own files nor where it gets modules from (their sums are fixed) matters. */
    static const char *const not [] = {"GOCACHE", "GOTMPDIR",   "GOMAXPROCS",
                                       "GOGC",    "GOMEMLIMIT", "GOPROXY"};
    koc_str name = koc__str_n(item, strcspn(item, "="));
    for (size_t i = 0; i < KOC__COUNT(not ); i++) {
        if (koc__str_is(name, not [i])) {
            return false;
        }
    }
    for (size_t i = 0; i < KOC__COUNT(prefixes); i++) {
        if (koc__str_starts(name, prefixes[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        if (koc__str_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* --- as go looks them up --- */

static const char *get_nonempty(const koc_strlist *env, const char *name)
{
    const char *value = env ? koc__go_var_get(env, name) : koc__env(name);
    return value && *value ? value : NULL;
}

/* The value in the last NAME=value line of a file, as go reads it; it may be empty. *out stays NULL:
 * there is no such line or no file. */
static int read_from_file(const char *path, const char *name, char **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(FILE_MAX);
    koc_str line, key, value, found = {NULL, 0};
    if (koc__fs_read_file(path, &text, NULL) != KOC_OK) {
        return KOC_OK; /* go also ignores a file that it cannot read */
    }
    for (koc_str rest = koc__dynbuf_view(&text); koc__str_split(&rest, '\n', &line);) {
        if (koc__str_cut(line, '=', &key, &value) && koc__str_is(key, name)) {
            found = value;
        }
    }
    if (!found.ptr) {
        return KOC_OK;
    }
    *out = koc__str_dup(found);
    return *out ? KOC_OK : koc__oom(err);
}

/* $GOENV, else go/env in the system's directory for settings. NULL: there is none. */
static char *user_file(const koc_strlist *env)
{
    const char *given = get_nonempty(env, "GOENV");
    if (given) {
        return koc__streq(given, "off") ? NULL : koc__strdup(given);
    }
    const char *home = get_nonempty(env, "HOME");
#ifdef __APPLE__
    return home ? koc__path_join(home, "Library/Application Support/go/env") : NULL;
#else
    const char *dir = get_nonempty(env, "XDG_CONFIG_HOME");
    if (dir) {
        return koc__path_is_abs(dir) ? koc__path_join(dir, "go/env") : NULL;
    }
    return home ? koc__path_join(home, ".config/go/env") : NULL;
#endif
}

/* $GOROOT/go.env; without $GOROOT, the directory above that of the real go is the root. NULL: there is no
 * go. */
static char *toolchain_file(const char *tool, const koc_strlist *env)
{
    const char *root = get_nonempty(env, "GOROOT");
    KOC__AUTO_STR real = NULL;
    if (root) {
        return koc__path_join(root, "go.env");
    }
    if (!tool || koc__fs_realpath(tool, &real, NULL) != KOC_OK) {
        return NULL;
    }
    KOC__AUTO_STR above = koc__str_dup(koc__path_dir(koc__path_dir(koc__str(real))));
    return above ? koc__path_join(above, "go.env") : NULL;
}

static int read_from_toolchain(const char *tool, const koc_strlist *env, const char *name,
                               char **out, koc_error **err)
{
    KOC__AUTO_STR file = toolchain_file(tool, env);
    return file ? read_from_file(file, name, out, err) : KOC_OK;
}

int koc__go_value(const char *tool, const koc_strlist *env, const char *name, char **out,
                  koc_error **err)
{
    KOC__AUTO_STR value = NULL;
    KOC__AUTO_STR user = user_file(env);
    const char *given = get_nonempty(env, name);
    if (given) {
        *out = koc__strdup(given);
        return *out ? KOC_OK : koc__oom(err);
    }
    if (user) {
        KOC__TRY(read_from_file(user, name, &value, err));
    }
    if (!value) {
        KOC__TRY(read_from_toolchain(tool, env, name, &value, err));
    }
    if (value && *value) {
        *out = koc__steal(&value);
    }
    return KOC_OK;
}

int koc__go_value_files(const char *tool, const koc_strlist *env, koc_strlist *out, koc_error **err)
{
    KOC__AUTO_STR user = user_file(env);
    KOC__AUTO_STR toolchain = toolchain_file(tool, env);
    if (user) {
        KOC__TRY(koc__strlist_add(out, user, err));
    }
    return toolchain ? koc__strlist_add(out, toolchain, err) : KOC_OK;
}

int koc__go_variable(const koc__go_settings *s, const char *name, bool defaults, char **out,
                     koc_error **err)
{
    const char *tool = NULL;
    if (!s->go_env || koc__go_tool(s->go_env, &tool, NULL, NULL) != KOC_OK) {
        tool = NULL;
    }
    return defaults ? read_from_toolchain(tool, NULL, name, out, err)
                    : koc__go_value(tool, NULL, name, out, err);
}

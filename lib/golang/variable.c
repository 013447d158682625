/*
 * Go's own variables without a run of `go env`: the environment, then the file that `go env -w` writes,
 * then $GOROOT/go.env, which holds what the toolchain came with.
 */
#include "core/common.h"

#include "core/env.h"
#include "core/fs.h"
#include "core/path.h"
#include "golang/facts.h"
#include "golang/golang.h"

#define FILE_MAX ((size_t)1 << 20)

/* The last NAME=value line of a file; *out stays NULL without one or without the file. */
static int from_file(const char *path, const char *name, char **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__buf) text = KOC__BUF_INIT(FILE_MAX);
    koc_str line, key, value, found = {NULL, 0};
    if (koc__fs_read_file(path, &text, NULL) != KOC_OK) {
        return KOC_OK;
    }
    for (koc_str rest = koc__buf_view(&text); koc__str_split(&rest, '\n', &line);) {
        if (koc__str_cut(koc__str_trim(line), '=', &key, &value) && koc__str_is(key, name)) {
            found = value;
        }
    }
    if (found.len == 0) {
        return KOC_OK;
    }
    *out = koc__str_dup(found);
    return *out ? KOC_OK : koc__oom(err);
}

/* $GOENV, else go/env where the system keeps settings. NULL: there is none. */
static char *user_file(void)
{
    const char *given = koc__env_nonempty("GOENV");
    if (given) {
        return strcmp(given, "off") == 0 ? NULL : koc__strdup(given);
    }
#ifdef __APPLE__
    KOC__AUTO_STR home = koc__home();
    return home ? koc__path_join(home, "Library/Application Support/go/env") : NULL;
#else
    KOC__AUTO_STR folder = koc__xdg("XDG_CONFIG_HOME", ".config");
    return folder ? koc__path_join(folder, "go/env") : NULL;
#endif
}

/* $GOROOT/go.env, where GOROOT is the folder above the one with the real go. NULL: no go is found. */
static char *toolchain_file(const koc__go_settings *s)
{
    const char *root = koc__env_nonempty("GOROOT"), *tool;
    KOC__AUTO_STR real = NULL;
    if (root) {
        return koc__path_join(root, "go.env");
    }
    if (koc__go_tool(s->facts, &tool, NULL, NULL) != KOC_OK ||
        koc__fs_realpath(tool, &real, NULL) != KOC_OK) {
        return NULL;
    }
    koc_str dir = koc__path_dir(koc__path_dir(koc__str(real)));
    KOC__AUTO_STR folder = koc__str_dup(dir);
    return folder ? koc__path_join(folder, "go.env") : NULL;
}

int koc__go_variable(const koc__go_settings *s, const char *name, bool defaults, char **out,
                     koc_error **err)
{
    KOC__AUTO_STR value = NULL;
    KOC__AUTO_STR user = NULL;
    KOC__AUTO_STR toolchain = NULL;
    if (!defaults) {
        const char *given = koc__env_nonempty(name);
        value = given ? koc__strdup(given) : NULL;
        if (given && !value) {
            return koc__oom(err);
        }
        user = user_file();
        if (!value && user) {
            KOC__TRY(from_file(user, name, &value, err));
        }
    }
    if (!value) {
        toolchain = toolchain_file(s);
        if (toolchain) {
            KOC__TRY(from_file(toolchain, name, &value, err));
        }
    }
    *out = koc__steal(&value);
    return KOC_OK;
}

#define KOC__ALLOW_GETENV 1
#include "core/common.h"

#include <pwd.h>
#include <unistd.h>
#ifdef __APPLE__
#include <crt_externs.h>
#endif

#include "core/dynbuf.h"
#include "core/env.h"
#include "core/path.h"
#include "core/str.h"

#ifndef __APPLE__
extern char **environ;
#endif

const char *koc__env(const char *name)
{
#if defined(__GLIBC__) || defined(__linux__)
    return secure_getenv(name);
#else
    return issetugid() ? NULL : getenv(name);
#endif
}

const char *koc__env_nonempty(const char *name)
{
    const char *value = koc__env(name);
    return value && value[0] ? value : NULL;
}

const char *const *koc__environ(void)
{
#ifdef __APPLE__
    return (const char *const *)*_NSGetEnviron();
#else
    return (const char *const *)environ;
#endif
}

int koc__environ_with(const char *name, const char *value, koc_strlist **out, koc_error **err)
{
    const size_t length = strlen(name);
    KOC__AUTO(koc_strlist) env = NULL;
    KOC__TRY(koc__strlist_new(&env, err));
    for (const char *const *e = koc__environ(); e && *e; e++) {
        if (strncmp(*e, name, length) != 0 || (*e)[length] != '=') {
            KOC__TRY(koc__strlist_add(env, *e, err));
        }
    }
    KOC__TRY(koc__strlist_addf(env, err, "%s=%s", name, value));
    *out = koc__steal(&env);
    return KOC_OK;
}

char *koc__home(void)
{
    const char *home = koc__env_nonempty("HOME");
    struct passwd entry;
    struct passwd *found = NULL;
    char space[4096];
    if (home) {
        return koc__strdup(home);
    }
    if (getpwuid_r(getuid(), &entry, space, sizeof(space), &found) != 0 || !found ||
        !found->pw_dir || !found->pw_dir[0]) {
        return NULL;
    }
    return koc__strdup(found->pw_dir);
}

char *koc__xdg(const char *variable, const char *fallback)
{
    const char *value = koc__env_nonempty(variable);
    KOC__AUTO_STR home = NULL;
    /* The XDG base directory specification: a relative path is ignored. */
    if (value && (koc__path_is_abs(value) || strncmp(variable, "XDG_", 4) != 0)) {
        return koc__strdup(value);
    }
    home = koc__home();
    return home ? koc__path_join(home, fallback) : NULL;
}

int koc__no_home(koc_error **err, const char *text)
{
    return koc__env_nonempty("HOME") ? koc__oom(err) : koc__error(err, KOC_ENOTFOUND, "%s", text);
}

/* Finding a program in PATH. */
#include "core/common.h"

#include <fcntl.h>

#include "core/env.h"
#include "core/io/fs.h"
#include "core/run/proc.h"
#include "core/str.h"

int koc__proc_find(const char *name, const char *path, char **out, koc_error **err)
{
    koc_str dir;
    if (strchr(name, '/')) {
        if (!koc__fs_is_file(name) || faccessat(AT_FDCWD, name, X_OK, AT_EACCESS) != 0) {
            return koc__error(err, KOC_ENOTFOUND, "%s is not a program", name);
        }
        *out = koc__strdup(name);
        return *out ? KOC_OK : koc__oom(err);
    }
    path = path ? path : koc__env("PATH");
    koc_str rest = koc__str(path ? path : "/usr/bin:/bin");
    while (name[0] && koc__str_split(&rest, ':', &dir)) {
        /* Relative directories, the working directory among them, are not trusted. */
        if (!koc__str_starts(dir, "/")) {
            continue;
        }
        KOC__AUTO_STR candidate = NULL;
        KOC__TRY(koc__formatf(&candidate, err, "%.*s/%s", (int)dir.len, dir.ptr, name));
        if (koc__fs_is_file(candidate) && faccessat(AT_FDCWD, candidate, X_OK, AT_EACCESS) == 0) {
            *out = koc__steal(&candidate);
            return KOC_OK;
        }
    }
    return koc__error(err, KOC_ENOTFOUND, "there is no program %s in PATH", name);
}

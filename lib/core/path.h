/* Paths as text. Results are owned by the caller; NULL means out of memory. */
#ifndef KOC__PATH_H
#define KOC__PATH_H

#include <koc/base.h>

char *koc__path_join(const char *a, const char *b); /* b alone when a is empty; cleaned */
char *koc__path_clean(const char *path); /* as Go's path.Clean: no "//", "/./", "x/.."; "" is "." */
koc_str koc__path_base(koc_str path);    /* last element; "." for "", "/" for "/" */
koc_str koc__path_dir(koc_str path);     /* all but the last element; "." when there is none */
bool koc__path_is_abs(const char *path);
/* Absolute and clean, from the working directory of the process; links are not resolved. */
int koc__path_abs(const char *path, char **out, koc_error **err);
/* Whether path is root or below it, compared by components; both must be clean. */
bool koc__path_within(const char *root, const char *path);
/* The relative path from base to target (both absolute and clean), or NULL if it would need "..". */
const char *koc__path_below(const char *base, const char *target);

#endif

/* The one file that reads the environment. */
#ifndef KOC__ENV_H
#define KOC__ENV_H

#include <koc/base.h>
#include <koc/context.h>

/* Borrowed; NULL when unset. Never for setuid programs. */
const char *koc__env(const char *name);
/* As koc__env, but NULL also if it is empty. */
const char *koc__env_nonempty(const char *name);
/* The whole environment, NULL-terminated, borrowed. */
const char *const *koc__environ(void);
/* The environment of a child process: that of this one, with name set to value. */
int koc__environ_with(const char *name, const char *value, koc_strlist **out, koc_error **err);
/* The home directory: $HOME, else from the password database; NULL: there is none. Owned by the caller. */
char *koc__home(void);
/* ${variable:-$HOME/fallback}; NULL: neither is set. Owned by the caller. */
char *koc__xdg(const char *variable, const char *fallback);
/* Why one of these returned NULL: no memory, or KOC_ENOTFOUND with the text. */
int koc__no_home(koc_error **err, const char *text);

#endif

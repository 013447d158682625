/* The command line and environment of `go build` (docs/ko.md, the Go build). */
#ifndef KOC__GOLANG_COMMAND_H
#define KOC__GOLANG_COMMAND_H

#include "golang/golang.h"

/* The environment that go gets, by name, no name twice: ko's defaults for the platform, then ours, then
 * the entry's env (config NULL or without env: defaultEnv). KOC_EINVAL when what comes later contradicts
 * the platform, or GOFLAGS holds -toolexec. */
int koc__go_command_env(const koc__go_settings *s, const koc__go_config *config,
                        const char *work_dir, const koc_platform *p, koc_strlist **out,
                        koc_error **err);

/* "build", flags and -ldflags=: all but -o and the packages. raw: with the templates as they are written,
 * which names the same command across commits and clocks. */
int koc__go_command_args(koc_ctx *ctx, const koc__go_settings *s, const koc__go_target *t,
                         const koc_strlist *env, const koc__go_options *o, koc__call *call,
                         koc_strlist **out, koc_strlist **raw, koc_error **err);

/* Whether a variable can change what go builds or finds. */
bool koc__go_env_matters(const char *item);
/* The value of name in a list of NAME=value; NULL: not there. */
const char *koc__go_env_get(const koc_strlist *env, const char *name);

#endif

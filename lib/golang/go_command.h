/* The command line and environment of `go build` (docs/ko.md, the Go build). */
#ifndef KOC__GOLANG_COMMAND_H
#define KOC__GOLANG_COMMAND_H

#include "golang/go_build.h"

/* The environment of go, sorted, each name once: ko's defaults for the platform, then koc's own
 * environment, then the entry's env (config NULL or without env: defaultEnv); the last value of a name
 * wins. KOC_EINVAL: a value contradicts the platform, or GOFLAGS has -toolexec. */
int koc__go_command_env(const koc__go_settings *s, const koc__go_config *config,
                        const char *work_dir, const koc_platform *p, koc_strlist **out,
                        koc_error **err);

/* Fills in u->args: "build", flags and -ldflags=, all but -o and the packages; and u->raw: the same with the
 * templates unrendered, which is equal across commits and clocks. Uses u->target and u->env. o: or NULL. */
int koc__go_command_args(const koc__go_settings *s, const koc__go_options *o, koc__go_unit *u,
                         koc__call *call, koc_error **err);

#endif

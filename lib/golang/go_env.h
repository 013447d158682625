/*
 * What one run knows about go and git. It lives with the settings, is filled when somebody asks, and
 * each fact is asked for once, however many images and platforms there are.
 */
#ifndef KOC__GOLANG_FACTS_H
#define KOC__GOLANG_FACTS_H

#include "core/io/fs.h"
#include "core/map.h"
#include "core/run/call.h"

typedef struct koc__go_env koc__go_env;

int koc__go_env_new(koc__go_env **out, koc_error **err);
void koc__go_env_free(koc__go_env *f);

/* The go tool: KO_GO_PATH, else go in PATH. Borrowed from f. KOC_ENOTFOUND with a hint. */
int koc__go_tool(koc__go_env *f, const char **path, koc__stamp *stamp, koc_error **err);
/* `go env` in the working folder of the process, as a map from name to char *. Borrowed from f. */
int koc__go_tool_env(koc__go_env *f, koc__call *call, const koc__map **out, koc_error **err);
/* SOURCE_DATE_EPOCH, else the time when it was first asked for. */
int koc__go_build_time(koc__go_env *f, int64_t *out, koc_error **err);

/* --- git (git.c) --- */
enum { KOC__GIT_BRANCH = 1, KOC__GIT_TAG, KOC__GIT_COMMIT, KOC__GIT_DIRTY };
typedef struct koc__git {
    char *branch; /* "" outside of a repository, as all strings */
    char *tag;    /* v0.0.0 when there is none */
    char *short_commit;
    char *full_commit;
    int64_t commit_time; /* the year 1: no commit */
    bool dirty;
    bool empty;     /* no repository or no commit, and that was told */
    uint32_t known; /* bit per KOC__GIT_* */
} koc__git;
/* What git says about folder (NULL: the working folder); only the part that is asked for is filled.
 * KOC_EPROCESS with git's words and the cure: there is a repository, but git does not read it, or there is
 * no git. Where there is none, or no commit, a warning goes to the log. Borrowed from f. */
int koc__go_git(koc__go_env *f, koc_ctx *ctx, const char *folder, int part, koc__call *call,
                const koc__git **out, koc_error **err);
/* Fills one part; for koc__go_git. */
int koc__git_ask(koc__git *g, koc_ctx *ctx, const char *folder, int part, koc__call *call,
                 koc_error **err);
void koc__git_free(koc__git *g);
/* The folder at or above folder that holds .git, as git looks for it. *root stays NULL without one. */
int koc__git_root(const char *folder, char **root, koc_error **err);
/* KOC_OK: git reads the repository that folder is in, or it is in none. */
int koc__git_check(const char *folder, koc__call *call, koc_error **err);
/* Every git that koc starts begins like this: "git", settings that keep the repository's programs from
 * running, arguments, NULL. */
enum { KOC__GIT_ARGS = 16 };
void koc__git_command(const char *const *arguments, const char *argv[KOC__GIT_ARGS]);

#endif

/*
 * What one run knows about go and git. The memo belongs to the settings. Each answer is fetched when it
 * is first needed, and once, however many images and platforms there are.
 */
#ifndef KOC__GOLANG_GO_ENV_H
#define KOC__GOLANG_GO_ENV_H

#include "core/io/fs.h"
#include "core/map.h"
#include "core/run/call.h"

typedef struct koc__go_env koc__go_env;

int koc__go_env_new(koc__go_env **out, koc_error **err);
void koc__go_env_free(koc__go_env *e);

/* The go tool: KO_GO_PATH, else go in PATH. Borrowed from e. KOC_ENOTFOUND with a hint. */
int koc__go_tool(koc__go_env *e, const char **path, koc__stamp *stamp, koc_error **err);
/* The answer of `go env` in the working directory of the process: from name to char *. Borrowed from e. */
int koc__go_tool_env(koc__go_env *e, koc__call *call, const koc__map **out, koc_error **err);
/* SOURCE_DATE_EPOCH, else the time of the first call. */
int koc__go_build_time(koc__go_env *e, int64_t *out, koc_error **err);

/* --- git (git.c) --- */
enum { KOC__GIT_BRANCH = 1, KOC__GIT_TAG, KOC__GIT_COMMIT, KOC__GIT_DIRTY };
typedef struct koc__git {
    char *branch; /* like all strings: "" outside of a repository */
    char *tag;    /* v0.0.0: the repository has no tag */
    char *short_commit;
    char *full_commit;
    int64_t commit_time; /* the year 1: no commit */
    bool dirty;
    bool empty;     /* no repository or no commit, and the warning has been given */
    uint32_t known; /* one bit per KOC__GIT_* */
} koc__git;
/* The values of the repository around dir (NULL: the working directory); only the given part is filled
 * in. KOC_EPROCESS with git's words and a hint: git cannot read the repository, or there is no git in
 * PATH. Without a repository or a commit, call's log gets a warning. Borrowed from e. */
int koc__go_git(koc__go_env *e, const char *dir, int part, koc__call *call, const koc__git **out,
                koc_error **err);
/* Fills in one part; for koc__go_git. */
int koc__git_fill(koc__git *g, const char *dir, int part, koc__call *call, koc_error **err);
void koc__git_free(koc__git *g);
/* The nearest directory from dir upwards that has a .git, searched as git does. *root stays NULL without
 * one. */
int koc__git_root(const char *dir, char **root, koc_error **err);
/* KOC_OK: dir is in a repository that git can read, or in none. */
int koc__git_check(const char *dir, koc__call *call, koc_error **err);
/* The command line of every git that koc starts: "git", settings that keep it from running programs of the
 * repository, arguments, NULL. */
enum { KOC__GIT_ARGS = 16 };
/* Runs git for an answer that may be missing: *ok false if git is not there or fails. Fails only if the
 * call has to end. */
struct koc__proc_result;
int koc__git_ask(const char *dir, const char *const *arguments, koc__call *call,
                 struct koc__proc_result *result, bool *ok, koc_error **err);
void koc__git_command(const char *const *arguments, const char *argv[KOC__GIT_ARGS]);

#endif

/*
 * What templates may ask about the git work tree (docs/ko.md, templates). Each part is one git process,
 * run when a template uses it. Without a repository or a commit all strings are empty and the tree is clean,
 * as in ko, and a warning says so; a repository that cannot be read is an error.
 */
#include "core/common.h"

#include <sys/stat.h>

#include "core/env.h"
#include "core/path.h"
#include "core/run/proc.h"
#include "core/str.h"
#include "golang/go_env.h"

#define GIT_OUTPUT_MAX ((size_t)16 << 20)
#define ZERO_TIME      INT64_C(-62135596800) /* 0001-01-01T00:00:00Z, Go's zero time */

void koc__git_command(const char *const *arguments, const char *argv[KOC__GIT_ARGS])
{
    /* The repository's settings may name programs: a build runs none of them. */
    static const char *const first[] = {"git",
                                        "-c",
                                        "core.fsmonitor=false",
                                        "-c",
                                        "core.hooksPath=/dev/null",
                                        "-c",
                                        "log.showSignature=false"};
    size_t n = 0;
    for (; n < KOC__COUNT(first); n++) {
        argv[n] = first[n];
    }
    while (*arguments && n + 1 < KOC__GIT_ARGS) {
        argv[n++] = *arguments++;
    }
    argv[n] = NULL;
}

/* --- why git says nothing --- */

/* Folders above which git does not look (git(1), GIT_CEILING_DIRECTORIES). */
static bool is_ceiling(const char *folder)
{
    koc_str rest = koc__str(koc__env_nonempty("GIT_CEILING_DIRECTORIES"));
    koc_str item;
    while (rest.ptr && koc__str_split(&rest, ':', &item)) {
        KOC__AUTO_STR name = koc__str_dup(item);
        KOC__AUTO_STR real = NULL;
        if (name && *name && koc__fs_realpath(name, &real, NULL) == KOC_OK &&
            koc__streq(real, folder)) {
            return true;
        }
    }
    return false;
}

int koc__git_root(const char *folder, char **root, koc_error **err)
{
    KOC__AUTO_STR at = NULL;
    struct stat first, st;
    KOC__TRY(koc__fs_realpath(folder ? folder : ".", &at, err));
    if (stat(at, &first) != 0) {
        return koc__error_errno(err, errno, "cannot read %s", at);
    }
    for (bool start = true; start || !is_ceiling(at); start = false) {
        KOC__AUTO_STR git = koc__path_join(at, ".git");
        koc_str parent = koc__path_dir(koc__str(at));
        KOC__AUTO_STR up = koc__str_dup(parent);
        if (!git || !up) {
            return koc__oom(err);
        }
        if (stat(at, &st) != 0 || st.st_dev != first.st_dev) {
            return KOC_OK;
        }
        if (lstat(git, &st) == 0) {
            *root = koc__steal(&at);
            return KOC_OK;
        }
        if (koc__streq(up, at)) {
            return KOC_OK;
        }
        koc__free(at);
        at = koc__steal(&up);
    }
    return KOC_OK;
}

static bool ends_call(int rc)
{
    return rc == KOC_ECANCELLED || rc == KOC_ETIMEOUT || rc == KOC_EUSER || rc == KOC_ENOMEM;
}

/* Runs git; *ok tells whether it succeeded, else *why is its first line. Fails only when the call is to
 * end. */
static int run_git(const char *folder, const char *const *arguments, koc__call *call,
                   koc__proc_result *result, bool *ok, char **why, koc_error **err)
{
    const char *argv[KOC__GIT_ARGS];
    koc_error *failure = NULL;
    KOC__AUTO(koc_strlist) env = NULL;
    koc__git_command(arguments, argv);
    KOC__TRY(koc__environ_with("LC_ALL", "C", &env, err)); /* refused() knows git's words */
    const koc__proc proc = {
        .argv = argv, .env = koc__strlist_argv(env), .dir = folder, .max_output = GIT_OUTPUT_MAX};
    int rc = koc__proc_run(&proc, call, result, &failure);
    *ok = rc == KOC_OK && result->exit_code == 0;
    if (ends_call(rc)) {
        return koc__error_move(err, &failure);
    }
    if (!*ok) {
        koc_str line = koc__str(failure ? koc_error_message(failure) : ""), rest = {0};
        if (!failure) {
            line = koc__str_trim(koc__dynbuf_view(&result->errors));
            (void)koc__str_cut(line, '\n', &line, &rest);
        }
        koc__free(*why);
        *why = rc == KOC_ENOTFOUND ? koc__strdup("there is no git in PATH") : koc__str_dup(line);
        koc_error_free(failure);
        return *why ? KOC_OK : koc__oom(err);
    }
    return KOC_OK;
}

static int refused(const char *root, const char *why, koc_error **err)
{
    int rc = koc__error(err, KOC_EPROCESS, "cannot read the git repository %s: %s", root, why);
    if (strstr(why, "dubious ownership")) {
        koc__error_hint(err, "git config --global --add safe.directory %s", root);
    } else if (strstr(why, "no git in PATH")) {
        koc__error_hint(err, "install git");
    }
    return rc;
}

/* *root: the repository, which git reads; NULL when there is none. */
static int check_repository(const char *folder, koc__call *call, char **root, koc_error **err)
{
    static const char *const arguments[] = {"rev-parse", "--git-dir", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    KOC__AUTO_STR found = NULL;
    KOC__AUTO_STR why = NULL;
    const char *named = koc__env_nonempty("GIT_DIR");
    bool ok = false;
    if (named) {
        found = koc__strdup(named);
        KOC__TRY(found ? KOC_OK : koc__oom(err));
    } else {
        KOC__TRY(koc__git_root(folder, &found, err));
    }
    if (!found) {
        return KOC_OK;
    }
    KOC__TRY(run_git(folder, arguments, call, &result, &ok, &why, err));
    if (!ok) {
        return refused(found, why, err);
    }
    *root = koc__steal(&found);
    return KOC_OK;
}

int koc__git_check(const char *folder, koc__call *call, koc_error **err)
{
    KOC__AUTO_STR root = NULL;
    return check_repository(folder, call, &root, err);
}

/*
 * git said nothing: where there is no repository, or no commit in it, that is the answer, and a warning. All
 * else is an error: what could not be read is not the same as what is not there. *answered: HEAD is a commit,
 * so it is for the caller to say what why means.
 */
static int judge(koc__git *g, koc_ctx *ctx, const char *folder, koc__call *call, bool *answered,
                 koc_error **err)
{
    static const char *const arguments[] = {"rev-parse", "-q", "--verify", "HEAD^{commit}", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    KOC__AUTO_STR root = NULL;
    KOC__AUTO_STR why = NULL;
    bool ok = false;
    *answered = false;
    if (g->empty) {
        return KOC_OK;
    }
    KOC__TRY(check_repository(folder, call, &root, err));
    if (root) {
        KOC__TRY(run_git(folder, arguments, call, &result, &ok, &why, err));
        *answered = ok;
        if (ok) {
            return KOC_OK;
        }
    }
    g->empty = true;
    if (root) {
        koc__log(ctx, KOC_LOG_WARN, "golang", "%s has no commit yet: .Git has no values", root);
    } else {
        koc__log(ctx, KOC_LOG_WARN, "golang",
                 "%s is in no git repository: .Git has no values in templates",
                 folder ? folder : "this directory");
    }
    return KOC_OK;
}

/* Runs git; without an answer that counts result is empty and *ok false. no_answer: one that fails where
 * HEAD is a commit says that there is none. */
static int ask(koc__git *g, koc_ctx *ctx, const char *folder, const char *const *arguments,
               bool no_answer, koc__call *call, koc__proc_result *result, bool *ok, koc_error **err)
{
    KOC__AUTO_STR why = NULL;
    bool answered = false;
    KOC__TRY(run_git(folder, arguments, call, result, ok, &why, err));
    if (*ok) {
        return KOC_OK;
    }
    KOC__TRY(judge(g, ctx, folder, call, &answered, err));
    return answered && !no_answer ? refused(folder ? folder : ".", why, err) : KOC_OK;
}

static int set(char **out, koc_str text, koc_error **err)
{
    char *copy = koc__str_dup(text);
    if (!copy) {
        return koc__oom(err);
    }
    koc__free(*out);
    *out = copy;
    return KOC_OK;
}

/* The first line without its end. */
static koc_str line_of(const koc__dynbuf *b)
{
    koc_str line = koc__dynbuf_view(b);
    koc_str rest;
    (void)koc__str_cut(line, '\n', &line, &rest);
    return koc__str_trim(line);
}

static int ask_commit(koc__git *g, koc_ctx *ctx, const char *folder, koc__call *call,
                      koc_error **err)
{
    static const char *const arguments[] = {"show", "--no-patch", "--format=%h %H %ct",
                                            "HEAD", "--quiet",    NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    bool ok = false;
    KOC__TRY(ask(g, ctx, folder, arguments, false, call, &result, &ok, err));
    koc_str rest = ok ? line_of(&result.output) : KOC__STR("");
    koc_str commit[3] = {{0}, {0}, {0}};
    for (size_t i = 0; i < KOC__COUNT(commit); i++) {
        (void)koc__str_word(&rest, &commit[i]);
    }
    g->commit_time = ZERO_TIME;
    (void)koc__str_i64(commit[2], &g->commit_time);
    KOC__TRY(set(&g->short_commit, commit[0], err));
    return set(&g->full_commit, commit[1], err);
}

static int ask_branch(koc__git *g, koc_ctx *ctx, const char *folder, koc__call *call,
                      koc_error **err)
{
    static const char *const arguments[] = {"rev-parse", "--abbrev-ref", "HEAD", "--quiet", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    bool ok = false;
    KOC__TRY(ask(g, ctx, folder, arguments, false, call, &result, &ok, err));
    return set(&g->branch, ok ? line_of(&result.output) : KOC__STR(""), err);
}

/* Without a tag git fails, and so it does outside of a repository: only a commit tells the two apart. */
static int ask_tag(koc__git *g, koc_ctx *ctx, const char *folder, koc__call *call, koc_error **err)
{
    static const char *const arguments[] = {"describe", "--tags", "--abbrev=0", "HEAD", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    bool ok = false;
    KOC__TRY(ask(g, ctx, folder, arguments, true, call, &result, &ok, err));
    if (ok) {
        return set(&g->tag, line_of(&result.output), err);
    }
    return set(&g->tag, g->empty ? KOC__STR("") : KOC__STR("v0.0.0"), err);
}

static int ask_dirty(koc__git *g, koc_ctx *ctx, const char *folder, koc__call *call,
                     koc_error **err)
{
    static const char *const arguments[] = {"status", "--porcelain", "--branch", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    bool ok = false;
    KOC__TRY(ask(g, ctx, folder, arguments, false, call, &result, &ok, err));
    /* "## main", then a line a change; to ko a repository without commits is clean. */
    koc_str line = {0};
    koc_str changes = {0};
    ok = ok && koc__str_cut(koc__dynbuf_view(&result.output), '\n', &line, &changes);
    g->dirty = ok && changes.len > 0 && !koc__str_starts(line, "## No commits yet");
    return KOC_OK;
}

int koc__git_ask(koc__git *g, koc_ctx *ctx, const char *folder, int part, koc__call *call,
                 koc_error **err)
{
    int rc = KOC_OK;
    switch (part) {
    case KOC__GIT_BRANCH: rc = ask_branch(g, ctx, folder, call, err); break;
    case KOC__GIT_TAG: rc = ask_tag(g, ctx, folder, call, err); break;
    case KOC__GIT_COMMIT: rc = ask_commit(g, ctx, folder, call, err); break;
    default: rc = ask_dirty(g, ctx, folder, call, err); break;
    }
    if (rc == KOC_OK) {
        g->known |= 1u << part;
    }
    return rc;
}

void koc__git_free(koc__git *g)
{
    if (!g) {
        return;
    }
    koc__free(g->branch);
    koc__free(g->tag);
    koc__free(g->short_commit);
    koc__free(g->full_commit);
    koc__free(g);
}

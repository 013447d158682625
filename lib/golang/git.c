/*
 * Values of the git work tree for templates (docs/ko.md, templates). Each part takes one git process,
 * which runs when a template uses it. Without a repository or a commit all strings are empty and the tree
 * is clean, as in ko, with a warning; a repository that cannot be read is an error.
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
    /* The repository's settings may name programs; a build must not run them. */
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

/* --- why git has no answer --- */

/* Directories above which git does not look (git(1), GIT_CEILING_DIRECTORIES). */
static bool is_ceiling(const char *dir)
{
    koc_str rest = koc__str(koc__env_nonempty("GIT_CEILING_DIRECTORIES"));
    koc_str item;
    while (rest.ptr && koc__str_split(&rest, ':', &item)) {
        KOC__AUTO_STR name = koc__str_dup(item);
        KOC__AUTO_STR real = NULL;
        if (name && *name && koc__fs_realpath(name, &real, NULL) == KOC_OK &&
            koc__streq(real, dir)) {
            return true;
        }
    }
    return false;
}

int koc__git_root(const char *dir, char **root, koc_error **err)
{
    KOC__AUTO_STR at = NULL;
    struct stat first, st;
    KOC__TRY(koc__fs_realpath(dir ? dir : ".", &at, err));
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

/* Runs git. *ok: it succeeded; else *why is its first line. Fails only if the call has to end. */
static int run_git(const char *dir, const char *const *arguments, koc__call *call,
                   koc__proc_result *result, bool *ok, char **why, koc_error **err)
{
    const char *argv[KOC__GIT_ARGS];
    koc_error *failure = NULL;
    KOC__AUTO(koc_strlist) env = NULL;
    koc__git_command(arguments, argv);
    KOC__TRY(
        koc__environ_with("LC_ALL", "C", &env, err)); /* report_refusal() looks for English words */
    const koc__proc proc = {
        .argv = argv, .env = koc__strlist_argv(env), .dir = dir, .max_output = GIT_OUTPUT_MAX};
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

int koc__git_ask(const char *dir, const char *const *arguments, koc__call *call,
                 koc__proc_result *result, bool *ok, koc_error **err)
{
    KOC__AUTO_STR why = NULL;
    return run_git(dir, arguments, call, result, ok, &why, err);
}

static int report_refusal(const char *root, const char *why, koc_error **err)
{
    int rc = koc__error(err, KOC_EPROCESS, "cannot read the git repository %s: %s", root, why);
    if (strstr(why, "dubious ownership")) {
        koc__error_hint(err, "git config --global --add safe.directory %s", root);
    } else if (strstr(why, "no git in PATH")) {
        koc__error_hint(err, "install git");
    }
    return rc;
}

/* *root: the repository that git can read; NULL: there is no repository. */
static int check_repository(const char *dir, koc__call *call, char **root, koc_error **err)
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
        KOC__TRY(koc__git_root(dir, &found, err));
    }
    if (!found) {
        return KOC_OK;
    }
    KOC__TRY(run_git(dir, arguments, call, &result, &ok, &why, err));
    if (!ok) {
        return report_refusal(found, why, err);
    }
    *root = koc__steal(&found);
    return KOC_OK;
}

int koc__git_check(const char *dir, koc__call *call, koc_error **err)
{
    KOC__AUTO_STR root = NULL;
    return check_repository(dir, call, &root, err);
}

/* What a query needs. */
typedef struct reader {
    koc__git *g;
    const char *dir; /* NULL: the working directory */
    koc__call *call;
} reader;

/*
 * A git command failed. No repository, or no commit in it, is an answer: it gets a warning. A repository that
 * cannot be read is an error. *has_commit: HEAD is a commit, so the failure has another cause.
 */
static int check_empty(const reader *r, bool *has_commit, koc_error **err)
{
    static const char *const arguments[] = {"rev-parse", "-q", "--verify", "HEAD^{commit}", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    KOC__AUTO_STR root = NULL;
    KOC__AUTO_STR why = NULL;
    bool ok = false;
    koc_ctx *ctx = r->call ? r->call->ctx : NULL;
    *has_commit = false;
    if (r->g->empty) {
        return KOC_OK;
    }
    KOC__TRY(check_repository(r->dir, r->call, &root, err));
    if (root) {
        KOC__TRY(run_git(r->dir, arguments, r->call, &result, &ok, &why, err));
        *has_commit = ok;
        if (ok) {
            return KOC_OK;
        }
    }
    r->g->empty = true;
    if (root) {
        koc__log(ctx, KOC_LOG_WARN, "golang", "%s has no commit yet: .Git has no values", root);
    } else {
        koc__log(ctx, KOC_LOG_WARN, "golang",
                 "%s is not in a git repository: .Git has no values in templates",
                 r->dir ? r->dir : "this directory");
    }
    return KOC_OK;
}

/* Runs git for one part. *ok false: there is nothing to read in result. may_fail: git also fails in a
 * repository with commits, if it has none of what is asked for. */
static int query(const reader *r, const char *const *arguments, bool may_fail,
                 koc__proc_result *result, bool *ok, koc_error **err)
{
    KOC__AUTO_STR why = NULL;
    bool has_commit = false;
    KOC__TRY(run_git(r->dir, arguments, r->call, result, ok, &why, err));
    if (*ok) {
        return KOC_OK;
    }
    KOC__TRY(check_empty(r, &has_commit, err));
    return has_commit && !may_fail ? report_refusal(r->dir ? r->dir : ".", why, err) : KOC_OK;
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
static koc_str first_line(const koc__dynbuf *b)
{
    koc_str line = koc__dynbuf_view(b);
    koc_str rest;
    (void)koc__str_cut(line, '\n', &line, &rest);
    return koc__str_trim(line);
}

static int read_commit(const reader *r, koc_error **err)
{
    static const char *const arguments[] = {"show", "--no-patch", "--format=%h %H %ct",
                                            "HEAD", "--quiet",    NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    bool ok = false;
    KOC__TRY(query(r, arguments, false, &result, &ok, err));
    koc_str rest = ok ? first_line(&result.output) : KOC__STR("");
    koc_str commit[3] = {{0}, {0}, {0}};
    for (size_t i = 0; i < KOC__COUNT(commit); i++) {
        (void)koc__str_word(&rest, &commit[i]);
    }
    r->g->commit_time = ZERO_TIME;
    (void)koc__str_i64(commit[2], &r->g->commit_time);
    KOC__TRY(set(&r->g->short_commit, commit[0], err));
    return set(&r->g->full_commit, commit[1], err);
}

static int read_branch(const reader *r, koc_error **err)
{
    static const char *const arguments[] = {"rev-parse", "--abbrev-ref", "HEAD", "--quiet", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    bool ok = false;
    KOC__TRY(query(r, arguments, false, &result, &ok, err));
    return set(&r->g->branch, ok ? first_line(&result.output) : KOC__STR(""), err);
}

/* git fails without a tag as it does outside of a repository; only a commit shows which it is. */
static int read_tag(const reader *r, koc_error **err)
{
    static const char *const arguments[] = {"describe", "--tags", "--abbrev=0", "HEAD", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    bool ok = false;
    KOC__TRY(query(r, arguments, true, &result, &ok, err));
    if (ok) {
        return set(&r->g->tag, first_line(&result.output), err);
    }
    return set(&r->g->tag, r->g->empty ? KOC__STR("") : KOC__STR("v0.0.0"), err);
}

static int read_dirty(const reader *r, koc_error **err)
{
    static const char *const arguments[] = {"status", "--porcelain", "--branch", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    bool ok = false;
    KOC__TRY(query(r, arguments, false, &result, &ok, err));
    /* "## main", then one line per change; for ko a repository without commits is clean. */
    koc_str line = {0};
    koc_str changes = {0};
    ok = ok && koc__str_cut(koc__dynbuf_view(&result.output), '\n', &line, &changes);
    r->g->dirty = ok && changes.len > 0 && !koc__str_starts(line, "## No commits yet");
    return KOC_OK;
}

int koc__git_fill(koc__git *g, const char *dir, int part, koc__call *call, koc_error **err)
{
    const reader r = {g, dir, call};
    int rc = KOC_OK;
    switch (part) {
    case KOC__GIT_BRANCH: rc = read_branch(&r, err); break;
    case KOC__GIT_TAG: rc = read_tag(&r, err); break;
    case KOC__GIT_COMMIT: rc = read_commit(&r, err); break;
    default: rc = read_dirty(&r, err); break;
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

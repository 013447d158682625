/*
 * What templates may ask about the git work tree (docs/ko.md, templates). Each part is one git process,
 * run when a template uses it. Without a repository, a commit or git itself all strings are empty and the
 * tree is clean, as in ko.
 */
#include "core/common.h"

#include "core/proc.h"
#include "core/str.h"
#include "golang/facts.h"

#define GIT_OUTPUT_MAX ((size_t)16 << 20)
#define ZERO_TIME      INT64_C(-62135596800) /* 0001-01-01T00:00:00Z, Go's zero time */

/* Runs git; *ok tells whether it succeeded. Fails only when the call is to end. */
static int run_git(koc_ctx *ctx, const char *folder, const char *const *arguments, koc__op *op,
                   koc__proc_result *result, bool *ok, koc_error **err)
{
    const char *argv[12] = {"git", "-c", "log.showSignature=false"};
    size_t n = 3;
    while (*arguments && n + 1 < KOC__COUNT(argv)) {
        argv[n++] = *arguments++;
    }
    const koc__proc proc = {.argv = argv, .dir = folder, .max_output = GIT_OUTPUT_MAX};
    koc_error *why = NULL;
    int rc = koc__proc_run(&proc, op, result, &why);
    *ok = rc == KOC_OK && result->exit_code == 0;
    if (rc == KOC_ECANCELLED || rc == KOC_ETIMEOUT || rc == KOC_EUSER || rc == KOC_ENOMEM) {
        return koc__error_move(err, &why);
    }
    if (!*ok) {
        koc_str text = koc__str_trim(koc__buf_view(&result->errors));
        if (why) {
            text = koc__str(koc_error_message(why));
        }
        koc__log(ctx, KOC_LOG_INFO, "golang", "git %s in %s: %.*s", argv[3], folder ? folder : ".",
                 KOC__FMT(text));
    }
    koc_error_free(why);
    return KOC_OK;
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
static koc_str line_of(const koc__buf *b)
{
    koc_str line = koc__buf_view(b);
    koc_str rest;
    (void)koc__str_cut(line, '\n', &line, &rest);
    return koc__str_trim(line);
}

static int ask_commit(koc__git *g, koc_ctx *ctx, const char *folder, koc__op *op, koc_error **err)
{
    static const char *const arguments[] = {"show", "--no-patch", "--format=%h %H %ct",
                                            "HEAD", "--quiet",    NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    bool ok = false;
    KOC__TRY(run_git(ctx, folder, arguments, op, &result, &ok, err));
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

static int ask_branch(koc__git *g, koc_ctx *ctx, const char *folder, koc__op *op, koc_error **err)
{
    static const char *const arguments[] = {"rev-parse", "--abbrev-ref", "HEAD", "--quiet", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    bool ok = false;
    KOC__TRY(run_git(ctx, folder, arguments, op, &result, &ok, err));
    return set(&g->branch, ok ? line_of(&result.output) : KOC__STR(""), err);
}

/* Without a tag git fails, and so it does outside of a repository: only a commit tells the two apart. */
static int ask_tag(koc__git *g, koc_ctx *ctx, const char *folder, koc__op *op, koc_error **err)
{
    static const char *const arguments[] = {"describe", "--tags", "--abbrev=0", "HEAD", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    bool ok = false;
    KOC__TRY(run_git(ctx, folder, arguments, op, &result, &ok, err));
    if (ok) {
        return set(&g->tag, line_of(&result.output), err);
    }
    if (!(g->known & (1u << KOC__GIT_COMMIT))) {
        KOC__TRY(koc__git_ask(g, ctx, folder, KOC__GIT_COMMIT, op, err));
    }
    return set(&g->tag, *g->full_commit ? KOC__STR("v0.0.0") : KOC__STR(""), err);
}

static int ask_dirty(koc__git *g, koc_ctx *ctx, const char *folder, koc__op *op, koc_error **err)
{
    static const char *const arguments[] = {"status", "--porcelain", "--branch", NULL};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    bool ok = false;
    KOC__TRY(run_git(ctx, folder, arguments, op, &result, &ok, err));
    /* "## main", then a line a change; to ko a repository without commits is clean. */
    koc_str line = {0};
    koc_str changes = {0};
    ok = ok && koc__str_cut(koc__buf_view(&result.output), '\n', &line, &changes);
    g->dirty = ok && changes.len > 0 && !koc__str_starts(line, "## No commits yet");
    return KOC_OK;
}

int koc__git_ask(koc__git *g, koc_ctx *ctx, const char *folder, int part, koc__op *op,
                 koc_error **err)
{
    int rc = KOC_OK;
    switch (part) {
    case KOC__GIT_BRANCH: rc = ask_branch(g, ctx, folder, op, err); break;
    case KOC__GIT_TAG: rc = ask_tag(g, ctx, folder, op, err); break;
    case KOC__GIT_COMMIT: rc = ask_commit(g, ctx, folder, op, err); break;
    default: rc = ask_dirty(g, ctx, folder, op, err); break;
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

/* The commit that go stamps into a program, as an input. */
#include "core/common.h"

#include "core/path.h"
#include "golang/record/input_record.h"

static const char *const others[] = {".hg", ".svn", ".bzr", ".fslckout", "_FOSSIL_"};

/* The nearest directory from dir upwards that has a .git; *root stays NULL: there is none. Records each
 * path at which a new repository would change the answer. */
static int find_root(koc__inputs_gather *g, const char *dir, char **root, koc_error **err)
{
    KOC__AUTO_STR at = koc__strdup(dir);
    for (;;) {
        KOC__AUTO_STR git = at ? koc__path_join(at, ".git") : NULL;
        if (!git) {
            return koc__oom(err);
        }
        for (size_t i = 0; i < KOC__COUNT(others); i++) {
            KOC__AUTO_STR other = koc__path_join(at, others[i]);
            if (!other) {
                return koc__oom(err);
            }
            if (koc__fs_exists(other)) {
                koc__inputs_give_up(g, "another version control system than git");
            }
            KOC__TRY(koc__inputs_gather_single(g, other, err));
        }
        if (koc__fs_exists(git)) {
            *root = koc__steal(&at);
            return KOC_OK;
        }
        KOC__TRY(koc__inputs_gather_single(g, git, err));
        koc_str parent = koc__path_dir(koc__str(at));
        if (koc__str_is(parent, at)) {
            return KOC_OK;
        }
        char *up = koc__str_dup(parent);
        koc__free(at);
        at = up;
    }
}

/* Since Go 1.24 the module's version is derived from tags. */
static int add_tags(koc__inputs_gather *g, const char *root, koc_error **err)
{
    KOC__AUTO_STR git = koc__path_join(root, ".git");
    KOC__AUTO_STR tags = git ? koc__path_join(git, "refs/tags") : NULL;
    KOC__AUTO_STR tables = git ? koc__path_join(git, "reftable") : NULL;
    if (!tags || !tables) {
        return koc__oom(err);
    }
    if (!koc__fs_is_dir(git) || !koc__fs_is_dir(tags) || koc__fs_exists(tables)) {
        koc__inputs_give_up(g, "tags in a linked work tree, or in another form than files");
        return KOC_OK;
    }
    KOC__TRY(koc__inputs_gather_single_in(g, git, "packed-refs", err));
    KOC__TRY(koc__inputs_gather_single_in(g, git, "shallow", err));
    return koc__inputs_gather_tree(g, tags, true, err);
}

static bool has_repo(const koc__inputs *in, const char *root)
{
    for (size_t i = 0; i < in->n_repos; i++) {
        if (koc__streq(in->repos[i].root, root)) {
            return true;
        }
    }
    return false;
}

int koc__inputs_gather_vcs(koc__inputs_gather *g, const koc__go_unit *u, const char *dir,
                           koc_error **err)
{
    KOC__AUTO_STR root = NULL;
    KOC__AUTO(koc__exe_info) info = NULL;
    bool off = false;
    KOC__TRY(koc__inputs_without_vcs(g->b, &off, err));
    if (off || !u->binary->path) {
        return KOC_OK;
    }
    KOC__TRY(find_root(g, dir, &root, err));
    if (!g->usable || !root) {
        return KOC_OK;
    }
    if (koc__exe_info_read(u->binary->path, &info, NULL) != KOC_OK) {
        koc__inputs_give_up(g, "a program without build info");
        return KOC_OK;
    }
    const char *revision = koc__exe_setting(info, "vcs.revision");
    const char *modified = koc__exe_setting(info, "vcs.modified");
    if (!koc__streq(koc__exe_setting(info, "vcs"), "git") || !revision || !modified) {
        koc__inputs_give_up(g, "a repository of which go stamped no commit");
        return KOC_OK;
    }
    const char *version = info->main.version;
    if (version && *version && !koc__streq(version, "(devel)")) {
        KOC__TRY(add_tags(g, root, err));
    }
    if (has_repo(g->in, root)) {
        return KOC_OK;
    }
    return koc__inputs_add_repo(g->in, root, revision, koc__streq(modified, "true"), err);
}

int koc__inputs_refresh_vcs(const koc__go_batch *b, koc__inputs *in, bool *usable, koc_error **err)
{
    *usable = in->n_repos <= 1;
    if (in->n_repos != 1) {
        return KOC_OK;
    }
    KOC__AUTO(koc__exe_info) info = NULL;
    KOC__AUTO_STR root = koc__strdup(in->repos[0].root);
    if (!root) {
        return koc__oom(err);
    }
    int rc = koc__exe_info_read(b->units[0]->binary->path, &info, NULL);
    const char *revision = rc == KOC_OK ? koc__exe_setting(info, "vcs.revision") : NULL;
    const char *modified = rc == KOC_OK ? koc__exe_setting(info, "vcs.modified") : NULL;
    *usable = revision && modified;
    if (!*usable) {
        return KOC_OK;
    }
    in->n_repos = 0;
    return koc__inputs_add_repo(in, root, revision, koc__streq(modified, "true"), err);
}

/* Finds kodata, the boundary for its links, and its content. */
#include "core/common.h"

#include <sys/stat.h>

#include "core/env.h"
#include "core/path.h"
#include "core/str.h"
#include "golang/kodata.h"
#include "layer/layer.h"

#define ENTRIES_MAX 1000000

typedef struct collector {
    koc_ctx *ctx;
    koc__kodata *to;
    char *dir;    /* that of the previous file */
    char *real;   /* the same without symbolic links */
    char *git;    /* the directory of git around it, or NULL */
    bool refused; /* the error is about a file of git and has its own hint */
} collector;

static void collector_dispose(collector *c)
{
    koc__free(c->dir);
    koc__free(c->real);
    koc__free(c->git);
}
KOC__DEFINE_AUTO_VAL(collector, collector_dispose);

void koc__kodata_free(koc__kodata *k)
{
    if (!k) {
        return;
    }
    for (size_t i = 0; i < k->count; i++) {
        koc__free(k->entries[i].name);
        koc__free(k->entries[i].source);
    }
    koc__free(k->entries);
    koc__free(k->root);
    koc__free(k);
}

/* --- the boundary --- */

/* The directory named by KO_DATA_PATH_ALLOWED_ROOT if kodata is below it; else *out stays NULL. */
static int root_from_env(const char *kodata, char **out, koc_error **err)
{
    const char *given = koc__env_nonempty("KO_DATA_PATH_ALLOWED_ROOT");
    KOC__AUTO_STR real = NULL;
    if (!given) {
        return KOC_OK;
    }
    KOC__TRY(
        koc__error_prefix(err, koc__fs_realpath(given, &real, err), "KO_DATA_PATH_ALLOWED_ROOT"));
    if (koc__path_within(real, kodata)) {
        *out = koc__steal(&real);
    }
    return KOC_OK;
}

/* The nearest directory above kodata that has a .git; *out stays NULL: there is none. */
static int root_from_git(const char *kodata, char **out, koc_error **err)
{
    koc_str at = koc__path_dir(koc__str(kodata));
    for (;;) {
        KOC__AUTO_STR dir = koc__str_dup(at);
        KOC__AUTO_STR git = dir ? koc__path_join(dir, ".git") : NULL;
        struct stat st;
        if (!git) {
            return koc__oom(err);
        }
        if (lstat(git, &st) == 0) {
            *out = koc__steal(&dir);
            return KOC_OK;
        }
        koc_str up = koc__path_dir(at);
        if (up.len >= at.len) {
            return KOC_OK; /* that was the root */
        }
        at = up;
    }
}

/* The directory that links must not leave. kodata: its path, in which no directory is a link. */
static int find_boundary(const char *kodata, char **out, koc_error **err)
{
    KOC__AUTO_STR root = NULL;
    KOC__TRY(root_from_env(kodata, &root, err));
    if (!root) {
        KOC__TRY(root_from_git(kodata, &root, err));
    }
    if (!root) {
        root = koc__strdup(kodata);
    }
    if (!root) {
        return koc__oom(err);
    }
    *out = koc__steal(&root);
    return KOC_OK;
}

/* --- the directory --- */

/* kodata is itself a link: it may lead to a directory inside the boundary. */
static int follow_link(const char *path, const char *boundary, char **out, koc_error **err)
{
    KOC__AUTO_STR real = NULL;
    if (koc__fs_realpath(path, &real, NULL) != KOC_OK) {
        return koc__error(err, KOC_EINVAL, "%s is a link that leads nowhere", path);
    }
    if (!koc__path_within(boundary, real)) {
        return koc__error(err, KOC_EINVAL, "%s is a link to %s, which is outside of %s", path, real,
                          boundary);
    }
    *out = koc__steal(&real);
    return KOC_OK;
}

/* *root stays NULL: the package has no kodata. */
static int find_root(const char *package_dir, char **root, char **boundary, koc_error **err)
{
    KOC__AUTO_STR dir = NULL;
    KOC__AUTO_STR found = NULL;
    struct stat st;
    KOC__TRY(koc__fs_realpath(package_dir, &dir, err));
    KOC__AUTO_STR path = koc__path_join(dir, "kodata");
    if (!path) {
        return koc__oom(err);
    }
    if (lstat(path, &st) != 0) {
        return errno == ENOENT ? KOC_OK : koc__error_errno(err, errno, "cannot read %s", path);
    }
    KOC__TRY(find_boundary(path, boundary, err));
    if (S_ISLNK(st.st_mode)) {
        KOC__TRY(follow_link(path, *boundary, &found, err));
    } else {
        found = koc__steal(&path);
    }
    if (!koc__fs_is_dir(found)) {
        return koc__error(err, KOC_EINVAL, "%s is not a directory: kodata must be one", found);
    }
    *root = koc__steal(&found);
    return KOC_OK;
}

/* --- secrets --- */

static bool is_git_dir(const char *path)
{
    KOC__AUTO_STR head = koc__path_join(path, "HEAD");
    KOC__AUTO_STR objects = koc__path_join(path, "objects");
    KOC__AUTO_STR common = koc__path_join(path, "commondir");
    return head && objects && common && koc__fs_exists(head) &&
           (koc__fs_is_dir(objects) || koc__fs_is_file(common));
}

/* The git directory that contains the directory real; *out stays NULL: there is none. */
static int git_above(const char *real, char **out, koc_error **err)
{
    KOC__AUTO_STR at = koc__strdup(real);
    while (at && !is_git_dir(at)) {
        char *up = koc__str_dup(koc__path_dir(koc__str(at)));
        if (koc__streq(up, at)) {
            koc__free(up);
            return KOC_OK;
        }
        koc__free(at);
        at = up;
    }
    if (!at) {
        return koc__oom(err);
    }
    *out = koc__steal(&at);
    return KOC_OK;
}

/* Fills in c for the directory of a file; most files are in the same one as the previous file. */
static int enter_dir(collector *c, koc_str dir, koc_error **err)
{
    if (c->dir && koc__str_is(dir, c->dir)) {
        return KOC_OK;
    }
    collector_dispose(c);
    c->real = c->git = NULL;
    c->dir = koc__str_dup(dir);
    if (!c->dir) {
        return koc__oom(err);
    }
    KOC__TRY(koc__fs_realpath(c->dir, &c->real, err));
    return git_above(c->real, &c->git, err);
}

/* The path of a file below its git directory, such as "config"; *out stays NULL: it is not in one. */
static int place_in_git(collector *c, const koc__tree_item *item, char **out, koc_error **err)
{
    KOC__AUTO_STR real = NULL;
    KOC__AUTO_STR git = NULL;
    koc_str source = koc__str(item->source);
    KOC__TRY(enter_dir(c, koc__path_dir(source), err));
    if (item->is_link) {
        KOC__TRY(koc__fs_realpath(item->source, &real, err));
        KOC__AUTO_STR dir = koc__str_dup(koc__path_dir(koc__str(real)));
        KOC__TRY(dir ? git_above(dir, &git, err) : koc__oom(err));
    } else if (c->git) {
        real = koc__format("%s/%.*s", c->real, KOC__FMT(koc__path_base(source)));
        KOC__TRY(real ? KOC_OK : koc__oom(err));
    }
    const char *root = item->is_link ? git : c->git;
    if (!root) {
        return KOC_OK;
    }
    *out = koc__strdup(koc__path_below(root, real));
    return *out ? KOC_OK : koc__oom(err);
}

static bool looks_secret(const char *source)
{
    static const char *const names[] = {".git-credentials", ".netrc",   "_netrc",    "id_rsa",
                                        "id_dsa",           "id_ecdsa", "id_ed25519"};
    koc_str name = koc__path_base(koc__str(source));
    if (koc__str_is(name, "config.json")) {
        return koc__str_ends(koc__str(source), "/.docker/config.json");
    }
    for (size_t i = 0; name.ptr[0] && strchr("._i", name.ptr[0]) && i < KOC__COUNT(names); i++) {
        if (koc__str_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* Checkouts of CI systems keep tokens in .git/config, and no program at run time needs hooks. */
static int check_secrets(collector *c, const koc__tree_item *item, koc_error **err)
{
    static const char *const refused[] = {"config", "config.worktree", "credentials", "hooks"};
    KOC__AUTO_STR below = NULL;
    if (item->type != KOC__TAR_FILE) {
        return KOC_OK;
    }
    KOC__TRY(place_in_git(c, item, &below, err));
    for (size_t i = 0; below && i < KOC__COUNT(refused); i++) {
        if (koc__path_within(refused[i], below)) {
            int rc =
                koc__error(err, KOC_EINVAL,
                           "%s is .git/%s, which does not belong into an image: it may contain "
                           "credentials or programs",
                           item->source, below);
            koc__error_hint(err, "link the files that the program reads, such as .git/HEAD and "
                                 ".git/refs, and not all of .git");
            c->refused = true;
            return rc;
        }
    }
    if (looks_secret(item->source)) {
        koc__log(c->ctx, KOC_LOG_WARN, "golang",
                 "%s goes into the image: it looks like credentials", item->source);
    }
    return KOC_OK;
}

/* --- the content --- */

static int collect_item(const koc__tree_item *item, void *payload, koc_error **err)
{
    collector *c = payload;
    koc__kodata *k = c->to;
    if (item->type == KOC__TAR_SYMLINK) {
        koc__log(c->ctx, KOC_LOG_WARN, "golang", "kodata link %s is left out of the Windows image",
                 item->source);
        return KOC_OK;
    }
    KOC__TRY(check_secrets(c, item, err));
    if (k->count == ENTRIES_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s has more than %d entries", k->root, ENTRIES_MAX);
    }
    if (!koc__grow((void **)&k->entries, &k->capacity, k->count + 1, sizeof(*k->entries))) {
        return koc__oom(err);
    }
    koc__kodata_entry *e = &k->entries[k->count];
    size_t root = strlen(k->root);
    bool usual = strncmp(item->source, k->root, root) == 0 && item->source[root] == '/' &&
                 koc__streq(item->source + root + 1, item->path);
    *e = (koc__kodata_entry){.name = koc__strdup(item->path),
                             .source = usual ? NULL : koc__strdup(item->source)};
    koc__stamp_of(item->st, &e->stamp);
    k->count++; /* also if one copy failed, so that the other is freed */
    if (!e->name || !(usual || e->source)) {
        return koc__oom(err);
    }
    return KOC_OK;
}

int koc__kodata_walk(koc_ctx *ctx, const char *package_dir, bool skip_links, koc__call *call,
                     koc__kodata **out, koc_error **err)
{
    KOC__AUTO_STR boundary = NULL;
    KOC__AUTO(koc__kodata) k = koc__calloc(1, sizeof(*k));
    if (!k) {
        return koc__oom(err);
    }
    KOC__TRY(find_root(package_dir, &k->root, &boundary, err));
    if (k->root) {
        KOC__AUTO_VAL(collector) c = {.ctx = ctx, .to = k};
        uint32_t flags = KOC__TREE_FOLLOW | (skip_links ? KOC__TREE_SKIP_LINKS : 0);
        int rc = koc__tree_walk(k->root, boundary, flags, collect_item, &c, call, err);
        if (rc == KOC_EINVAL && !c.refused) {
            koc__error_hint(
                err,
                "links in kodata may lead to what is below %s; to allow more, set "
                "KO_DATA_PATH_ALLOWED_ROOT to a directory that contains kodata and their targets",
                boundary);
        }
        if (rc != KOC_OK && rc != KOC_ENOMEM && rc != KOC_ECANCELLED && rc != KOC_ETIMEOUT) {
            koc__error_prefix(err, rc, "kodata");
        }
        KOC__TRY(rc);
    }
    *out = koc__steal(&k);
    return KOC_OK;
}

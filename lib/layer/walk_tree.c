/* Walks a directory: the same content has the same order everywhere, and nothing outside of it is read. */
#include "core/common.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/io/fs_open.h"
#include "core/path.h"
#include "layer/layer.h"

enum { DEPTH_MAX = 256, TARGET_MAX = 4096 };

/* A directory that is being walked, with its parents. */
typedef struct level {
    const struct level *up;
    int fd; /* open: to look up a name from here is twice as fast as by its whole path */
    dev_t device;
    ino_t inode;
    unsigned depth;
} level;

typedef struct walk {
    uint32_t flags;
    const char *boundary; /* resolved; NULL: links are not followed */
    koc__tree_fn fn;
    void *payload;
    koc__call *call;
} walk;

static int walk_directory(const walk *w, const char *path, const char *source, const level *at,
                          koc_error **err);

static int open_directory(const char *source, int *out, koc_error **err)
{
    int fd = koc__fs_open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot open %s", source);
    }
    *out = fd;
    return KOC_OK;
}

static int read_target(const char *source, char **out, koc_error **err)
{
    KOC__AUTO_STR target = koc__malloc(TARGET_MAX + 1);
    if (!target) {
        return koc__oom(err);
    }
    ssize_t n = readlink(source, target, TARGET_MAX);
    if (n < 0) {
        return koc__error_errno(err, errno, "cannot read the link %s", source);
    }
    if (n == TARGET_MAX) {
        return koc__error(err, KOC_ELIMIT, "the target of the link %s is too long", source);
    }
    target[n] = '\0';
    *out = koc__steal(&target);
    return KOC_OK;
}

/* Checks a link whose target will be stored. */
static int check_boundary(const walk *w, const char *source, koc_error **err)
{
    KOC__AUTO_STR real = NULL;
    int rc = koc__fs_realpath(source, &real, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "link %s leads nowhere", source);
    }
    if (!koc__path_within(w->boundary, real)) {
        return koc__error(err, KOC_EINVAL, "the link %s leads to %s, which is outside of %s",
                          source, real, w->boundary);
    }
    return KOC_OK;
}

static int enter(const walk *w, const koc__tree_item *item, const level *up, koc_error **err)
{
    KOC__AUTO_FD fd = -1;
    KOC__TRY(open_directory(item->source, &fd, err));
    const level here = {up, fd, item->st->st_dev, item->st->st_ino, up->depth + 1};
    for (const level *l = up; l; l = l->up) {
        if (l->device == here.device && l->inode == here.inode) {
            return koc__error(err, KOC_EINVAL, "the links of %s form a loop", item->source);
        }
    }
    if (here.depth > DEPTH_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s: more than %d directories deep", item->source,
                          DEPTH_MAX);
    }
    return walk_directory(w, item->path, item->source, &here, err);
}

/* Follows a link in kodata. *elsewhere: its target, if it leads through a .git file. */
static int follow(const walk *w, const level *at, koc__tree_item *item, const char *name,
                  struct stat *st, char **elsewhere, koc_error **err)
{
    if (fstatat(at->fd, name, st, 0) != 0 && (errno == ENOTDIR || errno == ENOENT)) {
        KOC__AUTO_STR target = NULL;
        KOC__TRY(read_target(item->source, &target, err));
        KOC__TRY(koc__tree_git_path(item->source, target, w->boundary, elsewhere, err));
        if (*elsewhere) {
            item->source = *elsewhere;
            return stat(item->source, st) == 0
                       ? KOC_OK
                       : koc__error_errno(err, errno, "cannot look at %s", item->source);
        }
    }
    KOC__TRY(check_boundary(w, item->source, err));
    return fstatat(at->fd, name, st, 0) == 0
               ? KOC_OK
               : koc__error_errno(err, errno, "cannot look at %s", item->source);
}

/* Sets type, target and *st, which is that of the stored file. */
static int examine(const walk *w, const level *at, koc__tree_item *item, struct stat *st,
                   char **target, char **elsewhere, koc_error **err)
{
    const char *name = koc__path_base(koc__str(item->source)).ptr;
    if (fstatat(at->fd, name, st, AT_SYMLINK_NOFOLLOW) != 0) {
        return koc__error_errno(err, errno, "cannot look at %s", item->source);
    }
    item->is_link = S_ISLNK(st->st_mode);
    if (S_ISLNK(st->st_mode) && w->flags & KOC__TREE_FOLLOW && !(w->flags & KOC__TREE_SKIP_LINKS)) {
        KOC__TRY(follow(w, at, item, name, st, elsewhere, err));
    }
    item->st = st;
    switch (st->st_mode & S_IFMT) {
    case S_IFREG: item->type = KOC__TAR_FILE; return KOC_OK;
    case S_IFDIR: item->type = KOC__TAR_DIR; return KOC_OK;
    case S_IFLNK:
        item->type = KOC__TAR_SYMLINK;
        KOC__TRY(read_target(item->source, target, err));
        item->target = *target;
        return KOC_OK;
    default:
        return koc__error(err, KOC_EUNSUPPORTED, "%s is not a regular file, directory or link",
                          item->source);
    }
}

static int visit(const walk *w, const char *path, const char *source, const level *at,
                 koc_error **err)
{
    koc__tree_item item = {.path = path, .source = source};
    struct stat st;
    KOC__AUTO_STR target = NULL;
    KOC__AUTO_STR elsewhere = NULL;
    KOC__TRY(koc__call_check(w->call, err));
    KOC__TRY(examine(w, at, &item, &st, &target, &elsewhere, err));
    int rc = w->fn(&item, w->payload, err);
    if (rc != 0) {
        return rc > 0 ? KOC_OK : rc;
    }
    return item.type == KOC__TAR_DIR ? enter(w, &item, at, err) : KOC_OK;
}

static int walk_directory(const walk *w, const char *path, const char *source, const level *at,
                          koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    KOC__TRY(koc__fs_list(source, &names, err));
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        const char *name = koc_strlist_get(names, i);
        /* Not cleaned: ".." after a link is relative to the target of the link. */
        KOC__AUTO_STR below = *path ? koc__format("%s/%s", path, name) : koc__strdup(name);
        KOC__AUTO_STR there = koc__format("%s/%s", source, name);
        if (!below || !there) {
            return koc__oom(err);
        }
        KOC__TRY(visit(w, below, there, at, err));
    }
    return KOC_OK;
}

int koc__tree_walk(const char *root, const char *boundary, uint32_t flags, koc__tree_fn fn,
                   void *payload, koc__call *call, koc_error **err)
{
    struct stat st;
    KOC__AUTO_STR within = NULL;
    KOC__TRY(koc__fs_realpath(boundary ? boundary : root, &within, err));
    KOC__AUTO_FD fd = -1;
    KOC__TRY(open_directory(root, &fd, err));
    if (fstat(fd, &st) != 0) {
        return koc__error_errno(err, errno, "cannot look at %s", root);
    }
    const walk w = {flags, within, fn, payload, call};
    const level top = {NULL, fd, st.st_dev, st.st_ino, 0};
    return walk_directory(&w, "", root, &top, err);
}

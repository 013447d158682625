/* kodata: where it is, how far its links may lead, and what is in it. */
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
} collector;

void koc__kodata_free(koc__kodata *k)
{
    if (!k) {
        return;
    }
    for (size_t i = 0; i < k->count; i++) {
        koc__free(k->entries[i].name);
    }
    koc__free(k->entries);
    koc__free(k->root);
    koc__free(k);
}

/* --- the boundary --- */

/* The folder named by KO_DATA_PATH_ALLOWED_ROOT when it is above kodata, else *out stays NULL. */
static int root_from_env(const char *kodata, char **out, koc_error **err)
{
    const char *given = koc__env_nonempty("KO_DATA_PATH_ALLOWED_ROOT");
    KOC__AUTO_STR real = NULL;
    if (!given) {
        return KOC_OK;
    }
    if (koc__fs_realpath(given, &real, NULL) != KOC_OK) {
        return koc__error(err, KOC_EINVAL, "KO_DATA_PATH_ALLOWED_ROOT: there is no folder %s",
                          given);
    }
    if (koc__path_within(real, kodata)) {
        *out = koc__steal(&real);
    }
    return KOC_OK;
}

/* The nearest folder above kodata that holds .git, else *out stays NULL. */
static int root_from_git(const char *kodata, char **out, koc_error **err)
{
    koc_str dir = koc__path_dir(koc__str(kodata));
    for (;;) {
        KOC__AUTO_STR folder = koc__str_dup(dir);
        KOC__AUTO_STR git = folder ? koc__path_join(folder, ".git") : NULL;
        struct stat st;
        if (!git) {
            return koc__oom(err);
        }
        if (lstat(git, &st) == 0) {
            *out = koc__steal(&folder);
            return KOC_OK;
        }
        koc_str up = koc__path_dir(dir);
        if (up.len >= dir.len) {
            return KOC_OK; /* that was the root */
        }
        dir = up;
    }
}

/* The folder that links may not leave. kodata: its place, with all links before it resolved. */
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

/* --- where it is --- */

/* kodata is a link itself: it may lead to a folder inside the boundary. */
static int follow(const char *path, const char *boundary, char **out, koc_error **err)
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

/* *root stays NULL when the package has no kodata. */
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
        KOC__TRY(follow(path, *boundary, &found, err));
    } else {
        found = koc__steal(&path);
    }
    if (!koc__fs_is_dir(found)) {
        return koc__error(err, KOC_EINVAL, "%s is not a folder: kodata must be one", found);
    }
    *root = koc__steal(&found);
    return KOC_OK;
}

/* --- what is in it --- */

static int collect(const koc__tree_item *item, void *payload, koc_error **err)
{
    const collector *c = payload;
    koc__kodata *k = c->to;
    if (item->type == KOC__TAR_SYMLINK) {
        koc__log(c->ctx, KOC_LOG_WARN, "golang", "kodata link %s is left out of the Windows image",
                 item->source);
        return KOC_OK;
    }
    if (k->count == ENTRIES_MAX) {
        return koc__error(err, KOC_ELIMIT, "%s holds more than %d entries", k->root, ENTRIES_MAX);
    }
    if (!koc__grow((void **)&k->entries, &k->capacity, k->count + 1, sizeof(*k->entries))) {
        return koc__oom(err);
    }
    koc__kodata_entry *e = &k->entries[k->count];
    e->name = koc__strdup(item->path);
    if (!e->name) {
        return koc__oom(err);
    }
    koc__stamp_of(item->st, &e->stamp);
    k->count++;
    return KOC_OK;
}

int koc__kodata_walk(koc_ctx *ctx, const char *package_dir, bool skip_links, koc__op *op,
                     koc__kodata **out, koc_error **err)
{
    KOC__AUTO_STR boundary = NULL;
    KOC__AUTO(koc__kodata) k = koc__calloc(1, sizeof(*k));
    if (!k) {
        return koc__oom(err);
    }
    KOC__TRY(find_root(package_dir, &k->root, &boundary, err));
    if (k->root) {
        collector c = {ctx, k};
        uint32_t flags = KOC__TREE_FOLLOW | (skip_links ? KOC__TREE_SKIP_LINKS : 0);
        int rc = koc__tree_walk(k->root, boundary, flags, collect, &c, op, err);
        if (rc == KOC_EINVAL) {
            koc__error_hint(
                err,
                "links in kodata may lead to what is below %s; KO_DATA_PATH_ALLOWED_ROOT "
                "names another folder",
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

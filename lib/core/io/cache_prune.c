/* Prunes the cache: a bounded scan, then removal in the order of last use. */
#include "core/common.h"

#include <dirent.h>
#include <fcntl.h>

#include "core/io/cache_layout.h"
#include "core/path.h"
#include "core/str.h"
#include "core/text.h"

enum {
    ENTRIES_MAX = 65536, /* in one scan; the rest waits for the next one */
    WALK_MAX = 65536,    /* files counted below one directory of files/ */
    WALK_DEPTH = 32,
    FUTURE_MAX = 24 * 60 * 60 /* seconds that clocks may have been set back */
};

typedef struct entry {
    char *path;
    uint64_t size;
    int64_t last_use; /* of it or anything in it */
    int64_t own_use;  /* of it alone */
    bool is_dir;
} entry;

typedef struct scan {
    const koc__cache *cache;
    int64_t now;
    entry *entries;
    size_t count;
    size_t capacity;
    uint64_t total;
} scan;

static void free_scan(scan *s)
{
    for (size_t i = 0; i < s->count; i++) {
        koc__free(s->entries[i].path);
    }
    koc__free(s->entries);
}
KOC__DEFINE_AUTO_VAL(scan, free_scan);

static uint64_t disk_size(const struct stat *st)
{
    return KOC__MAX((uint64_t)st->st_size, (uint64_t)st->st_blocks * 512);
}

/* A path below the cache's root; the caller frees it. */
static char *below(const scan *s, const char *area, const char *name)
{
    return koc__format("%s/%s/%s", s->cache->root, area, name);
}

/* Adds up a directory of files/: its size, and the last use of anything in it. */
static int measure(const char *path, unsigned depth, size_t *budget, entry *e, koc_error **err)
{
    KOC__AUTO(koc_strlist) names = NULL;
    if (depth > WALK_DEPTH || koc__fs_list(path, &names, NULL) != KOC_OK) {
        return KOC_OK;
    }
    for (size_t i = 0; i < koc_strlist_count(names) && *budget > 0; i++) {
        KOC__AUTO_STR child = koc__path_join(path, koc_strlist_get(names, i));
        struct stat st;

        if (!child) {
            return koc__oom(err);
        }
        *budget -= 1;
        if (lstat(child, &st) != 0) {
            continue;
        }
        e->size += disk_size(&st);
        e->last_use = KOC__MAX(e->last_use, koc__cache_last_use(&st));
        if (S_ISDIR(st.st_mode)) {
            KOC__TRY(measure(child, depth + 1, budget, e, err));
        }
    }
    return KOC_OK;
}

static int add_entry(scan *s, const char *path, const struct stat *st, koc_error **err)
{
    int64_t use = koc__cache_last_use(st);
    entry e = {NULL, disk_size(st), use, use, S_ISDIR(st->st_mode)};
    size_t budget = WALK_MAX;
    if (e.is_dir) {
        KOC__TRY(measure(path, 0, &budget, &e, err));
    }
    if (e.last_use > s->now + FUTURE_MAX) {
        e.last_use = 0; /* a wrong clock must not keep it for ever */
    }
    if (!koc__grow((void **)&s->entries, &s->capacity, s->count + 1, sizeof(*s->entries))) {
        return koc__oom(err);
    }
    e.path = koc__strdup(path);
    if (!e.path) {
        return koc__oom(err);
    }
    s->entries[s->count++] = e;
    s->total += e.size;
    return KOC_OK;
}

/* Adds the entries of one directory, if it exists. */
static int scan_directory(scan *s, const char *directory, koc_error **err)
{
    KOC__AUTO(DIR) dir = opendir(directory);
    const struct dirent *d;
    while (dir && s->count < ENTRIES_MAX) {
        KOC__AUTO_STR path = NULL;
        struct stat st;

        d = readdir(dir);
        if (!d) {
            break;
        }
        if (d->d_name[0] == '.' || fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        path = koc__path_join(directory, d->d_name);
        if (!path) {
            return koc__oom(err);
        }
        KOC__TRY(add_entry(s, path, &st, err));
    }
    return KOC_OK;
}

/* Adds <area>/<kind>/<entry> for all kinds. */
static int scan_area(scan *s, const char *area, koc_error **err)
{
    KOC__AUTO(koc_strlist) kinds = NULL;
    KOC__AUTO_STR top = koc__path_join(s->cache->root, area);
    if (!top) {
        return koc__oom(err);
    }
    if (koc__fs_list(top, &kinds, NULL) != KOC_OK) {
        return KOC_OK;
    }
    for (size_t i = 0; i < koc_strlist_count(kinds); i++) {
        KOC__AUTO_STR directory = below(s, area, koc_strlist_get(kinds, i));

        if (!directory) {
            return koc__oom(err);
        }
        KOC__TRY(scan_directory(s, directory, err));
    }
    return KOC_OK;
}

static int by_last_use(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->last_use != y->last_use) {
        return x->last_use < y->last_use ? -1 : 1;
    }
    return strcmp(x->path, y->path);
}

/* Whether the entry was not used since the scan. */
static bool unused_since(const entry *e)
{
    struct stat st;
    return lstat(e->path, &st) == 0 && koc__cache_last_use(&st) == e->own_use;
}

/* A directory is removed under its lock and in one step: it is moved to tmp before it is emptied. */
static bool remove_directory(const scan *s, const entry *e)
{
    koc_str kind = koc__path_base(koc__path_dir(koc__str(e->path)));
    koc_str key = koc__path_base(koc__str(e->path));
    KOC__AUTO_STR lock =
        koc__format("%s/locks/%.*s.%.*s", s->cache->root, KOC__FMT(kind), KOC__FMT(key));
    KOC__AUTO_STR away = koc__format("%s/tmp/%.*s.pruned", s->cache->root, KOC__FMT(key));
    KOC__AUTO_FD fd = -1;

    if (!lock || !away || koc__cache_try_lock(lock, &fd, NULL) != KOC_OK || fd < 0 ||
        !unused_since(e)) {
        return false;
    }
    if (koc__fs_remove(away, NULL) != KOC_OK || rename(e->path, away) != 0) {
        return false;
    }
    (void)koc__fs_remove(away, NULL); /* the rest of it is removed later as a stale temporary */
    return true;
}

static void remove_entries(scan *s, uint64_t max_bytes, uint64_t *freed)
{
    if (s->count > 1) {
        qsort(s->entries, s->count, sizeof(*s->entries), by_last_use);
    }
    for (size_t i = 0; i < s->count && s->total > max_bytes; i++) {
        const entry *e = &s->entries[i];

        if (s->now - e->last_use < KOC__CACHE_YOUNG) {
            break; /* all others are younger */
        }
        if (e->is_dir ? remove_directory(s, e) : unused_since(e) && unlink(e->path) == 0) {
            s->total -= e->size;
            *freed += e->size;
        }
    }
}

/* Removes leftovers of killed processes: old temporary files, and lock files without a holder. */
static void sweep(const scan *s, const char *area, int64_t min_age)
{
    KOC__AUTO_STR top = koc__path_join(s->cache->root, area);
    KOC__AUTO(koc_strlist) names = NULL;
    if (!top || koc__fs_list(top, &names, NULL) != KOC_OK) {
        return;
    }
    for (size_t i = 0; i < koc_strlist_count(names) && i < ENTRIES_MAX; i++) {
        KOC__AUTO_STR path = koc__path_join(top, koc_strlist_get(names, i));
        KOC__AUTO_FD fd = -1;
        struct stat st;

        if (!path || lstat(path, &st) != 0 || s->now - koc__cache_last_use(&st) < min_age) {
            continue;
        }
        if (koc__streq(area, "locks") &&
            (koc__cache_try_lock(path, &fd, NULL) != KOC_OK || fd < 0)) {
            continue;
        }
        (void)koc__fs_remove(path, NULL);
    }
}

int koc__cache_prune(koc__cache *c, uint64_t max_bytes, uint64_t *freed, koc_error **err)
{
    KOC__AUTO_VAL(scan) s = {.cache = c, .now = koc__now()};
    KOC__AUTO_STR lock = NULL;
    KOC__AUTO_FD fd = -1;
    uint64_t bytes = 0;
    if (!c) {
        return koc__misuse(err, "koc__cache_prune: there is no cache");
    }
    lock = koc__path_join(c->root, "prune.lock");
    if (!lock) {
        return koc__oom(err);
    }
    KOC__TRY(koc__cache_try_lock(lock, &fd, err));
    if (fd >= 0) {
        KOC__TRY(scan_area(&s, "blobs", err));
        KOC__TRY(scan_area(&s, "records", err));
        KOC__TRY(scan_area(&s, "files", err));
        remove_entries(&s, max_bytes, &bytes);
        sweep(&s, "tmp", KOC__CACHE_STALE_TEMP);
        sweep(&s, "locks", KOC__CACHE_YOUNG);
    }
    if (freed) {
        *freed = bytes;
    }
    return KOC_OK;
}

/*
 * What the files say decides: a stat of each, compared with the last. Being told of a change (notify.h)
 * only makes that happen sooner, so that nothing depends on which events an editor causes by its way of
 * saving, and it works on every system and file system.
 */
#include "watch/watched_files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch/notify.h"
#define DEPTH_MAX   40
#define CALM        0.15 /* seconds: a burst of saves is one change */
#define FNV_BASIS   UINT64_C(14695981039346656037)
#define IGNORED_MAX 8

typedef struct path_list {
    char **items;
    uint64_t *seen; /* what each said */
    size_t count, capacity;
} path_list;

struct watch {
    const cli *c;
    notify *events;
    path_list now, next; /* what is looked at, and what will be */
    bool has_next;
    uint64_t *names; /* a hash table of hashes: what may happen that matters */
    size_t n_names, names_capacity;
    char last_folder[4096]; /* that notify_add was called for ... */
    int last_number;        /* ... with this result */
    const char *ignored[IGNORED_MAX];
    struct stat output; /* of our stdout */
    bool has_output;
};

/* --- hashes --- */

static void mix(uint64_t *hash, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++) {
        *hash = (*hash ^ p[i]) * UINT64_C(1099511628211); /* FNV-1a */
    }
}

static uint64_t hash_of(int folder, const char *name)
{
    uint64_t hash = FNV_BASIS;
    mix(&hash, &folder, sizeof(folder));
    mix(&hash, name, strlen(name));
    return hash | 1; /* 0 is a free place */
}

static bool has_name(const watch *w, uint64_t hash)
{
    size_t at = w->names_capacity ? hash % w->names_capacity : 0;
    while (w->names_capacity && w->names[at] != 0) {
        if (w->names[at] == hash) {
            return true;
        }
        at = (at + 1) % w->names_capacity;
    }
    return false;
}

static void put_name(uint64_t *names, size_t capacity, uint64_t hash)
{
    size_t at = hash % capacity;
    while (names[at] != 0 && names[at] != hash) {
        at = (at + 1) % capacity;
    }
    names[at] = hash;
}

/* Names in folder that matter; "" stands for all. Without memory for it they are found a little later. */
static void expect(watch *w, int folder, const char *name)
{
    uint64_t hash = hash_of(folder, name);
    if (folder < 0 || has_name(w, hash)) {
        return;
    }
    if (2 * (w->n_names + 1) > w->names_capacity) {
        size_t capacity = w->names_capacity ? 2 * w->names_capacity : 1024;
        uint64_t *names = calloc(capacity, sizeof(*names));
        if (!names) {
            return;
        }
        for (size_t i = 0; i < w->names_capacity; i++) {
            if (w->names[i]) {
                put_name(names, capacity, w->names[i]);
            }
        }
        free(w->names);
        w->names = names;
        w->names_capacity = capacity;
    }
    put_name(w->names, w->names_capacity, hash);
    w->n_names++;
}

/* --- names that come and go --- */

/* What editors leave for a moment, and what is hidden. */
static bool is_noise(const char *name)
{
    size_t len = strlen(name);
    bool hidden = name[0] == '.' && strncmp(name, ".ko.", 4) != 0;
    return hidden || name[0] == '#' || name[len - 1] == '~' || strcmp(name, "4913") == 0 ||
           strcmp(name, "node_modules") == 0;
}

static bool matters(void *arg, int folder, const char *name)
{
    const watch *w = arg;
    return has_name(w, hash_of(folder, name)) ||
           (has_name(w, hash_of(folder, "")) && !is_noise(name));
}

static void listen_to(watch *w, const char *folder, const char *name)
{
    if (strcmp(w->last_folder, folder) != 0) {
        size_t len = strnlen(folder, sizeof(w->last_folder) - 1);
        memcpy(w->last_folder, folder, len);
        w->last_folder[len] = '\0';
        w->last_number = notify_add(w->events, folder);
    }
    expect(w, w->last_number, name);
}

/* Takes the last element off a path: "a/b" becomes "a", "b" ".". */
static void to_parent(char *path, char *name, size_t size)
{
    char *slash = strrchr(path, '/');
    if (!slash) {
        snprintf(name, size, "%s", path);
        path[0] = '.';
        path[1] = '\0';
        return;
    }
    snprintf(name, size, "%s", slash + 1);
    slash[slash == path ? 1 : 0] = '\0'; /* the root keeps its slash */
}

/* Listens in the folder of path, or, where there is none yet, in the nearest above it. */
static void listen_for(watch *w, const char *path)
{
    char folder[4096], name[4096] = "";
    struct stat st;
    snprintf(folder, sizeof(folder), "%s", *path ? path : ".");
    do {
        to_parent(folder, name, sizeof(name));
    } while (strcmp(w->last_folder, folder) != 0 && stat(folder, &st) != 0 &&
             strcmp(folder, ".") != 0 && strcmp(folder, "/") != 0);
    listen_to(w, folder, name);
}

/* --- looking --- */

static long nanoseconds(const struct stat *st)
{
#ifdef __APPLE__
    return st->st_mtimespec.tv_nsec;
#else
    return st->st_mtim.tv_nsec;
#endif
}

static void mix_file(uint64_t *hash, const struct stat *st)
{
    int64_t facts[] = {st->st_mtime, nanoseconds(st), st->st_size, (int64_t)st->st_ino,
                       (int64_t)st->st_mode};
    mix(hash, facts, sizeof(facts));
}

static const char *bare(const char *path)
{
    return strncmp(path, "./", 2) == 0 ? path + 2 : path;
}

static bool is_ours(const watch *w, const char *path, const struct stat *st)
{
    for (size_t i = 0; i < IGNORED_MAX && w->ignored[i]; i++) {
        if (strcmp(bare(w->ignored[i]), bare(path)) == 0) {
            return true;
        }
    }
    return w->has_output && st->st_ino == w->output.st_ino && st->st_dev == w->output.st_dev;
}

static void look_below(watch *w, const char *path, int depth, uint64_t *hash);

/* The names in a folder; deep: and what is below them. The order of names does not matter. */
static uint64_t look_into(watch *w, const char *folder, bool deep, int depth)
{
    uint64_t all = 0;
    struct dirent *e;
    listen_to(w, folder, "");
    DIR *d = opendir(folder);
    while (d && (e = readdir(d)) != NULL) {
        char path[4096];
        uint64_t one = FNV_BASIS;
        int n = snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        if (is_noise(e->d_name) || n < 0 || (size_t)n >= sizeof(path)) {
            continue;
        }
        mix(&one, e->d_name, strlen(e->d_name));
        if (deep) {
            look_below(w, path, depth + 1, &one);
        }
        all += one;
    }
    if (d) {
        closedir(d);
    }
    return all | 1; /* one that is empty is not one that is missing */
}

static void look_below(watch *w, const char *path, int depth, uint64_t *hash)
{
    struct stat st;
    bool there = lstat(path, &st) == 0;
    if (there && S_ISLNK(st.st_mode) && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return; /* a link may lead anywhere, also back */
    }
    if (there && S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
        uint64_t below = look_into(w, path, true, depth);
        mix(hash, &below, sizeof(below));
    } else if (there && S_ISREG(st.st_mode) && !is_ours(w, path, &st)) {
        mix_file(hash, &st);
    }
}

/* path is as it was named; listening comes first, so that nothing happens in between. */
static uint64_t look_at(watch *w, const char *named)
{
    char path[4096];
    struct stat st;
    uint64_t hash = FNV_BASIS;
    size_t len = strlen(named);
    bool deep = len > 1 && named[len - 1] == '/';
    snprintf(path, sizeof(path), "%.*s", (int)(deep ? len - 1 : len), named);
    if (strcmp(path, ".") != 0) {
        listen_for(w, path);
    }
    if (stat(path, &st) != 0) {
        return 0;
    }
    if (S_ISDIR(st.st_mode)) {
        return look_into(w, path, deep, 0);
    }
    mix_file(&hash, &st);
    return hash | 1;
}

/* The first path that says something else than before; all are remembered. */
static const char *look(watch *w, path_list *l)
{
    const char *changed = NULL;
    w->last_folder[0] = '\0';
    for (size_t i = 0; i < l->count; i++) {
        uint64_t now = look_at(w, l->items[i]);
        changed = now != l->seen[i] && !changed ? l->items[i] : changed;
        l->seen[i] = now;
    }
    return changed;
}

/* --- life --- */

static void forget(path_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->items[i]);
    }
    free(l->items);
    free(l->seen);
    *l = (path_list){0};
}

watch *watch_new(const cli *c)
{
    watch *w = calloc(1, sizeof(*w));
    if (!w) {
        return NULL;
    }
    w->c = c;
    w->has_output = fstat(STDOUT_FILENO, &w->output) == 0;
    w->events = notify_new(matters, w);
    if (!w->events) {
        free(w);
        return NULL;
    }
    return w;
}

void watch_free(watch *w)
{
    if (w) {
        notify_free(w->events);
        forget(&w->now);
        forget(&w->next);
        free(w->names);
        free(w);
    }
}

void watch_ignore(watch *w, const char *path)
{
    for (size_t i = 0; path && i < IGNORED_MAX; i++) {
        if (!w->ignored[i]) {
            w->ignored[i] = path;
            return;
        }
    }
}

void watch_clear(watch *w)
{
    forget(&w->next);
    w->has_next = true;
}

bool watch_add(watch *w, const char *path)
{
    path_list *l = &w->next;
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 256;
        char **items = realloc(l->items, capacity * sizeof(*items));
        l->items = items ? items : l->items;
        uint64_t *seen = items ? realloc(l->seen, capacity * sizeof(*seen)) : NULL;
        l->seen = seen ? seen : l->seen;
        if (!seen) {
            return false;
        }
        l->capacity = capacity;
    }
    l->items[l->count] = strdup(path);
    l->seen[l->count] = 0;
    return l->items[l->count] && ++l->count > 0;
}

static void take_next(watch *w)
{
    forget(&w->now);
    w->now = w->next;
    w->next = (path_list){0};
    w->has_next = false;
}

void watch_look(watch *w)
{
    if (w->has_next) {
        take_next(w);
    }
    (void)look(w, &w->now);
}

/* Whether anything changed; *what is to be told of it. */
static bool note(watch *w, char *what, size_t size)
{
    const char *changed = look(w, &w->now);
    if (changed) {
        snprintf(what, size, "%s", bare(changed));
    }
    return changed != NULL;
}

bool watch_wait(watch *w, const char **what)
{
    static char name[1024];
    if (w->has_next) { /* first the new ones, so that no moment is lost between the two */
        free(w->names);
        w->names = NULL;
        w->n_names = w->names_capacity = 0;
        (void)look(w, &w->next);
    }
    bool changed = note(w, name, sizeof(name));
    if (w->has_next) {
        take_next(w);
    }
    double since = cli_now();
    while (!koc_cancel_is_triggered(w->c->cancel)) {
        double rest = since + CALM - cli_now();
        if (changed && rest <= 0) {
            *what = name;
            return true;
        }
        notify_wait(w->events, w->c->cancel, changed ? rest : CALM, !changed);
        if (note(w, name, sizeof(name))) {
            changed = true;
            since = cli_now();
        }
    }
    return false;
}

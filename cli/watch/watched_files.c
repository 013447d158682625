/*
 * A change is what stat reports: the state of each file is compared with its last one. Events (notify.h) only make
 * the comparison happen sooner. So the result does not depend on which events an editor causes when it saves, and
 * watching works on every system and file system.
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
    uint64_t *seen; /* a hash of the state of each */
    size_t count, capacity;
} path_list;

struct watch {
    const cli *c;
    notify *events;
    path_list now, next; /* the watched paths, and those of the next round */
    bool has_next;
    uint64_t *names; /* a hash table of hashes: names whose events are relevant */
    size_t n_names, names_capacity;
    char last_dir[4096]; /* the last one that notify_add was called with ... */
    int last_number;     /* ... and its result */
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

static uint64_t hash_of(int dir, const char *name)
{
    uint64_t hash = FNV_BASIS;
    mix(&hash, &dir, sizeof(dir));
    mix(&hash, name, strlen(name));
    return hash | 1; /* 0 marks a free slot */
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

/* Makes events of a name in a directory relevant; "" stands for all names. Without memory for it the change is found
 * a little later. */
static void add_name(watch *w, int dir, const char *name)
{
    uint64_t hash = hash_of(dir, name);
    if (dir < 0 || has_name(w, hash)) {
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

/* --- events --- */

/* Temporary files of editors, and hidden files. */
static bool is_noise(const char *name)
{
    size_t len = strlen(name);
    bool hidden = name[0] == '.' && strncmp(name, ".ko.", 4) != 0;
    return hidden || name[0] == '#' || name[len - 1] == '~' || strcmp(name, "4913") == 0 ||
           strcmp(name, "node_modules") == 0;
}

static bool is_relevant(void *arg, int dir, const char *name)
{
    const watch *w = arg;
    return has_name(w, hash_of(dir, name)) || (has_name(w, hash_of(dir, "")) && !is_noise(name));
}

static void listen_to(watch *w, const char *dir, const char *name)
{
    if (strcmp(w->last_dir, dir) != 0) {
        size_t len = strnlen(dir, sizeof(w->last_dir) - 1);
        memcpy(w->last_dir, dir, len);
        w->last_dir[len] = '\0';
        w->last_number = notify_add(w->events, dir);
    }
    add_name(w, w->last_number, name);
}

/* Moves the last element of a path to name: "a/b" becomes "a", "b" becomes ".". */
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

/* Listens in the directory of path or, if that does not exist, in the nearest one above it. */
static void listen_for(watch *w, const char *path)
{
    char dir[4096], name[4096] = "";
    struct stat st;
    snprintf(dir, sizeof(dir), "%s", *path ? path : ".");
    do {
        to_parent(dir, name, sizeof(name));
    } while (strcmp(w->last_dir, dir) != 0 && stat(dir, &st) != 0 && strcmp(dir, ".") != 0 &&
             strcmp(dir, "/") != 0);
    listen_to(w, dir, name);
}

/* --- comparing --- */

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
    int64_t state[] = {st->st_mtime, nanoseconds(st), st->st_size, (int64_t)st->st_ino,
                       (int64_t)st->st_mode};
    mix(hash, state, sizeof(state));
}

static const char *without_dot(const char *path)
{
    return strncmp(path, "./", 2) == 0 ? path + 2 : path;
}

static bool is_output(const watch *w, const char *path, const struct stat *st)
{
    for (size_t i = 0; i < IGNORED_MAX && w->ignored[i]; i++) {
        if (strcmp(without_dot(w->ignored[i]), without_dot(path)) == 0) {
            return true;
        }
    }
    return w->has_output && st->st_ino == w->output.st_ino && st->st_dev == w->output.st_dev;
}

static void hash_below(watch *w, const char *path, int depth, uint64_t *hash);

/* A hash of the names in a directory; deep: and of everything below. It does not depend on their order. */
static uint64_t hash_directory(watch *w, const char *dir, bool deep, int depth)
{
    uint64_t all = 0;
    struct dirent *e;
    listen_to(w, dir, "");
    DIR *d = opendir(dir);
    while (d && (e = readdir(d)) != NULL) {
        char path[4096];
        uint64_t one = FNV_BASIS;
        int n = snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (is_noise(e->d_name) || n < 0 || (size_t)n >= sizeof(path)) {
            continue;
        }
        mix(&one, e->d_name, strlen(e->d_name));
        if (deep) {
            hash_below(w, path, depth + 1, &one);
        }
        all += one;
    }
    if (d) {
        closedir(d);
    }
    return all | 1; /* an empty directory differs from a missing one */
}

static void hash_below(watch *w, const char *path, int depth, uint64_t *hash)
{
    struct stat st;
    bool there = lstat(path, &st) == 0;
    if (there && S_ISLNK(st.st_mode) && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return; /* a link may lead anywhere, even to a directory above */
    }
    if (there && S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
        uint64_t below = hash_directory(w, path, true, depth);
        mix(hash, &below, sizeof(below));
    } else if (there && S_ISREG(st.st_mode) && !is_output(w, path, &st)) {
        mix_file(hash, &st);
    }
}

/* Listens before it reads the state, so that no change goes unnoticed in between. */
static uint64_t hash_path(watch *w, const char *named)
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
        return hash_directory(w, path, deep, 0);
    }
    mix_file(&hash, &st);
    return hash | 1;
}

/* Records the state of all paths. Returns the first one that changed, or NULL. */
static const char *compare(watch *w, path_list *l)
{
    const char *changed = NULL;
    w->last_dir[0] = '\0';
    for (size_t i = 0; i < l->count; i++) {
        uint64_t now = hash_path(w, l->items[i]);
        changed = now != l->seen[i] && !changed ? l->items[i] : changed;
        l->seen[i] = now;
    }
    return changed;
}

/* --- life --- */

static void clear_list(path_list *l)
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
    w->events = notify_new(is_relevant, w);
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
        clear_list(&w->now);
        clear_list(&w->next);
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
    clear_list(&w->next);
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

static void use_next(watch *w)
{
    clear_list(&w->now);
    w->now = w->next;
    w->next = (path_list){0};
    w->has_next = false;
}

void watch_record(watch *w)
{
    if (w->has_next) {
        use_next(w);
    }
    (void)compare(w, &w->now);
}

/* Whether anything changed; what receives its name. */
static bool find_change(watch *w, char *what, size_t size)
{
    const char *changed = compare(w, &w->now);
    if (changed) {
        snprintf(what, size, "%s", without_dot(changed));
    }
    return changed != NULL;
}

bool watch_wait(watch *w, const char **what)
{
    static char name[1024];
    if (w->has_next) { /* listen to the new paths first, so that no change is lost in between */
        free(w->names);
        w->names = NULL;
        w->n_names = w->names_capacity = 0;
        (void)compare(w, &w->next);
    }
    bool changed = find_change(w, name, sizeof(name));
    if (w->has_next) {
        use_next(w);
    }
    double since = cli_now();
    while (!koc_cancel_is_triggered(w->c->cancel)) {
        double left = since + CALM - cli_now();
        if (changed && left <= 0) {
            *what = name;
            return true;
        }
        notify_wait(w->events, w->c->cancel, changed ? left : CALM, !changed);
        if (find_change(w, name, sizeof(name))) {
            changed = true;
            since = cli_now();
        }
    }
    return false;
}

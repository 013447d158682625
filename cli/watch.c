/*
 * Waiting for a save, by looking: one stat a file, three times a second. That works on every system and file
 * system (network, bind mounts), and costs 1 ms for a thousand files.
 */
#include "watch.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 40
#define PAUSE_MS  300
#define CALM_MS   150 /* a burst of saves is one change */

static void mix(uint64_t *hash, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++) {
        *hash = (*hash ^ p[i]) * UINT64_C(1099511628211); /* FNV-1a */
    }
}

static long nanoseconds(const struct stat *st)
{
#ifdef __APPLE__
    return st->st_mtimespec.tv_nsec;
#else
    return st->st_mtim.tv_nsec;
#endif
}

static void mix_file(uint64_t *hash, const char *path, const struct stat *st)
{
    int64_t facts[] = {st->st_mtime, nanoseconds(st), st->st_size, (int64_t)st->st_ino};
    mix(hash, path, strlen(path));
    mix(hash, facts, sizeof(facts));
}

static bool is_output(const watch *w, const char *path)
{
    const char *name = strncmp(path, "./", 2) == 0 ? path + 2 : path;
    for (size_t i = 0; i < sizeof(w->outputs) / sizeof(w->outputs[0]); i++) {
        const char *out = w->outputs[i];
        if (out && strcmp(strncmp(out, "./", 2) == 0 ? out + 2 : out, name) == 0) {
            return true;
        }
    }
    return false;
}

static void look_at(const watch *w, const char *path, int depth, uint64_t *hash);

static void look_into(const watch *w, const char *dir, int depth, uint64_t *hash)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    uint64_t all = 0; /* the sum does not depend on the order of names */
    while (d && (e = readdir(d)) != NULL) {
        char path[4096];
        bool hidden = e->d_name[0] == '.' && strcmp(e->d_name, ".ko.yaml") != 0;
        if (hidden || strcmp(e->d_name, "node_modules") == 0) {
            continue;
        }
        int n = snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (n > 0 && (size_t)n < sizeof(path) && !is_output(w, path)) {
            uint64_t one = UINT64_C(14695981039346656037);
            look_at(w, path, depth + 1, &one);
            all += one;
        }
    }
    if (d) {
        closedir(d);
    }
    mix(hash, &all, sizeof(all));
}

static void look_at(const watch *w, const char *path, int depth, uint64_t *hash)
{
    struct stat st;
    bool there = lstat(path, &st) == 0;
    if (there && S_ISLNK(st.st_mode) && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return; /* a link may lead anywhere, also back */
    }
    if (there && S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
        look_into(w, path, depth, hash);
    } else if (there && S_ISREG(st.st_mode)) {
        mix_file(hash, path, &st);
    }
}

static uint64_t look(const watch *w)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    look_into(w, ".", 0, &hash);
    for (size_t i = 0; w->inputs && i < w->inputs->count; i++) {
        look_at(w, w->inputs->items[i], 0, &hash);
    }
    return hash;
}

void watch_look(watch *w)
{
    w->seen = look(w);
}

bool watch_wait(watch *w)
{
    uint64_t now = w->seen;
    while (!koc_cancel_is_triggered(w->c->cancel)) {
        uint64_t before = now;
        (void)poll(NULL, 0, now == w->seen ? PAUSE_MS : CALM_MS); /* ends early for a signal */
        now = look(w);
        if (now != w->seen && now == before) {
            return true;
        }
    }
    return false;
}

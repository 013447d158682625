/* What is watched between two rounds: what the last build read, as far as it is known. */
#include "watch/watch_loop.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch/watched_files.h"

/* All below the working folder counts as long as not all files are known by name: before the first build,
 * after one that failed (a file may be missing), and where the library cannot tell (cgo). */
#define EVERYTHING "./"

static bool add_input(watch *w, const char *path)
{
    char folder[4096];
    struct stat st;
    bool there = stat(path, &st) == 0;
    if (strcmp(path, "-") == 0 || (there && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
        return true; /* what was read from a pipe stays as it was */
    }
    bool slash = *path && path[strlen(path) - 1] == '/';
    if (there && S_ISDIR(st.st_mode) && !slash) {
        snprintf(folder, sizeof(folder), "%s/", path);
        return watch_add(w, folder);
    }
    return watch_add(w, path);
}

static bool name_files(watch *w, const rounds *r, bool first)
{
    const publish_session *s = r->session;
    bool good = true;
    watch_clear(w);
    for (size_t i = 0; good && r->files && i < r->files->count; i++) {
        good = add_input(w, r->files->items[i]);
    }
    good = good && (!r->map || add_input(w, r->map));
    for (size_t i = 0; good && i < s->n_inputs; i++) {
        good = watch_add(w, s->inputs[i]);
    }
    return good && (!(first || s->guessing) || watch_add(w, EVERYTHING));
}

/* Paths below the working folder are short for people. */
static const char *shortened(const char *path)
{
    char here[4096];
    size_t len = getcwd(here, sizeof(here)) ? strlen(here) : 0;
    bool below = len > 1 && strncmp(path, here, len) == 0 && path[len] == '/' && path[len + 1];
    return below ? path + len + 1 : path;
}

static int watch_on(const rounds *r, watch *w)
{
    const char *what = NULL;
    bool good = name_files(w, r, true);
    for (size_t i = 0; i < sizeof(r->outputs) / sizeof(r->outputs[0]); i++) {
        watch_ignore(w, r->outputs[i]);
    }
    while (good) {
        watch_look(w);
        r->session->guessing = false;
        (void)r->run(r->self);
        good = name_files(w, r, false);
        if (koc_cancel_is_triggered(r->c->cancel)) {
            return 130;
        }
        cli_verb(r->c, "Watching", "for the next save (^C ends)");
        if (!good || !watch_wait(w, &what)) {
            break;
        }
        cli_verb(r->c, "Changed", "%s", *what ? shortened(what) : "something below this folder");
    }
    if (!good) {
        cli_usage(r->c, "out of memory");
        return EXIT_FAILED;
    }
    return 130;
}

int rounds_run(const rounds *r)
{
    if (!r->watch) {
        return r->run(r->self);
    }
    watch *w = watch_new(r->c);
    if (!w) {
        cli_usage(r->c, "out of memory");
        return EXIT_FAILED;
    }
    r->session->watching = true;
    int code = watch_on(r, w);
    watch_free(w);
    return code;
}

/* The loop of --watch. Between two rounds it watches the inputs of the last build, as far as they are known. */
#include "watch/watch_loop.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch/watched_files.h"

/* Everything below the working directory is watched while not all inputs are known by name: before the first build,
 * after a failed one (a file may be missing), and if the library cannot list them (cgo). */
#define EVERYTHING "./"

static bool add_input(watch *w, const char *path)
{
    char dir[4096];
    struct stat st;
    bool there = stat(path, &st) == 0;
    if (strcmp(path, "-") == 0 || (there && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
        return true; /* the content of a pipe was read and cannot change */
    }
    bool slash = *path && path[strlen(path) - 1] == '/';
    if (there && S_ISDIR(st.st_mode) && !slash) {
        snprintf(dir, sizeof(dir), "%s/", path);
        return watch_add(w, dir);
    }
    return watch_add(w, path);
}

static bool add_all_inputs(watch *w, const watch_loop *l, bool first)
{
    const publish_session *s = l->session;
    bool good = true;
    watch_clear(w);
    for (size_t i = 0; good && l->files && i < l->files->count; i++) {
        good = add_input(w, l->files->items[i]);
    }
    good = good && (!l->map || add_input(w, l->map));
    for (size_t i = 0; good && i < s->n_inputs; i++) {
        good = watch_add(w, s->inputs[i]);
    }
    return good && (!(first || s->guessing) || watch_add(w, EVERYTHING));
}

/* Paths below the working directory are shown relative to it. */
static const char *shortened(const char *path)
{
    char here[4096];
    size_t len = getcwd(here, sizeof(here)) ? strlen(here) : 0;
    bool below = len > 1 && strncmp(path, here, len) == 0 && path[len] == '/' && path[len + 1];
    return below ? path + len + 1 : path;
}

static int watch_and_run(const watch_loop *l, watch *w)
{
    const char *what = NULL;
    bool good = add_all_inputs(w, l, true);
    for (size_t i = 0; i < sizeof(l->outputs) / sizeof(l->outputs[0]); i++) {
        watch_ignore(w, l->outputs[i]);
    }
    while (good) {
        watch_record(w);
        l->session->guessing = false;
        (void)l->round(l->self);
        good = add_all_inputs(w, l, false);
        if (koc_cancel_is_triggered(l->c->cancel)) {
            return EXIT_CANCELLED;
        }
        cli_verb(l->c, "Watching", "for the next save (^C ends)");
        if (!good || !watch_wait(w, &what)) {
            break;
        }
        cli_verb(l->c, "Changed", "%s", *what ? shortened(what) : "something below this directory");
    }
    if (!good) {
        return cli_no_memory(l->c);
    }
    return EXIT_CANCELLED;
}

int watch_loop_run(const watch_loop *l)
{
    if (!l->watch) {
        return l->round(l->self);
    }
    watch *w = watch_new(l->c);
    if (!w) {
        return cli_no_memory(l->c);
    }
    l->session->watching = true;
    int code = watch_and_run(l, w);
    watch_free(w);
    return code;
}

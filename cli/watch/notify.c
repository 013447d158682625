/*
 * The one file that knows inotify. A wait must not miss a signal that comes just before it, so signals are
 * let in by the waiting call itself. (The library's threads take none.)
 */
#include "watch/notify.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif

#define PATIENCE 2.0 /* seconds between looks where the kernel tells of changes */
#define NAP      0.3 /* and where it does not */

struct notify {
    notify_filter filter;
    void *arg;
    int fd; /* inotify; -1: none */
};

/* Blocks what ^C and its like send; *before is for the waiting call. */
static void hold_signals(sigset_t *before)
{
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &held, before);
}

static struct timespec to_timespec(double seconds)
{
    time_t whole = (time_t)seconds;
    return (struct timespec){whole, (long)((seconds - (double)whole) * 1e9)};
}

/* Until fd (-1: none) has something, a signal comes, or the time is over. */
static void nap(koc_cancel *cancel, int fd, double seconds)
{
    sigset_t before;
    fd_set set;
    struct timespec limit = to_timespec(seconds > 0 ? seconds : 0);
    FD_ZERO(&set);
    if (fd >= 0) {
        FD_SET(fd, &set);
    }
    hold_signals(&before);
    if (!koc_cancel_is_triggered(cancel)) {
        (void)pselect(fd + 1, &set, NULL, NULL, &limit, &before);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

#ifdef __linux__

static int open_events(void)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd >= FD_SETSIZE) {
        close(fd);
        return -1;
    }
    return fd;
}

int notify_add(notify *n, const char *folder)
{
    const uint32_t mask = IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM |
                          IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    int id = n->fd < 0 ? -1 : inotify_add_watch(n->fd, folder, mask);
    if (id < 0 && n->fd >= 0 && (errno == ENOSPC || errno == ENOMEM)) {
        close(n->fd); /* some alone would be worse than none */
        n->fd = -1;
    }
    return id;
}

static bool matters(const notify *n, const struct inotify_event *e)
{
    if (e->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
        return true;
    }
    return e->len > 0 && n->filter(n->arg, e->wd, e->name);
}

/* Takes all that is there. */
static bool take_events(const notify *n)
{
    _Alignas(struct inotify_event) char buffer[16384];
    bool found = false;
    ssize_t len;
    while ((len = read(n->fd, buffer, sizeof(buffer))) > 0) {
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *e =
                (const struct inotify_event *)(const void *)(buffer + at);
            found = found || matters(n, e);
            at += (ssize_t)(sizeof(*e) + e->len);
        }
    }
    return found;
}

static void wait_for_events(notify *n, koc_cancel *cancel, double until)
{
    bool found = false;
    while (!found && cli_now() < until && !koc_cancel_is_triggered(cancel)) {
        nap(cancel, n->fd, until - cli_now());
        found = take_events(n);
    }
}

#else

static int open_events(void)
{
    return -1;
}

int notify_add(notify *n, const char *folder)
{
    (void)n;
    (void)folder;
    return -1;
}

static void wait_for_events(notify *n, koc_cancel *cancel, double until)
{
    (void)n;
    (void)cancel;
    (void)until;
}

#endif

notify *notify_new(notify_filter filter, void *arg)
{
    notify *n = calloc(1, sizeof(*n));
    const char *polling = getenv("KOC_WATCH");
    if (n) {
        n->filter = filter;
        n->arg = arg;
        n->fd = polling && strcmp(polling, "poll") == 0 ? -1 : open_events();
    }
    return n;
}

void notify_free(notify *n)
{
    if (n && n->fd >= 0) {
        close(n->fd);
    }
    free(n);
}

void notify_wait(notify *n, koc_cancel *cancel, double calm, bool patient)
{
    if (n->fd >= 0) {
        wait_for_events(n, cancel, cli_now() + (patient ? PATIENCE : calm));
    } else {
        nap(cancel, -1, patient ? NAP : calm);
    }
}

/*
 * The only file that uses inotify. A wait must not miss a signal that arrives just before it, so signals are
 * unblocked by the waiting call itself. (The library's threads block them.)
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

#define REPORTED_CHECK_S 2.0 /* between two checks of the files if the kernel reports changes ... */
#define POLL_S           0.3 /* ... and if it does not */

struct notify {
    notify_filter filter;
    void *arg;
    int fd; /* inotify; -1: none */
};

/* Blocks the signals that end koc; *before is for the waiting call. */
static void block_signals(sigset_t *before)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &blocked, before);
}

static struct timespec to_timespec(double seconds)
{
    time_t whole = (time_t)seconds;
    return (struct timespec){whole, (long)((seconds - (double)whole) * 1e9)};
}

/* Waits until fd (-1: none) is readable, a signal arrives, or the time is over. */
static void wait_for_fd(koc_cancel *cancel, int fd, double seconds)
{
    sigset_t before;
    fd_set set;
    struct timespec limit = to_timespec(seconds > 0 ? seconds : 0);
    FD_ZERO(&set);
    if (fd >= 0) {
        FD_SET(fd, &set);
    }
    block_signals(&before);
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

int notify_add(notify *n, const char *dir)
{
    const uint32_t mask = IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM |
                          IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    int id = n->fd < 0 ? -1 : inotify_add_watch(n->fd, dir, mask);
    if (id < 0 && n->fd >= 0 && (errno == ENOSPC || errno == ENOMEM)) {
        close(n->fd); /* watching only some directories would be worse than polling all */
        n->fd = -1;
    }
    return id;
}

static bool is_relevant(const notify *n, const struct inotify_event *e)
{
    if (e->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
        return true;
    }
    return e->len > 0 && n->filter(n->arg, e->wd, e->name);
}

/* Reads all pending events; true: one of them is relevant. */
static bool read_events(const notify *n)
{
    _Alignas(struct inotify_event) char buffer[16384];
    bool found = false;
    ssize_t len;
    while ((len = read(n->fd, buffer, sizeof(buffer))) > 0) {
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *e =
                (const struct inotify_event *)(const void *)(buffer + at);
            found = found || is_relevant(n, e);
            at += (ssize_t)(sizeof(*e) + e->len);
        }
    }
    return found;
}

static void wait_for_events(notify *n, koc_cancel *cancel, double until)
{
    bool found = false;
    while (!found && cli_now() < until && !koc_cancel_is_triggered(cancel)) {
        wait_for_fd(cancel, n->fd, until - cli_now());
        found = read_events(n);
    }
}

#else

static int open_events(void)
{
    return -1;
}

int notify_add(notify *n, const char *dir)
{
    (void)n;
    (void)dir;
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

void notify_wait(notify *n, koc_cancel *cancel, double calm, bool idle)
{
    if (n->fd >= 0) {
        wait_for_events(n, cancel, cli_now() + (idle ? REPORTED_CHECK_S : calm));
    } else {
        wait_for_fd(cancel, -1, idle ? POLL_S : calm);
    }
}

/* Starts a child process with posix_spawn (which does not copy this process's memory) and detects its end. */
#include "core/common.h"

#include "core/run/child.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "core/env.h"
#include "core/io/fs.h"
#include "core/str.h"

/* The child's ends of the pipes; open here until the child runs. */
typedef struct ends {
    int input;
    int output;
    int errors;
} ends;

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static void close_pipes(koc__child *c)
{
    close_fd(&c->input);
    close_fd(&c->output);
    close_fd(&c->errors);
}

/* Moves a descriptor above 0, 1 and 2, which are set up in the child one after the other. */
static int above_stdio(int *fd)
{
    int moved = *fd > 2 ? *fd : fcntl(*fd, F_DUPFD_CLOEXEC, 3);
    if (moved < 0) {
        return -1;
    }
    if (moved != *fd) {
        close(*fd);
        *fd = moved;
    }
    return 0;
}

static int open_pipe(int *read_end, int *write_end)
{
    int fds[2];
#ifdef __APPLE__
    if (pipe(fds) != 0) {
        return -1;
    }
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    fcntl(fds[1], F_SETFD, FD_CLOEXEC);
#else
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return -1;
    }
#endif
    if (above_stdio(&fds[0]) != 0 || above_stdio(&fds[1]) != 0) {
        int saved = errno;

        close(fds[0]);
        close(fds[1]);
        errno = saved;
        return -1;
    }
    *read_end = fds[0];
    *write_end = fds[1];
    return 0;
}

static void set_nonblocking(int fd)
{
    if (fd >= 0) {
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    }
}

static int open_pipes(const koc__proc *p, koc__child *c, ends *theirs)
{
    bool inherit = p->flags & KOC__PROC_INHERIT;
    bool merge = p->flags & KOC__PROC_MERGE;
    if (p->input.len > 0 && open_pipe(&theirs->input, &c->input) != 0) {
        return -1;
    }
    if (!inherit && open_pipe(&c->output, &theirs->output) != 0) {
        return -1;
    }
    if (!inherit && !merge && open_pipe(&c->errors, &theirs->errors) != 0) {
        return -1;
    }
    set_nonblocking(c->input);
    set_nonblocking(c->output);
    set_nonblocking(c->errors);
    return 0;
}

static int set_actions(posix_spawn_file_actions_t *a, const koc__proc *p, const ends *theirs)
{
    bool inherit = p->flags & KOC__PROC_INHERIT;
    int errors = theirs->errors >= 0 ? theirs->errors : theirs->output;
    int rc;
    /* dup2 of a descriptor to itself passes it to the child, even with close-on-exec. */
    if (theirs->input >= 0 || inherit) {
        rc = posix_spawn_file_actions_adddup2(a, theirs->input >= 0 ? theirs->input : 0, 0);
    } else {
        const char *file = p->input_file ? p->input_file : "/dev/null";
        rc = posix_spawn_file_actions_addopen(a, 0, file, O_RDONLY, 0);
    }
    if (rc == 0) {
        rc = posix_spawn_file_actions_adddup2(a, inherit ? 1 : theirs->output, 1);
    }
    if (rc == 0) {
        rc = posix_spawn_file_actions_adddup2(a, inherit ? 2 : errors, 2);
    }
    if (rc == 0 && p->dir) {
        rc = posix_spawn_file_actions_addchdir_np(a, p->dir);
    }
    return rc;
}

/* The default signal mask and actions; its own process group unless it shares the terminal. */
static int set_attributes(posix_spawnattr_t *attr, bool own_group)
{
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    sigset_t none, all;
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT
    flags |=
        POSIX_SPAWN_CLOEXEC_DEFAULT; /* without pipe2 other descriptors may leak into the child */
#endif
    if (own_group) {
        flags |= POSIX_SPAWN_SETPGROUP;
    }
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    int rc = posix_spawnattr_setsigmask(attr, &none);
    if (rc == 0) {
        rc = posix_spawnattr_setsigdefault(attr, &all);
    }
    if (rc == 0) {
        rc = posix_spawnattr_setpgroup(attr, 0);
    }
    if (rc == 0) {
        rc = posix_spawnattr_setflags(attr, flags);
    }
    return rc;
}

/* Returns an errno value. */
static int spawn(const char *program, const koc__proc *p, const ends *theirs, koc__child *c)
{
    const char *const *env = p->env ? p->env : koc__environ();
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0) {
        return rc;
    }
    rc = posix_spawnattr_init(&attr);
    if (rc != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return rc;
    }
    rc = set_actions(&actions, p, theirs);
    if (rc == 0) {
        rc = set_attributes(&attr, c->own_group);
    }
    if (rc == 0) {
        /* The prototype lacks const for historical reasons. */
        rc = posix_spawn(&c->pid, program, &actions, &attr, (char *const *)(uintptr_t)p->argv,
                         (char *const *)(uintptr_t)env);
    }
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

static int open_exit_fd(pid_t pid)
{
#if defined(__linux__) && defined(SYS_pidfd_open)
    return (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself; -1 on old kernels */
#else
    return -1;
#endif
}

/* The value of PATH in env. */
static const char *path_in(const char *const *env)
{
    for (; env && *env; env++) {
        if (strncmp(*env, "PATH=", 5) == 0) {
            return *env + 5;
        }
    }
    return NULL;
}

int koc__child_start(const koc__proc *p, koc__child *out, koc_error **err)
{
    koc__child c = {0, !(p->flags & KOC__PROC_INHERIT), -1, -1, -1, -1};
    ends theirs = {-1, -1, -1};
    KOC__AUTO_STR program = NULL;
    int errnum = 0;
    if (strchr(p->argv[0], '/')) {
        program = koc__strdup(p->argv[0]); /* looked up from p->dir, as execve does */
        if (!program) {
            return koc__oom(err);
        }
    } else {
        KOC__TRY(koc__proc_find(p->argv[0], p->env ? path_in(p->env) : NULL, &program, err));
    }
    if (open_pipes(p, &c, &theirs) != 0) {
        errnum = errno;
    } else {
        errnum = spawn(program, p, &theirs, &c);
    }
    close_fd(&theirs.input);
    close_fd(&theirs.output);
    close_fd(&theirs.errors);
    if (errnum != 0) {
        close_pipes(&c);
        if (p->dir && !koc__fs_is_dir(p->dir)) {
            return koc__error(err, KOC_ENOTFOUND, "cannot start %s in %s: no such directory",
                              p->argv[0], p->dir);
        }
        return koc__error_errno(err, errnum, "cannot start %s", program);
    }
    c.exit_fd = open_exit_fd(c.pid);
    *out = c;
    return KOC_OK;
}

bool koc__child_ended(const koc__child *c)
{
    siginfo_t info = {0};
    int rc;
    do {
        rc = waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    } while (rc != 0 && errno == EINTR);
    /* On failure other code has reaped it. */
    return rc != 0 || info.si_pid == c->pid;
}

void koc__child_signal(const koc__child *c, int signal)
{
    (void)kill(c->own_group ? -c->pid : c->pid, signal);
}

static int64_t microseconds(const struct timeval *t)
{
    return (int64_t)t->tv_sec * 1000000 + t->tv_usec;
}

int koc__child_reap(koc__child *c, const char *name, koc__proc_result *result, koc_error **err)
{
    struct rusage usage = {0};
    siginfo_t info = {0};
    int status = 0;
    pid_t pid;
    int rc;
    close_pipes(c);
    close_fd(&c->exit_fd);
    do {
        rc = waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT);
    } while (rc != 0 && errno == EINTR);
    if (rc == 0 && c->own_group) {
        koc__child_signal(
            c, SIGKILL); /* not reaped yet, so the group's ID cannot belong to other processes */
    }
    do {
        pid = wait4(c->pid, &status, 0, &usage);
    } while (pid < 0 && errno == EINTR);
    if (pid < 0) {
        return koc__error_errno(err, errno, "cannot determine how %s ended", name);
    }
    result->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result->cpu_us = microseconds(&usage.ru_utime) + microseconds(&usage.ru_stime);
    return KOC_OK;
}

ssize_t koc__write_quietly(int fd, const void *data, size_t len)
{
    sigset_t only_pipe, before, pending;
    int signal;
    sigemptyset(&only_pipe);
    sigaddset(&only_pipe, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &only_pipe, &before);
    ssize_t n = write(fd, data, len);
    int saved = errno;
    if (n < 0 && saved == EPIPE && !was_pending) {
        sigpending(&pending);
        if (sigismember(&pending, SIGPIPE) == 1) {
            sigwait(&only_pipe, &signal);
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return n;
}

/* Runs other programs: posix_spawn, pipes that never block, and one loop that also notices ^C. */
#include "child_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX ((size_t)64 << 20)

extern char **environ;

bool child_find(const char *program, char *out, size_t size)
{
    const char *path = getenv("PATH");
    if (strchr(program, '/')) {
        size_t len = strlen(program);
        if (len >= size) {
            return false;
        }
        memcpy(out, program, len + 1);
        return access(out, X_OK) == 0;
    }
    while (path && *path) {
        size_t len = strcspn(path, ":");
        struct stat st;
        int n = snprintf(out, size, "%.*s/%s", (int)(len ? len : 1), len ? path : ".", program);
        if (n > 0 && (size_t)n < size && access(out, X_OK) == 0 && stat(out, &st) == 0 &&
            S_ISREG(st.st_mode)) {
            return true;
        }
        path += len + (path[len] == ':');
    }
    return false;
}

bool child_on_path(const char *program)
{
    char file[4096];
    return child_find(program, file, sizeof(file));
}

bool child_exists(const cli *c, const char *program)
{
    if (!child_on_path(program)) {
        cli_failure(c, "%s is needed, but is not on PATH", program);
        return false;
    }
    return true;
}

/* --- start --- */

typedef struct process {
    pid_t pid;
    int in, out; /* our ends of its pipes; -1: none */
    size_t sent;
    char *text;
    size_t len, capacity;
} process;

int child_pipe(int ends[2])
{
    if (pipe(ends) != 0) {
        return -1;
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
}

static int spawn(const child *ch, const int in[2], const int out[2], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* koc itself ignores it */
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (in[0] >= 0) {
        posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    }
    if (out[1] >= 0) {
        posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    }
    if (ch->as_error) {
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    }
    if (ch->quiet) {
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    int rc = posix_spawnp(pid, ch->argv[0], &actions, &attributes,
                          (char *const *)(uintptr_t)ch->argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

static void close_end(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static int start(const child *ch, process *r)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    int rc = 0;
    if ((ch->input && child_pipe(in) != 0) || (ch->output && child_pipe(out) != 0)) {
        rc = errno;
    } else {
        rc = spawn(ch, in, out, &r->pid);
    }
    close_end(&in[0]);
    close_end(&out[1]);
    r->in = in[1];
    r->out = out[0];
    if (rc != 0) {
        close_end(&r->in);
        close_end(&r->out);
    }
    if (r->in >= 0) {
        fcntl(r->in, F_SETFL, O_NONBLOCK);
    }
    return rc;
}

/* --- serving its pipes --- */

static void write_input(const child *ch, process *r)
{
    ssize_t n = write(r->in, ch->input + r->sent, ch->input_len - r->sent);
    if (n > 0) {
        r->sent += (size_t)n;
    }
    bool broken =
        n < 0 && errno != EAGAIN && errno != EINTR; /* it ended; its exit code says more */
    if (broken || r->sent == ch->input_len) {
        close_end(&r->in);
    }
}

static void read_output(process *r)
{
    if (r->len + 4096 > r->capacity && r->capacity < OUTPUT_MAX) {
        size_t capacity = r->capacity ? r->capacity * 2 : 16384;
        char *text = realloc(r->text, capacity + 1);
        if (text) {
            r->text = text;
            r->capacity = capacity;
        }
    }
    char spill[4096];
    bool room = r->len < r->capacity;
    ssize_t n =
        read(r->out, room ? r->text + r->len : spill, room ? r->capacity - r->len : sizeof(spill));
    if (n > 0 && room) {
        r->len += (size_t)n;
    }
    if (n == 0 || (n < 0 && errno != EINTR)) {
        close_end(&r->out);
    }
}

static bool must_end(const cli *c, const child *ch)
{
    return koc_cancel_is_triggered(c->cancel) || (ch->until && ch->until(ch->until_arg));
}

/* Serves the pipes of the process until it has ended. After SIGTERM it has two seconds before SIGKILL. */
static int wait_for_end(const cli *c, const child *ch, process *r)
{
    int status = 0;
    double ended_at = 0; /* when SIGTERM was sent */
    for (;;) {
        struct pollfd fds[2] = {{r->in, POLLOUT, 0}, {r->out, POLLIN, 0}};
        (void)poll(fds, 2, 20);
        if (r->in >= 0 && fds[0].revents) {
            write_input(ch, r);
        }
        if (r->out >= 0 && fds[1].revents) {
            read_output(r);
            continue; /* read all output before checking whether it has ended */
        }
        if (waitpid(r->pid, &status, WNOHANG) == r->pid) {
            return status;
        }
        if (must_end(c, ch) && ended_at == 0) {
            ended_at = cli_now();
            kill(r->pid, SIGTERM);
        } else if (ended_at > 0 && cli_now() - ended_at > 2) {
            kill(r->pid, SIGKILL);
        }
    }
}

int child_run(const cli *c, const child *ch)
{
    process r = {.in = -1, .out = -1};
    fflush(stdout);
    int rc = start(ch, &r);
    if (rc != 0) {
        cli_failure(c, "cannot run %s: %s", ch->argv[0], strerror(rc));
        return -1;
    }
    int status = wait_for_end(c, ch, &r);
    close_end(&r.in);
    close_end(&r.out);
    if (ch->output) {
        *ch->output = r.text ? r.text : calloc(1, 1);
        if (r.text) {
            r.text[r.len] = '\0';
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int child_become(const cli *c, const char *const *argv)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;
    sigaction(SIGPIPE, &action, NULL);
    fflush(stdout);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    return cli_failure(c, "cannot run %s: %s", argv[0], strerror(errno));
}

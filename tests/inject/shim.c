/*
 * Lets calls of koc fail: preloaded into a program that is not changed for it (LD_PRELOAD; with AddressSanitizer
 * also ASAN_OPTIONS=verify_asan_link_order=0). Counts the calls that koc, libkoc and their packages make, by class,
 * and lets the n-th of a class fail. Calls of other objects (libc, the TLS library, a sanitizer) do not count, and
 * child processes do not inherit the shim.
 *
 *   KOC_INJECT="CLASS N HOW [once|on|every]"   for one run. HOW: an error number, or "short": half of what was
 *                                              asked for. on: all calls from the n-th; every: each second one.
 *   KOC_INJECT_SERVER=FD                       runs main() in a fork for each request that arrives on the socket
 *                                              FD; forkserver.py is its client and says what a request is.
 */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

#define EXPORT __attribute__((visibility("default"), noinline))

#define MEMBER(name) CLASS_##name,
enum { INJECT_CLASSES(MEMBER) CLASSES };
#define NAME(name) #name,
static const char *const class_names[] = {INJECT_CLASSES(NAME)};

/* Whose calls count. */
static const char *const counted_objects[] = {
    "libkoc.", "libcurl",  "libcjson",       "libyaml", "libdeflate.",
    "libmbed", "libzstd.", "libmicrohttpd.", "koc",     "regtool"};

enum { MAX_RANGES = 32, MAX_FRAMES = 24, MAX_REQUEST = 65536, LEFT_BEHIND_MS = 2000 };
enum { ONCE, ON, EVERY };
enum { SHORT = -1 };

static struct {
    uintptr_t from;
    uintptr_t to;
} ranges[MAX_RANGES];
static int n_ranges;

static struct {
    int class;
    int how; /* an error number, or SHORT */
    int mode;
    uint64_t n;
} plan = {.class = CLASSES};

/* Shared with the server that forked this process. */
typedef struct outcome {
    atomic_uint_fast64_t counts[CLASSES];
    atomic_int fired;
    int frames;
    void *trace[MAX_FRAMES];
} outcome;

static outcome own_outcome;
static outcome *out = &own_outcome;
static bool active;

/* --- the decision --- */

static bool is_counted(uintptr_t caller)
{
    for (int i = 0; i < n_ranges; i++) {
        if (caller >= ranges[i].from && caller < ranges[i].to) {
            return true;
        }
    }
    return false;
}

/* 0: the call goes through; otherwise an error number or SHORT. */
static int decide(int class, void *caller)
{
    if (!active || !is_counted((uintptr_t)caller)) {
        return 0;
    }
    uint64_t n = atomic_fetch_add(&out->counts[class], 1) + 1;
    if (class != plan.class || n < plan.n || (plan.mode == ONCE && n != plan.n) ||
        (plan.mode == EVERY && (n - plan.n) % 2 != 0)) {
        return 0;
    }
    if (atomic_fetch_add(&out->fired, 1) == 0) {
        int before = errno;
        active = false; /* backtrace may allocate */
        out->frames = backtrace(out->trace, MAX_FRAMES);
        active = true;
        errno = before;
    }
    return plan.how;
}

static void *real_function(void **known, const char *name)
{
    void *real = __atomic_load_n(known, __ATOMIC_ACQUIRE);
    if (!real) {
        real = dlsym(RTLD_NEXT, name);
        __atomic_store_n(known, real, __ATOMIC_RELEASE);
    }
    return real;
}

#define CALLER __builtin_return_address(0)
#define REAL(type, name, params)                                                                   \
    static void *known_##name;                                                                     \
    type(*real) params = (type(*) params)real_function(&known_##name, #name)

/* An eventfd: it cannot fail where the others do. */
static bool is_wakeup(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == 0;
}

/* --- the calls --- */

#define DEFINE_CALL(class, type, name, params, args, failure)                                      \
    EXPORT type name params                                                                        \
    {                                                                                              \
        REAL(type, name, params);                                                                  \
        int how = decide(CLASS_##class, CALLER);                                                   \
        if (how > 0) {                                                                             \
            errno = how;                                                                           \
            return failure;                                                                        \
        }                                                                                          \
        return real args;                                                                          \
    }
INJECT_CALLS(DEFINE_CALL)

#define DEFINE_MOVE(class, name, params, args)                                                     \
    EXPORT ssize_t name params                                                                     \
    {                                                                                              \
        REAL(ssize_t, name, params);                                                               \
        int how = active && is_wakeup(fd) ? 0 : decide(CLASS_##class, CALLER);                     \
        if (how > 0) {                                                                             \
            errno = how;                                                                           \
            return -1;                                                                             \
        }                                                                                          \
        n = how == SHORT && n > 1 ? n / 2 : n;                                                     \
        return real args;                                                                          \
    }
INJECT_MOVES(DEFINE_MOVE)

#define DEFINE_OPEN(name, params, args)                                                            \
    EXPORT int name params                                                                         \
    {                                                                                              \
        REAL(int, name, params);                                                                   \
        int how = decide(CLASS_open, CALLER);                                                      \
        mode_t mode = 0;                                                                           \
        if (how > 0) {                                                                             \
            errno = how;                                                                           \
            return -1;                                                                             \
        }                                                                                          \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                       \
            va_list ap;                                                                            \
            va_start(ap, flags);                                                                   \
            mode = va_arg(ap, mode_t);                                                             \
            va_end(ap);                                                                            \
        }                                                                                          \
        return real args;                                                                          \
    }
INJECT_OPENS(DEFINE_OPEN)

#define DEFINE_START(class, name, params, args)                                                    \
    EXPORT int name params                                                                         \
    {                                                                                              \
        REAL(int, name, params);                                                                   \
        int how = decide(CLASS_##class, CALLER);                                                   \
        return how > 0 ? how : real args;                                                          \
    }
INJECT_STARTS(DEFINE_START)

/* The descriptor is gone whatever close returns, as on Linux. */
EXPORT int close(int fd)
{
    REAL(int, close, (int));
    int how = decide(CLASS_close, CALLER);
    int rc = real(fd);
    if (how > 0) {
        errno = how;
        return -1;
    }
    return rc;
}

static int control(const char *name, void **known, void *caller, int fd, int command, void *arg)
{
    int (*real)(int, int, ...) = (int (*)(int, int, ...))real_function(known, name);
    bool copies = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
    int how = decide(copies ? CLASS_dup : CLASS_lock, caller);
    if (how > 0) {
        errno = how;
        return -1;
    }
    return real(fd, command, arg);
}

#define DEFINE_CONTROL(name)                                                                       \
    EXPORT int name(int fd, int command, ...)                                                      \
    {                                                                                              \
        static void *known;                                                                        \
        va_list ap;                                                                                \
        va_start(ap, command);                                                                     \
        void *arg = va_arg(ap, void *);                                                            \
        va_end(ap);                                                                                \
        return control(#name, &known, CALLER, fd, command, arg);                                   \
    }
DEFINE_CONTROL(fcntl)
DEFINE_CONTROL(fcntl64)

/* --- start --- */

static bool is_counted_object(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (strncmp(name, "libkoc-inject", 13) == 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof(counted_objects) / sizeof(*counted_objects); i++) {
        if (strncmp(name, counted_objects[i], strlen(counted_objects[i])) == 0) {
            return true;
        }
    }
    return false;
}

static int add_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    const char *name = info->dlpi_name[0] ? info->dlpi_name : program_invocation_name;
    (void)size;
    (void)arg;
    for (int i = 0; i < info->dlpi_phnum && n_ranges < MAX_RANGES && is_counted_object(name); i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

        if (segment->p_type == PT_LOAD && segment->p_flags & PF_X) {
            ranges[n_ranges].from = info->dlpi_addr + segment->p_vaddr;
            ranges[n_ranges++].to = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;
        }
    }
    return 0;
}

/* false: the text is not a plan. */
static bool set_plan(const char *text)
{
    char class[16], how[16], mode[16] = "once";
    unsigned long n;
    plan.class = CLASSES;
    if (sscanf(text, "%15s %lu %15s %15s", class, &n, how, mode) < 3) {
        return false;
    }
    for (int i = 0; i < CLASSES; i++) {
        if (strcmp(class, class_names[i]) == 0) {
            plan.class = i;
        }
    }
    plan.n = n;
    plan.how = strcmp(how, "short") == 0 ? SHORT : atoi(how);
    plan.mode = strcmp(mode, "on") == 0 ? ON : strcmp(mode, "every") == 0 ? EVERY : ONCE;
    return plan.class < CLASSES;
}

/* --- the server --- */

typedef struct request {
    char bytes[MAX_REQUEST];
    char *plan;
    char *stdin_path;
    char *stdout_path;
    char *stderr_path;
    char *dir;
    int timeout_ms;
    char *argv[64];
    int argc;
} request;

static int (*real_main)(int, char **, char **);
static request asked;

/* The fields of a request, each ended by NUL. */
static bool parse_request(ssize_t len)
{
    char **heads[] = {&asked.plan, &asked.stdin_path, &asked.stdout_path, &asked.stderr_path,
                      &asked.dir};
    char *timeout = NULL;
    asked.argc = 0;
    int field = 0;
    for (char *p = asked.bytes; p < asked.bytes + len; p += strlen(p) + 1, field++) {
        if (field < 5) {
            *heads[field] = p;
        } else if (field == 5) {
            timeout = p;
        } else if (asked.argc < 63) {
            asked.argv[asked.argc++] = p;
        }
    }
    asked.argv[asked.argc] = NULL;
    asked.timeout_ms = timeout ? atoi(timeout) : 0;
    return asked.argc > 0;
}

static void reopen(const char *path, int flags, int fd)
{
    int opened = open(path, flags | O_CLOEXEC, 0600);
    if (opened < 0 || dup2(opened, fd) < 0) {
        _exit(99);
    }
    close(opened);
}

static void run_child(int server, char **env)
{
    setpgid(0, 0);
    close(server);
    reopen(asked.stdin_path, O_RDONLY, 0);
    reopen(asked.stdout_path, O_WRONLY | O_CREAT | O_TRUNC, 1);
    reopen(asked.stderr_path, O_WRONLY | O_CREAT | O_TRUNC, 2);
    if (chdir(asked.dir) != 0) {
        _exit(99);
    }
    set_plan(asked.plan);
    active = true;
    exit(real_main(asked.argc, asked.argv, env));
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits for a child (-1: any) until the time; 0: it still runs. */
static pid_t wait_until(pid_t child, int *status, int64_t until)
{
    sigset_t ended;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    for (;;) {
        pid_t pid = waitpid(child, status, WNOHANG);
        int64_t left = until - now_ms();

        if (pid != 0 || left <= 0) {
            return pid;
        }
        struct timespec t = {left / 1000, (left % 1000) * 1000000};
        sigtimedwait(&ended, NULL, &t);
    }
}

/* The number of processes that outlived the child; they are killed. */
static int kill_left_behind(void)
{
    int64_t until = now_ms() + LEFT_BEHIND_MS;
    int left = 0;
    int status;
    while (wait_until(-1, &status, until) > 0) {
    }
    FILE *list = fopen("/proc/thread-self/children", "re");
    for (int pid; list && fscanf(list, "%d", &pid) == 1; left++) {
        kill(pid, SIGKILL);
    }
    if (list) {
        fclose(list);
    }
    while (left > 0 && waitpid(-1, &status, 0) > 0) {
    }
    return left;
}

static void answer(int server, int status, bool hung, int left)
{
    char text[4096];
    int n = snprintf(text, sizeof(text), "%d %d %d %d ", status, hung, left, out->fired);
    for (int i = 0; i < CLASSES; i++) {
        n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%lu", i ? "," : "", out->counts[i]);
    }
    n += snprintf(text + n, sizeof(text) - (size_t)n, " ");
    for (int i = 0; i < out->frames; i++) {
        Dl_info info = {0};
        const char *name =
            dladdr(out->trace[i], &info) && info.dli_fname ? strrchr(info.dli_fname, '/') : NULL;

        n += snprintf(text + n, sizeof(text) - (size_t)n, "%s+%#lx,", name ? name + 1 : "koc",
                      (unsigned long)((uintptr_t)out->trace[i] - (uintptr_t)info.dli_fbase));
    }
    if (write(server, text, (size_t)n) != n) {
        _exit(98);
    }
}

static void serve(int server, char **env)
{
    sigset_t ended, before;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ended, &before);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    out = mmap(NULL, sizeof(*out), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char names[1024] = "";
    for (int i = 0; i < CLASSES; i++) {
        strcat(strcat(names, class_names[i]), i + 1 < CLASSES ? "," : "");
    }
    if (out == MAP_FAILED || write(server, names, strlen(names)) < 0) {
        _exit(98);
    }
    for (;;) {
        ssize_t len = read(server, asked.bytes, sizeof(asked.bytes) - 1);
        int status = 0;

        if (len <= 0 || !parse_request(len)) {
            _exit(0);
        }
        memset(out, 0, sizeof(*out));
        pid_t child = fork();

        if (child == 0) {
            sigprocmask(SIG_SETMASK, &before, NULL);
            run_child(server, env);
        }
        bool hung = wait_until(child, &status, now_ms() + asked.timeout_ms) == 0;

        if (hung) {
            kill(-child, SIGKILL);
            waitpid(child, &status, 0);
        }
        answer(server, status, hung, kill_left_behind());
    }
}

static int main_with_faults(int argc, char **argv, char **env)
{
    const char *server = getenv("KOC_INJECT_SERVER");
    const char *text = getenv("KOC_INJECT");
    void *frames[2];
    (void)backtrace(frames, 2); /* loads what it needs */
    dl_iterate_phdr(add_object, NULL);
    int fd = server ? atoi(server) : -1;
    if (text && !set_plan(text)) {
        fprintf(stderr, "KOC_INJECT=%s is not a plan\n", text);
        return 99;
    }
    unsetenv("LD_PRELOAD");
    unsetenv("KOC_INJECT");
    unsetenv("KOC_INJECT_SERVER");
    if (fd >= 0) {
        serve(fd, env);
    }
    active = text != NULL;
    return real_main(argc, argv, env);
}

typedef int start_fn(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                     void (*)(void), void *);

EXPORT int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
                             void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                             void *stack_end);
EXPORT int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
                             void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                             void *stack_end)
{
    start_fn *real = (start_fn *)dlsym(RTLD_NEXT, "__libc_start_main");
    real_main = main;
    return real(main_with_faults, argc, argv, init, fini, rtld_fini, stack_end);
}

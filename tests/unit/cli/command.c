#define _GNU_SOURCE
int koc_main(int argc, char **argv);
#define main koc_main
#include "../cli/main.c" /* of cli/ */
#undef main

#include "command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#undef setenv
#undef getenv

const char *out, *said;

static const char *const variables[] = {
    "KO_DOCKER_REPO",      "KOC_COMPAT",      "KOC_AUTH_FILE",
    "KO_CONFIG_PATH",      "NO_COLOR",        "CLICOLOR_FORCE",
    "SOURCE_DATE_EPOCH",   "KOCACHE",         "KO_DEFAULTBASEIMAGE",
    "DOCKER_CONFIG",       "DOCKER_HOST",     "REGISTRY_AUTH_FILE",
    "KO_DEFAULTPLATFORMS", "COLUMNS",         "KO_DATA_DATE_EPOCH",
    "COSIGN_REPOSITORY",   "GOPROXY",         "GOPRIVATE",
    "GONOPROXY",           "KO_DEFAULTFLAGS", "KO_DEFAULTENV",
    "KO_DEFAULTLDFLAGS",   "KUBECONFIG"};

void begin(void)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        unsetenv(variables[i]);
    }
    assert_int_equal(chdir(koc_test_dir()), 0);
    assert_int_equal(mkdir("home", 0700), 0);
    setenv("HOME", koc_test_path("home"), 1);
    setenv("XDG_CACHE_HOME", koc_test_path("home/cache"), 1);
    setenv("XDG_CONFIG_HOME", koc_test_path("home/config"), 1);
    setenv("XDG_DATA_HOME", koc_test_path("home/data"), 1);
    setenv("XDG_RUNTIME_DIR", koc_test_path("home/run"), 1);
    setenv("TERM", "dumb", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
}

/* --- streams --- */

typedef struct stream {
    int fd, saved, file;
} stream;

static stream redirect(int fd, const char *path, int how)
{
    stream s = {fd, dup(fd), open(path, how | O_CLOEXEC, 0600)};
    assert_true(s.saved >= 0 && s.file >= 0 && dup2(s.file, fd) == fd);
    return s;
}

static void restore(stream *s)
{
    assert_int_equal(dup2(s->saved, s->fd), s->fd);
    close(s->saved);
    close(s->file);
}

static const char *read_back(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t len = fread(text, 1, size - 1, f);
    text[len] = '\0';
    fclose(f);
    return text;
}

/* --- the command --- */

static int split(char *words, char **argv, int max)
{
    int n = 0;
    argv[n++] = (char *)(uintptr_t) "koc";
    while (words && *words && n < max - 1) {
        char *word = strsep(&words, " ");
        argv[n++] = strcmp(word, "''") == 0 ? word + 2 : word;
    }
    argv[n] = NULL;
    return n;
}

/* `koc delete` and `koc build --run` become another program, which must not be the test itself. */
static int run_apart(int argc, char **argv)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int code = koc_main(argc, argv);
        fflush(stdout);
        _exit(code);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int koc_with(const char *in, const char *stdout_path, const char *words)
{
    static char text[1 << 20], errors[1 << 18];
    char copy[8192], *argv[64];
    snprintf(copy, sizeof(copy), "%s", words);
    int argc = split(copy, argv, 64);
    fflush(stdout);
    fflush(stderr);
    if (in) {
        koc_test_write("stdin", in, strlen(in));
    }
    const char *to = koc_test_path("stdout"), *errors_to = koc_test_path("stderr");
    stream s[3] = {redirect(0, in ? koc_test_path("stdin") : "/dev/null", O_RDONLY),
                   redirect(1, stdout_path ? stdout_path : to, O_WRONLY | O_CREAT | O_TRUNC),
                   redirect(2, errors_to, O_RDWR | O_CREAT | O_TRUNC)};
    first_signal = 0;
    signals_seen = 0;
    alarm(30); /* a command that does not end fails the test */
    bool apart = strncmp(words, "delete ", 7) == 0 || strstr(words, " --run ") != NULL;
    int code = apart ? run_apart(argc, argv) : koc_main(argc, argv);
    alarm(0);
    fflush(stdout);
    clearerr(stdout);
    for (size_t i = 0; i < 3; i++) {
        restore(&s[i]);
    }
    out = stdout_path ? "" : read_back(to, text, sizeof(text));
    said = read_back(errors_to, errors, sizeof(errors));
    return code;
}

int koc(const char *fmt, ...)
{
    char words[8192];
    va_list args;
    va_start(args, fmt);
    vsnprintf(words, sizeof(words), fmt, args);
    va_end(args);
    return koc_with(NULL, NULL, words);
}

const char *without_digests(const char *text)
{
    static char clean[1 << 20];
    static const char prefix[] = "sha256:";
    size_t n = 0;
    for (const char *s = text; *s; s++) {
        size_t len = strncmp(s, prefix, 7) == 0 ? strspn(s + 7, "0123456789abcdef") : 0;
        clean[n++] = len == 64 ? '#' : *s;
        s += len == 64 ? 6 + 64 : 0;
    }
    clean[n] = '\0';
    return clean;
}

void expect(int code, const char *on_stdout, const char *words)
{
    int got = koc_with(NULL, NULL, words);
    if (got != code || strcmp(without_digests(out), on_stdout) != 0) {
        fail_msg("koc %s: exit %d instead of %d\n%s\ninstead of\n%s\nstderr: %s", words, got, code,
                 without_digests(out), on_stdout, said);
    }
}

void refuse(int code, const char *on_stderr, const char *words)
{
    int got = koc_with(NULL, NULL, words);
    if (got != code || !strstr(said, on_stderr) || *out) {
        fail_msg("koc %s: exit %d instead of %d\nstderr: %s\nwithout: %s\nstdout: %s", words, got,
                 code, said, on_stderr, out);
    }
}

const char *content(const char *name)
{
    static char text[1 << 20];
    return read_back(koc_test_path(name), text, sizeof(text));
}

/* --- images --- */

void write_layout(void)
{
    static const char *const two[] = {"one", "two", NULL};
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_image) amd64 = image(ctx, "amd64", KOC_COMPRESS_NONE, two);
    KOC__AUTO(koc_image) arm64 = image(ctx, "arm64", KOC_COMPRESS_NONE, two + 1);
    KOC__AUTO(koc_index_builder) b = NULL;
    KOC__AUTO(koc_index) index = NULL;
    KOC__AUTO(koc_layout) l = NULL;
    koc_error *err = NULL;
    ok(koc_index_builder_new(ctx, KOC_FORMAT_OCI, &b, &err), err);
    ok(koc_index_builder_add_image(b, amd64, NULL, &err), err);
    ok(koc_index_builder_add_image(b, arm64, NULL, &err), err);
    ok(koc_index_builder_finish(b, &index, &err), err);
    ok(koc_layout_open(ctx, "l", KOC_LAYOUT_CREATE, &l, &err), err);
    ok(koc_layout_put_image(l, amd64, "app", NULL, &err), err);
    ok(koc_layout_put_image(l, arm64, "other", NULL, &err), err);
    ok(koc_layout_put_index(l, index, "both", NULL, &err), err);
}

/* --- programs --- */

void write_at(const char *path, const char *text, size_t len)
{
    char dir[256];
    snprintf(dir, sizeof(dir), "%s", path);
    for (char *slash = strchr(dir, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(dir, 0755);
        *slash = '/';
    }
    koc_test_write(path, text, len);
}

void write_module(void)
{
    static const struct {
        const char *path, *text;
    } files[] = {{"go.mod", "module example.com/m\n\ngo 1.19\n"},
                 {"cmd/app/main.go", "package main\n"},
                 {"cmd/app/kodata/data", "data\n"},
                 {"cmd/tool/main.go", "package main\n"},
                 {"goroot/VERSION", "go1.24.0\n"},
                 {"goroot/go.env", "GOPROXY=https://proxy.example,direct\n"},
                 {"goroot/pkg/tool/x/none", ""}};
    static char script[4096];
    char path[64];
    for (size_t i = 0; i < KOC__COUNT(files); i++) {
        write_at(files[i].path, files[i].text, strlen(files[i].text));
    }
    read_back(KOC__TEST_DATA "/cli/go.sh", script, sizeof(script));
    write_at("goroot/bin/go", script, strlen(script));
    assert_int_equal(chmod(koc_test_path("goroot/bin/go"), 0755), 0);
    for (size_t i = 0; i < 2; i++) {
        const char *name = i == 0 ? "kubectl" : "podman";
        snprintf(script, sizeof(script), KOC__TEST_DATA "/cli/%s.sh", name);
        read_back(script, script, sizeof(script));
        snprintf(path, sizeof(path), "bin/%s", name);
        write_at(path, script, strlen(script));
        assert_int_equal(chmod(koc_test_path(path), 0755), 0);
    }
    snprintf(script, sizeof(script), "%s:%s", koc_test_path("bin"), getenv("PATH"));
    setenv("PATH", script, 1);
    setenv("KO_GO_PATH", koc_test_path("goroot/bin/go"), 1);
    setenv("GOENV", "off", 1);
    unsetenv("GOFLAGS");
    unsetenv("GOOS");
    unsetenv("GOARCH");
}

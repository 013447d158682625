/* Starts a built image: in a daemon that speaks Docker's API, or with podman from an archive. */
#include "commands/run_in_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child_program.h"

enum { ARGS_MAX = 16 };

/* The program that talks to the daemon: podman for podman, else docker, else podman. */
static const char *client_of(const koc_daemon *d)
{
    bool podman = child_on_path("podman");
    if (podman && strcmp(koc_daemon_engine(d), "podman") == 0) {
        return "podman";
    }
    return child_on_path("docker") ? "docker" : podman ? "podman" : NULL;
}

static int use_daemon(const cli *c, const koc_daemon *d, koc_publish_options *p, engine *e)
{
    const char *address = koc_daemon_address(d);
    e->program = client_of(d);
    if (!e->program) {
        return cli_usage(c, "--run needs the program docker or podman, and neither is on PATH");
    }
    /* A TCP address comes from DOCKER_HOST or the docker context, which the program reads itself. */
    if (strncmp(address, "unix://", 7) == 0 && strlen(address) < sizeof(e->address)) {
        memcpy(e->address, address, strlen(address) + 1);
    }
    p->into = "docker";
    return EXIT_OK;
}

/* Sets the platform that podman runs; leaves it empty if podman does not report it. */
static void read_platform(const cli *c, engine *e)
{
    static const char *const argv[] = {"podman", "version", "--format", "{{.Client.OsArch}}", NULL};
    CLI_AUTO_STR text = NULL;
    const child ch = {.argv = argv, .output = &text, .quiet = true};
    if (child_run(c, &ch) == 0 && text) {
        size_t len = strcspn(text, " \r\n");
        if (len > 0 && len < sizeof(e->platform)) {
            memcpy(e->platform, text, len);
            e->platforms[0] = e->platform;
        }
    }
}

static int use_podman(const cli *c, koc_publish_options *p, engine *e)
{
    const char *tmp = getenv("TMPDIR");
    e->program = "podman";
    snprintf(e->dir, sizeof(e->dir), "%s/koc-run-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(e->dir)) {
        e->dir[0] = '\0';
        return cli_usage(c, "--run: cannot create a directory in %s", tmp && *tmp ? tmp : "/tmp");
    }
    snprintf(e->archive, sizeof(e->archive), "%s/image.tar", e->dir);
    bool named = (p->platforms && p->platforms[0]) || getenv("KO_DEFAULTPLATFORMS");
    if (!named) {
        read_platform(c, e);
        p->platforms = e->platforms[0] ? e->platforms : p->platforms;
    }
    p->flags |= KOC_PUBLISH_NO_PUSH;
    p->repository = "localhost";
    p->tarball = e->archive;
    return EXIT_OK;
}

int engine_choose(const publish_session *s, koc_publish_options *p, engine *out)
{
    const cli *c = s->base.c;
    CLI_AUTO(koc_daemon) d = NULL;
    CLI_AUTO(koc_error) err = NULL;
    *out = (engine){0};
    if (p->into && strcmp(p->into, "docker") != 0) {
        return cli_usage(c, "--run starts the image on this machine and excludes --into=%s",
                         p->into);
    }
    if (koc_daemon_open(s->base.ctx, &s->base.op, &d, &err) == KOC_OK) {
        return use_daemon(c, d, p, out);
    }
    if (koc_error_code(err) != KOC_ECANCELLED && !getenv("DOCKER_HOST") && !p->into &&
        child_on_path("podman")) {
        return use_podman(c, p, out);
    }
    return cli_error(c, err);
}

/* Runs `podman load`; *name is the name of the loaded image, to be freed. */
static int load(const cli *c, const engine *e, char **name)
{
    const char *const argv[] = {"podman", "load", "-q", "-i", e->archive, NULL};
    CLI_AUTO_STR text = NULL;
    const child ch = {.argv = argv, .output = &text};
    int code = child_run(c, &ch);
    const char *mark = text ? strstr(text, ": ") : NULL;
    if (code == 0 && mark) {
        *name = strndup(mark + 2, strcspn(mark + 2, ",\r\n"));
    }
    if (code != 0 || !*name) {
        cli_failure(c, "cannot load the image into podman");
        return code > 0 ? code : EXIT_FAILED;
    }
    return EXIT_OK;
}

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (list && list[n]) {
        n++;
    }
    return n;
}

/* Becomes "docker --host unix:///… run --rm -i flags… REF args…". */
static int become(const cli *c, const engine *e, const char *reference, const char *const *flags,
                  const char *const *args)
{
    size_t n = 0, n_args = count(args), n_flags = count(flags);
    const char **argv = calloc(ARGS_MAX + n_flags + n_args, sizeof(*argv));
    if (!argv) {
        return cli_no_memory(c);
    }
    argv[n++] = e->program;
    if (e->address[0]) {
        argv[n++] = strcmp(e->program, "podman") == 0 ? "--url" : "--host";
        argv[n++] = e->address;
    }
    argv[n++] = "run";
    argv[n++] = "--rm";
    argv[n++] = "--pull=never";
    argv[n++] = "--interactive";
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
        argv[n++] = "--tty";
    }
    for (size_t i = 0; i < n_flags; i++) {
        argv[n++] = flags[i];
    }
    argv[n++] = reference;
    for (size_t i = 0; i < n_args; i++) {
        argv[n++] = args[i];
    }
    int code = child_become(c, argv);
    free(argv);
    return code;
}

int engine_run(const cli *c, engine *e, const char *reference, const char *const *flags,
               const char *const *args)
{
    CLI_AUTO_STR name = NULL;
    if (e->archive[0]) {
        int code = load(c, e, &name);
        engine_close(e);
        CLI_TRY(code);
    }
    cli_verb(c, "Running", "%s with %s", name ? name : reference, e->program);
    return become(c, e, name ? name : reference, flags, args);
}

void engine_close(engine *e)
{
    if (e->archive[0]) {
        (void)unlink(e->archive);
    }
    if (e->dir[0]) {
        (void)rmdir(e->dir);
    }
    e->archive[0] = e->dir[0] = '\0';
}

/* koc doctor: programs, the container engine, settings and cache. */
#include "doctor/doctor.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <koc/ext/cache.h>

#include "child_program.h"

#define ENGINE_MS 5000

/* The first line that the program prints, to be freed; NULL: it failed. */
static char *first_line(const doctor *d, const char *const *argv)
{
    char *output = NULL;
    const child ch = {.argv = argv, .input = "", .output = &output, .quiet = true};
    if (child_run(d->c, &ch) != 0 || !output) {
        free(output);
        return NULL;
    }
    output[strcspn(output, "\r\n")] = '\0';
    cli_printable(output);
    return output;
}

static void check_go(doctor *d)
{
    const char *named = getenv("KO_GO_PATH");
    char path[PATH_MAX];
    if (!child_find(named && *named ? named : "go", path, sizeof(path))) {
        doctor_add(d, "go", FINDING_BROKEN,
                   "install Go (https://go.dev/dl), or set KO_GO_PATH to it", "%s",
                   named && *named ? "KO_GO_PATH does not name a program" : "go is not on PATH");
        return;
    }
    const char *const argv[] = {path, "version", NULL};
    char *version = first_line(d, argv);
    int major = 0, minor = 0;
    if (!version || sscanf(version, "go version go%d.%d", &major, &minor) != 2) {
        bool devel = version && strncmp(version, "go version ", 11) == 0;
        doctor_add(d, "go", devel ? FINDING_OK : FINDING_BROKEN,
                   devel ? NULL : "reinstall Go, or set KO_GO_PATH to another one",
                   devel ? "%s (%s)" : "%.0s%s does not report its version", version ? version : "",
                   path);
    } else if (major == 1 && minor < 19) {
        doctor_add(d, "go", FINDING_WARNING, "install a newer Go: https://go.dev/dl",
                   "%s: older than 1.19, the oldest version that koc is tested with", version + 11);
    } else {
        doctor_add(d, "go", FINDING_OK, NULL, "%s (%s)", version + 11, path);
    }
    free(version);
}

static void check_git(doctor *d)
{
    char path[PATH_MAX];
    if (!child_find("git", path, sizeof(path))) {
        doctor_add(d, "git", FINDING_WARNING, "install git",
                   "git is not on PATH: programs do not record their commit, templates lack .Git");
        return;
    }
    const char *const argv[] = {path, "--version", NULL};
    char *version = first_line(d, argv);
    doctor_add(d, "git", version ? FINDING_OK : FINDING_WARNING, NULL, "%s (%s)",
               version ? version : "does not report its version", path);
    free(version);
}

static void check_kubectl(doctor *d)
{
    char path[PATH_MAX];
    if (!child_find("kubectl", path, sizeof(path))) {
        doctor_add(d, "kubectl", FINDING_NOTE, NULL,
                   "kubectl is not on PATH (only apply, create, delete and run need it)");
        return;
    }
    const char *const argv[] = {path, "config", "current-context", NULL};
    char *context = first_line(d, argv);
    if (context && *context) {
        doctor_add(d, "kubectl", FINDING_OK, NULL, "%s, context %s", path, context);
    } else {
        doctor_add(d, "kubectl", FINDING_NOTE, "kubectl config use-context NAME selects one",
                   "%s has no current context", path);
    }
    free(context);
}

static void check_engine(doctor *d)
{
    koc_op op = KOC_OP_INIT;
    CLI_AUTO(koc_daemon) daemon = NULL;
    CLI_AUTO(koc_error) err = NULL;
    op.cancel = d->c->cancel;
    op.timeout_ms = ENGINE_MS;
    int rc = koc_daemon_open(d->session.ctx, &op, &daemon, &err);
    if (rc == KOC_OK) {
        doctor_add(d, "engine", FINDING_OK, NULL, "%s %s at %s (%s)", koc_daemon_engine(daemon),
                   koc_daemon_version(daemon), koc_daemon_address(daemon),
                   koc_daemon_source(daemon));
    } else if (rc == KOC_ENOTFOUND && !getenv("DOCKER_HOST")) {
        doctor_add(d, "engine", FINDING_NOTE, NULL,
                   "no docker or podman answers (only --local, --run and ko.local need one)");
    } else {
        doctor_add_error(d, "engine", FINDING_WARNING, err);
    }
}

void doctor_check_tools(doctor *d)
{
    check_go(d);
    check_git(d);
    check_kubectl(d);
    check_engine(d);
}

/* --- settings --- */

static int on_setting(const char *name, const char *value, void *payload)
{
    doctor *d = payload;
    char **one = strcmp(name, "config") == 0       ? &d->config
                 : strcmp(name, "repository") == 0 ? &d->repository
                 : strcmp(name, "layout") == 0     ? &d->layout
                                                   : NULL;
    cli_list *list = strcmp(name, "base") == 0       ? &d->bases
                     : strcmp(name, "platform") == 0 ? &d->platforms
                                                     : NULL;
    if (one) {
        *one = strdup(value);
    } else if (list) {
        char *copy = strdup(value);
        if (copy) {
            cli_list_keep(list, copy);
        }
    } else if (strcmp(name, "git") == 0) {
        const char *flags = getenv("GOFLAGS");
        bool stamped = !flags || !strstr(flags, "-buildvcs=false");
        doctor_add(d, "git", stamped ? FINDING_BROKEN : FINDING_WARNING, NULL, "%s", value);
    } else if (strcmp(name, "git hint") == 0 && d->count) {
        finding *f = &d->findings[d->count - 1];
        snprintf(f->hint, sizeof(f->hint), "%s", value);
    } else if (strcmp(name, "warning") == 0) {
        doctor_add(d, "settings", FINDING_WARNING, NULL, "%s", value);
    }
    return 0;
}

static void check_settings(doctor *d)
{
    koc_publish_options o = KOC_PUBLISH_OPTIONS_INIT;
    CLI_AUTO(koc_error) err = NULL;
    o.client = d->session.client;
    o.flags = KOC_PUBLISH_DEFAULT_LAYOUT;
    if (koc_publish_settings(d->session.ctx, &o, on_setting, d, &err) != KOC_OK) {
        doctor_add_error(d, "settings", FINDING_BROKEN, err);
        return;
    }
    char platforms[256] = "";
    for (size_t i = 0; i < d->platforms.count; i++) {
        size_t at = strlen(platforms);
        snprintf(platforms + at, sizeof(platforms) - at, "%s%s", i ? ", " : "",
                 d->platforms.items[i]);
    }
    doctor_add(d, "settings", FINDING_OK, NULL, "%s; builds for %s",
               d->config ? d->config : "no .ko.yaml here: defaults", platforms);
}

/* --- the cache --- */

static int add_size(const char *kind, uint64_t entries, uint64_t bytes, void *payload)
{
    (void)kind;
    (void)entries;
    *(uint64_t *)payload += bytes;
    return 0;
}

static void check_cache(doctor *d)
{
    const char *dir = koc_cache_dir(d->session.ctx);
    uint64_t bytes = 0;
    char size[24];
    CLI_AUTO(koc_error) err = NULL;
    if (!dir) {
        doctor_add(d, "cache", FINDING_WARNING,
                   "make the directory writable, or set KOCACHE to another one",
                   "there is no cache, so nothing is reused between builds");
        return;
    }
    if (koc_cache_usage(d->session.ctx, add_size, &bytes, &err) != KOC_OK) {
        doctor_add_error(d, "cache", FINDING_WARNING, err);
    } else if (access(dir, W_OK | X_OK) != 0) {
        doctor_add(d, "cache", FINDING_WARNING,
                   "make it writable, or set KOCACHE to another directory", "%s is not writable",
                   dir);
    } else {
        doctor_add(d, "cache", FINDING_OK, NULL, "%s, %s", dir, cli_size(bytes, size));
    }
}

void doctor_check_files(doctor *d)
{
    check_settings(d);
    check_cache(d);
}

/* Chooses the daemon: the one that the environment or docker's context names, else the first socket that
 * answers. */
#include "core/common.h"

#include "daemon/endpoint.h"

#include "core/env.h"
#include "core/io/fs.h"
#include "core/path.h"
#include "core/str.h"

/* --- named by the environment --- */

static bool both(const char *directory, const char *name, char **out)
{
    *out = koc__path_join(directory, name);
    return *out != NULL;
}

/* The client's certificates in DOCKER_CERT_PATH (default ~/.docker). */
static int add_certificates(koc__endpoint *e, koc_error **err)
{
    const char *directory = koc__env_nonempty("DOCKER_CERT_PATH");
    bool verify = koc__env_nonempty("DOCKER_TLS_VERIFY") != NULL;
    if (!e->authority || (!directory && !verify && !e->tls)) {
        return KOC_OK;
    }
    KOC__AUTO_STR home = koc__home();
    KOC__AUTO_STR usual = koc__path_join(home ? home : "/", ".docker");
    const char *in = directory ? directory : usual;
    if (!usual || !both(in, "ca.pem", &e->ca_file) || !both(in, "cert.pem", &e->cert_file) ||
        !both(in, "key.pem", &e->key_file)) {
        return koc__oom(err);
    }
    e->insecure = !verify && !e->tls; /* https means verified */
    e->tls = true;
    char **files[] = {&e->ca_file, &e->cert_file, &e->key_file};
    for (size_t i = 0; i < KOC__COUNT(files); i++) {
        if (koc__fs_is_file(*files[i])) {
            continue;
        }
        if (directory) {
            return koc__error(err, KOC_ENOTFOUND, "DOCKER_CERT_PATH: there is no %s", *files[i]);
        }
        koc__free(*files[i]);
        *files[i] = NULL;
    }
    return KOC_OK;
}

/* --- known sockets --- */

typedef struct place {
    const char *directory; /* an environment variable; "HOME" or NULL: the path is absolute */
    const char *path;
} place;

static const place places[] = {
    {NULL, "/var/run/docker.sock"},
    {"XDG_RUNTIME_DIR", "docker.sock"},
    {"HOME", ".docker/run/docker.sock"},
    {"HOME", ".colima/default/docker.sock"},
    {"HOME", ".config/colima/default/docker.sock"},
    {"HOME", ".rd/docker.sock"},
    {"HOME", ".orbstack/run/docker.sock"},
    {"XDG_RUNTIME_DIR", "podman/podman.sock"},
    {"HOME", ".local/share/containers/podman/machine/podman.sock"},
    {NULL, "/run/podman/podman.sock"},
};

/* NULL: the environment variable is not set (or out of memory, which the next allocation reports). */
static char *path_of(const place *p)
{
    if (!p->directory) {
        return koc__strdup(p->path);
    }
    KOC__AUTO_STR home = koc__streq(p->directory, "HOME") ? koc__home() : NULL;
    const char *directory = home ? home : koc__env_nonempty(p->directory);
    return directory ? koc__path_join(directory, p->path) : NULL;
}

static int none_found(koc_error **err)
{
    koc__error(
        err, KOC_ENOTFOUND,
        "no Docker daemon was found: no process listens at /var/run/docker.sock, nor at "
        "the sockets of rootless Docker, Docker Desktop, Colima, Rancher Desktop and podman");
    koc__error_hint(err, "start one (sudo systemctl start docker; colima start; podman system "
                         "service), or name it: DOCKER_HOST=unix:///PATH");
    return KOC_ENOTFOUND;
}

/* The first socket that a process listens at; else the error of the first one that denies access. */
static int search(koc__endpoint **out, koc_error **err)
{
    KOC__AUTO(koc_error) denied = NULL;
    for (size_t i = 0; i < KOC__COUNT(places); i++) {
        KOC__AUTO_STR path = path_of(&places[i]);
        KOC__AUTO(koc_error) why = NULL;
        int rc = path ? koc__endpoint_probe(path, &why) : KOC_ENOTFOUND;
        if (rc == KOC_OK) {
            KOC__AUTO_STR address = koc__format("unix://%s", path);
            return address ? koc__endpoint_parse(address, "found", out, err) : koc__oom(err);
        }
        if (rc == KOC_EDENIED && !denied) {
            denied = koc__steal(&why);
        }
    }
    return denied ? koc__error_move(err, &denied) : none_found(err);
}

int koc__endpoint_find(koc__endpoint **out, koc_error **err)
{
    const char *host = koc__env_nonempty("DOCKER_HOST");
    KOC__AUTO(koc__endpoint) e = NULL;
    if (host) {
        KOC__TRY(koc__endpoint_parse(host, "DOCKER_HOST", &e, err));
        KOC__TRY(add_certificates(e, err));
    } else {
        KOC__TRY(koc__endpoint_of_context(&e, err));
    }
    if (!e) {
        return search(out, err);
    }
    if (e->socket) {
        koc_error *why = NULL;
        int rc = koc__endpoint_probe(e->socket, &why);
        if (rc != KOC_OK) {
            koc__error_prefix(&why, rc, "%s", e->source);
            return koc__error_move(err, &why);
        }
    }
    *out = koc__steal(&e);
    return KOC_OK;
}

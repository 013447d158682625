#include "core/common.h"

#include "daemon/endpoint.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/dynbuf.h"
#include "core/env.h"
#include "core/io/fs.h"
#include "core/path.h"
#include "core/str.h"

#define TLS_PORT   "2376"
#define PLAIN_PORT "2375"

void koc__endpoint_free(koc__endpoint *e)
{
    if (!e) {
        return;
    }
    koc__free(e->address);
    koc__free(e->source);
    koc__free(e->socket);
    koc__free(e->authority);
    koc__free(e->ca_file);
    koc__free(e->cert_file);
    koc__free(e->key_file);
    koc__free(e);
}

/* --- an address as text --- */

static int of_socket(koc__endpoint *e, const char *path, koc_error **err)
{
    if (!koc__path_is_abs(path)) {
        return koc__error(err, KOC_EINVAL, "%s: \"%s\" names no absolute path of a socket",
                          e->source, e->address);
    }
    e->socket = koc__strdup(path);
    return e->socket ? KOC_OK : koc__oom(err);
}

static int of_host(koc__endpoint *e, koc_str rest, bool tls, koc_error **err)
{
    koc_str host = rest, path = {NULL, 0};
    if (koc__str_cut(rest, '/', &host, &path) && path.len > 0) {
        return koc__error(err, KOC_EINVAL, "%s: \"%s\": an address with a path is not supported",
                          e->source, e->address);
    }
    if (host.len == 0) {
        return koc__error(err, KOC_EINVAL, "%s: \"%s\" names no host", e->source, e->address);
    }
    koc_str before, port;
    bool has_port = koc__str_rcut(host, ':', &before, &port) && !memchr(port.ptr, ']', port.len);
    e->tls = tls;
    e->authority = has_port ? koc__str_dup(host)
                            : koc__format("%.*s:%s", KOC__FMT(host), tls ? TLS_PORT : PLAIN_PORT);
    return e->authority ? KOC_OK : koc__oom(err);
}

static int unsupported(const koc__endpoint *e, koc_str scheme, koc_error **err)
{
    koc__error(err, KOC_EUNSUPPORTED, "%s: \"%s\": a daemon behind %.*s is not supported",
               e->source, e->address, KOC__FMT(scheme));
    if (koc__str_is(scheme, "ssh")) {
        koc__error_hint(err, "forward its socket: ssh -NL /tmp/docker.sock:/var/run/docker.sock "
                             "HOST, then DOCKER_HOST=unix:///tmp/docker.sock");
    } else {
        koc__error_hint(err, "supported are unix://PATH and tcp://HOST:PORT");
    }
    return KOC_EUNSUPPORTED;
}

int koc__endpoint_parse(const char *address, const char *source, koc__endpoint **out,
                        koc_error **err)
{
    KOC__AUTO(koc__endpoint) e = koc__calloc(1, sizeof(*e));
    if (!e) {
        return koc__oom(err);
    }
    e->address = koc__strdup(address);
    e->source = koc__strdup(source);
    if (!e->address || !e->source) {
        return koc__oom(err);
    }
    const char *mark = strstr(address, "://");
    koc_str scheme = mark ? koc__str_n(address, (size_t)(mark - address)) : KOC__STR("tcp");
    const char *rest = mark ? mark + 3 : address;
    int rc;
    if (koc__str_is(scheme, "unix")) {
        rc = of_socket(e, rest, err);
    } else if (koc__str_is(scheme, "tcp") || koc__str_is(scheme, "http")) {
        rc = of_host(e, koc__str(rest), false, err);
    } else if (koc__str_is(scheme, "https")) {
        rc = of_host(e, koc__str(rest), true, err);
    } else {
        rc = unsupported(e, scheme, err);
    }
    KOC__TRY(rc);
    *out = koc__steal(&e);
    return KOC_OK;
}

/* --- sockets --- */

static int no_permission(const char *socket, const char *why, koc_error **err)
{
    koc__error(err, KOC_EDENIED, "no permission to use the daemon's socket %s: %s", socket, why);
    koc__error_hint(err, "join the group that owns it (sudo usermod -aG docker $USER, then log in "
                         "again), or use a rootless daemon: "
                         "DOCKER_HOST=unix://$XDG_RUNTIME_DIR/docker.sock or …/podman/podman.sock");
    return KOC_EDENIED;
}

int koc__endpoint_probe(const char *socket_path, koc_error **err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    if (stat(socket_path, &st) != 0) {
        int number = errno;
        return number == EACCES ? no_permission(socket_path, strerror(number), err)
                                : koc__error_errno(err, number, "no daemon at %s", socket_path);
    }
    if (!S_ISSOCK(st.st_mode)) {
        return koc__error(err, KOC_EINVAL, "no daemon at %s: it is a %s, not a socket", socket_path,
                          S_ISDIR(st.st_mode) ? "directory" : "file");
    }
    if (strlen(socket_path) >= sizeof(address.sun_path)) {
        return koc__error(err, KOC_EINVAL, "no daemon at %s: a socket's path has at most %zu bytes",
                          socket_path, sizeof(address.sun_path) - 1);
    }
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    KOC__AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) {
        return koc__error_errno(err, errno, "cannot make a socket");
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        return KOC_OK;
    }
    int number = errno;
    if (number == EACCES || number == EPERM) {
        return no_permission(socket_path, strerror(number), err);
    }
    koc__error(err, KOC_ENET, "no daemon at %s: no process listens there (%s)", socket_path,
               strerror(number));
    koc__error_hint(err,
                    "is it running? sudo systemctl start docker, or: podman system service "
                    "--time=0 unix://%s",
                    socket_path);
    return KOC_ENET;
}

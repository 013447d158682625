/*
 * The inside of the daemon module: images go to container engines and nodes without a registry.
 *   endpoint.c, endpoint_find.c, docker_context.c  the address of the Docker daemon
 *   engine_api.c     its API: requests, errors, kinds of daemons
 *   daemon_load.c    loads an image, without what the daemon has;  daemon_export.c exports one
 *   nodes.c          finds the nodes of a cluster;  node_import.c imports an image into them
 *   local_place.c    one interface to all of them: koc__local
 */
#ifndef KOC__DAEMON_H
#define KOC__DAEMON_H

#include <koc/ext/daemon.h>
#include <koc/image.h>
#include <koc/reference.h>

#include "core/run/call.h"
#include "core/str.h"
#include "daemon/endpoint.h"
#include "http/transport.h"
#include "text/json.h"

/* The newest API version that this code was tested with; an older daemon gets requests in its own version. */
#define KOC__DAEMON_API_MAX 51
#define KOC__DAEMON_API_MIN 24 /* Docker 1.12 */

typedef enum koc__engine_store {
    KOC__STORE_GRAPH, /* layers by chain: an archive may omit layers that the daemon has */
    KOC__STORE_CONTAINERD, /* keeps manifests unchanged; the ID of an image is the digest of its manifest */
    KOC__STORE_PODMAN /* by config; an archive must have all layers */
} koc__engine_store;

/* --- engine.c --- */
typedef struct koc__engine {
    koc__endpoint *at;
    koc__http_pool *transport;
    char *ca_pem;
    unsigned api; /* 41: requests begin with /v1.41 */
    bool is_podman;
    koc__engine_store store;
    char *version;
    char *os, *arch, *variant; /* in Go's words */
} koc__engine;
/* Finds the daemon, asks for its API version and its platform. */
int koc__engine_open(koc__call *call, koc__engine **out, koc_error **err);
void koc__engine_free(koc__engine *e);
KOC__DEFINE_AUTO(koc__engine, koc__engine_free);

/* One request and its reply. target: after the API version, "/images/json"; body may be NULL. */
typedef struct koc__engine_call {
    koc__engine *engine;
    const char *method;
    const char *target;
    koc_blob *body;  /* a tar */
    bool no_timeout; /* no timeout: the reply may take any time */
    void (*sent)(void *self, uint64_t bytes);
    void *sent_self;
    /* The reply. */
    koc__http_reply reply;
    koc__exchange *exchange;
} koc__engine_call;
/* clang-format off */
#define KOC__CALL_INIT { NULL, NULL, NULL, NULL, false, NULL, NULL, KOC__HTTP_REPLY_INIT, NULL }
/* clang-format on */
/* Sends the request and waits for the head of the reply, whatever its status. */
int koc__engine_call_open(koc__engine_call *c, koc__call *call, koc_error **err);
int koc__engine_call_read(koc__engine_call *c, koc__call *call, void *buf, size_t len, size_t *n,
                          koc_error **err);
void koc__engine_call_close(koc__engine_call *c);
KOC__DEFINE_AUTO_VAL(koc__engine_call, koc__engine_call_close);
/* Turns a reply that is not 2xx into an error: "cannot <what>: <the daemon's message>". */
int koc__engine_call_failed(koc__engine_call *c, const char *what, koc__call *call,
                            koc_error **err);
/* GET of a JSON document. *out NULL: 404. */
int koc__engine_get(koc__engine *e, const char *target, const char *what, koc__call *call,
                    koc__json **out, koc_error **err);
/* "daemon at unix:///var/run/docker.sock", for errors. */
const char *koc__engine_where(const koc__engine *e);

/* --- load.c, export.c --- */
typedef struct koc__local_result {
    bool unchanged;      /* nothing of the image was sent */
    uint64_t bytes_sent; /* of the archive */
} koc__local_result;
/* names: repo:tag; at least one. */
int koc__engine_load(koc__engine *e, koc_image *img, koc_reference *const *names, size_t n,
                     koc__call *call, koc__local_result *out, koc_error **err);
/* Writes the image of that name as a docker-save archive to a new file at path. */
int koc__engine_export(koc__engine *e, const char *name, const char *path, koc__call *call,
                       koc_error **err);

/* --- local.c --- */
typedef enum koc__local_kind {
    KOC__LOCAL_NONE,
    KOC__LOCAL_DOCKER,
    KOC__LOCAL_KIND,
    KOC__LOCAL_K3D,
    KOC__LOCAL_MINIKUBE,
    KOC__LOCAL_CONTAINERD
} koc__local_kind;
typedef struct koc__local koc__local;
/* The kind of local place: by into ("kind", "kind:staging"), else by the first component of repository
 * ("kind.local/team"). *rest: the text after the colon, or NULL; borrowed. */
int koc__local_choose(const char *into, const char *repository, koc__local_kind *kind,
                      const char **rest, koc_error **err);
/* "ko.local", "kind.local", …: the default repository of each kind. */
const char *koc__local_domain(koc__local_kind kind);
/* Finds the daemon or the nodes. rest: the cluster, profile or socket; NULL: from the environment, else the
 * default. */
int koc__local_open(koc__local_kind kind, const char *rest, koc__call *call, koc__local **out,
                    koc_error **err);
void koc__local_free(koc__local *l);
KOC__DEFINE_AUTO(koc__local, koc__local_free);
/* The platform of the images that run there. Borrowed from l. */
const koc_platform *koc__local_platform(const koc__local *l);
/* "the Docker daemon at unix:///…", "kind cluster \"kind\" (2 nodes)". Borrowed from l. */
const char *koc__local_where(const koc__local *l);
/* Loads img under all names (repo:tag). May be called for several images in parallel. */
int koc__local_put(koc__local *l, koc_image *img, koc_reference *const *names, size_t n,
                   koc__call *call, koc__local_result *out, koc_error **err);

#endif

/*
 * koc/ext/daemon.h: finds the local container engine and loads images into it.
 *
 * koc_publish loads images itself (koc_publish_options.into). These calls are for programs that look for an engine, or
 * load an image of their own. They use the API of the Docker Engine, which podman offers as well.
 * Headers in ext/ may change in any minor version (docs/abi.md).
 */
#ifndef KOC_EXT_DAEMON_H
#define KOC_EXT_DAEMON_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/image.h>

KOC_BEGIN_DECLS

typedef struct koc_daemon koc_daemon;

/** Finds an engine as docker's client does: DOCKER_HOST (unix, tcp; TLS by DOCKER_CERT_PATH and DOCKER_TLS_VERIFY),
 * DOCKER_CONTEXT, the current context of the docker config; then the first of the usual sockets of Docker, Colima and
 * podman that answers. KOC_ENOTFOUND: there is none; KOC_EDENIED: this user may not open its socket; KOC_EFORMAT;
 * KOC_EUNSUPPORTED: it is too old. A koc_daemon belongs to one thread at a time. */
KOC_API int koc_daemon_open(koc_ctx *ctx, const koc_op *op, koc_daemon **out, koc_error **err);
KOC_API void koc_daemon_free(koc_daemon *d);
/** Its address as for DOCKER_HOST: "unix:///var/run/docker.sock". Borrowed from d. */
KOC_API const char *koc_daemon_address(const koc_daemon *d);
/** Where the address comes from: "DOCKER_HOST", "docker context x", "found". Borrowed from d. */
KOC_API const char *koc_daemon_source(const koc_daemon *d);
/** "docker" or "podman". Static. */
KOC_API const char *koc_daemon_engine(const koc_daemon *d);
/** The version of the engine: "28.5.2". Borrowed from d. */
KOC_API const char *koc_daemon_version(const koc_daemon *d);
/** The platform of the images that it runs. Borrowed from d. */
KOC_API const koc_platform *koc_daemon_platform(const koc_daemon *d);
/** Loads img under names ("repository:tag", NULL-terminated, at least one). Content that the engine has already is not
 * sent. *bytes_sent (or NULL) is 0 if it had everything. */
KOC_API int koc_daemon_load(koc_daemon *d, koc_image *img, const char *const *names,
                            const koc_op *op, uint64_t *bytes_sent, koc_error **err);

KOC_END_DECLS
#endif

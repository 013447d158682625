/*
 * koc/ext/daemon.h: the container engine of this machine, and images straight into it.
 *
 * koc_publish does this too (koc_publish_options.into); these calls are for tools that want to know what
 * there is, or have an image of their own. ext/ headers may change in any minor version before they move up.
 * The API is the Docker Engine's, which podman speaks as well.
 */
#ifndef KOC_EXT_DAEMON_H
#define KOC_EXT_DAEMON_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/image.h>

KOC_BEGIN_DECLS

typedef struct koc_daemon koc_daemon;

/** Looks for a daemon as docker's client does: DOCKER_HOST (unix, tcp; TLS by DOCKER_CERT_PATH and
 * DOCKER_TLS_VERIFY), DOCKER_CONTEXT, the current context of the docker config; then the usual sockets of
 * Docker, Colima and podman, the first that answers. KOC_ENOTFOUND: there is none; KOC_EDENIED: its socket
 * is not open to this user; KOC_EFORMAT, KOC_EUNSUPPORTED (too old). Blocks; ends early as op says. */
KOC_API int koc_daemon_open(koc_ctx *ctx, const koc_op *op, koc_daemon **out, koc_error **err);
KOC_API void koc_daemon_free(koc_daemon *d);
/** "unix:///var/run/docker.sock": what DOCKER_HOST would say. Borrowed from d. */
KOC_API const char *koc_daemon_address(const koc_daemon *d);
/** Where the address was read: "DOCKER_HOST", "docker context x", "found". Borrowed from d. */
KOC_API const char *koc_daemon_source(const koc_daemon *d);
/** "docker" or "podman". Static. */
KOC_API const char *koc_daemon_engine(const koc_daemon *d);
/** "28.5.2". Borrowed from d. */
KOC_API const char *koc_daemon_version(const koc_daemon *d);
/** What images it runs. Borrowed from d. */
KOC_API const koc_platform *koc_daemon_platform(const koc_daemon *d);
/** Loads img under names ("repository:tag", NULL-terminated, at least one). What the daemon has is not sent
 * again; *bytes_sent (or NULL) is 0 when it had all. Not from two threads at once on one d. */
KOC_API int koc_daemon_load(koc_daemon *d, koc_image *img, const char *const *names,
                            const koc_op *op, uint64_t *bytes_sent, koc_error **err);

KOC_END_DECLS
#endif

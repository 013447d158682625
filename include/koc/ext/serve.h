/*
 * koc/ext/serve.h: a small registry over an OCI image layout (distribution-spec 1.1, docs/serve.md).
 *
 * ext/ headers may change in any minor version before they move up.
 */
#ifndef KOC_EXT_SERVE_H
#define KOC_EXT_SERVE_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/store.h>

KOC_BEGIN_DECLS

enum {
    KOC_SERVE_READ_ONLY = 1u << 0, /**< pulls only */
    KOC_SERVE_DELETE = 1u << 1,    /**< tags, manifests and blobs may be removed */
    KOC_SERVE_REMOTE = 1u << 2     /**< addresses that other machines reach may be listened on */
};

typedef struct koc_serve_options {
    uint32_t struct_size;
    uint32_t flags;         /**< KOC_SERVE_* */
    const char *address;    /**< host:port; NULL: "127.0.0.1:0", a free port */
    const char *repository; /**< of images whose name is only a tag; NULL: the folder's name */
    const char *tls_cert;   /**< PEM files of a certificate and its key: both, or NULL for HTTP */
    const char *tls_key;
    uint64_t max_blob;        /**< bytes of an upload; 0: 64 GiB */
    uint32_t max_connections; /**< 0: 128 */
    uint32_t reserved;
    /** Called once on the calling thread when the server answers, with "http://127.0.0.1:41234"; or NULL.
     * A non-zero return ends the call, KOC_EUSER. */
    int (*ready)(const char *url, void *payload);
    void *payload;
    /** More host names that requests may be for, without a port: NULL-terminated, or NULL. On loopback the
     * names of loopback are the only others; elsewhere every name will do unless there is such a list. */
    const char *const *allow_hosts;
} koc_serve_options;
/* clang-format off */
#define KOC_SERVE_OPTIONS_INIT { sizeof(koc_serve_options), 0, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL }
/* clang-format on */

/** Serves l until op's cancel token is triggered (KOC_ECANCELLED, after up to 5 s for requests that run) or
 * its time is over. Other processes may read and write l meanwhile. Each request is a line of the log
 * (component "serve", KOC_LOG_INFO). o may be NULL. There is no authentication. KOC_EUNSUPPORTED: this
 * build has no server (koc_features, KOC_FEATURE_SERVE); KOC_EINVAL: the address, KOC_EIO: it is taken. */
KOC_API int koc_serve(koc_ctx *ctx, koc_layout *l, const koc_serve_options *o, const koc_op *op,
                      koc_error **err);

KOC_END_DECLS
#endif

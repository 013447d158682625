/*
 * koc/ext/serve.h: a small registry over an OCI image layout (distribution-spec 1.1, docs/serve.md).
 *
 * Headers in ext/ may change in any minor version (docs/abi.md).
 */
#ifndef KOC_EXT_SERVE_H
#define KOC_EXT_SERVE_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/store.h>

KOC_BEGIN_DECLS

enum {
    KOC_SERVE_READ_ONLY = 1u << 0, /**< pulls only */
    KOC_SERVE_DELETE = 1u << 1,    /**< allow deletion of tags, manifests and blobs */
    KOC_SERVE_REMOTE = 1u << 2     /**< allow addresses that other machines can reach */
};

/** Where and for whom koc_serve listens. */
typedef struct koc_serve_options {
    uint32_t struct_size;
    uint32_t flags;           /**< KOC_SERVE_* */
    const char *address;      /**< host:port; NULL: "127.0.0.1:0", a free port */
    const char *repository;   /**< of images whose name is only a tag; NULL: the directory's name */
    const char *tls_cert;     /**< PEM file of the certificate; NULL: plain HTTP */
    const char *tls_key;      /**< PEM file of its key; NULL if tls_cert is */
    uint64_t max_blob;        /**< bytes of an upload; 0: 64 GiB */
    uint32_t max_connections; /**< 0: 128 */
    uint32_t reserved;
    /** Called once on the calling thread when the server accepts requests, with "http://127.0.0.1:41234"; or NULL.
     * A non-zero return ends the call with KOC_EUSER. */
    int (*ready)(const char *url, void *payload);
    void *payload;
    /** Host names that requests may use, without a port, NULL-terminated; or NULL. On a loopback address the names
     * of loopback are allowed as well, and nothing else. On other addresses NULL allows every name. */
    const char *const *allow_hosts;
} koc_serve_options;
/* clang-format off */
#define KOC_SERVE_OPTIONS_INIT { sizeof(koc_serve_options), 0, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL }
/* clang-format on */

/** Serves l until op's cancel token is triggered (KOC_ECANCELLED; running requests get 5 s to finish) or its time limit
 * passes. There is no authentication. Other processes may read and write l at the same time. Each request is logged
 * (component "serve", KOC_LOG_INFO). o may be NULL. KOC_EUNSUPPORTED: this build has no server (KOC_FEATURE_SERVE);
 * KOC_EINVAL: the address is not valid or not allowed; KOC_EIO: it is in use. */
KOC_API int koc_serve(koc_ctx *ctx, koc_layout *l, const koc_serve_options *o, const koc_op *op,
                      koc_error **err);

KOC_END_DECLS
#endif

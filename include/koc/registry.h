/*
 * koc/registry.h: a registry client (OCI distribution-spec 1.1, docs/registry.md).
 *
 * A client has connections, tokens and what it learned about each host, so share one between threads. Requests are
 * retried and resumed; all content is verified. KOC_ENET, KOC_ETLS, KOC_EHTTP, KOC_EAUTH, KOC_EDENIED, KOC_ERATE and
 * KOC_ETIMEOUT may come from every call (docs/errors.md).
 */
#ifndef KOC_REGISTRY_H
#define KOC_REGISTRY_H

#include <koc/auth.h>
#include <koc/base.h>
#include <koc/context.h>
#include <koc/image.h>
#include <koc/io.h>
#include <koc/reference.h>
#include <koc/transport.h>

KOC_BEGIN_DECLS

enum {
    /** Allow plain HTTP and do not verify certificates, for every registry. */
    KOC_CLIENT_INSECURE = 1u << 0,
    KOC_CLIENT_NO_PROXY_ENV = 1u << 1, /**< ignore HTTP_PROXY, HTTPS_PROXY, NO_PROXY */
    KOC_CLIENT_OFFLINE = 1u << 2       /**< send no request: KOC_ENET names what is missing */
};

/** How a client behaves towards all registries. */
typedef struct koc_client_options {
    uint32_t struct_size;
    uint32_t flags;
    koc_auth *auth;                /**< referenced; NULL: anonymous */
    const char *user_agent;        /**< NULL: "koc/<version>" */
    const char *ca_file;           /**< PEM file of CAs to trust besides the system's; or NULL */
    const char *const *allow_http; /**< NULL-terminated hosts that may use plain HTTP */
    uint32_t max_connections;      /**< per host; 0: 8 */
    uint32_t max_attempts;         /**< per request; 0: 8 */
    int64_t connect_timeout_ms;    /**< 0: 10 s per attempt, 30 s in all */
    /** Until the first byte of a response; 0: 30 s for a host that has not answered yet, 60 s later. */
    int64_t response_timeout_ms;
    uint32_t requests_per_second; /**< to one host; 0: as hosts.toml or the host itself limits it */
    uint32_t reserved;            /**< 0 */
    const koc_kv *headers; /**< n_headers: sent with each request to a registry, not to others */
    size_t n_headers;
    koc_transport *transport; /**< referenced; NULL: libcurl. Its TLS and proxies are its own */
    koc_trace_fn trace;       /**< or NULL */
    void *trace_payload;
    /** Called once, after the last reference to the client is gone; not if koc_client_new fails. Or NULL. */
    void (*trace_release)(void *trace_payload);
} koc_client_options;
/* clang-format off */
#define KOC_CLIENT_OPTIONS_INIT { sizeof(koc_client_options), 0, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, 0, NULL, NULL, NULL, NULL }
/* clang-format on */

/** Creates a client; opts may be NULL. No request is sent. */
KOC_API int koc_client_new(koc_ctx *ctx, const koc_client_options *opts, koc_client **out,
                           koc_error **err);
KOC_API koc_client *koc_client_ref(koc_client *c);
KOC_API void koc_client_unref(koc_client *c);

/** The descriptor of the manifest or index that r names (without tag and digest: tag "latest"), by HEAD, or by GET if
 * HEAD does not return it. Initialise *out with KOC_DESCRIPTOR_INIT; its strings point into storage. KOC_ENOTFOUND. */
KOC_API int koc_client_resolve(koc_client *c, const koc_reference *r, const koc_op *op,
                               koc_buf *storage, koc_descriptor *out, koc_error **err);
/** The exact bytes of a manifest or index, verified. media_type and digest may be NULL. KOC_ENOTFOUND, KOC_EDIGEST. */
KOC_API int koc_client_get_manifest(koc_client *c, const koc_reference *r, const koc_op *op,
                                    koc_buf *bytes, koc_buf *media_type, koc_digest *digest,
                                    koc_error **err);
/** Writes a manifest or index under r's tag or digest. out (or NULL) receives its digest. */
KOC_API int koc_client_put_manifest(koc_client *c, const koc_reference *r, const char *media_type,
                                    koc_str bytes, const koc_op *op, koc_digest *out,
                                    koc_error **err);
/** The image that r names; of an index, the entry that matches want (NULL: linux/amd64). A single image must match
 * want too, unless want is NULL or its config names no platform. Manifest and config are fetched and verified now,
 * layers when they are read. KOC_EPLATFORM: the message lists the platforms that exist. */
KOC_API int koc_client_get_image(koc_client *c, const koc_reference *r, const koc_platform *want,
                                 const koc_op *op, koc_image **out, koc_error **err);
/** The index that r names. KOC_EFORMAT: it is an image. */
KOC_API int koc_client_get_index(koc_client *c, const koc_reference *r, const koc_op *op,
                                 koc_index **out, koc_error **err);

/** What a push writes besides the name that it is given. */
typedef struct koc_push_options {
    uint32_t struct_size;
    uint32_t flags;
    const char *const *extra_tags; /**< NULL-terminated: write these tags as well */
} koc_push_options;
/* clang-format off */
#define KOC_PUSH_OPTIONS_INIT { sizeof(koc_push_options), 0, NULL }
/* clang-format on */

/** Pushes img to r (its tag, else its digest). Missing blobs are mounted or uploaded in parallel, then the manifest
 * is written under all of its names in parallel: no name exists before everything it needs does. If the
 * target has it all, nothing is sent. out (or NULL) receives the digest. */
KOC_API int koc_client_push_image(koc_client *c, const koc_reference *r, koc_image *img,
                                  const koc_push_options *o, const koc_op *op, koc_digest *out,
                                  koc_error **err);
/** Pushes an index and the images that it has (koc_index_image). */
KOC_API int koc_client_push_index(koc_client *c, const koc_reference *r, koc_index *idx,
                                  const koc_push_options *o, const koc_op *op, koc_digest *out,
                                  koc_error **err);
/** A blob of repo that is downloaded when it is read, and verified. Only digest and size of d are used. */
KOC_API int koc_client_get_blob(koc_client *c, const koc_reference *repo, const koc_descriptor *d,
                                koc_blob **out, koc_error **err);
/** The size in bytes of the blob that r names by digest. KOC_ENOTFOUND. */
KOC_API int koc_client_stat_blob(koc_client *c, const koc_reference *r, const koc_op *op,
                                 uint64_t *size, koc_error **err);
/** Uploads b if repo does not have it. */
KOC_API int koc_client_put_blob(koc_client *c, const koc_reference *repo, koc_blob *b,
                                const koc_op *op, koc_error **err);
/** The tags of repo in byte order; at most 1,000,000 (KOC_ELIMIT). */
KOC_API int koc_client_list_tags(koc_client *c, const koc_reference *repo, const koc_op *op,
                                 koc_strlist **out, koc_error **err);
/** The repositories of a registry ("host[:port]") in byte order, at most 100,000 (KOC_ELIMIT), by distribution's
 * _catalog, which is not part of the specification. KOC_EUNSUPPORTED: this registry does not list them. */
KOC_API int koc_client_list_repositories(koc_client *c, const char *registry, const koc_op *op,
                                         koc_strlist **out, koc_error **err);
/** Deletes the manifest that r names by digest, with all of its tags; without a digest only the tag. KOC_ENOTFOUND;
 * KOC_EUNSUPPORTED: many registries do not delete, or not by tag. */
KOC_API int koc_client_delete_manifest(koc_client *c, const koc_reference *r, const koc_op *op,
                                       koc_error **err);
/** The referrers of subject (a reference with a digest) as an index, perhaps an empty one: by the referrers API, else
 * by the fallback tag. artifact_type NULL: all types. */
KOC_API int koc_client_list_referrers(koc_client *c, const koc_reference *subject,
                                      const char *artifact_type, const koc_op *op, koc_index **out,
                                      koc_error **err);

/** Checks the client's credentials with registry (a name from koc_auth_registry): GET /v2/, and an access token if it
 * requires one (distribution-spec, "Determining Support"). *asked (or NULL): whether it requires a login at all.
 * KOC_EAUTH: not accepted, or there are none. */
KOC_API int koc_client_check_login(koc_client *c, const char *registry, const koc_op *op,
                                   bool *asked, koc_error **err);

/** koc_auth_lookup with the client's own source of credentials. The log of its context lists the places that had none.
 * *out is NULL if there is no credential. */
KOC_API int koc_client_lookup(koc_client *c, const char *registry, const char *repository,
                              const koc_op *op, koc_credential **out, koc_error **err);

enum { KOC_ACCESS_PULL = 1u << 0, KOC_ACCESS_PUSH = 1u << 1, KOC_ACCESS_DELETE = 1u << 2 };
/** An access token for repo from the registry's token server (distribution's token specification). access:
 * KOC_ACCESS_* bits. mounts: NULL-terminated repositories of the same registry to pull from as well, or NULL. Wipe
 * token with koc_buf_wipe. lifetime_ms (or NULL): how long it is valid from now. KOC_EUNSUPPORTED: the registry does
 * not use tokens. */
KOC_API int koc_client_get_token(koc_client *c, const koc_reference *repo, uint32_t access,
                                 const char *const *mounts, const koc_op *op, koc_buf *token,
                                 int64_t *lifetime_ms, koc_error **err);

KOC_END_DECLS
#endif

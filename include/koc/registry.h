/*
 * koc/registry.h: a registry client (OCI distribution-spec 1.1, docs/registry.md).
 *
 * A client keeps connections, tokens and per-host knowledge; share one. Every call may be made from any
 * thread.
 */
#ifndef KOC_REGISTRY_H
#define KOC_REGISTRY_H

#include <koc/auth.h>
#include <koc/base.h>
#include <koc/context.h>
#include <koc/image.h>
#include <koc/io.h>
#include <koc/reference.h>

KOC_BEGIN_DECLS

enum {
    KOC_CLIENT_INSECURE =
        1u << 0, /**< every registry: plain HTTP allowed, certificates unverified */
    KOC_CLIENT_NO_PROXY_ENV = 1u << 1, /**< ignore HTTP_PROXY and its kin */
    KOC_CLIENT_OFFLINE = 1u << 2       /**< never open a socket: KOC_ENET names what was missing */
};

typedef struct koc_client_options {
    uint32_t struct_size;
    uint32_t flags;
    koc_auth *auth;         /**< referenced; NULL: anonymous */
    const char *user_agent; /**< NULL: "koc/<version>" */
    const char *ca_file;    /**< extra certificate authorities, PEM; NULL: the system's alone */
    const char *const *allow_http; /**< NULL-terminated hosts that may be reached by plain HTTP */
    uint32_t max_connections;      /**< per host; 0: 8 */
    uint32_t max_attempts;         /**< per request; 0: 8 */
    int64_t connect_timeout_ms;    /**< 0: 10 s a try, 30 s in all */
    int64_t
        response_timeout_ms; /**< first byte; 0: 30 s from a host that never answered, 60 s else */
    uint32_t requests_per_second; /**< to each host; 0: no limit but its own, or hosts.toml's */
} koc_client_options;
/* clang-format off */
#define KOC_CLIENT_OPTIONS_INIT { sizeof(koc_client_options), 0, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0 }
/* clang-format on */

/** opts may be NULL. */
KOC_API int koc_client_new(koc_ctx *ctx, const koc_client_options *opts, koc_client **out,
                           koc_error **err);
KOC_API koc_client *koc_client_ref(koc_client *c);
KOC_API void koc_client_unref(koc_client *c);

/** Digest, size and media type of what r names (tag "latest" when it names neither tag nor digest):
 * HEAD, and GET where HEAD does not do. Set *out from KOC_DESCRIPTOR_INIT; its strings are in storage. */
KOC_API int koc_client_resolve(koc_client *c, const koc_reference *r, const koc_op *op,
                               koc_buf *storage, koc_descriptor *out, koc_error **err);
/** The manifest's exact bytes, checked against its digest. media_type and digest may be NULL. */
KOC_API int koc_client_get_manifest(koc_client *c, const koc_reference *r, const koc_op *op,
                                    koc_buf *bytes, koc_buf *media_type, koc_digest *digest,
                                    koc_error **err);
/** Writes bytes under r's tag or digest. out (or NULL) gets their digest. */
KOC_API int koc_client_put_manifest(koc_client *c, const koc_reference *r, const char *media_type,
                                    koc_str bytes, const koc_op *op, koc_digest *out,
                                    koc_error **err);
/** The image r names; of an index the entry that serves want (NULL: linux/amd64). A single image is checked
 * against want too, unless want is NULL or its config names no platform. Manifest and config are fetched and
 * checked, layers only when read. KOC_EPLATFORM lists what there is. */
KOC_API int koc_client_get_image(koc_client *c, const koc_reference *r, const koc_platform *want,
                                 const koc_op *op, koc_image **out, koc_error **err);
/** The index r names; KOC_EFORMAT when it is an image. */
KOC_API int koc_client_get_index(koc_client *c, const koc_reference *r, const koc_op *op,
                                 koc_index **out, koc_error **err);

typedef struct koc_push_options {
    uint32_t struct_size;
    uint32_t flags;
    const char *const *extra_tags; /**< NULL-terminated: same bytes, more names */
} koc_push_options;
/* clang-format off */
#define KOC_PUSH_OPTIONS_INIT { sizeof(koc_push_options), 0, NULL }
/* clang-format on */

/** Pushes img to r (its tag, else its digest): blobs that are missing (mounted where possible), then the
 * manifest under each of its names, side by side: no name is visible before what it needs is there, and
 * none waits for another. Nothing is sent when the target has it all. out may be NULL. */
KOC_API int koc_client_push_image(koc_client *c, const koc_reference *r, koc_image *img,
                                  const koc_push_options *o, const koc_op *op, koc_digest *out,
                                  koc_error **err);
/** Pushes an index and all images that it carries. */
KOC_API int koc_client_push_index(koc_client *c, const koc_reference *r, koc_index *idx,
                                  const koc_push_options *o, const koc_op *op, koc_digest *out,
                                  koc_error **err);
/** A blob of repo, fetched when read and verified while it is read. Only digest and size of d count. */
KOC_API int koc_client_get_blob(koc_client *c, const koc_reference *repo, const koc_descriptor *d,
                                koc_blob **out, koc_error **err);
/** How many bytes the blob has that r names by its digest. KOC_ENOTFOUND. */
KOC_API int koc_client_stat_blob(koc_client *c, const koc_reference *r, const koc_op *op,
                                 uint64_t *size, koc_error **err);
/** Uploads b unless repo has it. */
KOC_API int koc_client_put_blob(koc_client *c, const koc_reference *repo, koc_blob *b,
                                const koc_op *op, koc_error **err);
/** The tags of repo in byte order; at most 1,000,000 (KOC_ELIMIT). */
KOC_API int koc_client_list_tags(koc_client *c, const koc_reference *repo, const koc_op *op,
                                 koc_strlist **out, koc_error **err);
/** The repositories of a registry ("host[:port]") in byte order, where it lists them (distribution's
 * _catalog, which no standard promises): KOC_EUNSUPPORTED elsewhere; at most 100,000 (KOC_ELIMIT). */
KOC_API int koc_client_list_repositories(koc_client *c, const char *registry, const koc_op *op,
                                         koc_strlist **out, koc_error **err);
/** Deletes what r names: with a digest the manifest and all its tags, else the tag. KOC_ENOTFOUND,
 * KOC_EUNSUPPORTED (many registries do not delete, or not by tag). */
KOC_API int koc_client_delete_manifest(koc_client *c, const koc_reference *r, const koc_op *op,
                                       koc_error **err);
/** What refers to subject (a reference with a digest), as an index: by the referrers API, else by the
 * stand-in tag. artifact_type NULL: all. Empty when there is nothing. */
KOC_API int koc_client_list_referrers(koc_client *c, const koc_reference *subject,
                                      const char *artifact_type, const koc_op *op, koc_index **out,
                                      koc_error **err);

/** Asks registry (as koc_auth_registry names it) whether it takes the client's credentials: GET /v2/, and
 * a token where it wants one (distribution-spec, "Determining Support"). *asked (or NULL): whether it
 * wanted a login at all. KOC_EAUTH: not accepted, or there are none. Any thread. */
KOC_API int koc_client_check_login(koc_client *c, const char *registry, const koc_op *op,
                                   bool *asked, koc_error **err);

/** koc_auth_lookup with the client's own source of credentials and its context, whose log says which places
 * were asked in vain. *out is NULL when there is nothing. Any thread. */
KOC_API int koc_client_lookup(koc_client *c, const char *registry, const char *repository,
                              const koc_op *op, koc_credential **out, koc_error **err);

enum { KOC_ACCESS_PULL = 1u << 0, KOC_ACCESS_PUSH = 1u << 1, KOC_ACCESS_DELETE = 1u << 2 };
/** An access token for repo, as the token server of its registry gives it (distribution's token
 * specification). access: KOC_ACCESS_* bits; mounts: NULL-terminated names of repositories of the same
 * registry to be pulled from too, or NULL. token: wipe it with koc_buf_wipe. lifetime_ms (or NULL): how
 * long it may be used from now. KOC_EUNSUPPORTED: the registry works without tokens. Any thread. */
KOC_API int koc_client_get_token(koc_client *c, const koc_reference *repo, uint32_t access,
                                 const char *const *mounts, const koc_op *op, koc_buf *token,
                                 int64_t *lifetime_ms, koc_error **err);

KOC_END_DECLS
#endif

/*
 * koc/auth.h: credentials for registries, and the sources they come from.
 *
 * Secrets are wiped when freed and never appear in errors or logs. A koc_auth may be shared between threads.
 */
#ifndef KOC_AUTH_H
#define KOC_AUTH_H

#include <koc/base.h>
#include <koc/context.h>

KOC_BEGIN_DECLS

enum {
    KOC_CRED_BASIC = 1,          /**< user name and password */
    KOC_CRED_IDENTITY_TOKEN = 2, /**< a refresh token, for the token server */
    KOC_CRED_BEARER = 3          /**< an access token, sent as it is */
};

/** Creates a credential from copies of the strings. username may be NULL for tokens. kind: KOC_CRED_*. */
KOC_API int koc_credential_new(int32_t kind, const char *username, const char *secret,
                               koc_credential **out, koc_error **err);
KOC_API int32_t koc_credential_kind(const koc_credential *cred);
/** Borrowed from cred; NULL if there is none. */
KOC_API const char *koc_credential_username(const koc_credential *cred);
/** Borrowed from cred. */
KOC_API const char *koc_credential_secret(const koc_credential *cred);
/** Where cred was found, for people: "docker config (/root/.docker/config.json)". NULL if your program created
 * it. Borrowed from cred. */
KOC_API const char *koc_credential_source(const koc_credential *cred);
KOC_API void koc_credential_free(koc_credential *cred);

/** The functions of a source of credentials (koc_auth_new). */
typedef struct koc_auth_ops {
    uint32_t struct_size;
    uint32_t flags;
    /** Looks up a credential for registry ("host[:port]") and repository. The caller owns *out; leave it NULL if
     * this source has none. Must not use the client that asks. */
    int (*get)(void *self, const char *registry, const char *repository, const koc_op *op,
               koc_credential **out, koc_error **err);
    void (*rejected)(void *self,
                     const char *registry); /**< the server did not accept it; or NULL */
    void (*release)(void *self);            /**< the last reference is gone; or NULL */
} koc_auth_ops;
/* clang-format off */
#define KOC_AUTH_OPS_INIT { sizeof(koc_auth_ops), 0, NULL, NULL, NULL }
/* clang-format on */

/** The configuration files of docker and podman with their credential helpers. config_path NULL: the usual
 * files (docs/registry.md), then the logins of clouds; else this file only. Nothing is read before the first
 * look-up. */
KOC_API int koc_auth_docker(const char *config_path, koc_auth **out, koc_error **err);
/** The registry that text names, in the form that all calls use: "host[:port]" without scheme, "/v1/" or "/v2/";
 * Docker Hub in any spelling becomes "index.docker.io". KOC_EINVAL: text is not a registry, or names a
 * repository as well. */
KOC_API int koc_auth_registry(const char *text, koc_buf *out, koc_error **err);
/** Logs in: stores cred for registry ("host[:port]") in docker's configuration (config_path NULL:
 * $DOCKER_CONFIG/config.json, else ~/.docker/config.json), or in the credential helper that it names. The file is
 * replaced as a whole with mode 0600; its other members stay unchanged. No request is sent: see
 * koc_client_check_login. where (or NULL) gets the path of the file. */
KOC_API int koc_auth_docker_store(const char *config_path, const char *registry,
                                  const koc_credential *cred, const koc_op *op, koc_buf *where,
                                  koc_error **err);
/** Logs out: removes the credential that koc_auth_docker_store stored. KOC_ENOTFOUND: none is stored for registry. */
KOC_API int koc_auth_docker_erase(const char *config_path, const char *registry, const koc_op *op,
                                  koc_buf *where, koc_error **err);
/** A source with one credential for one registry; copies cred. */
KOC_API int koc_auth_static(const char *registry, const koc_credential *cred, koc_auth **out,
                            koc_error **err);
/** A source that asks those of list in turn; the first credential wins. Keeps references. */
KOC_API int koc_auth_chain(koc_auth *const *list, size_t n, koc_auth **out, koc_error **err);
/** A source of your own. Copies ops; owns self on success only. */
KOC_API int koc_auth_new(const koc_auth_ops *ops, void *self, koc_auth **out, koc_error **err);
KOC_API koc_auth *koc_auth_ref(koc_auth *a);
KOC_API void koc_auth_unref(koc_auth *a);
/** The credential of a for registry and repository. *out is NULL, with KOC_OK, if it has none. The caller owns
 * *out. */
KOC_API int koc_auth_lookup(koc_auth *a, const char *registry, const char *repository,
                            const koc_op *op, koc_credential **out, koc_error **err);

KOC_END_DECLS
#endif

/*
 * koc/auth.h: where credentials for registries come from.
 *
 * Secrets are wiped when freed and never appear in errors or logs.
 */
#ifndef KOC_AUTH_H
#define KOC_AUTH_H

#include <koc/base.h>
#include <koc/context.h>

KOC_BEGIN_DECLS

enum {
    KOC_CRED_BASIC = 1,          /**< user name and password */
    KOC_CRED_IDENTITY_TOKEN = 2, /**< a refresh token for the token server */
    KOC_CRED_BEARER = 3          /**< a ready access token */
};

/** Copies; username may be NULL for tokens. */
KOC_API int koc_credential_new(int32_t kind, const char *username, const char *secret,
                               koc_credential **out, koc_error **err);
KOC_API int32_t koc_credential_kind(const koc_credential *cred);
/** These two are borrowed from cred. */
KOC_API const char *koc_credential_username(const koc_credential *cred);
KOC_API const char *koc_credential_secret(const koc_credential *cred);
/** Where cred was found, in words for people: "docker config (/root/.docker/config.json)". NULL for one
 * of the program's own. Borrowed from cred. */
KOC_API const char *koc_credential_source(const koc_credential *cred);
KOC_API void koc_credential_free(koc_credential *cred);

typedef struct koc_auth_ops {
    uint32_t struct_size;
    uint32_t flags;
    /** Looks up registry ("host[:port]") and repository. *out is given away; left NULL: none here. */
    int (*get)(void *self, const char *registry, const char *repository, const koc_op *op,
               koc_credential **out, koc_error **err);
    void (*rejected)(void *self, const char *registry); /**< the server refused it; may be NULL */
    void (*release)(void *self);                        /**< may be NULL */
} koc_auth_ops;
/* clang-format off */
#define KOC_AUTH_OPS_INIT { sizeof(koc_auth_ops), 0, NULL, NULL, NULL }
/* clang-format on */

/** docker's and podman's configuration. config_path NULL: the usual places (docs/registry.md), helper
 * programs included; else that file only. Nothing is read before the first look-up. */
KOC_API int koc_auth_docker(const char *config_path, koc_auth **out, koc_error **err);
/** The registry that text means, as all calls here and references name it: "host[:port]", scheme, "/v1/" and
 * "/v2/" cut, Docker Hub in any of its spellings as "index.docker.io". KOC_EINVAL: it is none, or names a
 * repository as well. */
KOC_API int koc_auth_registry(const char *text, koc_buf *out, koc_error **err);
/** Logs in: keeps cred for registry ("host[:port]") in docker's configuration (NULL:
 * $DOCKER_CONFIG/config.json, else ~/.docker/config.json), or in the helper program that it names. The
 * file is replaced as a whole, mode 0600, its other members unchanged. The registry is not asked. where
 * (or NULL) gets the file's path. */
KOC_API int koc_auth_docker_store(const char *config_path, const char *registry,
                                  const koc_credential *cred, const koc_op *op, koc_buf *where,
                                  koc_error **err);
/** Logs out: removes what koc_auth_docker_store keeps. KOC_ENOTFOUND when nothing is kept for registry. */
KOC_API int koc_auth_docker_erase(const char *config_path, const char *registry, const koc_op *op,
                                  koc_buf *where, koc_error **err);
/** One credential for one registry; copies cred. */
KOC_API int koc_auth_static(const char *registry, const koc_credential *cred, koc_auth **out,
                            koc_error **err);
/** The first of list that has something. Keeps references. */
KOC_API int koc_auth_chain(koc_auth *const *list, size_t n, koc_auth **out, koc_error **err);
/** Your own. Copies ops, takes self on success only. */
KOC_API int koc_auth_new(const koc_auth_ops *ops, void *self, koc_auth **out, koc_error **err);
KOC_API koc_auth *koc_auth_ref(koc_auth *a);
KOC_API void koc_auth_unref(koc_auth *a);
/** What a would use for registry; *out is NULL and the result KOC_OK when it has nothing. */
KOC_API int koc_auth_lookup(koc_auth *a, const char *registry, const char *repository,
                            const koc_op *op, koc_credential **out, koc_error **err);

KOC_END_DECLS
#endif

/*
 * koc/ext/publish.h: what `koc build` is, in one call: Go packages in, pushed images out.
 *
 * ext/ headers may change in any minor version before they move up.
 */
#ifndef KOC_EXT_PUBLISH_H
#define KOC_EXT_PUBLISH_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/reference.h>
#include <koc/registry.h>

KOC_BEGIN_DECLS

typedef struct koc_published koc_published;

enum {
    KOC_PUBLISH_NO_PUSH = 1u << 0,               /**< --push=false */
    KOC_PUBLISH_TAG_ONLY = 1u << 1,              /**< results are repo:tag, without a digest */
    KOC_PUBLISH_PRESERVE_IMPORT_PATHS = 1u << 2, /**< -P */
    KOC_PUBLISH_BASE_IMPORT_PATHS = 1u << 3,     /**< -B */
    KOC_PUBLISH_BARE = 1u << 4,                  /**< --bare */
    KOC_PUBLISH_DISABLE_OPTIMIZATIONS = 1u << 5, /**< compile with -N -l */
    KOC_PUBLISH_COMPAT_KO = 1u << 6,             /**< ko's identity strings and byte quirks */
    KOC_PUBLISH_DEFAULT_LAYOUT = 1u << 7, /**< no repository: write to the default OCI layout */
    KOC_PUBLISH_FORCE = 1u << 8,          /**< build even when nothing changed */
    KOC_PUBLISH_DEBUG = 1u << 12,         /**< add Delve and start under it; implies -N -l */
    KOC_PUBLISH_OFFLINE = 1u << 9, /**< bases from the cache, no module downloads, no push; give
                                           * the client KOC_CLIENT_OFFLINE as well */
    KOC_PUBLISH_INPUTS =
        1u << 10 /**< koc_published_inputs is wanted: after a build whose inputs were
                                   * not known this costs one `go list` */
};
enum { KOC_SBOM_SPDX = 0, KOC_SBOM_NONE = 1 };

/** Told of each result as soon as it is complete, in any order: the import path without its scheme, and
 * what is to be printed for it; once more for each ko:// reference that spells the path in another way
 * (ko://./cmd/api), as it is spelled there. Runs on the calling thread; a non-zero return ends the call,
 * KOC_EUSER. */
typedef int (*koc_published_fn)(const char *import_path, const char *reference, void *payload);

/** NULL or zero members mean: what the environment and .ko.yaml say, else ko's default. Lists are
 * NULL-terminated. All strings are borrowed for the call. */
typedef struct koc_publish_options {
    uint32_t struct_size;
    uint32_t flags;                  /**< KOC_PUBLISH_* */
    koc_client *client;              /**< NULL: one with docker's credentials */
    const char *const *import_paths; /**< as on the command line; NULL or empty: "." */
    const char *repository;          /**< KO_DOCKER_REPO; NULL: from the environment */
    const char *const *tags;         /**< NULL: latest */
    const char *const *platforms;    /**< "all" or os[/arch[/variant]][:os.version] */
    const char *config_path;         /**< NULL: KO_CONFIG_PATH or .ko.yaml here */
    const char *base_image;          /**< for all import paths; "scratch" */
    const char *const *ldflags;      /**< NULL: from the configuration */
    const char *const *labels;       /**< key=value */
    const char *const *annotations;  /**< key=value */
    const char *user;                /**< config.User */
    const char *oci_layout_path;     /**< also write there */
    const char *tarball;             /**< also write a docker-save archive */
    const char *image_refs;          /**< also write all references to this file */
    const char *sbom_dir;            /**< also write the SBOMs there */
    int32_t sbom;                    /**< KOC_SBOM_* */
    int32_t compression;             /**< KOC_COMPRESS_* of new layers */
    int32_t level;                   /**< 0: the default */
    int32_t jobs;                    /**< compiles at once; 0: one per core */
    koc_published_fn published;      /**< or NULL */
    void *published_payload;
    const char *delve_version; /**< for KOC_PUBLISH_DEBUG; NULL: the one koc was made for */
    /** Where images go instead of a registry: "docker" (the Docker daemon or podman, as --local),
     * "kind[:CLUSTER]", "k3d[:CLUSTER]", "minikube[:PROFILE]", "containerd[:SOCKET]". NULL: by the first
     * component of repository (ko.local, kind.local, k3d.local, minikube.local, containerd.local), else a
     * registry. Results are then repo:<hex of the digest>. */
    const char *into;
} koc_publish_options;
/* clang-format off */
#define KOC_PUBLISH_OPTIONS_INIT { sizeof(koc_publish_options), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, NULL, NULL, NULL }
/* clang-format on */

/** Builds and publishes. All or nothing is printed by the caller, but what was pushed before a failure
 * stays. Progress events of kind KOC_PROGRESS_IMAGE carry the name of the image. */
KOC_API int koc_publish(koc_ctx *ctx, const koc_publish_options *o, const koc_op *op,
                        koc_published **out, koc_error **err);
/** How many references there are: one for each distinct import path, in the order given. */
KOC_API size_t koc_published_count(const koc_published *p);
/** The i-th result as it is to be printed ("repo@sha256:…", "oci:dir@sha256:…"). Borrowed from p. */
KOC_API const char *koc_published_reference(const koc_published *p, size_t i);
/** The import path (without ko://) it was built from. Borrowed from p. */
KOC_API const char *koc_published_import_path(const koc_published *p, size_t i);
/** A JSON document: images, digests, sizes, platforms, timings, cache hits, encoder (docs/json.md). */
KOC_API koc_str koc_published_report(const koc_published *p);
/** Where the time went, as lines of text for people. Borrowed from p. */
KOC_API koc_str koc_published_timings(const koc_published *p);
/** Warnings that a person should see once. Borrowed from p. */
KOC_API const koc_strlist *koc_published_warnings(const koc_published *p);
/** Under KOC_PUBLISH_INPUTS: the absolute paths of all that the packages were made from: Go files, go.mod
 * and its like, embedded files, kodata, the settings, the tools of go. A folder counts by the names in it,
 * one that ends in a slash by all that is below it; what is not there counts once it is. Base images are
 * no part of it. NULL: not everything is known (cgo, overlays, no cache). Borrowed from p. */
KOC_API const koc_strlist *koc_published_inputs(const koc_published *p);
KOC_API void koc_published_free(koc_published *p);

/** Told of what a build with some options would work with, one fact at a time: "config" (the file that was
 * read), "repository", "layout" (the folder, where images go to one), "base" (the default one, then those of
 * baseImageOverrides), "platform", "warning", "git" (why git does not read the repository here) and
 * "git hint" (what to do about it). The strings live for the call. A non-zero return ends the
 * call, KOC_EUSER. */
typedef int (*koc_publish_setting_fn)(const char *name, const char *value, void *payload);
/** Reads options, environment and .ko.yaml as koc_publish does, and no more: of packages only the entries of
 * builds: are looked at (one that cannot be loaded is a warning), bases and registries are not. Calls fn on this thread. Errors are those of koc_publish (KOC_EFORMAT and KOC_EINVAL
 * name file and line). */
KOC_API int koc_publish_settings(koc_ctx *ctx, const koc_publish_options *o,
                                 koc_publish_setting_fn fn, void *payload, koc_error **err);

/** What has changed since the last build of o's packages, as lines of text: each package and platform, and
 * below it the inputs that differ ("changed: /src/main.go"). Nothing is built; of o what shapes the
 * binary counts. Platforms are those asked for by name. */
KOC_API int koc_explain(koc_ctx *ctx, const koc_publish_options *o, const koc_op *op, koc_buf *out,
                        koc_error **err);

KOC_END_DECLS
#endif

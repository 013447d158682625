/*
 * koc/ext/publish.h: `koc build` in one call: builds Go packages into images and pushes them.
 *
 * Headers in ext/ may change in any minor version (docs/abi.md).
 */
#ifndef KOC_EXT_PUBLISH_H
#define KOC_EXT_PUBLISH_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/reference.h>
#include <koc/registry.h>
#include <koc/resolve.h>

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
    KOC_PUBLISH_FORCE = 1u << 8,          /**< build even if nothing changed */
    KOC_PUBLISH_DEBUG = 1u << 12,         /**< add Delve and start under it; implies -N -l */
    /** Bases from the cache, no module downloads, no push. Set KOC_CLIENT_OFFLINE for the client as well. */
    KOC_PUBLISH_OFFLINE = 1u << 9,
    /** Collect koc_published_inputs. If the inputs of a build are not on record, this costs one `go list`. */
    KOC_PUBLISH_INPUTS = 1u << 10
};
/** KOC_SBOM_SPDX: the formats of sbom_formats. */
enum { KOC_SBOM_SPDX = 0, KOC_SBOM_NONE = 1 };

/** Called for each result as soon as it is complete, in any order: the import path without ko://, and the reference to
 * print. Called again for each ko:// reference that spells the path differently (ko://./cmd/api), with that spelling.
 * Runs on the calling thread. A non-zero return ends the call with KOC_EUSER. */
typedef int (*koc_published_fn)(const char *import_path, const char *reference, void *payload);

/** A NULL or zero member means the value of the environment or of .ko.yaml, else ko's default. Lists are
 * NULL-terminated. All strings are borrowed for the call. */
typedef struct koc_publish_options {
    uint32_t struct_size;
    uint32_t flags;                  /**< KOC_PUBLISH_* */
    koc_client *client;              /**< NULL: a client with docker's credentials */
    const char *const *import_paths; /**< as on the command line; NULL or empty: "." */
    const char *repository;          /**< KO_DOCKER_REPO; NULL: from the environment */
    const char *const *tags;         /**< NULL: latest */
    const char *const *platforms;    /**< "all", or os[/arch[/variant]][:os.version] */
    const char *config_path;         /**< NULL: KO_CONFIG_PATH, else ./.ko.yaml */
    const char *base_image;          /**< for all import paths, "scratch" included */
    const char *const *ldflags;      /**< NULL: from the configuration */
    const char *const *labels;       /**< key=value */
    const char *const *annotations;  /**< key=value */
    const char *user;                /**< config.User */
    const char *oci_layout_path;     /**< also write a layout in this directory */
    const char *tarball;             /**< also write a docker-save archive */
    const char *image_refs;          /**< also write all references to this file */
    const char *sbom_dir;            /**< also write the SBOMs to this directory */
    int32_t sbom;                    /**< KOC_SBOM_* */
    int32_t compression;             /**< KOC_COMPRESS_* of new layers */
    int32_t level;                   /**< 0: the default */
    int32_t jobs;                    /**< compiles in parallel; 0: one per core */
    koc_published_fn published;      /**< or NULL */
    void *published_payload;
    const char *delve_version; /**< for KOC_PUBLISH_DEBUG; NULL: the version koc was tested with */
    /** Load images instead of pushing them: "docker" (Docker or podman, as --local), "kind[:CLUSTER]",
     * "k3d[:CLUSTER]", "minikube[:PROFILE]", "containerd[:SOCKET]". NULL: the first component of repository
     * decides (ko.local, kind.local, k3d.local, minikube.local, containerd.local; else a registry). Loaded images
     * are named repo:<hex of the digest>. */
    const char *into;
    /** The formats of the SBOMs: "spdx" (2.3), "cyclonedx" (1.6), "spdx3" (3.0.1). The first is attached to the image,
     * sbom_dir gets each. NULL: from .ko.yaml (sbom), else spdx. Since 0.2. */
    const char *const *sbom_formats;
    /** Who answers for the SBOMs: "[Person: |Organization: ]NAME [<MAIL or URL>]"; "none": no author. NULL: from .ko.yaml
     * (sbomAuthor), GITHUB_REPOSITORY_OWNER, or the user of git. Since 0.2. */
    const char *sbom_author;
} koc_publish_options;
/* clang-format off */
#define KOC_PUBLISH_OPTIONS_INIT { sizeof(koc_publish_options), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL }
/* clang-format on */

/** Builds and publishes all packages of o. If one fails, there is no result and no tag is written; images that were
 * already pushed by digest stay. KOC_PROGRESS_IMAGE events carry the name of the image. */
KOC_API int koc_publish(koc_ctx *ctx, const koc_publish_options *o, const koc_op *op,
                        koc_published **out, koc_error **err);
/** The number of results: one per distinct import path, in the order given. */
KOC_API size_t koc_published_count(const koc_published *p);
/** The reference to print for result i: "repo@sha256:…", "oci:dir@sha256:…". Borrowed from p. */
KOC_API const char *koc_published_reference(const koc_published *p, size_t i);
/** The import path of result i without ko://. Borrowed from p. */
KOC_API const char *koc_published_import_path(const koc_published *p, size_t i);
/** The file in sbom_dir that describes the whole of result i (the index, or the one image) in the first of the formats.
 * NULL: none was written. Borrowed from p. Since 0.2. */
KOC_API const char *koc_published_sbom(const koc_published *p, size_t i);
/** A JSON document: images, digests, sizes, platforms, timings, cache hits, encoder (docs/json.md). */
KOC_API koc_str koc_published_report(const koc_published *p);
/** Where the time went, as text for people. Borrowed from p. */
KOC_API koc_str koc_published_timings(const koc_published *p);
/** Warnings for the user. Borrowed from p. */
KOC_API const koc_strlist *koc_published_warnings(const koc_published *p);
/** With KOC_PUBLISH_INPUTS: the absolute paths of all inputs: Go files, go.mod and go.sum, embedded files, kodata, the
 * settings file, Go's tools. A directory means the names in it; with a slash at its end, everything below it. A path
 * that does not exist is an input if it is created. Base images are not included. NULL: not all inputs are known
 * (cgo, overlays, no cache). Borrowed from p. */
KOC_API const koc_strlist *koc_published_inputs(const koc_published *p);
KOC_API void koc_published_free(koc_published *p);

/** `koc resolve` in one call: koc_publish for all references of r, whose prefix must be "ko://", and koc_resolver_set for each image.
 * o->import_paths must be NULL; o->published is called after the reference is replaced. w (or NULL): documents are
 * written as soon as they and those before them are ready (koc_resolver_write_ready). *out is NULL if there are no
 * references. Errors about a reference name its place. */
KOC_API int koc_resolve(koc_ctx *ctx, koc_resolver *r, const koc_publish_options *o,
                        const koc_writer *w, const koc_op *op, koc_published **out,
                        koc_error **err);

/** Called once per setting that a build with these options would use. name: "config" (the settings file), "repository",
 * "layout" (its directory, if images go to one), "base" (the default, then those of baseImageOverrides), "platform",
 * "warning", "git" (why git cannot read this repository), "git hint" (what to do about it). The strings are valid
 * during the callback. A non-zero return ends the call with KOC_EUSER. */
typedef int (*koc_publish_setting_fn)(const char *name, const char *value, void *payload);
/** Reads options, environment and .ko.yaml as koc_publish does, and reports them to fn on this thread. It sends no
 * request. Of packages, only the entries of builds: are loaded; a failure is a warning. Fails as koc_publish does:
 * KOC_EFORMAT and KOC_EINVAL name file and line. */
KOC_API int koc_publish_settings(koc_ctx *ctx, const koc_publish_options *o,
                                 koc_publish_setting_fn fn, void *payload, koc_error **err);

/** What has changed since the last build of o's packages, as text: each package and platform, and below it the inputs
 * that differ ("changed: /src/main.go"). Nothing is built. Only the options that influence the binary are used.
 * Platforms are those that o names. */
KOC_API int koc_explain(koc_ctx *ctx, const koc_publish_options *o, const koc_op *op, koc_buf *out,
                        koc_error **err);

KOC_END_DECLS
#endif

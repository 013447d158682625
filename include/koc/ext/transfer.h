/*
 * koc/ext/transfer.h: read, check and copy images in any place: registry, OCI layout, archive.
 *
 * Headers in ext/ may change in any minor version (docs/abi.md).
 */
#ifndef KOC_EXT_TRANSFER_H
#define KOC_EXT_TRANSFER_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/image.h>
#include <koc/io.h>
#include <koc/reference.h>
#include <koc/registry.h>

KOC_BEGIN_DECLS

enum {
    KOC_PLACE_REGISTRY = 1,
    KOC_PLACE_LAYOUT = 2,         /**< a directory: OCI image-spec, image-layout.md */
    KOC_PLACE_OCI_ARCHIVE = 3,    /**< a tar file that contains such a layout */
    KOC_PLACE_DOCKER_ARCHIVE = 4, /**< a tar file of `docker save` */
    KOC_PLACE_ARCHIVE = 5,        /**< a tar file, either of the two; to read only */
    KOC_PLACE_MEMORY = 6          /**< an image or index that a builder made; to read only */
};

/** A manifest of anything that is not an image (image-spec, manifest.md, "Guidelines for Artifact Usage"): an SBOM, a
 * signature, a chart. Immutable; may be shared between threads. */
typedef struct koc_artifact koc_artifact;

/** A blob of an artifact. Everything is borrowed. */
typedef struct koc_artifact_file {
    uint32_t struct_size;
    uint32_t flags;            /**< 0 */
    const char *media_type;    /**< of the content */
    const char *title;         /**< org.opencontainers.image.title, the name of the file; or NULL */
    const char *source;        /**< a file; or NULL */
    koc_str content;           /**< if source is NULL */
    const koc_kv *annotations; /**< n_annotations: of the descriptor */
    size_t n_annotations;
} koc_artifact_file;
/* clang-format off */
#define KOC_ARTIFACT_FILE_INIT { sizeof(koc_artifact_file), 0, NULL, NULL, NULL, { NULL, 0 }, NULL, 0 }
/* clang-format on */

/** What an artifact consists of. Everything is borrowed. */
typedef struct koc_artifact_options {
    uint32_t struct_size;
    uint32_t flags;                /**< 0 */
    const char *artifact_type;     /**< "application/vnd.example.report" */
    const char *config_media_type; /**< NULL: the empty config */
    koc_str config;                /**< its content; without one {} */
    const koc_descriptor
        *subject; /**< what the artifact is about: it becomes a referrer of that. Or NULL */
    const koc_artifact_file *files; /**< n_files; without one the artifact has an empty blob */
    size_t n_files;
    const koc_kv *annotations; /**< n_annotations: of the manifest */
    size_t n_annotations;
} koc_artifact_options;
/* clang-format off */
#define KOC_ARTIFACT_OPTIONS_INIT { sizeof(koc_artifact_options), 0, NULL, NULL, { NULL, 0 }, NULL, NULL, 0, NULL, 0 }
/* clang-format on */

/** Builds an artifact, to be written by koc_copy (KOC_PLACE_MEMORY). The same input gives the same digest. KOC_EINVAL: a media
 * type is missing or malformed. */
KOC_API int koc_artifact_new(koc_ctx *ctx, const koc_artifact_options *o, koc_artifact **out,
                             koc_error **err);
KOC_API koc_artifact *koc_artifact_ref(koc_artifact *a);
KOC_API void koc_artifact_unref(koc_artifact *a);
/** The descriptor and the bytes of its manifest. Borrowed from a. */
KOC_API const koc_descriptor *koc_artifact_descriptor(const koc_artifact *a);
KOC_API koc_str koc_artifact_manifest(const koc_artifact *a);

/** Names an image, an index, or everything in a layout or archive. Members are borrowed. */
typedef struct koc_place {
    uint32_t struct_size;
    uint32_t flags; /**< 0 */
    int32_t kind;   /**< KOC_PLACE_* */
    uint32_t reserved;
    koc_reference *reference; /**< in a registry; without tag and digest: tag "latest" */
    const char *path;         /**< of the directory or file, for a layout or archive */
    /** In a layout org.opencontainers.image.ref.name, in docker's archives a tag with or without its
     * repository; NULL: the only image in it. */
    const char *name;
    const koc_digest *digest; /**< in addition to a name or instead of one; NULL: any */
    koc_image *image;         /**< in memory; NULL: index */
    koc_index *index;         /**< in memory, with the images that it has (koc_index_image) */
    koc_artifact *artifact;   /**< in memory */
} koc_place;
/* clang-format off */
#define KOC_PLACE_INIT { sizeof(koc_place), 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL }
/* clang-format on */

enum {
    KOC_PARSE_PATH = 1u << 0,   /**< a text without a prefix is a path */
    KOC_PARSE_NO_PATH = 1u << 1 /**< a text without a prefix is a reference */
};
/** Parses "oci:DIR[:NAME][@DIGEST]", "oci-archive:FILE[:NAME][@DIGEST]" or "docker-archive:FILE[:NAME]"; a text without
 * such a prefix is a reference or a path. Without a flag it is a path if it begins with "/", "./" or "../", is ".", ".."
 * or "-", ends in ".tar", or names an existing OCI layout. The content of a path decides its kind. The caller owns
 * out->reference (koc_reference_unref), which is NULL unless the place is in a registry; everything else in out points
 * into storage. KOC_EINVAL. */
KOC_API int koc_place_parse(const char *text, uint32_t flags, koc_buf *storage, koc_place *out,
                            koc_error **err);

/** An open place to read from. One thread at a time. */
typedef struct koc_source koc_source;

/** Opens p and reads the manifest or index that it names, verified. client may be NULL unless p is in a registry.
 * KOC_ENOTFOUND, KOC_EFORMAT, KOC_EDIGEST; KOC_EINVAL: p is ambiguous. */
KOC_API int koc_source_open(koc_ctx *ctx, koc_client *client, const koc_place *p, const koc_op *op,
                            koc_source **out, koc_error **err);
KOC_API void koc_source_free(koc_source *s);
/** The descriptor of the manifest or index. Borrowed from s. */
KOC_API const koc_descriptor *koc_source_descriptor(const koc_source *s);
/** Its bytes. Borrowed from s. */
KOC_API koc_str koc_source_manifest(const koc_source *s);
/** Another manifest or index of the same place, verified. media_type may be NULL. */
KOC_API int koc_source_get_manifest(koc_source *s, const koc_digest *d, const koc_op *op,
                                    koc_buf *bytes, koc_buf *media_type, koc_error **err);
/** A blob of the same place, verified when it is read. KOC_ENOTFOUND (in a registry only when it is read). */
KOC_API int koc_source_get_blob(koc_source *s, const koc_descriptor *d, koc_blob **out,
                                koc_error **err);
/** The image; of an index, the entry that matches want (NULL: the only one, else linux/amd64), also in nested indexes.
 * Its layers are read when needed. KOC_EPLATFORM; KOC_EUNSUPPORTED: an artifact. */
KOC_API int koc_source_get_image(koc_source *s, const koc_platform *want, const koc_op *op,
                                 koc_image **out, koc_error **err);
/** The image whose manifest has the digest d. KOC_EUNSUPPORTED: an index or artifact. */
KOC_API int koc_source_get_image_by(koc_source *s, const koc_digest *d, const koc_op *op,
                                    koc_image **out, koc_error **err);
/** The referrers of subject at this place as an index; artifact_type NULL: all types. */
KOC_API int koc_source_list_referrers(koc_source *s, const koc_digest *subject,
                                      const char *artifact_type, const koc_op *op, koc_index **out,
                                      koc_error **err);

/** Describes the image or index as a JSON document (docs/json.md, "koc-inspect-1"): manifests, configs, layers, sizes,
 * platforms, history, referrers. want NULL: every platform. KOC_EPLATFORM. */
KOC_API int koc_source_inspect(koc_source *s, const koc_platform *want, const koc_op *op,
                               koc_buf *json, koc_error **err);

enum {
    KOC_CHECK_FAST = 1u << 0 /**< documents, and the existence of blobs; reads no layer */
};
/** Called for each thing that was checked: "layer sha256:… of linux/amd64". problem NULL: it is correct. A non-zero
 * return ends the call with KOC_EUSER. */
typedef int (*koc_check_fn)(const char *what, const char *problem, void *payload);
/** Checks everything that s names: digests, sizes, DiffIDs, that layers are tar files, that platforms match the configs.
 * fn (or NULL) runs on the calling thread. KOC_EVERIFY: there are problems; other codes: it could not be checked. */
KOC_API int koc_source_check(koc_source *s, uint32_t flags, koc_check_fn fn, void *payload,
                             const koc_op *op, koc_error **err);

enum {
    KOC_COPY_REFERRERS = 1u << 0, /**< copy referrers as well: signatures, SBOMs, … */
    /** A failed pair does not end the others: it is logged (KOC_LOG_WARN), its result has no digest, and the call
     * fails at the end with the number of failures. */
    KOC_COPY_KEEP_GOING = 1u << 1
};
/** What of an index is copied, and how. */
typedef struct koc_copy_options {
    uint32_t struct_size;
    uint32_t flags; /**< KOC_COPY_* */
    /** NULL-terminated os[/arch[/variant]][:os.version]; NULL: all. If a single image matches, the copy is that
     * image; if several match, it is a shorter index. */
    const char *const *platforms;
    uint32_t jobs; /**< images in parallel; 0: 8 */
    uint32_t reserved;
} koc_copy_options;
/* clang-format off */
#define KOC_COPY_OPTIONS_INIT { sizeof(koc_copy_options), 0, NULL, 0, 0 }
/* clang-format on */

/** Both places are borrowed for the call. */
typedef struct koc_copy_pair {
    uint32_t struct_size;
    uint32_t flags;        /**< 0 */
    const koc_place *from; /**< what is copied */
    const koc_place *to;   /**< under which name */
} koc_copy_pair;
/* clang-format off */
#define KOC_COPY_PAIR_INIT { sizeof(koc_copy_pair), 0, NULL, NULL }
/* clang-format on */

/** What koc_copy did for one pair. */
typedef struct koc_copy_result {
    uint32_t struct_size;
    uint32_t flags;     /**< 0 */
    koc_digest digest;  /**< of the copy's manifest or index */
    uint64_t bytes;     /**< of blobs that were transferred */
    uint32_t blobs;     /**< distinct blobs of the image */
    uint32_t copied;    /**< of these: transferred */
    uint32_t mounted;   /**< of these: mounted from another repository */
    uint32_t unchanged; /**< 1: the target had everything under this name */
} koc_copy_result;
/* clang-format off */
#define KOC_COPY_RESULT_INIT { sizeof(koc_copy_result), 0, { 0, 0, { 0, 0, 0, 0, 0, 0 }, { 0 } }, 0, 0, 0, 0, 0 }
/* clang-format on */

/** Copies images between places, byte for byte. Blobs are streamed without a temporary file, and only if the target
 * lacks them. Manifests are written after everything that they name. A docker archive receives one platform of each
 * image (the only one, else linux/amd64). results: NULL, or n structs initialised with their _INIT macro. The first
 * failure ends the call; complete copies stay, and an archive appears when it is complete. */
KOC_API int koc_copy(koc_ctx *ctx, koc_client *client, const koc_copy_pair *pairs, size_t n,
                     const koc_copy_options *opts, const koc_op *op, koc_copy_result *results,
                     koc_error **err);

KOC_END_DECLS
#endif

/*
 * koc/image.h: the image model: platforms, descriptors, images, indexes, artifacts.
 *
 * Images and indexes are immutable, and may be shared between threads. Their bytes are kept exactly as received and
 * never serialised again, so signatures stay valid.
 * Specifications: OCI image-spec 1.1 (manifest.md, image-index.md, config.md, descriptor.md) and Docker's image
 * manifest version 2, schema 2.
 */
#ifndef KOC_IMAGE_H
#define KOC_IMAGE_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/digest.h>
#include <koc/io.h>

KOC_BEGIN_DECLS

#define KOC_MT_OCI_INDEX         "application/vnd.oci.image.index.v1+json"
#define KOC_MT_OCI_MANIFEST      "application/vnd.oci.image.manifest.v1+json"
#define KOC_MT_OCI_CONFIG        "application/vnd.oci.image.config.v1+json"
#define KOC_MT_OCI_EMPTY         "application/vnd.oci.empty.v1+json"
#define KOC_MT_OCI_LAYER         "application/vnd.oci.image.layer.v1.tar"
#define KOC_MT_OCI_LAYER_GZIP    "application/vnd.oci.image.layer.v1.tar+gzip"
#define KOC_MT_OCI_LAYER_ZSTD    "application/vnd.oci.image.layer.v1.tar+zstd"
#define KOC_MT_DOCKER_LIST       "application/vnd.docker.distribution.manifest.list.v2+json"
#define KOC_MT_DOCKER_MANIFEST   "application/vnd.docker.distribution.manifest.v2+json"
#define KOC_MT_DOCKER_CONFIG     "application/vnd.docker.container.image.v1+json"
#define KOC_MT_DOCKER_LAYER      "application/vnd.docker.image.rootfs.diff.tar"
#define KOC_MT_DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"

/** Operating system and processor; NULL members are unset. Strings are borrowed. */
typedef struct koc_platform {
    uint32_t struct_size;
    uint32_t flags;
    const char *os;                 /**< "linux" */
    const char *arch;               /**< "arm64", as Go spells it */
    const char *variant;            /**< "v8" */
    const char *os_version;         /**< of Windows: "10.0.17763.1" */
    const char *const *os_features; /**< NULL-terminated, or NULL */
} koc_platform;
/* clang-format off */
#define KOC_PLATFORM_INIT { sizeof(koc_platform), 0, NULL, NULL, NULL, NULL, NULL }
/* clang-format on */

/** Describes content: media type, digest, size (bytes). One that the library returns is borrowed from its parent. */
typedef struct koc_descriptor {
    uint32_t struct_size;
    uint32_t flags;
    koc_digest digest;            /**< of the content */
    uint64_t size;                /**< bytes */
    const char *media_type;       /**< KOC_MT_* or another */
    const char *artifact_type;    /**< or NULL */
    const koc_platform *platform; /**< or NULL */
    const koc_kv *annotations;    /**< n_annotations */
    size_t n_annotations;
    const char *const *urls; /**< NULL-terminated, or NULL: locations of a foreign layer */
} koc_descriptor;
/* clang-format off */
#define KOC_DESCRIPTOR_INIT { sizeof(koc_descriptor), 0, { 0, 0, { 0, 0, 0, 0, 0, 0 }, { 0 } }, 0, NULL, NULL, NULL, NULL, 0, NULL }
/* clang-format on */

/** Parses os[/arch[/variant]][:os.version]. The strings of out point into storage. KOC_EINVAL. */
KOC_API int koc_platform_parse(const char *text, koc_buf *storage, koc_platform *out,
                               koc_error **err);
/** The text form of p, which koc_platform_parse reads. */
KOC_API int koc_platform_format(const koc_platform *p, koc_buf *out, koc_error **err);
/** Whether an image for have can be used for want: every member that want sets is equal. On Windows an os.version of
 * three parts matches one of four parts that begins with it. Without a variant, arm64 means v8 and arm means v7.
 * unknown/unknown (attestations) never matches. */
KOC_API bool koc_platform_matches(const koc_platform *want, const koc_platform *have);

/** Creates an image from copies of its manifest and config. Its layers have no content, so it can only be sent to a
 * target that has the blobs. KOC_EFORMAT; KOC_EDIGEST: the manifest names another config; KOC_EUNSUPPORTED:
 * schema 1, an index or an artifact. */
KOC_API int koc_image_from_bytes(koc_ctx *ctx, koc_str manifest, koc_str config, koc_image **out,
                                 koc_error **err);
KOC_API koc_image *koc_image_ref(koc_image *img);
KOC_API void koc_image_unref(koc_image *img);
/** The descriptor of the manifest, with the platform of the config. Borrowed from img, as are all results below. */
KOC_API const koc_descriptor *koc_image_descriptor(const koc_image *img);
KOC_API koc_str koc_image_manifest(const koc_image *img);
KOC_API koc_str koc_image_config(const koc_image *img);
/** The descriptor of the config. */
KOC_API const koc_descriptor *koc_image_config_descriptor(const koc_image *img);
KOC_API const koc_platform *koc_image_platform(const koc_image *img);
KOC_API size_t koc_image_layer_count(const koc_image *img);
/** NULL past the end. */
KOC_API koc_layer *koc_image_layer(const koc_image *img, size_t i);
/** An annotation of the manifest; a label or an environment variable of the config. NULL if absent. */
KOC_API const char *koc_image_annotation(const koc_image *img, const char *key);
KOC_API const char *koc_image_label(const koc_image *img, const char *key);
KOC_API const char *koc_image_env(const koc_image *img, const char *name);
/** A member of the config as JSON text, by JSON pointer (RFC 6901). KOC_ENOTFOUND. */
KOC_API int koc_image_config_get(const koc_image *img, const char *json_pointer, koc_buf *out,
                                 koc_error **err);

enum {
    KOC_CFG_USER = 1,
    KOC_CFG_WORKDIR = 2,
    KOC_CFG_STOPSIGNAL = 3,
    KOC_CFG_AUTHOR = 4,
    KOC_CFG_PORT = 5,   /**< a list: koc_image_builder_add_str */
    KOC_CFG_VOLUME = 6, /**< a list */
    KOC_CFG_ENV = 7,    /**< these are lists to read: koc_image_list */
    KOC_CFG_LABEL = 8,
    KOC_CFG_ENTRYPOINT = 9,
    KOC_CFG_CMD = 10,
    KOC_CFG_ANNOTATION = 11 /**< of the manifest */
};
/** One of KOC_CFG_USER, _WORKDIR, _STOPSIGNAL, _AUTHOR; NULL if it is absent or empty. Borrowed from img. */
KOC_API const char *koc_image_str(const koc_image *img, int32_t field);
/** A list, in the order of the document: KOC_CFG_ENV ("NAME=value"), KOC_CFG_LABEL and _ANNOTATION ("key=value"),
 * KOC_CFG_ENTRYPOINT, _CMD, _PORT ("8080/tcp"), _VOLUME. Empty if it is absent. */
KOC_API int koc_image_list(const koc_image *img, int32_t field, koc_strlist **out, koc_error **err);

/** An entry of the history (config.md, "history"). Strings are borrowed from the image; NULL if absent. */
typedef struct koc_history {
    uint32_t struct_size;
    uint32_t flags;         /**< 0 */
    const char *created;    /**< RFC 3339 */
    const char *created_by; /**< the command */
    const char *author;     /**< a name */
    const char *comment;    /**< any text */
    int32_t empty_layer;    /**< 1: no layer belongs to it */
    uint32_t reserved;      /**< 0 */
} koc_history;
/* clang-format off */
#define KOC_HISTORY_INIT { sizeof(koc_history), 0, NULL, NULL, NULL, NULL, 0, 0 }
/* clang-format on */
/** The number of entries, oldest first. */
KOC_API size_t koc_image_history_count(const koc_image *img);
/** Entry i; initialise *out with its _INIT macro. KOC_EMISUSE: there is none. */
KOC_API int koc_image_history(const koc_image *img, size_t i, koc_history *out, koc_error **err);

enum { KOC_ADD_LAYER_CREATED = 1u << 0 /**< use created even if it is 0 */ };
/** The history entry of a layer (config.md, "history"). */
typedef struct koc_add_layer_options {
    uint32_t struct_size;
    uint32_t flags;            /**< KOC_ADD_LAYER_* */
    const char *created_by;    /**< the command; or NULL */
    const char *comment;       /**< any text; or NULL */
    const char *author;        /**< a name; or NULL */
    int64_t created;           /**< seconds since 1970; 0 without the flag: that of the builder */
    const koc_kv *annotations; /**< of the layer's descriptor */
    size_t n_annotations;
} koc_add_layer_options;
/* clang-format off */
#define KOC_ADD_LAYER_OPTIONS_INIT { sizeof(koc_add_layer_options), 0, NULL, NULL, NULL, 0, NULL, 0 }
/* clang-format on */

enum { KOC_FORMAT_SAME_AS_BASE = 0, KOC_FORMAT_OCI = 1, KOC_FORMAT_DOCKER = 2 };

/** Creates a builder on a base image; NULL is scratch, the empty image. Keeps a reference to base. A builder belongs
 * to one thread at a time. Setters reject what a runtime or JSON (text that is not UTF-8) could not hold: KOC_EINVAL. */
KOC_API int koc_image_builder_new(koc_ctx *ctx, koc_image *base, koc_image_builder **out,
                                  koc_error **err);
KOC_API void koc_image_builder_free(koc_image_builder *b);
/** Adds a layer on top; opts may be NULL. Keeps a reference to layer. */
KOC_API int koc_image_builder_add_layer(koc_image_builder *b, koc_layer *layer,
                                        const koc_add_layer_options *opts, koc_error **err);
/** argv is NULL-terminated; NULL removes the base's. The same holds for the next one. */
KOC_API int koc_image_builder_set_entrypoint(koc_image_builder *b, const char *const *argv,
                                             koc_error **err);
KOC_API int koc_image_builder_set_cmd(koc_image_builder *b, const char *const *argv,
                                      koc_error **err);
/** value NULL removes the entry. The same holds for the next two. */
KOC_API int koc_image_builder_set_env(koc_image_builder *b, const char *name, const char *value,
                                      koc_error **err);
KOC_API int koc_image_builder_set_label(koc_image_builder *b, const char *key, const char *value,
                                        koc_error **err);
KOC_API int koc_image_builder_set_annotation(koc_image_builder *b, const char *key,
                                             const char *value, koc_error **err);
/** Sets one of KOC_CFG_USER, _WORKDIR, _STOPSIGNAL, _AUTHOR; NULL removes it. */
KOC_API int koc_image_builder_set_str(koc_image_builder *b, int32_t field, const char *value,
                                      koc_error **err);
/** Adds to one of KOC_CFG_PORT ("8080/tcp"), KOC_CFG_VOLUME ("/data"). */
KOC_API int koc_image_builder_add_str(koc_image_builder *b, int32_t field, const char *value,
                                      koc_error **err);
/** Removes from one of KOC_CFG_PORT, KOC_CFG_VOLUME; nothing happens if the base does not have value. */
KOC_API int koc_image_builder_remove_str(koc_image_builder *b, int32_t field, const char *value,
                                         koc_error **err);
/** Sets any member of the config to a JSON value, after all other settings: "/config/Healthcheck", "{...}". json NULL
 * removes it. Objects on the way are created. KOC_EINVAL: not a JSON pointer (RFC 6901), not JSON, or a member that
 * the builder writes to fit the layers (rootfs, history). */
KOC_API int koc_image_builder_set_config(koc_image_builder *b, const char *json_pointer,
                                         const char *json, koc_error **err);
/** Seconds since 1970, written in UTC. Without it the base's value stays (1970 on scratch). */
KOC_API int koc_image_builder_set_created(koc_image_builder *b, int64_t epoch_seconds,
                                          koc_error **err);
KOC_API int koc_image_builder_set_platform(koc_image_builder *b, const koc_platform *p,
                                           koc_error **err);
/** KOC_FORMAT_*. KOC_EUNSUPPORTED: the base has layers whose media type the other format lacks. */
KOC_API int koc_image_builder_set_format(koc_image_builder *b, int32_t format, koc_error **err);
/** The manifest's subject (manifest.md). */
KOC_API int koc_image_builder_set_subject(koc_image_builder *b, const koc_descriptor *subject,
                                          koc_error **err);
/** Builds the image. Reads layers whose DiffID is not known. Afterwards b can only be freed. */
KOC_API int koc_image_builder_finish(koc_image_builder *b, const koc_op *op, koc_image **out,
                                     koc_error **err);

/** Creates an index from a copy of its bytes (also a Docker manifest list). KOC_EFORMAT, KOC_ELIMIT. */
KOC_API int koc_index_from_bytes(koc_ctx *ctx, koc_str bytes, koc_index **out, koc_error **err);
KOC_API koc_index *koc_index_ref(koc_index *idx);
KOC_API void koc_index_unref(koc_index *idx);
KOC_API const koc_descriptor *koc_index_descriptor(const koc_index *idx);
KOC_API koc_str koc_index_bytes(const koc_index *idx);
KOC_API size_t koc_index_count(const koc_index *idx);
/** The i-th descriptor, borrowed from idx; NULL past the end. */
KOC_API const koc_descriptor *koc_index_get(const koc_index *idx, size_t i);
/** The first entry whose platform matches want, borrowed from idx; NULL: none. */
KOC_API const koc_descriptor *koc_index_select(const koc_index *idx, const koc_platform *want);
/** The i-th image, if the index has it (those from builders do); borrowed, or NULL. */
KOC_API koc_image *koc_index_image(const koc_index *idx, size_t i);

/** format: KOC_FORMAT_OCI or KOC_FORMAT_DOCKER. */
KOC_API int koc_index_builder_new(koc_ctx *ctx, int32_t format, koc_index_builder **out,
                                  koc_error **err);
KOC_API void koc_index_builder_free(koc_index_builder *b);
/** Adds img for platform p (NULL: the image's own). Keeps a reference. */
KOC_API int koc_index_builder_add_image(koc_index_builder *b, koc_image *img, const koc_platform *p,
                                        koc_error **err);
/** Adds a descriptor as it is. Its manifest must exist at the target before the index is pushed. */
KOC_API int koc_index_builder_add_descriptor(koc_index_builder *b, const koc_descriptor *d,
                                             koc_error **err);
KOC_API int koc_index_builder_set_annotation(koc_index_builder *b, const char *key,
                                             const char *value, koc_error **err);
KOC_API int koc_index_builder_finish(koc_index_builder *b, koc_index **out, koc_error **err);

KOC_END_DECLS
#endif

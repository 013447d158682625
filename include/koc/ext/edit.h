/*
 * koc/ext/edit.h: images made from other images: with other layers and settings, on another base, in another index, as
 * one file system.
 *
 * Headers in ext/ may change in any minor version (docs/abi.md).
 */
#ifndef KOC_EXT_EDIT_H
#define KOC_EXT_EDIT_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/ext/transfer.h>
#include <koc/image.h>
#include <koc/io.h>
#include <koc/layer.h>
#include <koc/registry.h>

KOC_BEGIN_DECLS

/** Replaces the layers of old_base in img by those of new_base. The other layers of img follow byte for byte. Its config
 * stays except for rootfs, history and platform, so the environment is the one that img was built with. annotations
 * (n; a NULL value removes) go into the manifest. A layer of the result has content if that of img or new_base has.
 * KOC_EINVAL: the layers of old_base are not the lowest layers of img, or formats (OCI, Docker) or platforms
 * differ. */
KOC_API int koc_image_rebase(koc_image *img, koc_image *old_base, koc_image *new_base,
                             const koc_kv *annotations, size_t n, koc_image **out, koc_error **err);

/** A copy of idx with other images: entry i gets the digest, size, media type and platform of images[i], or is removed
 * if images[i] is NULL. Everything else stays. annotations (n; a NULL value removes) go into the index. */
KOC_API int koc_index_with_images(koc_index *idx, koc_image *const *images,
                                  const koc_kv *annotations, size_t n, koc_index **out,
                                  koc_error **err);

/** Writes the file system of img as one tar. Whiteouts and opaque directories are applied (image-spec, layer.md). A hard
 * link keeps its content even if its target was removed. Names have no leading slash and cannot leave the root. Layers
 * that are not local are downloaded to $TMPDIR once. KOC_ELIMIT: more than 2 million names. */
KOC_API int koc_image_flatten(koc_image *img, const koc_writer *w, const koc_op *op,
                              koc_error **err);

/** The content of the file at path in the file system of img, as a container would see it: whiteouts are applied, links
 * are followed and cannot leave the root. The layers from the top to the one that has it are read, and verified.
 * KOC_ENOTFOUND; KOC_EINVAL: it is a directory or a device. */
KOC_API int koc_image_get_file(koc_image *img, const char *path, const koc_op *op, koc_blob **out,
                               koc_error **err);

enum { KOC_CHANGE_CREATED = 1u << 0 /**< set created even if it is 0 */ };
/** Changes to the settings of an image. Everything is borrowed; a NULL or zero member changes nothing. */
typedef struct koc_image_changes {
    uint32_t struct_size;
    uint32_t flags; /**< KOC_CHANGE_* */
    const koc_kv
        *env; /**< n_env; a NULL value removes. The same holds for labels and annotations */
    size_t n_env;
    const koc_kv *labels; /**< n_labels */
    size_t n_labels;
    const koc_kv *annotations; /**< of the manifest, and of the index */
    size_t n_annotations;
    const char *const *
        entrypoint; /**< NULL-terminated; an empty list removes it. The cmd goes with the old one */
    const char *const *cmd;     /**< NULL-terminated; an empty list removes it */
    const char *user;           /**< "" removes it. The same holds for the next three */
    const char *workdir;        /**< an absolute path */
    const char *stopsignal;     /**< "SIGTERM" */
    const char *author;         /**< any text */
    const char *const *ports;   /**< NULL-terminated: adds "8080/tcp", or removes it: "-8080/tcp" */
    const char *const *volumes; /**< NULL-terminated: adds "/data", or removes it: "-/data" */
    int64_t created;            /**< seconds since 1970 */
    const koc_platform *platform; /**< of the config, and of the index; or NULL */
    const koc_kv
        *config; /**< n_config: JSON pointer and JSON text (koc_image_builder_set_config) */
    size_t n_config;
} koc_image_changes;
/* clang-format off */
#define KOC_IMAGE_CHANGES_INIT { sizeof(koc_image_changes), 0, NULL, 0, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, \
    NULL, NULL, NULL, NULL, 0, NULL, NULL, 0 }
/* clang-format on */

/** An image, or each image of an index, that is being changed. It is in memory; layers stay where they are until
 * koc_copy writes the result (koc_edit_place). It belongs to one thread at a time. */
typedef struct koc_edit koc_edit;

/** Opens what from names. platforms (NULL-terminated, as for koc_copy; NULL: all) are kept, the rest of an index is left
 * out; one platform alone gives a single image. Entries that are not images (attestations) are left out as well:
 * koc_edit_warnings. client may be NULL unless from is in a registry. KOC_EPLATFORM: there is no such image. */
KOC_API int koc_edit_open(koc_ctx *ctx, koc_client *client, const koc_place *from,
                          const char *const *platforms, const koc_op *op, koc_edit **out,
                          koc_error **err);
/** An empty image (scratch) for each of platforms (NULL-terminated; NULL: linux/amd64), in an index if there are several.
 * KOC_EINVAL. */
KOC_API int koc_edit_new(koc_ctx *ctx, const char *const *platforms, koc_edit **out,
                         koc_error **err);
KOC_API void koc_edit_free(koc_edit *e);
/** The number of images, and image i; borrowed until the next change, NULL past the end. */
KOC_API size_t koc_edit_count(const koc_edit *e);
KOC_API koc_image *koc_edit_image(const koc_edit *e, size_t i);
/** Limits the changes that follow to these platforms (NULL-terminated; NULL: all); the others stay as they are.
 * KOC_EPLATFORM: there is no such image. */
KOC_API int koc_edit_select(koc_edit *e, const char *const *platforms, koc_error **err);
/** Records what was opened as the base: org.opencontainers.image.base.digest, and base.name if it is in a registry.
 * KOC_EMISUSE: after another change. */
KOC_API int koc_edit_record_base(koc_edit *e, const koc_op *op, koc_error **err);
/** Adds layers on top; o (or NULL) is the history entry of each. */
KOC_API int koc_edit_add_layers(koc_edit *e, koc_layer *const *layers, size_t n,
                                const koc_add_layer_options *o, const koc_op *op, koc_error **err);
/** A file, directory or symbolic link of the new image. Everything is borrowed. */
typedef struct koc_image_file {
    uint32_t struct_size;
    uint32_t layer;   /**< files of one number share a layer; higher numbers are above lower ones */
    const char *path; /**< in the image: "/app/server" */
    const char *source;   /**< a file, or a directory with everything below it; or NULL */
    const char *link;     /**< the target of a symbolic link; or NULL */
    koc_str content;      /**< of a file, if source and link are NULL */
    const char *platform; /**< only for this one ("linux/arm64"); NULL: for all */
    const koc_entry
        *entry; /**< owner, mode, …; NULL: root's, mode 0755 if source is executable, else 0644 */
} koc_image_file;
/* clang-format off */
#define KOC_IMAGE_FILE_INIT { sizeof(koc_image_file), 0, NULL, NULL, NULL, { NULL, 0 }, NULL, NULL }
/* clang-format on */
/** Adds layers with files, one for each number of koc_image_file.layer: one for all images, or, if it has files of one
 * platform, one for each image. layer: mtime, compression and the like, or NULL; o: the history entries, or NULL.
 * KOC_ENOTFOUND: there is no source. */
KOC_API int koc_edit_add_files(koc_edit *e, const koc_image_file *files, size_t n,
                               const koc_layer_options *layer, const koc_add_layer_options *o,
                               const koc_op *op, koc_error **err);
/** Changes the settings of the selected images. KOC_EINVAL: a value is not valid. */
KOC_API int koc_edit_change(koc_edit *e, const koc_image_changes *c, const koc_op *op,
                            koc_error **err);
/** koc_image_rebase for each image, and records the new base. old_base NULL: the one that the image records. new_base
 * NULL: the current version of that. KOC_EINVAL: the image does not record its base. */
KOC_API int koc_edit_rebase(koc_edit *e, koc_client *client, const koc_place *old_base,
                            const koc_place *new_base, const koc_op *op, koc_error **err);
/** The changed image or index as a place for koc_copy. Its members are borrowed until the next change. */
KOC_API int koc_edit_place(const koc_edit *e, koc_place *out, koc_error **err);
/** The descriptor of the image or index. Borrowed until the next change. */
KOC_API const koc_descriptor *koc_edit_descriptor(const koc_edit *e);
/** Describes the result as a JSON document (docs/json.md, "koc-edit-1"). reference: its name, or NULL. */
KOC_API int koc_edit_report(const koc_edit *e, const char *reference, koc_buf *out,
                            koc_error **err);
/** What a user may not expect: images that a change left as they are, entries that were left out. Borrowed from e. */
KOC_API const koc_strlist *koc_edit_warnings(const koc_edit *e);

KOC_END_DECLS
#endif

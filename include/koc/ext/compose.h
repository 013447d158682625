/*
 * koc/ext/compose.h: an image of any program in one call: base, files, settings, targets.
 *
 * Headers in ext/ may change in any minor version (docs/abi.md).
 */
#ifndef KOC_EXT_COMPOSE_H
#define KOC_EXT_COMPOSE_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/ext/edit.h>
#include <koc/image.h>
#include <koc/io.h>
#include <koc/layer.h>
#include <koc/registry.h>

KOC_BEGIN_DECLS

enum {
    KOC_SPEC_NO_BASE_RECORD = 1u << 0 /**< do not record the base in the annotations */
};
/** What to build. Everything is borrowed for the call; a NULL or zero member means the default. Lists of strings are
 * NULL-terminated. */
typedef struct koc_image_spec {
    uint32_t struct_size;
    uint32_t flags;     /**< KOC_SPEC_* */
    koc_client *client; /**< NULL: one with docker's credentials, if a registry is involved */
    const char *base;   /**< a place (koc_place_parse), or "scratch"; NULL: scratch */
    const char *const *platforms; /**< NULL: all of the base; of scratch linux/amd64 */
    koc_layer *const *layers;     /**< n_layers: on top of the base, below the files */
    size_t n_layers;
    const koc_image_file *files; /**< n_files */
    size_t n_files;
    const koc_image_changes *changes; /**< of the settings of the base; or NULL */
    const char *const *targets;       /**< places to write to; NULL: the image is only built */
    const char *const *tags; /**< write these tags (names in a layout) as well, at each target */
    int64_t mtime;           /**< of files and history, seconds since 1970 */
    int32_t compression;     /**< KOC_COMPRESS_* of new layers */
    int32_t level;           /**< 0: the default */
    const char *created_by;  /**< in the history; NULL: "koc" */
} koc_image_spec;
/* clang-format off */
#define KOC_IMAGE_SPEC_INIT { sizeof(koc_image_spec), 0, NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, NULL, NULL, 0, 0, 0, NULL }
/* clang-format on */

/** What koc_build_image made. Immutable; single owner. */
typedef struct koc_built koc_built;

/** Builds the image of spec, or an index with an image for each platform, and writes it to all targets; out (or NULL)
 * receives the result. The same input gives the same digest on every machine. If a target fails, complete ones stay.
 * KOC_EINVAL: a member of spec is wrong (koc_error_option); KOC_EPLATFORM: the base lacks a platform. */
KOC_API int koc_build_image(koc_ctx *ctx, const koc_image_spec *spec, const koc_op *op,
                            koc_built **out, koc_error **err);
KOC_API void koc_built_free(koc_built *b);
/** The descriptor of the image or index. This and what follows is borrowed from b. */
KOC_API const koc_descriptor *koc_built_descriptor(const koc_built *b);
/** "registry.example/app@sha256:…" or "oci:dir@sha256:…" for target i; NULL past the end. */
KOC_API const char *koc_built_reference(const koc_built *b, size_t i);
/** The number of images (platforms), and image i; NULL past the end. */
KOC_API size_t koc_built_count(const koc_built *b);
KOC_API koc_image *koc_built_image(const koc_built *b, size_t i);
/** A JSON document (docs/json.md, "koc-edit-1"): reference, digest, media type, images. */
KOC_API koc_str koc_built_report(const koc_built *b);
/** What a user may not expect. */
KOC_API const koc_strlist *koc_built_warnings(const koc_built *b);

KOC_END_DECLS
#endif

/*
 * koc/ext/transfer.h: images wherever they are: in a registry, an OCI layout, an archive.
 *
 * ext/ headers may change in any minor version before they move up.
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
    KOC_PLACE_LAYOUT = 2,         /**< a folder: OCI image-spec, image-layout.md */
    KOC_PLACE_OCI_ARCHIVE = 3,    /**< a tar file with such a layout in it */
    KOC_PLACE_DOCKER_ARCHIVE = 4, /**< a tar file of `docker save` */
    KOC_PLACE_ARCHIVE = 5         /**< a tar file that is one of the two: for reading */
};

/** Names an image, or an index, or all that a layout or archive holds. Members are borrowed. */
typedef struct koc_place {
    uint32_t struct_size;
    uint32_t flags; /**< 0 */
    int32_t kind;   /**< KOC_PLACE_* */
    uint32_t reserved;
    koc_reference
        *reference;   /**< KOC_PLACE_REGISTRY: tag "latest" when it has neither tag nor digest */
    const char *path; /**< of the folder or file, in all other kinds */
    /** In a layout org.opencontainers.image.ref.name, in docker's archives a tag with or without its
     * repository; NULL: the only image there is. */
    const char *name;
    const koc_digest *digest; /**< which one, beside or instead of a name; NULL: any */
} koc_place;
/* clang-format off */
#define KOC_PLACE_INIT { sizeof(koc_place), 0, 0, 0, NULL, NULL, NULL, NULL }
/* clang-format on */

enum {
    KOC_PLACE_PARSE_PATH = 1u << 0,   /**< a text without a prefix is a path */
    KOC_PLACE_PARSE_NO_PATH = 1u << 1 /**< a text without a prefix is a reference */
};
/** Parses "oci:DIR[:NAME][@DIGEST]", "oci-archive:FILE[:NAME][@DIGEST]", "docker-archive:FILE[:NAME]", and without such
 * a prefix a reference or a path. Without a flag it is a path when it begins with "/", "./" or "../", is ".", ".." or
 * "-", ends in ".tar", or names an OCI layout. What is read decides the kind of a path. out->reference, NULL in all
 * other kinds, is the caller's: koc_reference_unref; all else that out points to lives in storage. KOC_EINVAL. */
KOC_API int koc_place_parse(const char *text, uint32_t flags, koc_buf *storage, koc_place *out,
                            koc_error **err);

/** An opened place to read from. One thread at a time. */
typedef struct koc_source koc_source;

/** Opens p and reads what it names: one manifest or index, checked. client may be NULL unless p is in a
 * registry. KOC_ENOTFOUND, KOC_EFORMAT, KOC_EDIGEST; KOC_EINVAL when p could mean several. */
KOC_API int koc_source_open(koc_ctx *ctx, koc_client *client, const koc_place *p, const koc_op *op,
                            koc_source **out, koc_error **err);
KOC_API void koc_source_free(koc_source *s);
/** Media type, digest and size of what the place names, and its bytes. Borrowed from s. */
KOC_API const koc_descriptor *koc_source_descriptor(const koc_source *s);
KOC_API koc_str koc_source_manifest(const koc_source *s);
/** Another manifest or index of the same place, checked. media_type may be NULL. */
KOC_API int koc_source_get_manifest(koc_source *s, const koc_digest *d, const koc_op *op,
                                    koc_buf *bytes, koc_buf *media_type, koc_error **err);
/** A blob of the same place, whose readers check it. KOC_ENOTFOUND (in a registry only when it is read). */
KOC_API int koc_source_get_blob(koc_source *s, const koc_descriptor *d, koc_blob **out,
                                koc_error **err);
/** The image; of an index the entry that serves want (NULL: the only one, else linux/amd64), through
 * indexes in indexes. Its layers are read when needed. KOC_EPLATFORM, KOC_EUNSUPPORTED (an artifact). */
KOC_API int koc_source_get_image(koc_source *s, const koc_platform *want, const koc_op *op,
                                 koc_image **out, koc_error **err);
/** The image whose manifest has the digest d. KOC_EUNSUPPORTED: an index or artifact. */
KOC_API int koc_source_get_image_by(koc_source *s, const koc_digest *d, const koc_op *op,
                                    koc_image **out, koc_error **err);
/** What refers to subject at that place, as an index; artifact_type NULL: all. */
KOC_API int koc_source_list_referrers(koc_source *s, const koc_digest *subject,
                                      const char *artifact_type, const koc_op *op, koc_index **out,
                                      koc_error **err);

/** All about it as one JSON document (docs/json.md, "koc-inspect-1"): manifests, configs, layers, sizes,
 * platforms, history, referrers. want NULL: every platform. KOC_EPLATFORM. */
KOC_API int koc_source_inspect(koc_source *s, const koc_platform *want, const koc_op *op,
                               koc_buf *json, koc_error **err);

enum {
    KOC_CHECK_FAST = 1u << 0 /**< documents, and whether blobs are there; no layer is read */
};
/** Told of each thing that was looked at: "layer sha256:… of linux/amd64". problem NULL: it is right. */
typedef int (*koc_check_fn)(const char *what, const char *problem, void *payload);
/** Checks all that s names: digests, sizes, DiffIDs, that layers are tar files, that platforms are those of
 * the configs. fn (or NULL) runs on the calling thread. KOC_EVERIFY when something is wrong; other codes
 * when it could not be looked at. */
KOC_API int koc_source_check(koc_source *s, uint32_t flags, koc_check_fn fn, void *payload,
                             const koc_op *op, koc_error **err);

enum {
    KOC_COPY_REFERRERS = 1u << 0, /**< signatures, SBOMs, … that refer to what is copied, too */
    /** A pair that fails does not end the others: it is logged (KOC_LOG_WARN), its result has no digest, and
     * the call fails at the end with how many there were. */
    KOC_COPY_KEEP_GOING = 1u << 1
};
typedef struct koc_copy_options {
    uint32_t struct_size;
    uint32_t flags; /**< KOC_COPY_* */
    /** NULL-terminated os[/arch[/variant]][:os.version]; NULL: all. One that serves a single image makes
     * that image the copy, several make a shorter index. */
    const char *const *platforms;
    uint32_t jobs; /**< images at once; 0: 8 */
    uint32_t reserved;
} koc_copy_options;
/* clang-format off */
#define KOC_COPY_OPTIONS_INIT { sizeof(koc_copy_options), 0, NULL, 0, 0 }
/* clang-format on */

/** Both places are borrowed for the call. */
typedef struct koc_copy_pair {
    uint32_t struct_size;
    uint32_t flags; /**< 0 */
    const koc_place *from;
    const koc_place *to;
} koc_copy_pair;
/* clang-format off */
#define KOC_COPY_PAIR_INIT { sizeof(koc_copy_pair), 0, NULL, NULL }
/* clang-format on */

/** What was done for one pair. */
typedef struct koc_copy_result {
    uint32_t struct_size;
    uint32_t flags;    /**< 0 */
    koc_digest digest; /**< of the copy's manifest or index */
    uint64_t bytes;    /**< of blobs that were moved */
    uint32_t blobs;    /**< that the image needs, each once */
    uint32_t copied;
    uint32_t mounted;
    uint32_t unchanged; /**< 1: the target had it all under that name */
} koc_copy_result;
/* clang-format off */
#define KOC_COPY_RESULT_INIT { sizeof(koc_copy_result), 0, { 0, 0, { 0, 0, 0, 0, 0, 0 }, { 0 } }, 0, 0, 0, 0, 0 }
/* clang-format on */

/** Copies from place to place, byte for byte. Blobs go from reader to writer and never touch the disk
 * between; those that the target has are not moved, and manifests are written after all that they name. A
 * docker archive takes one platform of each image (the only one, else linux/amd64). results is NULL or
 * has n of them, each set up with its _INIT macro. The first failure ends it all; what is complete stays, and
 * archives appear when they are whole. */
KOC_API int koc_copy(koc_ctx *ctx, koc_client *client, const koc_copy_pair *pairs, size_t n,
                     const koc_copy_options *opts, const koc_op *op, koc_copy_result *results,
                     koc_error **err);

KOC_END_DECLS
#endif

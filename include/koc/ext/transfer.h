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

KOC_END_DECLS
#endif

/*
 * The inside of the sbom module: bills of materials of images and indexes, and the images that store
 * them.
 *
 * By default a document follows SPDX 2.3 (ISO/IEC 5962 in its 2.3 revision, JSON form) and has the
 * minimum elements of NTIA 2021. With compat its bytes are those of ko, defects included.
 */
#ifndef KOC__SBOM_H
#define KOC__SBOM_H

#include <koc/image.h>

#include "core/run/call.h"
#include "core/run/context.h"
#include "goexe/goexe.h"

#define KOC__SBOM_MEDIA_TYPE "text/spdx+json"

/* All zero: a document by this library about an image without a name. Strings are borrowed for the call. */
typedef struct koc__sbom_options {
    bool compat;              /* ko's document, byte for byte */
    bool has_epoch;           /* created is epoch, not the time of the commit or the config */
    int64_t epoch;            /* SOURCE_DATE_EPOCH */
    const char *tool_version; /* NULL: this library's; with compat: the ko release */
    const char *repository;   /* "host/path" of the image, or NULL */
    const char *import_path;  /* of the main package: names the application if nothing else does */
    /* The linked file, for its hashes, or NULL. Builds leave it unset: hashing the file again costs too
     * much. */
    const char *binary;
    const koc_digest *binary_digest; /* its SHA-256 if known, or NULL */
    const char *binary_name;         /* its path in the image, "/ko-app/app", or NULL */
    const char *module_proxy;        /* where modules come from (koc__sbom_proxy), or NULL */
    const char
        *module_private; /* GOPRIVATE: patterns of modules that are not at a proxy, or NULL */
} koc__sbom_options;

/* The document about img. info NULL: the program has no build info. Replaces out. */
int koc__sbom_image(const koc__sbom_options *o, const koc_image *img, const koc__exe_info *info,
                    koc__call *call, koc_buf *out, koc_error **err);
/* The document about idx and its children. Its time is the epoch, or that of the first child, which idx
 * must have attached. */
int koc__sbom_index(const koc__sbom_options *o, const koc_index *idx, koc__call *call, koc_buf *out,
                    koc_error **err);
/* The image that stores doc under the tag sha256-<hex>.sbom: one uncompressed layer. */
int koc__sbom_artifact(koc_ctx *ctx, koc_str doc, koc_image **out, koc_error **err);
/* "app-linux-arm64-v8.spdx.json"; platform NULL: "app-index.spdx.json". NULL: out of memory. */
char *koc__sbom_file_name(const char *base, const koc_platform *platform);
/* The first proxy in a GOPROXY value, without the final slash. *out NULL: none ("direct", "off", empty). */
int koc__sbom_proxy(const char *goproxy, char **out, koc_error **err);

#endif

/*
 * The inside of the sbom module: bills of materials of images and indexes, and how they are attached.
 *
 * What is written by default follows SPDX 2.3 (ISO/IEC 5962 in its 2.3 revision, JSON form) and holds
 * the minimum elements of NTIA 2021. Under compat the bytes are ko's, defects included.
 */
#ifndef KOC__SBOM_H
#define KOC__SBOM_H

#include <koc/image.h>

#include "core/run/call.h"
#include "core/run/context.h"
#include "goexe/goexe.h"

#define KOC__SBOM_MEDIA_TYPE "text/spdx+json"

/* All-zero: a document by this library about an image of no name. Strings are borrowed for the call. */
typedef struct koc__sbom_options {
    bool compat;              /* ko's document, byte for byte */
    bool has_epoch;           /* created: epoch, not the commit's or the config's time */
    int64_t epoch;            /* SOURCE_DATE_EPOCH */
    const char *tool_version; /* NULL: this library's; compat: the ko release we compare with */
    const char *repository;   /* "host/path" the image goes to, or NULL */
    const char *import_path;  /* of the main package: names the application for want of else */
    /* The linked file, for its hashes, or NULL. Builds leave it unset: hashing the file again costs too much. */
    const char *binary;
    const koc_digest *binary_digest; /* its SHA-256 when known, or NULL */
    const char *binary_name;         /* its path in the image, "/ko-app/app", or NULL */
    const char *module_proxy;        /* what modules come from (koc__sbom_proxy), or NULL */
    const char *module_private;      /* GOPRIVATE: patterns of modules that no proxy has, or NULL */
} koc__sbom_options;

/* The document about img. info NULL: the program told nothing about its modules. out is replaced. */
int koc__sbom_image(const koc__sbom_options *o, const koc_image *img, const koc__exe_info *info,
                    koc__call *call, koc_buf *out, koc_error **err);
/* The document about idx and its children; created is the first child's, which idx has to carry unless
 * an epoch is given. */
int koc__sbom_index(const koc__sbom_options *o, const koc_index *idx, koc__call *call, koc_buf *out,
                    koc_error **err);
/* The image that holds doc for the tag sha256-<hex>.sbom: one layer, stored as it is. */
int koc__sbom_artifact(koc_ctx *ctx, koc_str doc, koc_image **out, koc_error **err);
/* "app-linux-arm64-v8.spdx.json"; platform NULL: "app-index.spdx.json". NULL: out of memory. */
char *koc__sbom_file_name(const char *base, const koc_platform *platform);
/* The first place in a GOPROXY value that modules can be fetched from, without the final slash.
 * *out NULL: none ("direct", "off", empty). */
int koc__sbom_proxy(const char *goproxy, char **out, koc_error **err);

#endif

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
#include "sbom/module.h"

typedef enum koc__sbom_format {
    KOC__SBOM_SPDX,      /* SPDX 2.3 */
    KOC__SBOM_CYCLONEDX, /* CycloneDX 1.6 */
    KOC__SBOM_SPDX3,     /* SPDX 3.0.1 */
    KOC__SBOM_FORMATS
} koc__sbom_format;
/* "spdx", "cyclonedx", "spdx3". *out is not set without such a format. */
bool koc__sbom_format_find(koc_str name, koc__sbom_format *out);
const char *koc__sbom_format_name(koc__sbom_format f);

/* Who answers for a document. All zero: the tool alone. */
typedef struct koc__sbom_author {
    const char *name;    /* or NULL */
    const char *contact; /* an e-mail address or a URL, or NULL */
    bool person;         /* not an organisation */
    bool supplies;       /* it also supplies the image, and a program without a licence */
} koc__sbom_author;
/* Reads "[Person: |Organization: ]NAME [<MAIL or URL>]". storage owns the strings. KOC_EINVAL: there is no name. */
int koc__sbom_author_parse(const char *text, char **storage, koc__sbom_author *out,
                           koc_error **err);

/* All zero: a document by this library about an image without a name. Strings are borrowed for the call. */
typedef struct koc__sbom_options {
    koc__sbom_format format;
    bool compat;    /* for SPDX: ko's document, byte for byte */
    bool has_epoch; /* created is epoch, not the time of the commit or now */
    int64_t epoch;  /* SOURCE_DATE_EPOCH */
    int64_t now;    /* of the build, for a program without a commit; 0: not known */
    koc__sbom_author author;
    const char *source_url; /* where the commit of the program is published, or NULL */
    const char
        *base_vendor; /* what the base says of itself (org.opencontainers.image.vendor), or NULL */
    const char *tool_version; /* NULL: this library's; with compat: the ko release */
    const char *repository;   /* "host/path" of the image, or NULL */
    const char *import_path;  /* of the main package: names the application if nothing else does */
    koc_layer *data;          /* the layer with kodata, or NULL */
    const char *debugger;     /* the file of Delve in the image, or NULL */
    const char *debugger_id;  /* its build ID, or NULL */
    const char *binary;       /* the linked file, for its hashes, or NULL */
    const char *build_id;     /* Go's, if a hash of the content is part of it, or NULL */
    const char *binary_name;  /* its path in the image, "/ko-app/app", or NULL */
    const char *module_proxy; /* where modules come from (koc__sbom_proxy), or NULL */
    const char
        *module_private; /* GOPRIVATE: patterns of modules that are not at a proxy, or NULL */
    koc__module_places modules; /* for licences and hashes */
} koc__sbom_options;

/* The document about img. info NULL: the program has no build info. Replaces out. */
int koc__sbom_image(const koc__sbom_options *o, const koc_image *img, const koc__exe_info *info,
                    koc__call *call, koc_buf *out, koc_error **err);
/* The document about idx and its children, of which the first must be attached. info: of its program, or
 * NULL. */
int koc__sbom_index(const koc__sbom_options *o, const koc_index *idx, const koc__exe_info *info,
                    koc__call *call, koc_buf *out, koc_error **err);
/* The image that stores doc under the tag sha256-<hex>.sbom: one uncompressed layer. */
int koc__sbom_artifact(koc_ctx *ctx, koc_str doc, koc__sbom_format f, koc_image **out,
                       koc_error **err);
/* "app-linux-arm64-v8.spdx.json", ".cdx.json", ".spdx3.json"; platform NULL: "app-index.spdx.json". NULL:
 * out of memory. */
char *koc__sbom_file_name(const char *base, const koc_platform *platform, koc__sbom_format f);
/* The first proxy in a GOPROXY value, without the final slash. *out NULL: none ("direct", "off", empty). */
int koc__sbom_proxy(const char *goproxy, char **out, koc_error **err);

#endif

/* From import paths to image names and printed results (spec: docs/ko.md, "Names"). */
#ifndef KOC__PUBLISH_NAMING_H
#define KOC__PUBLISH_NAMING_H

#include <koc/digest.h>

#include "core/str.h"

typedef enum koc__namer {
    KOC__NAME_MD5,      /* base/<last element>-<md5 of the import path> */
    KOC__NAME_PRESERVE, /* base/<import path> */
    KOC__NAME_BASE,     /* base/<last element> */
    KOC__NAME_BARE      /* base */
} koc__namer;

/* The namer that KOC_PUBLISH_* flags select; precedence as in ko: P, B, bare, md5. */
koc__namer koc__namer_of(uint32_t flags);
/* The repository for import_path (without ko://) below base (may be ""). lower: lower-cases the path first, as every
 * real destination requires. Owned by the caller. */
int koc__name_image(koc__namer namer, const char *base, const char *import_path, bool lower,
                    char **out, koc_error **err);
/* The last element of an import path, as ko names binaries: "ko-app" for "." and "/". Owned. */
char *koc__name_app(const char *import_path);

typedef struct koc__name_result {
    const char *repository;  /* from koc__name_image */
    const char *const *tags; /* NULL-terminated */
    const koc_digest *digest;
    bool tag_only;
    bool pushed; /* false: no destination (ko then prints :latest) */
} koc__name_result;
/* The printed reference of an image (spec: ko 12.3). Owned by the caller. */
int koc__name_printed(const koc__name_result *r, char **out, koc_error **err);

#endif

/* Recognises the licences of a directory by the texts of its licence files. */
#ifndef KOC__SBOM_LICENSE_H
#define KOC__SBOM_LICENSE_H

#include <koc/base.h>

#include "core/cleanup.h"

/* What the files say. Members are NULL if they say nothing. */
typedef struct koc__license {
    char *expression; /* SPDX: "MIT AND Apache-2.0" */
    char
        *file; /* the name of the first file with a licence that is known, else of the first file */
    char *copyright; /* the first statement, in one line */
    char *holder;    /* the name in it */
    bool single;     /* expression is one identifier of the SPDX list */
} koc__license;
void koc__license_dispose(koc__license *l);
KOC__DEFINE_AUTO_VAL(koc__license, koc__license_dispose);

/* Reads the licence files of a directory (not those below it). A file that cannot be read is skipped. KOC_ENOMEM. */
int koc__license_of_dir(const char *dir, koc__license *out, koc_error **err);
/* The identifiers of the licences in a text, joined by AND. *out stays NULL: none is known. For tests and fuzzing. */
int koc__license_recognise(koc_str text, char **out, koc_error **err);
/* The first copyright statement of a text, and the name in it; they stay NULL if there is none. */
int koc__license_copyright(koc_str text, char **statement, char **holder, koc_error **err);

#endif

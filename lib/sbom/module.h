/* What the cache of modules, or a vendor directory, has of a module that was compiled. */
#ifndef KOC__SBOM_MODULE_H
#define KOC__SBOM_MODULE_H

#include <koc/base.h>

#include "core/run/call.h"
#include "core/str.h"
#include "sbom/license.h"

/* Where modules are on this machine. Borrowed; each may be NULL. */
typedef struct koc__module_places {
    const char *cache;  /* GOMODCACHE */
    const char *vendor; /* the directory vendor that go used */
    const char *main;   /* the directory of the main module */
} koc__module_places;

typedef struct koc__module_facts {
    koc__license license;
    bool hashed;  /* the zip is there, and it is what the program was built from: */
    bool altered; /* the zip is there, and it is something else */
    uint8_t sha256[32], sha512[64];
    koc_strlist *requires; /* paths of modules that it uses itself; NULL: not known */
} koc__module_facts;
void koc__module_facts_dispose(koc__module_facts *f);
KOC__DEFINE_AUTO_VAL(koc__module_facts, koc__module_facts_dispose);

/* A module by version. sum: "h1:…" of the program; "" or NULL: the module was vendored. What is not there stays empty.
 * The cache of koc keeps the answer for as long as the zip stays as it is. KOC_ENOMEM, or the end of the call. */
int koc__module_facts_of(const koc__module_places *p, const char *path, const char *version,
                         const char *sum, koc__call *call, koc__module_facts *out, koc_error **err);
/* What the go.mod in dir requires; *out stays NULL: it cannot be read. KOC_ENOMEM. */
int koc__module_requires_of_dir(const char *dir, koc_strlist **out, koc_error **err);
/* Adds the paths that the text of a go.mod requires, without indirect ones. (go_mod.c) */
int koc__module_requires(koc_str text, koc_strlist *out, koc_error **err);
/* "h1:…" of a module's zip in memory, as go computes it. KOC_EFORMAT: not such a zip. (module_zip.c) */
int koc__module_zip_sum(koc_str zip, char **out, koc_error **err);

#endif

/*
 * The model of a bill of materials, independent of a format: components, their hashes, and edges between
 * them. The collector fills it in; a writer per format prints it.
 */
#ifndef KOC__SBOM_BOM_H
#define KOC__SBOM_BOM_H

#include <koc/digest.h>

#include "core/cleanup.h"
#include "core/dynbuf.h"
#include "core/map.h"
#include "core/str.h"
#include "sbom/sbom.h"

enum {
    KOC__BOM_CONTAINER = 1,
    KOC__BOM_APPLICATION,
    KOC__BOM_LIBRARY,
    KOC__BOM_SYSTEM, /* an operating system */
    KOC__BOM_FILE
};
enum { KOC__BOM_SHA1 = 1, KOC__BOM_SHA256, KOC__BOM_SHA512 };
/* What the file of a component is (BSI TR-03183-2 v2.1, 5.2.2). */
enum {
    KOC__BOM_EXECUTABLE = 1u << 0,
    KOC__BOM_ARCHIVE = 1u << 1,
    KOC__BOM_STRUCTURED = 1u << 2 /* its parts can be separated again */
};
enum {
    KOC__BOM_DESCRIBES = 1,
    KOC__BOM_CONTAINS,
    KOC__BOM_DEPENDS_ON,
    KOC__BOM_DESCENDANT_OF,
    KOC__BOM_VARIANT_OF,
    KOC__BOM_GENERATED_FROM
};
#define KOC__BOM_DOCUMENT SIZE_MAX /* the end of an edge that is the document itself */

typedef struct koc__bom_hash {
    int32_t algorithm; /* KOC__BOM_SHA* */
    const char *hex;
} koc__bom_hash;

/* NULL: not known. All strings belong to the bom (koc__bom_text) or are static. */
typedef struct koc__bom_component {
    int32_t kind;   /* KOC__BOM_* */
    const char *id; /* unique in the document: [A-Za-z0-9.-]+ */
    const char *name;
    const char *version;
    const char *supplier; /* a name that a source names, never one taken from a path */
    bool supplier_is_person;
    const char *address; /* URL or mail of the supplier */
    const char *purl;
    const char *cpe;
    const char *download;     /* URL */
    const char *vcs;          /* URL of its repository */
    const char *file_name;    /* without directories */
    const char *file_path;    /* in the image */
    const char *license;      /* an SPDX expression */
    bool license_listed;      /* it is one identifier of the SPDX list */
    const char *license_file; /* where that was found */
    const char *copyright;
    const char *go_sum; /* "h1:…": a hash over a module's file list, not of a file */
    const char *source; /* how it was built or where it came from */
    koc__bom_hash hashes[3];
    size_t n_hashes;
    uint32_t file;              /* bits KOC__BOM_EXECUTABLE, … */
    size_t first_edge, n_edges; /* those that begin here, after koc__bom_finish */
    bool edges_known;           /* the bom has all components that this one depends on */
} koc__bom_component;

typedef struct koc__bom_edge {
    size_t from, to; /* numbers of components, or KOC__BOM_DOCUMENT */
    size_t number;   /* in the order of koc__bom_link */
    int32_t type;
} koc__bom_edge;

typedef struct koc__bom {
    const char *name; /* of the document: [A-Za-z0-9.-]+ */
    const char *tool; /* "koc-0.1.0" */
    koc__sbom_author author;
    const char *comment; /* about the document, or NULL */
    const char *created; /* RFC 3339, UTC */
    koc__bom_component *components;
    size_t n_components, components_capacity;
    koc__bom_edge *edges;
    size_t n_edges, edges_capacity;
    char **texts; /* owned; koc__bom_text returns them */
    size_t n_texts, texts_capacity;
    koc__map *ids;
    bool failed;                /* out of memory somewhere: koc__bom_check reports it */
    koc__bom_component nothing; /* koc__bom_get returns it after a failure */
} koc__bom;

int koc__bom_new(koc__bom **out, koc_error **err);
void koc__bom_free(koc__bom *b);
KOC__DEFINE_AUTO(koc__bom, koc__bom_free);

/* Text that lives as long as b. Without memory: "" and b->failed. */
const char *koc__bom_text(koc__bom *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Takes ownership of s (NULL: out of memory). */
const char *koc__bom_take(koc__bom *b, char *s);
/* text with every character but [A-Za-z0-9.-] replaced by '-'. */
const char *koc__bom_word(koc__bom *b, const char *text);
/* Adds a component. Its id is derived from wish, with a number if that is taken. Returns its index. */
size_t koc__bom_add(koc__bom *b, int32_t kind, const char *wish, const char *name);
/* Valid until the next koc__bom_add. */
koc__bom_component *koc__bom_get(koc__bom *b, size_t i);
void koc__bom_hash_add(koc__bom *b, size_t i, int32_t algorithm, const uint8_t *bytes, size_t len);
void koc__bom_link(koc__bom *b, size_t from, int32_t type, size_t to);
/* Sorts the edges by their origin. KOC_ENOMEM: one of the calls above failed. Nothing may be added afterwards. */
int koc__bom_finish(koc__bom *b, koc_error **err);

/* --- writers --- */
/* A document names itself by its content and by nothing else: it is written with zeros for its SHA-256, which then
 * replaces the first of them. (bom.c) */
#define KOC__BOM_ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
void koc__bom_fill_zeros(koc__dynbuf *out, size_t start);
/* SPDX 2.3 (spdx.c), CycloneDX 1.6 (cyclonedx.c), SPDX 3.0.1 (spdx3.c). They append to out. */
int koc__spdx_write(const koc__bom *b, koc__dynbuf *out, koc_error **err);
int koc__cyclonedx_write(const koc__bom *b, koc__dynbuf *out, koc_error **err);
int koc__spdx3_write(const koc__bom *b, koc__dynbuf *out, koc_error **err);
/* ko's documents (spdx_ko.c). */
int koc__spdx_ko_image(const koc__sbom_options *o, const koc_image *img, const koc__exe_info *info,
                       koc__dynbuf *out, koc_error **err);
int koc__spdx_ko_index(const koc__sbom_options *o, const koc_index *idx, koc__dynbuf *out,
                       koc_error **err);

/* --- package URLs (purl.c); NULL: out of memory --- */
/* pkg:golang/<path>@<version>; version NULL or "": none. The case of path is kept. */
char *koc__purl_go(const char *path, const char *version);
/* pkg:oci/<name>@<digest>?<qualifiers>; skips pairs with a NULL value; keys must be sorted. */
char *koc__purl_oci(const char *name, const koc_digest *d, const koc_kv *qualifiers, size_t n);
/* In ko's form: the first two of more than two elements in lower case, "?type=module". */
char *koc__purl_ko_go(const char *path, const char *version);
/* Qualifiers escaped as in a web form. */
char *koc__purl_ko_oci(const char *name, const koc_digest *d, const koc_kv *qualifiers, size_t n);
/* The URL of a module zip at a proxy, with '!' and the small letter for each capital. */
char *koc__purl_module_zip(const char *proxy, const char *path, const char *version);

/* Whether path matches one of the comma-separated patterns of GOPRIVATE. */
bool koc__purl_is_private(const char *patterns, const char *path);

/* --- the collector (collect.c) --- */
int koc__bom_collect_image(koc__bom *b, const koc__sbom_options *o, const koc_image *img,
                           const koc__exe_info *info, koc__call *call, koc_error **err);
int koc__bom_collect_index(koc__bom *b, const koc__sbom_options *o, const koc_index *idx,
                           const koc__exe_info *info, koc_error **err);
typedef struct koc__sbom_hashes {
    uint8_t sha256[32], sha512[64];
} koc__sbom_hashes;
/* Both hashes of a program in one pass, which the cache spares if it knows build_id (or NULL). (sbom_file.c) */
int koc__sbom_hash_file(const char *path, const char *build_id, koc__call *call,
                        koc__sbom_hashes *out, koc_error **err);

/* --- besides the program (collect_layers.c) --- */
/* Each file of layer (or NULL) with its hashes. */
int koc__bom_add_files(koc__bom *b, size_t image, koc_layer *layer, koc__call *call,
                       koc_error **err);
/* Delve from the file at path (or NULL). */
int koc__bom_add_debugger(koc__bom *b, size_t image, const char *path, const char *build_id,
                          koc__call *call, koc_error **err);

/* --- edges between modules (edges.c) --- */
typedef struct koc__bom_edge_end {
    size_t component;
    koc_strlist *requires; /* NULL: not known */
} koc__bom_edge_end;
typedef struct koc__bom_edges {
    koc__map *by_path;       /* to the number of an end + 1 */
    koc__bom_edge_end *ends; /* the first is the program */
    size_t n, capacity;
} koc__bom_edges;
void koc__bom_edges_dispose(koc__bom_edges *e);
/* dir: of the main module, or NULL. */
int koc__bom_edges_begin(koc__bom_edges *e, size_t program, const char *dir, koc_error **err);
/* path: as go.mod files name it. Takes *requires. */
int koc__bom_edges_add(koc__bom_edges *e, const char *path, size_t component,
                       koc_strlist **requires, koc_error **err);
/* Links each module to those that it requires and that are in the program. What nothing requires is linked to the
 * program. */
int koc__bom_edges_link(koc__bom_edges *e, koc__bom *b, koc_error **err);

/* --- base and time of images and indexes (sbom_subject.c) --- */
typedef struct koc__sbom_base {
    koc_reference *name; /* NULL: the annotation is not a reference */
    const char *text; /* the annotation, borrowed from the image or index; NULL: no base is known */
    koc_digest digest;
} koc__sbom_base;
void koc__sbom_base_dispose(koc__sbom_base *b);
KOC__DEFINE_AUTO_VAL(koc__sbom_base, koc__sbom_base_dispose);
/* From the values of org.opencontainers.image.base.name and .digest; text NULL: one is missing. */
int koc__sbom_base_read(const char *name, const char *digest, koc__sbom_base *out, koc_error **err);
const char *koc__sbom_index_annotation(const koc_index *idx, const char *key);
/* config.created verbatim, or NULL. Borrowed. */
const char *koc__sbom_config_created(const koc_image *img);

#define KOC__BASE_NAME   "org.opencontainers.image.base.name"
#define KOC__BASE_DIGEST "org.opencontainers.image.base.digest"

#endif

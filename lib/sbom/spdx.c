/*
 * Writes SPDX 2.3 in JSON. The document's namespace must depend on the content and on nothing else: it
 * ends in the SHA-256 of the document, computed with zeros in its place.
 */
#include "core/common.h"

#include "core/str.h"
#include "core/text.h"
#include "sbom/bom.h"
#include "text/json_write.h"

#define NAMESPACE   "https://spdx.org/spdxdocs/koc/"
#define NOASSERTION "NOASSERTION"

static const char *or_noassertion(const char *s)
{
    return s ? s : NOASSERTION;
}

/* Ids are short words; the buffer is large enough. */
static void put_id(koc__jw *w, const char *key, const koc__bom *b, size_t i)
{
    char id[16384];
    if (i == KOC__BOM_DOCUMENT) {
        koc__jw_kv(w, key, "SPDXRef-DOCUMENT");
        return;
    }
    snprintf(id, sizeof(id), "SPDXRef-%s", b->components[i].id);
    koc__jw_kv(w, key, id);
}

static void put_labelled(koc__jw *w, const char *key, const char *label, const char *value)
{
    char text[4096];
    snprintf(text, sizeof(text), "%s: %s", label, value);
    koc__jw_kv(w, key, text);
}

static const char *hash_name(int32_t algorithm)
{
    switch (algorithm) {
    case KOC__BOM_SHA1: return "SHA1";
    case KOC__BOM_SHA256: return "SHA256";
    default: return "SHA512";
    }
}

static void put_checksums(koc__jw *w, const koc__bom_component *c)
{
    if (c->n_hashes == 0) {
        return;
    }
    koc__jw_key(w, "checksums");
    koc__jw_array(w);
    for (size_t i = 0; i < c->n_hashes; i++) {
        koc__jw_object(w);
        koc__jw_kv(w, "algorithm", hash_name(c->hashes[i].algorithm));
        koc__jw_kv(w, "checksumValue", c->hashes[i].hex);
        koc__jw_object_end(w);
    }
    koc__jw_array_end(w);
}

static void put_reference(koc__jw *w, const char *category, const char *type, const char *locator)
{
    if (!locator) {
        return;
    }
    koc__jw_object(w);
    koc__jw_kv(w, "referenceCategory", category);
    koc__jw_kv(w, "referenceType", type);
    koc__jw_kv(w, "referenceLocator", locator);
    koc__jw_object_end(w);
}

static void put_references(koc__jw *w, const koc__bom_component *c)
{
    if (!c->purl && !c->cpe && !c->go_sum) {
        return;
    }
    koc__jw_key(w, "externalRefs");
    koc__jw_array(w);
    put_reference(w, "PACKAGE-MANAGER", "purl", c->purl);
    put_reference(w, "SECURITY", "cpe23Type", c->cpe);
    put_reference(w, "OTHER", "go-module-h1", c->go_sum);
    koc__jw_array_end(w);
}

static const char *purpose(int32_t kind)
{
    switch (kind) {
    case KOC__BOM_CONTAINER: return "CONTAINER";
    case KOC__BOM_APPLICATION: return "APPLICATION";
    case KOC__BOM_SYSTEM: return "OPERATING_SYSTEM";
    case KOC__BOM_FILE: return "FILE";
    default: return "LIBRARY";
    }
}

static const char *agent(bool person)
{
    return person ? "Person" : "Organization";
}

static void put_package(koc__jw *w, const koc__bom *b, size_t i)
{
    const koc__bom_component *c = &b->components[i];
    koc__jw_object(w);
    put_id(w, "SPDXID", b, i);
    koc__jw_kv(w, "name", c->name);
    koc__jw_kv(w, "versionInfo", c->version);
    if (c->supplier) {
        put_labelled(w, "supplier", agent(c->supplier_is_person), c->supplier);
    } else {
        koc__jw_kv(w, "supplier", NOASSERTION);
    }
    koc__jw_kv(w, "packageFileName", c->file_name);
    koc__jw_kv(w, "downloadLocation", or_noassertion(c->download));
    koc__jw_key(w, "filesAnalyzed");
    koc__jw_bool(w, false);
    koc__jw_kv(w, "licenseConcluded", or_noassertion(c->license));
    koc__jw_kv(w, "licenseDeclared", or_noassertion(c->license));
    if (c->license_file) {
        put_labelled(w, "licenseComments", "found in", c->license_file);
    }
    koc__jw_kv(w, "copyrightText", or_noassertion(c->copyright));
    koc__jw_kv(w, "primaryPackagePurpose", purpose(c->kind));
    put_checksums(w, c);
    put_references(w, c);
    koc__jw_kv(w, "sourceInfo", c->source);
    koc__jw_object_end(w);
}

/* Files are packages too: SPDX 2.3 wants the SHA-1 of what it calls a file. */
static void put_packages(koc__jw *w, const koc__bom *b)
{
    koc__jw_key(w, "packages");
    koc__jw_array(w);
    for (size_t i = 0; i < b->n_components; i++) {
        put_package(w, b, i);
    }
    koc__jw_array_end(w);
}

static const char *edge_name(int32_t type)
{
    switch (type) {
    case KOC__BOM_DESCRIBES: return "DESCRIBES";
    case KOC__BOM_CONTAINS: return "CONTAINS";
    case KOC__BOM_DEPENDS_ON: return "DEPENDS_ON";
    case KOC__BOM_DESCENDANT_OF: return "DESCENDANT_OF";
    case KOC__BOM_VARIANT_OF: return "VARIANT_OF";
    default: return "GENERATED_FROM";
    }
}

static void put_edges(koc__jw *w, const koc__bom *b)
{
    koc__jw_key(w, "relationships");
    koc__jw_array(w);
    for (size_t i = 0; i < b->n_edges; i++) {
        koc__jw_object(w);
        put_id(w, "spdxElementId", b, b->edges[i].from);
        koc__jw_kv(w, "relationshipType", edge_name(b->edges[i].type));
        put_id(w, "relatedSpdxElement", b, b->edges[i].to);
        koc__jw_object_end(w);
    }
    koc__jw_array_end(w);
}

static void put_creation(koc__jw *w, const koc__bom *b)
{
    char text[4096];
    koc__jw_key(w, "creationInfo");
    koc__jw_object(w);
    koc__jw_kv(w, "created", b->created);
    koc__jw_key(w, "creators");
    koc__jw_array(w);
    snprintf(text, sizeof(text), "Tool: %s", b->tool);
    koc__jw_str(w, text);
    if (b->author.name) {
        bool mail = b->author.contact && strchr(b->author.contact, '@');
        snprintf(text, sizeof(text), mail ? "%s: %.1024s (%.1024s)" : "%s: %.1024s",
                 agent(b->author.person), b->author.name, b->author.contact);
        koc__jw_str(w, text);
    }
    koc__jw_array_end(w);
    koc__jw_kv(w, "comment", b->comment);
    koc__jw_object_end(w);
}

/* Repeats the DESCRIBES edges for old readers. */
static void put_described(koc__jw *w, const koc__bom *b)
{
    char id[16384];
    koc__jw_key(w, "documentDescribes");
    koc__jw_array(w);
    for (size_t i = 0; i < b->n_edges; i++) {
        if (b->edges[i].type == KOC__BOM_DESCRIBES) {
            snprintf(id, sizeof(id), "SPDXRef-%s", b->components[b->edges[i].to].id);
            koc__jw_str(w, id);
        }
    }
    koc__jw_array_end(w);
}

int koc__spdx_write(const koc__bom *b, koc__dynbuf *out, koc_error **err)
{
    char space[8192];
    size_t start = out->len;
    koc__jw w;
    snprintf(space, sizeof(space), "%s%.4096s-%s", NAMESPACE, b->name, KOC__BOM_ZEROS);
    koc__jw_begin(&w, out, 2, 0);
    koc__jw_object(&w);
    koc__jw_kv(&w, "spdxVersion", "SPDX-2.3");
    koc__jw_kv(&w, "dataLicense", "CC0-1.0");
    koc__jw_kv(&w, "SPDXID", "SPDXRef-DOCUMENT");
    koc__jw_kv(&w, "name", b->name);
    koc__jw_kv(&w, "documentNamespace", space);
    put_creation(&w, b);
    put_described(&w, b);
    put_packages(&w, b);
    put_edges(&w, b);
    koc__jw_object_end(&w);
    KOC__TRY(koc__jw_end(&w, err));
    KOC__TRY(koc__dynbuf_putc(out, '\n', err));
    koc__bom_fill_zeros(out, start);
    return KOC_OK;
}

/*
 * Writes SPDX 3.0.1 as JSON-LD. Every element has an IRI below the document's, which ends in the SHA-256 of the
 * document written with zeros in its place: so the document is written twice.
 */
#include "core/common.h"

#include "core/hash/sha256.h"
#include "core/str.h"
#include "core/text.h"
#include "sbom/bom.h"
#include "text/json_write.h"

#define BASE "https://spdx.org/spdxdocs/koc/"
#define INFO "_:creation"

typedef struct writer {
    koc__jw *w;
    const koc__bom *b;
    const char *space; /* the IRI of the document */
    koc__map *agents;  /* from a supplier's name to its number + 1 */
    koc__map *licenses;
    size_t relations;
} writer;

/* --- references --- */

static void put_iri(const writer *x, const char *kind, const char *id)
{
    KOC__AUTO_STR iri = koc__format("%s#%s%s", x->space, kind, id);
    koc__jw_str(x->w, iri ? iri : "");
    if (!iri && x->w->status == KOC_OK) {
        x->w->status = KOC_ENOMEM;
    }
}

static void put_numbered(const writer *x, const char *kind, size_t n)
{
    char text[24];
    snprintf(text, sizeof(text), "%zu", n);
    put_iri(x, kind, text);
}

static void begin_element(const writer *x, const char *type)
{
    koc__jw_object(x->w);
    koc__jw_kv(x->w, "type", type);
    koc__jw_key(x->w, "spdxId");
}

static void put_info(const writer *x)
{
    koc__jw_kv(x->w, "creationInfo", INFO);
}

/* The number of text in m, which is new if it was not there. */
static size_t number_of(const writer *x, koc__map *m, const char *text)
{
    uintptr_t found = (uintptr_t)koc__map_get(m, koc__str(text));
    if (found == 0) {
        found = koc__map_count(m) + 1;
        if (koc__map_set(m, koc__str(text), (void *)found, NULL) != KOC_OK) {
            x->w->status = KOC_ENOMEM;
        }
    }
    return (size_t)found - 1;
}

/* --- who --- */

static void put_identifier(const writer *x, const char *type, const char *value)
{
    if (value) {
        koc__jw_object(x->w);
        koc__jw_kv(x->w, "type", "ExternalIdentifier");
        koc__jw_kv(x->w, "externalIdentifierType", type);
        koc__jw_kv(x->w, "identifier", value);
        koc__jw_object_end(x->w);
    }
}

static void put_agent(const writer *x, const char *type, size_t n, const char *name,
                      const char *contact)
{
    bool mail = contact && strchr(contact, '@') && !strstr(contact, "://");
    begin_element(x, type);
    put_numbered(x, "Agent-", n);
    put_info(x);
    koc__jw_kv(x->w, "name", name);
    if (contact) {
        koc__jw_key(x->w, "externalIdentifier");
        koc__jw_array(x->w);
        put_identifier(x, mail ? "email" : "urlScheme", contact);
        koc__jw_array_end(x->w);
    }
    koc__jw_object_end(x->w);
}

/* Suppliers that a source names without saying whether they are people. */
static void put_agents(writer *x)
{
    const koc__sbom_author *a = &x->b->author;
    if (a->name) {
        put_agent(x, a->person ? "Person" : "Organization", number_of(x, x->agents, a->name),
                  a->name, a->contact);
    } else {
        put_agent(x, "SoftwareAgent", number_of(x, x->agents, x->b->tool), x->b->tool, NULL);
    }
    for (size_t i = 0; i < x->b->n_components; i++) {
        const koc__bom_component *c = &x->b->components[i];
        size_t known = koc__map_count(x->agents);
        if (c->supplier && number_of(x, x->agents, c->supplier) == known) {
            put_agent(x, "Agent", known, c->supplier, c->address);
        }
    }
}

static void put_creation(const writer *x)
{
    const koc__bom *b = x->b;
    koc__jw_object(x->w);
    koc__jw_kv(x->w, "type", "CreationInfo");
    koc__jw_kv(x->w, "@id", INFO);
    koc__jw_kv(x->w, "specVersion", "3.0.1");
    koc__jw_kv(x->w, "created", b->created);
    koc__jw_key(x->w, "createdBy");
    koc__jw_array(x->w);
    put_numbered(x, "Agent-", 0);
    koc__jw_array_end(x->w);
    koc__jw_key(x->w, "createdUsing");
    koc__jw_array(x->w);
    put_iri(x, "Tool", "");
    koc__jw_array_end(x->w);
    koc__jw_object_end(x->w);
    begin_element(x, "Tool");
    put_iri(x, "Tool", "");
    put_info(x);
    koc__jw_kv(x->w, "name", b->tool);
    koc__jw_object_end(x->w);
}

/* --- packages and files --- */

static void put_hashes(const writer *x, const koc__bom_component *c)
{
    static const char *const names[] = {"", "sha1", "sha256", "sha512"};
    if (c->n_hashes == 0) {
        return;
    }
    koc__jw_key(x->w, "verifiedUsing");
    koc__jw_array(x->w);
    for (size_t i = 0; i < c->n_hashes; i++) {
        koc__jw_object(x->w);
        koc__jw_kv(x->w, "type", "Hash");
        koc__jw_kv(x->w, "algorithm", names[c->hashes[i].algorithm]);
        koc__jw_kv(x->w, "hashValue", c->hashes[i].hex);
        koc__jw_object_end(x->w);
    }
    koc__jw_array_end(x->w);
}

static const char *purpose(int32_t kind)
{
    switch (kind) {
    case KOC__BOM_CONTAINER: return "container";
    case KOC__BOM_APPLICATION: return "application";
    case KOC__BOM_SYSTEM: return "operatingSystem";
    case KOC__BOM_FILE: return "file";
    default: return "library";
    }
}

static void put_references(const writer *x, const koc__bom_component *c)
{
    if (c->purl || c->cpe || c->go_sum) {
        koc__jw_key(x->w, "externalIdentifier");
        koc__jw_array(x->w);
        put_identifier(x, "packageUrl", c->purl);
        put_identifier(x, "cpe23", c->cpe);
        put_identifier(x, "other", c->go_sum);
        koc__jw_array_end(x->w);
    }
    if (c->vcs) {
        koc__jw_key(x->w, "externalRef");
        koc__jw_array(x->w);
        koc__jw_object(x->w);
        koc__jw_kv(x->w, "type", "ExternalRef");
        koc__jw_kv(x->w, "externalRefType", "vcs");
        koc__jw_key(x->w, "locator");
        koc__jw_array(x->w);
        koc__jw_str(x->w, c->vcs);
        koc__jw_array_end(x->w);
        koc__jw_object_end(x->w);
        koc__jw_array_end(x->w);
    }
}

static void put_package(const writer *x, const koc__bom_component *c)
{
    begin_element(x, "software_Package");
    put_iri(x, "", c->id);
    put_info(x);
    koc__jw_kv(x->w, "name", c->name);
    koc__jw_kv(x->w, "software_packageVersion", c->version);
    koc__jw_kv(x->w, "software_primaryPurpose", purpose(c->kind));
    if (c->supplier) {
        koc__jw_key(x->w, "suppliedBy");
        put_numbered(x, "Agent-", number_of(x, x->agents, c->supplier));
    }
    koc__jw_kv(x->w, "software_copyrightText", c->copyright);
    koc__jw_kv(x->w, "software_downloadLocation", c->download);
    koc__jw_kv(x->w, "software_packageUrl", c->purl);
    koc__jw_kv(x->w, "software_sourceInfo", c->source);
    put_references(x, c);
    put_hashes(x, c);
    koc__jw_object_end(x->w);
}

static const char *file_purpose(const koc__bom_component *c)
{
    return c->file & KOC__BOM_EXECUTABLE ? "executable"
           : c->file & KOC__BOM_ARCHIVE  ? "archive"
                                         : "file";
}

/* A file of its own, or that in which a package is delivered. */
static void put_file(const writer *x, const koc__bom_component *c, const char *kind)
{
    begin_element(x, "software_File");
    put_iri(x, kind, c->id);
    put_info(x);
    koc__jw_kv(x->w, "name", c->file_name ? c->file_name : c->name);
    koc__jw_kv(x->w, "software_primaryPurpose", file_purpose(c));
    if (c->file & KOC__BOM_STRUCTURED && c->file & KOC__BOM_ARCHIVE) {
        koc__jw_key(x->w, "software_additionalPurpose");
        koc__jw_array(x->w);
        koc__jw_str(x->w, "container"); /* BSI's word for structured */
        koc__jw_array_end(x->w);
    }
    put_hashes(x, c);
    koc__jw_object_end(x->w);
}

static bool is_delivered(const koc__bom_component *c)
{
    return c->kind != KOC__BOM_FILE && c->file_name && c->n_hashes > 0;
}

/* --- relationships --- */

static void begin_relation(writer *x, const char *type, const char *from)
{
    begin_element(x, "Relationship");
    put_numbered(x, "Relationship-", x->relations++);
    put_info(x);
    koc__jw_kv(x->w, "relationshipType", type);
    koc__jw_key(x->w, "from");
    put_iri(x, "", from);
    koc__jw_key(x->w, "to");
    koc__jw_array(x->w);
}

static void end_relation(const writer *x, const char *completeness)
{
    koc__jw_array_end(x->w);
    koc__jw_kv(x->w, "completeness", completeness);
    koc__jw_object_end(x->w);
}

/* All edges of a type from one component are one relationship. */
static void put_edges(writer *x, size_t i)
{
    static const struct {
        int32_t type;
        const char *name;
    } types[] = {{KOC__BOM_CONTAINS, "contains"},
                 {KOC__BOM_DEPENDS_ON, "dependsOn"},
                 {KOC__BOM_DESCENDANT_OF, "descendantOf"}};
    const koc__bom_component *c = &x->b->components[i];
    for (size_t t = 0; t < KOC__COUNT(types); t++) {
        bool open = false;
        for (size_t k = 0; k < c->n_edges; k++) {
            const koc__bom_edge *e = &x->b->edges[c->first_edge + k];
            if (e->type != types[t].type) {
                continue;
            }
            if (!open) {
                begin_relation(x, types[t].name, c->id);
            }
            open = true;
            put_iri(x, "", x->b->components[e->to].id);
        }
        if (open) {
            end_relation(x, c->edges_known ? "complete" : "noAssertion");
        }
    }
}

/* Edges that this version names from the other end. */
static void put_reversed(writer *x, size_t i)
{
    const koc__bom_component *c = &x->b->components[i];
    for (size_t k = 0; k < c->n_edges; k++) {
        const koc__bom_edge *e = &x->b->edges[c->first_edge + k];
        const char *name = e->type == KOC__BOM_VARIANT_OF       ? "hasVariant"
                           : e->type == KOC__BOM_GENERATED_FROM ? "generates"
                                                                : NULL;
        if (name) {
            begin_relation(x, name, x->b->components[e->to].id);
            put_iri(x, "", c->id);
            end_relation(x, NULL);
        }
    }
}

static void put_licenses(writer *x, const koc__bom_component *c)
{
    static const char *const types[] = {"hasDeclaredLicense", "hasConcludedLicense"};
    for (size_t t = 0; c->license && t < KOC__COUNT(types); t++) {
        begin_relation(x, types[t], c->id);
        put_numbered(x, "License-", number_of(x, x->licenses, c->license));
        end_relation(x, NULL);
    }
}

static void put_license_texts(writer *x)
{
    size_t cursor = 0;
    koc_str text;
    void *number;
    while (koc__map_next(x->licenses, &cursor, &text, &number)) {
        begin_element(x, "simplelicensing_LicenseExpression");
        put_numbered(x, "License-", (size_t)(uintptr_t)number - 1);
        put_info(x);
        koc__jw_key(x->w, "simplelicensing_licenseExpression");
        koc__jw_str_n(x->w, text);
        koc__jw_object_end(x->w);
    }
}

/* --- the document --- */

static void put_all(const writer *x)
{
    koc__jw_key(x->w, "element");
    koc__jw_array(x->w);
    for (size_t i = 0; i < x->b->n_components; i++) {
        put_iri(x, "", x->b->components[i].id);
        if (is_delivered(&x->b->components[i])) {
            put_iri(x, "File-of-", x->b->components[i].id);
        }
    }
    for (size_t i = 0; i < x->relations; i++) {
        put_numbered(x, "Relationship-", i);
    }
    for (size_t i = 0; i < koc__map_count(x->licenses); i++) {
        put_numbered(x, "License-", i);
    }
    for (size_t i = 0; i < koc__map_count(x->agents); i++) {
        put_numbered(x, "Agent-", i);
    }
    put_iri(x, "Tool", "");
    koc__jw_array_end(x->w);
}

static void put_roots(const writer *x)
{
    koc__jw_key(x->w, "rootElement");
    koc__jw_array(x->w);
    for (size_t i = 0; i < x->b->n_edges; i++) {
        if (x->b->edges[i].type == KOC__BOM_DESCRIBES) {
            put_iri(x, "", x->b->components[x->b->edges[i].to].id);
        }
    }
    koc__jw_array_end(x->w);
}

static void put_document(const writer *x, size_t data_license)
{
    begin_element(x, "software_Sbom");
    put_iri(x, "SBOM", "");
    put_info(x);
    koc__jw_kv(x->w, "name", x->b->name);
    koc__jw_key(x->w, "software_sbomType");
    koc__jw_array(x->w);
    koc__jw_str(x->w, "build");
    koc__jw_array_end(x->w);
    put_roots(x);
    put_all(x);
    koc__jw_object_end(x->w);
    koc__jw_object(x->w);
    koc__jw_kv(x->w, "type", "SpdxDocument");
    koc__jw_kv(x->w, "spdxId", x->space);
    put_info(x);
    koc__jw_kv(x->w, "name", x->b->name);
    koc__jw_kv(x->w, "comment", x->b->comment);
    koc__jw_key(x->w, "dataLicense");
    put_numbered(x, "License-", data_license);
    koc__jw_key(x->w, "profileConformance");
    koc__jw_array(x->w);
    koc__jw_str(x->w, "core");
    koc__jw_str(x->w, "software");
    koc__jw_str(x->w, "simpleLicensing");
    koc__jw_array_end(x->w);
    koc__jw_key(x->w, "rootElement");
    koc__jw_array(x->w);
    put_iri(x, "SBOM", "");
    koc__jw_array_end(x->w);
    put_all(x);
    koc__jw_object_end(x->w);
}

static void put_graph(writer *x)
{
    size_t data_license = number_of(x, x->licenses, "CC0-1.0");
    put_creation(x);
    put_agents(x);
    for (size_t i = 0; i < x->b->n_components; i++) {
        const koc__bom_component *c = &x->b->components[i];
        if (c->kind == KOC__BOM_FILE) {
            put_file(x, c, "");
        } else {
            put_package(x, c);
        }
        if (is_delivered(c)) {
            put_file(x, c, "File-of-");
            begin_relation(x, "hasDistributionArtifact", c->id);
            put_iri(x, "File-of-", c->id);
            end_relation(x, NULL);
        }
        put_licenses(x, c);
        put_edges(x, i);
        put_reversed(x, i);
    }
    put_license_texts(x);
    put_document(x, data_license);
}

static int write_once(const koc__bom *b, const char *hex, koc__dynbuf *out, koc_error **err)
{
    koc__jw w;
    KOC__AUTO(koc__map) agents = koc__map_new(NULL);
    KOC__AUTO(koc__map) licenses = koc__map_new(NULL);
    KOC__AUTO_STR space = koc__format("%s%.4096s-%s", BASE, b->name, hex);
    if (!agents || !licenses || !space) {
        return koc__oom(err);
    }
    writer x = {.w = &w, .b = b, .space = space, .agents = agents, .licenses = licenses};
    koc__jw_begin(&w, out, 2, 0);
    koc__jw_object(&w);
    koc__jw_kv(&w, "@context", "https://spdx.org/rdf/3.0.1/spdx-context.jsonld");
    koc__jw_key(&w, "@graph");
    koc__jw_array(&w);
    put_graph(&x);
    koc__jw_array_end(&w);
    koc__jw_object_end(&w);
    KOC__TRY(koc__jw_end(&w, err));
    return koc__dynbuf_putc(out, '\n', err);
}

int koc__spdx3_write(const koc__bom *b, koc__dynbuf *out, koc_error **err)
{
    size_t start = out->len;
    uint8_t hash[32];
    char hex[65];
    koc__sha256 h;
    KOC__TRY(write_once(b, KOC__BOM_ZEROS, out, err));
    koc__sha256_init(&h);
    koc__sha256_update(&h, out->ptr + start, out->len - start);
    koc__sha256_final(&h, hash);
    koc__hex(hash, sizeof(hash), hex);
    out->len = start;
    return write_once(b, hex, out, err);
}

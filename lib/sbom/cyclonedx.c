/*
 * Writes CycloneDX 1.6 (ECMA-424) in JSON, with the properties of BSI TR-03183-2 v2.1.0. The component that the
 * document describes is metadata.component; all others are in one flat list.
 */
#include "core/common.h"

#include "core/hash/sha256.h"
#include "core/str.h"
#include "core/text.h"
#include "sbom/bom.h"
#include "text/json_write.h"

#define BSI "bsi:component:"

static const char *type_name(int32_t kind)
{
    switch (kind) {
    case KOC__BOM_CONTAINER: return "container";
    case KOC__BOM_APPLICATION: return "application";
    case KOC__BOM_SYSTEM: return "operating-system";
    case KOC__BOM_FILE: return "file";
    default: return "library";
    }
}

static const char *hash_name(int32_t algorithm)
{
    switch (algorithm) {
    case KOC__BOM_SHA1: return "SHA-1";
    case KOC__BOM_SHA256: return "SHA-256";
    default: return "SHA-512";
    }
}

static void put_hashes(koc__jw *w, const koc__bom_component *c)
{
    if (c->n_hashes == 0) {
        return;
    }
    koc__jw_key(w, "hashes");
    koc__jw_array(w);
    for (size_t i = 0; i < c->n_hashes; i++) {
        koc__jw_object(w);
        koc__jw_kv(w, "alg", hash_name(c->hashes[i].algorithm));
        koc__jw_kv(w, "content", c->hashes[i].hex);
        koc__jw_object_end(w);
    }
    koc__jw_array_end(w);
}

/* An organisation: name, and its address if that is a URL or else a mail. */
static void put_entity(koc__jw *w, const char *key, const char *name, const char *contact)
{
    bool mail = contact && strchr(contact, '@') && !strstr(contact, "://");
    koc__jw_key(w, key);
    koc__jw_object(w);
    koc__jw_kv(w, "name", name);
    if (contact) {
        koc__jw_key(w, mail ? "contact" : "url");
        koc__jw_array(w);
        if (mail) {
            koc__jw_object(w);
            koc__jw_kv(w, "email", contact);
            koc__jw_object_end(w);
        } else {
            koc__jw_str(w, contact);
        }
        koc__jw_array_end(w);
    }
    koc__jw_object_end(w);
}

/* The author's own text is what the reader of the document may rely on, so both forms say the same. */
static void put_licenses(koc__jw *w, const koc__bom_component *c)
{
    static const char *const forms[] = {"declared", "concluded"};
    if (!c->license) {
        return;
    }
    bool single = !strchr(c->license, ' ');
    koc__jw_key(w, "licenses");
    koc__jw_array(w);
    for (size_t i = 0; i < (single ? 2u : 1u); i++) { /* the schema allows one expression */
        koc__jw_object(w);
        if (single) {
            koc__jw_key(w, "license");
            koc__jw_object(w);
            koc__jw_kv(w, c->license_listed ? "id" : "name", c->license);
        } else {
            koc__jw_kv(w, "expression", c->license);
        }
        koc__jw_kv(w, "acknowledgement", forms[single ? i : 1]);
        if (single) {
            koc__jw_object_end(w);
        }
        koc__jw_object_end(w);
    }
    koc__jw_array_end(w);
}

static void put_reference(koc__jw *w, const char *type, const char *url,
                          const koc__bom_component *hashed)
{
    koc__jw_object(w);
    koc__jw_kv(w, "type", type);
    koc__jw_kv(w, "url", url);
    if (hashed) {
        put_hashes(w, hashed);
    }
    koc__jw_object_end(w);
}

static void put_references(koc__jw *w, const koc__bom_component *c)
{
    if (!c->download && !c->vcs) {
        return;
    }
    bool file = c->download && !koc__str_starts(koc__str(c->download), "git+");
    koc__jw_key(w, "externalReferences");
    koc__jw_array(w);
    if (c->vcs) {
        put_reference(w, "vcs", c->vcs, NULL);
    }
    if (file) {
        put_reference(w, "distribution", c->download, c);
    }
    koc__jw_array_end(w);
}

static void put_property(koc__jw *w, const char *name, const char *value)
{
    if (value) {
        koc__jw_object(w);
        koc__jw_kv(w, "name", name);
        koc__jw_kv(w, "value", value);
        koc__jw_object_end(w);
    }
}

static void put_properties(koc__jw *w, const koc__bom_component *c)
{
    koc__jw_key(w, "properties");
    koc__jw_array(w);
    put_property(w, BSI "filename", c->file_name);
    put_property(w, BSI "executable",
                 c->file & KOC__BOM_EXECUTABLE ? "executable" : "non-executable");
    put_property(w, BSI "archive", c->file & KOC__BOM_ARCHIVE ? "archive" : "no archive");
    put_property(w, BSI "structured",
                 c->file & KOC__BOM_STRUCTURED ? "structured" : "unstructured");
    put_property(w, BSI "effectiveLicence", c->license);
    put_property(w, "koc:go-module-h1", c->go_sum);
    put_property(w, "koc:license-file", c->license_file);
    put_property(w, "koc:path", c->file_path);
    put_property(w, "koc:source", c->source);
    koc__jw_array_end(w);
}

static void put_component(koc__jw *w, const koc__bom_component *c)
{
    koc__jw_object(w);
    koc__jw_kv(w, "type", type_name(c->kind));
    koc__jw_kv(w, "bom-ref", c->id);
    if (c->supplier) {
        put_entity(w, "supplier", c->supplier, c->address);
    }
    koc__jw_kv(w, "name", c->name);
    koc__jw_kv(w, "version", c->version);
    put_hashes(w, c);
    put_licenses(w, c);
    koc__jw_kv(w, "copyright", c->copyright);
    koc__jw_kv(w, "cpe", c->cpe);
    koc__jw_kv(w, "purl", c->purl);
    put_references(w, c);
    put_properties(w, c);
    koc__jw_object_end(w);
}

/* --- the document --- */

static size_t described(const koc__bom *b)
{
    for (size_t i = 0; i < b->n_edges; i++) {
        if (b->edges[i].type == KOC__BOM_DESCRIBES) {
            return b->edges[i].to;
        }
    }
    return 0;
}

static void put_author(koc__jw *w, const koc__bom *b)
{
    const koc__sbom_author *a = &b->author;
    if (a->name && a->person) {
        koc__jw_key(w, "authors");
        koc__jw_array(w);
        koc__jw_object(w);
        koc__jw_kv(w, "name", a->name);
        koc__jw_kv(w, "email", a->contact && strchr(a->contact, '@') ? a->contact : NULL);
        koc__jw_object_end(w);
        koc__jw_array_end(w);
    } else if (a->name) {
        put_entity(w, "manufacturer", a->name, a->contact);
    }
}

static void put_metadata(koc__jw *w, const koc__bom *b)
{
    koc_str name = koc__str(b->tool), version = {0};
    (void)koc__str_cut(koc__str(b->tool), '-', &name, &version);
    koc__jw_key(w, "metadata");
    koc__jw_object(w);
    koc__jw_kv(w, "timestamp", b->created);
    koc__jw_key(w, "lifecycles");
    koc__jw_array(w);
    koc__jw_object(w);
    koc__jw_kv(w, "phase", "build");
    koc__jw_object_end(w);
    koc__jw_array_end(w);
    koc__jw_key(w, "tools");
    koc__jw_object(w);
    koc__jw_key(w, "components");
    koc__jw_array(w);
    koc__jw_object(w);
    koc__jw_kv(w, "type", "application");
    koc__jw_key(w, "name");
    koc__jw_str_n(w, name);
    koc__jw_key(w, "version");
    koc__jw_str_n(w, version);
    koc__jw_object_end(w);
    koc__jw_array_end(w);
    koc__jw_object_end(w);
    put_author(w, b);
    koc__jw_key(w, "component");
    put_component(w, &b->components[described(b)]);
    if (b->author.name && b->author.supplies) {
        put_entity(w, "supplier", b->author.name, b->author.contact);
    }
    koc__jw_key(w, "licenses");
    koc__jw_array(w);
    koc__jw_object(w);
    koc__jw_key(w, "license");
    koc__jw_object(w);
    koc__jw_kv(w, "id", "CC0-1.0");
    koc__jw_object_end(w);
    koc__jw_object_end(w);
    koc__jw_array_end(w);
    koc__jw_object_end(w);
}

/* An image depends on what it contains: this format has no other edge across a flat list. */
static bool is_dependency(const koc__bom_edge *e)
{
    return e->type == KOC__BOM_CONTAINS || e->type == KOC__BOM_DEPENDS_ON;
}

static void put_dependencies(koc__jw *w, const koc__bom *b)
{
    koc__jw_key(w, "dependencies");
    koc__jw_array(w);
    for (size_t i = 0; i < b->n_components; i++) {
        koc__jw_object(w);
        koc__jw_kv(w, "ref", b->components[i].id);
        koc__jw_key(w, "dependsOn");
        koc__jw_array(w);
        for (size_t k = 0; k < b->components[i].n_edges; k++) {
            const koc__bom_edge *e = &b->edges[b->components[i].first_edge + k];
            if (is_dependency(e)) {
                koc__jw_str(w, b->components[e->to].id);
            }
        }
        koc__jw_array_end(w);
        koc__jw_object_end(w);
    }
    koc__jw_array_end(w);
}

static void put_composition(koc__jw *w, const koc__bom *b, const char *aggregate, bool known)
{
    size_t count = 0;
    for (size_t i = 0; i < b->n_components; i++) {
        count += b->components[i].edges_known == known;
    }
    if (count == 0) {
        return;
    }
    koc__jw_object(w);
    koc__jw_kv(w, "aggregate", aggregate);
    koc__jw_key(w, "dependencies");
    koc__jw_array(w);
    for (size_t i = 0; i < b->n_components; i++) {
        if (b->components[i].edges_known == known) {
            koc__jw_str(w, b->components[i].id);
        }
    }
    koc__jw_array_end(w);
    koc__jw_object_end(w);
}

/* A version 8 UUID (RFC 9562), which may hold any hash, from the SHA-256 that stands in the document. */
static void fill_serial(koc__dynbuf *out, size_t start)
{
    static const char mark[] = "urn:uuid:00000000-0000-0000-0000-000000000000";
    uint8_t hash[32];
    char hex[65];
    koc__sha256 h;
    koc__sha256_init(&h);
    koc__sha256_update(&h, out->ptr + start, out->len - start);
    koc__sha256_final(&h, hash);
    hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x80);
    hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
    koc__hex(hash, sizeof(hash), hex);
    char *at = memmem(out->ptr + start, out->len - start, mark, sizeof(mark) - 1);
    const char *from = hex;
    for (char *p = at ? at + strlen("urn:uuid:") : NULL; p && *p != '"'; p++) {
        if (*p != '-') {
            *p = *from++;
        }
    }
}

int koc__cyclonedx_write(const koc__bom *b, koc__dynbuf *out, koc_error **err)
{
    size_t start = out->len, root = described(b);
    koc__jw w;
    koc__jw_begin(&w, out, 2, 0);
    koc__jw_object(&w);
    koc__jw_kv(&w, "$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json");
    koc__jw_kv(&w, "bomFormat", "CycloneDX");
    koc__jw_kv(&w, "specVersion", "1.6");
    koc__jw_kv(&w, "serialNumber", "urn:uuid:00000000-0000-0000-0000-000000000000");
    koc__jw_key(&w, "version");
    koc__jw_u64(&w, 1);
    put_metadata(&w, b);
    koc__jw_key(&w, "components");
    koc__jw_array(&w);
    for (size_t i = 0; i < b->n_components; i++) {
        if (i != root) {
            put_component(&w, &b->components[i]);
        }
    }
    koc__jw_array_end(&w);
    put_dependencies(&w, b);
    koc__jw_key(&w, "compositions");
    koc__jw_array(&w);
    put_composition(&w, b, "complete", true);
    put_composition(&w, b, "unknown", false);
    koc__jw_array_end(&w);
    koc__jw_object_end(&w);
    KOC__TRY(koc__jw_end(&w, err));
    KOC__TRY(koc__dynbuf_putc(out, '\n', err));
    fill_serial(out, start);
    return KOC_OK;
}

/*
 * Writes ko's documents, byte for byte (--compat=ko): SPDX 2.3 as Go's encoder prints it. Reproduces ko's
 * defects: ids with characters that SPDX does not allow, module hashes as SHA256, no replacements, no
 * DESCRIBES in the document of an index.
 */
#include "core/common.h"

#include "core/dynbuf.h"
#include "core/hash/digests.h"
#include "core/str.h"
#include "core/text.h"
#include "model/model.h"
#include "sbom/bom.h"
#include "text/json_write.h"

#define KO_VERSION   "v0.19.1"
#define NOASSERTION  "NOASSERTION"
#define ZERO_TIME    "0001-01-01T00:00:00Z"
#define FEATURES_MAX 64

/* A package of the document. Owns all but purpose. download and checksum may be NULL. */
typedef struct package {
    char *id, *name, *version, *purl, *download, *checksum;
    const char *purpose;
} package;

/* Ends are borrowed from packages and subject_id. */
typedef struct relation {
    const char *from, *type, *to;
} relation;

typedef struct document {
    char *created;
    char *tool;
    koc_digest subject;
    char *subject_id;
    package *packages;
    size_t n_packages, packages_capacity;
    relation *relations;
    size_t n_relations, relations_capacity;
} document;

static void package_dispose(package *p)
{
    koc__free(p->id);
    koc__free(p->name);
    koc__free(p->version);
    koc__free(p->purl);
    koc__free(p->download);
    koc__free(p->checksum);
}

static void document_dispose(document *d)
{
    for (size_t i = 0; i < d->n_packages; i++) {
        package_dispose(&d->packages[i]);
    }
    koc__free(d->packages);
    koc__free(d->relations);
    koc__free(d->created);
    koc__free(d->tool);
    koc__free(d->subject_id);
}
KOC__DEFINE_AUTO_VAL(document, document_dispose);

static char *digest_id(const koc_digest *d)
{
    return koc__format("SPDXRef-Package-sha256-%s", koc__digest_hex(d).s);
}

/* Takes ownership of the members of p, also on failure. complete false: a part could not be allocated. */
static int add_package(document *d, package p, bool complete, const char **id, koc_error **err)
{
    if (!complete || !p.id || !p.name || !p.purl ||
        !koc__grow((void **)&d->packages, &d->packages_capacity, d->n_packages + 1, sizeof(p))) {
        package_dispose(&p);
        return koc__oom(err);
    }
    d->packages[d->n_packages++] = p;
    *id = p.id;
    return KOC_OK;
}

static int add_relation(document *d, const char *from, const char *type, const char *to,
                        koc_error **err)
{
    if (!koc__grow((void **)&d->relations, &d->relations_capacity, d->n_relations + 1,
                   sizeof(relation))) {
        return koc__oom(err);
    }
    d->relations[d->n_relations++] = (relation){from, type, to};
    return KOC_OK;
}

/* --- content --- */

/* The date and time of created with a Z, whatever its zone is, as in ko. */
static int begin_document(document *d, const koc__sbom_options *o, const koc_digest *subject,
                          const char *created, koc_error **err)
{
    int64_t ignored;
    KOC__AUTO_VAL(koc__dynbuf) epoch = KOC__DYNBUF_INIT(64);
    bool known = created && koc__parse_rfc3339(koc__str(created), &ignored, NULL, NULL);
    if (!created && o->has_epoch) {
        KOC__TRY(koc__rfc3339(&epoch, o->epoch, err));
        d->created = koc__dynbuf_steal(&epoch);
    } else {
        d->created = known ? koc__format("%.19sZ", created) : koc__strdup(ZERO_TIME);
    }
    d->tool = koc__format("Tool: ko %s", o->tool_version ? o->tool_version : KO_VERSION);
    d->subject = *subject;
    d->subject_id = digest_id(subject);
    return d->created && d->tool && d->subject_id ? KOC_OK : koc__oom(err);
}

static int add_base(document *d, const char *name, const char *digest, koc_error **err)
{
    KOC__AUTO_VAL(koc__sbom_base) base = {0};
    KOC__TRY(koc__sbom_base_read(name, digest, &base, err));
    if (!base.text || !base.name) {
        return KOC_OK;
    }
    const char *where = koc__reference_context(base.name);
    bool by_digest = koc_reference_digest(base.name) != NULL;
    const char *tag = koc_reference_tag(base.name);
    koc_kv qualifiers[] = {{"repository_url", where},
                           {"tag", by_digest ? NULL
                                   : tag     ? tag
                                             : "latest"}};
    const char *id = NULL;
    package p = {
        .id = digest_id(&base.digest),
        .name = koc__format("%s@%s", where, koc__digest_str(&base.digest).s),
        .version = koc__strdup(base.text),
        .checksum = koc__strdup(koc__digest_hex(&base.digest).s),
        .purl = koc__purl_ko_oci("image", &base.digest, qualifiers, KOC__COUNT(qualifiers)),
    };
    KOC__TRY(add_package(d, p, p.version && p.checksum, &id, err));
    return add_relation(d, d->subject_id, "DESCENDANT_OF", id, err);
}

static char *module_id(const koc__exe_module *m)
{
    KOC__AUTO_STR path = koc__strdup(m->path);
    for (char *c = path; c && *c; c++) {
        if (*c == '/') {
            *c = '.';
        }
    }
    return path ? koc__format("SPDXRef-Package-%s-%s", path, m->version) : NULL;
}

/* An h1 sum in hexadecimal, "" for anything else. NULL: out of memory. */
static char *sum_hex(const char *sum)
{
    KOC__AUTO_VAL(koc__dynbuf) raw = KOC__DYNBUF_INIT(1024);
    koc_str text = koc__str(sum);
    if (!koc__str_starts(text, "h1:") ||
        koc__unbase64(&raw, koc__str_from(text, 3), NULL) != KOC_OK) {
        return koc__strdup("");
    }
    char *hex = koc__malloc(2 * raw.len + 1);
    if (hex) {
        koc__hex((const uint8_t *)(raw.ptr ? raw.ptr : ""), raw.len, hex);
    }
    return hex;
}

static int add_dependency(document *d, const koc__sbom_options *o, const char *main_id,
                          const koc__exe_module *m, koc_error **err)
{
    const char *id = NULL;
    bool summed = *m->sum != '\0';
    package p = {
        .id = module_id(m),
        .name = koc__strdup(m->path),
        .version = koc__strdup(m->version),
        .purl = koc__purl_ko_go(m->path, m->version),
        .checksum = summed ? sum_hex(m->sum) : NULL,
    };
    if (o->module_proxy) {
        p.download = koc__format("%s/%s/@v/%s.zip", o->module_proxy, m->path, m->version);
    }
    bool whole = p.version && (p.checksum || !summed) && (p.download || !o->module_proxy);
    KOC__TRY(add_package(d, p, whole, &id, err));
    return add_relation(d, main_id, "DEPENDS_ON", id, err);
}

static int add_modules(document *d, const koc__sbom_options *o, const koc__exe_info *info,
                       koc_error **err)
{
    static const koc__exe_module nothing = {"", "", "", NULL};
    const koc__exe_module *m = info && info->main.path ? &info->main : &nothing;
    const char *id = NULL;
    package p = {
        .id = module_id(m),
        .name = koc__strdup(m->path),
        .download = koc__format("https://%s", m->path),
        .purl = koc__purl_ko_go(m->path, m->version),
    };
    KOC__TRY(add_package(d, p, p.download != NULL, &id, err));
    KOC__TRY(add_relation(d, d->subject_id, "CONTAINS", id, err));
    for (size_t i = 0; info && i < info->n_deps; i++) {
        KOC__TRY(add_dependency(d, o, id, &info->deps[i], err));
    }
    return KOC_OK;
}

/* One platform of an index. */
static int add_child(document *d, const koc_descriptor *child, koc_error **err)
{
    static const koc_platform none = KOC_PLATFORM_INIT;
    const koc_platform *p = child->platform ? child->platform : &none;
    koc_kv q[5 + FEATURES_MAX];
    size_t n = 0;
    q[n++] = (koc_kv){"arch", p->arch ? p->arch : ""};
    q[n++] = (koc_kv){"mediaType", child->media_type};
    q[n++] = (koc_kv){"os", p->os ? p->os : ""};
    for (size_t i = 0; p->os_features && p->os_features[i] && i < FEATURES_MAX; i++) {
        q[n++] = (koc_kv){"os-feature", p->os_features[i]};
    }
    q[n++] = (koc_kv){"os-version", p->os_version};
    q[n++] = (koc_kv){"variant", p->variant};
    const char *id = NULL;
    package made = {
        .id = digest_id(&child->digest),
        .name = koc__strdup(koc__digest_str(&child->digest).s),
        .version = koc__platform_str(p),
        .checksum = koc__strdup(koc__digest_hex(&child->digest).s),
        .purpose = "CONTAINER",
        .purl = koc__purl_ko_oci("image", &child->digest, q, n),
    };
    KOC__TRY(add_package(d, made, made.version && made.checksum, &id, err));
    return add_relation(d, d->subject_id, "VARIANT_OF", id, err);
}

/* --- writing --- */

static void put_package(koc__jw *w, const package *p)
{
    koc__jw_object(w);
    koc__jw_kv(w, "SPDXID", p->id);
    koc__jw_kv(w, "name", p->name);
    koc__jw_kv(w, "versionInfo", p->version && *p->version ? p->version : NULL);
    koc__jw_key(w, "filesAnalyzed");
    koc__jw_bool(w, false);
    koc__jw_kv(w, "licenseDeclared", NOASSERTION);
    koc__jw_kv(w, "licenseConcluded", NOASSERTION);
    koc__jw_kv(w, "downloadLocation", p->download ? p->download : NOASSERTION);
    koc__jw_kv(w, "copyrightText", NOASSERTION);
    koc__jw_kv(w, "primaryPackagePurpose", p->purpose);
    if (p->checksum) {
        koc__jw_key(w, "checksums");
        koc__jw_array(w);
        koc__jw_object(w);
        koc__jw_kv(w, "algorithm", "SHA256");
        koc__jw_kv(w, "checksumValue", p->checksum);
        koc__jw_object_end(w);
        koc__jw_array_end(w);
    }
    koc__jw_key(w, "externalRefs");
    koc__jw_array(w);
    koc__jw_object(w);
    koc__jw_kv(w, "referenceCategory", "PACKAGE-MANAGER");
    koc__jw_kv(w, "referenceLocator", p->purl);
    koc__jw_kv(w, "referenceType", "purl");
    koc__jw_object_end(w);
    koc__jw_array_end(w);
    koc__jw_object_end(w);
}

static void put_head(koc__jw *w, const document *d)
{
    koc__digest_text digest = koc__digest_str(&d->subject);
    char text[256];
    koc__jw_kv(w, "SPDXID", "SPDXRef-DOCUMENT");
    snprintf(text, sizeof(text), "sbom-%s", digest.s);
    koc__jw_kv(w, "name", text);
    koc__jw_kv(w, "spdxVersion", "SPDX-2.3");
    koc__jw_key(w, "creationInfo");
    koc__jw_object(w);
    koc__jw_kv(w, "created", d->created);
    koc__jw_key(w, "creators");
    koc__jw_array(w);
    koc__jw_str(w, d->tool);
    koc__jw_array_end(w);
    koc__jw_object_end(w);
    koc__jw_kv(w, "dataLicense", "CC0-1.0");
    snprintf(text, sizeof(text), "http://spdx.org/spdxdocs/ko/%s", digest.s);
    koc__jw_kv(w, "documentNamespace", text);
    koc__jw_key(w, "documentDescribes");
    koc__jw_array(w);
    koc__jw_str(w, d->subject_id);
    koc__jw_array_end(w);
}

static void put_relations(koc__jw *w, const document *d)
{
    if (d->n_relations == 0) {
        return;
    }
    koc__jw_key(w, "relationships");
    koc__jw_array(w);
    for (size_t i = 0; i < d->n_relations; i++) {
        koc__jw_object(w);
        koc__jw_kv(w, "spdxElementId", d->relations[i].from);
        koc__jw_kv(w, "relationshipType", d->relations[i].type);
        koc__jw_kv(w, "relatedSpdxElement", d->relations[i].to);
        koc__jw_object_end(w);
    }
    koc__jw_array_end(w);
}

static int write_document(const document *d, koc__dynbuf *out, koc_error **err)
{
    koc__jw w;
    koc__jw_begin(&w, out, 2, KOC__JW_GO);
    koc__jw_object(&w);
    put_head(&w, d);
    koc__jw_key(&w, "packages");
    koc__jw_array(&w);
    for (size_t i = 0; i < d->n_packages; i++) {
        put_package(&w, &d->packages[i]);
    }
    koc__jw_array_end(&w);
    put_relations(&w, d);
    koc__jw_object_end(&w);
    KOC__TRY(koc__jw_end(&w, err));
    return koc__dynbuf_putc(out, '\n', err);
}

/* --- the two documents --- */

static const char *media_type(const koc__json *doc)
{
    const char *type = koc__json_get_str(koc__json_root(doc), "mediaType");
    return type ? type : "";
}

int koc__spdx_ko_image(const koc__sbom_options *o, const koc_image *img, const koc__exe_info *info,
                       koc__dynbuf *out, koc_error **err)
{
    KOC__AUTO_VAL(document) d = {0};
    koc_kv type = {"mediaType", media_type(koc__image_manifest_json(img))};
    const char *id = NULL;
    const koc_digest *digest = &koc_image_descriptor(img)->digest;
    KOC__TRY(begin_document(&d, o, digest, koc__sbom_config_created(img), err));
    KOC__TRY(add_relation(&d, "SPDXRef-DOCUMENT", "DESCRIBES", d.subject_id, err));
    package root = {
        .id = digest_id(digest),
        .name = koc__strdup(koc__digest_str(digest).s),
        .purpose = "CONTAINER",
        .purl = koc__purl_ko_oci("image", digest, &type, 1),
    };
    KOC__TRY(add_package(&d, root, true, &id, err));
    KOC__TRY(add_base(&d, koc_image_annotation(img, KOC__BASE_NAME),
                      koc_image_annotation(img, KOC__BASE_DIGEST), err));
    KOC__TRY(add_modules(&d, o, info, err));
    return write_document(&d, out, err);
}

int koc__spdx_ko_index(const koc__sbom_options *o, const koc_index *idx, koc__dynbuf *out,
                       koc_error **err)
{
    KOC__AUTO_VAL(document) d = {0};
    koc_kv type = {"mediaType", media_type(koc__index_json(idx))};
    const char *id = NULL;
    const koc_digest *digest = &koc_index_descriptor(idx)->digest;
    const koc_image *first = koc_index_image(idx, 0);
    KOC__TRY(begin_document(&d, o, digest, first ? koc__sbom_config_created(first) : NULL, err));
    package root = {
        .id = digest_id(digest),
        .name = koc__strdup(koc__digest_str(digest).s),
        .purpose = "CONTAINER",
        .checksum = koc__strdup(koc__digest_hex(digest).s),
        .purl = koc__purl_ko_oci("index", digest, &type, 1),
    };
    KOC__TRY(add_package(&d, root, root.checksum != NULL, &id, err));
    KOC__TRY(add_base(&d, koc__sbom_index_annotation(idx, KOC__BASE_NAME),
                      koc__sbom_index_annotation(idx, KOC__BASE_DIGEST), err));
    for (size_t i = 0; i < koc_index_count(idx); i++) {
        KOC__TRY(add_child(&d, koc_index_get(idx, i), err));
    }
    return write_document(&d, out, err);
}

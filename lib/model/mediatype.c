/* Media types: their families, and the type of a document (CVE-2021-41190: never decided by one hint alone).
 * */
#include "core/common.h"

#include "core/str.h"
#include "model/model.h"

#define OCI_ARTIFACT   "application/vnd.oci.artifact.manifest.v1+json"
#define DOCKER_SCHEMA1 "application/vnd.docker.distribution.manifest.v1"

typedef struct layer_type {
    const char *media_type;
    int32_t format;
    int32_t compression;
    bool foreign;
} layer_type;

#define OCI_FOREIGN    "application/vnd.oci.image.layer.nondistributable.v1.tar"
#define DOCKER_FOREIGN "application/vnd.docker.image.rootfs.foreign.diff.tar"

static const layer_type layer_types[] = {
    {KOC_MT_OCI_LAYER_GZIP, KOC_FORMAT_OCI, KOC_COMPRESS_GZIP, false},
    {KOC_MT_OCI_LAYER, KOC_FORMAT_OCI, KOC_COMPRESS_NONE, false},
    {KOC_MT_OCI_LAYER_ZSTD, KOC_FORMAT_OCI, KOC_COMPRESS_ZSTD, false},
    {KOC_MT_DOCKER_LAYER_GZIP, KOC_FORMAT_DOCKER, KOC_COMPRESS_GZIP, false},
    {KOC_MT_DOCKER_LAYER, KOC_FORMAT_DOCKER, KOC_COMPRESS_NONE, false},
    {OCI_FOREIGN "+gzip", KOC_FORMAT_OCI, KOC_COMPRESS_GZIP, true},
    {OCI_FOREIGN, KOC_FORMAT_OCI, KOC_COMPRESS_NONE, true},
    {OCI_FOREIGN "+zstd", KOC_FORMAT_OCI, KOC_COMPRESS_ZSTD, true},
    {DOCKER_FOREIGN ".gzip", KOC_FORMAT_DOCKER, KOC_COMPRESS_GZIP, true},
    {DOCKER_FOREIGN, KOC_FORMAT_DOCKER, KOC_COMPRESS_NONE, true},
};

static const layer_type *find_layer_type(const char *media_type)
{
    for (size_t i = 0; i < KOC__COUNT(layer_types); i++) {
        if (koc__streq(layer_types[i].media_type, media_type)) {
            return &layer_types[i];
        }
    }
    return NULL;
}

bool koc__mt_is_valid(const char *media_type)
{
    koc_str left = {0}, right = {0};
    const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+";
    return media_type && koc__str_cut(koc__str(media_type), '/', &left, &right) && left.len > 0 &&
           right.len > 0 && left.len <= 127 && right.len <= 127 &&
           strspn(media_type, letters) == left.len && strspn(right.ptr, letters) == right.len;
}

bool koc__mt_is_index(const char *media_type)
{
    return koc__streq(media_type, KOC_MT_OCI_INDEX) || koc__streq(media_type, KOC_MT_DOCKER_LIST);
}

bool koc__mt_is_manifest(const char *media_type)
{
    return koc__streq(media_type, KOC_MT_OCI_MANIFEST) ||
           koc__streq(media_type, KOC_MT_DOCKER_MANIFEST);
}

bool koc__mt_is_config(const char *media_type)
{
    return koc__streq(media_type, KOC_MT_OCI_CONFIG) ||
           koc__streq(media_type, KOC_MT_DOCKER_CONFIG);
}

bool koc__mt_is_docker(const char *media_type)
{
    return koc__str_starts(koc__str(media_type), "application/vnd.docker.");
}

bool koc__mt_is_foreign(const char *media_type)
{
    const layer_type *t = find_layer_type(media_type);
    return t && t->foreign;
}

int32_t koc__mt_compression(const char *media_type)
{
    const layer_type *t = find_layer_type(media_type);
    return t ? t->compression : -1;
}

const char *koc__mt_layer(int32_t format, int32_t compression)
{
    for (size_t i = 0; i < KOC__COUNT(layer_types); i++) {
        const layer_type *t = &layer_types[i];
        if (!t->foreign && t->format == format && t->compression == compression) {
            return t->media_type;
        }
    }
    return NULL;
}

/* --- what a document is --- */

static const char *const document_types[] = {
    KOC_MT_OCI_INDEX,
    KOC_MT_OCI_MANIFEST,
    KOC_MT_DOCKER_LIST,
    KOC_MT_DOCKER_MANIFEST,
};

/* The type without its parameters. */
static koc_str bare_type(const char *content_type)
{
    koc_str s = koc__str(content_type);
    koc_str after = {0};
    koc__str_cut(s, ';', &s, &after);
    return koc__str_trim(s);
}

/* Servers that do not know manifest types send one of these. */
static bool is_generic(koc_str type)
{
    static const char *const generic[] = {"application/json", "text/plain",
                                          "application/octet-stream"};
    for (size_t i = 0; i < KOC__COUNT(generic); i++) {
        if (koc__str_ieq(type, koc__str(generic[i]))) {
            return true;
        }
    }
    return type.len == 0;
}

/* Known formats that koc does not read: for better messages than "unknown". */
static int refuse_known(koc_str type, const koc__jnode *root, const char *what, koc_error **err)
{
    uint64_t version = 0;
    if (koc__str_starts(type, DOCKER_SCHEMA1) ||
        (koc__json_u64(koc__json_get(root, "schemaVersion"), &version) && version == 1)) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "%s is in Docker's old format (schema 1), which koc does not read", what);
    }
    if (koc__str_is(type, OCI_ARTIFACT)) {
        return koc__error(err, KOC_EUNSUPPORTED, "%s is an artifact manifest, not an image", what);
    }
    return KOC_OK;
}

static int check_members(const koc__jnode *root, const char *what, koc_error **err)
{
    if (!koc__json_is(root, KOC__JSON_OBJECT)) {
        return koc__error(err, KOC_EFORMAT, "%s is not a JSON object", what);
    }
    if (koc__json_get(root, "manifests") &&
        (koc__json_get(root, "layers") || koc__json_get(root, "config"))) {
        return koc__error(err, KOC_EFORMAT, "%s claims to be an index and an image at once", what);
    }
    return KOC_OK;
}

static int check_version(const koc__jnode *root, const char *what, koc_error **err)
{
    uint64_t version = 0;
    if (!koc__json_u64(koc__json_get(root, "schemaVersion"), &version) || version != 2) {
        const char *text = koc__json_number(koc__json_get(root, "schemaVersion"));
        return koc__error(err, KOC_EFORMAT, "%s has the schemaVersion %s, not 2", what,
                          text ? text : "none");
    }
    return KOC_OK;
}

/* A document without a media type is classified by its members. Docker's formats always have one, so only a
 * Docker config indicates that family. */
static const char *type_by_members(const koc__jnode *root)
{
    if (koc__json_get(root, "manifests")) {
        return KOC_MT_OCI_INDEX;
    }
    if (!koc__json_get(root, "layers") || !koc__json_get(root, "config")) {
        return NULL;
    }
    const char *config = koc__json_get_str(koc__json_get(root, "config"), "mediaType");
    return koc__streq(config, KOC_MT_DOCKER_CONFIG) ? KOC_MT_DOCKER_MANIFEST : KOC_MT_OCI_MANIFEST;
}

static int check_shape(const koc__jnode *root, const char *type, const char *what, koc_error **err)
{
    bool index = koc__mt_is_index(type);
    bool fits = index ? koc__json_is(koc__json_get(root, "manifests"), KOC__JSON_ARRAY)
                      : koc__json_is(koc__json_get(root, "layers"), KOC__JSON_ARRAY) &&
                            koc__json_is(koc__json_get(root, "config"), KOC__JSON_OBJECT);
    if (!fits) {
        return koc__error(err, KOC_EFORMAT, "%s says it is %s but has no %s", what,
                          index ? "an index" : "an image manifest",
                          index ? "\"manifests\"" : "\"config\" and \"layers\"");
    }
    return KOC_OK;
}

int koc__mt_of_document(const koc__json *doc, const char *content_type, const char *what,
                        const char **out, koc_error **err)
{
    const koc__jnode *root = koc__json_root(doc);
    KOC__TRY(check_members(root, what, err));
    const koc__jnode *member = koc__json_get(root, "mediaType");
    if (member && !koc__json_str(member)) {
        return koc__error(err, KOC_EFORMAT, "%s: \"mediaType\" is not a string", what);
    }
    koc_str header = bare_type(content_type);
    koc_str inside = koc__str(koc__json_str(member));
    bool has_header = !is_generic(header);
    koc_str type = inside.len > 0 ? inside : has_header ? header : koc__str(NULL);
    KOC__TRY(refuse_known(type, root, what, err));
    if (has_header && inside.len > 0 && !koc__str_ieq(header, inside)) {
        return koc__error(err, KOC_EFORMAT, "%s was served as %.*s but its mediaType is %.*s", what,
                          KOC__FMT(header), KOC__FMT(inside));
    }
    KOC__TRY(check_version(root, what, err));
    const char *found = type.len > 0 ? NULL : type_by_members(root);
    for (size_t i = 0; i < KOC__COUNT(document_types) && !found; i++) {
        found = koc__str_ieq(type, koc__str(document_types[i])) ? document_types[i] : NULL;
    }
    if (!found) {
        return koc__error(err, KOC_EUNSUPPORTED,
                          "%s is neither an image nor an index: its media type is %.*s", what,
                          KOC__FMT(type.len > 0 ? type : KOC__STR("not given")));
    }
    KOC__TRY(check_shape(root, found, what, err));
    *out = found;
    return KOC_OK;
}

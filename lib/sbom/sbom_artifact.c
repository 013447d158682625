/* The entry points of the module, and the image that stores a document beside its subject in a registry. */
#include "core/common.h"

#include "core/dynbuf.h"
#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/str.h"
#include "model/model.h"
#include "sbom/bom.h"

#define DOCUMENT_MAX ((size_t)256 << 20)
#define CONFIG_TEXT                                                                                \
    "{\"architecture\":\"\",\"created\":\"0001-01-01T00:00:00Z\","                                 \
    "\"history\":[{\"created\":\"0001-01-01T00:00:00Z\"}],\"os\":\"\","                            \
    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]},\"config\":{}}"
#define MANIFEST_TEXT                                                                              \
    "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST "\","                              \
    "\"config\":{\"mediaType\":\"" KOC_MT_OCI_CONFIG "\",\"size\":%zu,\"digest\":\"%s\"},"         \
    "\"layers\":[{\"mediaType\":\"%s\",\"size\":%zu,\"digest\":\"%s\"}]}"

static const struct {
    const char *name, *suffix, *media_type;
} formats[KOC__SBOM_FORMATS] = {
    {"spdx", "spdx", "text/spdx+json"}, /* the media type that ko and cosign use */
    {"cyclonedx", "cdx", "application/vnd.cyclonedx+json"},
    {"spdx3", "spdx3", "application/spdx+json"},
};

bool koc__sbom_format_find(koc_str name, koc__sbom_format *out)
{
    for (int i = 0; i < KOC__SBOM_FORMATS; i++) {
        if (koc__str_is(name, formats[i].name)) {
            *out = (koc__sbom_format)i;
            return true;
        }
    }
    return false;
}

const char *koc__sbom_format_name(koc__sbom_format f)
{
    return formats[f].name;
}

static int write_document(const koc__bom *b, koc__sbom_format f, koc__dynbuf *out, koc_error **err)
{
    switch (f) {
    case KOC__SBOM_CYCLONEDX: return koc__cyclonedx_write(b, out, err);
    case KOC__SBOM_SPDX3: return koc__spdx3_write(b, out, err);
    default: return koc__spdx_write(b, out, err);
    }
}

int koc__sbom_image(const koc__sbom_options *o, const koc_image *img, const koc__exe_info *info,
                    koc__call *call, koc_buf *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(DOCUMENT_MAX);
    KOC__AUTO(koc__bom) bom = NULL;
    KOC__TRY(koc__call_check(call, err));
    if (o->compat && o->format == KOC__SBOM_SPDX) {
        KOC__TRY(koc__spdx_ko_image(o, img, info, &text, err));
    } else {
        KOC__TRY(koc__bom_new(&bom, err));
        KOC__TRY(koc__bom_collect_image(bom, o, img, info, call, err));
        KOC__TRY(write_document(bom, o->format, &text, err));
    }
    koc__dynbuf_give(&text, out);
    return KOC_OK;
}

int koc__sbom_index(const koc__sbom_options *o, const koc_index *idx, const koc__exe_info *info,
                    koc__call *call, koc_buf *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(DOCUMENT_MAX);
    KOC__AUTO(koc__bom) bom = NULL;
    KOC__TRY(koc__call_check(call, err));
    if (o->compat && o->format == KOC__SBOM_SPDX) {
        KOC__TRY(koc__spdx_ko_index(o, idx, &text, err));
    } else {
        KOC__TRY(koc__bom_new(&bom, err));
        KOC__TRY(koc__bom_collect_index(bom, o, idx, info, err));
        KOC__TRY(write_document(bom, o->format, &text, err));
    }
    koc__dynbuf_give(&text, out);
    return KOC_OK;
}

int koc__sbom_artifact(koc_ctx *ctx, koc_str doc, koc__sbom_format f, koc_image **out,
                       koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) config = KOC__DYNBUF_INIT(4096);
    KOC__AUTO_VAL(koc__dynbuf) manifest = KOC__DYNBUF_INIT(4096);
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_image) img = NULL;
    koc_digest layer_digest, config_digest;
    koc__sha256_of(doc.ptr, doc.len, &layer_digest);
    koc__digest_text layer = koc__digest_str(&layer_digest);
    KOC__TRY(koc__dynbuf_printf(&config, err, CONFIG_TEXT, layer.s));
    koc__sha256_of(config.ptr, config.len, &config_digest);
    KOC__TRY(koc__dynbuf_printf(&manifest, err, MANIFEST_TEXT, config.len,
                                koc__digest_str(&config_digest).s, formats[f].media_type, doc.len,
                                layer.s));
    KOC__TRY(koc_image_from_bytes(ctx, koc__dynbuf_view(&manifest), koc__dynbuf_view(&config), &img,
                                  err));
    KOC__TRY(koc_blob_from_bytes(doc, &blob, err));
    KOC__TRY(koc__image_attach(img, 0, blob, NULL, err));
    *out = koc__steal(&img);
    return KOC_OK;
}

char *koc__sbom_file_name(const char *base, const koc_platform *platform, koc__sbom_format f)
{
    KOC__AUTO_STR text = platform ? koc__platform_str(platform) : koc__strdup("index");
    if (!text) {
        return NULL;
    }
    for (char *p = text; *p; p++) {
        if (*p == '/' || *p == ':') {
            *p = '-';
        }
    }
    return koc__format("%s-%s.%s.json", base, text, formats[f].suffix);
}

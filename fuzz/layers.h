/* Images made of what the fuzzer gives: parts that are layers. */
#ifndef KOC_FUZZ_LAYERS_H
#define KOC_FUZZ_LAYERS_H

#include "parts.h"

#include "core/dynbuf.h"
#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/io.h"
#include "model/model.h"

enum { LAYERS_MAX = 4 };

static inline void digest_text(koc_str bytes, koc__digest_text *out)
{
    koc_digest d;
    koc__sha256_of(bytes.ptr, bytes.len, &d);
    *out = koc__digest_str(&d);
}

/* An image of plain tars; its layers have no content yet. */
static inline koc_image *image_of(koc_ctx *ctx, const koc_str *tars, size_t n)
{
    KOC__AUTO_VAL(koc__dynbuf) config = KOC__DYNBUF_INIT(1 << 16);
    KOC__AUTO_VAL(koc__dynbuf) manifest = KOC__DYNBUF_INIT(1 << 16);
    koc__digest_text d;
    koc_image *img = NULL;
    koc_error *err = NULL;
    FUZZ_CHECK(koc__dynbuf_puts(&config,
                                "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":"
                                "{\"type\":\"layers\",\"diff_ids\":[",
                                NULL) == KOC_OK);
    for (size_t i = 0; i < n; i++) {
        digest_text(tars[i], &d);
        koc__dynbuf_printf(&config, NULL, "%s\"%s\"", i ? "," : "", d.s);
    }
    koc__dynbuf_puts(&config, "]}}", NULL);
    digest_text(koc__dynbuf_view(&config), &d);
    koc__dynbuf_printf(&manifest, NULL,
                       "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST "\",\"config\":"
                       "{\"mediaType\":\"" KOC_MT_OCI_CONFIG
                       "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
                       d.s, config.len);
    for (size_t i = 0; i < n; i++) {
        digest_text(tars[i], &d);
        koc__dynbuf_printf(&manifest, NULL,
                           "%s{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
                           "\"digest\":\"%s\",\"size\":%zu}",
                           i ? "," : "", d.s, tars[i].len);
    }
    koc__dynbuf_puts(&manifest, "]}", NULL);
    int rc = koc_image_from_bytes(ctx, koc__dynbuf_view(&manifest), koc__dynbuf_view(&config), &img,
                                  &err);
    FUZZ_CHECK(fuzz_ok(rc, &err));
    return img;
}

#endif

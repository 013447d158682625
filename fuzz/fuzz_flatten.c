/*
 * koc export: layers one upon the other. What comes out is a tar that reads back, in which every name is there
 * once, below the root.
 */
#include "layers.h"
#include "trickle.h"

#include <koc/ext/edit.h>

#include "core/map.h"
#include "layer/tar.h"

enum { OUT_MAX = 4 << 20 };

static int to_buf(void *self, const void *data, size_t len, koc_error **err)
{
    return koc__dynbuf_append(self, data, len, err);
}

static void check_name(koc_str name)
{
    koc_str rest = name;
    koc_str word;
    FUZZ_CHECK(name.len > 0 && name.ptr[0] != '/');
    while (koc__str_split(&rest, '/', &word)) {
        FUZZ_CHECK(!koc__str_is(word, "..") && !koc__str_starts(word, ".wh."));
    }
}

static void check_tar(const koc__dynbuf *tar)
{
    trickle t = {koc__dynbuf_view(tar), SIZE_MAX};
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc__tar_reader) r = NULL;
    KOC__AUTO(koc__map) seen = koc__map_new(NULL);
    koc_error *err = NULL;
    FUZZ_CHECK(seen && fuzz_ok(trickle_open(&t, &in, &err), &err));
    FUZZ_CHECK(fuzz_ok(koc__tar_reader_new(in, "ours", &r, &err), &err));
    for (;;) {
        koc__tar_entry e = {0};
        bool more = false;
        FUZZ_CHECK(fuzz_ok(koc__tar_next(r, &e, &more, &err), &err));
        if (!more) {
            return;
        }
        check_name(koc__str(e.name));
        FUZZ_CHECK(!koc__map_get(seen, koc__str(e.name)));
        FUZZ_CHECK(koc__map_set(seen, koc__str(e.name), seen, NULL) == KOC_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static koc_ctx *ctx; /* one for all runs */
    KOC__AUTO_VAL(koc__dynbuf) out = KOC__DYNBUF_INIT(OUT_MAX);
    const koc_writer w = {to_buf, &out};
    koc_str rest = fuzz_str(data, size);
    koc_str tars[LAYERS_MAX];
    size_t n = 0;
    koc_error *err = NULL;
    if (!ctx) {
        FUZZ_CHECK(koc_ctx_new(NULL, &ctx, &err) == KOC_OK);
    }
    while (rest.len > 0 && n < LAYERS_MAX) {
        tars[n++] = next_part(&rest);
    }
    KOC__AUTO(koc_image) img = image_of(ctx, tars, n);
    for (size_t i = 0; i < n; i++) {
        KOC__AUTO(koc_blob) blob = NULL;
        FUZZ_CHECK(koc_blob_from_bytes(tars[i], &blob, &err) == KOC_OK);
        FUZZ_CHECK(fuzz_ok(koc__image_attach(img, i, blob, NULL, &err), &err));
    }
    if (fuzz_ok(koc_image_flatten(img, &w, NULL, &err), &err)) {
        check_tar(&out);
    }
    return 0;
}

/* Archives of docker save: whatever comes out of one can be read, or is refused with words. */
#include "directory.h"

#include <koc/store.h>

#include "model/model.h"

enum { LAYERS_MAX = 4 };

static void read_layers(koc_image *img)
{
    koc_error *err = NULL;
    for (size_t i = 0; i < koc_image_layer_count(img) && i < LAYERS_MAX; i++) {
        KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
        const koc_layer *layer = koc_image_layer(img, i);
        if (layer->blob &&
            fuzz_ok(koc_blob_read_all(layer->blob, 1 << 20, NULL, &bytes, &err), &err)) {
            FUZZ_CHECK(bytes.len == koc_layer_descriptor(layer)->size);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static koc_ctx *ctx; /* one for all runs */
    koc_error *err = NULL;
    size_t count = 1;
    if (!ctx) {
        FUZZ_CHECK(koc_ctx_new(NULL, &ctx, &err) == KOC_OK);
    }
    KOC__AUTO_STR path = koc__format("%s/archive.tar", fuzz_directory());
    FUZZ_CHECK(path);
    fuzz_write(path, fuzz_str(data, size));
    for (size_t i = 0; i < count && i < LAYERS_MAX; i++) {
        KOC__AUTO(koc_image) img = NULL;
        if (!fuzz_ok(koc_archive_read(ctx, path, i, NULL, &img, &count, &err), &err)) {
            return 0;
        }
        read_layers(img);
    }
    return 0;
}

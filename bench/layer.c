/*
 * The layer stage alone, through the public API: a folder becomes tar, DiffID, compressed bytes and digest,
 * and an image of that one layer goes into an OCI layout.
 *
 *     bench_layer FOLDER LAYOUT THREADS     prints the layer's compressed size
 */
#include <koc/koc.h>

#include <stdio.h>
#include <stdlib.h>

static int make(koc_ctx *ctx, const char *folder, const char *layout, koc_error **err)
{
    koc_layer_builder *builder = NULL;
    koc_image_builder *image_builder = NULL;
    koc_layer *layer = NULL;
    koc_image *image = NULL;
    koc_layout *target = NULL;
    koc_platform platform = KOC_PLATFORM_INIT;
    platform.os = "linux";
    platform.arch = "amd64";
    int rc = koc_layer_builder_new(ctx, NULL, &builder, err);
    if (rc == KOC_OK) {
        rc = koc_layer_builder_add_tree(builder, "/", folder, NULL, err);
    }
    if (rc == KOC_OK) {
        rc = koc_layer_builder_finish(builder, NULL, &layer, err);
    }
    if (rc == KOC_OK) {
        rc = koc_image_builder_new(ctx, NULL, &image_builder, err);
    }
    if (rc == KOC_OK) {
        rc = koc_image_builder_set_platform(image_builder, &platform, err);
    }
    if (rc == KOC_OK) {
        rc = koc_image_builder_add_layer(image_builder, layer, NULL, err);
    }
    if (rc == KOC_OK) {
        rc = koc_image_builder_finish(image_builder, NULL, &image, err);
    }
    if (rc == KOC_OK) {
        rc = koc_layout_open(ctx, layout, KOC_LAYOUT_CREATE, &target, err);
    }
    if (rc == KOC_OK) {
        rc = koc_layout_put_image(target, image, NULL, NULL, err);
    }
    if (rc == KOC_OK) {
        printf("%llu\n", (unsigned long long)koc_layer_descriptor(layer)->size);
    }
    koc_layout_unref(target);
    koc_image_unref(image);
    koc_image_builder_free(image_builder);
    koc_layer_unref(layer);
    koc_layer_builder_free(builder);
    return rc;
}

int main(int argc, char **argv)
{
    koc_ctx_options options = KOC_CTX_OPTIONS_INIT;
    koc_ctx *ctx = NULL;
    koc_error *err = NULL;
    if (argc != 4) {
        fprintf(stderr, "usage: bench_layer FOLDER LAYOUT THREADS\n");
        return 2;
    }
    options.threads = (uint32_t)strtoul(argv[3], NULL, 10);
    int rc = koc_ctx_new(&options, &ctx, &err);
    if (rc == KOC_OK) {
        rc = make(ctx, argv[1], argv[2], &err);
    }
    if (rc != KOC_OK) {
        fprintf(stderr, "bench_layer: %s\n", koc_error_message(err));
    }
    koc_error_free(err);
    koc_ctx_unref(ctx);
    return rc == KOC_OK ? 0 : 1;
}

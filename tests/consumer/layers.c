/* A program of someone else that makes layers and nothing more: what it links is measured. */
#include <koc/koc.h>

#include <stdio.h>

int main(void)
{
    const koc_str text = {"hello\n", 6};
    koc_layer_builder *builder = NULL;
    koc_layer *layer = NULL;
    koc_error *err = NULL;
    koc_ctx *ctx = NULL;
    char digest[80] = "";
    int rc = koc_ctx_new(NULL, &ctx, &err);

    if (rc == KOC_OK) {
        rc = koc_layer_builder_new(ctx, NULL, &builder, &err);
    }
    if (rc == KOC_OK) {
        rc = koc_layer_builder_add_bytes(builder, "/etc/motd", text, NULL, &err);
    }
    if (rc == KOC_OK) {
        rc = koc_layer_builder_finish(builder, NULL, &layer, &err);
    }
    if (rc == KOC_OK) {
        rc = koc_digest_format(&koc_layer_descriptor(layer)->digest, digest, sizeof(digest), &err);
    }
    puts(rc == KOC_OK ? digest : koc_error_message(err));
    koc_error_free(err);
    koc_layer_unref(layer);
    koc_layer_builder_free(builder);
    koc_ctx_unref(ctx);
    return rc == KOC_OK ? 0 : 1;
}

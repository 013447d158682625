/* threads N PACKAGE...: builds with N pool threads and no cache, and prints the references. */
#include <koc/ext/publish.h>
#include <koc/koc.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    koc_ctx *ctx = NULL;
    koc_published *published = NULL;
    koc_error *err = NULL;
    koc_ctx_options ctx_options = KOC_CTX_OPTIONS_INIT;
    koc_publish_options options = KOC_PUBLISH_OPTIONS_INIT;
    if (argc < 3) {
        return 2;
    }
    ctx_options.threads = (uint32_t)atoi(argv[1]);
    options.import_paths = (const char *const *)&argv[2];
    int rc = koc_ctx_new(&ctx_options, &ctx, &err);
    if (rc == KOC_OK) {
        rc = koc_publish(ctx, &options, NULL, &published, &err);
    }
    for (size_t i = 0; rc == KOC_OK && i < koc_published_count(published); i++) {
        puts(koc_published_reference(published, i));
    }
    if (rc != KOC_OK) {
        fprintf(stderr, "%s\n", koc_error_message(err));
    }
    koc_error_free(err);
    koc_published_free(published);
    koc_ctx_unref(ctx);
    return rc == KOC_OK ? 0 : 1;
}

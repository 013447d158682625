/*
 * build PACKAGE...: `koc build` in one call.
 *
 *     cc -o build build.c $(pkg-config --cflags --libs libkoc)
 *     KO_DOCKER_REPO=localhost:5000/me ./build ./cmd/app
 *
 * .ko.yaml and the KO_* environment variables provide the settings, as for the command.
 */
#include <koc/ext/publish.h>
#include <koc/koc.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    koc_ctx *ctx = NULL;
    koc_published *published = NULL;
    koc_error *err = NULL;
    koc_publish_options options = KOC_PUBLISH_OPTIONS_INIT;
    int rc = koc_ctx_new(NULL, &ctx, &err);

    if (argc > 1) {
        options.import_paths = (const char *const *)&argv[1]; /* argv also ends with NULL */
    }
    if (rc == KOC_OK) {
        rc = koc_publish(ctx, &options, NULL, &published, &err);
    }
    if (rc == KOC_OK) {
        for (size_t i = 0; i < koc_published_count(published); i++) {
            puts(koc_published_reference(published, i));
        }
    } else {
        fprintf(stderr, "build: %s\n", koc_error_message(err));
    }
    koc_error_free(err);
    koc_published_free(published);
    koc_ctx_unref(ctx);
    return rc == KOC_OK ? 0 : 1;
}

/* A program of someone else: an image of one file, written to the place that its argument names. */
#include <koc/ext/compose.h>
#include <koc/koc.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    const char *const targets[] = {argc > 1 ? argv[1] : "oci:out", NULL};
    koc_image_file file = KOC_IMAGE_FILE_INIT;
    koc_image_spec spec = KOC_IMAGE_SPEC_INIT;
    koc_built *built = NULL;
    koc_error *err = NULL;
    koc_ctx *ctx = NULL;
    int rc = koc_ctx_new(NULL, &ctx, &err);

    file.path = "/etc/motd";
    file.content.ptr = "hello\n";
    file.content.len = 6;
    spec.files = &file;
    spec.n_files = 1;
    spec.targets = targets;
    if (rc == KOC_OK) {
        rc = koc_build_image(ctx, &spec, NULL, &built, &err);
    }
    puts(rc == KOC_OK ? koc_built_reference(built, 0) : koc_error_message(err));
    koc_error_free(err);
    koc_built_free(built);
    koc_ctx_unref(ctx);
    return rc == KOC_OK ? 0 : 1;
}

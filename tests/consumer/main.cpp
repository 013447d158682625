// The same headers in C++.
#include <koc/ext/compose.h>
#include <koc/koc.h>

#include <cstdio>
#include <memory>

int main(int argc, char **argv)
{
    const char *const targets[] = {argc > 1 ? argv[1] : "oci:out", nullptr};
    koc_image_file file = KOC_IMAGE_FILE_INIT;
    koc_image_spec spec = KOC_IMAGE_SPEC_INIT;
    koc_ctx *ctx = nullptr;
    koc_built *built = nullptr;
    koc_error *err = nullptr;
    file.path = "/etc/motd";
    file.content = {"hello\n", 6};
    spec.files = &file;
    spec.n_files = 1;
    spec.targets = targets;
    int rc = koc_ctx_new(nullptr, &ctx, &err);
    std::unique_ptr<koc_ctx, decltype(&koc_ctx_unref)> owner(ctx, koc_ctx_unref);
    rc = rc == KOC_OK ? koc_build_image(ctx, &spec, nullptr, &built, &err) : rc;
    std::puts(rc == KOC_OK ? koc_built_reference(built, 0) : koc_error_message(err));
    koc_error_free(err);
    koc_built_free(built);
    return rc == KOC_OK ? 0 : 1;
}

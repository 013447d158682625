/*
 * A hundred small images, pushed one after the other: what push.py and push.rs do as well (bindings.py).
 *
 *     push HOST/REPOSITORY     prints the seconds that it took
 */
#include <koc/ext/compose.h>
#include <koc/koc.h>

#include <stdio.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int push(koc_ctx *ctx, koc_client *client, const char *repository, int n, koc_error **err)
{
    char target[256], content[32];
    const char *entrypoint[] = {"/app", NULL}, *targets[] = {target, NULL};
    koc_image_file file = KOC_IMAGE_FILE_INIT;
    koc_image_changes changes = KOC_IMAGE_CHANGES_INIT;
    koc_image_spec spec = KOC_IMAGE_SPEC_INIT;
    koc_built *built = NULL;
    snprintf(target, sizeof(target), "%s:%d", repository, n);
    file.path = "/app";
    file.content = (koc_str){content, (size_t)snprintf(content, sizeof(content), "program %d", n)};
    changes.entrypoint = entrypoint;
    spec.client = client;
    spec.files = &file;
    spec.n_files = 1;
    spec.changes = &changes;
    spec.targets = targets;
    int rc = koc_build_image(ctx, &spec, NULL, &built, err);
    koc_built_free(built);
    return rc;
}

int main(int argc, char **argv)
{
    koc_ctx *ctx = NULL;
    koc_client *client = NULL;
    koc_error *err = NULL;
    int rc = koc_ctx_new(NULL, &ctx, &err);
    if (rc == KOC_OK) {
        rc = koc_client_new(ctx, NULL, &client, &err);
    }
    double start = now();
    for (int n = 0; rc == KOC_OK && argc == 2 && n < 100; n++) {
        rc = push(ctx, client, argv[1], n, &err);
    }
    printf("%.6f\n", now() - start);
    if (rc != KOC_OK) {
        fprintf(stderr, "%s\n", koc_error_message(err));
    }
    koc_error_free(err);
    koc_client_unref(client);
    koc_ctx_unref(ctx);
    return rc != KOC_OK;
}

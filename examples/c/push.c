/*
 * push BASE TARGET PROGRAM: adds a program to a base image and pushes the result.
 *
 *     cc -o push push.c $(pkg-config --cflags --libs libkoc)
 *     ./push gcr.io/distroless/static localhost:5000/app:dev build/server
 *
 * This is everything that a build tool in C needs. Layers of the base are not downloaded if the target has
 * them or can mount them. ^C ends it cleanly.
 */
#include <koc/koc.h>

#include <signal.h>
#include <stdio.h>

static koc_cancel *cancel;

static void on_signal(int number)
{
    (void)number;
    koc_cancel_trigger(cancel); /* safe in a signal handler */
}

static int on_progress(const koc_progress *event, void *payload)
{
    (void)payload;
    if (event->state == KOC_STATE_WAITING) {
        fprintf(stderr, "waiting for %s: %s\n", event->what, event->reason);
    } else if (event->state == KOC_STATE_FINISHED && event->kind != KOC_PROGRESS_REQUEST) {
        fprintf(stderr, "done: %s\n", event->what);
    }
    return 0;
}

/* The layer with the program at /app/server. */
static int make_layer(koc_ctx *ctx, const char *program, const koc_op *op, koc_layer **out,
                      koc_error **err)
{
    koc_layer_builder *builder = NULL;
    koc_entry executable = KOC_ENTRY_INIT;
    int rc = koc_layer_builder_new(ctx, NULL, &builder, err);

    executable.mode = 0555;
    if (rc == KOC_OK) {
        rc = koc_layer_builder_add_file(builder, "/app/server", program, &executable, err);
    }
    if (rc == KOC_OK) {
        rc = koc_layer_builder_finish(builder, op, out, err); /* tar, hash, gzip, hash: one pass */
    }
    koc_layer_builder_free(builder);
    return rc;
}

/* The base with the layer on top, and the program as what it runs. */
static int make_image(koc_ctx *ctx, koc_image *base, koc_layer *layer, const koc_op *op,
                      koc_image **out, koc_error **err)
{
    const char *const entrypoint[] = {"/app/server", NULL};
    koc_image_builder *builder = NULL;
    int rc = koc_image_builder_new(ctx, base, &builder, err);

    if (rc == KOC_OK) {
        rc = koc_image_builder_add_layer(builder, layer, NULL, err);
    }
    if (rc == KOC_OK) {
        rc = koc_image_builder_set_entrypoint(builder, entrypoint, err);
    }
    if (rc == KOC_OK) {
        rc = koc_image_builder_finish(builder, op, out, err);
    }
    koc_image_builder_free(builder);
    return rc;
}

static int build_and_push(koc_ctx *ctx, koc_client *client, char **argv, const koc_op *op,
                          koc_digest *digest, koc_error **err)
{
    koc_reference *source = NULL;
    koc_reference *target = NULL;
    koc_layer *layer = NULL;
    koc_image *base = NULL;
    koc_image *image = NULL;
    koc_platform platform = KOC_PLATFORM_INIT;
    int rc;

    platform.os = "linux";
    platform.arch = "amd64";
    rc = koc_reference_parse(argv[1], 0, &source, err);
    if (rc == KOC_OK) {
        rc = koc_reference_parse(argv[2], 0, &target, err);
    }
    if (rc == KOC_OK) { /* manifest and config only */
        rc = koc_client_get_image(client, source, &platform, op, &base, err);
    }
    if (rc == KOC_OK) {
        rc = make_layer(ctx, argv[3], op, &layer, err);
    }
    if (rc == KOC_OK) {
        rc = make_image(ctx, base, layer, op, &image, err);
    }
    if (rc == KOC_OK) {
        rc = koc_client_push_image(client, target, image, NULL, op, digest, err);
    }
    /* In any order; all of them accept NULL. */
    koc_image_unref(image);
    koc_image_unref(base);
    koc_layer_unref(layer);
    koc_reference_unref(target);
    koc_reference_unref(source);
    return rc;
}

int main(int argc, char **argv)
{
    koc_ctx *ctx = NULL;
    koc_auth *auth = NULL;
    koc_client *client = NULL;
    koc_error *err = NULL;
    koc_digest digest;
    koc_client_options options = KOC_CLIENT_OPTIONS_INIT;
    koc_op op = KOC_OP_INIT;
    char text[160];
    int rc;

    if (argc != 4) {
        fprintf(stderr, "usage: push BASE TARGET PROGRAM\n");
        return 2;
    }
    rc = koc_cancel_new(&cancel, &err);
    if (rc == KOC_OK) {
        signal(SIGINT, on_signal);
        op.cancel = cancel;
        op.progress = on_progress;
        rc = koc_ctx_new(NULL, &ctx, &err);
    }
    if (rc == KOC_OK) {
        rc = koc_auth_docker(NULL, &auth, &err);
    }
    if (rc == KOC_OK) {
        options.auth = auth;
        rc = koc_client_new(ctx, &options, &client, &err);
    }
    if (rc == KOC_OK) {
        rc = build_and_push(ctx, client, argv, &op, &digest, &err);
    }
    if (rc == KOC_OK) {
        rc = koc_digest_format(&digest, text, sizeof(text), &err);
    }
    if (rc == KOC_OK) {
        printf("%s@%s\n", argv[2], text);
    } else {
        fprintf(stderr, "push: %s\n", koc_error_message(err));
    }
    signal(SIGINT, SIG_DFL); /* the handler must not outlive what it triggers */
    koc_error_free(err);
    koc_client_unref(client);
    koc_auth_unref(auth);
    koc_ctx_unref(ctx);
    koc_cancel_unref(cancel);
    return rc == KOC_OK ? 0 : 1;
}

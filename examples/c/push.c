/*
 * push BASE TARGET PROGRAM: adds a program to a base image, for all platforms of the base, and pushes the result.
 *
 *     cc -o push push.c $(pkg-config --cflags --libs libkoc)
 *     ./push gcr.io/distroless/static localhost:5000/app:dev build/server
 *
 * Layers of the base are not downloaded if the target has them or can mount them. ^C ends it cleanly.
 */
#include <koc/ext/compose.h>
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
    }
    return 0;
}

/* base, target and program are the words of the command line. */
static int push(koc_ctx *ctx, const char *base, const char *target, const char *program,
                const koc_op *op, koc_built **out, koc_error **err)
{
    const char *const targets[] = {target, NULL};
    const char *const entrypoint[] = {"/app/server", NULL};
    koc_image_file file = KOC_IMAGE_FILE_INIT;
    koc_image_changes changes = KOC_IMAGE_CHANGES_INIT;
    koc_image_spec spec = KOC_IMAGE_SPEC_INIT;

    file.path = "/app/server";
    file.source = program;
    changes.entrypoint = entrypoint;
    spec.base = base;
    spec.files = &file;
    spec.n_files = 1;
    spec.changes = &changes;
    spec.targets = targets;
    return koc_build_image(ctx, &spec, op, out, err);
}

int main(int argc, char **argv)
{
    koc_ctx *ctx = NULL;
    koc_built *built = NULL;
    koc_error *err = NULL;
    koc_op op = KOC_OP_INIT;
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
        rc = push(ctx, argv[1], argv[2], argv[3], &op, &built, &err);
    }
    if (rc == KOC_OK) {
        printf("%s\n", koc_built_reference(built, 0));
    } else {
        fprintf(stderr, "push: %s\n", koc_error_message(err));
    }
    signal(SIGINT, SIG_DFL); /* the handler must not outlive what it triggers */
    koc_error_free(err);
    koc_built_free(built);
    koc_ctx_unref(ctx);
    koc_cancel_unref(cancel);
    return rc == KOC_OK ? 0 : 1;
}

/*
 * The registry client by itself, for tests: only public headers.
 *
 *     regtool [-v...] [--auth-file F] [--insecure] [--allow-http H] [--ca F] [--cache D] [--attempts N]
 *             [--first-byte MS] COMMAND ARGS
 *
 * Prints results to stdout, "regtool: message" and "hint: ..." to stderr; exits 0, 1 or 2 (usage).
 */
#include <koc/koc.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static koc_ctx *ctx;
static koc_client *client;
static koc_error *error;

static int usage(void)
{
    fputs("usage: regtool [options] make DIR BYTES [SEED] | push DIR REF [TAG...] | pull REF DIR |\n"
          "               resolve REF | manifest REF | copy SRC DST | put-blob FILE REPO |\n"
          "               get-blob REPO DIGEST SIZE\n",
          stderr);
    return 2;
}

static void on_log(int32_t level, const char *component, const char *message, void *payload)
{
    (void)level;
    (void)payload;
    fprintf(stderr, "%s: %s\n", component, message);
}

static int on_progress(const koc_progress *e, void *payload)
{
    static const char *const states[] = {"?", "started", "active", "skipped", "mounted", "finished", "failed"};

    (void)payload;
    if (e->state != KOC_STATE_ACTIVE) {
        fprintf(stderr, "progress: %s %s\n", states[e->state], e->what);
    }
    return 0;
}

static koc_op op = KOC_OP_INIT;

static koc_reference *reference(const char *text)
{
    koc_reference *r = NULL;

    koc_reference_parse(text, 0, &r, &error);
    return r;
}

static void print_digest(const koc_digest *d)
{
    char text[KOC_DIGEST_TEXT_MAX];

    if (koc_digest_format(d, text, sizeof(text), NULL) == KOC_OK) {
        puts(text);
    }
}

/* An image with one layer of bytes that do not compress. */
static int cmd_make(char **args)
{
    size_t size = strtoul(args[1], NULL, 10);
    uint64_t x = args[2] ? strtoul(args[2], NULL, 10) + 88172645463325252u : 88172645463325252u;
    char *data = malloc(size + 1);
    koc_layer_builder *lb = NULL;
    koc_image_builder *ib = NULL;
    koc_layer *layer = NULL;
    koc_image *img = NULL;
    koc_layout *layout = NULL;
    koc_platform platform = KOC_PLATFORM_INIT;
    const char *argv[] = {"/app", NULL};

    platform.os = "linux";
    platform.arch = "amd64";
    for (size_t i = 0; data && i < size; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        data[i] = (char)x;
    }
    int rc = data ? koc_layer_builder_new(ctx, NULL, &lb, &error) : KOC_ENOMEM;
    rc = rc ? rc : koc_layer_builder_add_bytes(lb, "/app", (koc_str){data, size}, NULL, &error);
    rc = rc ? rc : koc_layer_builder_finish(lb, NULL, &layer, &error);
    rc = rc ? rc : koc_image_builder_new(ctx, NULL, &ib, &error);
    rc = rc ? rc : koc_image_builder_add_layer(ib, layer, NULL, &error);
    rc = rc ? rc : koc_image_builder_set_entrypoint(ib, argv, &error);
    rc = rc ? rc : koc_image_builder_set_platform(ib, &platform, &error);
    rc = rc ? rc : koc_image_builder_finish(ib, NULL, &img, &error);
    rc = rc ? rc : koc_layout_open(ctx, args[0], KOC_LAYOUT_CREATE, &layout, &error);
    rc = rc ? rc : koc_layout_put_image(layout, img, NULL, NULL, &error);
    if (rc == KOC_OK) {
        print_digest(&koc_image_descriptor(img)->digest);
    }
    koc_layout_unref(layout);
    koc_image_unref(img);
    koc_image_builder_free(ib);
    koc_layer_unref(layer);
    koc_layer_builder_free(lb);
    free(data);
    return rc;
}

/* The last entry of the layout. */
static int cmd_push(char **args)
{
    koc_layout *layout = NULL;
    koc_index *list = NULL, *idx = NULL;
    koc_image *img = NULL;
    koc_reference *r = reference(args[1]);
    koc_push_options o = KOC_PUSH_OPTIONS_INIT;
    koc_digest d;
    int rc = r ? koc_layout_open(ctx, args[0], 0, &layout, &error) : KOC_EINVAL;

    o.extra_tags = (const char *const *)(args + 2);
    rc = rc ? rc : koc_layout_list(layout, &list, &error);
    if (rc == KOC_OK && koc_index_count(list) > 0) {
        const koc_descriptor *top = koc_index_get(list, koc_index_count(list) - 1);
        if (strstr(top->media_type, "index") || strstr(top->media_type, "list")) {
            rc = koc_layout_get_index(layout, &top->digest, &idx, &error);
            rc = rc ? rc : koc_client_push_index(client, r, idx, &o, &op, &d, &error);
        } else {
            rc = koc_layout_get_image(layout, &top->digest, &img, &error);
            rc = rc ? rc : koc_client_push_image(client, r, img, &o, &op, &d, &error);
        }
        if (rc == KOC_OK) {
            print_digest(&d);
        }
    }
    koc_image_unref(img);
    koc_index_unref(idx);
    koc_index_unref(list);
    koc_layout_unref(layout);
    koc_reference_unref(r);
    return rc;
}

static int cmd_pull(char **args)
{
    koc_reference *r = reference(args[0]);
    koc_image *img = NULL;
    koc_layout *layout = NULL;
    int rc = r ? koc_client_get_image(client, r, NULL, &op, &img, &error) : KOC_EINVAL;

    rc = rc ? rc : koc_layout_open(ctx, args[1], KOC_LAYOUT_CREATE, &layout, &error);
    rc = rc ? rc : koc_layout_put_image(layout, img, NULL, &op, &error);
    if (rc == KOC_OK) {
        print_digest(&koc_image_descriptor(img)->digest);
    }
    koc_layout_unref(layout);
    koc_image_unref(img);
    koc_reference_unref(r);
    return rc;
}

static int cmd_resolve(char **args)
{
    koc_reference *r = reference(args[0]);
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_buf storage = KOC_BUF_INIT;
    char text[KOC_DIGEST_TEXT_MAX];
    int rc = r ? koc_client_resolve(client, r, &op, &storage, &d, &error) : KOC_EINVAL;

    rc = rc ? rc : koc_digest_format(&d.digest, text, sizeof(text), &error);
    if (rc == KOC_OK) {
        printf("%s %" PRIu64 " %s\n", text, d.size, d.media_type ? d.media_type : "?");
    }
    koc_buf_dispose(&storage);
    koc_reference_unref(r);
    return rc;
}

static int cmd_manifest(char **args)
{
    koc_reference *r = reference(args[0]);
    koc_buf bytes = KOC_BUF_INIT;
    int rc = r ? koc_client_get_manifest(client, r, &op, &bytes, NULL, NULL, &error) : KOC_EINVAL;

    if (rc == KOC_OK) {
        fwrite(bytes.ptr, 1, bytes.len, stdout);
    }
    koc_buf_dispose(&bytes);
    koc_reference_unref(r);
    return rc;
}

static int cmd_copy(char **args)
{
    koc_reference *from = reference(args[0]), *to = reference(args[1]);
    koc_image *img = NULL;
    koc_digest d;
    int rc = from && to ? koc_client_get_image(client, from, NULL, &op, &img, &error) : KOC_EINVAL;

    rc = rc ? rc : koc_client_push_image(client, to, img, NULL, &op, &d, &error);
    if (rc == KOC_OK) {
        print_digest(&d);
    }
    koc_image_unref(img);
    koc_reference_unref(to);
    koc_reference_unref(from);
    return rc;
}

static int cmd_put_blob(char **args)
{
    koc_reference *repo = reference(args[1]);
    koc_blob *b = NULL;
    koc_digest d;
    int rc = repo ? koc_blob_from_file(args[0], NULL, &b, &error) : KOC_EINVAL;

    rc = rc ? rc : koc_client_put_blob(client, repo, b, &op, &error);
    rc = rc ? rc : koc_blob_digest(b, NULL, &d, &error);
    if (rc == KOC_OK) {
        print_digest(&d);
    }
    koc_blob_unref(b);
    koc_reference_unref(repo);
    return rc;
}

static int cmd_get_blob(char **args)
{
    koc_reference *repo = reference(args[0]);
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_blob *b = NULL;
    koc_reader *r = NULL;
    static char chunk[131072];
    size_t n = 1;
    int rc = repo ? koc_digest_parse(args[1], &d.digest, &error) : KOC_EINVAL;

    d.size = strtoull(args[2], NULL, 10);
    rc = rc ? rc : koc_client_get_blob(client, repo, &d, &b, &error);
    rc = rc ? rc : koc_blob_open(b, 0, &op, &r, &error);
    while (rc == KOC_OK && n > 0) {
        rc = koc_reader_read(r, chunk, sizeof(chunk), &n, &error);
        if (rc == KOC_OK) {
            fwrite(chunk, 1, n, stdout);
        }
    }
    koc_reader_free(r);
    koc_blob_unref(b);
    koc_reference_unref(repo);
    return rc;
}

static const struct command {
    const char *name;
    int args; /* at least */
    int (*run)(char **args);
} commands[] = {
    {"make", 2, cmd_make},         {"push", 2, cmd_push},         {"pull", 2, cmd_pull},
    {"resolve", 1, cmd_resolve},   {"manifest", 1, cmd_manifest}, {"copy", 2, cmd_copy},
    {"put-blob", 2, cmd_put_blob}, {"get-blob", 3, cmd_get_blob},
};

static int finish(int rc)
{
    if (rc != KOC_OK) {
        fprintf(stderr, "regtool: %s [%s]\n", koc_error_message(error), koc_code_name((koc_code)rc));
        if (koc_error_hint(error)) {
            fprintf(stderr, "hint: %s\n", koc_error_hint(error));
        }
    }
    koc_error_free(error);
    koc_client_unref(client);
    koc_ctx_unref(ctx);
    return rc == KOC_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    koc_ctx_options co = KOC_CTX_OPTIONS_INIT;
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    const char *auth_file = NULL, *allow[2] = {NULL, NULL};
    koc_auth *auth = NULL;
    int i = 1, rc;

    co.log = on_log;
    co.log_level = KOC_LOG_WARN;
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "-v") == 0) {
            co.log_level++;
            op.progress = on_progress;
        } else if (strcmp(argv[i], "--insecure") == 0) {
            o.flags |= KOC_CLIENT_INSECURE;
        } else if (!value) {
            return usage();
        } else if (strcmp(argv[i], "--auth-file") == 0) {
            auth_file = argv[++i];
        } else if (strcmp(argv[i], "--allow-http") == 0) {
            allow[0] = argv[++i];
            o.allow_http = allow;
        } else if (strcmp(argv[i], "--ca") == 0) {
            o.ca_file = argv[++i];
        } else if (strcmp(argv[i], "--cache") == 0) {
            co.cache_dir = argv[++i];
        } else if (strcmp(argv[i], "--attempts") == 0) {
            o.max_attempts = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--first-byte") == 0) {
            o.response_timeout_ms = strtol(argv[++i], NULL, 10);
        } else {
            return usage();
        }
    }
    for (size_t k = 0; i < argc && k < sizeof(commands) / sizeof(commands[0]); k++) {
        if (strcmp(argv[i], commands[k].name) == 0 && argc - i - 1 >= commands[k].args) {
            rc = koc_ctx_new(&co, &ctx, &error);
            rc = rc ? rc : koc_auth_docker(auth_file, &auth, &error);
            o.auth = auth;
            rc = rc ? rc : koc_client_new(ctx, &o, &client, &error);
            koc_auth_unref(auth);
            return finish(rc ? rc : commands[k].run(argv + i + 1));
        }
    }
    return usage();
}

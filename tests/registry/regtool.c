/*
 * The registry client by itself, for tests: only public headers.
 *
 *     regtool [-v...] [--auth-file F] [--insecure] [--allow-http H] [--ca F] [--cache D] [--attempts N]
 *             [--first-byte MS] [--timeout MS] [--no-errors] COMMAND ARGS
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
static koc_error **err = &error; /* NULL with --no-errors: the codes must be the same */

static int usage(void)
{
    fputs(
        "usage: regtool [options] push BYTES SEED LAYERS REF [TAG...] | push-index BYTES SEED REF |\n"
        "               push-pull BYTES SEED LAYERS REF |\n"
        "               pull REF [PLATFORM] | resolve REF | manifest REF | copy SRC DST |\n"
        "               put-blob FILE REPO | get-blob REPO DIGEST SIZE | tags REPO | delete REF |\n"
        "               attach SEED SUBJECT | referrers SUBJECT [TYPE] |\n"
        "               login HOST USER PASSWORD | logout HOST | lookup HOST [SECONDS HOST...]\n",
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
    static const char *const states[] = {"?",       "started",  "active", "skipped",
                                         "mounted", "finished", "failed", "waiting"};

    (void)payload;
    if (e->state == KOC_STATE_WAITING) {
        fprintf(stderr, "progress: waiting %s: %s (attempt %u, %lld ms)\n", e->what, e->reason,
                e->attempt, (long long)e->wait_ms);
    } else if (e->state != KOC_STATE_ACTIVE) {
        fprintf(stderr, "progress: %s %s\n", states[e->state], e->what);
    }
    return 0;
}

static koc_op op = KOC_OP_INIT;

static koc_reference *reference(const char *text)
{
    koc_reference *r = NULL;
    koc_reference_parse(text, 0, &r, err);
    return r;
}

static void print_digest(const koc_digest *d)
{
    char text[KOC_DIGEST_TEXT_MAX];
    if (koc_digest_format(d, text, sizeof(text), NULL) == KOC_OK) {
        puts(text);
    }
}

/* An image with layers of bytes that do not compress, the same for the same size and seed. */
static int make_layer(size_t size, uint64_t seed, koc_layer **out)
{
    uint64_t x = seed + 88172645463325252u;
    char *data = malloc(size + 8);
    koc_layer_builder *b = NULL;
    for (size_t i = 0; data && i < size; i += 8) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(data + i, &x, 8);
    }
    int rc = data ? koc_layer_builder_new(ctx, NULL, &b, err) : KOC_ENOMEM;
    rc = rc ? rc : koc_layer_builder_add_bytes(b, "/app", (koc_str){data, size}, NULL, err);
    rc = rc ? rc : koc_layer_builder_finish(b, NULL, out, err);
    koc_layer_builder_free(b);
    free(data);
    return rc;
}

static int make_image(size_t size, uint64_t seed, unsigned layers, const char *arch,
                      const koc_descriptor *subject, koc_image **out)
{
    koc_image_builder *b = NULL;
    koc_platform platform = KOC_PLATFORM_INIT;
    const char *argv[] = {"/app", NULL};
    int rc = koc_image_builder_new(ctx, NULL, &b, err);
    platform.os = "linux";
    platform.arch = arch;
    for (unsigned i = 0; rc == KOC_OK && i < layers; i++) {
        koc_layer *layer = NULL;
        rc = make_layer(size, seed + i, &layer);
        rc = rc ? rc : koc_image_builder_add_layer(b, layer, NULL, err);
        koc_layer_unref(layer);
    }
    rc = rc ? rc : koc_image_builder_set_entrypoint(b, argv, err);
    rc = rc ? rc : koc_image_builder_set_platform(b, &platform, err);
    if (rc == KOC_OK && subject) {
        rc = koc_image_builder_set_subject(b, subject, err);
    }
    rc = rc ? rc : koc_image_builder_finish(b, NULL, out, err);
    koc_image_builder_free(b);
    return rc;
}

static int cmd_push(char **args)
{
    koc_reference *r = reference(args[3]);
    koc_push_options o = KOC_PUSH_OPTIONS_INIT;
    koc_image *img = NULL;
    koc_digest d;
    int rc = r ? make_image(strtoul(args[0], NULL, 10), strtoul(args[1], NULL, 10),
                            (unsigned)strtoul(args[2], NULL, 10), "amd64", NULL, &img)
               : KOC_EINVAL;

    o.extra_tags = (const char *const *)(args + 4);
    rc = rc ? rc : koc_client_push_image(client, r, img, &o, &op, &d, err);
    if (rc == KOC_OK) {
        print_digest(&d);
    }
    koc_image_unref(img);
    koc_reference_unref(r);
    return rc;
}

/* An index of two images. */
static int cmd_push_index(char **args)
{
    koc_reference *r = reference(args[2]);
    koc_index_builder *b = NULL;
    koc_index *idx = NULL;
    koc_digest d;
    int rc = r ? koc_index_builder_new(ctx, KOC_FORMAT_OCI, &b, err) : KOC_EINVAL;
    for (unsigned i = 0; rc == KOC_OK && i < 2; i++) {
        koc_platform p = KOC_PLATFORM_INIT;
        koc_image *img = NULL;
        p.os = "linux";
        p.arch = i ? "arm64" : "amd64";
        rc = make_image(strtoul(args[0], NULL, 10), strtoul(args[1], NULL, 10) + i, 2, p.arch, NULL,
                        &img);
        rc = rc ? rc : koc_index_builder_add_image(b, img, &p, err);
        koc_image_unref(img);
    }
    rc = rc ? rc : koc_index_builder_finish(b, &idx, err);
    rc = rc ? rc : koc_client_push_index(client, r, idx, NULL, &op, &d, err);
    if (rc == KOC_OK) {
        print_digest(&d);
    }
    koc_index_unref(idx);
    koc_index_builder_free(b);
    koc_reference_unref(r);
    return rc;
}

static int read_all(koc_layer *l)
{
    static char chunk[131072];
    koc_reader *r = NULL;
    size_t n = 1;
    int rc = koc_layer_open(l, &op, &r, err);
    while (rc == KOC_OK && n > 0) {
        rc = koc_reader_read(r, chunk, sizeof(chunk), &n, err);
    }
    koc_reader_free(r);
    return rc;
}

/* Fetches and checks all there is of an image. */
static int cmd_pull(char **args)
{
    koc_reference *r = reference(args[0]);
    koc_image *img = NULL;
    koc_platform p = KOC_PLATFORM_INIT;
    koc_buf storage = KOC_BUF_INIT;
    int rc = r ? KOC_OK : KOC_EINVAL;
    if (rc == KOC_OK && args[1]) {
        rc = koc_platform_parse(args[1], &storage, &p, err);
    }
    rc = rc ? rc : koc_client_get_image(client, r, args[1] ? &p : NULL, &op, &img, err);
    for (size_t i = 0; rc == KOC_OK && i < koc_image_layer_count(img); i++) {
        rc = read_all(koc_image_layer(img, i));
    }
    if (rc == KOC_OK) {
        print_digest(&koc_image_descriptor(img)->digest);
    }
    koc_image_unref(img);
    koc_buf_dispose(&storage);
    koc_reference_unref(r);
    return rc;
}

/* Pushes, and reads it back in the same process. */
static int cmd_push_pull(char **args)
{
    char *none[] = {args[3], NULL};
    int rc = cmd_push(args);
    return rc ? rc : cmd_pull(none);
}

/* An image that refers to another one in the same repository. */
static int cmd_attach(char **args)
{
    koc_reference *subject = reference(args[1]), *repo = NULL;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_buf storage = KOC_BUF_INIT;
    koc_image *img = NULL;
    koc_digest digest;
    int rc = subject ? koc_client_resolve(client, subject, &op, &storage, &d, err) : KOC_EINVAL;
    rc = rc ? rc : make_image(300, strtoul(args[0], NULL, 10), 1, "amd64", &d, &img);
    rc = rc ? rc : koc_reference_with_tag(subject, NULL, &repo, err);
    rc = rc ? rc : koc_client_push_image(client, repo, img, NULL, &op, &digest, err);
    if (rc == KOC_OK) {
        print_digest(&digest);
    }
    koc_image_unref(img);
    koc_buf_dispose(&storage);
    koc_reference_unref(repo);
    koc_reference_unref(subject);
    return rc;
}

static int cmd_referrers(char **args)
{
    koc_reference *tag = reference(args[0]), *r = NULL;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_buf storage = KOC_BUF_INIT;
    koc_index *idx = NULL;
    int rc = tag ? koc_client_resolve(client, tag, &op, &storage, &d, err) : KOC_EINVAL;
    rc = rc ? rc : koc_reference_with_digest(tag, &d.digest, &r, err);
    rc = rc ? rc : koc_client_list_referrers(client, r, args[1], &op, &idx, err);
    for (size_t i = 0; rc == KOC_OK && i < koc_index_count(idx); i++) {
        print_digest(&koc_index_get(idx, i)->digest);
    }
    koc_index_unref(idx);
    koc_buf_dispose(&storage);
    koc_reference_unref(r);
    koc_reference_unref(tag);
    return rc;
}

static int cmd_tags(char **args)
{
    koc_reference *repo = reference(args[0]);
    koc_strlist *tags = NULL;
    int rc = repo ? koc_client_list_tags(client, repo, &op, &tags, err) : KOC_EINVAL;
    for (size_t i = 0; rc == KOC_OK && i < koc_strlist_count(tags); i++) {
        puts(koc_strlist_get(tags, i));
    }
    koc_strlist_free(tags);
    koc_reference_unref(repo);
    return rc;
}

static int cmd_delete(char **args)
{
    koc_reference *r = reference(args[0]);
    int rc = r ? koc_client_delete_manifest(client, r, &op, err) : KOC_EINVAL;
    koc_reference_unref(r);
    return rc;
}

/* Which credential would be used. */
/* Hosts, and between them seconds to wait. */
static int cmd_lookup(char **args)
{
    koc_auth *auth = NULL;
    int rc = koc_auth_docker(NULL, &auth, err);
    for (; rc == KOC_OK && *args; args++) {
        koc_credential *cred = NULL;
        if (strspn(*args, "0123456789") == strlen(*args)) {
            sleep((unsigned)strtoul(*args, NULL, 10));
            continue;
        }
        rc = koc_auth_lookup(auth, *args, "x", &op, &cred, err);
        if (rc == KOC_OK && cred) {
            const char *user = koc_credential_username(cred);
            printf("%s %s\n", user ? user : "-", koc_credential_secret(cred));
        }
        koc_credential_free(cred);
    }
    koc_auth_unref(auth);
    return rc;
}

static int cmd_login(char **args)
{
    koc_credential *cred = NULL;
    koc_buf where = KOC_BUF_INIT;
    int rc = koc_credential_new(KOC_CRED_BASIC, args[1], args[2], &cred, err);
    rc = rc ? rc : koc_auth_docker_store(NULL, args[0], cred, &op, &where, err);
    if (rc == KOC_OK) {
        puts(where.ptr);
    }
    koc_buf_dispose(&where);
    koc_credential_free(cred);
    return rc;
}

static int cmd_logout(char **args)
{
    return koc_auth_docker_erase(NULL, args[0], &op, NULL, err);
}

static int cmd_resolve(char **args)
{
    koc_reference *r = reference(args[0]);
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_buf storage = KOC_BUF_INIT;
    char text[KOC_DIGEST_TEXT_MAX];
    int rc = r ? koc_client_resolve(client, r, &op, &storage, &d, err) : KOC_EINVAL;
    rc = rc ? rc : koc_digest_format(&d.digest, text, sizeof(text), err);
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
    int rc = r ? koc_client_get_manifest(client, r, &op, &bytes, NULL, NULL, err) : KOC_EINVAL;
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
    int rc = from && to ? koc_client_get_image(client, from, NULL, &op, &img, err) : KOC_EINVAL;
    rc = rc ? rc : koc_client_push_image(client, to, img, NULL, &op, &d, err);
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
    int rc = repo ? koc_blob_from_file(args[0], NULL, &b, err) : KOC_EINVAL;
    rc = rc ? rc : koc_client_put_blob(client, repo, b, &op, err);
    rc = rc ? rc : koc_blob_digest(b, NULL, &d, err);
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
    int rc = repo ? koc_digest_parse(args[1], &d.digest, err) : KOC_EINVAL;
    d.size = strtoull(args[2], NULL, 10);
    rc = rc ? rc : koc_client_get_blob(client, repo, &d, &b, err);
    rc = rc ? rc : koc_blob_open(b, 0, &op, &r, err);
    while (rc == KOC_OK && n > 0) {
        rc = koc_reader_read(r, chunk, sizeof(chunk), &n, err);
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
    {"push", 4, cmd_push},           {"push-index", 3, cmd_push_index},
    {"push-pull", 4, cmd_push_pull}, {"pull", 1, cmd_pull},
    {"resolve", 1, cmd_resolve},     {"manifest", 1, cmd_manifest},
    {"copy", 2, cmd_copy},           {"put-blob", 2, cmd_put_blob},
    {"get-blob", 3, cmd_get_blob},   {"tags", 1, cmd_tags},
    {"lookup", 1, cmd_lookup},       {"login", 3, cmd_login},
    {"logout", 1, cmd_logout},       {"delete", 1, cmd_delete},
    {"attach", 2, cmd_attach},       {"referrers", 1, cmd_referrers},
};

static int finish(int rc)
{
    if (rc != KOC_OK) {
        fprintf(stderr, "regtool: %s [%s]\n", koc_error_message(error),
                koc_code_name((koc_code)rc));
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
        } else if (strcmp(argv[i], "--no-errors") == 0) {
            err = NULL;
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
        } else if (strcmp(argv[i], "--timeout") == 0) {
            op.timeout_ms = strtol(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--first-byte") == 0) {
            o.response_timeout_ms = strtol(argv[++i], NULL, 10);
        } else {
            return usage();
        }
    }
    for (size_t k = 0; i < argc && k < sizeof(commands) / sizeof(commands[0]); k++) {
        if (strcmp(argv[i], commands[k].name) == 0 && argc - i - 1 >= commands[k].args) {
            rc = koc_ctx_new(&co, &ctx, err);
            rc = rc ? rc : koc_auth_docker(auth_file, &auth, err);
            o.auth = auth;
            rc = rc ? rc : koc_client_new(ctx, &o, &client, err);
            koc_auth_unref(auth);
            return finish(rc ? rc : commands[k].run(argv + i + 1));
        }
    }
    return usage();
}

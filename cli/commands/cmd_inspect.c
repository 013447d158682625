/* koc inspect: describes images, for people and as JSON. */
#include "commands/cmd_inspect_common.h"
#include "commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "term/fit_line.h"

enum { DEPTH_MAX = 6, LABEL = 17 };

static const cli_flag flags[] = {
    {"platform", 0, CLI_STRING, offsetof(inspect_options, platform), "PLATFORM", "Selection",
     "only this image of an index", CLI_PLATFORMS},
    {"json", 0, CLI_BOOL, offsetof(inspect_options, json), NULL, "Results",
     "print one JSON document (docs/json.md)"},
    CLIENT_FLAG_ROWS(inspect_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};

/* --- lines --- */

static void print_digest(const char *label, const koc_digest *d, const char *after)
{
    char text[KOC_DIGEST_TEXT_MAX], line[512];
    snprintf(line, sizeof(line), "%s%s%s", label, fit_digest(d, text), after);
    fit_cut(line);
}

/* Prints a JSON value; a string without its quotes. */
static void print_value(const char *label, const koc_buf *value)
{
    bool text = value->len >= 2 && value->ptr[0] == '"';
    printf("    %-12s ", label);
    fit_value(value->ptr + (text ? 1 : 0), text ? value->len - 2 : value->len, LABEL);
}

/* Prints a member of the config unless it is missing or empty. */
static void print_setting(const koc_image *img, const char *label, const char *pointer)
{
    koc_buf value = KOC_BUF_INIT;
    if (koc_image_config_get(img, pointer, &value, NULL) == KOC_OK &&
        strcmp(value.ptr, "null") != 0 && strcmp(value.ptr, "\"\"") != 0 &&
        strcmp(value.ptr, "{}") != 0 && strcmp(value.ptr, "[]") != 0) {
        print_value(label, &value);
    }
    koc_buf_dispose(&value);
}

static void print_list(const koc_image *img, const char *label, const char *pointer)
{
    char at[128];
    koc_buf value = KOC_BUF_INIT;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(at, sizeof(at), "%s/%u", pointer, i);
        if (koc_image_config_get(img, at, &value, NULL) != KOC_OK) {
            break;
        }
        print_value(i == 0 ? label : "", &value);
    }
    koc_buf_dispose(&value);
}

static bool is_empty_step(const koc_image *img, unsigned i, koc_buf *value)
{
    char at[64];
    snprintf(at, sizeof(at), "/history/%u/empty_layer", i);
    return koc_image_config_get(img, at, value, NULL) == KOC_OK && strcmp(value->ptr, "true") == 0;
}

static void print_step(const char *label, const char *number, const koc_buf *step)
{
    size_t size = step->len + 64;
    char *line = malloc(size);
    if (line) {
        snprintf(line, size, "    %-12s %3s  %.*s", label, number, (int)(step->len - 2),
                 step->ptr + 1);
        fit_cut(line);
    }
    free(line);
}

/* Prints the steps of the history that have a command, each with the number of its layer. */
static void print_history(const koc_image *img)
{
    char at[64];
    koc_buf value = KOC_BUF_INIT;
    const char *label = "history";
    size_t layer = 0;
    for (unsigned i = 0; i < 1000; i++) {
        char number[24] = "-";
        snprintf(at, sizeof(at), "/history/%u", i);
        if (koc_image_config_get(img, at, &value, NULL) != KOC_OK) {
            break;
        }
        if (!is_empty_step(img, i, &value)) {
            snprintf(number, sizeof(number), "%zu", ++layer);
        }
        snprintf(at, sizeof(at), "/history/%u/created_by", i);
        if (koc_image_config_get(img, at, &value, NULL) == KOC_OK && value.len > 2) {
            print_step(label, number, &value);
            label = "";
        }
    }
    koc_buf_dispose(&value);
}

static void print_layers(const koc_image *img)
{
    char size[24], text[KOC_DIGEST_TEXT_MAX], line[512];
    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        const koc_descriptor *d = koc_layer_descriptor(koc_image_layer(img, i));
        snprintf(line, sizeof(line), "    %-12s %3zu  %s  %9s  %s", i == 0 ? "layers" : "", i + 1,
                 fit_digest(&d->digest, text), cli_size(d->size, size), d->media_type);
        fit_cut(line);
    }
}

static void print_image(const koc_image *img)
{
    koc_buf name = KOC_BUF_INIT;
    uint64_t total = koc_image_config_descriptor(img)->size;
    char size[24];
    const koc_platform *p = koc_image_platform(img);
    for (size_t i = 0; i < koc_image_layer_count(img); i++) {
        total += koc_layer_descriptor(koc_image_layer(img, i))->size;
    }
    bool named = p && koc_platform_format(p, &name, NULL) == KOC_OK && name.len > 0;
    printf("  %s, %zu layer%s, %s\n", named ? name.ptr : "no platform", koc_image_layer_count(img),
           koc_image_layer_count(img) == 1 ? "" : "s", cli_size(total, size));
    print_digest("    digest       ", &koc_image_descriptor(img)->digest, "");
    print_digest("    config       ", &koc_image_config_descriptor(img)->digest, "");
    print_setting(img, "created", "/created");
    print_setting(img, "author", "/author");
    print_setting(img, "user", "/config/User");
    print_setting(img, "workdir", "/config/WorkingDir");
    print_setting(img, "entrypoint", "/config/Entrypoint");
    print_setting(img, "cmd", "/config/Cmd");
    print_setting(img, "ports", "/config/ExposedPorts");
    print_setting(img, "volumes", "/config/Volumes");
    print_list(img, "env", "/config/Env");
    print_setting(img, "labels", "/config/Labels");
    print_layers(img);
    print_history(img);
    koc_buf_dispose(&name);
}

/* --- manifests --- */

static int describe_image(const inspected *x, const koc_platform *want, const koc_digest *d,
                          koc_error **err)
{
    CLI_AUTO(koc_image) img = NULL;
    CLI_AUTO(koc_error) why = NULL;
    int rc = koc_source_get_image_by(x->source, d, &x->session->op, &img, &why);
    if (rc == KOC_EUNSUPPORTED) {
        print_digest("  artifact ", d, "");
        return KOC_OK;
    }
    if (rc != KOC_OK) {
        *err = why;
        why = NULL;
        return rc;
    }
    if (!want || (koc_image_platform(img) && koc_platform_matches(want, koc_image_platform(img)))) {
        print_image(img);
    }
    return KOC_OK;
}

static int describe_index(const inspected *x, const koc_platform *want, koc_str bytes, int depth,
                          koc_error **err);

static int describe_entry(const inspected *x, const koc_platform *want, const koc_descriptor *d,
                          int depth, koc_error **err)
{
    if (is_index_type(d->media_type)) {
        CLI_AUTO_VAL(koc_buf) inner = KOC_BUF_INIT;
        if (depth >= DEPTH_MAX) {
            return cli_fail(err, KOC_ELIMIT, "indexes are nested more than 6 deep");
        }
        CLI_TRY(koc_source_get_manifest(x->source, &d->digest, &x->session->op, &inner, NULL, err));
        return describe_index(x, want, (koc_str){inner.ptr, inner.len}, depth + 1, err);
    }
    if (d->platform && d->platform->os && strcmp(d->platform->os, "unknown") == 0) {
        if (!want) {
            print_digest("  attestation ", &d->digest, "");
        }
        return KOC_OK;
    }
    if (!is_manifest_type(d->media_type)) {
        char after[200];
        snprintf(after, sizeof(after), "  %s", d->media_type ? d->media_type : "");
        print_digest("  artifact ", &d->digest, after);
        return KOC_OK;
    }
    return describe_image(x, want, &d->digest, err);
}

static int describe_index(const inspected *x, const koc_platform *want, koc_str bytes, int depth,
                          koc_error **err)
{
    CLI_AUTO(koc_index) idx = NULL;
    CLI_TRY(koc_index_from_bytes(x->session->ctx, bytes, &idx, err));
    for (size_t i = 0; i < koc_index_count(idx); i++) {
        CLI_TRY(describe_entry(x, want, koc_index_get(idx, i), depth, err));
    }
    return KOC_OK;
}

static int list_referrers(const inspected *x, koc_error **err)
{
    CLI_AUTO(koc_index) list = NULL;
    const koc_descriptor *top = koc_source_descriptor(x->source);
    CLI_TRY(koc_source_list_referrers(x->source, &top->digest, NULL, &x->session->op, &list, err));
    for (size_t i = 0; i < koc_index_count(list); i++) {
        const koc_descriptor *d = koc_index_get(list, i);
        char after[200];
        snprintf(after, sizeof(after), "  %s", d->artifact_type ? d->artifact_type : "");
        print_digest("  referrer ", &d->digest, after);
    }
    return KOC_OK;
}

/* Checks before anything is printed that there is an image for the platform; an error lists those there are. */
static int check_platform(const inspected *x, const koc_platform *want, koc_error **err)
{
    CLI_AUTO(koc_image) img = NULL;
    CLI_AUTO_VAL(koc_buf) have = KOC_BUF_INIT;
    CLI_TRY(koc_source_get_image(x->source, want, &x->session->op, &img, err));
    const koc_platform *p = koc_image_platform(img);
    if (p && koc_platform_matches(want, p)) {
        return KOC_OK;
    }
    bool named = p && koc_platform_format(p, &have, NULL) == KOC_OK;
    return cli_fail(err, KOC_EPLATFORM, "%.300s is an image for %.100s only", x->name,
                    named ? have.ptr : "no platform");
}

static int describe(const inspected *x, const koc_platform *want, koc_error **err)
{
    const koc_descriptor *top = koc_source_descriptor(x->source);
    char after[160];
    printf("%s\n", x->name);
    snprintf(after, sizeof(after), "  %s", top->media_type);
    print_digest("  ", &top->digest, after);
    if (is_index_type(top->media_type)) {
        CLI_TRY(describe_index(x, want, koc_source_manifest(x->source), 0, err));
    } else {
        CLI_TRY(describe_image(x, want, &top->digest, err));
    }
    return list_referrers(x, err);
}

static int inspect(const inspected *x, koc_error **err)
{
    const inspect_options *o = x->options;
    koc_platform want = KOC_PLATFORM_INIT;
    CLI_AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    CLI_AUTO_VAL(koc_buf) json = KOC_BUF_INIT;
    const koc_platform *p = o->platform ? &want : NULL;
    if (p) {
        CLI_TRY(koc_platform_parse(o->platform, &storage, &want, err));
        CLI_TRY(check_platform(x, p, err));
    }
    if (!o->json) {
        return describe(x, p, err);
    }
    CLI_TRY(koc_source_inspect(x->source, p, &x->session->op, &json, err));
    fwrite(json.ptr, 1, json.len, stdout);
    putchar('\n');
    return KOC_OK;
}

static int run(cli *c, void *options, const cli_list *args)
{
    return inspect_each(c, options, args, inspect);
}

static const cli_example examples[] = {
    {"koc inspect registry.example/app:1", "platforms, layers, settings, history, referrers"},
    {"koc inspect --json oci:out | jq '.images[].platform'", "for programs"},
    {NULL, NULL},
};
const cli_command cli_inspect = {
    .name = "inspect",
    .group = "Images",
    .usage = "koc inspect [flags] SRC...",
    .summary = "describe images",
    .description =
        "Shows the manifests, platforms, layers, sizes, settings, history and referrers of "
        "an image or index. No layer is fetched. On a terminal digests are shortened; "
        "in a pipe, with --json and from koc digest they are complete.",
    .more = inspect_places,
    .examples = examples,
    .complete = CLI_FILES,
    .flags = flags,
    .options_size = sizeof(inspect_options),
    .run = run,
};

/* koc manifest, config, digest, validate: each prints or checks one part of an image. */
#include "commands/cmd_inspect_common.h"
#include "commands/commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "term/json_output.h"

#define AT(member) offsetof(inspect_options, member)
/* clang-format off */
#define PLATFORM_ROW \
    {"platform", 0, CLI_STRING, AT(platform), "PLATFORM", "Selection", "select this image of an index", CLI_PLATFORMS}
/* clang-format on */

/* Prints exactly these bytes; on a terminal also a line end, for the prompt. */
static void print_bytes(koc_str bytes)
{
    fwrite(bytes.ptr, 1, bytes.len, stdout);
    if (isatty(STDOUT_FILENO)) {
        putchar('\n');
    }
}

/* The image that --platform names; without the flag the library's default. */
static int choose_image(const inspected *x, koc_image **out, koc_error **err)
{
    const char *text = x->options->platform;
    CLI_AUTO_VAL(koc_buf) storage = KOC_BUF_INIT;
    koc_platform want = KOC_PLATFORM_INIT;
    if (text) {
        CLI_TRY(koc_platform_parse(text, &storage, &want, err));
    }
    return koc_source_get_image(x->source, text ? &want : NULL, &x->session->op, out, err);
}

/* --- manifest --- */

static int print_manifest(const inspected *x, koc_error **err)
{
    CLI_AUTO(koc_image) img = NULL;
    if (x->options->platform) {
        CLI_TRY(choose_image(x, &img, err));
    }
    print_bytes(img ? koc_image_manifest(img) : koc_source_manifest(x->source));
    return KOC_OK;
}

static int run_manifest(cli *c, void *options, const cli_list *args)
{
    return inspect_each(c, options, args, print_manifest);
}

static const cli_flag manifest_flags[] = {
    PLATFORM_ROW,
    CLIENT_FLAG_ROWS(inspect_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_example manifest_examples[] = {
    {"koc manifest registry.example/app:1", "the index, byte for byte"},
    {"koc manifest --platform=linux/arm64 registry.example/app:1", "the manifest of one image"},
    {NULL, NULL},
};
const cli_command cli_manifest = {
    .name = "manifest",
    .group = "Images",
    .usage = "koc manifest [flags] SRC",
    .summary = "print a manifest or index",
    .description = "Prints the manifest or index exactly as it is stored, after verifying its "
                   "digest.",
    .more = inspect_places,
    .examples = manifest_examples,
    .complete = CLI_FILES,
    .flags = manifest_flags,
    .options_size = sizeof(inspect_options),
    .run = run_manifest,
};

/* --- config --- */

static int print_config(const inspected *x, koc_error **err)
{
    CLI_AUTO(koc_image) img = NULL;
    CLI_TRY(choose_image(x, &img, err));
    print_bytes(koc_image_config(img));
    return KOC_OK;
}

static int run_config(cli *c, void *options, const cli_list *args)
{
    return inspect_each(c, options, args, print_config);
}

static const cli_example config_examples[] = {
    {"koc config registry.example/app:1 | jq .config.Env", "the environment of an image"},
    {NULL, NULL},
};
const cli_command cli_config = {
    .name = "config",
    .group = "Images",
    .usage = "koc config [flags] SRC",
    .summary = "print the config of an image",
    .description =
        "Prints the config of an image exactly as it is stored. Of an index, koc takes the "
        "image for --platform, else the only image, else the one for linux/amd64.",
    .more = inspect_places,
    .examples = config_examples,
    .complete = CLI_FILES,
    .flags = manifest_flags,
    .options_size = sizeof(inspect_options),
    .run = run_config,
};

/* --- digest --- */

static int print_digest(const inspected *x, koc_error **err)
{
    CLI_AUTO(koc_image) img = NULL;
    char text[KOC_DIGEST_TEXT_MAX] = "";
    if (x->options->platform) {
        CLI_TRY(choose_image(x, &img, err));
    }
    const koc_descriptor *d = img ? koc_image_descriptor(img) : koc_source_descriptor(x->source);
    koc_digest_format(&d->digest, text, sizeof(text), NULL);
    printf("%s%s%s\n", x->options->full ? x->name : "", x->options->full ? "@" : "", text);
    return KOC_OK;
}

static int run_digest(cli *c, void *options, const cli_list *args)
{
    return inspect_each(c, options, args, print_digest);
}

static const cli_flag digest_flags[] = {
    PLATFORM_ROW,
    {"full-ref", 0, CLI_BOOL, AT(full), NULL, "Results", "print SRC@DIGEST"},
    CLIENT_FLAG_ROWS(inspect_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_example digest_examples[] = {
    {"koc digest registry.example/app:1", "the digest that the tag has now"},
    {NULL, NULL},
};
const cli_command cli_digest = {
    .name = "digest",
    .group = "Images",
    .usage = "koc digest [flags] SRC...",
    .summary = "print the digests of images",
    .description =
        "Prints the digest of each image or index, computed from its bytes and not taken "
        "from a registry's answer.",
    .more = inspect_places,
    .examples = digest_examples,
    .complete = CLI_FILES,
    .flags = digest_flags,
    .options_size = sizeof(inspect_options),
    .run = run_digest,
};

/* --- validate --- */

typedef struct findings {
    const inspected *x;
    size_t checked, problems;
} findings;

static int on_check(const char *what, const char *problem, void *payload)
{
    findings *f = payload;
    f->checked++;
    f->problems += problem != NULL;
    if (f->x->options->json) {
        cli_json_open(NULL, '{');
        cli_json_text("what", what);
        cli_json_bool("ok", problem == NULL);
        cli_json_text("problem", problem);
        cli_json_close('}');
    } else if (problem) {
        printf("%s: %s\n", what, problem);
    }
    return 0;
}

static int validate(const inspected *x, koc_error **err)
{
    findings f = {x, 0, 0};
    double start = cli_now();
    if (x->options->json) {
        cli_json_open(NULL, '{');
        cli_json_text("schema", "koc-validate-1");
        cli_json_text("name", x->name);
        cli_json_digest("digest", &koc_source_descriptor(x->source)->digest);
        cli_json_open("checks", '[');
    }
    int rc = koc_source_check(x->source, x->options->fast ? KOC_CHECK_FAST : 0, on_check, &f,
                              &x->session->op, err);
    if (x->options->json) {
        cli_json_close(']');
        cli_json_bool("ok", rc == KOC_OK);
        cli_json_close('}');
    }
    if (rc == KOC_OK) {
        cli_verb(x->c, "Checked", "%s, %zu parts in %.1fs", x->name, f.checked, cli_now() - start);
    }
    return rc;
}

static int run_validate(cli *c, void *options, const cli_list *args)
{
    return inspect_each(c, options, args, validate);
}

static const cli_flag validate_flags[] = {
    {"fast", 0, CLI_BOOL, AT(fast), NULL, "Selection",
     "read only manifests and configs, and check that layers exist"},
    {"json", 0, CLI_BOOL, AT(json), NULL, "Results", "print every check as JSON"},
    CLIENT_FLAG_ROWS(inspect_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_example validate_examples[] = {
    {"koc validate registry.example/app:1", "all platforms, every byte"},
    {"koc validate --fast oci:out", "without reading layers"},
    {NULL, NULL},
};
const cli_command cli_validate = {
    .name = "validate",
    .group = "Images",
    .usage = "koc validate [flags] SRC...",
    .summary = "check every digest, size and layer of an image",
    .description =
        "Reads a whole image or index and checks digests, sizes and DiffIDs, that layers are tar "
        "files, and that platforms match the configs. Prints what is wrong and exits with 1.",
    .more = inspect_places,
    .examples = validate_examples,
    .complete = CLI_FILES,
    .flags = validate_flags,
    .options_size = sizeof(inspect_options),
    .run = run_validate,
};

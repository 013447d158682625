/* koc manifest, config, digest, validate: one thing of an image each. */
#include "commands/cmd_inspect_common.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "term/json_output.h"

#define AT(member) offsetof(look_options, member)
/* clang-format off */
#define PLATFORM_ROW \
    {"platform", 0, CLI_STRING, AT(platform), "PLATFORM", "What", "of this image of an index", CLI_PLATFORMS}
/* clang-format on */

/* Exactly the bytes; on a terminal a line end, so that the prompt stands alone. */
static void print_bytes(koc_str bytes)
{
    fwrite(bytes.ptr, 1, bytes.len, stdout);
    if (isatty(STDOUT_FILENO)) {
        putchar('\n');
    }
}

/* The image that --platform names; without the flag what default_one says. */
static int choose(const look *l, koc_image **out, koc_error **err)
{
    const char *text = l->options->platform;
    koc_platform want = KOC_PLATFORM_INIT;
    koc_buf storage = KOC_BUF_INIT;
    int rc = text ? koc_platform_parse(text, &storage, &want, err) : KOC_OK;
    rc = rc == KOC_OK
             ? koc_source_get_image(l->source, text ? &want : NULL, &l->session->op, out, err)
             : rc;
    koc_buf_dispose(&storage);
    return rc;
}

/* --- manifest --- */

static int print_manifest(const look *l, koc_error **err)
{
    koc_image *img = NULL;
    if (!l->options->platform) {
        print_bytes(koc_source_manifest(l->source));
        return KOC_OK;
    }
    int rc = choose(l, &img, err);
    if (rc == KOC_OK) {
        print_bytes(koc_image_manifest(img));
    }
    koc_image_unref(img);
    return rc;
}

static int run_manifest(cli *c, void *options, const cli_list *args)
{
    return look_each(c, options, args, print_manifest);
}

static const cli_flag manifest_flags[] = {
    PLATFORM_ROW,
    CLIENT_FLAG_ROWS(look_options, client, "Registries"),
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
    .description = "Prints the manifest or index exactly as it is stored, after its digest was "
                   "checked.",
    .more = look_places,
    .examples = manifest_examples,
    .complete = CLI_FILES,
    .flags = manifest_flags,
    .options_size = sizeof(look_options),
    .run = run_manifest,
};

/* --- config --- */

static int print_config(const look *l, koc_error **err)
{
    koc_image *img = NULL;
    int rc = choose(l, &img, err);
    if (rc == KOC_OK) {
        print_bytes(koc_image_config(img));
    }
    koc_image_unref(img);
    return rc;
}

static int run_config(cli *c, void *options, const cli_list *args)
{
    return look_each(c, options, args, print_config);
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
    .description = "Prints the image's config exactly as it is stored. Of an index it is that of "
                   "--platform, else of the only image, else of linux/amd64.",
    .more = look_places,
    .examples = config_examples,
    .complete = CLI_FILES,
    .flags = manifest_flags,
    .options_size = sizeof(look_options),
    .run = run_config,
};

/* --- digest --- */

static int print_digest(const look *l, koc_error **err)
{
    koc_image *img = NULL;
    char text[KOC_DIGEST_TEXT_MAX] = "";
    const koc_descriptor *d = koc_source_descriptor(l->source);
    int rc = l->options->platform ? choose(l, &img, err) : KOC_OK;
    if (rc == KOC_OK) {
        d = img ? koc_image_descriptor(img) : d;
        koc_digest_format(&d->digest, text, sizeof(text), NULL);
        printf("%s%s%s\n", l->options->full ? l->name : "", l->options->full ? "@" : "", text);
    }
    koc_image_unref(img);
    return rc;
}

static int run_digest(cli *c, void *options, const cli_list *args)
{
    return look_each(c, options, args, print_digest);
}

static const cli_flag digest_flags[] = {
    PLATFORM_ROW,
    {"full-ref", 0, CLI_BOOL, AT(full), NULL, "Results", "print SRC@DIGEST"},
    CLIENT_FLAG_ROWS(look_options, client, "Registries"),
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL, NULL},
};
static const cli_example digest_examples[] = {
    {"koc digest registry.example/app:1", "what the tag stands for now"},
    {NULL, NULL},
};
const cli_command cli_digest = {
    .name = "digest",
    .group = "Images",
    .usage = "koc digest [flags] SRC...",
    .summary = "print the digests of images",
    .description = "Prints the digest of each image or index, of its bytes and not only of what a "
                   "registry says.",
    .more = look_places,
    .examples = digest_examples,
    .complete = CLI_FILES,
    .flags = digest_flags,
    .options_size = sizeof(look_options),
    .run = run_digest,
};

/* --- validate --- */

typedef struct findings {
    const look *l;
    size_t checked, problems;
} findings;

static int on_check(const char *what, const char *problem, void *payload)
{
    findings *f = payload;
    f->checked++;
    f->problems += problem != NULL;
    if (f->l->options->json) {
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

static int validate(const look *l, koc_error **err)
{
    findings f = {l, 0, 0};
    double start = cli_now();
    if (l->options->json) {
        cli_json_open(NULL, '{');
        cli_json_text("schema", "koc-validate-1");
        cli_json_text("name", l->name);
        cli_json_digest("digest", &koc_source_descriptor(l->source)->digest);
        cli_json_open("checks", '[');
    }
    int rc = koc_source_check(l->source, l->options->fast ? KOC_CHECK_FAST : 0, on_check, &f,
                              &l->session->op, err);
    if (l->options->json) {
        cli_json_close(']');
        cli_json_bool("ok", rc == KOC_OK);
        cli_json_close('}');
    }
    if (rc == KOC_OK) {
        cli_verb(l->c, "Checked", "%s, %zu parts in %.1fs", l->name, f.checked, cli_now() - start);
    }
    return rc;
}

static int run_validate(cli *c, void *options, const cli_list *args)
{
    return look_each(c, options, args, validate);
}

static const cli_flag validate_flags[] = {
    {"fast", 0, CLI_BOOL, AT(fast), NULL, "What",
     "read documents only, and see that layers are there"},
    {"json", 0, CLI_BOOL, AT(json), NULL, "Results", "print every check as JSON"},
    CLIENT_FLAG_ROWS(look_options, client, "Registries"),
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
        "Reads an image or index whole: digests, sizes, DiffIDs, whether layers are tar "
        "files, whether platforms are those of the configs. Prints what is wrong; exit 1.",
    .more = look_places,
    .examples = validate_examples,
    .complete = CLI_FILES,
    .flags = validate_flags,
    .options_size = sizeof(look_options),
    .run = run_validate,
};

/* koc build: the flags of ko's and ours, handed to koc_publish. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <koc/ext/publish.h>
#include <koc/layer.h>

typedef struct build_options {
    cli_list tags, platforms, ldflags, labels, annotations;
    const char *user, *base_image, *compat, *compression, *sbom, *sbom_dir;
    const char *layout, *tarball, *image_refs;
    int32_t jobs;
    bool push, tag_only, preserve, base_paths, bare, disable_optimizations;
    bool local, debug, insecure, no_cache, json, force;
    cli_list allow_http;
} build_options;

#define AT(member) offsetof(build_options, member)
static const cli_flag flags[] = {
    {"tags", 't', CLI_CSV, AT(tags), "TAGS", "Where to", "tags to write (default latest)"},
    {"tag-only", 0, CLI_BOOL, AT(tag_only), NULL, "Where to", "print repo:tag without the digest"},
    {"push", 0, CLI_BOOL, AT(push), NULL, "Where to",
     "push to KO_DOCKER_REPO (default true; --push=false builds only)"},
    {"oci-layout-path", 0, CLI_STRING, AT(layout), "DIR", "Where to", "also write an OCI image layout"},
    {"tarball", 0, CLI_STRING, AT(tarball), "FILE", "Where to", "also write a docker-save archive"},
    {"image-refs", 0, CLI_STRING, AT(image_refs), "FILE", "Where to",
     "also write the references of all images to FILE"},
    {"local", 'L', CLI_BOOL, AT(local), NULL, "Where to", "load into the Docker daemon (not in this version)"},
    {"insecure-registry", 0, CLI_BOOL, AT(insecure), NULL, "Where to",
     "allow plain HTTP and unverified certificates, for every registry of this run"},
    {"allow-http", 0, CLI_LIST, AT(allow_http), "HOST", "Where to", "allow plain HTTP to this registry"},
    {"preserve-import-paths", 'P', CLI_BOOL, AT(preserve), NULL, "Names",
     "name images by their whole import path"},
    {"base-import-paths", 'B', CLI_BOOL, AT(base_paths), NULL, "Names",
     "name images by the last element of their import path, without the MD5"},
    {"bare", 0, CLI_BOOL, AT(bare), NULL, "Names", "use KO_DOCKER_REPO alone as the name"},
    {"platform", 0, CLI_CSV, AT(platforms), "LIST", "What is built",
     "all, or a list of os[/arch[/variant]][:os.version] (default linux/amd64)"},
    {"base-image", 0, CLI_STRING, AT(base_image), "REF", "What is built",
     "base for all packages: a reference, scratch, oci:DIR or docker-archive:FILE"},
    {"ldflags", 0, CLI_CSV, AT(ldflags), "FLAGS", "What is built", "linker flags instead of those in .ko.yaml"},
    {"disable-optimizations", 0, CLI_BOOL, AT(disable_optimizations), NULL, "What is built",
     "compile without optimizations, for debuggers"},
    {"debug", 0, CLI_BOOL, AT(debug), NULL, "What is built", "add a debugger (not in this version)"},
    {"jobs", 'j', CLI_INT, AT(jobs), "N", "What is built", "compiles at once (default one a core)"},
    {"force", 0, CLI_BOOL, AT(force), NULL, "What is built", "build even when nothing changed"},
    {"image-label", 0, CLI_CSV, AT(labels), "KEY=VALUE", "What is in it", "labels for the image's config"},
    {"image-annotation", 0, CLI_CSV, AT(annotations), "KEY=VALUE", "What is in it",
     "annotations for manifests and index"},
    {"image-user", 0, CLI_STRING, AT(user), "USER", "What is in it", "user that the program runs as"},
    {"sbom", 0, CLI_STRING, AT(sbom), "FORMAT", "What is in it", "spdx (default) or none"},
    {"sbom-dir", 0, CLI_STRING, AT(sbom_dir), "DIR", "What is in it", "also write the SBOMs to DIR"},
    {"compression", 0, CLI_STRING, AT(compression), "KIND", "What is in it",
     "gzip[:1-12] (default gzip:1), zstd[:1-19] or none"},
    {"compat", 0, CLI_STRING, AT(compat), "ko", "What is in it",
     "ko's identity strings and byte quirks, so that config digests equal ko's (KOC_COMPAT)"},
    {"no-cache", 0, CLI_BOOL, AT(no_cache), NULL, "Other", "neither read nor write koc's cache"},
    {"json", 0, CLI_BOOL, AT(json), NULL, "Other", "print a JSON report instead of references"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

static void defaults(void *options)
{
    build_options *o = options;
    o->push = true;
    o->compat = getenv("KOC_COMPAT");
}

/* --- values that are words --- */

static int read_compression(const cli *c, const char *text, koc_publish_options *p)
{
    static const struct {
        const char *name;
        int32_t kind;
        long max;
    } kinds[] = {{"gzip", KOC_COMPRESS_GZIP, 12}, {"zstd", KOC_COMPRESS_ZSTD, 19}, {"none", KOC_COMPRESS_NONE, 0}};
    if (!text) {
        return EXIT_OK;
    }
    size_t len = strcspn(text, ":");
    for (size_t i = 0; i < 3; i++) {
        if (strlen(kinds[i].name) != len || strncmp(text, kinds[i].name, len) != 0) {
            continue;
        }
        p->compression = kinds[i].kind;
        if (!text[len]) {
            return EXIT_OK;
        }
        char *end = NULL;
        long level = strtol(text + len + 1, &end, 10);
        if (end == text + len + 1 || *end || level < 1 || level > kinds[i].max) {
            break;
        }
        p->level = (int32_t)level;
        return EXIT_OK;
    }
    return cli_usage(c, "--compression: \"%s\" is not gzip[:1-12], zstd[:1-19] or none", text);
}

static int read_words(const cli *c, const build_options *o, koc_publish_options *p)
{
    if (o->compat && *o->compat) {
        if (strcmp(o->compat, "ko") != 0) {
            return cli_usage(c, "--compat: \"%s\" is not known; only ko is", o->compat);
        }
        p->flags |= KOC_PUBLISH_COMPAT_KO;
    }
    if (o->sbom && strcmp(o->sbom, "none") == 0) {
        p->sbom = KOC_SBOM_NONE;
    } else if (o->sbom && strcmp(o->sbom, "spdx") != 0) {
        return cli_usage(c, "--sbom: \"%s\" is not spdx or none", o->sbom);
    }
    if (p->compression == KOC_COMPRESS_ZSTD && !(koc_features() & KOC_FEATURE_ZSTD)) {
        return cli_usage(c, "--compression=zstd: this koc was built without zstd");
    }
    if (o->jobs < 0) {
        return cli_usage(c, "--jobs: %d is negative", (int)o->jobs);
    }
    if (o->platforms.count > 1) {
        for (size_t i = 0; i < o->platforms.count; i++) {
            if (strcmp(o->platforms.items[i], "all") == 0) {
                return cli_usage(c, "--platform: all stands alone, it cannot be part of a list");
            }
        }
    }
    if (o->local || o->debug) {
        return cli_usage(c, "--%s: not in this version", o->local ? "local" : "debug");
    }
    return read_compression(c, o->compression, p);
}

static uint32_t flag_bits(const build_options *o)
{
    uint32_t bits = KOC_PUBLISH_DEFAULT_LAYOUT;
    bits |= o->push ? 0 : KOC_PUBLISH_NO_PUSH;
    bits |= o->tag_only ? KOC_PUBLISH_TAG_ONLY : 0;
    bits |= o->preserve ? KOC_PUBLISH_PRESERVE_IMPORT_PATHS : 0;
    bits |= o->base_paths ? KOC_PUBLISH_BASE_IMPORT_PATHS : 0;
    bits |= o->bare ? KOC_PUBLISH_BARE : 0;
    bits |= o->disable_optimizations ? KOC_PUBLISH_DISABLE_OPTIMIZATIONS : 0;
    bits |= o->force ? KOC_PUBLISH_FORCE : 0;
    return bits;
}

static int to_publish(const cli *c, const build_options *o, const cli_list *args, koc_publish_options *p)
{
    p->flags = flag_bits(o);
    p->import_paths = cli_list_argv(args);
    p->tags = cli_list_argv(&o->tags);
    p->platforms = cli_list_argv(&o->platforms);
    p->base_image = o->base_image;
    p->ldflags = cli_list_argv(&o->ldflags);
    p->labels = cli_list_argv(&o->labels);
    p->annotations = cli_list_argv(&o->annotations);
    p->user = o->user;
    p->oci_layout_path = o->layout;
    p->tarball = o->tarball;
    p->image_refs = o->image_refs;
    p->sbom_dir = o->sbom_dir;
    p->jobs = o->jobs;
    if (o->bare && o->base_paths) {
        cli_warn(c, "--bare and --base-import-paths exclude each other; --base-import-paths is used");
    }
    return read_words(c, o, p);
}

/* --- the run --- */

static void on_log(int32_t level, const char *component, const char *message, void *payload)
{
    const cli *c = payload;
    if (level <= KOC_LOG_WARN) {
        cli_warn(c, "%s", message);
    } else {
        fprintf(stderr, "%9s %s\n", component, message);
    }
}

static int open_client(const build_options *o, koc_ctx *ctx, koc_client **out, koc_error **err)
{
    koc_auth *auth = NULL;
    int rc = koc_auth_docker(getenv("KOC_AUTH_FILE"), &auth, err);
    if (rc != KOC_OK) {
        return rc;
    }
    koc_client_options co = KOC_CLIENT_OPTIONS_INIT;
    co.auth = auth;
    co.flags = o->insecure ? KOC_CLIENT_INSECURE : 0;
    co.allow_http = cli_list_argv(&o->allow_http);
    rc = koc_client_new(ctx, &co, out, err);
    koc_auth_unref(auth);
    return rc;
}

static void print_results(const build_options *o, const koc_published *result)
{
    if (o->json) {
        koc_str report = koc_published_report(result);
        fwrite(report.ptr, 1, report.len, stdout);
        return;
    }
    for (size_t i = 0; i < koc_published_count(result); i++) {
        puts(koc_published_reference(result, i));
    }
}

/* What to do with a layout that nobody asked for by name (decisions: destination). */
static void layout_hints(const cli *c, const koc_published *result)
{
    const char *ref = koc_published_reference(result, 0);
    const char *repo = getenv("KO_DOCKER_REPO");
    if (c->quiet || !ref || strncmp(ref, "oci:", 4) != 0 || (repo && *repo)) {
        return;
    }
    const char *at = strrchr(ref, '@');
    cli_hint(c, "to push: KO_DOCKER_REPO=registry.example/team koc build …");
    cli_hint(c, "to run: podman run --rm %.*s:NAME   (or skopeo copy it into a daemon)",
             (int)(at ? at - ref : (long)strlen(ref)), ref);
}

static void summary(const cli *c, const build_options *o, const koc_published *result, double seconds)
{
    size_t n = koc_published_count(result);
    const koc_strlist *warnings = koc_published_warnings(result);
    for (size_t i = 0; i < koc_strlist_count(warnings); i++) {
        cli_warn(c, "%s", koc_strlist_get(warnings, i));
    }
    cli_verb(c, o->push ? "Published" : "Built", "%zu image%s in %.1fs", n, n == 1 ? "" : "s", seconds);
}

static int publish(const cli *c, const build_options *o, const koc_publish_options *p, koc_ctx *ctx,
                   koc_published **out, koc_error **err)
{
    koc_publish_options with_client = *p;
    koc_client *client = NULL;
    int rc = open_client(o, ctx, &client, err);
    if (rc != KOC_OK) {
        return rc;
    }
    with_client.client = client;
    cli_progress *progress = cli_progress_new(c);
    koc_op op = KOC_OP_INIT;
    op.cancel = c->cancel;
    op.progress = progress ? cli_progress_event : NULL;
    op.payload = progress;
    rc = koc_publish(ctx, &with_client, &op, out, err);
    cli_progress_end(progress);
    cli_progress_free(progress);
    koc_client_unref(client);
    return rc;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(cli *c, void *options, const cli_list *args)
{
    build_options *o = options;
    double start = now();
    koc_publish_options p = KOC_PUBLISH_OPTIONS_INIT;
    int code = to_publish(c, o, args, &p);
    if (code != EXIT_OK) {
        return code;
    }
    koc_ctx_options co = KOC_CTX_OPTIONS_INIT;
    co.log = on_log;
    co.log_payload = c;
    co.log_level = c->quiet ? KOC_LOG_ERROR : KOC_LOG_WARN + (c->verbose > 2 ? 2 : c->verbose);
    co.cache_dir = o->no_cache ? NULL : "";
    koc_ctx *ctx = NULL;
    koc_published *result = NULL;
    koc_error *err = NULL;
    int rc = koc_ctx_new(&co, &ctx, &err);
    if (rc == KOC_OK) {
        rc = publish(c, o, &p, ctx, &result, &err);
    }
    if (rc == KOC_OK) {
        summary(c, o, result, now() - start);
        print_results(o, result);
        code = cli_finish_stdout(c, EXIT_OK);
        layout_hints(c, result);
    } else {
        code = cli_error(c, err);
    }
    koc_error_free(err);
    koc_published_free(result);
    koc_ctx_unref(ctx);
    cli_list *lists[] = {&o->tags, &o->platforms, &o->ldflags, &o->labels, &o->annotations, &o->allow_http};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        cli_list_free(lists[i]);
    }
    return code;
}

static const cli_example examples[] = {
    {"koc build ./cmd/api", "the main package in ./cmd/api, pushed to KO_DOCKER_REPO"},
    {"koc build --platform=linux/amd64,linux/arm64 ./...", "every main package here, for two platforms"},
    {"koc build --base-image=scratch --oci-layout-path=out .", "no base, no registry: an OCI layout in ./out"},
    {NULL, NULL},
};

static const char more[] =
    "Import paths\n"
    "  ./cmd/x and other paths that begin with ./ or ../ are looked up from here; anything else is a\n"
    "  full import path, of this module or of one it depends on. ./... means every main package below.\n"
    "  A leading ko:// is fine.\n"
    "\n"
    "Destination\n"
    "  KO_DOCKER_REPO names a registry or repository, for example registry.example/team. Without it\n"
    "  images go to an OCI layout in ${XDG_DATA_HOME:-~/.local/share}/koc/images.\n"
    "  Credentials are docker's and podman's, helper programs included.\n"
    "\n"
    "Configuration\n"
    "  .ko.yaml here (KO_CONFIG_PATH names another): defaultBaseImage, baseImageOverrides,\n"
    "  defaultPlatforms, defaultEnv, defaultFlags, defaultLdflags, builds. KO_DEFAULTBASEIMAGE and its\n"
    "  like override them. SOURCE_DATE_EPOCH and KO_DATA_DATE_EPOCH set times.\n"
    "\n"
    "Files\n"
    "  A folder kodata beside the package goes into the image; KO_DATA_PATH names it at run time.\n"
    "  The cache is ${XDG_CACHE_HOME:-~/.cache}/koc (KOCACHE names another place).\n"
    "\n"
    "Exit codes\n"
    "  0 success, 1 failure, 2 wrong usage, 130 and 143 when stopped by a signal.\n";

const cli_command cli_build = {
    .name = "build",
    .alias = "publish",
    .group = "Build",
    .usage = "koc build [flags] [IMPORTPATH...]",
    .summary = "build Go packages into images and push them",
    .description = "Builds each main package with the go tool, puts it on a base image and pushes the result "
                   "to KO_DOCKER_REPO. Prints one reference with a digest for each package.",
    .more = more,
    .examples = examples,
    .flags = flags,
    .options_size = sizeof(build_options),
    .defaults = defaults,
    .run = run,
};

/* koc build: builds packages into images with koc_publish. */
#include "commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/ci_outputs.h"
#include "commands/run_in_engine.h"
#include "watch/watch_loop.h"

typedef struct build_options {
    publish_flags publish;
    bool json, watch, run;
    ci_outputs ci;
    cli_list ports, env, volumes; /* of the container that --run starts */
} build_options;

static const cli_flag flags[] = {
    {"json", 0, CLI_BOOL, offsetof(build_options, json), NULL, "Results",
     "print a JSON report instead of references"},
    {"github-output", 0, CLI_BOOL, offsetof(build_options, ci.github), NULL, "Results",
     "in GitHub Actions: set the outputs images, subject-name, subject-digest and sbom-path of the step"},
    {"dotenv", 0, CLI_STRING, offsetof(build_options, ci.dotenv), "FILE", "Results",
     "write KOC_IMAGE, KOC_IMAGES, KOC_SUBJECT_NAME, KOC_SUBJECT_DIGEST and KOC_SBOM_PATH to FILE, for "
     "GitLab's dotenv reports"},
    {"watch", 'W', CLI_BOOL, offsetof(build_options, watch), NULL, "Results",
     "keep running and rebuild after each save; prints references that changed"},
    {"run", 0, CLI_BOOL, offsetof(build_options, run), NULL, "Results",
     "load the image into the local docker or podman and start it; its arguments follow --"},
    {"publish", 'p', CLI_LIST, offsetof(build_options, ports), "PORT", "Results",
     "with --run: publish a port of the container, as docker run -p does (8080:8080)"},
    {"env", 'e', CLI_LIST, offsetof(build_options, env), "NAME=VALUE", "Results",
     "with --run: set an environment variable of the container; NAME alone copies koc's own"},
    {"volume", 0, CLI_LIST, offsetof(build_options, volumes), "SRC:DST", "Results",
     "with --run: mount a directory or a volume into the container, as docker run -v does"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

typedef struct build_run {
    const cli *c;
    const build_options *o;
    koc_publish_options p;
    publish_session session;
    koc_published *printed; /* the last result: while watching, only changes are printed */
} build_run;

static void run_dispose(build_run *r)
{
    koc_published_free(r->printed);
    publish_session_close(&r->session);
}
CLI_DEFINE_AUTO_VAL(build_run, run_dispose);

static bool is_new(const build_run *r, const koc_published *result, size_t i)
{
    const char *before = koc_published_reference(r->printed, i);
    return !before || strcmp(before, koc_published_reference(result, i)) != 0;
}

static void print_results(const build_run *r, const koc_published *result)
{
    if (r->o->json) {
        koc_str report = koc_published_report(result);
        fwrite(report.ptr, 1, report.len, stdout);
        return;
    }
    for (size_t i = 0; i < koc_published_count(result); i++) {
        if (is_new(r, result, i)) {
            puts(koc_published_reference(result, i));
        }
    }
}

/* Hints about the default layout, which is used only if no destination was named. */
static void print_layout_hints(const cli *c, const koc_published *result)
{
    const char *ref = koc_published_reference(result, 0);
    const char *repo = getenv("KO_DOCKER_REPO");
    bool quiet = c->quiet || cli_wants_json_progress(c);
    if (quiet || !ref || strncmp(ref, "oci:", 4) != 0 || (repo && *repo)) {
        return;
    }
    cli_hint(c, "to push: KO_DOCKER_REPO=registry.example/team koc build …");
    cli_hint(c, "to run: koc build --push=false --tarball=image.tar … && podman load -i image.tar");
}

/* " as v1, latest": the written tags. */
static void format_tags(const publish_flags *f, char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, " as %s", f->tags.count ? f->tags.items[0] : "latest");
    for (size_t i = 1; i < f->tags.count && len < size; i++) {
        len += (size_t)snprintf(out + len, size - len, ", %s", f->tags.items[i]);
    }
}

/* Reports what was done and where the images are. "Published" is only for a registry. */
static void print_summary(const cli *c, const build_options *o, const koc_published *result,
                          double seconds)
{
    const publish_flags *f = &o->publish;
    const char *repo = getenv("KO_DOCKER_REPO"), *verb = "Built";
    char where[512] = "";
    size_t n = koc_published_count(result);
    if (f->local || f->into || is_local_repository(repo)) {
        verb = "Loaded";
    } else if (f->push && repo && *repo) {
        verb = "Published";
        format_tags(f, where, sizeof(where));
    } else if (f->layout || f->tarball) {
        verb = "Wrote";
        snprintf(where, sizeof(where), " to %s%s%s", f->layout ? f->layout : "",
                 f->layout && f->tarball ? " and " : "", f->tarball ? f->tarball : "");
    } else if (f->push) {
        verb = "Wrote"; /* to the layout in the printed reference */
    }
    cli_verb(c, verb, "%zu image%s%s in %.1fs", n, n == 1 ? "" : "s", where, seconds);
}

static int build_once(void *self)
{
    build_run *r = self;
    koc_published *result = NULL;
    CLI_AUTO(koc_error) err = NULL;
    double start = cli_now();
    if (publish_session_run(&r->session, &r->p, &result, &err) != KOC_OK) {
        return cli_error(r->c, err);
    }
    print_summary(r->c, r->o, result, cli_now() - start);
    int code = ci_outputs_write(r->c, &r->o->ci, result);
    const char *tarball = r->o->publish.tarball;
    bool taken = r->o->run || (tarball && strcmp(tarball, "-") == 0);
    if (!taken) { /* otherwise stdout belongs to the program or to the archive */
        print_results(r, result);
        code = cli_finish_stdout(r->c, code);
    }
    if (!r->printed && !r->o->run) {
        print_layout_hints(r->c, result);
    }
    koc_published_free(r->printed);
    r->printed = result;
    return code;
}

static int check_run_flags(const cli *c, const build_options *o)
{
    if (o->run && (o->json || o->watch)) {
        return cli_usage(c, "--run and --%s exclude each other", o->json ? "json" : "watch");
    }
    if (!o->run && (o->ports.count || o->env.count || o->volumes.count)) {
        return cli_usage(c, "--%s is for the container that --run starts",
                         o->ports.count ? "publish"
                         : o->env.count ? "env"
                                        : "volume");
    }
    return EXIT_OK;
}

/* Adds flag and item for each item: words of `docker run`. */
static void add_flags(cli_list *words, const char *flag, const cli_list *items)
{
    for (size_t i = 0; i < items->count; i++) {
        cli_list_add(words, flag);
        cli_list_add(words, items->items[i]);
    }
}

/* Replaces koc with the image that was built. */
static int start_image(const cli *c, build_run *r, engine *e, const cli_list *args)
{
    size_t n = koc_published_count(r->printed);
    if (n != 1) {
        return cli_usage(c, "--run starts one image, and %zu were built: name one package", n);
    }
    bool has_args = c->has_dashes && c->dashes < args->count;
    CLI_AUTO_VAL(cli_list) words = {0};
    add_flags(&words, "--publish", &r->o->ports);
    add_flags(&words, "--env", &r->o->env);
    add_flags(&words, "--volume", &r->o->volumes);
    CLI_TRY(cli_list_check(c, &words));
    return engine_run(c, e, koc_published_reference(r->printed, 0), cli_list_argv(&words),
                      has_args ? args->items + c->dashes : NULL);
}

static int run(cli *c, void *options, const cli_list *args)
{
    const build_options *o = options;
    const publish_flags *f = &o->publish;
    CLI_AUTO_VAL(build_run) r = {.c = c, .o = o, .p = KOC_PUBLISH_OPTIONS_INIT};
    CLI_AUTO_VAL(cli_list) paths = {0};
    CLI_AUTO_VAL(engine) e = {0};
    CLI_AUTO(koc_error) err = NULL;
    CLI_TRY(publish_flags_read(c, f, &r.p));
    CLI_TRY(check_run_flags(c, o));
    CLI_TRY(ci_outputs_check(c, &o->ci));
    cli_list_add_all(&paths, args->items, o->run ? c->dashes : args->count);
    CLI_TRY(cli_list_check(c, &paths));
    r.p.flags |= KOC_PUBLISH_DEFAULT_LAYOUT;
    r.p.import_paths = cli_list_argv(&paths);
    if (publish_session_open(c, f, &r.session, &err) != KOC_OK) {
        return cli_error(c, err);
    }
    if (o->run) {
        CLI_TRY(engine_choose(&r.session, &r.p, &e));
    }
    const watch_loop loop = {.c = c,
                             .session = &r.session,
                             .watch = o->watch,
                             .outputs = {PUBLISH_OUTPUTS(f)},
                             .round = build_once,
                             .self = &r};
    CLI_TRY(watch_loop_run(&loop));
    return o->run ? start_image(c, &r, &e, args) : EXIT_OK;
}

static const cli_example examples[] = {
    {"koc build ./cmd/api", "build the main package in ./cmd/api and push it to KO_DOCKER_REPO"},
    {"koc build --platform=linux/amd64,linux/arm64 ./...",
     "build every main package below the working directory for two platforms"},
    {"koc build --local ./cmd/api", "load the image into the local Docker daemon or podman"},
    {"koc build --run ./cmd/api -- --port=8080",
     "load it and start it with the argument --port=8080"},
    {"koc build --run -p 8080:8080 -e LOG=debug ./cmd/api",
     "the same with a published port and an environment variable"},
    {"koc build --base-image=scratch --oci-layout-path=out .",
     "no base, no registry: write an OCI layout to ./out"},
    {NULL, NULL},
};

static const char more[] =
    "Import paths\n"
    "  Paths that begin with ./ or ../ are relative to the working directory; anything else is a full\n"
    "  import path, in this module or in one it depends on. ./... means every main package below the\n"
    "  working directory. A leading ko:// is ignored.\n"
    "\n"
    "Destination\n"
    "  KO_DOCKER_REPO names a registry or repository, for example registry.example/team. Without it,\n"
    "  images go to an OCI layout in ${XDG_DATA_HOME:-~/.local/share}/koc/images.\n"
    "  koc uses the credentials of docker and podman, including credential helpers.\n"
    "  --local or KO_DOCKER_REPO=ko.local loads images into the local Docker daemon or podman: the one\n"
    "  that DOCKER_HOST names, that of the current docker context, or the first standard socket that\n"
    "  answers. kind.local, k3d.local, minikube.local and containerd.local load images into the nodes of\n"
    "  such a cluster (KIND_CLUSTER_NAME, K3D_CLUSTER, MINIKUBE_PROFILE, CONTAINERD_ADDRESS and\n"
    "  CONTAINERD_NAMESPACE select it); the flag for this is --into=kind:NAME.\n"
    "  Layers that are already there are not sent again. Without --platform, koc builds for the platform\n"
    "  of the engine or node.\n"
    "\n"
    "Configuration\n"
    "  .ko.yaml in the working directory (or the file that KO_CONFIG_PATH names): defaultBaseImage, baseImageOverrides,\n"
    "  defaultPlatforms, defaultEnv, defaultFlags, defaultLdflags, builds. KO_DEFAULTBASEIMAGE and\n"
    "  similar variables override them. SOURCE_DATE_EPOCH and KO_DATA_DATE_EPOCH set timestamps.\n"
    "\n"
    "Files\n"
    "  The directory kodata in the package's directory is added to the image; KO_DATA_PATH is its path at\n"
    "  run time. Symbolic links in it may lead anywhere in the repository, or below the directory that\n"
    "  KO_DATA_PATH_ALLOWED_ROOT names.\n"
    "  The cache is ${XDG_CACHE_HOME:-~/.cache}/koc, or the directory that KOCACHE names.\n"
    "\n"
    "Exit codes\n"
    "  0 success, 1 failure, 2 wrong usage, 130 and 143 if a signal stopped koc; with --run that of the\n"
    "  program.\n";

const cli_command cli_build = {
    .name = "build",
    .alias = "publish",
    .group = "Build",
    .usage = "koc build [flags] [IMPORTPATH...] [-- ARG...]",
    .summary = "build Go packages into images and push them",
    .description =
        "Builds each main package with the go tool, adds it to a base image and pushes the result "
        "to KO_DOCKER_REPO. Prints one reference with a digest per package.",
    .more = more,
    .examples = examples,
    .flags = flags,
    .shared_flags = publish_flag_table,
    .complete = CLI_PACKAGES,
    .builds = true,
    .options_size = sizeof(build_options),
    .defaults = publish_flags_defaults,
    .run = run,
};

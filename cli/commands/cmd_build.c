/* koc build: the flags of ko's and ours, handed to koc_publish. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/run_in_engine.h"
#include "watch/watch_loop.h"

typedef struct build_options {
    publish_flags publish;
    bool json, watch, run;
    cli_list ports, env, volumes; /* for what --run starts */
} build_options;

static const cli_flag flags[] = {
    {"json", 0, CLI_BOOL, offsetof(build_options, json), NULL, "Results",
     "print a JSON report instead of references"},
    {"watch", 'W', CLI_BOOL, offsetof(build_options, watch), NULL, "Results",
     "stay, and build again after each save; prints what is new"},
    {"run", 0, CLI_BOOL, offsetof(build_options, run), NULL, "Results",
     "load the image into docker or podman at hand and start it; what follows -- are its arguments"},
    {"publish", 'p', CLI_LIST, offsetof(build_options, ports), "PORT", "Results",
     "with --run: publish a port of the container, as docker run -p does (8080:8080)"},
    {"env", 'e', CLI_LIST, offsetof(build_options, env), "NAME=VALUE", "Results",
     "with --run: set an environment variable of the container; NAME alone takes it from here"},
    {"volume", 0, CLI_LIST, offsetof(build_options, volumes), "SRC:DST", "Results",
     "with --run: mount a folder or a volume into the container, as docker run -v does"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

static void defaults(void *options)
{
    publish_flags_defaults(options);
}

typedef struct build_run {
    const cli *c;
    const build_options *o;
    koc_publish_options p;
    publish_session session;
    koc_published *printed; /* the last one: when watching, what is new is printed */
} build_run;

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

/* What to do with a layout that nobody asked for by name (decisions: destination). */
static void layout_hints(const cli *c, const koc_published *result)
{
    const char *ref = koc_published_reference(result, 0);
    const char *repo = getenv("KO_DOCKER_REPO");
    bool silent = c->quiet || cli_wants_json_progress(c);
    if (silent || !ref || strncmp(ref, "oci:", 4) != 0 || (repo && *repo)) {
        return;
    }
    cli_hint(c, "to push: KO_DOCKER_REPO=registry.example/team koc build …");
    cli_hint(c, "to run: koc build --push=false --tarball=image.tar … && podman load -i image.tar");
}

/* ko.local and the like: not a registry. */
static bool goes_to_engine(const publish_flags *f, const char *repo)
{
    static const char *const names[] = {"ko.local", "kind.local", "k3d.local", "minikube.local",
                                        "containerd.local"};
    bool found = f->local || f->into;
    for (size_t i = 0; repo && i < sizeof(names) / sizeof(names[0]); i++) {
        size_t len = strlen(names[i]);
        found = found || (strncmp(repo, names[i], len) == 0 && strchr("/", repo[len]));
    }
    return found;
}

/* " as v1, latest": the tags that were written. */
static void name_tags(const publish_flags *f, char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, " as %s", f->tags.count ? f->tags.items[0] : "latest");
    for (size_t i = 1; i < f->tags.count && len < size; i++) {
        len += (size_t)snprintf(out + len, size - len, ", %s", f->tags.items[i]);
    }
}

/* What was done and where it is, in true words: only a registry publishes. */
static void summary(const cli *c, const build_options *o, const koc_published *result,
                    double seconds)
{
    const publish_flags *f = &o->publish;
    const char *repo = getenv("KO_DOCKER_REPO"), *verb = "Built";
    char where[512] = "";
    size_t n = koc_published_count(result);
    if (goes_to_engine(f, repo)) {
        verb = "Loaded";
    } else if (f->push && repo && *repo) {
        verb = "Published";
        name_tags(f, where, sizeof(where));
    } else if (f->layout || f->tarball) {
        verb = "Wrote";
        snprintf(where, sizeof(where), " to %s%s%s", f->layout ? f->layout : "",
                 f->layout && f->tarball ? " and " : "", f->tarball ? f->tarball : "");
    } else if (f->push) {
        verb = "Wrote"; /* the layout that is printed */
    }
    cli_verb(c, verb, "%zu image%s%s in %.1fs", n, n == 1 ? "" : "s", where, seconds);
}

static int build_once(void *self)
{
    build_run *r = self;
    koc_published *result = NULL;
    koc_error *err = NULL;
    double start = cli_now();
    int rc = publish_session_run(&r->session, &r->p, &result, &err);
    if (rc != KOC_OK) {
        int code = cli_error(r->c, err);
        koc_error_free(err);
        return code;
    }
    summary(r->c, r->o, result, cli_now() - start);
    int code = EXIT_OK;
    const char *tarball = r->o->publish.tarball;
    bool taken = r->o->run || (tarball && strcmp(tarball, "-") == 0);
    if (!taken) { /* else stdout is the program's, or the archive's */
        print_results(r, result);
        code = cli_finish_stdout(r->c, EXIT_OK);
    }
    if (!r->printed && !r->o->run) {
        layout_hints(r->c, result);
    }
    koc_published_free(r->printed);
    r->printed = result;
    return code;
}

static int check_run(const cli *c, const build_options *o)
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

/* Puts flag before each item: words of `docker run`. */
static void add_words(cli_list *words, const char *flag, const cli_list *items)
{
    for (size_t i = 0; i < items->count; i++) {
        cli_list_add(words, flag);
        cli_list_add(words, items->items[i]);
    }
}

/* The one image that was built becomes this process. */
static int start_image(const cli *c, build_run *r, engine *e, const cli_list *args)
{
    size_t n = koc_published_count(r->printed);
    if (n != 1) {
        return cli_usage(c, "--run starts one image, and %zu were built: name one package", n);
    }
    bool has_args = c->has_dashes && c->dashes < args->count;
    cli_list words = {0};
    add_words(&words, "--publish", &r->o->ports);
    add_words(&words, "--env", &r->o->env);
    add_words(&words, "--volume", &r->o->volumes);
    int code = engine_run(c, e, koc_published_reference(r->printed, 0), cli_list_argv(&words),
                          has_args ? args->items + c->dashes : NULL);
    cli_list_free(&words);
    return code;
}

static int run(cli *c, void *options, const cli_list *args)
{
    build_options *o = options;
    const publish_flags *f = &o->publish;
    build_run r = {.c = c, .o = o, .p = KOC_PUBLISH_OPTIONS_INIT};
    koc_error *err = NULL;
    cli_list paths = {0};
    engine e = {0};
    int code = publish_flags_read(c, f, &r.p);
    code = code == EXIT_OK ? check_run(c, o) : code;
    for (size_t i = 0; i < args->count && !(o->run && i >= c->dashes); i++) {
        cli_list_add(&paths, args->items[i]);
    }
    r.p.flags |= KOC_PUBLISH_DEFAULT_LAYOUT;
    r.p.import_paths = cli_list_argv(&paths);
    if (code == EXIT_OK && publish_session_open(c, f, &r.session, &err) != KOC_OK) {
        code = cli_error(c, err);
        koc_error_free(err);
    } else if (code == EXIT_OK && o->run) {
        code = engine_choose(&r.session, &r.p, &e);
    }
    if (code == EXIT_OK) {
        const rounds all = {.c = c,
                            .session = &r.session,
                            .watch = o->watch,
                            .outputs = {PUBLISH_OUTPUTS(f)},
                            .run = build_once,
                            .self = &r};
        code = rounds_run(&all);
    }
    if (code == EXIT_OK && o->run) {
        code = start_image(c, &r, &e, args);
    }
    engine_close(&e);
    cli_list_free(&paths);
    koc_published_free(r.printed);
    publish_session_close(&r.session);
    publish_flags_free(&o->publish);
    cli_list_free(&o->ports);
    cli_list_free(&o->env);
    cli_list_free(&o->volumes);
    return code;
}

static const cli_example examples[] = {
    {"koc build ./cmd/api", "the main package in ./cmd/api, pushed to KO_DOCKER_REPO"},
    {"koc build --platform=linux/amd64,linux/arm64 ./...",
     "every main package here, for two platforms"},
    {"koc build --local ./cmd/api", "into the Docker daemon or podman at hand"},
    {"koc build --run ./cmd/api -- --port=8080", "into it, and started there with --port=8080"},
    {"koc build --run -p 8080:8080 -e LOG=debug ./cmd/api",
     "the same with a published port and a variable"},
    {"koc build --base-image=scratch --oci-layout-path=out .",
     "no base, no registry: an OCI layout in ./out"},
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
    "  --local or KO_DOCKER_REPO=ko.local is the Docker daemon or podman at hand: DOCKER_HOST, the current\n"
    "  docker context, or the first usual socket that answers. kind.local, k3d.local, minikube.local and\n"
    "  containerd.local are the nodes of such a cluster (KIND_CLUSTER_NAME, K3D_CLUSTER, MINIKUBE_PROFILE,\n"
    "  CONTAINERD_ADDRESS and CONTAINERD_NAMESPACE name another); --into=kind:NAME says the same as a flag.\n"
    "  What is there already is not sent again. Without --platform the image is for what runs there.\n"
    "\n"
    "Configuration\n"
    "  .ko.yaml here (KO_CONFIG_PATH names another): defaultBaseImage, baseImageOverrides,\n"
    "  defaultPlatforms, defaultEnv, defaultFlags, defaultLdflags, builds. KO_DEFAULTBASEIMAGE and its\n"
    "  like override them. SOURCE_DATE_EPOCH and KO_DATA_DATE_EPOCH set times.\n"
    "\n"
    "Files\n"
    "  A folder kodata beside the package goes into the image; KO_DATA_PATH names it at run time.\n"
    "  Links in it may lead to all of the repository; KO_DATA_PATH_ALLOWED_ROOT names another folder.\n"
    "  The cache is ${XDG_CACHE_HOME:-~/.cache}/koc (KOCACHE names another place).\n"
    "\n"
    "Exit codes\n"
    "  0 success, 1 failure, 2 wrong usage, 130 and 143 when stopped by a signal; with --run the program's.\n";

const cli_command cli_build = {
    .name = "build",
    .alias = "publish",
    .group = "Build",
    .usage = "koc build [flags] [IMPORTPATH...] [-- ARG...]",
    .summary = "build Go packages into images and push them",
    .description =
        "Builds each main package with the go tool, puts it on a base image and pushes the result "
        "to KO_DOCKER_REPO. Prints one reference with a digest for each package.",
    .more = more,
    .examples = examples,
    .flags = flags,
    .shared_flags = publish_flag_table,
    .complete = CLI_PACKAGES,
    .options_size = sizeof(build_options),
    .defaults = defaults,
    .run = run,
};

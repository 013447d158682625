/* koc apply, create, delete and run: kubectl, with images built on the way. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child_program.h"
#include "kube/kube_manifests.h"
#include "kube/kube_sender.h"
#include "kube/kubectl.h"
#include "kube/rollout.h"

/* kubectl's own flags that are taken before "--". */
typedef struct kubectl_flags {
    const char *namespace, *context, *kubeconfig, *dry_run;
    bool server_side;
} kubectl_flags;

typedef struct apply_options {
    manifest_flags manifests;
    kubectl_flags kubectl;
    bool stream, wait;
    const char *timeout;
} apply_options;

#define KUBECTL_AT(member) offsetof(apply_options, kubectl.member)
/* clang-format off */
#define KUBECTL_FLAG_ROWS \
    {"namespace", 'n', CLI_STRING, KUBECTL_AT(namespace), "NAME", "For kubectl", "as kubectl's"}, \
    {"context", 0, CLI_STRING, KUBECTL_AT(context), "NAME", "For kubectl", "as kubectl's"}, \
    {"kubeconfig", 0, CLI_STRING, KUBECTL_AT(kubeconfig), "FILE", "For kubectl", "as kubectl's"}, \
    {"dry-run", 0, CLI_OPTIONAL, KUBECTL_AT(dry_run), "MODE", "For kubectl", \
     "as kubectl's: client, server or none; images are built and pushed", "client server none"}
#define SERVER_SIDE_ROW \
    {"server-side", 0, CLI_BOOL, KUBECTL_AT(server_side), NULL, "For kubectl", "as kubectl's"}
/* clang-format on */

#define STREAM_ROW                                                                                 \
    {                                                                                              \
        "stream", 0, CLI_BOOL, offsetof(apply_options, stream), NULL, "Results",                   \
            "send each document once its images are pushed, not all at the end"                    \
    }

static const cli_flag apply_flags[] = {
    MANIFEST_FLAG_ROWS,
    WATCH_FLAG_ROW,
    STREAM_ROW,
    {"wait", 0, CLI_BOOL, offsetof(apply_options, wait), NULL, "Results",
     "wait until what was applied runs; say why when it cannot"},
    {"timeout", 0, CLI_STRING, offsetof(apply_options, timeout), "TIME", "Results",
     "how long --wait waits for each (default 5m)"},
    KUBECTL_FLAG_ROWS,
    SERVER_SIDE_ROW,
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

static const cli_flag create_flags[] = {
    MANIFEST_FLAG_ROWS,
    STREAM_ROW,
    KUBECTL_FLAG_ROWS,
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

/* "--name=VALUE" in memory that lasts until the end of the program's one command. */
static void add_flag(cli_list *argv, const char *name, const char *value)
{
    if (value) {
        size_t size = strlen(name) + strlen(value) + 4;
        char *word = malloc(size);
        if (word) {
            snprintf(word, size, "--%s=%s", name, value);
            cli_list_keep(argv, word);
        }
    }
}

/* Which cluster, for every kubectl of the run. */
static void add_cluster(cli_list *argv, const kubectl_flags *k)
{
    add_flag(argv, "kubeconfig", k->kubeconfig);
    add_flag(argv, "context", k->context);
}

static void make_argv(const apply_options *o, const char *verb, const cli_list *args,
                      cli_list *argv)
{
    const char *const first[] = {KUBECTL, verb, "-f", "-"};
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        cli_list_add(argv, first[i]);
    }
    add_cluster(argv, &o->kubectl);
    add_flag(argv, "namespace", o->kubectl.namespace);
    if (o->kubectl.server_side) {
        cli_list_add(argv, "--server-side");
    }
    if (o->kubectl.dry_run) {
        add_flag(argv, "dry-run", *o->kubectl.dry_run ? o->kubectl.dry_run : "client");
    }
    for (size_t i = 0; i < args->count; i++) {
        cli_list_add(argv, args->items[i]);
    }
}

/* --- apply, create --- */

typedef struct apply_run {
    const cli *c;
    const apply_options *o;
    sender *sender;
    double seconds; /* --timeout */
} apply_run;

/* Without --stream everything is built and pushed before kubectl sees the first byte. */
static int resolve_into(apply_run *r, manifests *m, koc_error **err)
{
    const koc_writer out = {sender_write, r->sender};
    m->stream = r->o->stream ? &out : NULL;
    m->flush = sender_flush;
    int rc = manifests_load(m, err);
    rc = rc == KOC_OK ? manifests_build(m, err) : rc;
    return rc == KOC_OK ? manifests_write(m, &out, err) : rc;
}

static int wait_for_rollout(const apply_run *r)
{
    const text_sink *sent = sender_sent(r->sender);
    rollout x = {.c = r->c,
                 .yaml = sent->text,
                 .yaml_len = sent->len,
                 .seconds = r->seconds,
                 .namespace = r->o->kubectl.namespace};
    add_cluster(&x.cluster, &r->o->kubectl);
    int code = sent->len > 0 ? rollout_wait(&x) : EXIT_OK;
    cli_list_free(&x.cluster);
    return code;
}

static int apply_once(manifests *m, void *self)
{
    apply_run *r = self;
    koc_error *err = NULL;
    int rc = sender_begin(r->sender, &err);
    rc = rc == KOC_OK ? resolve_into(r, m, &err) : rc;
    int code = sender_end(r->sender, rc == KOC_OK);
    if (rc != KOC_OK && rc != KOC_EUSER) {
        code = cli_error(r->c, err);
        if (sender_sent(r->sender)->len > 0) {
            cli_hint(r->c, "some documents had gone to kubectl before");
        }
    } else if (koc_cancel_is_triggered(r->c->cancel)) {
        cli_usage(r->c, "cancelled");
        code = 130;
    }
    koc_error_free(err);
    return code == EXIT_OK && r->o->wait ? wait_for_rollout(r) : code;
}

/* What prunes has to see everything that is to stay. */
static bool prunes(const cli_list *args)
{
    bool found = false;
    for (size_t i = 0; i < args->count; i++) {
        found = found || (strncmp(args->items[i], "--prune", 7) == 0 &&
                          strcmp(args->items[i], "--prune=false") != 0);
    }
    return found;
}

/* A live block on the terminal and what kubectl prints would overwrite each other. */
static cli without_block(const cli *c, bool stream)
{
    cli plain = *c;
    bool block = !c->progress_mode || strcmp(c->progress_mode, "auto") == 0;
    plain.progress_mode = stream && block ? "plain" : c->progress_mode;
    return plain;
}

static int run_apply(cli *given, void *options, const cli_list *args)
{
    apply_options *o = options;
    const cli c = without_block(given, o->stream);
    apply_run r = {.c = &c, .o = o};
    const manifests_command what = {.round = apply_once, .self = &r, .needs = KUBECTL};
    int code = EXIT_OK;
    if (!rollout_seconds(o->timeout ? o->timeout : "5m", &r.seconds)) {
        code = cli_usage(&c, "--timeout: \"%s\" is no time like 90s, 5m or 1h30m", o->timeout);
    } else if (o->stream && prunes(args)) {
        code = cli_usage(&c, "--stream: kubectl's --prune needs all documents at once");
    }
    if (code != EXIT_OK) {
        manifest_flags_free(&o->manifests);
        return code;
    }
    cli_list argv = {0};
    make_argv(o, c.command->name, args, &argv);
    const sender_options so = {.c = &c,
                               .argv = cli_list_argv(&argv),
                               .stream = o->stream,
                               .changes = o->manifests.watch && !prunes(args)};
    r.sender = sender_new(&so);
    code = r.sender ? manifests_run(&c, &o->manifests, &what) : EXIT_FAILED;
    sender_free(r.sender);
    cli_list_free(&argv);
    return code;
}

#define ORDER_HELP                                                                                        \
    "Order\n"                                                                                             \
    "  Everything is built and pushed before kubectl gets the first byte; when one package does not\n"    \
    "  compile the cluster sees nothing. With --stream kubectl gets documents as they become ready, in\n" \
    "  their order, perhaps in several runs.\n"
#define KUBECTL_HELP(verb)                                                                         \
    "kubectl\n"                                                                                    \
    "  It is run as: kubectl " verb                                                                \
    " -f - [its flags from above] [arguments] [what stands after --].\n"                           \
    "  Its exit code is koc's. Other flags of kubectl stand behind --. 1.18 or later is needed.\n"

static const cli_example apply_examples[] = {
    {"koc apply -f config/",
     "build all that config/ names, push it, and apply the YAML with digests"},
    {"koc apply -f config/ -n staging --wait", "the same, and wait until it runs"},
    {"koc apply -f config/ -- --prune -l app=web", "words after -- go to kubectl"},
    {NULL, NULL},
};

static const char apply_more[] = ORDER_HELP "\n" KUBECTL_HELP(
    "apply") "\n"
             "Watching (koc apply, resolve, build)\n"
             "  With --watch koc stays, and a save in what the packages are made from (Go files, embedded files,\n"
             "  kodata, go.mod, .ko.yaml) or in the YAML leads to another round. Packages without a change are not\n"
             "  built again, documents without one are not sent again. Errors are shown, and watching goes on;\n"
             "  ^C ends it. KOC_WATCH=poll looks at the files three times a second, for file systems that do not\n"
             "  tell of changes.\n";

const cli_command cli_apply = {
    .name = "apply",
    .group = "Kubernetes",
    .usage = "koc apply -f FILE [flags] [-- KUBECTL-FLAGS]",
    .summary = "resolve YAML and kubectl apply it",
    .description = "Does what koc resolve does, and hands the result to kubectl apply.",
    .more = apply_more,
    .examples = apply_examples,
    .flags = apply_flags,
    .shared_flags = publish_flag_table,
    .options_size = sizeof(apply_options),
    .defaults = manifest_flags_defaults,
    .run = run_apply,
};

static const cli_example create_examples[] = {
    {"koc create -f config/", "build all that config/ names, push it, and create the objects"},
    {NULL, NULL},
};

static const char create_more[] = ORDER_HELP "\n" KUBECTL_HELP("create");

const cli_command cli_create = {
    .name = "create",
    .group = "Kubernetes",
    .usage = "koc create -f FILE [flags] [-- KUBECTL-FLAGS]",
    .summary = "resolve YAML and kubectl create it",
    .description = "Does what koc resolve does, and hands the result to kubectl create.",
    .more = create_more,
    .examples = create_examples,
    .flags = create_flags,
    .shared_flags = publish_flag_table,
    .options_size = sizeof(apply_options),
    .defaults = manifest_flags_defaults,
    .run = run_apply,
};

/* --- delete --- */

/* crane's delete takes a reference, which is nothing that kubectl knows: "registry.example/app:1". */
static bool names_an_image(const cli_list *args)
{
    if (args->count != 1) {
        return false;
    }
    const char *word = args->items[0], *slash = strchr(word, '/');
    return slash && (strchr(slash, ':') || strchr(slash, '@'));
}

static int run_delete(cli *c, void *options, const cli_list *args)
{
    (void)options;
    cli_list argv = {0};
    cli_list_add(&argv, KUBECTL);
    cli_list_add(&argv, "delete");
    for (size_t i = 0; i < args->count; i++) {
        cli_list_add(&argv, args->items[i]);
    }
    bool image = names_an_image(args);
    const child ch = {.argv = cli_list_argv(&argv)};
    int code = EXIT_FAILED;
    if (child_exists(c, KUBECTL)) {
        code = image ? child_run(c, &ch) : child_become(c, ch.argv);
    }
    if (image && code != EXIT_OK) {
        cli_hint(c, "koc rm %s removes an image from a registry", args->items[0]);
    }
    cli_list_free(&argv);
    return code < 0 ? EXIT_FAILED : code;
}

static const cli_example delete_examples[] = {
    {"koc delete --ignore-not-found -f config/", "delete what koc apply made of config/"},
    {NULL, NULL},
};

const cli_command cli_delete = {
    .name = "delete",
    .group = "Kubernetes",
    .usage = "koc delete -f FILE [KUBECTL-FLAGS]",
    .summary = "kubectl delete, nothing is built",
    .description =
        "Passes all arguments to kubectl delete. Objects are deleted by their names, so references "
        "need not be resolved. To remove an image from a registry there is koc rm.",
    .examples = delete_examples,
    .raw = true,
    .run = run_delete,
};

/* --- run --- */

/* The last element of the repository: "api" of "reg:5000/team/api:v1@sha256:…". */
static char *pod_name(const char *reference)
{
    koc_reference *r = NULL;
    if (koc_reference_parse(reference, 0, &r, NULL) != KOC_OK) {
        return NULL;
    }
    const char *repository = koc_reference_repository(r);
    const char *slash = strrchr(repository, '/');
    const char *name = slash ? slash + 1 : repository;
    size_t size = strlen(name) + 1;
    char *copy = malloc(size);
    if (copy) {
        memcpy(copy, name, size);
    }
    koc_reference_unref(r);
    return copy;
}

static int run_pod(const cli *c, const char *reference, const cli_list *args)
{
    char *name = pod_name(reference);
    if (!name) {
        return cli_usage(c, "cannot run %s: it is no reference that a cluster can pull", reference);
    }
    const char *const first[] = {KUBECTL,
                                 "run",
                                 name,
                                 "--image",
                                 reference,
                                 "--attach",
                                 "--rm",
                                 "--restart=Never",
                                 "--log-flush-frequency=1s"};
    cli_list argv = {0};
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        cli_list_add(&argv, first[i]);
    }
    for (size_t i = c->dashes; i < args->count; i++) {
        cli_list_add(&argv, args->items[i]);
    }
    child ch = {.argv = cli_list_argv(&argv)};
    int code = child_run(c, &ch);
    cli_list_free(&argv);
    free(name);
    if (code > 0 && !koc_cancel_is_triggered(c->cancel)) {
        kubectl_failed(c, "run", code);
    }
    return code < 0 ? EXIT_FAILED : code;
}

static int run_all(const cli *c, const koc_published *result, const cli_list *args)
{
    int code = EXIT_OK;
    for (size_t i = 0; code == EXIT_OK && i < koc_published_count(result); i++) {
        code = run_pod(c, koc_published_reference(result, i), args);
    }
    if (koc_cancel_is_triggered(c->cancel)) {
        cli_usage(c, "cancelled");
        return 130;
    }
    return code;
}

static int run_run(cli *c, void *options, const cli_list *args)
{
    publish_flags *f = options;
    koc_publish_options p = KOC_PUBLISH_OPTIONS_INIT;
    publish_session session = {0};
    koc_published *result = NULL;
    koc_error *err = NULL;
    cli_list paths = {0};
    for (size_t i = 0; i < c->dashes; i++) {
        cli_list_add(&paths, args->items[i]);
    }
    int code = paths.count ? publish_flags_read(c, f, &p)
                           : cli_usage(c, "koc run needs an import path: koc run ./cmd/job");
    p.import_paths = cli_list_argv(&paths);
    if (code == EXIT_OK && !child_exists(c, KUBECTL)) {
        code = EXIT_FAILED;
    } else if (code == EXIT_OK) {
        int rc = publish_session_open(c, f, &session, &err);
        rc = rc == KOC_OK ? publish_session_run(&session, &p, &result, &err) : rc;
        code = rc == KOC_OK ? run_all(c, result, args) : cli_error(c, err);
    }
    koc_error_free(err);
    koc_published_free(result);
    publish_session_close(&session);
    cli_list_free(&paths);
    publish_flags_free(f);
    return code;
}

static void run_defaults(void *options)
{
    publish_flags_defaults(options);
}

static const cli_example run_examples[] = {
    {"koc run ./cmd/migrate", "build, push, and run it once as a pod, with its output here"},
    {"koc run ./cmd/migrate -- --env=STEP=2 -- --verbose",
     "kubectl's flags after --, the program's after a second"},
    {NULL, NULL},
};

const cli_command cli_run = {
    .name = "run",
    .group = "Kubernetes",
    .usage = "koc run IMPORTPATH [flags] [-- KUBECTL-FLAGS [-- ARGUMENTS]]",
    .summary = "build a package and kubectl run it",
    .description =
        "Builds and pushes a package, and runs it as a pod with kubectl run --attach --rm.",
    .examples = run_examples,
    .shared_flags = publish_flag_table,
    .complete = CLI_PACKAGES,
    .options_size = sizeof(publish_flags),
    .defaults = run_defaults,
    .run = run_run,
};

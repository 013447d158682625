/* koc apply, create, delete and run: kubectl with images that koc builds first. */
#include "commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child_program.h"
#include "kube/kube_manifests.h"
#include "kube/kube_sender.h"
#include "kube/kubectl.h"
#include "kube/rollout.h"

/* Flags of kubectl that koc accepts before "--" and passes on. */
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
     "as kubectl's: client, server or none; images are still built and pushed", "client server none"}
#define SERVER_SIDE_ROW \
    {"server-side", 0, CLI_BOOL, KUBECTL_AT(server_side), NULL, "For kubectl", "as kubectl's"}
/* clang-format on */

#define STREAM_ROW                                                                                 \
    {                                                                                              \
        "stream", 0, CLI_BOOL, offsetof(apply_options, stream), NULL, "Results",                   \
            "send each document as soon as its images are pushed"                                  \
    }

static const cli_flag apply_flags[] = {
    MANIFEST_FLAG_ROWS,
    WATCH_FLAG_ROW,
    STREAM_ROW,
    {"wait", 0, CLI_BOOL, offsetof(apply_options, wait), NULL, "Results",
     "wait until the applied objects run; report why if they cannot"},
    {"timeout", 0, CLI_STRING, offsetof(apply_options, timeout), "TIME", "Results",
     "how long --wait waits for each object (default 5m)"},
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

/* Adds "--name=VALUE", which is freed with the words of the command line. */
static void add_flag(cli_list *argv, const char *name, const char *value)
{
    if (value) {
        size_t size = strlen(name) + strlen(value) + 4;
        char *word = malloc(size);
        if (word) {
            snprintf(word, size, "--%s=%s", name, value);
        }
        cli_list_keep(argv, word);
    }
}

/* Adds the flags that select the cluster, for every kubectl of the run. */
static void add_cluster(cli_list *argv, const kubectl_flags *k)
{
    add_flag(argv, "kubeconfig", k->kubeconfig);
    add_flag(argv, "context", k->context);
}

static void make_argv(const apply_options *o, const char *verb, const cli_list *args,
                      cli_list *argv)
{
    const char *const first[] = {KUBECTL, verb, "-f", "-"};
    cli_list_add_all(argv, first, sizeof(first) / sizeof(first[0]));
    add_cluster(argv, &o->kubectl);
    add_flag(argv, "namespace", o->kubectl.namespace);
    if (o->kubectl.server_side) {
        cli_list_add(argv, "--server-side");
    }
    if (o->kubectl.dry_run) {
        add_flag(argv, "dry-run", *o->kubectl.dry_run ? o->kubectl.dry_run : "client");
    }
    cli_list_add_all(argv, args->items, args->count);
}

/* --- apply, create --- */

typedef struct apply_run {
    const cli *c;
    const apply_options *o;
    sender *sender;
    double seconds; /* --timeout */
} apply_run;

/* Without --stream everything is built and pushed before kubectl gets the first byte. */
static int send_resolved(apply_run *r, manifests *m, koc_error **err)
{
    const koc_writer out = {sender_write, r->sender};
    m->stream = r->o->stream ? &out : NULL;
    m->flush = sender_flush;
    return manifests_resolve(m, &out, err);
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
    CLI_AUTO(koc_error) err = NULL;
    int rc = sender_begin(r->sender, &err);
    rc = rc == KOC_OK ? send_resolved(r, m, &err) : rc;
    int code = sender_end(r->sender, rc == KOC_OK);
    if (rc != KOC_OK && rc != KOC_EUSER) {
        code = cli_error(r->c, err);
        if (sender_sent(r->sender)->len > 0) {
            cli_hint(r->c, "some documents were already sent to kubectl");
        }
    } else if (koc_cancel_is_triggered(r->c->cancel)) {
        code = cli_cancelled(r->c);
    }
    return code == EXIT_OK && r->o->wait ? wait_for_rollout(r) : code;
}

/* kubectl apply --prune must get every object that is to stay. */
static bool prunes(const cli_list *args)
{
    bool found = false;
    for (size_t i = 0; i < args->count; i++) {
        found = found || (strncmp(args->items[i], "--prune", 7) == 0 &&
                          strcmp(args->items[i], "--prune=false") != 0);
    }
    return found;
}

/* With --stream live lines and the output of kubectl would overwrite each other: progress becomes plain. */
static cli without_live_lines(const cli *c, bool stream)
{
    cli plain = *c;
    bool live = !c->progress_mode || strcmp(c->progress_mode, "auto") == 0;
    plain.progress_mode = stream && live ? "plain" : c->progress_mode;
    return plain;
}

static int run_apply(cli *given, void *options, const cli_list *args)
{
    apply_options *o = options;
    const cli c = without_live_lines(given, o->stream);
    apply_run r = {.c = &c, .o = o};
    const manifests_command command = {.round = apply_once, .self = &r, .needs = KUBECTL};
    int code = EXIT_OK;
    if (!rollout_seconds(o->timeout ? o->timeout : "5m", &r.seconds)) {
        code = cli_usage(&c, "--timeout: \"%s\" is not a time like 90s, 5m or 1h30m", o->timeout);
    } else if (o->stream && prunes(args)) {
        code = cli_usage(&c, "--stream: kubectl's --prune needs all documents at once");
    }
    CLI_TRY(code);
    CLI_AUTO_VAL(cli_list) argv = {0};
    make_argv(o, c.command->name, args, &argv);
    CLI_TRY(cli_list_check(&c, &argv));
    const sender_options so = {.c = &c,
                               .argv = cli_list_argv(&argv),
                               .stream = o->stream,
                               .changes = o->manifests.watch && !prunes(args)};
    r.sender = sender_new(&so);
    code = r.sender ? manifests_run(&c, &o->manifests, &command) : EXIT_FAILED;
    sender_free(r.sender);
    return code;
}

#define ORDER_HELP                                                                                        \
    "Order\n"                                                                                             \
    "  Everything is built and pushed before kubectl gets the first byte: if one package does not\n"      \
    "  compile, the cluster stays as it is. With --stream kubectl gets documents as they become ready,\n" \
    "  in their order, possibly in several runs.\n"
#define KUBECTL_HELP(verb)                                                                         \
    "kubectl\n"                                                                                    \
    "  It is run as: kubectl " verb " -f - [its flags from above] [arguments] [words after --].\n" \
    "  koc exits with its exit code. Other flags of kubectl go after --. 1.18 or later is needed.\n"

static const cli_example apply_examples[] = {
    {"koc apply -f config/",
     "build and push everything that config/ references, and apply the YAML with digests"},
    {"koc apply -f config/ -n staging --wait", "the same, and wait until the objects run"},
    {"koc apply -f config/ -- --prune -l app=web", "words after -- go to kubectl"},
    {NULL, NULL},
};

static const char apply_more[] = ORDER_HELP "\n" KUBECTL_HELP(
    "apply") "\n"
             "Watching (koc apply, resolve, build)\n"
             "  With --watch koc keeps running: saving an input of the packages (Go files, embedded files, kodata,\n"
             "  go.mod, .ko.yaml) or the YAML starts another round. Unchanged packages are not rebuilt, unchanged\n"
             "  documents are not sent again. After an error koc continues to watch; ^C ends it. KOC_WATCH=poll\n"
             "  checks the files three times per second, for file systems that do not report changes.\n";

const cli_command cli_apply = {
    .name = "apply",
    .group = "Kubernetes",
    .usage = "koc apply -f FILE [flags] [-- KUBECTL-FLAGS]",
    .summary = "resolve YAML and apply it with kubectl",
    .description = "Resolves YAML as koc resolve does and passes the result to kubectl apply.",
    .more = apply_more,
    .examples = apply_examples,
    .flags = apply_flags,
    .shared_flags = publish_flag_table,
    .builds = true,
    .options_size = sizeof(apply_options),
    .defaults = manifest_flags_defaults,
    .run = run_apply,
};

static const cli_example create_examples[] = {
    {"koc create -f config/",
     "build and push everything that config/ references, and create the objects"},
    {NULL, NULL},
};

static const char create_more[] = ORDER_HELP "\n" KUBECTL_HELP("create");

const cli_command cli_create = {
    .name = "create",
    .group = "Kubernetes",
    .usage = "koc create -f FILE [flags] [-- KUBECTL-FLAGS]",
    .summary = "resolve YAML and create its objects with kubectl",
    .description = "Resolves YAML as koc resolve does and passes the result to kubectl create.",
    .more = create_more,
    .examples = create_examples,
    .flags = create_flags,
    .shared_flags = publish_flag_table,
    .builds = true,
    .options_size = sizeof(apply_options),
    .defaults = manifest_flags_defaults,
    .run = run_apply,
};

/* --- delete --- */

/* Whether the only argument is an image ("registry.example/app:1"), as for crane's delete; kubectl takes none. */
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
    CLI_AUTO_VAL(cli_list) argv = {0};
    cli_list_add(&argv, KUBECTL);
    cli_list_add(&argv, "delete");
    cli_list_add_all(&argv, args->items, args->count);
    bool image = names_an_image(args);
    const child ch = {.argv = cli_list_argv(&argv)};
    CLI_TRY(cli_list_check(c, &argv));
    if (!child_exists(c, KUBECTL)) {
        return EXIT_FAILED;
    }
    int code = image ? child_run(c, &ch) : child_become(c, ch.argv);
    if (image && code != EXIT_OK) {
        cli_hint(c, "koc rm %s removes an image from a registry", args->items[0]);
    }
    return code < 0 ? EXIT_FAILED : code;
}

static const cli_example delete_examples[] = {
    {"koc delete --ignore-not-found -f config/",
     "delete the objects that koc apply created from config/"},
    {NULL, NULL},
};

const cli_command cli_delete = {
    .name = "delete",
    .group = "Kubernetes",
    .usage = "koc delete -f FILE [KUBECTL-FLAGS]",
    .summary = "delete objects with kubectl, without building",
    .description =
        "Passes all arguments to kubectl delete. Objects are deleted by name, so references "
        "are not resolved. To remove an image from a registry, use koc rm.",
    .examples = delete_examples,
    .raw = true,
    .run = run_delete,
};

/* --- run --- */

/* The last element of the repository: "api" of "reg:5000/team/api:v1@sha256:…". */
static char *pod_name(const char *reference)
{
    CLI_AUTO(koc_reference) r = NULL;
    if (koc_reference_parse(reference, 0, &r, NULL) != KOC_OK) {
        return NULL;
    }
    const char *repository = koc_reference_repository(r);
    const char *slash = strrchr(repository, '/');
    return strdup(slash ? slash + 1 : repository);
}

static int run_pod(const cli *c, const char *reference, const cli_list *args)
{
    CLI_AUTO_STR name = pod_name(reference);
    if (!name) {
        return cli_usage(c, "cannot run %s: a cluster cannot pull it", reference);
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
    CLI_AUTO_VAL(cli_list) argv = {0};
    cli_list_add_all(&argv, first, sizeof(first) / sizeof(first[0]));
    cli_list_add_all(&argv, args->items + c->dashes, args->count - c->dashes);
    child ch = {.argv = cli_list_argv(&argv)};
    CLI_TRY(cli_list_check(c, &argv));
    int code = child_run(c, &ch);
    if (code > 0 && !koc_cancel_is_triggered(c->cancel)) {
        kubectl_report_failure(c, "run", code);
    }
    return code < 0 ? EXIT_FAILED : code;
}

static int run_all(const cli *c, const koc_published *result, const cli_list *args)
{
    int code = EXIT_OK;
    for (size_t i = 0; code == EXIT_OK && i < koc_published_count(result); i++) {
        code = run_pod(c, koc_published_reference(result, i), args);
    }
    return koc_cancel_is_triggered(c->cancel) ? cli_cancelled(c) : code;
}

static int run_run(cli *c, void *options, const cli_list *args)
{
    const publish_flags *f = options;
    koc_publish_options p = KOC_PUBLISH_OPTIONS_INIT;
    CLI_AUTO_VAL(publish_session) session = {0};
    CLI_AUTO_VAL(cli_list) paths = {0};
    CLI_AUTO(koc_published) result = NULL;
    CLI_AUTO(koc_error) err = NULL;
    cli_list_add_all(&paths, args->items, c->dashes);
    CLI_TRY(cli_list_check(c, &paths));
    if (paths.count == 0) {
        return cli_usage(c, "koc run needs an import path: koc run ./cmd/job");
    }
    CLI_TRY(publish_flags_read(c, f, &p));
    p.import_paths = cli_list_argv(&paths);
    if (!child_exists(c, KUBECTL)) {
        return EXIT_FAILED;
    }
    int rc = publish_session_open(c, f, &session, &err);
    rc = rc == KOC_OK ? publish_session_run(&session, &p, &result, &err) : rc;
    return rc == KOC_OK ? run_all(c, result, args) : cli_error(c, err);
}

static const cli_example run_examples[] = {
    {"koc run ./cmd/migrate", "build and push it, run it once as a pod and show its output"},
    {"koc run ./cmd/migrate -- --env=STEP=2 -- --verbose",
     "flags of kubectl follow --, those of the program a second --"},
    {NULL, NULL},
};

const cli_command cli_run = {
    .name = "run",
    .group = "Kubernetes",
    .usage = "koc run IMPORTPATH [flags] [-- KUBECTL-FLAGS [-- ARGUMENTS]]",
    .summary = "build a package and run it with kubectl",
    .description =
        "Builds and pushes a package and runs it as a pod with kubectl run --attach --rm.",
    .examples = run_examples,
    .shared_flags = publish_flag_table,
    .complete = CLI_PACKAGES,
    .builds = true,
    .options_size = sizeof(publish_flags),
    .defaults = publish_flags_defaults,
    .run = run_run,
};

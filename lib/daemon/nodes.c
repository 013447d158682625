/*
 * The nodes of kind and k3d are containers with labels; koc lists them with docker, nerdctl, finch or podman,
 * as kind's own library does. The program minikube lists its own nodes. A plain containerd is a local socket.
 */
#include "core/common.h"

#include "daemon/nodes.h"

#include <sys/utsname.h>

#include "core/dynbuf.h"
#include "core/env.h"
#include "core/run/proc.h"

#define OUTPUT_MAX ((size_t)32 << 20)

/* The labels that mark the nodes of a cluster. */
typedef struct labels {
    const char *cluster, *role;
    const char *const *roles; /* NULL-terminated: those that run pods */
    const char *variable, *fallback;
} labels;
static const char *const kind_roles[] = {"control-plane", "worker", NULL};
static const char *const k3d_roles[] = {"server", "agent", NULL};
static const labels kind_labels = {"io.x-k8s.kind.cluster", "io.x-k8s.kind.role", kind_roles,
                                   "KIND_CLUSTER_NAME", "kind"};
static const labels k3d_labels = {"k3d.cluster", "k3d.role", k3d_roles, "K3D_CLUSTER",
                                  "k3s-default"};

void koc__nodes_free(koc__nodes *n)
{
    if (!n) {
        return;
    }
    koc__free(n->program);
    koc__free(n->name);
    koc__free(n->space);
    koc_strlist_free(n->list);
    koc__free(n->os);
    koc__free(n->arch);
    koc__free(n);
}

/* --- programs --- */

static koc_str last_line(const koc__dynbuf *text)
{
    koc_str rest = koc__str_trim(koc__dynbuf_view(text)), before, line;
    return koc__str_rcut(rest, '\n', &before, &line) ? koc__str_trim(line) : rest;
}

int koc__nodes_run(const koc_strlist *argv, const char *input_file, const char *what,
                   koc__call *call, koc__dynbuf *output, koc_error **err)
{
    const koc__proc p = {
        .argv = koc__strlist_argv(argv), .input_file = input_file, .max_output = OUTPUT_MAX};
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    KOC__TRY(koc__proc_run(&p, call, &result, err));
    if (result.exit_code != 0) {
        koc_str said = last_line(&result.errors);
        if (said.len == 0) {
            return koc__error(err, KOC_EPROCESS, "cannot %s: %s ended with exit code %d", what,
                              koc_strlist_get(argv, 0), result.exit_code);
        }
        return koc__error(err, KOC_EPROCESS, "cannot %s: %s: %.*s", what, koc_strlist_get(argv, 0),
                          KOC__FMT(said));
    }
    return output ? koc__dynbuf_put(output, koc__dynbuf_view(&result.output), err) : KOC_OK;
}

static int words(koc_strlist **out, koc_error **err, const char *const *list)
{
    KOC__AUTO(koc_strlist) argv = NULL;
    KOC__TRY(koc__strlist_new(&argv, err));
    for (; *list; list++) {
        KOC__TRY(koc__strlist_add(argv, *list, err));
    }
    *out = koc__steal(&argv);
    return KOC_OK;
}

/* --- which nodes --- */

static int list_containers(const labels *l, const char *program, const char *cluster,
                           koc__call *call, koc_strlist *names, koc_error **err)
{
    KOC__AUTO_STR filter = koc__format("label=%s=%s", l->cluster, cluster);
    KOC__AUTO(koc_strlist) argv = NULL;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(OUTPUT_MAX);
    if (!filter) {
        return koc__oom(err);
    }
    const char *const list[] = {program, "ps",       "-a",         "--filter",
                                filter,  "--format", "{{.Names}}", NULL};
    KOC__TRY(words(&argv, err, list));
    KOC__TRY(koc__nodes_run(argv, NULL, "list the nodes", call, &text, err));
    koc_str rest = koc__dynbuf_view(&text), name;
    while (koc__str_word(&rest, &name)) {
        KOC__TRY(koc__strlist_add_n(names, name, err));
    }
    return KOC_OK;
}

static bool runs_pods(const labels *l, const koc__jnode *node)
{
    const char *role =
        koc__json_get_str(koc__json_get(koc__json_get(node, "Config"), "Labels"), l->role);
    for (size_t i = 0; l->roles[i]; i++) {
        if (koc__streq(role, l->roles[i])) {
            return true;
        }
    }
    return false;
}

/* The platform of the image of a node. */
static int ask_platform(koc__nodes *n, const char *image, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_strlist) argv = NULL;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(OUTPUT_MAX);
    KOC__AUTO(koc__json) doc = NULL;
    const char *const list[] = {n->program, "image", "inspect", image, NULL};
    KOC__TRY(words(&argv, err, list));
    KOC__TRY(koc__nodes_run(argv, NULL, "ask for the platform of the nodes", call, &text, err));
    KOC__TRY(koc__json_parse(koc__dynbuf_view(&text), OUTPUT_MAX, "image inspect", &doc, err));
    const koc__jnode *root = koc__json_child(koc__json_root(doc));
    const char *os = koc__json_get_str(root, "Os"), *arch = koc__json_get_str(root, "Architecture");
    if (!os || !arch) {
        return koc__error(err, KOC_EFORMAT,
                          "cannot determine the platform of the nodes: %s image inspect does not "
                          "report it",
                          n->program);
    }
    n->os = koc__strdup(os);
    n->arch = koc__strdup(arch);
    return n->os && n->arch ? KOC_OK : koc__oom(err);
}

static int use_node(koc__nodes *n, const koc__jnode *node, koc_error **err)
{
    const char *name = koc__json_get_str(node, "Name");
    const char *status = koc__json_str(koc__json_at(node, "/State/Status"));
    bool running =
        koc__json_true(koc__json_at(node, "/State/Running")) || koc__streq(status, "running");
    name = name && *name == '/' ? name + 1 : name;
    if (!name) {
        return koc__error(err, KOC_EFORMAT, "%s inspect reports no node", n->program);
    }
    if (!running) {
        koc__error(err, KOC_EINVAL, "node %s of cluster \"%s\" is not running (%s)", name, n->name,
                   status ? status : "stopped");
        koc__error_hint(err, "%s start %s", n->program, name);
        return KOC_EINVAL;
    }
    return koc__strlist_add(n->list, name, err);
}

static int inspect(koc__nodes *n, const labels *l, const koc_strlist *names, koc__call *call,
                   koc_error **err)
{
    KOC__AUTO(koc_strlist) argv = NULL;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(OUTPUT_MAX);
    KOC__AUTO(koc__json) doc = NULL;
    const char *image = NULL;
    const char *const list[] = {n->program, "inspect", NULL};
    KOC__TRY(words(&argv, err, list));
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        KOC__TRY(koc__strlist_add(argv, koc_strlist_get(names, i), err));
    }
    KOC__TRY(koc__nodes_run(argv, NULL, "look at the nodes", call, &text, err));
    KOC__TRY(koc__json_parse(koc__dynbuf_view(&text), OUTPUT_MAX, "inspect", &doc, err));
    for (const koc__jnode *node = koc__json_child(koc__json_root(doc)); node;
         node = koc__json_next(node)) {
        if (runs_pods(l, node)) {
            KOC__TRY(use_node(n, node, err));
            image = koc__json_get_str(node, "Image");
        }
    }
    return koc_strlist_count(n->list) > 0 && image ? ask_platform(n, image, call, err) : KOC_OK;
}

static int no_nodes(const koc__nodes *n, const char *tried, koc_error **why, koc_error **err)
{
    bool kind = n->kind == KOC__LOCAL_KIND;
    if (!*tried) {
        koc__error(err, KOC_ENOTFOUND, "%s.local needs docker, podman or nerdctl on PATH",
                   kind ? "kind" : "k3d");
        return KOC_ENOTFOUND;
    }
    if (*why) {
        return koc__error_move(err, why);
    }
    koc__error(err, KOC_ENOTFOUND, "%s cluster \"%s\" has no nodes (asked%s)",
               kind ? "kind" : "k3d", n->name, tried);
    koc__error_hint_on(err, KOC_HINT_OPTION, kind ? "into=kind:NAME" : "into=k3d:NAME",
                       kind ? "kind get clusters lists the clusters; KIND_CLUSTER_NAME or "
                              "into=kind:NAME chooses one"
                            : "k3d cluster list lists the clusters; K3D_CLUSTER or into=k3d:NAME "
                              "chooses one");
    return KOC_ENOTFOUND;
}

/* The first program that lists nodes of the cluster. */
static int find_nodes(koc__nodes *n, const labels *l, koc__call *call, koc_error **err)
{
    const char *const all[] = {"docker", "nerdctl", "finch", "podman", NULL};
    const char *const named[] = {koc__env_nonempty("KIND_EXPERIMENTAL_PROVIDER"), NULL};
    const char *const *programs = named[0] ? named : all;
    KOC__AUTO_VAL(koc__dynbuf) tried = KOC__DYNBUF_INIT(1024);
    KOC__AUTO(koc_error) why = NULL;
    for (; *programs; programs++) {
        KOC__AUTO(koc_strlist) names = NULL;
        KOC__AUTO_STR path = NULL;
        koc_error *failure = NULL;
        int rc = koc__proc_find(*programs, NULL, &path, NULL);
        if (rc != KOC_OK) {
            KOC__TRY(rc == KOC_ENOMEM ? koc__oom(err) : KOC_OK);
            continue;
        }
        KOC__TRY(koc__dynbuf_printf(&tried, err, "%s %s", tried.len ? "," : "", *programs));
        KOC__TRY(koc__strlist_new(&names, err));
        if (list_containers(l, *programs, n->name, call, names, &failure) != KOC_OK) {
            koc_error_free(why);
            why = failure;
            KOC__TRY(koc__call_check(call, err));
            continue;
        }
        if (koc_strlist_count(names) > 0) {
            n->program = koc__strdup(*programs);
            return n->program ? inspect(n, l, names, call, err) : koc__oom(err);
        }
    }
    return no_nodes(n, koc__dynbuf_cstr(&tried), &why, err);
}

static int open_cluster(koc__nodes *n, const char *name, const labels *l, koc__call *call,
                        koc_error **err)
{
    const char *named = name ? name : koc__env_nonempty(l->variable);
    n->name = koc__strdup(named ? named : l->fallback);
    n->space = koc__strdup("k8s.io");
    if (!n->name || !n->space) {
        return koc__oom(err);
    }
    KOC__TRY(find_nodes(n, l, call, err));
    if (koc_strlist_count(n->list) == 0) {
        KOC__AUTO(koc_error) none = NULL;
        KOC__AUTO_STR tried = koc__format(" %s", n->program);
        return tried ? no_nodes(n, tried, &none, err) : koc__oom(err);
    }
    return KOC_OK;
}

/* --- this machine --- */

static int platform_here(koc__nodes *n, koc_error **err)
{
    static const char *const names[][2] = {{"x86_64", "amd64"}, {"aarch64", "arm64"},
                                           {"armv7l", "arm"},   {"i686", "386"},
                                           {"amd64", "amd64"},  {"loongarch64", "loong64"}};
    struct utsname u;
    if (uname(&u) != 0) {
        return koc__error_errno(err, errno, "cannot determine the platform of this host");
    }
    const char *arch = u.machine;
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        arch = koc__streq(u.machine, names[i][0]) ? names[i][1] : arch;
    }
    n->os = koc__strdup("linux"); /* minikube's node is Linux also on macOS */
    n->arch = koc__strdup(arch);
    return n->os && n->arch ? KOC_OK : koc__oom(err);
}

static int open_containerd(koc__nodes *n, const char *socket, koc_error **err)
{
    static const char *const places[] = {"/run/containerd/containerd.sock",
                                         "/run/k3s/containerd/containerd.sock", NULL};
    KOC__AUTO_STR path = NULL;
    const char *space = koc__env_nonempty("CONTAINERD_NAMESPACE");
    socket = socket ? socket : koc__env_nonempty("CONTAINERD_ADDRESS");
    for (size_t i = 0; !socket && places[i]; i++) {
        socket = koc__endpoint_probe(places[i], NULL) == KOC_OK ? places[i] : NULL;
    }
    socket = socket ? socket : places[0];
    if (strncmp(socket, "unix://", 7) == 0) {
        socket += 7;
    }
    koc_error *why = NULL;
    int rc = koc__endpoint_probe(socket, &why);
    if (rc != KOC_OK) {
        koc__error_prefix(&why, rc, "containerd.local");
        koc__error_hint_on(&why, KOC_HINT_OPTION, "into=containerd:/PATH",
                           "CONTAINERD_ADDRESS or into=containerd:/PATH names its socket; it may "
                           "need root");
        return koc__error_move(err, &why);
    }
    rc = koc__proc_find("ctr", NULL, &path, NULL);
    if (rc != KOC_OK) {
        return rc == KOC_ENOMEM
                   ? koc__oom(err)
                   : koc__error(err, KOC_ENOTFOUND,
                                "containerd.local needs the program ctr of containerd on PATH");
    }
    n->program = koc__strdup("ctr");
    n->name = koc__strdup(socket);
    n->space = koc__strdup(space ? space : "default");
    if (!n->program || !n->name || !n->space) {
        return koc__oom(err);
    }
    KOC__TRY(koc__strlist_add(n->list, "", err));
    return platform_here(n, err);
}

/* --- minikube --- */

/* Each node's Host must be "Running". */
static int check_status(const koc__nodes *n, const koc__jnode *status, koc_error **err)
{
    bool several = koc__json_is(status, KOC__JSON_ARRAY);
    for (const koc__jnode *s = several ? koc__json_child(status) : status; s;
         s = several ? koc__json_next(s) : NULL) {
        const char *name = koc__json_get_str(s, "Name"), *host = koc__json_get_str(s, "Host");
        if (!koc__streq(host, "Running")) {
            koc__error(err, KOC_EINVAL, "node %s of minikube profile \"%s\" is not running (%s)",
                       name ? name : "?", n->name, host ? host : "unknown");
            koc__error_hint(err, "minikube start -p %s", n->name);
            return KOC_EINVAL;
        }
    }
    return KOC_OK;
}

static int open_minikube(koc__nodes *n, const char *profile, koc__call *call, koc_error **err)
{
    const char *named = profile ? profile : koc__env_nonempty("MINIKUBE_PROFILE");
    KOC__AUTO_VAL(koc__proc_result) result = KOC__PROC_RESULT_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    n->program = koc__strdup("minikube");
    n->name = koc__strdup(named ? named : "minikube");
    if (!n->program || !n->name) {
        return koc__oom(err);
    }
    const char *const argv[] = {"minikube", "status", "-p", n->name, "-o", "json", NULL};
    const koc__proc p = {.argv = argv};
    koc_error *why = NULL;
    int rc = koc__proc_run(&p, call, &result, &why); /* exits with 7 when something is stopped */
    if (rc == KOC_ENOTFOUND) {
        koc_error_free(why);
        return koc__error(err, KOC_ENOTFOUND, "minikube.local needs the program minikube on PATH");
    }
    if (rc != KOC_OK) {
        return koc__error_move(err, &why);
    }
    rc = koc__json_parse(koc__dynbuf_view(&result.output), OUTPUT_MAX, "minikube status", &doc,
                         NULL);
    if (rc == KOC_ENOMEM) {
        return koc__oom(err);
    }
    if (rc != KOC_OK) {
        koc_str said = last_line(&result.errors);
        koc__error(err, KOC_EPROCESS, "cannot ask minikube profile \"%s\" for its nodes: %.*s",
                   n->name, KOC__FMT(said));
        koc__error_hint_on(err, KOC_HINT_OPTION, "into=minikube:NAME",
                           "minikube profile list lists the profiles; MINIKUBE_PROFILE or "
                           "into=minikube:NAME chooses one");
        return KOC_EPROCESS;
    }
    KOC__TRY(check_status(n, koc__json_root(doc), err));
    KOC__TRY(koc__strlist_add(n->list, "", err));
    return platform_here(n, err);
}

int koc__nodes_open(koc__local_kind kind, const char *name, koc__call *call, koc__nodes **out,
                    koc_error **err)
{
    KOC__AUTO(koc__nodes) n = koc__calloc(1, sizeof(*n));
    if (!n) {
        return koc__oom(err);
    }
    n->kind = kind;
    KOC__TRY(koc__strlist_new(&n->list, err));
    switch (kind) {
    case KOC__LOCAL_KIND: KOC__TRY(open_cluster(n, name, &kind_labels, call, err)); break;
    case KOC__LOCAL_K3D: KOC__TRY(open_cluster(n, name, &k3d_labels, call, err)); break;
    case KOC__LOCAL_MINIKUBE: KOC__TRY(open_minikube(n, name, call, err)); break;
    default: KOC__TRY(open_containerd(n, name, err)); break;
    }
    *out = koc__steal(&n);
    return KOC_OK;
}

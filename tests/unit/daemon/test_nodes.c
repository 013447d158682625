/* The nodes of clusters, as programs that are shell scripts report them. */
#include "core/common.h"

#include "daemon/nodes.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/dynbuf.h"
#include "core/io/fs.h"
#include "core/path.h"
#include "test.h"

#undef setenv
#undef unsetenv

/*
 * bin/NAME logs its arguments to bin/log and prints the line in bin/NAME.VERB; without such a file it prints the
 * line in bin/NAME.errors to stderr and fails.
 */
static const char script[] = "#!/bin/sh\n"
                             "echo \"${0##*/} $*\" >>\"${0%/*}/log\"\n"
                             "if [ -f \"$0.$1\" ]; then\n"
                             "  read -r line <\"$0.$1\"\n"
                             "  printf '%s\\n' \"$line\"\n"
                             "elif [ -f \"$0.errors\" ]; then\n"
                             "  read -r line <\"$0.errors\"\n"
                             "  printf 'first\\n%s\\n\\n' \"$line\" >&2\n"
                             "  exit 3\n"
                             "else exit 4\n"
                             "fi\n";

/* Nothing but the test's own programs is on PATH. */
static void begin(void)
{
    static const char *const cleared[] = {
        "KIND_EXPERIMENTAL_PROVIDER", "KIND_CLUSTER_NAME",  "K3D_CLUSTER",
        "MINIKUBE_PROFILE",           "CONTAINERD_ADDRESS", "CONTAINERD_NAMESPACE"};
    for (size_t i = 0; i < KOC__COUNT(cleared); i++) {
        unsetenv(cleared[i]);
    }
    koc__fs_remove(koc_test_path("bin"), NULL);
    assert_int_equal(mkdir(koc_test_path("bin"), 0700), 0);
    setenv("PATH", koc_test_path("bin"), 1);
}

static void answer(const char *program, const char *verb, const char *line)
{
    KOC__AUTO_STR name = koc__format("bin/%s", program);
    KOC__AUTO_STR file = koc__format("bin/%s.%s", program, verb);
    KOC__AUTO_STR text = koc__format("%s\n", line);
    koc_test_write(name, script, sizeof(script) - 1);
    assert_int_equal(chmod(koc_test_path(name), 0700), 0);
    koc_test_write(file, text, strlen(text));
}

/* What ran since begin(), one command a line. */
static const char *log_of_programs(void)
{
    static char out[4096];
    KOC__AUTO_VAL(koc__dynbuf) log = KOC__DYNBUF_INIT(sizeof(out));
    (void)koc__fs_read_file(koc_test_path("bin/log"), &log, NULL);
    snprintf(out, sizeof(out), "%s", koc__dynbuf_cstr(&log));
    return out;
}

static int open_nodes(koc__local_kind kind, const char *name, koc__nodes **out, koc_error **err)
{
    koc_ctx *ctx = NULL;
    koc__call call = {0};
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    assert_int_equal(koc__call_begin(&call, ctx, NULL, NULL), KOC_OK);
    int rc = koc__nodes_open(kind, name, &call, out, err);
    koc__call_end(&call);
    koc_ctx_unref(ctx);
    return rc;
}

static koc__nodes *opened(koc__local_kind kind, const char *name)
{
    koc__nodes *n = NULL;
    koc_error *err = NULL;
    if (open_nodes(kind, name, &n, &err) != KOC_OK) {
        fail_msg("%s", koc_error_message(err));
    }
    return n;
}

static void fails(koc__local_kind kind, koc_code code, const char *message, const char *hint)
{
    koc__nodes *n = NULL;
    KOC__AUTO(koc_error) err = NULL;
    assert_int_equal(open_nodes(kind, NULL, &n, &err), code);
    assert_null(n);
    assert_string_equal(koc_error_message(err), message);
    if (hint) {
        assert_non_null(koc_error_hint(err));
        assert_non_null(strstr(koc_error_hint(err), hint));
    }
}

/* How many allocations it took; whichever of them fails, it is not taken for another error. */
static unsigned starve(koc__local_kind kind, const char *name)
{
    for (unsigned n = 1; n < 2000; n++) {
        KOC__AUTO(koc__nodes) nodes = NULL;
        koc__call call = {0};
        koc__alloc_fail_after(n);
        int rc = koc__nodes_open(kind, name, &call, &nodes, NULL);
        koc__alloc_fail_after(0);
        if (rc == KOC_OK) {
            assert_true(nodes->program && nodes->name && nodes->os && nodes->arch);
            assert_int_equal(koc_strlist_count(nodes->list), 1);
            return n;
        }
        assert_int_equal(rc, KOC_ENOMEM);
    }
    fail_msg("never enough memory");
    return 0;
}

/* --- kind and k3d --- */

#define KIND_NODE(name, role, state)                                                               \
    "{\"Name\":\"" name "\",\"Image\":\"node:1\",\"State\":{" state                                \
    "},\"Config\":{\"Labels\":{\"io.x-k8s.kind.role\":\"" role "\"}}}"
#define K3D_NODE(name, role)                                                                       \
    "{\"Name\":\"/" name "\",\"Image\":\"k3s:1\",\"State\":{\"Running\":true},"                    \
    "\"Config\":{\"Labels\":{\"k3d.role\":\"" role "\"}}}"
#define RUNS     "\"Running\":true"
#define STOPPED  "\"Running\":false,\"Status\":\"exited\""
#define PLATFORM "[{\"Os\":\"linux\",\"Architecture\":\"arm64\"}]"

static void kind_cluster(const char *program)
{
    answer(program, "ps", "a b proxy");
    answer(program, "inspect",
           "[" KIND_NODE("/a", "control-plane", RUNS) "," KIND_NODE(
               "/proxy", "balancer", STOPPED) "," KIND_NODE("b", "worker",
                                                            "\"Status\":\"running\"") "]");
    answer(program, "image", PLATFORM);
}

KOC_TEST(nodes_of_kind_are_those_that_run_pods)
{
    begin();
    kind_cluster("docker");
    KOC__AUTO(koc__nodes) n = opened(KOC__LOCAL_KIND, NULL);
    assert_string_equal(n->program, "docker");
    assert_string_equal(n->name, "kind");
    assert_string_equal(n->space, "k8s.io");
    assert_int_equal(koc_strlist_count(n->list), 2);
    assert_string_equal(koc_strlist_get(n->list, 0), "a");
    assert_string_equal(koc_strlist_get(n->list, 1), "b");
    assert_string_equal(n->os, "linux");
    assert_string_equal(n->arch, "arm64");
    assert_string_equal(
        log_of_programs(),
        "docker ps -a --filter label=io.x-k8s.kind.cluster=kind --format {{.Names}}\n"
        "docker inspect a b proxy\n"
        "docker image inspect node:1\n");
}

KOC_TEST(nodes_of_k3d_are_those_that_run_pods)
{
    begin();
    answer("docker", "ps", "s a lb");
    answer("docker", "inspect",
           "[" K3D_NODE("s", "server") "," K3D_NODE("a", "agent") "," K3D_NODE("lb",
                                                                               "loadbalancer") "]");
    answer("docker", "image", PLATFORM);
    KOC__AUTO(koc__nodes) n = opened(KOC__LOCAL_K3D, NULL);
    assert_int_equal(koc_strlist_count(n->list), 2);
    assert_string_equal(koc_strlist_get(n->list, 0), "s");
    assert_string_equal(koc_strlist_get(n->list, 1), "a");
    assert_string_equal(n->name, "k3s-default");
    assert_non_null(strstr(log_of_programs(), "label=k3d.cluster=k3s-default "));
}

KOC_TEST(a_cluster_is_named_by_the_caller_then_by_the_environment)
{
    begin();
    kind_cluster("docker");
    setenv("KIND_CLUSTER_NAME", "staging", 1);
    KOC__AUTO(koc__nodes) environment = opened(KOC__LOCAL_KIND, NULL);
    assert_string_equal(environment->name, "staging");
    KOC__AUTO(koc__nodes) given = opened(KOC__LOCAL_KIND, "other");
    assert_string_equal(given->name, "other");
    assert_non_null(strstr(log_of_programs(), "kind.cluster=staging "));
    assert_non_null(strstr(log_of_programs(), "kind.cluster=other "));
}

KOC_TEST(the_first_program_that_lists_nodes_is_used)
{
    begin();
    answer("docker", "errors", "no daemon");
    answer("nerdctl", "ps", "");
    kind_cluster("podman");
    KOC__AUTO(koc__nodes) n = opened(KOC__LOCAL_KIND, NULL);
    assert_string_equal(n->program, "podman");
    begin();
    kind_cluster("docker");
    kind_cluster("nerdctl");
    setenv("KIND_EXPERIMENTAL_PROVIDER", "nerdctl", 1);
    KOC__AUTO(koc__nodes) named = opened(KOC__LOCAL_KIND, NULL);
    assert_string_equal(named->program, "nerdctl");
    assert_null(strstr(log_of_programs(), "docker "));
}

KOC_TEST(a_cluster_without_nodes_is_not_found)
{
    begin();
    fails(KOC__LOCAL_KIND, KOC_ENOTFOUND, "kind.local needs docker, podman or nerdctl on PATH",
          NULL);
    fails(KOC__LOCAL_K3D, KOC_ENOTFOUND, "k3d.local needs docker, podman or nerdctl on PATH", NULL);
    answer("docker", "ps", "");
    answer("podman", "ps", "");
    fails(KOC__LOCAL_KIND, KOC_ENOTFOUND,
          "kind cluster \"kind\" has no nodes (asked docker, podman)", "kind get clusters");
    fails(KOC__LOCAL_K3D, KOC_ENOTFOUND,
          "k3d cluster \"k3s-default\" has no nodes (asked docker, podman)", "k3d cluster list");
    answer("docker", "ps", "proxy");
    answer("docker", "inspect", "[" KIND_NODE("proxy", "balancer", RUNS) "]");
    fails(KOC__LOCAL_KIND, KOC_ENOTFOUND, "kind cluster \"kind\" has no nodes (asked docker)",
          "kind get clusters");
}

/* A program that fails says more than one that knows no nodes. */
KOC_TEST(a_program_that_cannot_list_nodes_is_quoted)
{
    begin();
    answer("docker", "errors", "no daemon");
    answer("podman", "ps", "");
    fails(KOC__LOCAL_KIND, KOC_EPROCESS, "cannot list the nodes: docker: no daemon", NULL);
    unlink(koc_test_path("bin/docker.errors"));
    fails(KOC__LOCAL_KIND, KOC_EPROCESS, "cannot list the nodes: docker ended with exit code 4",
          NULL);
}

KOC_TEST(nodes_that_cannot_be_used_are_an_error)
{
    static const struct {
        const char *nodes, *image;
        koc_code code;
        const char *message, *hint;
    } table[] = {
        {"[" KIND_NODE("/a", "worker", RUNS) "," KIND_NODE("/b", "worker", STOPPED) "]", PLATFORM,
         KOC_EINVAL, "node b of cluster \"kind\" is not running (exited)", "docker start b"},
        {"[" KIND_NODE("/b", "worker", "") "]", PLATFORM, KOC_EINVAL,
         "node b of cluster \"kind\" is not running (stopped)", "docker start b"},
        {"[{\"Config\":{\"Labels\":{\"io.x-k8s.kind.role\":\"worker\"}}}]", PLATFORM, KOC_EFORMAT,
         "docker inspect reports no node", NULL},
        {"[" KIND_NODE("/a", "worker", RUNS) "]", "[{\"Os\":\"linux\"}]", KOC_EFORMAT,
         "cannot determine the platform of the nodes: docker image inspect does not report it",
         NULL},
        {"[" KIND_NODE("/a", "worker", RUNS) "]", "[{\"Architecture\":\"arm\"}]", KOC_EFORMAT,
         "cannot determine the platform of the nodes: docker image inspect does not report it",
         NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        begin();
        answer("docker", "ps", "a");
        answer("docker", "inspect", table[i].nodes);
        answer("docker", "image", table[i].image);
        fails(KOC__LOCAL_KIND, table[i].code, table[i].message, table[i].hint);
    }
}

KOC_TEST(a_program_that_cannot_be_asked_about_nodes_is_quoted)
{
    begin();
    answer("docker", "ps", "a");
    fails(KOC__LOCAL_KIND, KOC_EPROCESS, "cannot look at the nodes: docker ended with exit code 4",
          NULL);
    answer("docker", "inspect", "[");
    fails(KOC__LOCAL_KIND, KOC_EFORMAT, "inspect: not valid JSON at byte 2: unexpected end", NULL);
    answer("docker", "inspect", "[" KIND_NODE("/a", "worker", RUNS) "]");
    fails(KOC__LOCAL_KIND, KOC_EPROCESS,
          "cannot ask for the platform of the nodes: docker ended with exit code 4", NULL);
    answer("docker", "image", "[");
    fails(KOC__LOCAL_KIND, KOC_EFORMAT, "image inspect: not valid JSON at byte 2: unexpected end",
          NULL);
}

/* --- minikube --- */

KOC_TEST(minikube_lists_its_own_nodes)
{
    begin();
    answer("minikube", "status", "{\"Name\":\"m\",\"Host\":\"Running\"}");
    KOC__AUTO(koc__nodes) n = opened(KOC__LOCAL_MINIKUBE, NULL);
    assert_string_equal(n->name, "minikube");
    assert_int_equal(koc_strlist_count(n->list), 1);
    assert_string_equal(n->os, "linux");
    assert_true(*n->arch != '\0' && !strchr(n->arch, '_')); /* amd64, not x86_64 */
    setenv("MINIKUBE_PROFILE", "p", 1);
    answer("minikube", "status", "[{\"Host\":\"Running\"},{\"Host\":\"Running\"}]");
    KOC__AUTO(koc__nodes) profile = opened(KOC__LOCAL_MINIKUBE, NULL);
    assert_string_equal(profile->name, "p");
    assert_string_equal(log_of_programs(), "minikube status -p minikube -o json\n"
                                           "minikube status -p p -o json\n");
}

KOC_TEST(minikube_that_cannot_be_used_is_an_error)
{
    begin();
    fails(KOC__LOCAL_MINIKUBE, KOC_ENOTFOUND, "minikube.local needs the program minikube on PATH",
          NULL);
    answer("minikube", "status",
           "[{\"Name\":\"m\",\"Host\":\"Running\"},{\"Name\":\"m02\",\"Host\":\"Stopped\"}]");
    fails(KOC__LOCAL_MINIKUBE, KOC_EINVAL,
          "node m02 of minikube profile \"minikube\" is not running (Stopped)",
          "minikube start -p minikube");
    answer("minikube", "status", "{}");
    fails(KOC__LOCAL_MINIKUBE, KOC_EINVAL,
          "node ? of minikube profile \"minikube\" is not running (unknown)", "minikube start");
    unlink(koc_test_path("bin/minikube.status"));
    answer("minikube", "errors", "no such profile");
    fails(KOC__LOCAL_MINIKUBE, KOC_EPROCESS,
          "cannot ask minikube profile \"minikube\" for its nodes: no such profile",
          "minikube profile list");
}

/* --- containerd --- */

KOC_TEST(containerd_is_a_socket_and_the_program_ctr)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    KOC__AUTO_STR directory = NULL;
    assert_int_equal(koc__fs_tempdir("koc-", &directory, NULL), KOC_OK);
    KOC__AUTO_STR path = koc__path_join(directory, "s");
    KOC__AUTO_STR url = koc__format("unix://%s", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    KOC__AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    begin();
    setenv("CONTAINERD_ADDRESS", url, 1);
    fails(KOC__LOCAL_CONTAINERD, KOC_ENOTFOUND,
          "containerd.local needs the program ctr of containerd on PATH", NULL);
    answer("ctr", "images", "");
    KOC__AUTO(koc__nodes) n = opened(KOC__LOCAL_CONTAINERD, NULL);
    assert_string_equal(n->name, path);
    assert_string_equal(n->space, "default");
    assert_int_equal(koc_strlist_count(n->list), 1);
    assert_string_equal(koc_strlist_get(n->list, 0), "");
    setenv("CONTAINERD_ADDRESS", "/nowhere", 1);
    setenv("CONTAINERD_NAMESPACE", "k8s.io", 1);
    KOC__AUTO(koc__nodes) given = opened(KOC__LOCAL_CONTAINERD, path);
    assert_string_equal(given->name, path);
    assert_string_equal(given->space, "k8s.io");
    koc__fs_remove(directory, NULL);
}

KOC_TEST(containerd_that_is_not_there_is_an_error)
{
    begin();
    setenv("CONTAINERD_ADDRESS", "/nowhere", 1);
    fails(KOC__LOCAL_CONTAINERD, KOC_ENOTFOUND,
          "containerd.local: no daemon at /nowhere: No such file or directory",
          "CONTAINERD_ADDRESS");
}

KOC_TEST(nodes_survive_a_lack_of_memory)
{
    begin();
    answer("minikube", "status", "{\"Host\":\"Running\"}");
    assert_true(starve(KOC__LOCAL_MINIKUBE, "p") > 5);
    answer("docker", "ps", "a");
    answer("docker", "inspect", "[" KIND_NODE("/a", "worker", RUNS) "]");
    answer("docker", "image", PLATFORM);
    assert_true(starve(KOC__LOCAL_KIND, "c") > 5);
}

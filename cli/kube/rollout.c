/*
 * --wait: `kubectl rollout status` shows the progress of the kinds that it knows; for other kinds koc polls the state.
 * Meanwhile koc checks every two seconds whether a pod has a problem that waiting does not solve. Being ready for a
 * moment is not enough: at the end all pods must stay up for some seconds.
 */
#include "kube/rollout.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child_program.h"
#include "cleanup_macros.h"

#define POLL_SECONDS 2.0 /* between two checks of the pods */
#define SLEEP_MS     500
/* How long pods must stay up: if they were never restarted, and otherwise. */
#define STAY_SECONDS 5.0
#define STAY_LONGER  15.0

/* A kind that koc waits for. state: a template that prints "ready", "failed WHY", "2/3", or anything else while the
 * object is in progress; NULL: kubectl rollout knows the kind. */
typedef struct waited_kind {
    const char *name, *state;
    bool retries; /* it restarts failed containers by design */
} waited_kind;

#define REPLICAS "{{printf \"%v/%v\" .status.readyReplicas .spec.replicas}}"
static const waited_kind waited_kinds[] = {
    {"Deployment", NULL, false},
    {"StatefulSet", NULL, false},
    {"DaemonSet", NULL, false},
    {"ReplicaSet", REPLICAS, false},
    {"ReplicationController", REPLICAS, false},
    {"Job",
     "{{range .status.conditions}}{{if eq .status \"True\"}}{{if eq .type \"Complete\"}}ready{{end}}"
     "{{if eq .type \"Failed\"}}failed {{.reason}}: {{.message}}{{end}}{{end}}{{end}}",
     true},
    {"Pod",
     "{{if eq .status.phase \"Succeeded\"}}ready{{else if eq .status.phase \"Failed\"}}failed "
     "{{with .status.reason}}{{.}} {{end}}{{with .status.message}}{{.}}{{end}}"
     "{{range .status.containerStatuses}}{{with .state.terminated}}{{.reason}} (exit {{.exitCode}}){{end}}{{end}}"
     "{{else}}{{range .status.conditions}}{{if eq .type \"Ready\"}}{{if eq .status \"True\"}}ready"
     "{{end}}{{end}}{{end}}{{end}}",
     false},
};

typedef struct workload {
    rollout *r;
    const waited_kind *as;
    const char *kind, *namespace, *name;
    char *template; /* for the state */
    char *labels;   /* "a=b,c=d" */
    double polled;  /* when its pods were checked */
    char *why;      /* why a pod cannot start, for people */
    char *pod;      /* whose log may explain it; or NULL */
    long restarts;  /* of all its containers when it was ready; -1: not known yet */
} workload;

/* Runs kubectl WORDS... [-n NAMESPACE] [cluster]; *out receives its output, to be freed. */
static int run_kubectl(rollout *r, const char *const *words, const char *namespace, bool with_yaml,
                       char **out)
{
    CLI_AUTO_VAL(cli_list) argv = {0};
    cli_list_add(&argv, "kubectl");
    for (size_t i = 0; words[i]; i++) {
        cli_list_add(&argv, words[i]);
    }
    if (namespace) {
        cli_list_add(&argv, "-n");
        cli_list_add(&argv, namespace);
    }
    cli_list_add_all(&argv, r->cluster.items, r->cluster.count);
    child ch = {.argv = cli_list_argv(&argv),
                .input = with_yaml ? r->yaml : "",
                .input_len = with_yaml ? r->yaml_len : 0,
                .output = out,
                .quiet = !with_yaml};
    CLI_TRY(cli_list_check(r->c, &argv));
    return child_run(r->c, &ch);
}

static char *copy_of(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

/* The next of the words that separator divides; *rest moves behind it. NULL: the end. */
static char *next_word(char **rest, char separator)
{
    char *word = *rest;
    if (!word || !*word) {
        return NULL;
    }
    char *end = strchr(word, separator);
    *rest = end ? end + 1 : NULL;
    if (end) {
        *end = '\0';
    }
    return word;
}

/* --- pods --- */

/* Prints a line for each waiting container: pod, its images, container, reason, message. */
static const char pods_template[] =
    "go-template={{define \"pod\"}}{{.metadata.name}}\t{{range .spec.containers}}{{.image}},{{end}}\t{{end}}"
    "{{define \"why\"}}{{.name}}\t{{.state.waiting.reason}}\t{{printf \"%q\" .state.waiting.message}}\n{{end}}"
    "{{range .items}}{{$pod := .}}"
    "{{range .status.initContainerStatuses}}{{if .state.waiting}}"
    "{{template \"pod\" $pod}}{{template \"why\" .}}{{end}}{{end}}"
    "{{range .status.containerStatuses}}{{if .state.waiting}}"
    "{{template \"pod\" $pod}}{{template \"why\" .}}{{end}}{{end}}"
    "{{range .status.conditions}}{{if eq .type \"PodScheduled\"}}{{if eq .status \"False\"}}"
    "{{template \"pod\" $pod}}-\t{{.reason}}\t{{printf \"%q\" .message}}\n{{end}}{{end}}{{end}}{{end}}";

static bool is_fatal(const workload *w, const char *reason)
{
    static const char *const reasons[] = {"ImagePullBackOff",     "InvalidImageName",
                                          "ErrImageNeverPull",    "CreateContainerConfigError",
                                          "CreateContainerError", "RunContainerError",
                                          "CrashLoopBackOff"};
    size_t n =
        sizeof(reasons) / sizeof(reasons[0]) - (w->as->retries ? 1 : 0); /* without the last */
    for (size_t i = 0; i < n; i++) {
        if (strcmp(reason, reasons[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Pods of an older rollout have an image that was not applied now. The image in a container's status is of no use: some
 * runtimes report the image's ID there. */
static bool was_applied(const workload *w, char *images)
{
    for (char *image = next_word(&images, ','); image; image = next_word(&images, ',')) {
        if (!strstr(w->r->yaml, image)) {
            return false;
        }
    }
    return true;
}

/* Reads a line of pods_template; true: it explains why the workload does not run. */
static bool read_reason(workload *w, char *line, bool any_reason)
{
    char *pod = next_word(&line, '\t');
    char *images = next_word(&line, '\t');
    char *container = next_word(&line, '\t');
    char *reason = next_word(&line, '\t');
    if (!reason || (!any_reason && !is_fatal(w, reason)) ||
        strcmp(reason, "ContainerCreating") == 0) {
        return false;
    }
    if (!was_applied(w, images)) {
        return false;
    }
    char text[2048];
    bool message = line && strcmp(line, "\"<no value>\"") != 0 && strcmp(line, "%!q(<nil>)") != 0;
    bool named = strcmp(container, "-") != 0;
    snprintf(text, sizeof(text), "pod %s%s%s: %s%s%s", pod, named ? ", container " : "",
             named ? container : "", reason, message ? ": " : "", message ? line : "");
    w->why = copy_of(text);
    w->pod = strcmp(reason, "CrashLoopBackOff") == 0 ? copy_of(pod) : NULL;
    return true;
}

static bool check_pods(workload *w, bool any_reason)
{
    char *text = NULL;
    char name[512];
    bool one = strcmp(w->kind, "Pod") == 0;
    snprintf(name, sizeof(name), "metadata.name=%s", w->name);
    const char *const words[] = {
        "get",         "pods", one ? "--field-selector" : "-l", one ? name : w->labels, "-o",
        pods_template, NULL};
    int code =
        one || (w->labels && *w->labels) ? run_kubectl(w->r, words, w->namespace, false, &text) : 1;
    char *rest = code == 0 ? text : NULL;
    bool found = false;
    for (char *line = next_word(&rest, '\n'); line && !found; line = next_word(&rest, '\n')) {
        found = read_reason(w, line, any_reason);
    }
    free(text);
    return found;
}

static bool cannot_start(void *arg)
{
    workload *w = arg;
    if (w->why || cli_now() - w->polled < POLL_SECONDS) {
        return w->why != NULL;
    }
    bool found = check_pods(w, false);
    w->polled = cli_now();
    return found;
}

/* --- one workload --- */

static int find_labels(workload *w)
{
    char what[512];
    snprintf(what, sizeof(what), "%s/%s", w->kind, w->name);
    const char *const words[] = {
        "get", what, "-o",
        "go-template={{with .spec.selector}}{{range $k, $v := or .matchLabels .}}{{$k}}={{$v}},{{end}}{{end}}",
        NULL};
    int code = run_kubectl(w->r, words, w->namespace, false, &w->labels);
    size_t len = w->labels ? strlen(w->labels) : 0;
    if (len > 0 && w->labels[len - 1] == ',') {
        w->labels[len - 1] = '\0';
    }
    return code;
}

/* Prints the end of the log of the container that failed, or of the failed Job. */
static void show_log(workload *w)
{
    char *text = NULL;
    char job[512];
    snprintf(job, sizeof(job), "job/%s", w->name);
    bool of_job = !w->pod && strcmp(w->kind, "Job") == 0;
    const char *const before[] = {"logs", "--tail=10", "--previous", w->pod, NULL};
    const char *const last[] = {"logs", "--tail=10", job, NULL};
    if ((w->pod || of_job) &&
        run_kubectl(w->r, w->pod ? before : last, w->namespace, false, &text) == 0) {
        cli_output(w->r->c, "output", text);
    }
    free(text);
}

/* Runs kubectl rollout status, which prints the progress. true: the workload is ready. */
static bool wait_for_rollout(workload *w, const char *what)
{
    char limit[64];
    CLI_AUTO_VAL(cli_list) argv = {0};
    snprintf(limit, sizeof(limit), "--timeout=%gs", w->r->seconds);
    const char *const words[] = {"kubectl", "rollout", "status", what, limit, "-n", w->namespace};
    cli_list_add_all(&argv, words, sizeof(words) / sizeof(words[0]));
    cli_list_add_all(&argv, w->r->cluster.items, w->r->cluster.count);
    child ch = {.argv = cli_list_argv(&argv),
                .input = "",
                .as_error = true,
                .until = cannot_start,
                .until_arg = w};
    return cli_list_check(w->r->c, &argv) == EXIT_OK && child_run(w->r->c, &ch) == 0 && !w->why;
}

static bool all_are_ready(const char *state)
{
    const char *slash = strchr(state, '/');
    size_t len = slash ? (size_t)(slash - state) : 0;
    return slash && (strcmp(slash + 1, "0") == 0 ||
                     (strlen(slash + 1) == len && strncmp(state, slash + 1, len) == 0));
}

/* Polls the state of a kind that kubectl rollout does not know. */
static bool poll_until_ready(workload *w, const char *what)
{
    const char *const words[] = {"get", what, "-o", w->template, NULL};
    double until = cli_now() + w->r->seconds;
    bool ready = false;
    cli_verb(w->r->c, "Waiting", "for %s", what);
    while (!ready && !w->why && cli_now() < until && !koc_cancel_is_triggered(w->r->c->cancel)) {
        char *state = NULL;
        if (run_kubectl(w->r, words, w->namespace, false, &state) == 0) {
            ready = strcmp(state, "ready") == 0 || all_are_ready(state);
            w->why = strncmp(state, "failed ", 7) == 0 ? copy_of(state + 7) : NULL;
        }
        free(state);
        if (!ready && !cannot_start(w)) {
            (void)poll(NULL, 0, SLEEP_MS);
        }
    }
    return ready;
}

/* Waits until w is ready. Returns an exit code, after an error line if it is not. */
static int wait_until_ready(workload *w)
{
    char what[512];
    snprintf(what, sizeof(what), "%s/%s", w->kind, w->name);
    bool ready = w->as->state ? poll_until_ready(w, what) : wait_for_rollout(w, what);
    if (koc_cancel_is_triggered(w->r->c->cancel)) {
        return cli_cancelled(w->r->c);
    }
    if (ready) {
        w->restarts = -1;
        return EXIT_OK;
    }
    if (!w->why) {
        (void)check_pods(w, true);
    }
    show_log(w);
    return cli_failure(w->r->c, "%s does not run: %s", what,
                       w->why ? w->why : "it was not ready in time");
}

/* --- staying up --- */

/* Prints a line for each container: pod, its images, container, number of restarts, state. */
static const char containers_template[] =
    "go-template={{range .items}}{{$pod := .}}{{range .status.containerStatuses}}"
    "{{$pod.metadata.name}}\t{{range $pod.spec.containers}}{{.image}},{{end}}\t{{.name}}\t{{.restartCount}}\t"
    "{{if .state.running}}up{{else if .state.terminated}}{{if eq $pod.status.phase \"Succeeded\"}}up{{else}}"
    "{{.state.terminated.reason}} (exit {{.state.terminated.exitCode}}){{end}}"
    "{{else if .state.waiting}}{{.state.waiting.reason}}{{end}}\t"
    "{{with .lastState.terminated}}{{.reason}} (exit {{.exitCode}}){{end}}\n{{end}}{{end}}";

/* Counts the restarts of the applied pods; *up: all containers run. why (or NULL) receives a description of a container
 * that does not stay up. */
static void count_restarts(const workload *w, char *text, long *restarts, bool *up, char **why)
{
    *restarts = 0;
    *up = true;
    for (char *line = next_word(&text, '\n'); line; line = next_word(&text, '\n')) {
        char *pod = next_word(&line, '\t');
        char *images = next_word(&line, '\t');
        char *container = next_word(&line, '\t');
        char *count = next_word(&line, '\t');
        char *state = next_word(&line, '\t');
        if (!count || !was_applied(w, images)) {
            continue;
        }
        long times = strtol(count, NULL, 10);
        bool runs = state && strcmp(state, "up") == 0;
        *restarts += times;
        *up = *up && runs;
        if (why && !*why && (times > 0 || !runs)) {
            char description[1024];
            const char *last = line && *line ? line : state ? state : "";
            snprintf(description, sizeof(description),
                     "pod %s, container %s: restarted %ld time%s, %s", pod, container, times,
                     times == 1 ? "" : "s", last);
            *why = copy_of(description);
        }
    }
}

/* Polls once; false: the state is not known. *up false: a container ended since it was ready, or was restarted. */
static bool check_up(workload *w, bool *up, char **why)
{
    char *text = NULL;
    char name[512];
    bool one = strcmp(w->kind, "Pod") == 0;
    snprintf(name, sizeof(name), "metadata.name=%s", w->name);
    const char *const words[] = {"get",
                                 "pods",
                                 one ? "--field-selector" : "-l",
                                 one ? name : w->labels,
                                 "-o",
                                 containers_template,
                                 NULL};
    long restarts = 0;
    bool known = (one || (w->labels && *w->labels)) &&
                 run_kubectl(w->r, words, w->namespace, false, &text) == 0;
    if (known) {
        count_restarts(w, text, &restarts, up, why);
        *up = *up && (w->restarts < 0 || restarts <= w->restarts);
        w->restarts = restarts;
    }
    free(text);
    return known;
}

/* A Job ends by design. Otherwise the pods of the workload must be known. */
static bool must_stay_up(const workload *w)
{
    return !w->as->retries && (strcmp(w->kind, "Pod") == 0 || (w->labels && *w->labels));
}

/* Waits until w is ready again, or reports that the time is over. */
static int wait_again(workload *w, double until, char *why)
{
    if (cli_now() < until) {
        free(why);
        return wait_until_ready(w);
    }
    cli_failure(w->r->c, "%s/%s does not run: it does not stay up: %s", w->kind, w->name,
                why ? why : "its containers end");
    free(why);
    return EXIT_FAILED;
}

/* All workloads are ready: they must stay so for some seconds. */
static int stay_up(rollout *r, workload *all, size_t n)
{
    double until = cli_now() + r->seconds, since = cli_now(), needed = 0;
    int code = EXIT_OK;
    do {
        needed = STAY_SECONDS;
        for (size_t i = 0; i < n && code == EXIT_OK; i++) {
            char *why = NULL;
            bool up = true;
            if (!must_stay_up(&all[i]) || !check_up(&all[i], &up, &why)) {
                free(why);
                continue;
            }
            needed = all[i].restarts > 0 ? STAY_LONGER : needed;
            if (up) {
                free(why);
                continue;
            }
            code = wait_again(&all[i], until, why);
            since = cli_now();
        }
        needed = needed < r->seconds ? needed : r->seconds;
        (void)poll(NULL, 0, SLEEP_MS);
        if (koc_cancel_is_triggered(r->c->cancel)) {
            code = cli_cancelled(r->c);
        }
    } while (code == EXIT_OK && cli_now() - since < needed);
    return code;
}

static bool any_must_stay_up(const workload *all, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        any = any || must_stay_up(&all[i]);
    }
    return any;
}

/* --- all of them --- */

static char *template_of(const waited_kind *as)
{
    char text[1024];
    snprintf(text, sizeof(text), "go-template=%s", as->state ? as->state : "");
    return copy_of(text);
}

/* false: the line names an object that koc does not wait for. */
static bool read_workload(rollout *r, char *line, workload *out)
{
    char *rest = line;
    workload w = {.r = r, .restarts = -1};
    w.kind = next_word(&rest, ' ');
    w.namespace = next_word(&rest, ' ');
    w.name = next_word(&rest, ' ');
    for (size_t i = 0; w.name && i < sizeof(waited_kinds) / sizeof(waited_kinds[0]); i++) {
        w.as = strcmp(w.kind, waited_kinds[i].name) == 0 ? &waited_kinds[i] : w.as;
    }
    w.template = w.as ? template_of(w.as) : NULL;
    *out = w;
    return w.template != NULL;
}

static int wait_for_all(rollout *r, workload *all, size_t n)
{
    int code = EXIT_OK;
    for (size_t i = 0; i < n && code == EXIT_OK; i++) {
        (void)find_labels(&all[i]);
        all[i].polled = cli_now();
        code = wait_until_ready(&all[i]);
    }
    code = code == EXIT_OK && any_must_stay_up(all, n) ? stay_up(r, all, n) : code;
    for (size_t i = 0; i < n && code == EXIT_OK; i++) {
        cli_verb(r->c, "Running", "%s/%s", all[i].kind, all[i].name);
    }
    return code;
}

bool rollout_seconds(const char *text, double *out)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"ms", 0.001}, {"h", 3600}, {"m", 60}, {"s", 1}};
    *out = 0;
    while (*text) {
        char *end = NULL;
        double number = *text >= '0' && *text <= '9' ? strtod(text, &end) : -1;
        size_t i = 0;
        while (number >= 0 && i < 4 && strncmp(end, units[i].name, strlen(units[i].name)) != 0) {
            i++;
        }
        if (number < 0 || i == 4) {
            return false;
        }
        *out += number * units[i].seconds;
        text = end + strlen(units[i].name);
    }
    return *out > 0 && *out < 1e6;
}

int rollout_wait(rollout *r)
{
    static const char list[] =
        "go-template={{define \"one\"}}{{.kind}} {{.metadata.namespace}} {{.metadata.name}}\n{{end}}"
        "{{if eq .kind \"List\"}}{{range .items}}{{template \"one\" .}}{{end}}"
        "{{else}}{{template \"one\" .}}{{end}}";
    const char *const words[] = {"get", "-f", "-", "-o", list, NULL};
    char *text = NULL;
    int code = run_kubectl(r, words, r->namespace, true, &text);
    char *rest = text;
    size_t n = 0, lines = 1;
    for (const char *c = text; c && *c; c++) {
        lines += *c == '\n';
    }
    workload *all = calloc(lines, sizeof(*all));
    code = code == 0 && all ? EXIT_OK : EXIT_FAILED;
    for (char *line = next_word(&rest, '\n'); line && code == EXIT_OK;
         line = next_word(&rest, '\n')) {
        n += read_workload(r, line, &all[n]);
    }
    code = code == EXIT_OK ? wait_for_all(r, all, n) : code;
    for (size_t i = 0; i < n; i++) {
        free(all[i].labels);
        free(all[i].template);
        free(all[i].why);
        free(all[i].pod);
    }
    free(all);
    free(text);
    return code;
}

/*
 * --wait: `kubectl rollout status` shows the progress, and beside it the pods are asked every two seconds
 * whether one of them has met something that waiting does not cure.
 */
#include "rollout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "publish_flags.h"

#define ASK_SECONDS 2.0

typedef struct workload {
    rollout *r;
    const char *kind, *namespace, *name;
    char *labels; /* "a=b,c=d" */
    double asked;
    char *why; /* a pod that cannot start, for people */
    char *pod; /* whose log may say more; or NULL */
} workload;

/* kubectl WORDS... [-n NAMESPACE] [cluster], its output into *out. */
static int ask(rollout *r, const char *const *words, const char *namespace, bool with_yaml,
               char **out)
{
    cli_list argv = {0};
    cli_list_add(&argv, "kubectl");
    for (size_t i = 0; words[i]; i++) {
        cli_list_add(&argv, words[i]);
    }
    if (namespace) {
        cli_list_add(&argv, "-n");
        cli_list_add(&argv, namespace);
    }
    for (size_t i = 0; i < r->cluster.count; i++) {
        cli_list_add(&argv, r->cluster.items[i]);
    }
    child ch = {.argv = cli_list_argv(&argv),
                .input = with_yaml ? r->yaml : "",
                .input_len = with_yaml ? r->yaml_len : 0,
                .output = out,
                .quiet = !with_yaml};
    int code = child_run(r->c, &ch);
    cli_list_free(&argv);
    return code;
}

static char *copy_of(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

/* The next of words that are separated by one character; *rest moves behind it. NULL: the end. */
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

/* A line for each thing that is waited for: pod, its images, container, reason, message. */
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

static bool is_fatal(const char *reason)
{
    static const char *const reasons[] = {"ImagePullBackOff",     "InvalidImageName",
                                          "ErrImageNeverPull",    "CreateContainerConfigError",
                                          "CreateContainerError", "RunContainerError",
                                          "CrashLoopBackOff"};
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reason, reasons[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Pods of an older rollout have an image that was not applied now. What a container says of its image is
 * of no use here: a runtime may tell the image's ID. */
static bool was_applied(const workload *w, char *images)
{
    for (char *image = next_word(&images, ','); image; image = next_word(&images, ',')) {
        if (!strstr(w->r->yaml, image)) {
            return false;
        }
    }
    return true;
}

static bool judge(workload *w, char *line, bool any_reason)
{
    char *pod = next_word(&line, '\t');
    char *images = next_word(&line, '\t');
    char *container = next_word(&line, '\t');
    char *reason = next_word(&line, '\t');
    if (!reason || (!any_reason && !is_fatal(reason)) || strcmp(reason, "ContainerCreating") == 0) {
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

static bool look_at_pods(workload *w, bool any_reason)
{
    char *text = NULL;
    const char *const words[] = {"get", "pods", "-l", w->labels, "-o", pods_template, NULL};
    int code = w->labels && *w->labels ? ask(w->r, words, w->namespace, false, &text) : 1;
    char *rest = code == 0 ? text : NULL;
    bool found = false;
    for (char *line = next_word(&rest, '\n'); line && !found; line = next_word(&rest, '\n')) {
        found = judge(w, line, any_reason);
    }
    free(text);
    return found;
}

static bool cannot_start(void *arg)
{
    workload *w = arg;
    if (w->why || cli_now() - w->asked < ASK_SECONDS) {
        return w->why != NULL;
    }
    bool found = look_at_pods(w, false);
    w->asked = cli_now();
    return found;
}

/* --- one workload --- */

static int find_labels(workload *w)
{
    char what[512];
    snprintf(what, sizeof(what), "%s/%s", w->kind, w->name);
    const char *const words[] = {
        "get", what, "-o",
        "go-template={{range $k, $v := .spec.selector.matchLabels}}{{$k}}={{$v}},{{end}}", NULL};
    int code = ask(w->r, words, w->namespace, false, &w->labels);
    size_t len = w->labels ? strlen(w->labels) : 0;
    if (len > 0 && w->labels[len - 1] == ',') {
        w->labels[len - 1] = '\0';
    }
    return code;
}

static void show_log(workload *w)
{
    char *text = NULL;
    const char *const words[] = {"logs", "--tail=10", "--previous", w->pod, NULL};
    if (w->pod && ask(w->r, words, w->namespace, false, &text) == 0) {
        fputs(text, stderr);
    }
    free(text);
}

static int follow(workload *w)
{
    char what[512], limit[64];
    cli_list argv = {0};
    snprintf(what, sizeof(what), "%s/%s", w->kind, w->name);
    snprintf(limit, sizeof(limit), "--timeout=%s", w->r->timeout);
    const char *const words[] = {"kubectl", "rollout", "status", what, limit, "-n", w->namespace};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        cli_list_add(&argv, words[i]);
    }
    for (size_t i = 0; i < w->r->cluster.count; i++) {
        cli_list_add(&argv, w->r->cluster.items[i]);
    }
    child ch = {.argv = cli_list_argv(&argv),
                .input = "",
                .as_error = true,
                .until = cannot_start,
                .until_arg = w};
    int code = child_run(w->r->c, &ch);
    cli_list_free(&argv);
    if (koc_cancel_is_triggered(w->r->c->cancel)) {
        cli_usage(w->r->c, "cancelled");
        return 130;
    }
    if (code == 0 && !w->why) {
        cli_verb(w->r->c, "Running", "%s", what);
        return EXIT_OK;
    }
    if (!w->why) {
        (void)look_at_pods(w, true);
    }
    show_log(w);
    cli_usage(w->r->c, "%s does not run: %s", what, w->why ? w->why : "it was not ready in time");
    return EXIT_FAILED;
}

static int wait_for(rollout *r, char *line)
{
    static const char *const kinds[] = {"Deployment", "StatefulSet", "DaemonSet"};
    char *rest = line;
    workload w = {.r = r};
    w.kind = next_word(&rest, ' ');
    w.namespace = next_word(&rest, ' ');
    w.name = next_word(&rest, ' ');
    bool followed = false;
    for (size_t i = 0; w.name && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        followed = followed || strcmp(w.kind, kinds[i]) == 0;
    }
    if (!followed) {
        return EXIT_OK;
    }
    (void)find_labels(&w);
    w.asked = cli_now();
    int code = follow(&w);
    free(w.labels);
    free(w.why);
    free(w.pod);
    return code;
}

int rollout_wait(rollout *r)
{
    static const char list[] =
        "go-template={{define \"one\"}}{{.kind}} {{.metadata.namespace}} {{.metadata.name}}\n{{end}}"
        "{{if eq .kind \"List\"}}{{range .items}}{{template \"one\" .}}{{end}}"
        "{{else}}{{template \"one\" .}}{{end}}";
    const char *const words[] = {"get", "-f", "-", "-o", list, NULL};
    char *text = NULL;
    int code = ask(r, words, r->namespace, true, &text);
    char *rest = text;
    code = code == 0 ? EXIT_OK : EXIT_FAILED;
    for (char *line = next_word(&rest, '\n'); line && code == EXIT_OK;
         line = next_word(&rest, '\n')) {
        code = wait_for(r, line);
    }
    free(text);
    return code;
}

/* koc doctor: checks what a build needs on this machine. */
#include "commands/commands.h"
#include "doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "term/fit_line.h"
#include "term/json_output.h"

typedef struct doctor_options {
    client_flags client; /* first: shared_flags write to it */
    bool json;
} doctor_options;

static const cli_flag flags[] = {
    {"json", 0, CLI_BOOL, offsetof(doctor_options, json), NULL, "Results",
     "print the findings as a JSON document"},
    {NULL, 0, CLI_BOOL, 0, NULL, NULL, NULL},
};

static const char *const states[] = {"ok", "note", "warning", "broken"};

/* --- findings --- */

static finding *new_finding(doctor *d)
{
    if (d->count == d->capacity) {
        size_t capacity = d->capacity ? d->capacity * 2 : 16;
        finding *more = realloc(d->findings, capacity * sizeof(*more));
        if (!more) {
            return NULL;
        }
        d->findings = more;
        d->capacity = capacity;
    }
    return &d->findings[d->count++];
}

void doctor_add(doctor *d, const char *check, enum finding_state state, const char *hint,
                const char *fmt, ...)
{
    finding *f = new_finding(d);
    if (!f) {
        return;
    }
    *f = (finding){.check = check, .state = state};
    va_list args;
    va_start(args, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, args);
    va_end(args);
    snprintf(f->hint, sizeof(f->hint), "%s", hint ? hint : "");
}

void doctor_add_error(doctor *d, const char *check, enum finding_state state, koc_error *err)
{
    char text[1024];
    char hint[1024];
    doctor_add(d, check, state, cli_error_hint(err, hint, sizeof(hint)), "%s",
               cli_error_message(err, text, sizeof(text)));
}

/* --- printing --- */

enum { TEXT_COLUMN = 22 };

static void print_text(const doctor *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const finding *f = &d->findings[i];
        bool same = i > 0 && strcmp(f->check, d->findings[i - 1].check) == 0;
        printf("%-8s %-12s ", states[f->state], same ? "" : f->check);
        fit_value(f->text, strlen(f->text), TEXT_COLUMN);
        if (*f->hint) {
            char hint[sizeof(f->hint) + 8];
            int n = snprintf(hint, sizeof(hint), "hint: %s", f->hint);
            printf("%*s", TEXT_COLUMN, "");
            fit_value(hint, (size_t)n, TEXT_COLUMN);
        }
    }
}

static void print_json(const doctor *d, bool healthy)
{
    printf("{\n  \"schema\": \"koc-doctor-1\",\n  \"healthy\": %s,\n  \"findings\": [",
           healthy ? "true" : "false");
    for (size_t i = 0; i < d->count; i++) {
        const finding *f = &d->findings[i];
        fputs(i ? ",\n    {" : "\n    {", stdout);
        cli_json_inline("check", f->check, ", ");
        cli_json_inline("state", states[f->state], ", ");
        cli_json_inline("text", f->text, *f->hint ? ", " : "}");
        if (*f->hint) {
            cli_json_inline("hint", f->hint, "}");
        }
    }
    puts("\n  ]\n}");
}

static int report(const doctor *d, bool json)
{
    size_t broken = 0;
    for (size_t i = 0; i < d->count; i++) {
        broken += d->findings[i].state == FINDING_BROKEN;
    }
    if (json) {
        print_json(d, broken == 0);
    } else {
        print_text(d);
    }
    if (cli_finish_stdout(d->c, EXIT_OK) != EXIT_OK) {
        return EXIT_FAILED;
    }
    if (broken && !json) {
        cli_failure(d->c, "%zu thing%s that a build needs %s broken", broken,
                    broken == 1 ? "" : "s", broken == 1 ? "is" : "are");
    }
    return broken ? EXIT_FAILED : EXIT_OK;
}

static void doctor_dispose(doctor *d)
{
    cli_session_close(&d->session);
    cli_list_free(&d->bases);
    cli_list_free(&d->platforms);
    free(d->findings);
    free(d->config);
    free(d->repository);
    free(d->layout);
}
CLI_DEFINE_AUTO_VAL(doctor, doctor_dispose);

static int run(cli *c, void *options, const cli_list *args)
{
    const doctor_options *o = options;
    CLI_AUTO_VAL(doctor) d = {.c = c};
    CLI_AUTO(koc_error) err = NULL;
    if (args->count) {
        return cli_usage(c, "koc doctor takes no arguments");
    }
    if (cli_session_open(c, &o->client, 0, &d.session, &err) != KOC_OK) {
        return cli_error(c, err);
    }
    doctor_check_tools(&d);
    doctor_check_files(&d);
    doctor_check_network(&d);
    return koc_cancel_is_triggered(c->cancel) ? cli_cancelled(c) : report(&d, o->json);
}

static const cli_example examples[] = {
    {"koc doctor", "check everything that a build needs here"},
    {"koc doctor --json", "the same for a program"},
    {NULL, NULL},
};

static const char more[] =
    "Findings\n"
    "  ok       as it should be\n"
    "  note     something is missing that only some commands need\n"
    "  warning  builds work, but not as well as they could\n"
    "  broken   builds fail; the hint says what to do\n"
    "\n"
    "Secrets\n"
    "  Credentials are shown only by user name and source, proxies without their passwords.\n"
    "\n"
    "Exit codes\n"
    "  0 if nothing is broken, 1 if something is, 2 wrong usage.\n";

const cli_command cli_doctor = {
    .name = "doctor",
    .group = "Other",
    .usage = "koc doctor [flags]",
    .summary = "find out what prevents builds on this machine",
    .description =
        "Checks go, git, kubectl, the container engine, .ko.yaml, the cache, proxies, credentials, "
        "the registry of KO_DOCKER_REPO and the base images, and reports what is wrong with them.",
    .more = more,
    .examples = examples,
    .flags = flags,
    .shared_flags = client_flag_table,
    .options_size = sizeof(doctor_options),
    .run = run,
};

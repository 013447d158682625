/*
 * Progress on stderr. Events arrive on the thread that called the library; on a terminal a ticker draws a few live lines
 * ten times per second, so that times advance even without events. Finished lines stay; a pipe gets only these.
 */
#include "term/progress_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "term/json_output.h"

#define PERIOD_MS     100 /* of drawing, and of the check whether a line is due */
#define SILENCE_MAX_S 10  /* in a pipe, after which a line is printed: CI ends silent jobs */

static void tick(void *arg)
{
    cli_progress *p = arg;
    pthread_mutex_lock(&p->mutex);
    if (p->mode == MODE_TTY) {
        progress_draw(p);
    } else if (cli_now() - p->last_line >= SILENCE_MAX_S) {
        progress_report_running(p);
    }
    pthread_mutex_unlock(&p->mutex);
}

static void print_json_event(const koc_progress *e)
{
    static const char *const kinds[] = {"?",     "blob",    "manifest", "layer",
                                        "build", "resolve", "image",    "request"};
    static const char *const states[] = {"?",       "started",  "active", "skipped",
                                         "mounted", "finished", "failed", "waiting"};
    char time[40];
    flockfile(stderr);
    fprintf(stderr, "{\"time\":\"%s\",\"kind\":\"%s\",\"state\":\"%s\",\"what\":", cli_time(time),
            kinds[e->kind <= 7 ? e->kind : 0], states[e->state <= 7 ? e->state : 0]);
    cli_json_string(stderr, e->what ? e->what : "", "");
    fprintf(stderr, ",\"done\":%llu,\"total\":%llu,\"id\":%llu", (unsigned long long)e->done,
            (unsigned long long)e->total, (unsigned long long)e->id);
    if (e->reason) {
        fputs(",\"reason\":", stderr);
        cli_json_string(stderr, e->reason, "");
        fprintf(stderr, ",\"attempt\":%u,\"waitMs\":%lld", e->attempt, (long long)e->wait_ms);
    }
    fputs("}\n", stderr);
    fflush(stderr);
    funlockfile(stderr);
}

int cli_progress_event(const koc_progress *e, void *payload)
{
    cli_progress *p = payload;
    if (p->mode == MODE_JSON) {
        print_json_event(e);
        return 0;
    }
    pthread_mutex_lock(&p->mutex);
    progress_apply_event(p, e);
    pthread_mutex_unlock(&p->mutex);
    return 0;
}

/* --- creation --- */

/* false: nothing is shown. */
static bool choose_mode(const cli *c, enum progress_mode *out)
{
    const char *m = c->progress_mode ? c->progress_mode : "auto";
    const char *term = getenv("TERM");
    bool terminal = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
    bool live = strcmp(m, "tty") == 0 || (strcmp(m, "auto") == 0 && terminal);
    *out = strcmp(m, "json") == 0 ? MODE_JSON : live ? MODE_TTY : MODE_PLAIN;
    return !c->quiet && strcmp(m, "none") != 0;
}

cli_progress *cli_progress_new(const cli *c, bool waits_only)
{
    enum progress_mode mode = MODE_PLAIN;
    cli_progress *p = choose_mode(c, &mode) ? calloc(1, sizeof(*p)) : NULL;
    if (!p) {
        return NULL;
    }
    p->c = c;
    p->mode = mode;
    p->waits_only = waits_only;
    p->last_line = cli_now();
    p->unicode = screen_has_unicode();
    pthread_mutex_init(&p->mutex, NULL);
    p->ticker = mode == MODE_JSON ? NULL : cli_ticker_start(PERIOD_MS, tick, p);
    return p;
}

void cli_progress_end(cli_progress *p)
{
    if (!p) {
        return;
    }
    cli_ticker_stop(p->ticker);
    p->ticker = NULL;
    if (p->mode == MODE_TTY) {
        screen_clear();
    }
}

void cli_progress_free(cli_progress *p)
{
    if (p) {
        pthread_mutex_destroy(&p->mutex);
        free(p);
    }
}

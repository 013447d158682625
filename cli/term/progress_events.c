/* Applies the events of the library to the state of the progress display. */
#include "term/progress_state.h"

#include <stdio.h>
#include <string.h>

#define VISIBLE_BYTES 100000 /* amounts are rounded to this */

/* --- transfers --- */

static void end_transfer(cli_progress *p, size_t i, bool failed)
{
    p->done += failed ? 0 : p->transfers[i].total;
    p->total += failed ? 0 : p->transfers[i].total;
    p->transfers[i] = p->transfers[--p->n_transfers];
    if (p->n_transfers == 0) {
        p->done = p->total = p->moved = 0; /* later transfers are another burst */
    }
}

/* Explains why the bar is about to run backwards: a connection broke before everything had arrived. */
static void report_resumed(cli_progress *p, const koc_progress *e)
{
    char line[160], at[24], all[24];
    snprintf(line, sizeof(line), "%s of %s  %.19s…", cli_size(e->done, at), cli_size(e->total, all),
             e->what);
    progress_finish_line(p, "Resumed", line, -1);
}

static void update_transfer(cli_progress *p, transfer *t, const koc_progress *e)
{
    uint64_t before = t->done;
    t->done = e->done;
    t->total = e->total;
    p->moved += e->done > before ? e->done - before : 0;
    if (before > e->done + VISIBLE_BYTES) {
        report_resumed(p, e);
    }
}

static void on_blob(cli_progress *p, const koc_progress *e)
{
    bool active = e->state == KOC_STATE_ACTIVE;
    for (size_t i = 0; i < p->n_transfers; i++) {
        if (p->transfers[i].id != e->id) {
            continue;
        }
        if (active) {
            update_transfer(p, &p->transfers[i], e);
        } else if (e->state != KOC_STATE_STARTED) {
            end_transfer(p, i, e->state == KOC_STATE_FAILED);
        }
        return;
    }
    if (active && p->n_transfers < ROWS_MAX) {
        if (p->n_transfers == 0) {
            p->first_byte = cli_now();
        }
        p->transfers[p->n_transfers++] = (transfer){e->id, e->done, e->total};
    }
}

/* --- images, programs, bases --- */

static const char *name_of(const koc_progress *e)
{
    return e->name ? e->name : e->what;
}

static const char *finished_verb(const cli_progress *p, const koc_progress *e)
{
    const cli_command *command = p->c->command;
    if (!e->done && !e->total && !(e->flags & KOC_TO_LOCAL)) {
        return "Wrote";
    }
    if (command && command->transferred) {
        return command->transferred;
    }
    return command && command->builds && p->local ? "Loaded" : "Pushed";
}

static void on_image(cli_progress *p, const koc_progress *e)
{
    const char *name = name_of(e);
    char line[160], size[24];
    row *r = NULL;
    p->local = (e->flags & KOC_TO_LOCAL) != 0;
    switch (e->state) {
    case KOC_STATE_STARTED: progress_start_row(p, name, e->platform, PHASE_TRANSFER); break;
    case KOC_STATE_WAITING: /* everything is sent except the tags */
        r = progress_find_row(p, name, e->platform);
        if (r) {
            r->took = cli_now() - r->start;
        }
        break;
    case KOC_STATE_SKIPPED:
        progress_finish_line(p, "Unchanged", e->what, progress_end_row(p, name, e->platform));
        break;
    case KOC_STATE_FINISHED:
        snprintf(line, sizeof(line), e->done ? "%s  %s" : "%s", e->what, cli_size(e->done, size));
        progress_finish_line(p, finished_verb(p, e), line, progress_end_row(p, name, e->platform));
        break;
    case KOC_STATE_FAILED: progress_end_row(p, name, e->platform); break;
    default: break;
    }
}

static void on_build(cli_progress *p, const koc_progress *e)
{
    const char *name = name_of(e);
    if (e->state == KOC_STATE_STARTED) {
        p->to_build++;
        progress_start_row(p, name, e->platform, PHASE_COMPILE);
        progress_share_compile(p, progress_find_row(p, name, e->platform));
        return;
    }
    double seconds = progress_end_row(p, name, e->platform);
    p->built++;
    if (e->state == KOC_STATE_FINISHED) {
        progress_finish_line(p, "Built", e->what, seconds);
    }
}

static void on_resolve(cli_progress *p, const koc_progress *e)
{
    if (e->state == KOC_STATE_STARTED) {
        progress_start_row(p, name_of(e), NULL, PHASE_LOOK_UP);
        return;
    }
    progress_end_row(p, name_of(e), NULL);
    if (e->state == KOC_STATE_FINISHED) {
        char line[400];
        snprintf(line, sizeof(line), "base  %s", e->what);
        progress_finish_line(p, "Resolved", line, -1);
    }
}

/* --- requests --- */

static void end_delay(cli_progress *p, size_t i)
{
    if (i < p->n_delays) {
        p->delays[i] = p->delays[--p->n_delays];
        if (p->mode == MODE_TTY) {
            progress_draw(p); /* the command may write to stdout next */
        }
    }
}

static void on_request(cli_progress *p, const koc_progress *e)
{
    size_t i = 0;
    while (i < p->n_delays && p->delays[i].id != e->id) {
        i++;
    }
    if (e->state != KOC_STATE_WAITING) {
        end_delay(p, i);
        return;
    }
    if (i == DELAYS_MAX) {
        return;
    }
    delay *d = &p->delays[i];
    *d = (delay){.id = e->id, .attempt = e->attempt, .since = cli_now()};
    d->until = e->wait_ms > 0 ? d->since + (double)e->wait_ms / 1e3 : 0;
    snprintf(d->what, sizeof(d->what), "%s", e->what);
    snprintf(d->reason, sizeof(d->reason), "%s", e->reason ? e->reason : "");
    p->n_delays += i == p->n_delays;
    if (p->mode == MODE_PLAIN && progress_shows_delay(p, i)) {
        char text[DELAY_TEXT_SIZE];
        progress_delay_text(d, text, sizeof(text));
        progress_finish_line(p, "Waiting", text, -1);
    }
}

void progress_apply_event(cli_progress *p, const koc_progress *e)
{
    if (e->kind == KOC_PROGRESS_REQUEST) {
        on_request(p, e);
        return;
    }
    if (p->waits_only) {
        return;
    }
    switch (e->kind) {
    case KOC_PROGRESS_BUILD: on_build(p, e); break;
    case KOC_PROGRESS_RESOLVE: on_resolve(p, e); break;
    case KOC_PROGRESS_BLOB: on_blob(p, e); break;
    case KOC_PROGRESS_IMAGE: on_image(p, e); break;
    default: break;
    }
}

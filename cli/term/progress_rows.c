/* The rows of the progress display: programs, images, base images, and requests that wait. */
#include "term/progress_state.h"

#include <stdio.h>
#include <string.h>

row *progress_find_row(cli_progress *p, const char *name, const char *platform)
{
    for (size_t i = 0; i < p->n_rows; i++) {
        row *r = &p->rows[i];
        /* Names may be cut in a row. */
        if (strncmp(r->name, name, sizeof(r->name) - 1) == 0 &&
            strcmp(r->platform, platform ? platform : "") == 0) {
            return r;
        }
    }
    return NULL;
}

void progress_start_row(cli_progress *p, const char *name, const char *platform,
                        enum row_phase phase)
{
    row *r = progress_find_row(p, name, platform);
    if (!r && p->n_rows < ROWS_MAX) {
        r = &p->rows[p->n_rows++];
        *r = (row){.start = cli_now(), .took = -1};
        snprintf(r->name, sizeof(r->name), "%s", name);
        snprintf(r->platform, sizeof(r->platform), "%s", platform ? platform : "");
    }
    if (r) {
        r->phase = phase;
    }
}

double progress_end_row(cli_progress *p, const char *name, const char *platform)
{
    row *r = progress_find_row(p, name, platform);
    if (!r) {
        return 0;
    }
    double seconds = r->shared ? -1 : r->took < 0 ? cli_now() - r->start : r->took;
    p->n_rows--;
    memmove(r, r + 1, (size_t)(p->rows + p->n_rows - r) * sizeof(*r));
    return seconds;
}

void progress_share_compile(cli_progress *p, const row *r)
{
    for (size_t i = 0; r && i < p->n_rows; i++) {
        row *other = &p->rows[i];
        if (other != r && other->phase == PHASE_COMPILE &&
            strcmp(other->platform, r->platform) == 0) {
            other->shared = p->rows[r - p->rows].shared = true;
        }
    }
}

void progress_delay_text(const delay *d, char *out, size_t size)
{
    double left = d->until - cli_now();
    char number[48] = "";
    if (d->until > 0) {
        snprintf(number, sizeof(number), ", %.0f s left", left > 0 ? left : 0.0);
    }
    snprintf(out, size, "%s: %s (attempt %u%s)", d->what, d->reason, d->attempt, number);
}

bool progress_shows_delay(const cli_progress *p, size_t i)
{
    const delay *d = &p->delays[i];
    if (d->until > 0 && d->until - d->since < SHORT_S && cli_now() - d->since < SHORT_S) {
        return false;
    }
    for (size_t k = 0; k < i; k++) {
        if (strcmp(p->delays[k].what, d->what) == 0 &&
            strcmp(p->delays[k].reason, d->reason) == 0) {
            return false;
        }
    }
    return true;
}

const char *progress_transfer_verb(const cli_progress *p)
{
    const cli_command *command = p->c->command;
    if (command && command->builds) {
        return p->local ? "load" : "push";
    }
    return command ? command->name : "";
}

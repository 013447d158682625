/* Draws the live lines of the progress display, and prints the lines that stay. */
#include "term/progress_state.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NARROWEST_COLUMNS 20 /* nothing is drawn on a narrower screen */
#define BAR_FROM          60 /* columns */
#define VERB_WIDTH        10
#define RATE_KNOWN_S      2 /* duration of a transfer after which its end is estimated */

/* --- rows --- */

static const char *phase_text(const cli_progress *p, enum row_phase phase)
{
    return phase == PHASE_COMPILE   ? "compile"
           : phase == PHASE_LOOK_UP ? "look up"
                                    : progress_transfer_verb(p);
}

/* Draws "  api     linux/amd64  compile   4.1s". Names are cut if necessary, numbers never. */
static void draw_row(const row *r, size_t name_width, size_t platform_width, const char *phase,
                     screen_frame *f)
{
    char name[128], line[320];
    screen_cut(r->name, name_width, name, sizeof(name));
    int pad = (int)(name_width - screen_columns(name));
    int n = snprintf(line, sizeof(line), "  %s%*s", name, pad, "");
    if (platform_width) {
        n += snprintf(line + n, sizeof(line) - (size_t)n, "  %-*s", (int)platform_width,
                      r->platform);
    }
    if (phase) { /* NULL: there is no room for it */
        n += snprintf(line + n, sizeof(line) - (size_t)n, "  %-7s", phase);
    }
    n += snprintf(line + n, sizeof(line) - (size_t)n, " %6.1fs", cli_now() - r->start);
    screen_frame_add(f, line, (size_t)n);
    screen_frame_end_line(f);
}

/* The number of compiles if there are more than cores, else 0. since: the start of the first one. */
static size_t count_crowd(const cli_progress *p, double *since)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = 0;
    for (size_t i = 0; i < p->n_rows; i++) {
        const row *r = &p->rows[i];
        if (r->phase == PHASE_COMPILE) {
            *since = n++ == 0 || r->start < *since ? r->start : *since;
        }
    }
    return n > (size_t)(cores > 4 ? cores : 4) ? n : 0;
}

/* The rows at work: not those that wait for a core or for the others, or that just started. */
static size_t collect_visible(const cli_progress *p, const row *out[])
{
    size_t n = 0;
    double at = cli_now(), since = 0;
    bool counted = count_crowd(p, &since) > 0;
    for (size_t i = 0; i < p->n_rows; i++) {
        const row *r = &p->rows[i];
        bool young = r->phase == PHASE_LOOK_UP && at - r->start < SHORT_S;
        if (r->took < 0 && !young && !(counted && r->phase == PHASE_COMPILE)) {
            out[n++] = r;
        }
    }
    return n;
}

/* Draws "  compile 12/48   16.7s" if there are more compiles than cores. */
static bool draw_compiles(const cli_progress *p, size_t width, screen_frame *f)
{
    double since = 0;
    if (count_crowd(p, &since) == 0) {
        return false;
    }
    char line[96], took[24];
    int len = snprintf(line, sizeof(line), "  compile %zu/%zu", p->built, p->to_build);
    int more = snprintf(took, sizeof(took), width < NARROW_COLUMNS ? " %.1fs" : " %6.1fs",
                        cli_now() - since);
    screen_frame_add(f, line, (size_t)len);
    screen_frame_add(f, took, (size_t)len + (size_t)more < width ? (size_t)more : 0);
    screen_frame_end_line(f);
    return true;
}

static void draw_rows(const cli_progress *p, const row *const rows[], size_t shown, size_t width,
                      screen_frame *f)
{
    const bool phase = width >= NARROW_COLUMNS; /* otherwise the name matters more */
    const size_t numbers = 2 + (phase ? 2 + 7 : 0) + 1 + 7 + 1; /* the last column stays free */
    size_t name = 0, platform = 0;
    for (size_t i = 0; i < shown; i++) {
        size_t n = screen_columns(rows[i]->name), m = strlen(rows[i]->platform);
        name = n > name ? n : name;
        platform = m > platform ? m : platform;
    }
    size_t left = width > numbers ? width - numbers : 0;
    if (platform && left < platform + 2 + 6) {
        platform = 0; /* too narrow for both */
    }
    left -= platform ? platform + 2 : 0;
    name = name < left ? name : left;
    for (size_t i = 0; i < shown; i++) {
        draw_row(rows[i], name, platform, phase ? phase_text(p, rows[i]->phase) : NULL, f);
    }
}

static void draw_delays(const cli_progress *p, size_t width, size_t room, screen_frame *f)
{
    for (size_t i = 0; i < p->n_delays && f->lines < room; i++) {
        char text[DELAY_TEXT_SIZE], cut[512];
        if (progress_shows_delay(p, i)) {
            progress_delay_text(&p->delays[i], text, sizeof(text));
            screen_cut(text, width > 12 ? width - 11 : 1, cut, sizeof(cut));
            screen_frame_add(f, "  waiting ", 10);
            screen_frame_add(f, cut, strlen(cut));
            screen_frame_end_line(f);
        }
    }
}

static void draw_bar(const cli_progress *p, size_t cells, double part, screen_frame *f)
{
    const char *full = p->unicode ? "━" : "#", *rest = p->unicode ? "─" : "-";
    size_t filled = (size_t)((double)cells * part + 0.5);
    if (p->c->use_color) {
        screen_frame_add(f, "\033[36m", 5);
    }
    for (size_t i = 0; i < cells; i++) {
        const char *cell = i < filled ? full : rest;
        screen_frame_add(f, cell, strlen(cell));
    }
    if (p->c->use_color) {
        screen_frame_add(f, "\033[0m", 4);
    }
}

/* "33.5/264.0 MB", "812.0 kB/1.2 MB" */
static void amounts(uint64_t done, uint64_t total, char *out, size_t size)
{
    char a[24], b[24];
    cli_size(done, a);
    cli_size(total, b);
    char *unit = strchr(a, ' ');
    if (unit && strcmp(unit, strchr(b, ' ')) == 0) {
        *unit = '\0';
    }
    snprintf(out, size, "%s/%s", a, b);
}

/* "   33.5/264.0 MB  3 MB/s  77 s left"; the last two only if they are known and fit into width. */
static void transfer_numbers(const cli_progress *p, uint64_t done, uint64_t total, size_t width,
                             char *out, size_t size)
{
    char both[56], rest[64] = "";
    double seconds = cli_now() - p->first_byte;
    double rate = seconds > 0.05 ? (double)p->moved / seconds : 0; /* bytes per second */
    amounts(done, total, both, sizeof(both));
    size_t n = (size_t)snprintf(out, size, "%15s", both);
    bool fast = rate >= 1e6;
    size_t more = (size_t)snprintf(rest, sizeof(rest), "  %.0f %s", rate / (fast ? 1e6 : 1e3),
                                   fast ? "MB/s" : "kB/s");
    if (rate > 0 && strlen(both) + more < width) {
        n += (size_t)snprintf(out + n, size - n, "%s", rest);
        width -= more;
    }
    if (seconds >= RATE_KNOWN_S && rate > 0 && total > done) {
        more = (size_t)snprintf(rest, sizeof(rest), "  %.0f s left", (double)(total - done) / rate);
        snprintf(out + n, size - n, "%s", strlen(both) + more < width ? rest : "");
    }
}

static void draw_transfers(const cli_progress *p, size_t width, screen_frame *f)
{
    uint64_t done = p->done, total = p->total;
    for (size_t i = 0; i < p->n_transfers; i++) {
        done += p->transfers[i].done;
        total += p->transfers[i].total;
    }
    char numbers[128], verb[32];
    snprintf(verb, sizeof(verb), width < NARROW_COLUMNS ? "  %s " : "  %-7s  ",
             progress_transfer_verb(p));
    size_t room = width > strlen(verb) + 1 ? width - strlen(verb) - 1 : 0;
    transfer_numbers(p, done, total, room, numbers, sizeof(numbers));
    size_t taken = strlen(verb) + strlen(numbers) + 3;
    size_t cells = width < BAR_FROM || width < taken + 8 ? 0 : width - taken;
    cells = cells < 30 ? cells : 30;
    screen_frame_add(f, verb, strlen(verb));
    if (cells) {
        draw_bar(p, cells, total ? (double)done / (double)total : 0, f);
        screen_frame_add(f, "  ", 2);
    }
    const char *shown = cells ? numbers : numbers + strspn(numbers, " ");
    size_t len = strlen(shown);
    screen_frame_add(f, shown, len < room ? len : room);
    screen_frame_end_line(f);
}

void progress_draw(const cli_progress *p)
{
    screen_frame f = {0};
    size_t width, height;
    screen_size(&width, &height);
    bool bar = p->n_transfers > 0;
    /* At most half of the screen: when a window is made half as wide, its lines wrap, and no escape sequence removes
     * lines that left the screen at the top. */
    size_t room = height > 7 ? height / 2 - 1 : height > 3 ? height - 2 : 1;
    const row *rows[ROWS_MAX];
    size_t all = collect_visible(p, rows), shown = all;
    if (width >= NARROWEST_COLUMNS) {
        room -= draw_compiles(p, width, &f) && room > 1;
        if (shown + bar > room) {
            shown = room > 1u + bar ? room - bar - 1 : 0;
        }
        draw_rows(p, rows, shown, width, &f);
        if (shown < all) {
            char line[48];
            int n = snprintf(line, sizeof(line), "  %s %zu more", p->unicode ? "…" : "...",
                             all - shown);
            screen_frame_add(&f, line, (size_t)n);
            screen_frame_end_line(&f);
        }
        if (bar && f.lines <= room) {
            draw_transfers(p, width, &f);
        }
        draw_delays(p, width, f.lines + 2, &f);
    }
    screen_show(&f);
    screen_frame_free(&f);
}

void progress_report_running(cli_progress *p)
{
    const row *r = NULL;
    char text[440];
    for (size_t i = 0; i < p->n_rows && !r; i++) {
        r = p->rows[i].took < 0 ? &p->rows[i] : NULL;
    }
    if (r && cli_now() - r->start < SHORT_S) {
        return; /* it started a moment ago, after a long silence */
    }
    if (p->n_delays > 0) {
        progress_delay_text(&p->delays[0], text, sizeof(text));
        cli_verb(p->c, "still", "waiting for %s", text);
    } else if (r && r->phase == PHASE_COMPILE && p->to_build - p->built > 1) {
        cli_verb(p->c, "still", "compiling, %zu/%zu done (%.0f s)", p->built, p->to_build,
                 cli_now() - r->start);
    } else if (r) {
        static const char *const doing[] = {"compiling", "looking up", "pushing"};
        bool loads = r->phase == PHASE_TRANSFER && p->local;
        cli_verb(p->c, "still", "%s %s%s%s (%.0f s)", loads ? "loading" : doing[r->phase], r->name,
                 r->platform[0] ? " " : "", r->platform, cli_now() - r->start);
    } else if (p->n_transfers > 0) {
        cli_verb(p->c, "still", "at %s: %zu blob%s on the way (%.0f s)", progress_transfer_verb(p),
                 p->n_transfers, p->n_transfers == 1 ? "" : "s", cli_now() - p->first_byte);
    } else {
        return;
    }
    p->last_line = cli_now();
}

/* --- lines that stay --- */

void progress_finish_line(cli_progress *p, const char *verb, const char *text, double seconds)
{
    size_t width = 400, height;
    char what[512];
    snprintf(what, sizeof(what), "%s", text);
    screen_to_locale(what);
    p->last_line = cli_now();
    if (p->mode == MODE_TTY) {
        screen_size(&width, &height);
        progress_draw(p); /* without the row that ended */
    }
    seconds = width < NARROW_COLUMNS ? -1 : seconds;
    size_t taken = VERB_WIDTH + (seconds >= 0 ? 9 : 1);
    size_t room = width > taken + 8 ? width - taken : 8;
    char cut[512];
    screen_cut(what, room, cut, sizeof(cut));
    if (seconds < 0) {
        cli_verb(p->c, verb, "%s", cut);
        return;
    }
    size_t column = room < 40 ? room : 40, is = screen_columns(cut);
    cli_verb(p->c, verb, "%s%*s %6.1fs", cut, (int)(is < column ? column - is : 0), "", seconds);
}

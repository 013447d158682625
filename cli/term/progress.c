/*
 * Progress on stderr. Events arrive on the thread that called the library; on a terminal a ticker
 * draws a few live lines ten times a second, so that times go on while nothing happens. What stays
 * afterwards are finished lines, the same that a pipe gets.
 */
#include "cli.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "term/json_output.h"
#include "term/screen.h"
#include "term/ticker.h"

#define ROWS_MAX   256
#define DELAYS_MAX 64
#define NARROWEST  20 /* nothing is drawn on less */
#define BAR_FROM   60 /* columns */
#define VERB_WIDTH 10

enum mode { MODE_NONE, MODE_PLAIN, MODE_TTY, MODE_JSON };

#define VISIBLE_BYTES 100000 /* as much as amounts are rounded to */
#define BEAT_S        10     /* of silence, where lines stay: CI ends jobs that say nothing */
#define RATE_KNOWN_S  2      /* of a transfer, for a guess at its end */
#define PERIOD_MS     100    /* of the drawing, and of the look whether a line is due */
#define SHORT_S       1      /* waits and lookups shorter than this are not worth a line */

typedef struct row { /* one image on one platform, an image being sent, a base being looked up */
    char name[96], platform[32];
    const char *phase;
    double start;
    double took; /* once it only waits for the others: how long it was at work; else negative */
    bool shared; /* one `go build` with others: nobody knows which of its time was for this one */
} row;

typedef struct delay { /* a request that waits */
    uint64_t id;
    char what[96], reason[200];
    unsigned attempt;
    double since, until; /* until 0: not known */
} delay;

typedef struct transfer {
    uint64_t id, done, total;
} transfer;

struct cli_progress {
    const cli *c;
    enum mode mode;
    bool unicode;
    bool local; /* images go into an engine or nodes */
    cli_ticker *ticker;
    pthread_mutex_t mutex; /* guards what follows */
    row rows[ROWS_MAX];
    size_t n_rows;
    transfer transfers[ROWS_MAX]; /* those that go on */
    size_t n_transfers;
    uint64_t done, total; /* of those of this burst that are over */
    uint64_t moved;       /* bytes of the burst that went over the wire, those sent twice as well */
    double first_byte;
    delay delays[DELAYS_MAX];
    size_t n_delays;
    size_t built, to_build; /* programs */
    bool waits_only;        /* nothing but waiting is shown */
    double last_line;       /* when something was said that stays */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- the live lines --- */

/* "  api     linux/amd64  compile   4.1s": names are cut, numbers never. */
static void draw_row(const row *r, size_t name_width, size_t platform_width, bool phase, double at,
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
    if (phase) {
        n += snprintf(line + n, sizeof(line) - (size_t)n, "  %-7s", r->phase);
    }
    n += snprintf(line + n, sizeof(line) - (size_t)n, " %6.1fs", at - r->start);
    screen_frame_add(f, line, (size_t)n);
    screen_frame_end_line(f);
}

static bool is_compile(const row *r)
{
    return strcmp(r->phase, "compile") == 0;
}

/* The compiles, where more go on than cores could work on; else 0. since: when the first was begun. */
static size_t crowd_of_compiles(const cli_progress *p, double *since)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = 0;
    for (size_t i = 0; i < p->n_rows; i++) {
        const row *r = &p->rows[i];
        if (is_compile(r)) {
            *since = n++ == 0 || r->start < *since ? r->start : *since;
        }
    }
    return n > (size_t)(cores > 4 ? cores : 4) ? n : 0;
}

/* What is being done now: not what waits for a core, for the others, or was begun a moment ago. */
static size_t visible(const cli_progress *p, const row *out[])
{
    size_t n = 0;
    double at = now(), since = 0;
    bool counted = crowd_of_compiles(p, &since) > 0;
    for (size_t i = 0; i < p->n_rows; i++) {
        const row *r = &p->rows[i];
        bool young = strcmp(r->phase, "look up") == 0 && at - r->start < SHORT_S;
        if (r->took < 0 && !young && !(counted && is_compile(r))) {
            out[n++] = r;
        }
    }
    return n;
}

/* "  compile 12/48   16.7s", where more go on than cores could work on. */
static bool draw_compiles(const cli_progress *p, size_t width, screen_frame *f)
{
    double since = 0;
    if (crowd_of_compiles(p, &since) == 0) {
        return false;
    }
    char line[96], took[24];
    int len = snprintf(line, sizeof(line), "  compile %zu/%zu", p->built, p->to_build);
    int more =
        snprintf(took, sizeof(took), width < 2 * NARROWEST ? " %.1fs" : " %6.1fs", now() - since);
    screen_frame_add(f, line, (size_t)len);
    screen_frame_add(f, took, (size_t)len + (size_t)more < width ? (size_t)more : 0);
    screen_frame_end_line(f);
    return true;
}

static void draw_rows(const row *const rows[], size_t shown, size_t width, screen_frame *f)
{
    const bool phase = width >= 2 * NARROWEST;                  /* on less the name matters more */
    const size_t numbers = 2 + (phase ? 2 + 7 : 0) + 1 + 7 + 1; /* and the last column stays free */
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
    double at = now();
    for (size_t i = 0; i < shown; i++) {
        draw_row(rows[i], name, platform, phase, at, f);
    }
}

/* "registry.example: 503 Service Unavailable (attempt 2, 4 s left)" */
static void delay_text(const delay *w, char *out, size_t size)
{
    double left = w->until - now();
    char number[48] = "";
    if (w->until > 0) {
        snprintf(number, sizeof(number), ", %.0f s left", left > 0 ? left : 0.0);
    }
    snprintf(out, size, "%s: %s (attempt %u%s)", w->what, w->reason, w->attempt, number);
}

/* Whether w is worth a line; of several with one reason at one host the first stands for all. */
static bool shows_delay(const cli_progress *p, size_t i)
{
    const delay *w = &p->delays[i];
    if (w->until > 0 && w->until - w->since < SHORT_S && now() - w->since < SHORT_S) {
        return false;
    }
    for (size_t k = 0; k < i; k++) {
        if (strcmp(p->delays[k].what, w->what) == 0 &&
            strcmp(p->delays[k].reason, w->reason) == 0) {
            return false;
        }
    }
    return true;
}

static void draw_delays(const cli_progress *p, size_t width, size_t room, screen_frame *f)
{
    for (size_t i = 0; i < p->n_delays && f->lines < room; i++) {
        char text[400], cut[512];
        if (shows_delay(p, i)) {
            delay_text(&p->delays[i], text, sizeof(text));
            screen_cut(text, width > 12 ? width - 11 : 1, cut, sizeof(cut));
            screen_frame_add(f, "  waiting ", 10);
            screen_frame_add(f, cut, strlen(cut));
            screen_frame_end_line(f);
        }
    }
}

/* What the bytes are for. */
static const char *transfer_verb(const cli_progress *p)
{
    const cli *c = p->c;
    const char *name = c->command ? c->command->name : "";
    bool builds = c->command && (strcmp(c->command->group, "Build") == 0 ||
                                 strcmp(c->command->group, "Kubernetes") == 0);
    return builds ? p->local ? "load" : "push" : name;
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

/* "   33.5/264.0 MB  3 MB/s  77 s left": of the last two what fits into width, and is known. */
static void transfer_numbers(const cli_progress *p, uint64_t done, uint64_t total, size_t width,
                             char *out, size_t size)
{
    char both[56], rest[64] = "";
    double seconds = now() - p->first_byte;
    double rate = seconds > 0.05 ? (double)p->moved / seconds : 0; /* bytes a second */
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
    snprintf(verb, sizeof(verb), width < 2 * NARROWEST ? "  %s " : "  %-7s  ", transfer_verb(p));
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

static void draw(const cli_progress *p)
{
    screen_frame f = {0};
    size_t width, height;
    screen_size(&width, &height);
    bool bar = p->n_transfers > 0;
    /* Half the screen: what a window made half as wide wraps must not leave it at the top, since no
     * sequence removes it from there. */
    size_t room = height > 7 ? height / 2 - 1 : height > 3 ? height - 2 : 1;
    const row *rows[ROWS_MAX];
    size_t all = visible(p, rows), shown = all;
    if (width >= NARROWEST) {
        room -= draw_compiles(p, width, &f) && room > 1;
        if (shown + bar > room) {
            shown = room > 1u + bar ? room - bar - 1 : 0;
        }
        draw_rows(rows, shown, width, &f);
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

/* One line about what is still being done. */
static void beat(cli_progress *p)
{
    const row *r = NULL;
    char text[440];
    for (size_t i = 0; i < p->n_rows && !r; i++) {
        r = p->rows[i].took < 0 ? &p->rows[i] : NULL;
    }
    if (r && now() - r->start < SHORT_S) {
        return; /* it was begun a moment ago, after a long silence */
    }
    if (p->n_delays > 0) {
        delay_text(&p->delays[0], text, sizeof(text));
        cli_verb(p->c, "still", "waiting for %s", text);
    } else if (r && is_compile(r) && p->to_build - p->built > 1) {
        cli_verb(p->c, "still", "compiling, %zu/%zu done (%.0f s)", p->built, p->to_build,
                 now() - r->start);
    } else if (r) {
        cli_verb(p->c, "still", "%s %s%s%s (%.0f s)",
                 is_compile(r)                      ? "compiling"
                 : strcmp(r->phase, "look up") == 0 ? "looking up"
                 : strcmp(r->phase, "load") == 0    ? "loading"
                                                    : "pushing",
                 r->name, r->platform[0] ? " " : "", r->platform, now() - r->start);
    } else if (p->n_transfers > 0) {
        cli_verb(p->c, "still", "at %s: %zu blob%s on the way (%.0f s)", transfer_verb(p),
                 p->n_transfers, p->n_transfers == 1 ? "" : "s", now() - p->first_byte);
    } else {
        return;
    }
    p->last_line = now();
}

static void tick(void *arg)
{
    cli_progress *p = arg;
    pthread_mutex_lock(&p->mutex);
    if (p->mode == MODE_TTY) {
        draw(p);
    } else if (now() - p->last_line >= BEAT_S) {
        beat(p);
    }
    pthread_mutex_unlock(&p->mutex);
}

/* --- rows --- */

/* "api linux/amd64" has a platform, "api" has none. */
static void split_label(const char *label, row *out)
{
    const char *space = strrchr(label, ' ');
    bool has_platform = space && strchr(space, '/');
    int len = has_platform ? (int)(space - label) : (int)strlen(label);
    snprintf(out->name, sizeof(out->name), "%.*s", len, label);
    snprintf(out->platform, sizeof(out->platform), "%s", has_platform ? space + 1 : "");
}

static row *find_row(cli_progress *p, const row *like)
{
    for (size_t i = 0; i < p->n_rows; i++) {
        if (strcmp(p->rows[i].name, like->name) == 0 &&
            strcmp(p->rows[i].platform, like->platform) == 0) {
            return &p->rows[i];
        }
    }
    return NULL;
}

static void start_row(cli_progress *p, const char *label, const char *phase)
{
    row wanted = {.start = now(), .took = -1};
    split_label(label, &wanted);
    row *r = find_row(p, &wanted);
    if (!r && p->n_rows < ROWS_MAX) {
        r = &p->rows[p->n_rows++];
        *r = wanted;
    }
    if (r) {
        r->phase = phase;
    }
}

/* Seconds since the row was started, negative where its own are not known; the row goes, the others keep their order. */
static double end_row(cli_progress *p, const char *label)
{
    row wanted;
    split_label(label, &wanted);
    row *r = find_row(p, &wanted);
    if (!r) {
        return 0;
    }
    double seconds = r->shared ? -1 : r->took < 0 ? now() - r->start : r->took;
    p->n_rows--;
    memmove(r, r + 1, (size_t)(p->rows + p->n_rows - r) * sizeof(*r));
    return seconds;
}

/* A line that stays; on a terminal it is one line. */
static void finished(cli_progress *p, const char *verb, const char *text, double seconds)
{
    size_t width = 400, height;
    char what[512];
    snprintf(what, sizeof(what), "%s", text);
    screen_to_locale(what);
    p->last_line = now();
    if (p->mode == MODE_TTY) {
        screen_size(&width, &height);
        draw(p); /* without the row that ended */
    }
    seconds = width < 2 * NARROWEST ? -1 : seconds;
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

/* --- events --- */

static void end_transfer(cli_progress *p, size_t i, bool failed)
{
    p->done += failed ? 0 : p->transfers[i].total;
    p->total += failed ? 0 : p->transfers[i].total;
    p->transfers[i] = p->transfers[--p->n_transfers];
    if (p->n_transfers == 0) {
        p->done = p->total = p->moved = 0; /* what comes later is another burst */
    }
}

/* The bar is about to run backwards: a connection broke, and not all that was sent has arrived. */
static void tell_resumed(cli_progress *p, const koc_progress *e)
{
    char line[160], at[24], all[24];
    snprintf(line, sizeof(line), "%s of %s  %.19s…", cli_size(e->done, at), cli_size(e->total, all),
             e->what);
    finished(p, "Resumed", line, -1);
}

static void on_active(cli_progress *p, transfer *t, const koc_progress *e)
{
    uint64_t before = t->done;
    t->done = e->done;
    t->total = e->total;
    p->moved += e->done > before ? e->done - before : 0;
    if (before > e->done + VISIBLE_BYTES) {
        tell_resumed(p, e);
    }
}

static void on_blob(cli_progress *p, const koc_progress *e)
{
    bool goes_on = e->state == KOC_STATE_ACTIVE;
    for (size_t i = 0; i < p->n_transfers; i++) {
        if (p->transfers[i].id != e->id) {
            continue;
        }
        if (goes_on) {
            on_active(p, &p->transfers[i], e);
        } else if (e->state != KOC_STATE_STARTED) {
            end_transfer(p, i, e->state == KOC_STATE_FAILED);
        }
        return;
    }
    if (goes_on && p->n_transfers < ROWS_MAX) {
        if (p->n_transfers == 0) {
            p->first_byte = now();
        }
        p->transfers[p->n_transfers++] = (transfer){e->id, e->done, e->total};
    }
}

static const char *transferred(const cli_progress *p)
{
    const char *verb = transfer_verb(p);
    return strcmp(verb, "copy") == 0 ? "Copied" : strcmp(verb, "load") == 0 ? "Loaded" : "Pushed";
}

static void on_image(cli_progress *p, const koc_progress *e)
{
    p->local = (e->flags & KOC_TO_LOCAL) != 0;
    if (e->state == KOC_STATE_STARTED) {
        start_row(p, e->what, transfer_verb(p));
    } else if (e->state == KOC_STATE_SKIPPED) {
        finished(p, "Unchanged", e->what, end_row(p, e->what));
    } else if (e->state == KOC_STATE_FINISHED) {
        char line[160], size[24];
        snprintf(line, sizeof(line), e->done ? "%s  %s" : "%s", e->what, cli_size(e->done, size));
        double seconds = end_row(p, e->what);
        bool sent = e->done || e->total || (e->flags & KOC_TO_LOCAL);
        finished(p, sent ? transferred(p) : "Wrote", line, seconds);
    } else if (e->state == KOC_STATE_WAITING) { /* all of it is sent but the names */
        row wanted;
        split_label(e->what, &wanted);
        row *r = find_row(p, &wanted);
        if (r) {
            r->took = now() - r->start;
        }
    } else if (e->state == KOC_STATE_FAILED) {
        end_row(p, e->what);
    }
}

/* The programs of one platform are one `go build`, so that the time from its start is of none of them. */
static void share_compile(cli_progress *p, const char *label)
{
    row wanted;
    split_label(label, &wanted);
    row *this = find_row(p, &wanted);
    for (size_t i = 0; this && i < p->n_rows; i++) {
        row *r = &p->rows[i];
        if (r != this && is_compile(r) && strcmp(r->platform, this->platform) == 0) {
            r->shared = this->shared = true;
        }
    }
}

static void on_build(cli_progress *p, const koc_progress *e)
{
    if (e->state == KOC_STATE_STARTED) {
        p->to_build++;
        start_row(p, e->what, "compile");
        share_compile(p, e->what);
        return;
    }
    double seconds = end_row(p, e->what);
    p->built++;
    if (e->state == KOC_STATE_FINISHED) {
        finished(p, "Built", e->what, seconds);
    }
}

/* The row of the base whose look-up ended: what is told then begins with its name, or with how it is written out. */
static void end_lookup(cli_progress *p, const char *what)
{
    const row *found = NULL;
    for (size_t i = 0; i < p->n_rows; i++) {
        const row *r = &p->rows[i];
        bool named = strncmp(what, r->name, strlen(r->name)) == 0;
        if (strcmp(r->phase, "look up") == 0 && (!found || named)) {
            found = r;
        }
    }
    if (found) {
        char name[96];
        memcpy(name, found->name, sizeof(name));
        end_row(p, name);
    }
}

static void on_resolve(cli_progress *p, const koc_progress *e)
{
    if (e->state == KOC_STATE_STARTED) {
        start_row(p, e->what, "look up");
        return;
    }
    end_lookup(p, e->what);
    if (e->state == KOC_STATE_FINISHED && strcmp(e->what, "scratch") != 0) {
        char line[400];
        snprintf(line, sizeof(line), "base  %s", e->what);
        finished(p, "Resolved", line, -1);
    }
}

static size_t find_delay(const cli_progress *p, uint64_t id)
{
    size_t i = 0;
    while (i < p->n_delays && p->delays[i].id != id) {
        i++;
    }
    return i;
}

static void on_request(cli_progress *p, const koc_progress *e)
{
    size_t i = find_delay(p, e->id);
    if (e->state != KOC_STATE_WAITING) {
        if (i < p->n_delays) {
            p->delays[i] = p->delays[--p->n_delays];
            if (p->mode == MODE_TTY) {
                draw(p); /* the caller may write to stdout next */
            }
        }
        return;
    }
    if (i == DELAYS_MAX) {
        return;
    }
    delay *w = &p->delays[i];
    *w = (delay){.id = e->id, .attempt = e->attempt, .since = now()};
    w->until = e->wait_ms > 0 ? w->since + (double)e->wait_ms / 1e3 : 0;
    snprintf(w->what, sizeof(w->what), "%s", e->what);
    snprintf(w->reason, sizeof(w->reason), "%s", e->reason ? e->reason : "");
    p->n_delays += i == p->n_delays;
    if (p->mode == MODE_PLAIN && shows_delay(p, i)) {
        char text[400];
        delay_text(w, text, sizeof(text));
        finished(p, "Waiting", text, -1);
    }
}

static void on_event(cli_progress *p, const koc_progress *e)
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
/* --- JSON lines --- */

static void json_event(const koc_progress *e)
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
        json_event(e);
        return 0;
    }
    pthread_mutex_lock(&p->mutex);
    on_event(p, e);
    pthread_mutex_unlock(&p->mutex);
    return 0;
}

/* --- life --- */

static enum mode choose(const cli *c)
{
    const char *m = c->progress_mode ? c->progress_mode : "auto";
    const char *term = getenv("TERM");
    bool terminal = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
    if (c->quiet || strcmp(m, "none") == 0) {
        return MODE_NONE;
    }
    if (strcmp(m, "json") == 0) {
        return MODE_JSON;
    }
    if (strcmp(m, "tty") == 0 || (strcmp(m, "auto") == 0 && terminal)) {
        return MODE_TTY;
    }
    return MODE_PLAIN;
}

cli_progress *cli_progress_new(const cli *c, bool waits_only)
{
    enum mode mode = choose(c);
    cli_progress *p = mode == MODE_NONE ? NULL : calloc(1, sizeof(*p));
    if (!p) {
        return NULL;
    }
    p->c = c;
    p->mode = mode;
    p->waits_only = waits_only;
    p->last_line = now();
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

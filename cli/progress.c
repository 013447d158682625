/*
 * Progress on stderr. Events arrive on the thread that called the library; on a terminal a ticker thread
 * redraws a small block in place ten times a second, so that times go on while nothing happens. What stays
 * afterwards are finished lines, the same that a pipe gets.
 */
#include "cli.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define ROWS_MAX 256

enum mode { MODE_NONE, MODE_PLAIN, MODE_TTY, MODE_JSON };

typedef struct row { /* one image on one platform, or an image being sent */
    char label[96];
    const char *phase;
    double start;
} row;

typedef struct transfer {
    uint64_t id, done, total;
} transfer;

struct cli_progress {
    const cli *c;
    enum mode mode;
    pthread_mutex_t mutex; /* guards what follows, and stderr while a block is drawn */
    pthread_cond_t stop_changed;
    pthread_t ticker;
    bool ticking, stop;
    row rows[ROWS_MAX];
    size_t n_rows;
    transfer transfers[ROWS_MAX];
    size_t n_transfers;
    double first_byte;
    size_t lines_drawn;
};

/* --- the live block --- */

static size_t columns(void)
{
    struct winsize w;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0) {
        return w.ws_col;
    }
    return 80;
}

static void wipe(cli_progress *p)
{
    if (p->lines_drawn) {
        fprintf(stderr, "\033[%zuA\033[J", p->lines_drawn);
        p->lines_drawn = 0;
    }
}

/* A line that is too long loses its middle, not its end: the end has the numbers. */
static void print_cut(const char *name, const char *rest, size_t width)
{
    size_t name_len = strlen(name), rest_len = strlen(rest);
    size_t room = width > rest_len + 5 ? width - rest_len - 5 : 4;
    if (name_len <= room) {
        fprintf(stderr, "  %s%*s %s\n", name,
                (int)(room < 30 ? 0 : (name_len < 28 ? 28 - name_len : 0)), "", rest);
    } else {
        size_t half = (room - 1) / 2;
        fprintf(stderr, "  %.*s…%s %s\n", (int)half, name, name + name_len - half, rest);
    }
}

static void draw_transfers(cli_progress *p, size_t width)
{
    uint64_t done = 0, total = 0;
    for (size_t i = 0; i < p->n_transfers; i++) {
        done += p->transfers[i].done;
        total += p->transfers[i].total;
    }
    if (total == 0) {
        return;
    }
    double seconds = cli_now() - p->first_byte;
    char bar[20 * 3 + 1] = "", a[24], b[24], rest[160];
    size_t cells = width < 60 ? 0 : 18;
    for (size_t i = 0; i < cells; i++) {
        strncat(bar, (double)i < (double)cells * (double)done / (double)total ? "━" : "─",
                sizeof(bar) - strlen(bar) - 1);
    }
    snprintf(rest, sizeof(rest), "%s  %s/%s  %.0f MB/s", bar, cli_size(done, a), cli_size(total, b),
             seconds > 0.05 ? (double)done / 1e6 / seconds : 0.0);
    print_cut("push", rest, width + 2 * cells); /* bar characters are three bytes, one column */
}

static void draw(cli_progress *p)
{
    size_t width = columns();
    double at = cli_now();
    flockfile(stderr);
    wipe(p);
    for (size_t i = 0; i < p->n_rows; i++) {
        char rest[64];
        snprintf(rest, sizeof(rest), "%-8s %5.1fs", p->rows[i].phase, at - p->rows[i].start);
        print_cut(p->rows[i].label, rest, width);
        p->lines_drawn++;
    }
    uint64_t total = 0;
    for (size_t i = 0; i < p->n_transfers; i++) {
        total += p->transfers[i].total;
    }
    if (total) {
        draw_transfers(p, width);
        p->lines_drawn++;
    }
    fflush(stderr);
    funlockfile(stderr);
}

static void *tick(void *arg)
{
    cli_progress *p = arg;
    pthread_mutex_lock(&p->mutex);
    while (!p->stop) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 100 * 1000 * 1000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        pthread_cond_timedwait(&p->stop_changed, &p->mutex, &until);
        if (!p->stop) {
            draw(p);
        }
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

/* --- rows --- */

static row *find_row(cli_progress *p, const char *label)
{
    for (size_t i = 0; i < p->n_rows; i++) {
        if (strcmp(p->rows[i].label, label) == 0) {
            return &p->rows[i];
        }
    }
    return NULL;
}

static void start_row(cli_progress *p, const char *label, const char *phase)
{
    row *r = find_row(p, label);
    if (!r && p->n_rows < ROWS_MAX) {
        r = &p->rows[p->n_rows++];
        snprintf(r->label, sizeof(r->label), "%s", label);
        r->start = cli_now();
    }
    if (r) {
        r->phase = phase;
    }
}

/* Seconds since the row was started; the row goes. */
static double end_row(cli_progress *p, const char *label)
{
    row *r = find_row(p, label);
    if (!r) {
        return 0;
    }
    double seconds = cli_now() - r->start;
    *r = p->rows[--p->n_rows];
    return seconds;
}

/* A line that stays. */
static void finished(cli_progress *p, const char *verb, const char *what, double seconds)
{
    wipe(p);
    if (seconds >= 0) {
        cli_verb(p->c, verb, "%-40s %6.1fs", what, seconds);
    } else {
        cli_verb(p->c, verb, "%s", what);
    }
}

static void on_blob(cli_progress *p, const koc_progress *e)
{
    for (size_t i = 0; i < p->n_transfers; i++) {
        if (p->transfers[i].id == e->id) {
            p->transfers[i].done = e->done;
            return;
        }
    }
    if (e->state == KOC_STATE_ACTIVE && p->n_transfers < ROWS_MAX) {
        if (p->n_transfers == 0) {
            p->first_byte = cli_now();
        }
        p->transfers[p->n_transfers++] = (transfer){e->id, e->done, e->total};
    }
}

static void on_image(cli_progress *p, const koc_progress *e)
{
    if (e->state == KOC_STATE_STARTED) {
        start_row(p, e->what, "push");
    } else if (e->state == KOC_STATE_SKIPPED) {
        finished(p, "Unchanged", e->what, end_row(p, e->what));
    } else if (e->state == KOC_STATE_FINISHED) {
        char line[160], size[24];
        snprintf(line, sizeof(line), e->done ? "%s  %s" : "%s", e->what, cli_size(e->done, size));
        finished(p, e->done ? "Pushed" : "Wrote", line, end_row(p, e->what));
    }
}

static void on_event(cli_progress *p, const koc_progress *e)
{
    switch (e->kind) {
    case KOC_PROGRESS_BUILD:
        if (e->state == KOC_STATE_STARTED) {
            start_row(p, e->what, "compile");
        } else if (e->state == KOC_STATE_FINISHED) {
            finished(p, "Built", e->what, end_row(p, e->what));
        } else {
            end_row(p, e->what);
        }
        break;
    case KOC_PROGRESS_RESOLVE:
        if (e->state == KOC_STATE_FINISHED && strcmp(e->what, "scratch") != 0) {
            char line[400];
            snprintf(line, sizeof(line), "base  %s", e->what);
            finished(p, "Resolved", line, -1);
        }
        break;
    case KOC_PROGRESS_BLOB: on_blob(p, e); break;
    case KOC_PROGRESS_IMAGE: on_image(p, e); break;
    default: break;
    }
}

/* --- JSON lines --- */

static void json_text(const char *s)
{
    fputc('"', stderr);
    for (; *s; s++) {
        unsigned char ch = (unsigned char)*s;
        if (ch == '"' || ch == '\\') {
            fprintf(stderr, "\\%c", ch);
        } else if (ch < 0x20) {
            fprintf(stderr, "\\u%04x", ch);
        } else {
            fputc(ch, stderr);
        }
    }
    fputc('"', stderr);
}

static void json_event(const koc_progress *e)
{
    static const char *const kinds[] = {"?",     "blob",    "manifest", "layer",
                                        "build", "resolve", "image"};
    static const char *const states[] = {"?",       "started",  "active", "skipped",
                                         "mounted", "finished", "failed"};
    flockfile(stderr);
    fprintf(stderr,
            "{\"kind\":\"%s\",\"state\":\"%s\",\"what\":", kinds[e->kind <= 6 ? e->kind : 0],
            states[e->state <= 6 ? e->state : 0]);
    json_text(e->what ? e->what : "");
    fprintf(stderr, ",\"done\":%llu,\"total\":%llu,\"id\":%llu}\n", (unsigned long long)e->done,
            (unsigned long long)e->total, (unsigned long long)e->id);
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

cli_progress *cli_progress_new(const cli *c)
{
    enum mode mode = choose(c);
    cli_progress *p = mode == MODE_NONE ? NULL : calloc(1, sizeof(*p));
    if (!p) {
        return NULL;
    }
    p->c = c;
    p->mode = mode;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->stop_changed, NULL);
    p->ticking = mode == MODE_TTY && pthread_create(&p->ticker, NULL, tick, p) == 0;
    return p;
}

void cli_progress_end(cli_progress *p)
{
    if (!p) {
        return;
    }
    if (p->ticking) {
        pthread_mutex_lock(&p->mutex);
        p->stop = true;
        pthread_cond_signal(&p->stop_changed);
        pthread_mutex_unlock(&p->mutex);
        pthread_join(p->ticker, NULL);
        p->ticking = false;
    }
    wipe(p);
    fflush(stderr);
}

void cli_progress_free(cli_progress *p)
{
    if (p) {
        pthread_mutex_destroy(&p->mutex);
        pthread_cond_destroy(&p->stop_changed);
        free(p);
    }
}

/* Shared by the files of the progress display. The functions expect that the mutex is held. */
#ifndef CLI_PROGRESS_STATE_H
#define CLI_PROGRESS_STATE_H

#include <pthread.h>

#include "cli.h"
#include "term/screen.h"
#include "term/ticker.h"

#define ROWS_MAX        256
#define DELAYS_MAX      64
#define NARROW_COLUMNS  40 /* a narrower screen shows no phases and no times of finished lines */
#define SHORT_S         1  /* waits and lookups shorter than this are not worth a line */
#define ROW_NAME_MAX    96
#define DELAY_TEXT_SIZE 400

enum progress_mode { MODE_PLAIN, MODE_TTY, MODE_JSON };
enum row_phase { PHASE_COMPILE, PHASE_LOOK_UP, PHASE_TRANSFER };

/* A program that is compiled, an image that is sent, or a base that is looked up. */
typedef struct row {
    char name[ROW_NAME_MAX], platform[32];
    enum row_phase phase;
    double start;
    double took; /* how long it worked, once it only waits for the others; negative before */
    bool shared; /* one `go build` makes it with others, so its own time is not known */
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
    enum progress_mode mode;
    bool unicode;
    bool waits_only; /* show only requests that wait */
    cli_ticker *ticker;
    pthread_mutex_t mutex; /* guards the members below */
    bool local;            /* images go into an engine or nodes */
    row rows[ROWS_MAX];
    size_t n_rows;
    transfer transfers[ROWS_MAX]; /* the active ones */
    size_t n_transfers;
    uint64_t done, total; /* bytes of the finished transfers of this burst */
    uint64_t moved;       /* bytes of the burst on the wire, including those sent again */
    double first_byte;
    delay delays[DELAYS_MAX];
    size_t n_delays;
    size_t built, to_build; /* programs */
    double last_line;       /* when a line was printed that stays */
};

/* --- progress_rows.c --- */
row *progress_find_row(cli_progress *p, const char *name, const char *platform);
void progress_start_row(cli_progress *p, const char *name, const char *platform,
                        enum row_phase phase);
/* Removes the row; the others keep their order. Returns the seconds since its start, negative if its own time is not
 * known. */
double progress_end_row(cli_progress *p, const char *name, const char *platform);
/* The programs of one platform are one `go build`, so that the time since its start belongs to none of them alone. */
void progress_share_compile(cli_progress *p, const row *r);
/* "registry.example: 503 Service Unavailable (attempt 2, 4 s left)" */
void progress_delay_text(const delay *d, char *out, size_t size);
/* Whether the i-th delay deserves a line. Of several with one reason at one host, the first stands for all. */
bool progress_shows_delay(const cli_progress *p, size_t i);
/* "push", "load", or the name of a command that only transfers. */
const char *progress_transfer_verb(const cli_progress *p);

/* --- progress_draw.c --- */
void progress_draw(const cli_progress *p);
/* Prints a line that stays; seconds may be negative. On a terminal it is cut to one line. */
void progress_finish_line(cli_progress *p, const char *verb, const char *text, double seconds);
/* Prints a line about work that is still running. */
void progress_report_running(cli_progress *p);

/* --- progress_events.c --- */
void progress_apply_event(cli_progress *p, const koc_progress *e);

#endif

/* Runs a child process to its end: one poll loop over its pipes, its end, the end of the call and the clock.
 * */
#include "core/common.h"

#include "core/run/proc.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "core/env.h"
#include "core/io/fs.h"
#include "core/path.h"
#include "core/run/child.h"
#include "core/str.h"
#include "core/text.h"

enum {
    READ_STEP = 32 * 1024,
    GRACE_MS = 2000,  /* between SIGTERM and SIGKILL */
    DRAIN_MAX = 64,   /* reads after the child's end: more than a pipe holds */
    TICK_MAX_MS = 20, /* longest sleep if the system has no descriptor for a child's end */
};

/* One run. */
typedef struct run {
    const koc__proc *p;
    koc__call *call;
    koc__child child;
    koc__proc_result result;
    size_t written;      /* of p->input */
    int64_t deadline_ms; /* from p->timeout_ms; 0: none */
    int failure;         /* why the child is being ended; KOC_OK: it is not */
    koc_error *error;
    int64_t kill_ms; /* when SIGKILL follows SIGTERM; 0: it did */
    int tick_ms;
} run;

void koc__proc_result_dispose(koc__proc_result *r)
{
    koc__dynbuf_dispose(&r->output);
    koc__dynbuf_dispose(&r->errors);
}

static void close_pipe(int *fd)
{
    close(*fd);
    *fd = -1;
}

/* Asks the child to end because of failure; its further output is dropped. */
static void end_child(run *r, int failure)
{
    r->failure = failure;
    r->kill_ms = koc__monotonic_ms() + GRACE_MS;
    koc__child_signal(&r->child, SIGTERM);
}

/* Keeps at most buf->max bytes. */
static void keep(run *r, koc__dynbuf *buf, const char *data, size_t len)
{
    size_t room = buf->max - buf->len;
    if (r->failure != KOC_OK) {
        return;
    }
    int rc = koc__dynbuf_append(buf, data, KOC__MIN(len, room), &r->error);
    if (rc == KOC_OK && len > room && buf == &r->result.output) {
        rc = koc__error(&r->error, KOC_ELIMIT, "%s writes more than %zu bytes", r->p->argv[0],
                        buf->max);
    }
    if (rc != KOC_OK) {
        end_child(r, rc);
    }
}

/* One read; closes the pipe at its end. false: nothing more for now. */
static bool read_some(run *r, int *fd, koc__dynbuf *buf)
{
    char chunk[READ_STEP];
    ssize_t n = read(*fd, chunk, sizeof(chunk));
    if (n > 0) {
        keep(r, buf, chunk, (size_t)n);
        return true;
    }
    if (n < 0 && errno == EINTR) {
        return true;
    }
    if (n == 0 || errno != EAGAIN) {
        close_pipe(fd);
    }
    return false;
}

static void write_some(run *r)
{
    const koc_str *input = &r->p->input;
    ssize_t n =
        koc__write_quietly(r->child.input, input->ptr + r->written, input->len - r->written);

    if (n > 0) {
        r->written += (size_t)n;
    }
    /* The child need not read its input: a closed pipe is not an error. */
    if (r->written == input->len || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close_pipe(&r->child.input);
    }
}

/* Milliseconds that poll may wait; -1: no limit. */
static int wait_limit(const run *r)
{
    int limit = r->child.exit_fd >= 0 ? -1 : r->tick_ms;
    int64_t until = r->failure == KOC_OK ? r->deadline_ms : r->kill_ms;
    if (until != 0) {
        int64_t left = until - koc__monotonic_ms();

        left = left < 0 ? 0 : KOC__MIN(left, 60000);
        limit = limit < 0 ? (int)left : KOC__MIN(limit, (int)left);
    }
    return r->call && r->failure == KOC_OK ? koc__call_timeout(r->call, limit) : limit;
}

/* Ends the child if the call or the child's time limit is over; SIGKILL if SIGTERM had no effect. */
static void watch_clock(run *r)
{
    if (r->failure == KOC_OK) {
        int rc = koc__call_check(r->call, &r->error);

        if (rc != KOC_OK) {
            end_child(r, rc);
            return;
        }
    }
    int64_t now = koc__monotonic_ms();
    if (r->failure == KOC_OK && r->deadline_ms != 0 && now >= r->deadline_ms) {
        end_child(r, koc__error(&r->error, KOC_ETIMEOUT, "%s did not end within %lld ms",
                                r->p->argv[0], (long long)r->p->timeout_ms));
        koc__error_detail(&r->error, koc__dynbuf_view(&r->result.errors));
    } else if (r->failure != KOC_OK && r->kill_ms != 0 && now >= r->kill_ms) {
        r->kill_ms = 0;
        koc__child_signal(&r->child, SIGKILL);
    }
}

/* Waits for one event and handles it. */
static void step(run *r)
{
    struct pollfd fds[6] = {
        {r->child.input, POLLOUT, 0},
        {r->child.output, POLLIN, 0},
        {r->child.errors, POLLIN, 0},
        {r->child.exit_fd, POLLIN, 0},
    };
    nfds_t n = 4;

    if (r->call && r->failure == KOC_OK) {
        n += (nfds_t)koc__call_fds(r->call, fds + n);
    }
    if (poll(fds, n, wait_limit(r)) <= 0) {
        r->tick_ms = KOC__MIN(r->tick_ms * 2, TICK_MAX_MS);
        return;
    }
    if (fds[0].revents) {
        write_some(r);
    }
    if (fds[1].revents) {
        read_some(r, &r->child.output, &r->result.output);
    }
    if (fds[2].revents) {
        read_some(r, &r->child.errors, &r->result.errors);
    }
}

/* Reads what the child left in its pipes, without waiting for other processes that still hold them. */
static void drain(run *r)
{
    for (int i = 0; i < DRAIN_MAX && r->child.output >= 0; i++) {
        if (!read_some(r, &r->child.output, &r->result.output)) {
            break;
        }
    }
    for (int i = 0; i < DRAIN_MAX && r->child.errors >= 0; i++) {
        if (!read_some(r, &r->child.errors, &r->result.errors)) {
            break;
        }
    }
}

int koc__proc_run(const koc__proc *p, koc__call *call, koc__proc_result *result, koc_error **err)
{
    run r = {.p = p, .call = call, .result = KOC__PROC_RESULT_INIT, .tick_ms = 1};
    KOC__TRY(koc__call_check(call, err));
    r.result.output.max = p->max_output ? p->max_output : (size_t)64 << 20;
    r.result.errors.max = p->max_errors ? p->max_errors : (size_t)1 << 20;
    r.deadline_ms = p->timeout_ms > 0 ? koc__monotonic_ms() + p->timeout_ms : 0;
    KOC__TRY(koc__child_start(p, &r.child, err));
    while (!koc__child_ended(&r.child)) {
        step(&r);
        watch_clock(&r);
    }
    drain(&r);
    int rc = koc__child_reap(&r.child, p->argv[0], &r.result, &r.error);
    if (r.failure != KOC_OK || rc != KOC_OK) {
        rc = r.failure != KOC_OK ? r.failure : rc;
        koc__proc_result_dispose(&r.result);
        koc__error_move(err, &r.error);
        return rc;
    }
    koc__proc_result_dispose(result);
    *result = r.result;
    return KOC_OK;
}

/* Questions on a terminal; secrets are not echoed. */
#include "term/prompt.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

void cli_wipe(void *p, size_t size)
{
    volatile unsigned char *bytes = p;
    while (size > 0) {
        bytes[--size] = 0;
    }
}

/* Reads once. A signal that only interrupts the read is not a failure; ^C is. */
static ssize_t read_some(const cli *c, char *out, size_t size)
{
    for (;;) {
        if (koc_cancel_is_triggered(c->cancel)) {
            errno = EINTR;
            return -1;
        }
        struct pollfd p = {STDIN_FILENO, POLLIN, 0};
        if (poll(&p, 1, 100) == 0) {
            continue;
        }
        ssize_t n = read(STDIN_FILENO, out, size);
        if (n >= 0 || errno != EINTR) {
            return n;
        }
    }
}

static int report_failure(const cli *c, const char *what)
{
    if (koc_cancel_is_triggered(c->cancel)) {
        return cli_cancelled(c);
    }
    return cli_failure(c, "cannot read %s from stdin: %s", what, strerror(errno));
}

/* Reads up to the end of the line or of the input. -1: see errno. */
static ssize_t read_line(const cli *c, char *out, size_t size)
{
    size_t used = 0;
    while (used + 1 < size) {
        ssize_t n = read_some(c, out + used, 1);
        if (n < 0) {
            return -1;
        }
        if (n == 0 || out[used] == '\n') {
            break;
        }
        used++;
    }
    out[used] = '\0';
    return (ssize_t)used;
}

int cli_ask(const cli *c, const char *question, bool hidden, char *out, size_t size)
{
    struct termios before, quiet;
    bool changed = hidden && tcgetattr(STDIN_FILENO, &before) == 0;
    if (changed) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        changed = tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
    }
    fprintf(stderr, "%s", question);
    fflush(stderr);
    ssize_t n = read_line(c, out, size);
    int error = errno;
    if (changed) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr); /* the typed one was not echoed */
    }
    errno = error;
    return n < 0 ? report_failure(c, "the answer") : EXIT_OK;
}

int cli_read_secret(const cli *c, char *out, size_t size)
{
    size_t used = 0;
    for (;;) {
        if (used == size) {
            cli_wipe(out, size);
            return cli_usage(c, "the password on stdin has more than %zu bytes", size - 1);
        }
        ssize_t n = read_some(c, out + used, size - used);
        if (n < 0) {
            cli_wipe(out, size);
            return report_failure(c, "the password");
        }
        if (n == 0) {
            break;
        }
        used += (size_t)n;
    }
    if (used > 0 && out[used - 1] == '\n') {
        used--;
        used -= used > 0 && out[used - 1] == '\r';
    }
    if (memchr(out, '\0', used)) {
        cli_wipe(out, size);
        return cli_usage(c, "the password on stdin has a NUL byte in it");
    }
    out[used] = '\0';
    return EXIT_OK;
}

/* A pipe may be silent for long, and a FIFO without a writer for ever: only poll blocks here, and not for long. */
#include "term/stdin_stdout.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLL_MS 100 /* then look for a signal that arrived just before poll */

int text_sink_write(void *self, const void *data, size_t len, koc_error **err)
{
    text_sink *s = self;
    if (s->len + len + 1 > s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 65536;
        while (capacity < s->len + len + 1) {
            capacity *= 2;
        }
        char *text = realloc(s->text, capacity);
        if (!text) {
            return cli_fail_memory(err);
        }
        s->text = text;
        s->capacity = capacity;
    }
    memcpy(s->text + s->len, data, len);
    s->len += len;
    s->text[s->len] = '\0';
    return KOC_OK;
}

void text_sink_free(text_sink *s)
{
    free(s->text);
    *s = (text_sink){0};
}

bool pipe_is(const char *path)
{
    struct stat st;
    return strcmp(path, "-") == 0 ||
           (stat(path, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)));
}

static int fail_read(koc_error **err, koc_code code, const char *path, const char *why)
{
    return cli_fail(err, code, "cannot read %.2000s: %.1000s",
                    strcmp(path, "-") == 0 ? "stdin" : path, why);
}

static int read_fd(const cli *c, int fd, const char *path, size_t max, text_sink *out,
                   koc_error **err)
{
    for (;;) {
        char chunk[65536];
        struct pollfd p = {fd, POLLIN, 0};
        if (koc_cancel_is_triggered(c->cancel)) {
            return cli_fail(err, KOC_ECANCELLED, "cancelled");
        }
        if (poll(&p, 1, POLL_MS) <= 0) {
            continue; /* a FIFO that no process has opened yet is silent, not at its end */
        }
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n == 0) {
            return text_sink_write(out, "", 0, err);
        }
        if (n < 0 && errno != EINTR && errno != EAGAIN) {
            return fail_read(err, KOC_EIO, path, strerror(errno));
        }
        if (n > 0 && (size_t)n > max - out->len) {
            snprintf(chunk, sizeof(chunk), "more than %zu MiB", max >> 20);
            return fail_read(err, KOC_ELIMIT, path, chunk);
        }
        CLI_TRY(n > 0 ? text_sink_write(out, chunk, (size_t)n, err) : KOC_OK);
    }
}

int pipe_read(const cli *c, const char *path, size_t max, text_sink *out, koc_error **err)
{
    bool own = strcmp(path, "-") != 0;
    int fd = own ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : STDIN_FILENO;
    int rc = fd < 0 ? fail_read(err, KOC_EIO, path, strerror(errno))
                    : read_fd(c, fd, path, max, out, err);
    if (own && fd >= 0) {
        close(fd);
    }
    if (rc != KOC_OK) {
        text_sink_free(out);
    }
    return rc;
}

/*
 * What kubectl prints while --wait watches: lists, labels, states, pods. The parts of the input are the answers
 * to its calls in turn; the first byte of each, odd or even, is its exit status.
 */
#include "parts.h"

#include <stdarg.h>
#include <stdio.h>

#include <poll.h>
#include <stdarg.h>

#define poll fuzz_no_nap /* time is what the answers make of it */
static int fuzz_no_nap(void *fds, unsigned long n, int timeout)
{
    (void)fds;
    (void)n;
    (void)timeout;
    return 0;
}
#include "../cli/kube/rollout.c"

static koc_str answers;
static double now;

int child_run(const cli *c, const child *ch)
{
    koc_str part = next_part(&answers);
    (void)c;
    now += 1;
    if (ch->output) {
        *ch->output =
            fuzz_text((const uint8_t *)part.ptr + (part.len > 0), part.len - (part.len > 0));
    }
    return part.len > 0 ? part.ptr[0] & 1 : 1;
}

double cli_now(void)
{
    return now;
}

int cli_failure(const cli *c, const char *fmt, ...)
{
    char line[4096];
    va_list args;
    (void)c;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    FUZZ_CHECK(line[0]);
    return EXIT_FAILED;
}

int cli_cancelled(const cli *c)
{
    (void)c;
    return EXIT_CANCELLED;
}

void cli_output(const cli *c, const char *kind, const char *text)
{
    (void)c;
    (void)kind;
    (void)text;
}

void cli_verb(const cli *c, const char *verb, const char *fmt, ...)
{
    (void)c;
    (void)verb;
    (void)fmt;
}

int cli_list_add(cli_list *l, const char *item)
{
    const char **items = realloc((void *)l->items, (l->count + 2) * sizeof(*items));
    FUZZ_CHECK(items);
    l->items = items;
    l->items[l->count++] = item;
    l->items[l->count] = NULL;
    return 0;
}

void cli_list_add_all(cli_list *l, const char *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cli_list_add(l, items[i]);
    }
}

int cli_list_check(const cli *c, const cli_list *l)
{
    (void)c;
    (void)l;
    return EXIT_OK;
}

void cli_list_free(cli_list *l)
{
    free((void *)l->items);
    *l = (cli_list){0};
}

const char *const *cli_list_argv(const cli_list *l)
{
    return l->count ? l->items : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const cli c = {0};
    rollout r = {.c = &c, .yaml = "", .seconds = 20, .namespace = size % 2 ? "ns" : NULL};
    double seconds = 0;
    answers = fuzz_str(data, size);
    int code = rollout_wait(&r);
    FUZZ_CHECK(code == EXIT_OK || code == EXIT_FAILED);
    KOC__AUTO_STR text = fuzz_text(data, size);
    FUZZ_CHECK(!rollout_seconds(text, &seconds) || (seconds > 0 && seconds < 1e6));
    return 0;
}

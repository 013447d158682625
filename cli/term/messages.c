/* Output for people and programs: results go to stdout, everything else to stderr, one line each. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "term/json_output.h"
#include "term/screen.h"

#define BOLD   "\033[1m"
#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define CYAN   "\033[36m"
#define RESET  "\033[0m"

static bool is_set(const char *name)
{
    const char *v = getenv(name);
    return v && *v;
}

void cli_setup_output(cli *c)
{
    const char *term = getenv("TERM");
    if (c->color && strcmp(c->color, "always") == 0) {
        c->use_color = true;
    } else if (c->color && strcmp(c->color, "never") == 0) {
        c->use_color = false;
    } else if (is_set("NO_COLOR")) {
        c->use_color = false;
    } else if (is_set("CLICOLOR_FORCE") && strcmp(getenv("CLICOLOR_FORCE"), "0") != 0) {
        c->use_color = true;
    } else {
        c->use_color = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
    }
}

bool cli_wants_json_progress(const cli *c)
{
    return c->progress_mode && strcmp(c->progress_mode, "json") == 0;
}

const char *cli_time(char out[40])
{
    struct timespec t;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &utc);
    size_t n = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + n, 40 - n, ".%03dZ", (int)(t.tv_nsec / 1000000));
    return out;
}

void cli_printable(char *text)
{
    koc_buf clean = KOC_BUF_INIT;
    koc_str all = {text, strlen(text)};
    if (koc_printable(all, false, &clean, NULL) == KOC_OK) { /* never longer */
        memcpy(text, clean.ptr, clean.len + 1);
    }
    koc_buf_dispose(&clean);
}

/* {"time":…,"kind":"error","message":…}, for a program that reads stderr. */
static void print_json_line(const char *kind, const char *message)
{
    char time[40];
    flockfile(stderr);
    fprintf(stderr, "{\"time\":\"%s\",\"kind\":\"%s\",\"message\":", cli_time(time), kind);
    cli_json_string(stderr, message, "");
    fputs("}\n", stderr);
    fflush(stderr);
    funlockfile(stderr);
}

/* The same as print_line, as an event. */
__attribute__((format(printf, 2, 0), nonnull(2))) static void print_json_message(const char *kind,
                                                                                 const char *fmt,
                                                                                 va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *text = malloc((size_t)(len > 0 ? len : 0) + 1);
    if (text) {
        vsnprintf(text, (size_t)len + 1, fmt, args);
        cli_printable(text);
        print_json_line(kind, text);
        free(text);
    }
}

/* Prints one line with one write, above the live lines of the screen. */
static void print_line(const cli *c, const char *color, const char *prefix, const char *fmt,
                       va_list args)
{
    char fixed[1024];
    va_list again;
    va_copy(again, args);
    int head = snprintf(fixed, sizeof(fixed), "%s%s%s", c->use_color ? color : "", prefix,
                        c->use_color ? RESET : "");
    int rest = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    size_t len = (size_t)head + (size_t)(rest > 0 ? rest : 0);
    char *text = len + 2 > sizeof(fixed) ? malloc(len + 2) : fixed;
    if (!text) { /* out of memory: print the beginning */
        text = fixed;
        len = sizeof(fixed) - 2;
    }
    memmove(text, fixed, (size_t)head);
    vsnprintf(text + head, len - (size_t)head + 1, fmt, args);
    cli_printable(text + head);
    screen_to_locale(text);
    len = strlen(text);
    text[len] = '\n';
    screen_print(text, len + 1);
    if (text != fixed) {
        free(text);
    }
}

__attribute__((format(printf, 2, 0))) static void print_error(const cli *c, const char *fmt,
                                                              va_list args)
{
    if (cli_wants_json_progress(c)) {
        print_json_message("error", fmt, args);
    } else {
        print_line(c, BOLD RED, "koc: ", fmt, args);
    }
}

int cli_usage(const cli *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_error(c, fmt, args);
    va_end(args);
    return EXIT_USAGE;
}

int cli_failure(const cli *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_error(c, fmt, args);
    va_end(args);
    return EXIT_FAILED;
}

int cli_cancelled(const cli *c)
{
    cli_failure(c, "cancelled");
    return EXIT_CANCELLED;
}

int cli_no_memory(const cli *c)
{
    return cli_failure(c, "out of memory");
}

void cli_warn(const cli *c, const char *fmt, ...)
{
    if (c->quiet) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    if (cli_wants_json_progress(c)) {
        print_json_message("warning", fmt, args);
    } else {
        print_line(c, BOLD YELLOW, "warning: ", fmt, args);
    }
    va_end(args);
}

void cli_note(const cli *c, const char *fmt, ...)
{
    if (c->quiet || cli_wants_json_progress(c)) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    print_line(c, CYAN, "note: ", fmt, args);
    va_end(args);
}

void cli_hint(const cli *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (cli_wants_json_progress(c)) {
        print_json_message("hint", fmt, args);
    } else {
        print_line(c, CYAN, "hint: ", fmt, args);
    }
    va_end(args);
}

void cli_verb(const cli *c, const char *verb, const char *fmt, ...)
{
    if (c->quiet || cli_wants_json_progress(c)) {
        return;
    }
    char prefix[48];
    snprintf(prefix, sizeof(prefix), "%9s ", verb);
    va_list args;
    va_start(args, fmt);
    print_line(c, BOLD GREEN, prefix, fmt, args);
    va_end(args);
}

void cli_log(int32_t level, const char *component, const char *message, void *c)
{
    if (level <= KOC_LOG_WARN) {
        cli_warn(c, "%s", message);
        return;
    }
    if (cli_wants_json_progress(c)) {
        print_json_line("log", message);
        return;
    }
    char line[4096];
    int n = snprintf(line, sizeof(line), "%9s %s\n", component, message);
    if (n >= (int)sizeof(line)) {
        n = (int)sizeof(line) - 1;
        line[n - 1] = '\n';
    }
    screen_print(line, (size_t)n);
}

void cli_output(const cli *c, const char *kind, const char *text)
{
    koc_buf clean = KOC_BUF_INIT;
    koc_str all = {text, strlen(text)};
    bool json = cli_wants_json_progress(c);
    if (koc_printable(all, c->use_color && !json, &clean, NULL) != KOC_OK || clean.len == 0) {
        koc_buf_dispose(&clean);
        return;
    }
    if (json) {
        print_json_line(kind, clean.ptr);
    } else {
        screen_print(clean.ptr, clean.len);
        if (clean.ptr[clean.len - 1] != '\n') {
            screen_print("\n", 1);
        }
    }
    koc_buf_dispose(&clean);
}

int cli_finish_stdout(const cli *c, int code)
{
    errno = 0;
    if ((fflush(stdout) == 0 && !ferror(stdout)) || code != EXIT_OK) {
        return code; /* one failure was reported already */
    }
    return cli_failure(c, "cannot write the result to stdout: %s",
                       errno ? strerror(errno) : "a part of it is missing");
}

const char *cli_size(uint64_t bytes, char out[24])
{
    if (bytes < 1000) {
        snprintf(out, 24, "%u B", (unsigned)bytes);
    } else if (bytes < 100000) {
        snprintf(out, 24, "%.1f kB", (double)bytes / 1e3);
    } else if (bytes < UINT64_C(100000000000)) {
        snprintf(out, 24, "%.1f MB", (double)bytes / 1e6);
    } else {
        snprintf(out, 24, "%.1f GB", (double)bytes / 1e9);
    }
    return out;
}

double cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

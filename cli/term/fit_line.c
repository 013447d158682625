/* Fits text into the terminal on stdout. */
#include "term/fit_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "term/screen.h"

enum { COLUMNS_MIN = 40, COLUMNS_MAX = 200, COLUMNS_UNKNOWN = 80 };

size_t fit_columns(void)
{
    struct winsize w = {0};
    const char *text = getenv("COLUMNS");
    long columns = text ? strtol(text, NULL, 10) : 0;
    if (columns <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0) {
        columns = w.ws_col;
    }
    if (columns <= 0) {
        return COLUMNS_UNKNOWN;
    }
    return columns < COLUMNS_MIN   ? COLUMNS_MIN
           : columns > COLUMNS_MAX ? COLUMNS_MAX
                                   : (size_t)columns;
}

bool fit_is_terminal(void)
{
    return isatty(STDOUT_FILENO);
}

/* The length in bytes of the first columns of s. */
static size_t bytes_of(const char *s, size_t len, size_t columns)
{
    size_t i = 0;
    for (; i < len; i++) {
        bool starts = ((unsigned char)s[i] & 0xc0) != 0x80;
        if (starts && columns-- == 0) {
            break;
        }
    }
    return i;
}

/* The length of the next word; with quoted, of a shell: blanks between quotes belong to the word. */
static size_t word_of(const char *text, size_t len, bool quoted)
{
    char quote = '\0';
    size_t i = 0;
    for (; i < len && (quote || (text[i] != ' ' && text[i] != '\n')); i++) {
        if (quoted && (text[i] == quote || (!quote && strchr("'\"", text[i])))) {
            quote = quote ? '\0' : text[i];
        }
    }
    return i;
}

/* Prints text for people, in the characters of the locale. */
static void put(const char *text, size_t len)
{
    char part[256];
    while (len > 0) {
        size_t n = len < sizeof(part) ? len : sizeof(part);
        while (n > 1 && n < len && ((unsigned char)text[n] & 0xc0) == 0x80) {
            n--; /* do not split a character */
        }
        memcpy(part, text, n);
        fwrite(part, 1, screen_len_to_locale(part, n), stdout);
        text += n;
        len -= n;
    }
}

static size_t next_line(const fit *f)
{
    printf("%s\n%*s", f->mark ? f->mark : "", (int)f->indent, f->lead ? f->lead : "");
    return f->indent;
}

void fit_wrap(const char *text, size_t len, size_t at, const fit *f)
{
    bool first = true;
    size_t reserved = f->mark ? strlen(f->mark) : 0, room = f->width - f->indent - reserved;
    for (const char *end = text + len; text < end;) {
        size_t word = word_of(text, (size_t)(end - text), f->mark != NULL);
        size_t columns = screen_columns_of(text, word);
        if (!first && at + 1 + columns + reserved > f->width) {
            at = next_line(f);
            first = true;
        }
        if (first && columns > room &&
            !f->mark) { /* longer than a line: print the part that fits */
            size_t part = bytes_of(text, word, f->width - at);
            put(text, part);
            at = next_line(f);
            text += part;
            continue;
        }
        if (word) {
            put(" ", !first);
            put(text, word);
            at += columns + !first;
            first = false;
        }
        text += word + 1;
    }
    putchar('\n');
}

void fit_value(const char *text, size_t len, size_t indent)
{
    const fit f = {.width = fit_columns(), .indent = indent};
    if (fit_is_terminal()) {
        fit_wrap(text, len, indent, &f);
    } else {
        put(text, len);
        putchar('\n');
    }
}

void fit_cut(const char *line)
{
    char cut[1024];
    if (fit_is_terminal()) {
        screen_cut(line, fit_columns(), cut, sizeof(cut));
        line = cut;
    }
    put(line, strlen(line));
    putchar('\n');
}

const char *fit_digest(const koc_digest *d, char out[KOC_DIGEST_TEXT_MAX])
{
    enum { SHOWN = 12 };
    out[0] = '\0';
    koc_digest_format(d, out, KOC_DIGEST_TEXT_MAX, NULL);
    char *hex = strchr(out, ':');
    if (fit_is_terminal() && hex && strlen(hex + 1) > SHOWN) {
        snprintf(hex + 1 + SHOWN, KOC_DIGEST_TEXT_MAX - (size_t)(hex + 1 + SHOWN - out), "%s",
                 screen_has_unicode() ? "…" : "...");
    }
    return out;
}

/* The live lines at the end of stderr. */
#include "term/screen.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Not from the first column: if that is the first cell of the screen, tmux keeps the cleared lines. */
#define CLEAR_BELOW "\r \033[J\r"
#define CLEAR_REST  "\033[K"
/* Live lines never wrap, even if the window just became narrower. */
#define WRAP_OFF "\033[?7l"
#define WRAP_ON  "\033[?7h"

static pthread_mutex_t mutex =
    PTHREAD_MUTEX_INITIALIZER; /* guards the variables below, and stderr */
static screen_frame live;
static size_t live_width, live_height; /* of the screen when live was drawn */

/* --- size and characters --- */

void screen_size(size_t *width, size_t *height)
{
    struct winsize w = {0};
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0;
    *width = known && w.ws_col > 0 ? w.ws_col : 80;
    *height = known && w.ws_row > 0 ? w.ws_row : 24;
}

bool screen_has_unicode(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (value && *value) {
            const char *dot = strchr(value, '.');
            return dot && (strncasecmp(dot, ".utf-8", 6) == 0 || strncasecmp(dot, ".utf8", 5) == 0);
        }
    }
    return false;
}

size_t screen_len_to_locale(char *text, size_t len)
{
    static const struct {
        const char *sign, *plain; /* never longer than the sign */
    } signs[] = {{"…", "..."}, {"→", "->"}, {"≥", ">="}, {"–", "-"}, {"×", "x"}};
    if (screen_has_unicode()) {
        return len;
    }
    char *to = text;
    for (const char *end = text + len; text < end;) {
        size_t taken = 0;
        for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]) && !taken; i++) {
            size_t size = strlen(signs[i].sign);
            if ((size_t)(end - text) >= size && memcmp(text, signs[i].sign, size) == 0) {
                taken = size;
                memcpy(to, signs[i].plain, strlen(signs[i].plain));
                to += strlen(signs[i].plain);
            }
        }
        if (!taken) {
            *to++ = *text;
        }
        text += taken ? taken : 1;
    }
    return len - (size_t)(text - to);
}

void screen_to_locale(char *text)
{
    text[screen_len_to_locale(text, strlen(text))] = '\0';
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t screen_columns_of(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        n += !is_continuation(text[i]);
    }
    return n;
}

size_t screen_columns(const char *text)
{
    return screen_columns_of(text, strlen(text));
}

static const char *skip_columns(const char *s, size_t n)
{
    for (; *s; s++) {
        if (!is_continuation(*s) && n-- == 0) {
            break;
        }
    }
    return s;
}

void screen_cut(const char *text, size_t width, char *out, size_t size)
{
    size_t columns = screen_columns(text);
    if (columns <= width) {
        snprintf(out, size, "%s", text);
        return;
    }
    size_t keep = width > 1 ? width - 1 : 0, first = keep / 2;
    const char *mark = width == 0 ? "" : screen_has_unicode() ? "…" : ".";
    snprintf(out, size, "%.*s%s%s", (int)(skip_columns(text, first) - text), text, mark,
             skip_columns(text, columns - (keep - first)));
}

/* --- frames --- */

void screen_frame_add(screen_frame *f, const char *text, size_t len)
{
    if (f->len + len + 1 > f->capacity) {
        size_t capacity = (f->len + len + 1) * 2;
        char *bigger = realloc(f->text, capacity);
        if (!bigger) {
            return;
        }
        f->text = bigger;
        f->capacity = capacity;
    }
    memcpy(f->text + f->len, text, len);
    f->len += len;
    f->text[f->len] = '\0';
}

void screen_frame_end_line(screen_frame *f)
{
    screen_frame_add(f, "\n", 1);
    f->lines++;
}

void screen_frame_free(screen_frame *f)
{
    free(f->text);
    *f = (screen_frame){0};
}

/* --- drawing --- */

static void write_out(const screen_frame *f)
{
    if (f->len) {
        fwrite(f->text, 1, f->len, stderr);
        fflush(stderr);
    }
}

/* Overwrites each line, removes everything below, and moves the cursor back to the first line. */
static void compose(screen_frame *out, const screen_frame *f)
{
    const char *s = f->text;
    char back[48];
    if (f->lines == 0) {
        screen_frame_add(out, CLEAR_BELOW, strlen(CLEAR_BELOW));
        return;
    }
    screen_frame_add(out, WRAP_OFF, strlen(WRAP_OFF));
    for (size_t i = 0; i < f->lines; i++) {
        size_t len = strcspn(s, "\n");
        if (i > 0) {
            screen_frame_add(out, "\r\n", 2);
        }
        screen_frame_add(out, s, len);
        screen_frame_add(out, CLEAR_REST, strlen(CLEAR_REST));
        s += len + 1;
    }
    int n = snprintf(back, sizeof(back),
                     f->lines > 1 ? "\033[J\r\033[%zuA" WRAP_ON : "\033[J\r" WRAP_ON, f->lines - 1);
    screen_frame_add(out, back, (size_t)n);
}

static bool is_live(const screen_frame *f)
{
    return f->len == live.len && (f->len == 0 || memcmp(f->text, live.text, f->len) == 0);
}

void screen_show(const screen_frame *f)
{
    screen_frame out = {0};
    size_t width, height;
    screen_size(&width, &height);
    pthread_mutex_lock(&mutex);
    bool resized = width != live_width || height != live_height;
    if (resized || !is_live(f)) {
        /* Resizing may have wrapped the old lines: remove them first. */
        const char *start = resized ? CLEAR_BELOW : "\r";
        screen_frame_add(&out, start, strlen(start));
        compose(&out, f);
        write_out(&out);
        live.len = live.lines = 0;
        screen_frame_add(&live, f->text ? f->text : "", f->len);
        live.lines = f->lines;
        live_width = width;
        live_height = height;
    }
    pthread_mutex_unlock(&mutex);
    screen_frame_free(&out);
}

void screen_print(const char *text, size_t len)
{
    screen_frame out = {0};
    size_t width, height;
    pthread_mutex_lock(&mutex);
    if (live.lines) {
        screen_size(&width, &height);
        screen_frame_add(&out, CLEAR_BELOW, strlen(CLEAR_BELOW));
        screen_frame_add(&out, text, len);
        if (width == live_width && height == live_height) {
            compose(&out, &live);
        } else { /* the frame may not fit any more; the next one will */
            live.len = live.lines = 0;
        }
    } else { /* not by way of a frame: an error for lack of memory must appear */
        fwrite(text, 1, len, stderr);
        fflush(stderr);
    }
    write_out(&out);
    pthread_mutex_unlock(&mutex);
    screen_frame_free(&out);
}

void screen_clear(void)
{
    pthread_mutex_lock(&mutex);
    if (live.lines) {
        fputs(CLEAR_BELOW, stderr);
        fflush(stderr);
    }
    screen_frame_free(&live);
    pthread_mutex_unlock(&mutex);
}

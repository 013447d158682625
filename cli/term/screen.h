/*
 * The live lines at the end of stderr, when that is a terminal. The cursor rests at the first of them, so
 * that one escape sequence removes them all, whatever a change of the window's width made of them. Each
 * change is one write: nothing flickers.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct screen_frame { /* lines that end in a newline and fit the screen */
    char *text;
    size_t len, capacity;
    size_t lines;
} screen_frame;
/* Appends; out of memory loses a line, nothing else. */
void screen_frame_add(screen_frame *f, const char *text, size_t len);
void screen_frame_end_line(screen_frame *f);
void screen_frame_free(screen_frame *f);

/* What fits: 80 by 24 where the terminal does not say. */
void screen_size(size_t *width, size_t *height);
/* Whether the user's locale shows more than ASCII. */
bool screen_has_unicode(void);

/* Where the locale has no more than ASCII: the signs that koc uses become plain ones, in place. */
void screen_to_locale(char *text);
/* The same of len bytes, of which there may be fewer then. */
size_t screen_len_to_locale(char *text, size_t len);

/* Shows f in the place of what is live now; nothing is written when it is the same. */
void screen_show(const screen_frame *f);
/* Whatever else goes to stderr: above the live lines. */
void screen_print(const char *text, size_t len);
/* Removes the live lines. */
void screen_clear(void);

/* Columns that text takes, as UTF-8; wide characters count as one. */
size_t screen_columns(const char *text);
/* text cut in its middle to at most width columns. */
void screen_cut(const char *text, size_t width, char *out, size_t size);

#endif

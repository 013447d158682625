/*
 * The live lines at the end of stderr, if that is a terminal. The cursor rests at the first of them, so that one escape
 * sequence removes them all, even after the window has been resized. Each change is one write, so nothing flickers.
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
/* Appends text. Without memory only a line is lost. */
void screen_frame_add(screen_frame *f, const char *text, size_t len);
void screen_frame_end_line(screen_frame *f);
void screen_frame_free(screen_frame *f);

/* The size of the screen; 80 by 24 if it is not known. */
void screen_size(size_t *width, size_t *height);
/* Whether the user's locale shows more than ASCII. */
bool screen_has_unicode(void);

/* If the locale has only ASCII, replaces the other characters that koc uses, in place. */
void screen_to_locale(char *text);
/* The same for len bytes; returns the new length, which is never greater. */
size_t screen_len_to_locale(char *text, size_t len);

/* Shows f in the place of the current live lines; writes nothing if they are equal. */
void screen_show(const screen_frame *f);
/* Prints any other text to stderr, above the live lines. */
void screen_print(const char *text, size_t len);
/* Removes the live lines. */
void screen_clear(void);

/* The number of columns of a UTF-8 text; wide characters count as one. */
size_t screen_columns(const char *text);
size_t screen_columns_of(const char *text, size_t len);
/* Copies text; if it has more than width columns, its middle is replaced by a mark. */
void screen_cut(const char *text, size_t width, char *out, size_t size);

#endif

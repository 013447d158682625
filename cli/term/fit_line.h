/*
 * Fits text into the terminal on stdout. Output to a pipe or file is not cut, since programs read it.
 */
#ifndef CLI_FIT_H
#define CLI_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include <koc/digest.h>

bool fit_is_terminal(void);
/* $COLUMNS, else the width of the terminal, limited to 40 to 200; else 80. */
size_t fit_columns(void);

typedef struct fit {
    size_t width, indent; /* indent: of all lines except the first */
    const char *lead;     /* begins those lines instead of blanks; or NULL */
    const char *mark;     /* of a shell command: ends a line that continues in the next; or NULL */
} fit;
/* Prints text broken at its blanks; at is the column that the line has reached. A word longer than a line is broken too,
 * unless there is a mark. */
void fit_wrap(const char *text, size_t len, size_t at, const fit *f);
/* Prints text that begins in the column indent; on a terminal it is broken as above. */
void fit_value(const char *text, size_t len, size_t indent);
/* Prints a line; on a terminal the middle of a long line is left out. */
void fit_cut(const char *line);
/* "sha256:49ee56445f77…" on a terminal, else the full digest. */
const char *fit_digest(const koc_digest *d, char out[KOC_DIGEST_TEXT_MAX]);

#endif

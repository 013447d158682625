/*
 * Fitting text into the terminal that stdout is. What goes to a pipe or file is not cut: programs read it.
 */
#ifndef CLI_FIT_H
#define CLI_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include <koc/digest.h>

bool fit_is_terminal(void);
/* $COLUMNS, else what the terminal says, within 40 and 200; else 80. */
size_t fit_columns(void);

typedef struct fit {
    size_t width, indent; /* indent: of all lines but the first */
    const char *lead;     /* of those lines, instead of blanks; or NULL */
    const char
        *mark; /* of a shell's command: at the end of a line that goes on in the next; or NULL */
} fit;
/* Prints text, broken at its blanks; at is the column that the line has reached. A word that is longer than a line
 * is broken too, but not where there is a mark. */
void fit_wrap(const char *text, size_t len, size_t at, const fit *f);
/* Prints text that begins in the column indent, on a terminal broken as above. */
void fit_value(const char *text, size_t len, size_t indent);
/* Prints a line, on a terminal without the middle of what is too long. */
void fit_cut(const char *line);
/* "sha256:49ee56445f77…" on a terminal, else the whole digest. */
const char *fit_digest(const koc_digest *d, char out[KOC_DIGEST_TEXT_MAX]);

#endif

/*
 * Text from elsewhere made fit for a terminal. What does harm is the same everywhere: control characters, marks
 * that reorder text, and bytes that are not UTF-8.
 */
#ifndef KOC__CLEAN_H
#define KOC__CLEAN_H

#include <koc/base.h>

#include "core/dynbuf.h"

/* One line, in place: what does harm becomes '?'. */
void koc__str_printable(char *s);
/* Into one short line: what does harm, tags of HTML and white space become single spaces. */
void koc__clean_text(koc_str text, char *out, size_t size);
/* What a program printed, appended: line ends and tabs stay, escape sequences go, what else does harm becomes '?'.
 * With colors the sequences that set colours stay, and are off again at the end. */
int koc__clean_output(koc_str text, bool colors, koc__dynbuf *out, koc_error **err);

#endif

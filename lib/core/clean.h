/*
 * Text from elsewhere made fit for a terminal. What does harm is the same everywhere: control characters, marks
 * that reorder text, and bytes that are not UTF-8.
 */
#ifndef KOC__CLEAN_H
#define KOC__CLEAN_H

#include <koc/base.h>

/* One line, in place: what does harm becomes '?'. */
void koc__str_printable(char *s);
/* Into one short line: what does harm, tags of HTML and white space become single spaces. */
void koc__clean_text(koc_str text, char *out, size_t size);
/* The output of a program: line ends and tabs stay, escape sequences go, other harmful characters become '?'. With
 * colors the sequences that set colours stay, and one at the end resets them. out has text.len + KOC__CLEAN_MORE
 * bytes and gets a NUL. Returns the length. */
enum { KOC__CLEAN_MORE = sizeof("\033[0m") };
size_t koc__clean_output(koc_str text, bool colors, char *out);

#endif

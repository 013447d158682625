/*
 * Makes untrusted text safe for a terminal. Harmful are control characters, marks that change the direction
 * of text, and bytes that are not UTF-8.
 */
#ifndef KOC__CLEAN_H
#define KOC__CLEAN_H

#include <koc/base.h>

/* One line, in place: harmful characters become '?'. */
void koc__str_printable(char *s);
/* One short line: harmful characters, HTML tags and white space become single spaces. */
void koc__clean_text(koc_str text, char *out, size_t size);
/* The output of a program: line ends and tabs stay, escape sequences go, other harmful characters become '?'. With
 * colors the sequences that set colours stay, and one at the end resets them. out has text.len + KOC__CLEAN_MORE
 * bytes and gets a NUL. Returns the length. */
enum { KOC__CLEAN_MORE = sizeof("\033[0m") };
size_t koc__clean_output(koc_str text, bool colors, char *out);

#endif

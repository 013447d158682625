/* The template function printf. */
#ifndef KOC__TEMPLATE_PRINTF_H
#define KOC__TEMPLATE_PRINTF_H

#include "template/template.h"

/* Formats c's arguments: a format with %s %v %q %d %t %x %X %b %o %%, flags - + 0 # and space, width and
 * precision, then its values. Appends the text. A mistake that Go would mark in the text
 * ("%!d(string=x)") is an error here, since such a text is useless in a flag. */
int koc__template_printf(const koc__tcall *c, koc__dynbuf *out, koc_error **err);

#endif

/* printf of templates. */
#ifndef KOC__GOLANG_TEMPLATE_PRINTF_H
#define KOC__GOLANG_TEMPLATE_PRINTF_H

#include "template/template.h"

/* Appends the text of call's arguments: a format with %s %v %q %d %t %x %X %b %o %%, flags - + 0 # and space,
 * width and precision, then its values. What Go would mark inside the text ("%!d(string=x)") is an error
 * here: such a text is good for nothing in a flag. */
int koc__template_printf(const koc__tcall *c, koc__dynbuf *out, koc_error **err);

#endif

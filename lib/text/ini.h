/* INI files, as the AWS tools read them. */
#ifndef KOC__INI_H
#define KOC__INI_H

#include <koc/base.h>

/* The value of key in a section; empty: it is missing. A view of text. */
koc_str koc__ini_value(koc_str text, const char *section, const char *key);
/* The text between <name> and </name> of a flat XML reply; empty: it is missing. */
koc_str koc__xml_text(koc_str text, const char *name);

#endif

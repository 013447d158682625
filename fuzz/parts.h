/* Inputs that are several answers or files in one: parts end in a line that is "--". */
#ifndef KOC_FUZZ_PARTS_H
#define KOC_FUZZ_PARTS_H

#include "fuzz.h"

/* Takes the next part from *rest; the empty one after the last. */
static inline koc_str next_part(koc_str *rest)
{
    static const char end[] = "\n--\n";
    const char *at = rest->len > 0 ? memmem(rest->ptr, rest->len, end, sizeof(end) - 1) : NULL;
    koc_str part = at ? koc__str_n(rest->ptr, (size_t)(at - rest->ptr)) : *rest;
    *rest = koc__str_from(*rest, at ? part.len + sizeof(end) - 1 : rest->len);
    return part;
}

#endif

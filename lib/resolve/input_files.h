/* Reads inputs from files, and finds the files in directories. */
#ifndef KOC__RESOLVE_INPUTS_H
#define KOC__RESOLVE_INPUTS_H

#include <koc/base.h>

#include "core/dynbuf.h"
#include "core/str.h"

/* The content of a file or FIFO. The caller owns *out, also on failure. KOC_ELIMIT: larger than max. */
int koc__input_read(const char *path, size_t max, koc__dynbuf *out, koc_error **err);
/* Adds the YAML and JSON files in a directory to files. KOC_ENOTFOUND: it has none. */
int koc__input_files_find(const char *dir, bool recursive, koc_strlist *files,
                          koc_strlist *warnings, koc_error **err);

#endif

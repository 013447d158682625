/* Inputs that are files, and directories of files. */
#ifndef KOC__RESOLVE_INPUTS_H
#define KOC__RESOLVE_INPUTS_H

#include <koc/base.h>

#include "core/dynbuf.h"
#include "core/str.h"

/* The content of a file or FIFO; *out is the caller's also when it fails. KOC_ELIMIT. */
int koc__input_read(const char *path, size_t max, koc__dynbuf *out, koc_error **err);
/* Adds the YAML and JSON files of a directory to files. KOC_ENOTFOUND: there is none. */
int koc__input_files_find(const char *dir, bool recursive, koc_strlist *files,
                          koc_strlist *warnings, koc_error **err);

#endif

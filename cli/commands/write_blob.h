#ifndef CLI_WRITE_BLOB_H
#define CLI_WRITE_BLOB_H

#include "cli.h"

/* Writes the content of blob to a file; "-" is stdout. */
int cli_write_blob(const char *path, koc_blob *blob, const koc_op *op, koc_error **err);

#endif

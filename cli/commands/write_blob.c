/* Writes the content of a blob to a file. */
#include "commands/write_blob.h"

#include <stdlib.h>

#include "cleanup_macros.h"

enum { COPY = 256 * 1024 };

int cli_write_blob(const char *path, koc_blob *blob, const koc_op *op, koc_error **err)
{
    CLI_AUTO(koc_reader) in = NULL;
    CLI_AUTO(koc_file) file = NULL;
    CLI_AUTO_STR buf = malloc(COPY);
    size_t n = 1;
    if (!buf) {
        return cli_fail_memory(err);
    }
    CLI_TRY(koc_file_new(path, 0, op, &file, err));
    CLI_TRY(koc_blob_open(blob, 0, op, &in, err));
    while (n > 0) {
        CLI_TRY(koc_reader_read(in, buf, COPY, &n, err));
        CLI_TRY(koc_file_write(file, buf, n, err));
    }
    return koc_file_finish(file, err);
}

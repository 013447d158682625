/* Text from stdin, FIFOs and files, with ^C at any moment. */
#ifndef CLI_PIPE_H
#define CLI_PIPE_H

#include "cli.h"

#include <koc/io.h>

/* A buffer as a writer's sink. */
typedef struct text_sink {
    char *text; /* ends with a NUL; NULL when empty */
    size_t len, capacity;
} text_sink;
int text_sink_write(void *sink, const void *data, size_t len, koc_error **err);
void text_sink_free(text_sink *s);

/* Whether path is to be read with pipe_read: "-" is stdin; a FIFO or device can be read
 * once only. */
bool pipe_is(const char *path);
/* Reads to the end, waiting for the writer. Nothing is left in out after an error. */
int pipe_read(const cli *c, const char *path, size_t max, text_sink *out, koc_error **err);

#endif

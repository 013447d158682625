/* Reading text from stdin, FIFOs and devices; ^C can interrupt it at any time. */
#ifndef CLI_PIPE_H
#define CLI_PIPE_H

#include "cleanup_macros.h"
#include "cli.h"

/* A growing buffer that a koc_writer can write to. */
typedef struct text_sink {
    char *text; /* ends with a NUL; NULL if empty */
    size_t len, capacity;
} text_sink;
int text_sink_write(void *sink, const void *data, size_t len, koc_error **err);
void text_sink_free(text_sink *s);
CLI_DEFINE_AUTO_VAL(text_sink, text_sink_free);

/* Whether path must be read with pipe_read: "-" is stdin, and a FIFO or device can be read only once. */
bool pipe_is(const char *path);
/* Reads to the end and waits for the writer. After an error out is empty. */
int pipe_read(const cli *c, const char *path, size_t max, text_sink *out, koc_error **err);

#endif

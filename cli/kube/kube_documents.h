/* A stream of YAML, taken apart. */
#ifndef CLI_DOCUMENTS_H
#define CLI_DOCUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct document {
    const char *text; /* with its "---" line, into the stream */
    size_t len;
    uint64_t hash;
} document;

typedef struct documents {
    document *items;
    size_t count, capacity;
    char *own; /* a copy of the stream, after documents_keep */
} documents;

/* Cuts text, which has to stay, at its "---" lines; one with directives is a single document. What holds no
 * object (comments alone) is left out. false: out of memory. */
bool documents_read(documents *d, const char *text, size_t len);
/* Makes a copy of the text theirs. */
bool documents_keep(documents *d, const char *text, size_t len);
bool documents_have(const documents *d, const document *one);
void documents_free(documents *d);

#endif

/* Splitting a stream of YAML into documents. */
#ifndef CLI_DOCUMENTS_H
#define CLI_DOCUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup_macros.h"

typedef struct document {
    const char *text; /* with its "---" line; points into the stream */
    size_t len;
    uint64_t hash;
} document;

typedef struct documents {
    document *items;
    size_t count, capacity;
    char *own; /* owned copy of the stream, after documents_keep */
} documents;

/* Splits text, which must stay valid, at its "---" lines; text with directives is a single document. Documents without
 * an object (only comments) are skipped. false: out of memory. */
bool documents_read(documents *d, const char *text, size_t len);
/* The same with a copy of the text. */
bool documents_keep(documents *d, const char *text, size_t len);
bool documents_have(const documents *d, const document *one);
void documents_free(documents *d);
CLI_DEFINE_AUTO_VAL(documents, documents_free);

#endif

/* Sends resolved documents to kubectl. */
#ifndef CLI_SENDER_H
#define CLI_SENDER_H

#include "kube/kube_documents.h"
#include "term/stdin_stdout.h"

typedef struct sender sender;

typedef struct sender_options {
    const cli *c;
    const char *const *argv; /* kubectl and its arguments; it reads documents from stdin */
    bool stream;             /* send documents as they arrive */
    bool changes;            /* do not send documents again that kubectl got in the last round */
} sender_options;

sender *sender_new(const sender_options *o); /* NULL: out of memory */
void sender_free(sender *s);

/* A round: begin, write (for a koc_writer), flush after whole documents, end. KOC_EUSER: kubectl failed in the
 * meantime; the error line is printed already. */
int sender_begin(sender *s, koc_error **err);
int sender_write(void *sender, const void *data, size_t len, koc_error **err);
int sender_flush(void *sender, koc_error **err);
/* Waits for kubectl. complete: all documents were written; otherwise those that were not sent yet are dropped. Returns
 * an exit code, after an error line if it is not 0. */
int sender_end(sender *s, bool complete);
/* The documents that kubectl got in this round. Borrowed until the next one. */
const text_sink *sender_sent(const sender *s);

#endif

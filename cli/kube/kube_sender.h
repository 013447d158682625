/* Resolved documents on their way to kubectl. */
#ifndef CLI_SENDER_H
#define CLI_SENDER_H

#include "kube/kube_documents.h"
#include "term/stdin_stdout.h"

typedef struct sender sender;

typedef struct sender_options {
    const cli *c;
    const char *const *argv; /* kubectl and its words; reads documents from stdin */
    bool stream;             /* hand over what has come, while more is on its way */
    bool changes;            /* what kubectl had in the last round is not sent again */
} sender_options;

sender *sender_new(const sender_options *o); /* NULL: out of memory */
void sender_free(sender *s);

/* A round: begin, write (a koc_writer's sink), flush after whole documents, end. KOC_EUSER: kubectl has
 * failed meanwhile, and a line has said so. */
int sender_begin(sender *s, koc_error **err);
int sender_write(void *sender, const void *data, size_t len, koc_error **err);
int sender_flush(void *sender, koc_error **err);
/* complete: that was all of it; otherwise what is not on its way yet stays here. Waits for kubectl. An exit
 * code, after a line when it is not 0. */
int sender_end(sender *s, bool complete);
/* What kubectl got in this round. Borrowed until the next one. */
const text_sink *sender_sent(const sender *s);

#endif

/*
 * Uploads that outlive the process: while koc uploads a large blob, the cache keeps the URL of the
 * session, so that the next push resumes it if this one is killed. A record never holds a
 * credential. It is valid for one blob of one repository and for one day; a record that is doubtful
 * is ignored.
 */
#ifndef KOC__UPLOAD_JOURNAL_H
#define KOC__UPLOAD_JOURNAL_H

#include "core/io/cache.h"
#include "registry/host/host.h"

/* A smaller blob is sent again: a record costs about as much. */
#define KOC__JOURNAL_SMALLEST ((uint64_t)1 << 20)

typedef struct koc__journal {
    koc__cache *cache; /* borrowed; NULL: nothing is kept */
    char *key;         /* registry, repository, digest and size */
    int lock;          /* held while this process uploads the blob */
} koc__journal;
/* clang-format off */
#define KOC__JOURNAL_INIT { NULL, NULL, -1 }
/* clang-format on */

/* Without a cache, for a small blob, or while another process uploads the same blob, j keeps
 * nothing. */
void koc__journal_open(koc__journal *j, const koc__host *h, const char *repository,
                       const koc_digest *d, uint64_t size);
/* The session of an earlier run; *out stays empty when there is none. */
void koc__journal_recall(koc__journal *j, const koc__host *h, koc__url *out);
/* Keeps the session if its URL is one of h itself and does not seem to contain a secret. */
void koc__journal_note(koc__journal *j, const koc__host *h, const koc__url *session);
void koc__journal_forget(koc__journal *j);
void koc__journal_close(koc__journal *j);
KOC__DEFINE_AUTO_VAL(koc__journal, koc__journal_close);

/* Reads a record: "1 <expires> <address>". False: it is invalid or has expired. */
bool koc__journal_read(koc_str record, int64_t now, koc_str *address);
/* Whether a parameter of the query seems to be a secret: a signature, a token, a key. */
bool koc__journal_looks_secret(const char *target);

#endif

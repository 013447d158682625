/*
 * Uploads that outlive the process: where the session of a large blob is, kept in the cache while it is
 * under way, so that a push that was killed goes on. A record holds an address, never a credential,
 * is for one blob of one repository, and counts for a day; on any doubt it is as if it were not there.
 */
#ifndef KOC__UPLOAD_JOURNAL_H
#define KOC__UPLOAD_JOURNAL_H

#include "core/io/cache.h"
#include "registry/host/host.h"

/* Smaller blobs are sent again: a record costs about as much. */
#define KOC__JOURNAL_SMALLEST ((uint64_t)1 << 20)

typedef struct koc__journal {
    koc__cache *cache; /* borrowed; NULL: nothing is kept */
    char *key;         /* registry, repository, digest and size */
    int lock;          /* held while this process uploads the blob */
} koc__journal;
/* clang-format off */
#define KOC__JOURNAL_INIT { NULL, NULL, -1 }
/* clang-format on */

/* Without a cache, for a small blob, or while another process uploads the same: j keeps nothing. */
void koc__journal_open(koc__journal *j, const koc__host *h, const char *repository,
                       const koc_digest *d, uint64_t size);
/* Where an earlier run left its session; *out stays empty when there is none. */
void koc__journal_recall(koc__journal *j, const koc__host *h, koc__url *out);
/* Kept when it is an address of h itself and holds nothing that looks like a secret. */
void koc__journal_note(koc__journal *j, const koc__host *h, const koc__url *session);
void koc__journal_forget(koc__journal *j);
void koc__journal_close(koc__journal *j);
KOC__DEFINE_AUTO_VAL(koc__journal, koc__journal_close);

/* The record as text, pure: "1 <expires> <address>". False: it says nothing that counts now. */
bool koc__journal_read(koc_str record, int64_t now, koc_str *address);
/* Whether a query names something that is kept from logs too: a signature, a token, a key. */
bool koc__journal_looks_secret(const char *target);

#endif

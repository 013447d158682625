/*
 * Which blobs (or manifests) this process knows to be at one registry, and which it is uploading: claims keep two
 * threads from uploading one twice.
 */
#ifndef KOC__BLOB_CLAIMS_H
#define KOC__BLOB_CLAIMS_H

#include <koc/base.h>
#include <koc/digest.h>

#include "core/run/call.h"

typedef struct koc__blob_claims koc__blob_claims;

koc__blob_claims *koc__claims_new(void);    /* NULL: out of memory */
void koc__claims_free(koc__blob_claims *c); /* takes NULL */

typedef enum koc__claim {
    KOC__CLAIM_MINE,   /* the caller uploads it, then calls koc__claim_end */
    KOC__CLAIM_PRESENT /* the repository has it */
} koc__claim;
/* Waits while another thread uploads d to repository. With to_mount it also waits while the
 * first upload of d to any other repository runs: once that is complete, d can be mounted. */
int koc__claim_begin(koc__blob_claims *c, const char *repository, const koc_digest *d,
                     bool to_mount, koc__call *call, koc__claim *out, koc_error **err);
void koc__claim_end(koc__blob_claims *c, const char *repository, const koc_digest *d, bool present);
/* Whether this process put d there, or saw it there. */
bool koc__claim_is_known(koc__blob_claims *c, const char *repository, const koc_digest *d);
/* Another repository of this registry that has d, or NULL. Owned by the caller. */
char *koc__claim_find_other(koc__blob_claims *c, const char *repository, const koc_digest *d);

/* Whether asking for a small blob before its upload is worth a round trip: not while blob after
 * blob is missing. Every 16th is asked for all the same, and one that is there makes asking
 * worth it again. */
bool koc__claims_should_ask(koc__blob_claims *c);
void koc__claims_note_answer(koc__blob_claims *c, bool present);

#endif

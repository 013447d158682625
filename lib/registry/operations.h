/* Between the files that make operations of requests. */
#ifndef KOC__OPS_H
#define KOC__OPS_H

#include "model/model.h"
#include "registry/host/request.h"
#include "registry/registry.h"

/* "tag" or "sha256:…" of r; "latest" when it has neither. Owned by the caller; NULL: out of memory. */
char *koc__ref_target(const koc_reference *r);
/* A request for r's repository; target is what follows "/v2/<name>/". Made by printf; the caller frees
 * *path after the request. */
int koc__ref_request(koc_client *c, const koc_reference *r, const char *method, uint32_t actions,
                     koc__request *rq, char **path, koc_error **err, const char *fmt, ...)
    __attribute__((format(printf, 8, 9)));

/* What this process knows to be in a repository: claims keep two uploads of one blob apart. */
typedef enum koc__claim {
    KOC__CLAIM_MINE,   /* upload it, then koc__claim_end */
    KOC__CLAIM_PRESENT /* it is there */
} koc__claim;
/* Waits while another does it. to_mount: also while d is on its way to another repository and in none yet. Who waits
 * has no claim. */
int koc__claim_begin(koc__host *h, const char *repository, const koc_digest *d, bool to_mount,
                     koc__call *call, koc__claim *out, koc_error **err);
void koc__claim_end(koc__host *h, const char *repository, const koc_digest *d, bool present);
/* Whether this process put d there, or saw it there. */
bool koc__claim_known(koc__host *h, const char *repository, const koc_digest *d);
/* Another repository of this registry that has d, or NULL. Owned by the caller. */
char *koc__claim_elsewhere(koc__host *h, const char *repository, const koc_digest *d);

/* Uploads a whole blob and checks that it arrived. session: where an unused upload waits (a mount that
 * was not done), or NULL. */
int koc__upload(koc_client *c, const koc_reference *repo, koc_blob *b, const koc_digest *d,
                koc__url *session, koc__call *call, uint64_t progress_id, koc_error **err);
/* *mounted, or *session set to an upload that was opened instead, or neither. */
int koc__mount(koc_client *c, const koc_reference *repo, const char *from, const koc_digest *d,
               koc__call *call, bool *mounted, koc__url *session, koc_error **err);

/* Adds the names that a page of a list holds in member ("tags"), at most max in out. */
int koc__listing_read(koc_str text, const char *member, bool (*is_name)(koc_str s), size_t max,
                      koc_strlist *out, koc_error **err);
/* One page of a list. */
typedef int (*koc__page_fn)(void *self, const koc__response *resp, koc_error **err);
/* Runs rq and what its Link fields lead to; fn gets each page. */
int koc__each_page(koc__request *rq, koc__page_fn fn, void *self, koc__call *call, koc_error **err);

#define KOC__REFERRER_ANNOTATIONS 256
char *koc__referrers_tag(const koc_digest *d);
/* After a manifest was written and the registry did not say that it knows its subject: adds it to the
 * stand-in tag unless the registry has the API, or the manifest no subject. */
int koc__referrers_announce(koc_client *c, const koc_reference *r, const char *media_type,
                            koc_str bytes, const koc_digest *digest, koc__call *call,
                            koc_error **err);

/* After a manifest was deleted, bytes its text: takes it out of the stand-in tag. */
int koc__referrers_withdraw(koc_client *c, const koc_reference *r, koc_str bytes,
                            const koc_digest *digest, koc__call *call, koc_error **err);

/* The Location of a reply, resolved and allowed. */
int koc__upload_location(koc__host *h, const koc__response *resp, koc__url *out, koc_error **err);

#endif

/* Between the files that build operations from requests. */
#ifndef KOC__OPERATIONS_H
#define KOC__OPERATIONS_H

#include "model/model.h"
#include "registry/client.h"
#include "registry/host/mirrors.h"
#include "registry/registry.h"

/* "tag" or "sha256:…" of r; "latest" when it has neither. Owned by the caller; NULL: out of
 * memory. */
char *koc__ref_target(const koc_reference *r);
/* Completes rq, which has a method and actions, with host, repository and target of r. fmt gives
 * what follows "/v2/<name>/". The caller frees *path after the request. */
int koc__ref_request(koc__request *rq, koc_client *c, const koc_reference *r, char **path,
                     koc_error **err, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* --- manifests.c --- */

/* What the registry did with a manifest. */
typedef struct koc__stored {
    koc_digest digest;
    bool keeps_referrers; /* it says that it adds the manifest to the referrers of its subject */
} koc__stored;
/* Writes a manifest and nothing else; koc__client_put_manifest also cares for referrers. */
int koc__manifest_put(koc_client *c, const koc_reference *r, const char *media_type, koc_str bytes,
                      koc__call *call, koc__stored *out, koc_error **err);

/* --- uploads --- */

/* One blob on its way to a repository. All but session are borrowed. */
typedef struct koc__blob_upload {
    koc_client *client;
    const koc_reference *repo;
    koc_blob *blob;
    const koc_digest *digest;
    uint64_t progress_id;
    koc__url session; /* an upload that is open already, or empty */
} koc__blob_upload;
/* Mounts the blob of the repository from. *mounted, or b->session is an upload that the registry
 * opened instead, or neither. */
int koc__mount(koc__blob_upload *b, const char *from, koc__call *call, bool *mounted,
               koc_error **err);
/* Uploads the blob and checks that it arrived. Takes b->session. */
int koc__upload(koc__blob_upload *b, koc__call *call, koc_error **err);
/* The Location of a reply that opened or continued an upload, resolved and checked (R-134,
 * */
int koc__upload_location(koc__host *h, const koc__response *resp, koc__url *out, koc_error **err);

/* --- lists --- */

/* Adds the names in member ("tags") of one page of a list; more than max in out is KOC_ELIMIT. */
int koc__listing_read(koc_str text, const char *member, bool (*is_name)(koc_str s), size_t max,
                      koc_strlist *out, koc_error **err);
/* One page of a list. */
typedef int (*koc__page_fn)(void *self, const koc__response *resp, koc_error **err);
/* Runs rq and follows its Link fields; fn gets each page. */
int koc__each_page(koc__request *rq, koc__page_fn fn, void *self, koc__call *call, koc_error **err);

/* --- referrers.c --- */

/* After a manifest was written: adds it to the referrers of its subject, unless it has none or
 * the registry has the API. */
int koc__referrers_add(koc_client *c, const koc_reference *r, const char *media_type, koc_str bytes,
                       const koc_digest *digest, koc__call *call, koc_error **err);
/* After a manifest was deleted, bytes its text: removes it from the referrers of its subject
 * (R-174). */
int koc__referrers_remove(koc_client *c, const koc_reference *r, koc_str bytes,
                          const koc_digest *digest, koc__call *call, koc_error **err);

#endif

/*
 * The registry client for the modules above: the public functions within a running koc__call, and
 * steps that the public API does not offer.
 */
#ifndef KOC__REGISTRY_H
#define KOC__REGISTRY_H

#include <koc/registry.h>

#include "core/run/call.h"

/* A manifest, as the head of a reply describes it. */
typedef struct koc__found {
    bool found;
    koc_digest digest;
    uint64_t size;
    char media_type[160]; /* "" when the registry does not say */
} koc__found;

/* The result of a push; publish reports it. */
typedef struct koc__push_result {
    koc_digest digest;
    bool unchanged;      /* every tag named this digest already, so that nothing was sent */
    unsigned blobs;      /* layers and configs of the image or of all images */
    unsigned blobs_sent; /* uploaded */
    unsigned blobs_mounted;
    uint64_t bytes_sent;
} koc__push_result;

/* The error KOC_ENOTFOUND, with a hint how to list the tags when r has one. */
int koc__missing_image(const koc_reference *r, koc_error **err);
/* One HEAD request, or a GET if the reply to HEAD has no digest. Not there: KOC_OK with found
 * false. pushing: with the scope of a push; then 403 counts as not there too. */
int koc__client_head_manifest(koc_client *c, const koc_reference *r, bool pushing, koc__call *call,
                              koc__found *out, koc_error **err);
/* Whether the repository has the blob: one HEAD request. */
int koc__client_has_blob(koc_client *c, const koc_reference *repo, const koc_digest *d,
                         bool pushing, koc__call *call, bool *out, koc_error **err);

int koc__client_get_manifest(koc_client *c, const koc_reference *r, koc__call *call, koc_buf *bytes,
                             koc_buf *media_type, koc_digest *digest, koc_error **err);
int koc__client_put_manifest(koc_client *c, const koc_reference *r, const char *media_type,
                             koc_str bytes, koc__call *call, koc_digest *out, koc_error **err);
int koc__client_get_image(koc_client *c, const koc_reference *r, const koc_platform *want,
                          koc__call *call, koc_image **out, koc_error **err);
int koc__client_get_index_by(koc_client *c, const koc_reference *r, const koc_descriptor *d,
                             koc__call *call, koc_index **out, koc_error **err);
/* Exactly one of the two is set. */
int koc__client_get_either(koc_client *c, const koc_reference *r, koc__call *call,
                           koc_index **index, koc_image **image, koc_error **err);
/* A push in steps, for a caller that does something else in between: koc__push_content, then
 * koc__push_names. Borrows r, the source and call. */
typedef struct koc__push koc__push;
/* Exactly one of the two is set. */
typedef struct koc__push_source {
    koc_image *image;
    koc_index *index;
} koc__push_source;
int koc__push_new(koc_client *c, const koc_reference *r, const koc__push_source *what,
                  const koc_push_options *o, koc__call *call, koc__push **out, koc_error **err);
/* Pushes the blobs, and the images of an index; nothing when a tag names the digest already. */
int koc__push_content(koc__push *p, koc_error **err);
/* Writes the manifest by its digest, so that the registry does not collect the content as
 * garbage meanwhile. */
int koc__push_unnamed(koc__push *p, koc_error **err);
/* Writes the tags. again: first checks again those that were there, because that was long ago. */
int koc__push_names(koc__push *p, bool again, koc_error **err);
/* Adds the result of koc__push_content. */
void koc__push_add_result(const koc__push *p, koc__push_result *sum);
void koc__push_free(koc__push *p); /* takes NULL */
KOC__DEFINE_AUTO(koc__push, koc__push_free);
/* Pushes one layer before the push that it belongs to, which then finds it there. Adds to *sum. */
int koc__client_push_layer(koc_client *c, const koc_reference *repo, koc_layer *l, koc__call *call,
                           koc__push_result *sum, koc_error **err);
/* Lets the layers of img be downloaded from r's repository when they are read. */
int koc__client_attach_layers(koc_client *c, const koc_reference *r, koc_image *img,
                              koc_error **err);
/* Whether a push to repo is allowed, for a check before a long compile: opens an upload and
 * cancels it. KOC_EAUTH, KOC_EDENIED, KOC_ENOTFOUND (the registry does not create
 * repositories on push). */
int koc__client_check_push(koc_client *c, const koc_reference *repo, koc__call *call,
                           koc_error **err);
/* The tag about a subject where a registry keeps none beside it: algorithm and digest, cut to the length of a tag,
 * then suffix: "" lists the referrers, ".sig" and the like are cosign's. NULL: out of memory. */
char *koc__subject_tag(const koc_digest *subject, const char *suffix);
/* The same in the repository of r. */
int koc__subject_reference(const koc_reference *r, const koc_digest *subject, const char *suffix,
                           koc_reference **out, koc_error **err);
/* subject has a digest; type: only referrers of this artifactType, NULL: all. */
int koc__client_list_referrers(koc_client *c, const koc_reference *subject, const char *type,
                               koc__call *call, koc_index **out, koc_error **err);
/* A blob with a known digest, and where it can be mounted from. */
typedef struct koc__known_blob {
    const koc_descriptor *descriptor;
    koc_blob *blob; /* NULL: the target must have it */
    const koc_reference
        *origin; /* a repository that has it; of the same registry: it is mounted. Or NULL */
} koc__known_blob;
/* *state: KOC_STATE_FINISHED, _MOUNTED, _SKIPPED. */
int koc__client_copy_blob(koc_client *c, const koc_reference *repo, const koc__known_blob *copy,
                          koc__call *call, int32_t *state, koc_error **err);

#endif

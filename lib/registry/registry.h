/*
 * What the modules above use of the registry client inside a running call: the public functions with a
 * koc__call, and cheap questions that the public API does not need.
 */
#ifndef KOC__REGISTRY_H
#define KOC__REGISTRY_H

#include <koc/registry.h>

#include "core/run/call.h"

/* A manifest as the head of a reply describes it. */
typedef struct koc__found {
    bool found;
    koc_digest digest;
    uint64_t size;
    char media_type[160]; /* "" when the registry does not say */
} koc__found;

/* What a push did; publish reports it. */
typedef struct koc__push_result {
    koc_digest digest;
    bool unchanged;      /* every tag named this digest already: nothing was sent */
    unsigned blobs;      /* layers and configs of the image or of all images */
    unsigned blobs_sent; /* uploaded */
    unsigned blobs_mounted;
    uint64_t bytes_sent;
} koc__push_result;

/* KOC_ENOTFOUND, with a hint at the other tags when r has one. */
int koc__missing_image(const koc_reference *r, koc_error **err);
/* One HEAD request (a GET where the registry's HEAD has no digest). Not there: KOC_OK with found false.
 * pushing: with credentials for a push, where "denied" counts as not there too. */
int koc__client_head_manifest(koc_client *c, const koc_reference *r, bool pushing, koc__call *call,
                              koc__found *out, koc_error **err);
/* Whether the repository has the blob: one HEAD. */
int koc__client_has_blob(koc_client *c, const koc_reference *repo, const koc_digest *d,
                         bool pushing, koc__call *call, bool *out, koc_error **err);

int koc__client_get_manifest(koc_client *c, const koc_reference *r, koc__call *call, koc_buf *bytes,
                             koc_buf *media_type, koc_digest *digest, koc_error **err);
int koc__client_put_manifest(koc_client *c, const koc_reference *r, const char *media_type,
                             koc_str bytes, koc__call *call, koc_digest *out, koc_error **err);
int koc__client_get_image(koc_client *c, const koc_reference *r, const koc_platform *want,
                          koc__call *call, koc_image **out, koc_error **err);
/* The image d of r's repository; no platform is chosen. */
int koc__client_get_image_by(koc_client *c, const koc_reference *r, const koc_descriptor *d,
                             koc__call *call, koc_image **out, koc_error **err);
int koc__client_get_index_by(koc_client *c, const koc_reference *r, const koc_descriptor *d,
                             koc__call *call, koc_index **out, koc_error **err);
int koc__client_get_index(koc_client *c, const koc_reference *r, koc__call *call, koc_index **out,
                          koc_error **err);
/* Exactly one of the two is set. */
int koc__client_get_either(koc_client *c, const koc_reference *r, koc__call *call,
                           koc_index **index, koc_image **image, koc_error **err);
int koc__client_push_image(koc_client *c, const koc_reference *r, koc_image *img,
                           const koc_push_options *o, koc__call *call, koc__push_result *out,
                           koc_error **err);
int koc__client_push_index(koc_client *c, const koc_reference *r, koc_index *idx,
                           const koc_push_options *o, koc__call *call, koc__push_result *out,
                           koc_error **err);
/* A push in its steps, for one who waits for something else in between: koc__push_content, then
 * koc__push_names. Borrows r, img or idx (the other is NULL) and op. */
typedef struct koc__push koc__push;
int koc__push_new(koc_client *c, const koc_reference *r, koc_image *img, koc_index *idx,
                  const koc_push_options *o, koc__call *call, koc__push **out, koc_error **err);
/* All that the names stand for: blobs, and the images of an index. Nothing when a name is there already. */
int koc__push_content(koc__push *p, koc_error **err);
/* The manifest by its digest, so that a registry does not take the content for garbage meanwhile. */
int koc__push_unnamed(koc__push *p, koc_error **err);
/* The tags. again: those that were there are looked at once more, since that was long ago. */
int koc__push_names(koc__push *p, bool again, koc_error **err);
/* Adds what koc__push_content did. */
void koc__push_add_result(const koc__push *p, koc__push_result *sum);
void koc__push_free(koc__push *p); /* takes NULL */
KOC__DEFINE_AUTO(koc__push, koc__push_free);
/* One layer ahead of the push that it belongs to, which then finds it there. Adds to *sum. */
int koc__client_push_layer(koc_client *c, const koc_reference *repo, koc_layer *l, koc__call *call,
                           koc__push_result *sum, koc_error **err);
/* Gives the layers of an image that was read without c their bytes from r's repository, when they are read. */
int koc__client_attach_layers(koc_client *c, const koc_reference *r, koc_image *img,
                              koc_error **err);
/* Whether one may push to repo, before a long compile: opens an upload and cancels it. KOC_EAUTH,
 * KOC_EDENIED, KOC_ENOTFOUND (no such repository where they are not made by a push). */
int koc__client_check_push(koc_client *c, const koc_reference *repo, koc__call *call,
                           koc_error **err);
int koc__client_put_blob(koc_client *c, const koc_reference *repo, koc_blob *b, koc__call *call,
                         koc_error **err);
/* subject has a digest; type NULL: all. */
int koc__client_list_referrers(koc_client *c, const koc_reference *subject, const char *type,
                               koc__call *call, koc_index **out, koc_error **err);
/* As koc__client_put_blob for a blob that came from elsewhere: it is mounted where origin (or NULL) is a repository of the
 * same registry. b may be NULL when the target has it. *state: KOC_STATE_FINISHED, _MOUNTED, _SKIPPED. */
int koc__client_copy_blob(koc_client *c, const koc_reference *repo, const koc_descriptor *d,
                          koc_blob *b, const koc_reference *origin, koc__call *call, int32_t *state,
                          koc_error **err);

#endif

/*
 * Uploads in progress: files below <layout>/.koc-uploads with random ids as names, so that they survive the
 * server and several servers can share a layout. The size of the file is the progress of the upload; a
 * request locks the file while it writes.
 */
#ifndef KOC__UPLOADS_H
#define KOC__UPLOADS_H

#include <koc/store.h>

#include "core/run/call.h"
#include "serve/served_content.h"

typedef struct koc__served_uploads koc__served_uploads;
typedef struct koc__served_upload {
    koc__served_uploads *home;
    char id[33];
    char *path;
    int fd;
    uint64_t size;      /* bytes in the file */
    koc_hasher *sha256; /* of all of them; NULL: not known, the file is read at the end */
} koc__served_upload;

/* Removes abandoned uploads: after an hour, and empty ones. */
int koc__served_uploads_new(koc_layout *l, koc__content *content, koc__served_uploads **out,
                            koc_error **err);
void koc__served_uploads_free(
    koc__served_uploads *u); /* also removes the directory if it is empty */
KOC__DEFINE_AUTO(koc__served_uploads, koc__served_uploads_free);

/* If there are too many, removes the one that was abandoned longest ago. KOC_ELIMIT: all are being written.
 * */
int koc__served_upload_create(koc__served_uploads *u, koc__served_upload **out, koc_error **err);
/* id must be koc__served_is_upload_id. KOC_ENOTFOUND; KOC_ECONFLICT: another request is writing to it. */
int koc__served_upload_open(koc__served_uploads *u, const char *id, koc__call *call,
                            koc__served_upload **out, koc_error **err);
int koc__served_upload_append(koc__served_upload *up, const void *data, size_t len,
                              koc_error **err);
/* Cuts it to size bytes. */
int koc__served_upload_truncate(koc__served_upload *up, uint64_t size, koc_error **err);
/* Makes it the blob of that digest, or (KOC_EDIGEST) removes it. */
int koc__served_upload_commit(koc__served_upload *up, const koc_digest *d, koc__call *call,
                              koc_error **err);
/* Removes the file and frees its space; koc__served_upload_close must follow. */
void koc__served_upload_remove(koc__served_upload *up);
/* The disk is full: removes this upload and those that were abandoned minutes ago. */
void koc__served_upload_give_up(koc__served_upload *up);
/* Keeps the file for the next request; takes NULL. */
void koc__served_upload_close(koc__served_upload *up);
KOC__DEFINE_AUTO(koc__served_upload, koc__served_upload_close);

#endif

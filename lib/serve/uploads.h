/*
 * Uploads in the making: files below <layout>/.koc-uploads named by random ids, so that they survive the
 * server and several servers can share a layout. A file's size is how far the upload got; a lock on it is
 * held while somebody writes.
 */
#ifndef KOC__UPLOADS_H
#define KOC__UPLOADS_H

#include <koc/store.h>

#include "core/op.h"
#include "serve/content.h"

typedef struct koc__uploads koc__uploads;
typedef struct koc__upload {
    koc__uploads *home;
    char id[33];
    char *path;
    int fd;
    uint64_t size;      /* bytes in the file */
    koc_hasher *sha256; /* of all of them; NULL: not known, the file is read at the end */
} koc__upload;

/* Removes what was left behind: an hour ago, or without a byte in it. */
int koc__uploads_new(koc_layout *l, koc__content *content, koc__uploads **out, koc_error **err);
void koc__uploads_free(koc__uploads *u); /* and the folder, when it is empty */
KOC__DEFINE_AUTO(koc__uploads, koc__uploads_free);

/* Where too many are there, the one goes that was left alone for longest. KOC_ELIMIT: all are being written. */
int koc__upload_create(koc__uploads *u, koc__upload **out, koc_error **err);
/* id must be koc__is_upload_id. KOC_ENOTFOUND; KOC_ECONFLICT: somebody is writing to it. */
int koc__upload_open(koc__uploads *u, const char *id, koc__op *op, koc__upload **out,
                     koc_error **err);
int koc__upload_append(koc__upload *up, const void *data, size_t len, koc_error **err);
/* Forgets all after size. */
int koc__upload_truncate(koc__upload *up, uint64_t size, koc_error **err);
/* Makes it the blob of that digest, or (KOC_EDIGEST) removes it. */
int koc__upload_commit(koc__upload *up, const koc_digest *d, koc__op *op, koc_error **err);
void koc__upload_remove(koc__upload *up); /* the file; close it after that */
/* There is no space: this one goes, and those that nobody has come back to for minutes. */
void koc__upload_give_up(koc__upload *up);
/* Keeps the file for the next request; takes NULL. */
void koc__upload_close(koc__upload *up);
KOC__DEFINE_AUTO(koc__upload, koc__upload_close);

#endif

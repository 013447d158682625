/* Blobs and their uploads (distribution-spec, "Pulling blobs", "Pushing blobs"). */
#include "core/common.h"

#include "core/hash/digests.h"
#include "serve/serve.h"

/* --- pulling --- */

void koc__serve_blob(koc__served_exchange *x)
{
    koc__served_reply *r = &x->reply;
    koc_error *err = NULL;
    uint64_t size = 0;
    uint64_t first = 0;
    uint64_t length = 0;
    const koc__digest_text digest = koc__digest_str(&x->route.digest);
    int rc = koc__content_open(x->server->content, &x->route.digest, &r->fd, &size, &err);
    if (rc == KOC_ENOTFOUND) {
        koc__error_clear(&err);
        koc__served_reply_error(r, 404, "BLOB_UNKNOWN", "%s is not here", digest.s);
        return;
    }
    if (rc != KOC_OK) {
        koc__served_reply_unknown(r, x->server, "BLOB_UNKNOWN", &err);
        return;
    }
    int range = koc__range_read(x->range, size, &first, &length);
    if (range == KOC__RANGE_OUTSIDE) {
        koc__served_reply_error(r, 416, "SIZE_INVALID", "%s has %llu bytes", digest.s,
                                (unsigned long long)size);
        koc__served_reply_header(r, "Content-Range", "bytes */%llu", (unsigned long long)size);
        return;
    }
    bool part = range == KOC__RANGE_PART;
    r->start = part ? first : 0;
    r->length = part ? length : size;
    r->status = part ? 206 : 200;
    koc__served_reply_header(r, "Content-Type", "application/octet-stream");
    koc__served_reply_header(r, "Docker-Content-Digest", "%s", digest.s);
    koc__served_reply_header(r, "ETag", "\"%s\"", digest.s);
    koc__served_reply_header(r, "Accept-Ranges", "bytes");
    if (part) {
        koc__served_reply_header(
            r, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)first,
            (unsigned long long)(first + length - 1), (unsigned long long)size);
    }
}

/* --- pushing --- */

static void reply_blob(koc__served_exchange *x, const koc_digest *d)
{
    const koc__digest_text digest = koc__digest_str(d);
    x->reply.status = 201;
    koc__served_reply_header(&x->reply, "Location", "/v2/%s/blobs/%s", x->route.name, digest.s);
    koc__served_reply_header(&x->reply, "Docker-Content-Digest", "%s", digest.s);
}

static void reply_upload(koc__served_exchange *x, int status)
{
    uint64_t size = x->upload->size;
    x->reply.status = status;
    koc__served_reply_header(&x->reply, "Location", "/v2/%s/blobs/uploads/%s", x->route.name,
                             x->upload->id);
    /* An empty upload is "0-0", which means one byte: the header has no form for none. */
    koc__served_reply_header(&x->reply, "Range", "0-%llu",
                             (unsigned long long)(size ? size - 1 : 0));
    koc__served_reply_header(&x->reply, "Docker-Upload-UUID", "%s", x->upload->id);
}

/* The digest that a query key names; false: there is none, or a reply is set. */
static bool query_digest(koc__served_exchange *x, const char *key, koc_digest *out)
{
    KOC__AUTO_STR text = koc__served_exchange_query(x, key, 0);
    if (!text) {
        return false;
    }
    if (!koc__digest_read(koc__str(text), out)) {
        koc__served_reply_error(&x->reply, 400, "DIGEST_INVALID", "%s: this is not a digest", key);
        return false;
    }
    return true;
}

/* All repositories of a layout share its blobs, so a mount only checks that the blob is there. A damaged one
 * is pushed again. */
static bool mounted(koc__served_exchange *x)
{
    koc_digest d;
    uint64_t size = 0;
    if (!query_digest(x, "mount", &d)) {
        return x->reply.status != 0;
    }
    if (koc__content_check(x->server->content, &d, &size, NULL) != KOC_OK) {
        return false;
    }
    reply_blob(x, &d);
    return true;
}

void koc__serve_upload_start(koc__served_exchange *x)
{
    koc_error *err = NULL;
    if (mounted(x)) {
        return;
    }
    if (koc__served_upload_create(x->server->uploads, &x->upload, &err) != KOC_OK) {
        koc__served_reply_failure(&x->reply, x->server, &err);
    }
}

static void commit(koc__served_exchange *x, const koc_digest *d)
{
    koc_error *err = NULL;
    int rc = koc__served_upload_commit(x->upload, d, x->server->call, &err);
    if (rc == KOC_EDIGEST) {
        koc__served_reply_error(&x->reply, 400, "DIGEST_INVALID", "%s", koc_error_message(err));
        koc__error_clear(&err);
    } else if (rc != KOC_OK) {
        if (koc__error_is_full(err)) {
            koc__served_upload_give_up(x->upload);
        }
        koc__served_reply_failure(&x->reply, x->server, &err);
    } else {
        reply_blob(x, d);
    }
}

void koc__serve_upload_started(koc__served_exchange *x)
{
    koc_digest d;
    if (query_digest(x, "digest", &d)) {
        commit(x, &d);
    } else if (!x->reply.status) {
        reply_upload(x, 202);
    }
}

/* --- chunks --- */

static bool open_upload(koc__served_exchange *x)
{
    koc__server *s = x->server;
    koc_error *err = NULL;
    int rc = koc__served_upload_open(s->uploads, x->route.upload, s->call, &x->upload, &err);
    if (rc == KOC_ENOTFOUND) {
        koc__error_clear(&err);
        koc__served_reply_error(&x->reply, 404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload");
    } else if (rc != KOC_OK) {
        koc__served_reply_failure(&x->reply, s, &err);
    }
    return rc == KOC_OK;
}

/* A chunk must begin where the last one ended. */
static void check_chunk(koc__served_exchange *x)
{
    if (!x->has_chunk) {
        return;
    }
    if (x->has_length && x->length != x->chunk_length) {
        koc__served_reply_error(&x->reply, 400, "SIZE_INVALID",
                                "Content-Range and Content-Length contradict each other");
    } else if (x->chunk_first != x->upload->size) {
        koc__served_reply_error(&x->reply, 416, "BLOB_UPLOAD_INVALID",
                                "the next chunk must begin at byte %llu",
                                (unsigned long long)x->upload->size);
        koc__served_reply_header(&x->reply, "Location", "/v2/%s/blobs/uploads/%s", x->route.name,
                                 x->upload->id);
        koc__served_reply_header(&x->reply, "Range", "0-%llu",
                                 (unsigned long long)(x->upload->size ? x->upload->size - 1 : 0));
    }
}

void koc__serve_upload_chunk(koc__served_exchange *x)
{
    if (open_upload(x)) {
        check_chunk(x);
    }
}

/* Whether the body has the length that Content-Range announced; otherwise the chunk is dropped. */
static bool check_length(koc__served_exchange *x)
{
    koc_error *err = NULL;
    if (!x->has_chunk || x->received == x->chunk_length) {
        return true;
    }
    if (koc__served_upload_truncate(x->upload, x->chunk_first, &err) != KOC_OK) {
        koc__served_reply_failure(&x->reply, x->server, &err);
        return false;
    }
    koc__served_reply_error(&x->reply, 400, "SIZE_INVALID",
                            "the chunk does not have the length of its Content-Range");
    return false;
}

void koc__serve_upload_chunked(koc__served_exchange *x)
{
    if (check_length(x)) {
        reply_upload(x, 202);
    }
}

void koc__serve_upload_put(koc__served_exchange *x)
{
    koc_digest d;
    if (!query_digest(x, "digest", &d)) {
        if (!x->reply.status) {
            koc__served_reply_error(&x->reply, 400, "DIGEST_INVALID", "the query names no digest");
        }
        return;
    }
    koc__serve_upload_chunk(x);
}

void koc__serve_upload_finish(koc__served_exchange *x)
{
    koc_digest d;
    if (check_length(x) && query_digest(x, "digest", &d)) {
        commit(x, &d);
    }
}

void koc__serve_upload_status(koc__served_exchange *x)
{
    if (open_upload(x)) {
        reply_upload(x, 204);
    }
}

void koc__serve_upload_cancel(koc__served_exchange *x)
{
    if (open_upload(x)) {
        koc__served_upload_remove(x->upload);
        x->reply.status = 204;
    }
}

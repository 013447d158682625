/* One request from its head to its reply: chooses the handler and collects what handlers need. */
#include "core/common.h"

#include "core/run/context.h"
#include "serve/serve.h"

enum { TYPE_MAX = 256 };

static const koc__handler handlers[] = {
    {KOC__ROUTE_PING, "GET", false, false, koc__serve_ping, NULL},
    {KOC__ROUTE_CATALOG, "GET", false, false, koc__serve_list, NULL},
    {KOC__ROUTE_TAGS, "GET", false, false, koc__serve_list, NULL},
    {KOC__ROUTE_REFERRERS, "GET", false, false, koc__serve_referrers, NULL},
    {KOC__ROUTE_MANIFEST, "GET", false, false, koc__serve_manifest, NULL},
    {KOC__ROUTE_MANIFEST, "PUT", true, false, koc__serve_manifest_put, koc__serve_manifest_finish},
    {KOC__ROUTE_MANIFEST, "DELETE", true, true, koc__serve_manifest_delete, NULL},
    {KOC__ROUTE_BLOB, "GET", false, false, koc__serve_blob, NULL},
    {KOC__ROUTE_BLOB, "DELETE", true, true, koc__serve_blob_delete, NULL},
    {KOC__ROUTE_UPLOADS, "POST", true, false, koc__serve_upload_start, koc__serve_upload_started},
    {KOC__ROUTE_UPLOAD, "PATCH", true, false, koc__serve_upload_chunk, koc__serve_upload_chunked},
    {KOC__ROUTE_UPLOAD, "PUT", true, false, koc__serve_upload_put, koc__serve_upload_finish},
    {KOC__ROUTE_UPLOAD, "GET", false, false, koc__serve_upload_status, NULL},
    {KOC__ROUTE_UPLOAD, "DELETE", true, false, koc__serve_upload_cancel, NULL},
};

koc__served_exchange *koc__served_exchange_new(koc__server *s, const char *target)
{
    koc__served_exchange *x = koc__calloc(1, sizeof(*x));
    if (!x) {
        return NULL;
    }
    x->server = s;
    x->reply.fd = -1;
    x->document = (koc__dynbuf)KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
    x->target = koc__strdup(target);
    if (!x->target) {
        koc__free(x);
        return NULL;
    }
    atomic_fetch_add(&s->running, 1);
    return x;
}

/*
 * Closes the upload before the reply is sent: the client's next request may need the space of a removed file,
 * or the lock and the hash of this upload. A POST that fails removes its upload, whose id the client never
 * learns.
 */
static void release_upload(koc__served_exchange *x)
{
    int status = x->reply.status;
    if (x->upload && x->route.kind == KOC__ROUTE_UPLOADS && (!status || status >= 400)) {
        koc__served_upload_remove(x->upload);
    }
    koc__served_upload_close(koc__steal(&x->upload));
}

void koc__served_exchange_free(koc__served_exchange *x)
{
    if (!x) {
        return;
    }
    release_upload(x);
    koc__served_reply_dispose(&x->reply);
    koc__dynbuf_dispose(&x->document);
    koc__free(x->range_text);
    koc__free(x->type);
    koc__free(x->target);
    atomic_fetch_sub(&x->server->running, 1);
    koc__free(x);
}

/* --- the head --- */

static void refuse_route(koc__served_exchange *x)
{
    static const struct {
        const char *code, *message;
    } problems[] = {
        [KOC__BAD_NAME] = {"NAME_INVALID", "the repository name does not follow the specification"},
        [KOC__BAD_TAG] = {"TAG_INVALID", "the tag does not follow the specification"},
        [KOC__BAD_DIGEST] = {"DIGEST_INVALID",
                             "the digest must be sha256: and 64 or sha512: and 128 hex digits"},
        [KOC__BAD_UPLOAD] = {"BLOB_UPLOAD_UNKNOWN", "there is no such upload"},
    };
    int problem = x->route.problem;
    if (problem == KOC__BAD_NOTHING) {
        koc__served_reply_error(&x->reply, 404, "UNSUPPORTED", "nothing is served at this path");
        return;
    }
    koc__served_reply_error(&x->reply, problem == KOC__BAD_UPLOAD ? 404 : 400,
                            problems[problem].code, "%s", problems[problem].message);
}

static const koc__handler *find_handler(int route, const char *method)
{
    bool head = strcmp(method, "HEAD") == 0 && route != KOC__ROUTE_UPLOAD;
    for (size_t i = 0; i < KOC__COUNT(handlers); i++) {
        const koc__handler *h = &handlers[i];
        if (h->route == route && strcmp(h->method, head ? "GET" : method) == 0) {
            return h;
        }
    }
    return NULL;
}

static bool find_and_allow(koc__served_exchange *x, const koc__head *head)
{
    const koc__server *s = x->server;
    if (!koc__guard(s, head, &x->reply)) {
        return false;
    }
    koc__route_read(koc__str(x->target), &x->route);
    if (x->route.kind == KOC__ROUTE_NONE) {
        refuse_route(x);
        return false;
    }
    x->handler = find_handler(x->route.kind, head->method);
    if (!x->handler) {
        koc__served_reply_error(&x->reply, 405, "UNSUPPORTED", "this method is not allowed here");
        return false;
    }
    if (x->handler->writes && s->flags & KOC_SERVE_READ_ONLY) {
        koc__served_reply_error(&x->reply, 405, "UNSUPPORTED", "this registry is read-only");
        return false;
    }
    if (x->handler->deletes && !(s->flags & KOC_SERVE_DELETE)) {
        koc__served_reply_error(&x->reply, 405, "UNSUPPORTED", "this registry does not delete");
        return false;
    }
    return true;
}

static void read_head(koc__served_exchange *x, const koc__head *head)
{
    if (head->content_length) {
        x->has_length = koc__str_u64(koc__str(head->content_length), &x->length);
    }
    if (head->content_range) {
        x->has_chunk = koc__served_chunk_range(koc__str(head->content_range), &x->chunk_first,
                                               &x->chunk_length);
        if (!x->has_chunk) {
            koc__served_reply_error(&x->reply, 416, "BLOB_UPLOAD_INVALID",
                                    "the Content-Range must be <first byte>-<last byte>");
        }
    }
    x->range_text = koc__strdup(head->range);
    x->type = koc__strdup(head->content_type);
    if ((head->range && !x->range_text) || (head->content_type && !x->type)) {
        koc__served_reply_error(&x->reply, 500, "UNKNOWN", "out of memory");
    }
    if (x->type && strlen(x->type) > TYPE_MAX) {
        koc__served_reply_error(&x->reply, 400, "MANIFEST_INVALID", "the Content-Type is too long");
    }
    x->range = koc__str(x->range_text);
}

void koc__served_exchange_begin(koc__served_exchange *x, const koc__head *head)
{
    if (!find_and_allow(x, head)) {
        return;
    }
    read_head(x, head);
    if (!x->reply.status) {
        x->handler->begin(x);
    }
    if (x->reply.status) {
        release_upload(x);
    }
}

/* --- the body --- */

static int store_body(koc__served_exchange *x, const void *data, size_t len, koc_error **err)
{
    if (x->route.kind == KOC__ROUTE_MANIFEST) {
        return koc__dynbuf_append(&x->document, data, len, err);
    }
    return x->upload ? koc__served_upload_append(x->upload, data, len, err) : KOC_OK;
}

/* Whether len more bytes are allowed; else a reply is set. */
static bool has_room(koc__served_exchange *x, size_t len)
{
    bool document = x->route.kind == KOC__ROUTE_MANIFEST;
    if (document && len > KOC__MANIFEST_MAX - x->document.len) {
        koc__served_reply_error(&x->reply, 413, "SIZE_INVALID", "a manifest has at most %zu bytes",
                                KOC__MANIFEST_MAX);
        return false;
    }
    uint64_t max = x->server->max_blob;
    if (!document && x->upload && (x->upload->size > max || len > max - x->upload->size)) {
        koc__served_reply_error(&x->reply, 413, "SIZE_INVALID",
                                "a blob has at most %llu bytes here", (unsigned long long)max);
        koc__served_upload_remove(x->upload);
        release_upload(x);
        return false;
    }
    return true;
}

void koc__served_exchange_body(koc__served_exchange *x, const void *data, size_t len)
{
    koc_error *err = NULL;
    if (x->reply.status || !has_room(x, len)) {
        return;
    }
    x->received += len;
    if (store_body(x, data, len, &err) != KOC_OK) {
        if (x->upload && koc__error_is_full(err)) {
            koc__served_upload_give_up(x->upload);
        }
        koc__served_reply_failure(&x->reply, x->server, &err);
        release_upload(x);
    }
}

void koc__served_exchange_end(koc__served_exchange *x)
{
    if (!x->reply.status && x->handler->finish) {
        x->handler->finish(x);
    }
    if (!x->reply.status) {
        koc__served_reply_error(&x->reply, 500, "UNKNOWN",
                                "the server has no reply to this request");
    }
    release_upload(x);
}

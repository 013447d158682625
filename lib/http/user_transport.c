/* Sends requests over a transport of the caller, and shows requests to a trace callback (koc/transport.h). */
#include "core/common.h"

#include "http/user_transport.h"

#include <strings.h>

#include "core/io/io.h"
#include "core/options.h"
#include "core/str.h"
#include "core/text.h"

struct koc_transport {
    atomic_uint refs;
    koc_transport_ops ops;
    void *self;
};

struct koc_transport_reply {
    int status;
    koc__headers headers;
    koc_reader *body; /* or NULL */
};

static void reply_dispose(koc_transport_reply *r)
{
    koc__headers_dispose(&r->headers);
    koc_reader_free(r->body);
}
KOC__DEFINE_AUTO_VAL(koc_transport_reply, reply_dispose);

/* --- the object --- */

int koc_transport_new(const koc_transport_ops *ops, void *self, koc_transport **out,
                      koc_error **err)
{
    koc_transport_ops copy;
    if (!ops || !out) {
        return koc__misuse(err, "koc_transport_new: ops or out is NULL");
    }
    KOC__TRY(koc__options_copy(&copy, sizeof(copy), ops, "koc_transport_ops", err));
    if (!copy.send || copy.flags) {
        return koc__misuse(err, "koc_transport_new: ops.send is NULL, or flags are unknown");
    }
    koc_transport *t = koc__calloc(1, sizeof(*t));
    if (!t) {
        return koc__oom(err);
    }
    atomic_init(&t->refs, 1);
    t->ops = copy;
    t->self = self;
    *out = t;
    return KOC_OK;
}

koc_transport *koc_transport_ref(koc_transport *t)
{
    if (t) {
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    }
    return t;
}

void koc_transport_unref(koc_transport *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (t->ops.release) {
        t->ops.release(t->self);
    }
    koc__free(t);
}

/* --- the reply --- */

int koc_transport_reply_set_status(koc_transport_reply *r, int status, koc_error **err)
{
    if (!r) {
        return koc__misuse(err, "koc_transport_reply_set_status: r is NULL");
    }
    if (status < 100 || status > 599) {
        return koc__error(err, KOC_EINVAL, "%d is not an HTTP status", status);
    }
    r->status = status;
    return KOC_OK;
}

int koc_transport_reply_add_header(koc_transport_reply *r, const char *name, const char *value,
                                   koc_error **err)
{
    return r && name && value
               ? koc__headers_put(&r->headers, name, value, err)
               : koc__misuse(err, "koc_transport_reply_add_header: r, name or value is NULL");
}

int koc_transport_reply_set_body(koc_transport_reply *r, koc_reader *body, koc_error **err)
{
    if (!r || !body) {
        return koc__misuse(err, "koc_transport_reply_set_body: r or body is NULL");
    }
    koc_reader_free(r->body);
    r->body = body;
    return KOC_OK;
}

/* --- header fields as pairs --- */

static const char *const secret_fields[] = {"Authorization", "Proxy-Authorization", "Cookie",
                                            "Set-Cookie", "Location"};

static bool is_secret(const char *name)
{
    for (size_t i = 0; i < KOC__COUNT(secret_fields); i++) {
        if (strcasecmp(name, secret_fields[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Borrows from h. NULL: out of memory. */
static koc_kv *pairs_of(const koc__headers *h, bool secrets)
{
    koc_kv *list = koc__calloc(h->count + 1, sizeof(koc_kv));
    for (size_t i = 0; list && i < h->count; i++) {
        const koc__header *f = &h->list[i];
        list[i] = (koc_kv){f->name, secrets || !is_secret(f->name) ? f->value : "..."};
    }
    return list;
}

/* --- the request --- */

/* Reads only so many bytes of another reader, which it owns. */
typedef struct part {
    koc_reader *whole;
    uint64_t left;
} part;

static int part_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    part *p = self;
    KOC__TRY(koc_reader_read(p->whole, buf, (size_t)KOC__MIN((uint64_t)len, p->left), n_read, err));
    p->left -= *n_read;
    return KOC_OK;
}

static void part_close(void *self)
{
    part *p = self;
    koc_reader_free(p->whole);
    koc__free(p);
}

static const koc__reader_vt part_vt = {part_read, part_close};

static int open_body(const koc__http_request *rq, koc__call *call, koc_reader **out,
                     koc_error **err)
{
    KOC__AUTO(koc_blob) bytes = NULL;
    if (!rq->has_body) {
        return KOC_OK;
    }
    if (!rq->blob) {
        KOC__TRY(koc_blob_from_bytes(rq->bytes, &bytes, err));
        return koc__blob_open(bytes, 0, call, out, err);
    }
    part *p = koc__calloc(1, sizeof(*p));
    if (!p) {
        return koc__oom(err);
    }
    p->left = rq->blob_size;
    int rc = koc__blob_open(rq->blob, rq->blob_offset, call, &p->whole, err);
    rc = rc == KOC_OK ? koc__reader_make(&part_vt, p, out, err) : rc;
    if (rc != KOC_OK) {
        part_close(p);
    }
    return rc;
}

typedef struct sending {
    koc_transport *transport;
    const koc_transport_request *request;
    koc_transport_reply *reply;
    koc__failure failure;
} sending;

/* Errors of the network may go away; every other one is the caller's own. */
static int judge_error(int rc, koc_error **inner, koc__failure *why, koc_error **err)
{
    bool network = rc == KOC_ENET || rc == KOC_ETIMEOUT;
    *why = rc == KOC_ETIMEOUT ? KOC__FAIL_SILENT : network ? KOC__FAIL_BROKEN : KOC__FAIL_LOCAL;
    if (!network || !*inner) {
        return koc__error_user(err, inner, "the transport failed");
    }
    return koc__error_move(err, inner);
}

/* Runs on the caller's thread. */
static int send_one(void *arg, koc_error **err)
{
    sending *s = arg;
    KOC__AUTO(koc_error) inner = NULL;
    int rc = s->transport->ops.send(s->transport->self, s->request, s->reply, &inner);
    if (rc != KOC_OK) {
        return judge_error(rc, &inner, &s->failure, err);
    }
    if (s->reply->status == 0) {
        s->failure = KOC__FAIL_PROTOCOL;
        return koc__error(err, KOC_ENET, "the transport set no status for %s", s->request->url);
    }
    return KOC_OK;
}

int koc__user_exchange_open(koc_transport *t, const koc__http_request *rq, koc__call *call,
                            koc__http_reply *reply, koc__user_exchange *out, koc_error **err)
{
    KOC__AUTO_VAL(koc_transport_reply) filled = {.headers = KOC__HEADERS_INIT};
    KOC__AUTO(koc_reader) body = NULL;
    KOC__AUTO_STR url = koc__url_string(rq->url);
    koc_kv *headers = url ? pairs_of(rq->headers, true) : NULL;
    if (!headers) {
        return koc__oom(err);
    }
    int rc = open_body(rq, call, &body, err);
    koc_transport_request request = {sizeof(request),
                                     0,
                                     rq->method,
                                     url,
                                     headers,
                                     rq->headers->count,
                                     body,
                                     rq->blob ? rq->blob_size : rq->bytes.len,
                                     call ? &call->user : NULL};
    sending s = {t, &request, &filled, KOC__FAIL_LOCAL};
    rc = rc == KOC_OK ? koc__call_on_caller(call, send_one, &s, err) : rc;
    koc__free(headers);
    reply->failure = s.failure;
    KOC__TRY(rc);
    bool bodiless = strcmp(rq->method, "HEAD") == 0 || filled.status == 204 || filled.status == 304;
    out->has_length = !bodiless && koc__http_length(&filled.headers, &out->left);
    out->body = koc__steal(&filled.body);
    reply->status = filled.status;
    reply->headers = filled.headers;
    reply->failure = KOC__FAIL_NONE;
    filled.headers = (koc__headers)KOC__HEADERS_INIT;
    return KOC_OK;
}

/* --- the body of the reply --- */

typedef struct reading {
    koc__user_exchange *exchange;
    void *buf;
    size_t len, n;
    koc__failure failure;
} reading;

/* Runs on the caller's thread. */
static int read_some(void *arg, koc_error **err)
{
    reading *r = arg;
    KOC__AUTO(koc_error) inner = NULL;
    int rc = koc_reader_read(r->exchange->body, r->buf, r->len, &r->n, &inner);
    return rc == KOC_OK ? KOC_OK : judge_error(rc, &inner, &r->failure, err);
}

int koc__user_exchange_read(koc__user_exchange *x, koc__call *call, void *buf, size_t len,
                            size_t *n, koc__failure *why, koc_error **err)
{
    reading r = {x, buf, len, 0, KOC__FAIL_LOCAL};
    if (x->body) {
        int rc = koc__call_on_caller(call, read_some, &r, err);
        *why = r.failure;
        KOC__TRY(rc);
    }
    if (x->has_length && (r.n > x->left || (r.n == 0 && x->left > 0))) {
        *why = KOC__FAIL_BROKEN;
        return koc__error(err, KOC_ENET, "the reply is %s than its Content-Length",
                          r.n > x->left ? "longer" : "shorter");
    }
    x->left -= x->has_length ? r.n : 0;
    *n = r.n;
    return KOC_OK;
}

static int free_body(void *arg, koc_error **err)
{
    (void)err;
    koc_reader_free(arg);
    return KOC_OK;
}

void koc__user_exchange_close(koc__user_exchange *x, koc__call *call)
{
    (void)koc__call_on_caller(call, free_body, x->body, NULL);
}

/* --- the trace --- */

typedef struct tracing {
    const koc__hooks *hooks;
    koc_trace event;
} tracing;

static int show(void *arg, koc_error **err)
{
    tracing *t = arg;
    return t->hooks->trace(&t->event, t->hooks->trace_payload) == 0
               ? KOC_OK
               : koc__error(err, KOC_EUSER, "the trace callback ended the call");
}

int koc__trace_exchange(const koc__hooks *hooks, int32_t kind, const koc__http_request *rq,
                        const koc__headers *headers, const koc__traced *at, koc__call *call,
                        koc_error **err)
{
    if (!hooks->trace) {
        return KOC_OK;
    }
    KOC__AUTO_STR url = koc__url_redacted(rq->url);
    koc_kv *pairs = url ? pairs_of(headers, false) : NULL;
    if (!pairs) {
        return koc__oom(err);
    }
    tracing t = {
        hooks,
        {sizeof(koc_trace), 0, kind, at->status, rq->method, url, pairs, headers->count, at->ms}};
    int rc = koc__call_on_caller(call, show, &t, err);
    koc__free(pairs);
    return rc;
}

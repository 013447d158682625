/* A transport in the place of libcurl: what it gets, what its replies lead to, and what lies lead to. */
#include "core/common.h"

#include <koc/registry.h>

#include "core/alloc_faults.h"
#include "core/io/io.h"
#include "core/run/context.h"
#include "core/str.h"
#include "model/model.h"
#include "registry/client.h"
#include "test.h"

#define MANIFEST "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX "\",\"manifests\":[]}"

/* Answers each request from a script. */
typedef struct script {
    int status[8]; /* 0: set none; negative: fail with this code */
    const char *body;
    const char *length; /* Content-Length, or NULL */
    unsigned requests;
    unsigned released;
    char seen[2048]; /* "GET url|Name: value|…\n" */
    char sent[256];  /* the bodies of requests */
} script;

static int send_scripted(void *self, const koc_transport_request *rq, koc_transport_reply *reply,
                         koc_error **err)
{
    script *s = self;
    int status = s->status[s->requests++];
    size_t used = strlen(s->seen);
    used += (size_t)snprintf(s->seen + used, sizeof(s->seen) - used, "%s %s|", rq->method, rq->url);
    for (size_t i = 0; i < rq->n_headers; i++) {
        used += (size_t)snprintf(s->seen + used, sizeof(s->seen) - used, "%s: %s|",
                                 rq->headers[i].key, rq->headers[i].value);
    }
    for (size_t n = 1, at = 0; rq->body && n > 0; at += n) {
        KOC__TRY(koc_reader_read(rq->body, s->sent + at, sizeof(s->sent) - 1 - at, &n, err));
    }
    if (status < 0) {
        return koc__error(err, status, "scripted");
    }
    if (status == 0) {
        return KOC_OK;
    }
    KOC__TRY(koc_transport_reply_set_status(reply, status, err));
    KOC__TRY(koc_transport_reply_add_header(reply, "Content-Type", KOC_MT_OCI_INDEX, err));
    if (s->length) {
        KOC__TRY(koc_transport_reply_add_header(reply, "Content-Length", s->length, err));
    }
    KOC__AUTO(koc_blob) blob = NULL;
    KOC__AUTO(koc_reader) body = NULL;
    if (s->body) {
        KOC__TRY(koc_blob_from_bytes(koc__str(s->body), &blob, err));
        KOC__TRY(koc_blob_open(blob, 0, NULL, &body, err));
        KOC__TRY(koc_transport_reply_set_body(reply, body, err));
        body = NULL;
    }
    return KOC_OK;
}

static void release(void *self)
{
    ((script *)self)->released++;
}

typedef struct traces {
    char text[2048];
    int answer;
} traces;

static int note(const koc_trace *e, void *payload)
{
    traces *t = payload;
    size_t used = strlen(t->text);
    used += (size_t)snprintf(t->text + used, sizeof(t->text) - used, "%d %d %s %s", e->kind,
                             e->status, e->method, e->url);
    for (size_t i = 0; i < e->n_headers; i++) {
        used += (size_t)snprintf(t->text + used, sizeof(t->text) - used, "|%s: %s",
                                 e->headers[i].key, e->headers[i].value);
    }
    snprintf(t->text + used, sizeof(t->text) - used, "\n");
    return t->answer;
}

static koc_client *client_on(koc_ctx *ctx, script *s, traces *t)
{
    static const koc_kv headers[] = {{"X-Gateway", "g1"}};
    koc_transport_ops ops = KOC_TRANSPORT_OPS_INIT;
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    koc_transport *transport = NULL;
    koc_client *c = NULL;
    ops.send = send_scripted;
    ops.release = release;
    assert_int_equal(koc_transport_new(&ops, s, &transport, NULL), KOC_OK);
    o.transport = transport;
    o.max_attempts = 3;
    o.headers = headers;
    o.n_headers = 1;
    o.trace = t ? note : NULL;
    o.trace_payload = t;
    assert_int_equal(koc_client_new(ctx, &o, &c, NULL), KOC_OK);
    koc_transport_unref(transport);
    return c;
}

/* Reads the manifest that registry.example/a:1 names. */
static int get(script *s, traces *t, koc_buf *bytes, koc_error **err)
{
    KOC__AUTO(koc_reference) r = NULL;
    koc_ctx *ctx = NULL;
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    KOC__AUTO(koc_client) c = client_on(ctx, s, t);
    koc_ctx_unref(ctx);
    assert_int_equal(koc_reference_parse("registry.example/a:1", 0, &r, NULL), KOC_OK);
    return koc_client_get_manifest(c, r, NULL, bytes, NULL, NULL, err);
}

KOC_TEST(a_transport_gets_whole_requests_and_its_reply_is_used)
{
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    script s = {.status = {200}, .body = MANIFEST};
    assert_int_equal(get(&s, NULL, &bytes, NULL), KOC_OK);
    assert_string_equal(bytes.ptr, MANIFEST);
    assert_int_equal(s.requests, 1);
    assert_int_equal(s.released, 1);
    assert_non_null(strstr(s.seen, "GET https://registry.example/v2/a/manifests/1|"));
    assert_non_null(strstr(s.seen, "User-Agent: koc/"));
    assert_non_null(strstr(s.seen, "X-Gateway: g1|"));
}

/* The failure may be the transport's own, too. */
KOC_TEST(a_request_over_a_transport_survives_every_failing_allocation)
{
    KOC__AUTO(koc_reference) r = NULL;
    koc_ctx *ctx = NULL;
    script s = {.body = MANIFEST};
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    KOC__AUTO(koc_client) c = client_on(ctx, &s, NULL);
    koc_ctx_unref(ctx);
    assert_int_equal(koc_reference_parse("registry.example/a:1", 0, &r, NULL), KOC_OK);
    int rc = KOC_ENOMEM;
    uint64_t n = 0;
    while (rc != KOC_OK) {
        KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
        KOC__AUTO(koc_error) err = NULL;
        for (size_t i = 0; i < KOC__COUNT(s.status); i++) {
            s.status[i] = 200;
        }
        s.requests = 0;
        s.seen[0] = '\0';
        koc__alloc_fail_after(++n);
        rc = koc_client_get_manifest(c, r, NULL, &bytes, NULL, NULL, &err);
        koc__alloc_fail_after(0);
        if (rc == KOC_OK) {
            assert_string_equal(bytes.ptr, MANIFEST);
        } else {
            assert_true(rc == KOC_ENOMEM || rc == KOC_EUSER);
        }
    }
    assert_true(n > 20);
}

KOC_TEST(a_failure_of_the_network_is_tried_again_and_others_are_not)
{
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    KOC__AUTO(koc_error) err = NULL;
    script again = {.status = {KOC_ENET, 503, 200}, .body = MANIFEST};
    assert_int_equal(get(&again, NULL, &bytes, NULL), KOC_OK);
    assert_int_equal(again.requests, 3);
    script own = {.status = {KOC_EDENIED, 200}, .body = MANIFEST};
    assert_int_equal(get(&own, NULL, &bytes, &err), KOC_EUSER);
    assert_int_equal(koc_error_code(koc_error_cause(err)), KOC_EDENIED);
    assert_int_equal(own.requests, 1);
}

KOC_TEST(a_transport_that_lies_is_noticed)
{
    static const struct {
        int status;
        const char *body, *length;
    } cases[] = {
        {0, MANIFEST, NULL},      /* no status */
        {200, MANIFEST, "5"},     /* more than announced */
        {200, MANIFEST, "70000"}, /* less */
        {200, NULL, "10"},        /* nothing */
        {200, "not a manifest", NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
        KOC__AUTO(koc_error) err = NULL;
        script s = {.body = cases[i].body, .length = cases[i].length};
        for (size_t k = 0; k < KOC__COUNT(s.status); k++) {
            s.status[k] = cases[i].status;
        }
        int rc = get(&s, NULL, &bytes, &err);
        assert_int_equal(rc, i + 1 == KOC__COUNT(cases) ? KOC_EFORMAT : KOC_ENET);
        assert_null(bytes.ptr);
    }
}

static void count(void *payload)
{
    ++*(int *)payload;
}

KOC_TEST(a_trace_is_released_with_the_last_reference)
{
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    KOC__AUTO(koc_ctx) ctx = NULL;
    koc_client *c = NULL;
    int released = 0;
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    o.trace_payload = &released;
    o.trace_release = count;
    o.user_agent = "two\nlines";
    assert_int_equal(koc_client_new(ctx, &o, &c, NULL), KOC_EINVAL);
    assert_int_equal(released, 0);
    o.user_agent = NULL;
    assert_int_equal(koc_client_new(ctx, &o, &c, NULL), KOC_OK);
    koc_client_unref(koc_client_ref(c));
    assert_int_equal(released, 0);
    koc_client_unref(c);
    assert_int_equal(released, 1);
}

KOC_TEST(a_trace_shows_each_exchange_without_secrets)
{
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    traces t = {.answer = 0};
    script s = {.status = {KOC_ENET, 200}, .body = MANIFEST};
    assert_int_equal(get(&s, &t, &bytes, NULL), KOC_OK);
    const char *const parts[] = {"1 0 GET https://registry.example/v2/a/manifests/1|", "\n3 0 GET ",
                                 "\n2 200 GET ", "|Content-Type: " KOC_MT_OCI_INDEX};
    for (size_t i = 0; i < KOC__COUNT(parts); i++) {
        assert_non_null(strstr(t.text, parts[i]));
    }
    traces stop = {.answer = 1};
    script never = {.status = {200}, .body = MANIFEST};
    assert_int_equal(get(&never, &stop, &bytes, NULL), KOC_EUSER);
    assert_int_equal(never.requests, 0);
}

KOC_TEST(headers_that_koc_sets_itself_are_refused)
{
    static const char *const names[] = {"Authorization", "host", "Content-Length", "bad name"};
    koc_ctx *ctx = NULL;
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
        const koc_kv header = {names[i], "x"};
        koc_client *c = NULL;
        o.headers = &header;
        o.n_headers = 1;
        int rc = koc_client_new(ctx, &o, &c, NULL);
        assert_int_equal(rc, i + 1 == KOC__COUNT(names) ? KOC_EINVAL : KOC_EDENIED);
    }
    koc_ctx_unref(ctx);
}

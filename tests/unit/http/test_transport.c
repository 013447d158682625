/* One exchange with a scripted server: bodies both ways, connections, what breaks. */
#include "core/common.h"

#include <koc/context.h>

#include "core/str.h"
#include "http/transport.h"
#include "scripted.h"
#include "test.h"

#define KIB ((size_t)1 << 10)

typedef struct lane {
    scripted *server;
    koc__http_pool *transport;
    koc_ctx *ctx;
    koc__call call;
    koc__url url;
    koc__headers headers;
    koc__http_request rq;
    koc__http_reply reply;
    koc__dynbuf body;
    koc_error *err;
} lane;

/* A GET of the server's "/a". */
static void lane_open(lane *l, const scripted_rule *rules)
{
    koc_op op = KOC_OP_INIT;
    *l = (lane){.server = scripted_start(rules),
                .reply = KOC__HTTP_REPLY_INIT,
                .body = KOC__DYNBUF_INIT(1 << 20)};
    op.timeout_ms = 20000;
    assert_int_equal(koc_ctx_new(NULL, &l->ctx, NULL), KOC_OK);
    assert_int_equal(koc__call_begin(&l->call, l->ctx, &op, NULL), KOC_OK);
    assert_int_equal(koc__http_pool_new(2, &l->transport, NULL), KOC_OK);
    assert_int_equal(koc__url_make(false, scripted_host(l->server), "/a", &l->url, NULL), KOC_OK);
    l->rq = (koc__http_request){.method = "GET",
                                .url = &l->url,
                                .headers = &l->headers,
                                .connect_timeout_ms = 10000,
                                .response_timeout_ms = 10000};
}

static void lane_close(lane *l)
{
    koc_error_free(l->err);
    koc__dynbuf_dispose(&l->body);
    koc__http_reply_dispose(&l->reply);
    koc__headers_dispose(&l->headers);
    koc__url_dispose(&l->url);
    koc__http_pool_free(l->transport);
    koc__call_end(&l->call);
    koc_ctx_unref(l->ctx);
    scripted_stop(l->server);
}
KOC__DEFINE_AUTO_VAL(lane, lane_close);

static int ask(lane *l)
{
    koc_error_free(l->err);
    l->err = NULL;
    koc__dynbuf_clear(&l->body);
    koc__http_reply_dispose(&l->reply);
    l->reply = (koc__http_reply)KOC__HTTP_REPLY_INIT;
    return koc__exchange_fetch(l->transport, &l->rq, &l->call, &l->reply, &l->body, &l->err);
}

static const char *message(const lane *l)
{
    return l->err ? koc_error_message(l->err) : "";
}

static char *many(size_t n)
{
    char *data = koc__malloc(n + 1);
    for (size_t i = 0; i < n; i++) {
        data[i] = (char)('a' + (i * 7 + i / 251) % 26);
    }
    data[n] = '\0';
    return data;
}

KOC_TEST(a_reply_has_a_status_its_fields_and_its_body)
{
    KOC__AUTO_VAL(lane) l;
    lane_open(&l, (scripted_rule[]){{"GET", "/a", 206,
                                     .fields = "X-One: 1\r\nbad name: 2\r\nX-Two:  b \r\n",
                                     .body = "hello"},
                                    {0}});
    assert_int_equal(koc__headers_put(&l.headers, "X-Own", "v", NULL), KOC_OK);
    assert_int_equal(koc__headers_put(&l.headers, "X-None", "", NULL), KOC_OK);
    assert_int_equal(ask(&l), KOC_OK);
    assert_int_equal(l.reply.status, 206);
    assert_string_equal(l.reply.address, "127.0.0.1");
    assert_false(l.reply.expect_expired);
    assert_string_equal(koc__headers_get(&l.reply.headers, "x-one"), "1");
    assert_string_equal(koc__headers_get(&l.reply.headers, "x-two"), "b");
    assert_null(koc__headers_get(&l.reply.headers, "bad name"));
    assert_string_equal(koc__dynbuf_cstr(&l.body), "hello");
    const scripted_request *r = scripted_get(l.server, NULL, NULL, 0);
    assert_string_equal(r->method, "GET");
    assert_string_equal(r->target, "/a");
    assert_string_equal(scripted_field(r, "X-Own"), "v");
    assert_non_null(strstr(r->head, "X-None:"));
    assert_string_equal(scripted_field(r, "Host"), scripted_host(l.server));
    assert_string_equal(scripted_field(r, "Accept"), ""); /* none that koc did not ask for */
    assert_string_equal(scripted_field(r, "User-Agent"), "");
    assert_string_equal(scripted_field(r, "Content-Length"), "");
    assert_string_equal(scripted_field(r, "Expect"), "");
}

KOC_TEST(only_the_last_head_counts)
{
    KOC__AUTO_VAL(lane) l;
    lane_open(
        &l,
        (scripted_rule[]){
            {"GET", NULL, 1, .raw = true,
             .body =
                 "HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Late: 1\r\n\r\n"},
            {0}});
    assert_int_equal(ask(&l), KOC_OK);
    assert_int_equal(l.reply.status, 200);
    assert_null(koc__headers_get(&l.reply.headers, "X-Early"));
    assert_null(koc__headers_get(&l.reply.headers, "X-Late"));
    assert_string_equal(koc__dynbuf_cstr(&l.body), "hello");
}

KOC_TEST(a_head_has_no_body)
{
    KOC__AUTO_VAL(lane) l;
    lane_open(&l, (scripted_rule[]){{"HEAD", NULL, 200, .fields = "Content-Length: 77\r\n"}, {0}});
    l.rq.method = "HEAD";
    assert_int_equal(ask(&l), KOC_OK);
    assert_int_equal(l.body.len, 0);
    assert_string_equal(koc__headers_get(&l.reply.headers, "Content-Length"), "77");
    assert_string_equal(scripted_get(l.server, NULL, NULL, 0)->method, "HEAD");
}

/* --- bodies of requests --- */

static uint64_t last_sent;

static void on_sent(void *self, uint64_t bytes)
{
    assert_ptr_equal(self, &last_sent);
    last_sent = bytes;
}

KOC_TEST(a_text_is_sent_whole)
{
    KOC__AUTO_VAL(lane) l;
    lane_open(&l, (scripted_rule[]){{"POST", NULL, 201}, {0}});
    l.rq.method = "POST";
    l.rq.has_body = true;
    l.rq.bytes = KOC__STR("a=b&c");
    l.rq.sent = on_sent;
    l.rq.sent_self = &last_sent;
    last_sent = 0;
    assert_int_equal(ask(&l), KOC_OK);
    const scripted_request *r = scripted_get(l.server, "POST", NULL, 0);
    assert_string_equal(r->body, "a=b&c");
    assert_string_equal(scripted_field(r, "Content-Length"), "5");
    assert_string_equal(scripted_field(r, "Expect"), "");
    assert_int_equal(last_sent, 5);
    l.rq.bytes = (koc_str){"", 0};
    assert_int_equal(ask(&l), KOC_OK);
    assert_string_equal(scripted_field(scripted_get(l.server, "POST", NULL, 1), "Content-Length"),
                        "0");
}

KOC_TEST(a_part_of_a_blob_is_sent_from_its_offset)
{
    const size_t n = 300 * KIB;
    KOC__AUTO_STR data = many(n);
    koc_blob *blob = NULL;
    KOC__AUTO_VAL(lane) l;
    lane_open(&l, (scripted_rule[]){{"PUT", NULL, 201}, {0}});
    assert_int_equal(koc_blob_from_bytes(koc__str_n(data, n), &blob, NULL), KOC_OK);
    l.rq.method = "PUT";
    l.rq.has_body = true;
    l.rq.blob = blob;
    l.rq.blob_offset = 1000;
    l.rq.blob_size = n - 3000;
    l.rq.sent = on_sent;
    l.rq.sent_self = &last_sent;
    assert_int_equal(ask(&l), KOC_OK);
    const scripted_request *r = scripted_get(l.server, "PUT", NULL, 0);
    assert_int_equal(r->body_len, n - 3000);
    assert_memory_equal(r->body, data + 1000, n - 3000);
    assert_int_equal(last_sent, n - 3000);
    koc_blob_unref(blob);
}

/* libcurl sends it again by itself when a kept connection breaks: from its beginning, and counted anew. */
KOC_TEST(a_body_that_is_sent_again_begins_at_its_offset)
{
    const size_t n = 400 * KIB;
    KOC__AUTO_STR data = many(n);
    koc_blob *blob = NULL;
    KOC__AUTO_VAL(lane) l;
    lane_open(&l, (scripted_rule[]){{"GET", NULL, 200},
                                    {"PUT", NULL, 0, .takes = 200 * KIB, .times = 1},
                                    {"PUT", NULL, 201},
                                    {0}});
    assert_int_equal(ask(&l), KOC_OK);
    assert_int_equal(koc_blob_from_bytes(koc__str_n(data, n), &blob, NULL), KOC_OK);
    l.rq.method = "PUT";
    l.rq.has_body = true;
    l.rq.blob = blob;
    l.rq.blob_offset = 5;
    l.rq.blob_size = n - 7;
    l.rq.sent = on_sent;
    l.rq.sent_self = &last_sent;
    assert_int_equal(ask(&l), KOC_OK);
    assert_int_equal(scripted_count(l.server, "PUT", NULL), 2);
    const scripted_request *r = scripted_get(l.server, "PUT", NULL, 1);
    assert_int_equal(r->body_len, n - 7);
    assert_memory_equal(r->body, data + 5, n - 7);
    assert_int_equal(last_sent, n - 7);
    koc_blob_unref(blob);
}

KOC_TEST(content_that_ends_early_is_a_failure_of_this_host)
{
    koc_blob *blob = NULL;
    KOC__AUTO_VAL(lane) l;
    lane_open(&l, (scripted_rule[]){{"PUT", NULL, 201}, {0}});
    assert_int_equal(koc_blob_from_bytes(KOC__STR("0123456789"), &blob, NULL), KOC_OK);
    l.rq.method = "PUT";
    l.rq.has_body = true;
    l.rq.blob = blob;
    l.rq.blob_offset = 4;
    l.rq.blob_size = 9;
    assert_int_equal(ask(&l), KOC_EIO);
    assert_int_equal(l.reply.failure, KOC__FAIL_LOCAL);
    assert_string_equal(message(&l), "the content ended 3 bytes before its size");
    koc_blob_unref(blob);
}

KOC_TEST(a_long_body_is_announced)
{
    static const struct {
        size_t n;
        bool expect, announced;
    } cases[] = {
        {KIB * KIB + 1, true, true}, {KIB * KIB, true, false}, {KIB * KIB + 1, false, false}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_STR data = many(cases[i].n);
        KOC__AUTO_VAL(lane) l;
        lane_open(&l, (scripted_rule[]){
                          {"PUT", NULL, 403, .needs = "Expect: 100-continue", .unread = true},
                          {"PUT", NULL, 201},
                          {0}});
        l.rq.method = "PUT";
        l.rq.has_body = true;
        l.rq.expect = cases[i].expect;
        l.rq.bytes = koc__str_n(data, cases[i].n);
        assert_int_equal(ask(&l), KOC_OK);
        assert_int_equal(l.reply.status, cases[i].announced ? 403 : 201);
        assert_int_equal(scripted_get(l.server, "PUT", NULL, 0)->body_len,
                         cases[i].announced ? 0 : cases[i].n);
    }
}

/* --- bodies of replies --- */

KOC_TEST(a_reply_is_read_in_pieces_of_any_size)
{
    static const size_t pieces[] = {1000, 70000, 200000, 1 << 20};
    const size_t n = 700 * KIB;
    KOC__AUTO_STR data = many(n);
    KOC__AUTO_STR got = koc__malloc((size_t)1 << 20);
    for (size_t i = 0; i < KOC__COUNT(pieces); i++) {
        KOC__AUTO_VAL(lane) l;
        KOC__AUTO(koc__exchange) x = NULL;
        koc__failure why = KOC__FAIL_NONE;
        size_t all = 0, got_now = 1;
        lane_open(&l, (scripted_rule[]){{"GET", NULL, 200, .body = data, .body_len = n}, {0}});
        assert_int_equal(koc__exchange_open(l.transport, &l.rq, &l.call, &l.reply, &x, NULL),
                         KOC_OK);
        while (got_now > 0) {
            size_t want = KOC__MIN(pieces[i], ((size_t)1 << 20) - all);
            assert_int_equal(koc__exchange_read(x, &l.call, got + all, want, &got_now, &why, NULL),
                             KOC_OK);
            assert_true(got_now <= want);
            all += got_now;
        }
        assert_int_equal(all, n);
        assert_memory_equal(got, data, n);
        assert_int_equal(koc__exchange_read(x, &l.call, got, 10, &got_now, &why, NULL), KOC_OK);
        assert_int_equal(got_now, 0);
    }
}

KOC_TEST(a_reply_over_the_limit_is_refused_or_cut)
{
    static const struct {
        int status;
        size_t max;
        int rc;
        size_t len;
    } cases[] = {{200, 10, KOC_OK, 10},
                 {200, 9, KOC_ELIMIT, 0},
                 {299, 9, KOC_ELIMIT, 0},
                 {300, 9, KOC_OK, 9},
                 {404, 9, KOC_OK, 9}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(lane) l;
        lane_open(&l, (scripted_rule[]){{"GET", NULL, cases[i].status, .body = "0123456789"}, {0}});
        l.body.max = cases[i].max;
        assert_int_equal(ask(&l), cases[i].rc);
        assert_int_equal(l.body.len, cases[i].len);
        assert_true(cases[i].rc == KOC_OK || l.reply.failure == KOC__FAIL_LOCAL);
        assert_string_equal(message(&l), cases[i].rc ? "the reply has more than 9 bytes" : "");
    }
}

KOC_TEST(replies_that_are_none_are_told_apart)
{
    static const struct {
        const char *text;
        size_t breaks_at;
        int rc;
        koc__failure why;
        const char *words;
    } cases[] = {
        {"", 0, KOC_ENET, KOC__FAIL_BROKEN, "the connection was closed without a reply"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc", 0, KOC_ENET, KOC__FAIL_BROKEN,
         "the reply ended before its Content-Length"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nabc", 0, KOC_ENET,
         KOC__FAIL_BROKEN, "the reply"},
        {"SSH-2.0-OpenSSH_9\r\n", 0, KOC_ENET, KOC__FAIL_PROTOCOL, "not an HTTP reply ("},
        {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", 0, KOC_ENET, KOC__FAIL_PROTOCOL,
         "not an HTTP reply ("},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(lane) l;
        lane_open(&l, (scripted_rule[]){{"GET", NULL, 1, .raw = true, .body = cases[i].text}, {0}});
        assert_int_equal(ask(&l), cases[i].rc);
        assert_int_equal(l.reply.failure, cases[i].why);
        assert_non_null(strstr(message(&l), cases[i].words));
    }
}

KOC_TEST(a_head_over_its_limits_is_no_reply)
{
    KOC__AUTO_VAL(koc__dynbuf) fields = KOC__DYNBUF_INIT(1 << 20);
    KOC__AUTO_VAL(lane) l;
    for (int i = 0; i <= KOC__HEADERS_COUNT_MAX; i++) {
        assert_int_equal(koc__dynbuf_printf(&fields, NULL, "X-%d: y\r\n", i), KOC_OK);
    }
    lane_open(&l, (scripted_rule[]){{"GET", NULL, 200, .fields = koc__dynbuf_cstr(&fields)}, {0}});
    assert_int_equal(ask(&l), KOC_ELIMIT);
    assert_int_equal(l.reply.failure, KOC__FAIL_PROTOCOL);
    assert_non_null(strstr(message(&l), "more than 200 header fields"));
}

/* libcurl calls that a lack of memory. */
KOC_TEST(a_line_of_a_head_that_is_too_long_is_told)
{
    static const char begin[] = "HTTP/1.1 200 OK\r\nX: ";
    const size_t n = 300 * KIB;
    KOC__AUTO_STR text = many(n);
    KOC__AUTO_VAL(lane) l;
    memcpy(text, begin, sizeof(begin) - 1);
    lane_open(&l,
              (scripted_rule[]){{"GET", NULL, 1, .raw = true, .body = text, .body_len = n}, {0}});
    assert_int_equal(ask(&l), KOC_ELIMIT);
    assert_int_equal(l.reply.failure, KOC__FAIL_PROTOCOL);
    assert_string_equal(message(&l), "a line of the reply's head is too long");
}

/* --- connections --- */

static int connection_of(lane *l)
{
    size_t n = scripted_count(l->server, NULL, NULL);
    assert_int_equal(ask(l), KOC_OK);
    return scripted_get(l->server, NULL, NULL, n)->connection;
}

KOC_TEST(a_connection_is_kept_for_the_same_use)
{
    KOC__AUTO_VAL(lane) l;
    lane_open(&l, (scripted_rule[]){{"GET", NULL, 200, .body = "hello"}, {0}});
    assert_int_equal(connection_of(&l), 1);
    assert_int_equal(connection_of(&l), 1);
    l.rq.fresh = true;
    assert_int_equal(connection_of(&l), 2);
    l.rq.fresh = false;
    assert_int_equal(connection_of(&l), 2); /* the last one used first */
    l.rq.insecure = true;
    assert_int_equal(connection_of(&l), 3);
    l.rq.insecure = false;
    l.rq.client_cert = "/no/such/cert";
    assert_int_equal(connection_of(&l), 4);
    l.rq.client_cert = NULL;
    l.rq.ca_pem = KOC__STR("x");
    assert_int_equal(connection_of(&l), 5);
    l.rq.ca_pem = (koc_str){NULL, 0};
    assert_true(connection_of(&l) <= 2);
}

KOC_TEST(a_connection_with_the_rest_of_a_reply_is_not_kept)
{
    const size_t n = 400 * KIB;
    KOC__AUTO_STR data = many(n);
    KOC__AUTO_VAL(lane) l;
    koc__exchange *x = NULL;
    lane_open(&l, (scripted_rule[]){{"GET", NULL, 200, .body = data, .body_len = n, .times = 1},
                                    {"GET", NULL, 200, .body = "hello"},
                                    {0}});
    assert_int_equal(koc__exchange_open(l.transport, &l.rq, &l.call, &l.reply, &x, NULL), KOC_OK);
    koc__exchange_close(x);
    assert_int_equal(connection_of(&l), 2);
    assert_string_equal(koc__dynbuf_cstr(&l.body), "hello");
}

/* At most two, as the lane says; those that are not counted come in between. */
KOC_TEST(more_exchanges_than_allowed_wait)
{
    KOC__AUTO_VAL(lane) l;
    KOC__AUTO_VAL(koc__call) late = {0};
    koc__exchange *x[3] = {NULL, NULL, NULL};
    koc__http_reply reply = KOC__HTTP_REPLY_INIT;
    koc_op op = KOC_OP_INIT;
    lane_open(&l, (scripted_rule[]){{"GET", NULL, 200, .body = "hello"}, {0}});
    op.timeout_ms = 200;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(koc__exchange_open(l.transport, &l.rq, &l.call, &reply, &x[i], NULL),
                         KOC_OK);
        koc__http_reply_dispose(&reply);
    }
    assert_int_equal(koc__call_begin(&late, l.ctx, &op, NULL), KOC_OK);
    assert_int_equal(koc__exchange_open(l.transport, &l.rq, &late, &reply, &x[2], NULL),
                     KOC_ETIMEOUT);
    assert_int_equal(scripted_count(l.server, NULL, NULL), 2);
    assert_int_equal(ask(&l), KOC_OK); /* not counted */
    koc__exchange_close(x[0]);
    assert_int_equal(koc__exchange_open(l.transport, &l.rq, &l.call, &reply, &x[2], NULL), KOC_OK);
    koc__http_reply_dispose(&reply);
    koc__exchange_close(x[1]);
    koc__exchange_close(x[2]);
}

KOC_TEST(a_host_that_refuses_is_told)
{
    KOC__AUTO_VAL(lane) l;
    lane_open(&l, (scripted_rule[]){{0}});
    koc__url_dispose(&l.url);
    assert_int_equal(koc__url_make(false, "127.0.0.1:1", "/", &l.url, NULL), KOC_OK);
    assert_int_equal(ask(&l), KOC_ENET);
    assert_int_equal(l.reply.failure, KOC__FAIL_CONNECT);
    assert_string_equal(message(&l), "connection refused");
    l.rq.proxy = "http://user:planted@127.0.0.1:1/";
    l.rq.proxy_from = "HTTP_PROXY";
    assert_int_equal(ask(&l), KOC_ENET);
    assert_string_equal(message(&l),
                        "the proxy http://127.0.0.1:1 (HTTP_PROXY): connection refused");
    assert_string_equal(koc_error_hint(l.err), "NO_PROXY=127.0.0.1 connects without the proxy");
}

KOC_TEST(a_proxy_gets_the_whole_url)
{
    KOC__AUTO_VAL(lane) l;
    lane_open(&l,
              (scripted_rule[]){{"GET", "http://registry.test:5000/a", 200, .body = "hello"}, {0}});
    KOC__AUTO_STR proxy = koc__format("http://%s", scripted_host(l.server));
    koc__url_dispose(&l.url);
    assert_int_equal(koc__url_make(false, "registry.test:5000", "/a", &l.url, NULL), KOC_OK);
    l.rq.proxy = proxy;
    assert_int_equal(ask(&l), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&l.body), "hello");
    assert_string_equal(l.reply.address, ""); /* the proxy's says nothing about the host */
}

KOC_TEST(a_public_host_leads_to_no_address_of_this_one)
{
    KOC__AUTO_VAL(lane) l;
    lane_open(&l, (scripted_rule[]){{"GET", NULL, 200}, {0}});
    l.rq.reach = KOC__REACH_PUBLIC;
    assert_int_equal(ask(&l), KOC_EDENIED);
    assert_int_equal(l.reply.failure, KOC__FAIL_LOCAL);
    assert_int_equal(scripted_count(l.server, NULL, NULL), 0);
    assert_non_null(strstr(message(&l), "refused to connect to 127.0.0.1"));
    l.rq.reach = KOC__REACH_ANY;
    assert_int_equal(ask(&l), KOC_OK);
    /* A connection that another request made is not taken for this one. */
    l.rq.reach = KOC__REACH_PUBLIC;
    assert_int_equal(ask(&l), KOC_EDENIED);
    assert_int_equal(scripted_count(l.server, NULL, NULL), 1);
}

KOC_TEST(a_name_without_an_address_is_told)
{
    KOC__AUTO_VAL(lane) l;
    lane_open(&l, (scripted_rule[]){{0}});
    koc__url_dispose(&l.url);
    assert_int_equal(koc__url_make(false, "a.invalid", "/", &l.url, NULL), KOC_OK);
    assert_int_equal(ask(&l), KOC_ENET);
    assert_int_equal(l.reply.failure, KOC__FAIL_RESOLVE);
    assert_string_equal(message(&l), "no such host");
}

KOC_TEST(a_call_that_is_over_sends_nothing)
{
    KOC__AUTO_VAL(lane) l;
    KOC__AUTO_VAL(koc__call) over = {0};
    koc__exchange *x = NULL;
    koc_op op = KOC_OP_INIT;
    koc_cancel *cancel = NULL;
    lane_open(&l, (scripted_rule[]){{"GET", NULL, 200, .delay_ms = -1}, {0}});
    assert_int_equal(koc_cancel_new(&cancel, NULL), KOC_OK);
    op.cancel = cancel;
    assert_int_equal(koc__call_begin(&over, l.ctx, &op, NULL), KOC_OK);
    koc_cancel_trigger(cancel);
    assert_int_equal(koc__exchange_open(l.transport, &l.rq, &over, &l.reply, &x, NULL),
                     KOC_ECANCELLED);
    assert_int_equal(l.reply.failure, KOC__FAIL_LOCAL);
    assert_int_equal(scripted_count(l.server, NULL, NULL), 0);
    koc_cancel_unref(cancel);

    KOC__AUTO_VAL(koc__call) soon = {0};
    op = (koc_op)KOC_OP_INIT;
    op.timeout_ms = 200;
    assert_int_equal(koc__call_begin(&soon, l.ctx, &op, NULL), KOC_OK);
    assert_int_equal(koc__exchange_open(l.transport, &l.rq, &soon, &l.reply, &x, NULL),
                     KOC_ETIMEOUT);
    assert_int_equal(l.reply.failure, KOC__FAIL_LOCAL);
}

KOC_TEST(a_server_that_is_silent_is_given_up)
{
    KOC__AUTO_VAL(lane) l;
    lane_open(&l, (scripted_rule[]){{"GET", NULL, 200, .delay_ms = -1}, {0}});
    l.rq.response_timeout_ms = 200;
    assert_int_equal(ask(&l), KOC_ETIMEOUT);
    assert_int_equal(l.reply.failure, KOC__FAIL_SILENT);
}

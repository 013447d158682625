/*
 * The only way to the network: sends one request, gives the head of the reply, then the body in
 * pieces. It does not redirect, retry or add credentials (registry/host/request.c does).
 * transport_curl.c keeps connections open for reuse: one handle per connection, the last one used
 * first.
 */
#ifndef KOC__TRANSPORT_H
#define KOC__TRANSPORT_H

#include "core/run/call.h"
#include "http/http_message.h"
#include "http/user_transport.h"

typedef struct koc__http_pool koc__http_pool;
typedef struct koc__exchange koc__exchange;

/* max_per_host: the most exchanges with one origin at the same time, without those that are
 * uncounted. */
int koc__http_pool_new(unsigned max_per_host, koc__http_pool **out, koc_error **err);
/* Before the first exchange. Refs hooks->transport. */
void koc__http_pool_hook(koc__http_pool *t, const koc__hooks *hooks);
void koc__http_pool_free(koc__http_pool *t);

/* The PEM file of the system's authorities, to be joined with others; NULL when libcurl reads
 * them from a directory. Static or borrowed from the environment. */
const char *koc__http_bundle(void);

/* Sends rq and waits for the head of the reply. On failure there is no exchange, and only
 * reply->failure is set. */
int koc__exchange_open(koc__http_pool *t, const koc__http_request *rq, koc__call *call,
                       koc__http_reply *reply, koc__exchange **out, koc_error **err);
/* The next bytes of the body; *n 0: the end, complete as far as HTTP can tell. */
int koc__exchange_read(koc__exchange *x, koc__call *call, void *buf, size_t len, size_t *n,
                       koc__failure *why, koc_error **err);
/* Keeps the connection for reuse, or closes it when the body was not read to its end. Takes
 * NULL. */
void koc__exchange_close(koc__exchange *x);

/* --- reply_body.c --- */

/* Reads the rest of the body into body, at most body->max bytes of it. A longer one is
 * KOC_ELIMIT, or with may_cut it is cut, which is enough for a text that only explains an error. */
int koc__exchange_read_all(koc__exchange *x, koc__call *call, bool may_cut, koc__dynbuf *body,
                           koc__failure *why, koc_error **err);
/* A whole uncounted exchange: head and body of the reply, the latter cut if the status is 300 or
 * more. */
int koc__exchange_fetch(koc__http_pool *t, const koc__http_request *rq, koc__call *call,
                        koc__http_reply *reply, koc__dynbuf *body, koc_error **err);
KOC__DEFINE_AUTO(koc__exchange, koc__exchange_close);
KOC__DEFINE_AUTO(koc__http_pool, koc__http_pool_free);

/* Initialises libcurl once per process. */
int koc__curl_global_init(koc_error **err);
const char *koc__curl_version(void); /* "libcurl/7.88.1 OpenSSL/3.0.15"; static */
bool koc__curl_has_http2(void);

#endif

/*
 * The only door to the network: sends one request, gives the head of the reply, then the body in pieces.
 * No redirects, no retries, no credentials of its own (registry/host/request.c). transport_curl.c keeps warm
 * connections: one handle per connection, the last one used first.
 */
#ifndef KOC__TRANSPORT_H
#define KOC__TRANSPORT_H

#include "core/run/call.h"
#include "http/http_message.h"

typedef struct koc__transport koc__transport;
typedef struct koc__exchange koc__exchange;

/* max_per_host: exchanges at once to an origin (downloads that somebody reads do not count). */
int koc__transport_new(unsigned max_per_host, koc__transport **out, koc_error **err);
void koc__transport_free(koc__transport *t);

/* The file of the system's authorities, to be put beside one's own; NULL where libcurl finds them by
 * itself in a folder. Static or borrowed from the environment. */
const char *koc__transport_bundle(void);

/* Sends and waits for the head. On failure *why says what kind, and there is no exchange. The reply is
 * filled on success only. uncounted: not held against max_per_host, since something that holds a place
 * waits for it: a body that is read slowly, a token. */
int koc__exchange_open(koc__transport *t, const koc__http_request *rq, bool uncounted,
                       koc__call *call, koc__http_reply *reply, koc__failure *why,
                       koc__exchange **out, koc_error **err);
/* The next bytes of the body; *n 0: the end, complete as far as HTTP can tell. */
int koc__exchange_read(koc__exchange *x, koc__call *call, void *buf, size_t len, size_t *n,
                       koc__failure *why, koc_error **err);
/* Gives the connection back (or closes it when the body was not read to its end). Takes NULL. */
void koc__exchange_close(koc__exchange *x);
KOC__DEFINE_AUTO(koc__exchange, koc__exchange_close);
KOC__DEFINE_AUTO(koc__transport, koc__transport_free);

/* Once per process; a failure can be tried again. */
int koc__curl_global_init(koc_error **err);
const char *koc__curl_version(void); /* "libcurl/7.88.1 OpenSSL/3.0.15"; static */
bool koc__curl_has_http2(void);

#endif

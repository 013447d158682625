/*
 * One request to a registry, with everything that takes: credentials, redirects, retries, time
 * limits. Every operation of the module consists of these.
 */
#ifndef KOC__REQUEST_H
#define KOC__REQUEST_H

#include "http/cookies.h"
#include "http/transport.h"
#include "registry/host/host.h"
#include "registry/registry_error.h"

enum {
    KOC__RQ_STREAM = 1u << 0,  /* the caller reads the body of a success from resp->exchange */
    KOC__RQ_UNSAFE = 1u << 1,  /* not repeated when its outcome is unknown */
    KOC__RQ_SLOW = 1u << 2,    /* the server may take long before it answers */
    KOC__RQ_ONE_TRY = 1u << 3, /* not retried at all: the caller has a better way */
    KOC__RQ_ORIGIN = 1u << 4   /* only to the registry itself, never to a mirror */
};

typedef struct koc__request {
    koc__host *host;
    koc__operation what; /* chooses the words of errors */
    const char *method;
    const char *target;     /* "/v2/…" at host; or */
    const koc__url *url;    /* a URL that an earlier reply named */
    const char *repository; /* decides credentials and scope; NULL: none */
    uint32_t actions;       /* KOC__ACT_* */
    const char *mount_from; /* another repository that must be readable too, or NULL */
    const char *accept;
    const char *content_type;
    const char *content_range;
    const char *range;
    koc_str bytes;
    koc_blob *blob;
    uint64_t blob_offset;
    uint64_t blob_size;
    bool has_body;
    bool fresh;       /* over a new connection */
    size_t max_reply; /* longest body of a success; more is KOC_ELIMIT. 0: the body is dropped */
    koc__cookies *cookies; /* of the upload session; NULL: none are kept */
    const int *also;       /* statuses beside 2xx that the caller handles; ends with 0 */
    uint32_t flags;
    void (*sent)(void *self, uint64_t bytes);
    void *sent_self;
} koc__request;

typedef struct koc__response {
    int status;
    koc__headers headers;
    koc__dynbuf body;
    koc__url url;            /* the URL that sent this reply: Locations are relative to it */
    koc__exchange *exchange; /* with KOC__RQ_STREAM: gives the body; else NULL */
    koc__failure failure;    /* why there was no reply; counts when status is 0 */
    koc__regerror error;     /* read from the body of an unsuccessful reply */
} koc__response;
/* clang-format off */
#define KOC__RESPONSE_INIT { 0, KOC__HEADERS_INIT, KOC__DYNBUF_INIT(0), KOC__URL_INIT, NULL, KOC__FAIL_NONE, { "", "" } }
/* clang-format on */
void koc__response_dispose(koc__response *r);
KOC__DEFINE_AUTO_VAL(koc__response, koc__response_dispose);

/* Runs rq at rq->host, whatever mirrors it has. KOC_OK: the status is 2xx or one of rq->also.
 * Else the error does not name the operation (the caller prefixes it), and resp has the status,
 * or the failure when there was no reply. */
int koc__request_run_at(const koc__request *rq, koc__call *call, koc__response *resp,
                        koc_error **err);

#endif

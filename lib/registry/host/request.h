/*
 * One logical request to a registry: credentials, redirects by hand, retries, deadlines, limits. Every
 * operation of the module is made of these.
 */
#ifndef KOC__REQUEST_H
#define KOC__REQUEST_H

#include "http/cookies.h"
#include "registry/client.h"
#include "registry/host/token.h"
#include "registry/registry_error.h"

enum {
    KOC__RQ_STREAM = 1u << 0,  /* leave the body of a success to the caller: resp->exchange */
    KOC__RQ_UNSAFE = 1u << 1,  /* not to be repeated when its outcome is unknown */
    KOC__RQ_SLOW = 1u << 2,    /* the server may think long before it answers */
    KOC__RQ_ONE_TRY = 1u << 3, /* no retries at all: the caller has a better way */
    KOC__RQ_ORIGIN = 1u << 4   /* of the registry itself, not of a mirror */
};

typedef struct koc__request {
    koc__host *host;
    koc__operation what; /* for the words of errors */
    const char *method;
    const char *target;     /* "/v2/…"; or */
    const koc__url *url;    /* where an earlier reply pointed */
    const char *repository; /* for credentials and scopes; NULL: none */
    uint32_t actions;       /* KOC__ACT_* */
    const char *mount_from; /* another repository whose content is wanted too, or NULL */
    const char *accept;
    const char *content_type;
    const char *content_range;
    const char *range;
    koc_str bytes;
    koc_blob *blob;
    uint64_t blob_offset;
    uint64_t blob_size;
    bool has_body;
    bool fresh;            /* over a connection of its own */
    size_t max_reply;      /* of a success's body; more is KOC_ELIMIT. 0: read and dropped */
    koc__cookies *cookies; /* of the upload session, or NULL: none are kept */
    const int *also;       /* statuses beside 2xx that the caller understands; ends with 0 */
    uint32_t flags;
    void (*sent)(void *self, uint64_t bytes);
    void *sent_self;
} koc__request;

typedef struct koc__response {
    int status;
    koc__headers headers;
    koc__dynbuf body;
    koc__url url; /* that gave this reply: Locations are relative to it */
    koc__exchange *exchange;
    koc__failure failure; /* when the run failed without a status */
    koc__regerror error;  /* read from the body when the status is no success */
} koc__response;
/* clang-format off */
#define KOC__RESPONSE_INIT { 0, KOC__HEADERS_INIT, KOC__DYNBUF_INIT(0), KOC__URL_INIT, NULL, KOC__FAIL_NONE, { "", "" } }
/* clang-format on */
void koc__response_dispose(koc__response *r);
KOC__DEFINE_AUTO_VAL(koc__response, koc__response_dispose);

/* Asks the mirrors that may be asked, then the registry (mirrors.c). */
int koc__request_run(const koc__request *rq, koc__call *call, koc__response *resp, koc_error **err);
/* Asks rq->host alone. KOC_OK: the status is 2xx or one of rq->also. Else an error for people (without the name of what was
 * done: prefix it), and resp tells status or failure. */
int koc__request_run_at(const koc__request *rq, koc__call *call, koc__response *resp,
                        koc_error **err);

/* A piece of work at a registry that had to wait, for koc_progress: of kind REQUEST, or of a blob. */
typedef struct koc__waiter {
    koc__call *call;
    koc__host *host;
    uint64_t id; /* 0 until it waits for the first time */
    unsigned attempt;
} koc__waiter;
/* reason is scrubbed and logged. */
void koc__waiter_wait(koc__waiter *w, const char *reason, int64_t ms);
/* The waiting is over, or the whole (FINISHED, FAILED): told only when there was a wait. */
void koc__waiter_tell(const koc__waiter *w, int32_t state);
/* Tells, sleeps, tells that it goes on. */
int koc__waiter_sleep(koc__waiter *w, const char *reason, int64_t ms, koc_error **err);
/* One wait that belongs to no request. */
int koc__host_wait(koc__host *h, koc__call *call, unsigned attempt, const char *reason, int64_t ms,
                   koc_error **err);

/* --- session.c: credentials on requests --- */

/* Adds Authorization when the host is known to want it. *sent: whether it did. */
int koc__session_authorize(koc__host *h, const koc__request *rq, koc__call *call,
                           koc__headers *headers, bool *sent, koc_error **err);
/* After a 401 from the registry itself: *again when the request should be sent once more. authorized:
 * this request had credentials; refreshed: it was sent again before for that reason. */
int koc__session_challenged(koc__host *h, const koc__request *rq, const koc__response *resp,
                            bool authorized, bool *refreshed, bool *again, koc__call *call,
                            koc_error **err);
/* Whether nothing was found for repository, so that requests go without credentials. */
bool koc__session_is_anonymous(koc__host *h, const char *repository);
/* What a server says may hold what it was sent: takes the host's secrets out of text, in place. */
void koc__session_scrub(void *host, char *text);
/* Adds the hint about which credentials were used, or that there are none. */
void koc__session_explain(koc__host *h, const char *repository, koc_error **err);

/* --- token_fetch.c --- */

/* A token for rq's repository. cred NULL: anonymously. demanded: the scope that a challenge named, or
 * NULL; with_mount: for rq->mount_from too. */
int koc__token_fetch(koc__host *h, const koc__request *rq, const koc_credential *cred,
                     const char *demanded, bool with_mount, koc__call *call, koc__token_reply *out,
                     koc_error **err);
/* Authorization: Basic. */
int koc__basic_header(koc__headers *h, const koc_credential *cred, koc_error **err);
/* One exchange with nothing around it; the body whole, at most max bytes of it. */
int koc__send_plain(koc_client *c, const koc__http_request *rq, size_t max, koc__call *call,
                    koc__http_reply *reply, koc__dynbuf *body, koc__failure *why, koc_error **err);

#endif

/*
 * The inside of the server. serve_http.c moves bytes between libmicrohttpd and exchanges; no other file uses
 * an HTTP library. An exchange begins with the head of a request, takes the body piece by piece and ends with
 * a reply.
 */
#ifndef KOC__SERVE_H
#define KOC__SERVE_H

#include <stdatomic.h>

#include <koc/ext/serve.h>

#include "core/dynbuf.h"
#include "model/model.h"
#include "serve/referrer_graph.h"
#include "serve/route.h"
#include "serve/served_content.h"
#include "serve/served_names.h"
#include "serve/uploads.h"

enum { KOC__REPLY_HEADERS = 10, KOC__QUERY_TAGS = 10 };

typedef struct koc__server {
    koc_ctx *ctx;       /* borrowed */
    koc_layout *layout; /* borrowed */
    koc__call *call;    /* of koc_serve: ends waits, forwards log lines */
    uint32_t flags;     /* KOC_SERVE_* */
    uint64_t max_blob;
    const char *const *allow_hosts; /* borrowed; NULL-terminated, or NULL */
    bool loopback;                  /* listens on a loopback address */
    koc__content *content;
    koc__names *names;
    koc__graph *graph;
    koc__served_uploads *uploads;
    atomic_uint running; /* exchanges between their head and their reply */
} koc__server;

/* options: already copied into a whole struct. */
int koc__server_init(koc__server *s, koc_ctx *ctx, koc_layout *l, const koc_serve_options *options,
                     koc__call *call, koc_error **err);
void koc__server_dispose(koc__server *s); /* also one that is all zero */
KOC__DEFINE_AUTO_VAL(koc__server, koc__server_dispose);

/* Logs a line; any thread. (reply.c) */
void koc__server_log(koc__server *s, int32_t level, const char *line);

/* --- replies (reply.c) --- */
typedef struct koc__served_reply {
    int status; /* 0: not known yet */
    const char *names[KOC__REPLY_HEADERS];
    char *values[KOC__REPLY_HEADERS];
    size_t n_headers;
    koc__dynbuf body; /* unless there is a file */
    int fd;           /* -1: none */
    uint64_t start, length;
} koc__served_reply;

void koc__served_reply_dispose(koc__served_reply *r);
/* A header whose name is a literal and whose value is formatted. Replies without memory become 500. */
void koc__served_reply_header(koc__served_reply *r, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* {"errors":[{"code":…,"message":…}]} (distribution-spec, "Error Codes"). */
void koc__served_reply_error(koc__served_reply *r, int status, const char *code, const char *fmt,
                             ...) __attribute__((format(printf, 4, 5)));
/* The reply to a failure of the server. Takes *why; paths appear only in the log. */
void koc__served_reply_failure(koc__served_reply *r, koc__server *s, koc_error **why);
/* Too many connections. */
void koc__served_reply_busy(koc__served_reply *r);
/* 404 with this code if the content is missing or damaged (which is logged); else as
 * koc__served_reply_failure. Takes *why. */
void koc__served_reply_unknown(koc__served_reply *r, koc__server *s, const char *code,
                               koc_error **why);

/* --- exchanges (exchange.c) --- */
/* The head of a request. Strings are borrowed until koc__served_exchange_begin returns; NULL: the header is
 * absent. */
typedef struct koc__head {
    const char *method;
    const char *target;
    const char *content_type, *content_range, *content_length, *range, *origin;
    const char *host, *transfer_encoding, *fetch_site;
    bool repeated; /* Host, Content-Length or Transfer-Encoding is there twice */
} koc__head;

/* Whether this request may be answered: it names this server, does not come from a web page, and its end is
 * unambiguous. false: the reply is set. (guard.c) */
bool koc__guard(const koc__server *s, const koc__head *head, koc__served_reply *r);

typedef struct koc__served_exchange koc__served_exchange;
typedef struct koc__handler {
    int route;
    const char *method;
    bool writes;                            /* not in read-only mode */
    bool deletes;                           /* only with KOC_SERVE_DELETE */
    void (*begin)(koc__served_exchange *x); /* may reply */
    void (*finish)(
        koc__served_exchange *x); /* after the body, unless there is a reply; NULL: begin replies */
} koc__handler;

struct koc__served_exchange {
    koc__server *server;
    const koc__handler *handler;
    koc__route route;
    char *target; /* the query of route points into it */
    char *type;   /* Content-Type, or NULL */
    koc_str range;
    char *range_text;
    bool has_chunk; /* a valid Content-Range */
    uint64_t chunk_first, chunk_length;
    bool has_length;
    uint64_t length;            /* Content-Length */
    koc__dynbuf document;       /* the body of a manifest */
    koc__served_upload *upload; /* the body of a blob goes here */
    uint64_t received;
    koc__served_reply reply;
};

koc__served_exchange *koc__served_exchange_new(koc__server *s,
                                               const char *target); /* NULL: out of memory */
void koc__served_exchange_free(koc__served_exchange *x);
void koc__served_exchange_begin(koc__served_exchange *x, const koc__head *head);
/* Drops the data if there is a reply already. */
void koc__served_exchange_body(koc__served_exchange *x, const void *data, size_t len);
void koc__served_exchange_end(koc__served_exchange *x);
/* The value of a query key, or NULL; a failure sets the reply. (serve_query.c) */
char *koc__served_exchange_query(koc__served_exchange *x, const char *key, size_t nth);

/* --- what requests do --- */
void koc__serve_blob(koc__served_exchange *x);
void koc__serve_blob_delete(koc__served_exchange *x);
void koc__serve_upload_start(koc__served_exchange *x);
void koc__serve_upload_started(koc__served_exchange *x);
void koc__serve_upload_chunk(koc__served_exchange *x);
void koc__serve_upload_chunked(koc__served_exchange *x);
void koc__serve_upload_put(koc__served_exchange *x);
void koc__serve_upload_finish(koc__served_exchange *x);
void koc__serve_upload_status(koc__served_exchange *x);
void koc__serve_upload_cancel(koc__served_exchange *x);
void koc__serve_manifest(koc__served_exchange *x);
void koc__serve_manifest_put(koc__served_exchange *x);
void koc__serve_manifest_finish(koc__served_exchange *x);
void koc__serve_manifest_delete(koc__served_exchange *x);
void koc__serve_referrers(koc__served_exchange *x);
void koc__serve_list(koc__served_exchange *x);
void koc__serve_ping(koc__served_exchange *x);

/* --- HTTP (http.c, or http_none.c where there is no libmicrohttpd) --- */
typedef struct koc__httpd koc__httpd;
/* Listens and answers requests on its own threads until koc__httpd_stop. *url: "http://127.0.0.1:41234",
 * owned by the caller. KOC_EUNSUPPORTED: this build has no server. */
int koc__httpd_start(koc__server *s, const koc_serve_options *o, koc__httpd **out, char **url,
                     koc_error **err);
/* Ends connections that have timed out. To be called about once a second. */
void koc__httpd_tick(koc__httpd *h);
/* Accepts no more requests, gives running ones grace_ms to end, and frees h. */
void koc__httpd_stop(koc__httpd *h, int grace_ms);

/* "libmicrohttpd/0.9.75"; NULL in a build without it; static. */
const char *koc__microhttpd_version(void);

#endif

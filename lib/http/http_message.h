/* One HTTP exchange as data: header lists, requests, replies. No I/O. */
#ifndef KOC__HTTP_H
#define KOC__HTTP_H

#include <koc/base.h>
#include <koc/io.h>

#include "core/cleanup.h"
#include "core/dynbuf.h"
#include "http/url.h"

#define KOC__HEADERS_BYTES_MAX ((size_t)256 << 10)
#define KOC__HEADERS_COUNT_MAX 200

/* Fields in the order of the message; names as sent, compared without case. */
typedef struct koc__header {
    char *name;
    char *value;
} koc__header;
typedef struct koc__headers {
    koc__header *list;
    size_t count;
    size_t capacity;
    size_t bytes;
} koc__headers;
/* clang-format off */
#define KOC__HEADERS_INIT { NULL, 0, 0, 0 }
/* clang-format on */

/* KOC_EINVAL: name is not a token, or value contains CR, LF or NUL. KOC_ELIMIT. */
int koc__headers_add(koc__headers *h, koc_str name, koc_str value, koc_error **err);
int koc__headers_put(koc__headers *h, const char *name, const char *value, koc_error **err);
int koc__headers_printf(koc__headers *h, const char *name, koc_error **err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The first field of that name or NULL. Borrowed. */
const char *koc__headers_get(const koc__headers *h, const char *name);
size_t koc__headers_count(const koc__headers *h, const char *name);
void koc__headers_clear(koc__headers *h);
void koc__headers_dispose(koc__headers *h); /* overwrites the values: some are secrets */
KOC__DEFINE_AUTO_VAL(koc__headers, koc__headers_dispose);

/* A line of a reply's head. */
typedef enum koc__line {
    KOC__LINE_STATUS, /* "HTTP/1.1 200 OK": a new head begins */
    KOC__LINE_FIELD,
    KOC__LINE_END,
    KOC__LINE_BAD
} koc__line;
/* Takes one line as libcurl gives it (with its line end). Status lines set *status. */
koc__line koc__http_line(koc_str line, int *status, koc_str *name, koc_str *value);

/* Content-Length; false when absent or not a number. */
bool koc__http_length(const koc__headers *h, uint64_t *out);
/* "bytes 10-19/100" or "bytes 10-19/" with a star: total is then UINT64_MAX. */
bool koc__http_content_range(const char *value, uint64_t *first, uint64_t *last, uint64_t *total);
/* Content-Type without parameters, in lower case. False: there is none, or it is longer than
 * size. */
bool koc__http_media_type(const koc__headers *h, char *out, size_t size);

/* The text of a Warning field of the form 299 - "text"; false: another form. */
bool koc__http_warning(const char *value, koc_str *text);

/* The URL of a Link field with rel "next" (RFC 8288), as written; false: there is none. */
bool koc__http_next_link(const koc__headers *h, koc_str *url);
/* Whether the status is a redirect to Location: 301, 302, 303, 307, 308. */
bool koc__http_is_redirect(int status);

/* Why there was no reply. */
typedef enum koc__failure {
    KOC__FAIL_NONE,
    KOC__FAIL_LOCAL,   /* memory, the body's reader, cancel, a refused address: never retried */
    KOC__FAIL_RESOLVE, /* the name has no address */
    KOC__FAIL_CONNECT, /* refused, unreachable */
    KOC__FAIL_CONNECT_TIMEOUT,
    KOC__FAIL_TLS,  /* the handshake broke: perhaps the peer does not speak TLS */
    KOC__FAIL_CERT, /* the certificate is not trusted */
    KOC__FAIL_PROXY,
    KOC__FAIL_SILENT,  /* connected and sent, but no first byte in time */
    KOC__FAIL_BROKEN,  /* reset, end of stream, stall, HTTP/2 error: the outcome is unknown */
    KOC__FAIL_PROTOCOL /* not HTTP, or a head past its limits */
} koc__failure;

/* Which addresses a connection may be made to. */
typedef enum koc__reach {
    KOC__REACH_ANY,   /* the user named this host */
    KOC__REACH_PUBLIC /* a public registry named it: no address of this host or its link */
} koc__reach;

typedef struct koc__http_request {
    const char *method;
    const koc__url *url;
    const koc__headers *headers;
    /* The body: bytes, or a part of blob, or none. bytes must live until the exchange is closed. */
    koc_str bytes;
    koc_blob *blob;
    uint64_t blob_offset;
    uint64_t blob_size;
    bool has_body;  /* a PUT or POST of length 0 has one too */
    bool fresh;     /* over a new connection */
    bool uncounted; /* no part of max_per_host: a counted exchange waits for it (body, token) */
    bool expect;    /* send Expect: 100-continue before a long body */
    bool insecure;  /* do not verify certificates */
    koc__reach reach;
    const char *proxy;       /* NULL: none */
    const char *proxy_from;  /* the environment variable that names it, for messages */
    const char *unix_socket; /* connect to this path instead of the URL's host; or NULL */
    bool no_timeout;         /* once connected the peer may be silent without limit */
    koc_str ca_pem;          /* authorities in addition to the system's; borrowed like bytes */
    const char *client_cert; /* PEM files for this host, or NULL */
    const char *client_key;
    int64_t connect_timeout_ms;
    int64_t response_timeout_ms; /* from the last byte sent to the first received */
    /* Called from time to time with the number of bytes of the body that are sent; or NULL. */
    void (*sent)(void *self, uint64_t bytes);
    void *sent_self;
    /* Called once when nothing happened for a second before the head of the reply: what koc
     * waits for, and for how long at most; or NULL. */
    void (*quiet)(void *self, const char *reason, int64_t left_ms);
    void *quiet_self;
} koc__http_request;

/* The head of a reply. */
typedef struct koc__http_reply {
    int status;
    bool expect_expired; /* the peer did not answer Expect: 100-continue within a second */
    char address[64];    /* the peer's, as text; "" when there is a proxy between */
    koc__headers headers;
    koc__failure failure; /* why there was no reply, or why it broke */
} koc__http_reply;
/* clang-format off */
#define KOC__HTTP_REPLY_INIT { 0, false, "", KOC__HEADERS_INIT, KOC__FAIL_NONE }
/* clang-format on */
void koc__http_reply_dispose(koc__http_reply *r);
KOC__DEFINE_AUTO_VAL(koc__http_reply, koc__http_reply_dispose);

#endif

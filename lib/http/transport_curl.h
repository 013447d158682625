/* Between the files that see libcurl. Its handles are void pointers here, so that this header
 * needs no curl header. */
#ifndef KOC__TRANSPORT_CURL_H
#define KOC__TRANSPORT_CURL_H

#include "http/transport.h"
#include "http/watchdog.h"

struct curl_slist;

/* An easy handle and its own multi handle: one connection, with a poll set of its own. */
typedef struct koc__conn {
    void *easy;
    void *multi;
    char *key; /* origin, proxy, certificates and reach: equal for exchanges that may share it */
    struct koc__conn *next;
} koc__conn;

/* Who is at the other end, for messages and for the check of its address. */
typedef struct koc__peer {
    char *host;
    char *authority; /* host, and the port unless it is the default */
    char *proxy;     /* without its credentials; NULL: there is none */
    koc__reach reach;
} koc__peer;

/* The request's body. Only transport_curl_send.c looks into it. */
typedef struct koc__sending {
    koc_str bytes;
    koc_blob *blob; /* NULL: bytes is the body */
    uint64_t blob_offset;
    uint64_t size;
    uint64_t count; /* sent so far */
    koc_reader *reader;
    void (*sent)(void *self, uint64_t bytes);
    void *sent_self;
} koc__sending;

/* The reply. Only transport_curl_receive.c looks into it. */
typedef struct koc__receiving {
    koc__headers head;
    int status;
    bool head_done;
    bool too_large; /* the head went past its limits */
    char *dest;     /* the caller's buffer while it reads: the body goes there first */
    size_t dest_len;
    size_t dest_used;
    koc__dynbuf spill; /* bytes that did not fit into dest */
    size_t spill_off;  /* how many of them the caller took */
    bool paused;       /* libcurl waits until the caller took the spill */
    uint64_t count;    /* bytes of the body */
} koc__receiving;

struct koc__exchange {
    koc__http_pool *transport;
    koc__user_exchange *user; /* over the caller's transport; the members below are not used */
    koc__conn *conn;
    koc__call *call; /* the call that drives it now */
    char *key;       /* of its connection */
    bool counted;    /* it is one of max_per_host */
    bool attached;   /* the easy handle is in its multi handle */
    koc__peer peer;
    koc__sending sending;
    koc__receiving receiving;
    koc__watch watch;
    struct curl_slist *fields; /* of the request */
    bool done;                 /* libcurl has finished, with result */
    int result;                /* a CURLcode */
    koc_error *error;          /* of a callback: reader, memory, refused address */
    char error_text[256];      /* libcurl's own: CURL_ERROR_SIZE */
};

/* --- transport_curl_easy.c --- */

/* Sets every option for this request. */
int koc__easy_prepare(koc__exchange *x, const koc__http_request *rq, void *share, koc_error **err);
/* Turns x->result into an error and a kind. Never KOC_OK. */
int koc__easy_failure(koc__exchange *x, koc__failure *why, koc_error **err);

/* This machine has no certificates of authorities, so no server can be verified. */
bool koc__easy_has_no_trust(void);

/* --- transport_curl_cert.c --- */

/* The error of a certificate, the server's or the client's. KOC_ETLS. */
int koc__easy_certificate(koc__exchange *x, bool wants_client, koc_error **err);

/* --- transport_curl_send.c --- */

void koc__sending_begin(koc__sending *s, const koc__http_request *rq);
/* Sets method, body and callbacks. */
void koc__sending_attach(koc__exchange *x, const koc__http_request *rq);
void koc__sending_end(koc__sending *s);
uint64_t koc__sending_size(const koc__sending *s);
/* Bytes of the body that are sent. */
uint64_t koc__sending_count(const koc__sending *s);

/* --- transport_curl_receive.c --- */

/* Sets the callbacks. */
void koc__receiving_attach(koc__exchange *x);
void koc__receiving_end(koc__receiving *r);
/* Bytes of the body that came. */
uint64_t koc__receiving_count(const koc__receiving *r);
bool koc__receiving_has_head(const koc__receiving *r);
bool koc__receiving_is_too_large(const koc__receiving *r);
/* Hands out the head. */
void koc__receiving_move_head(koc__receiving *r, koc__http_reply *reply);
/* From here on the body goes to buf, the spill first. */
void koc__receiving_open(koc__receiving *r, void *buf, size_t len);
/* How many bytes buf has. */
size_t koc__receiving_filled(const koc__receiving *r);
/* buf is no longer written to; returns how many bytes it has. */
size_t koc__receiving_close(koc__receiving *r);
/* Lets libcurl continue if it waits for the caller. */
void koc__receiving_resume(koc__exchange *x);

#endif

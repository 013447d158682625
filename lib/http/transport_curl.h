/* Between the files that see libcurl. Its types are void pointers here, so that this header needs
 * no curl header. */
#ifndef KOC__TRANSPORT_CURL_H
#define KOC__TRANSPORT_CURL_H

#include "http/transport.h"

struct curl_slist;

/* One easy handle and its own multi handle: a connection (and its warm spare) with a poll set of its own. */
typedef struct koc__conn {
    void *easy;
    void *multi;
    char *key; /* what must be equal for reuse: origin, proxy, certificates, reach */
    struct koc__conn *next;
} koc__conn;

struct koc__exchange {
    koc__transport *transport;
    koc__conn *conn;
    koc__call *call; /* of the call that drives it now */
    bool uncounted;  /* needs no place among the host's limit */
    bool counted;    /* has one */
    char *key;
    bool attached; /* the easy handle is in its multi handle */
    struct curl_slist *fields;
    char error_text[256]; /* CURL_ERROR_SIZE */
    char *host;
    char *authority; /* host, and the port where it is not the usual one */
    koc__reach reach;
    bool insecure;
    char *proxy; /* without its credentials; NULL: there is none between */
    bool patient;
    /* Sending. */
    koc_str bytes;
    koc_blob *blob;
    uint64_t blob_offset;
    uint64_t body_size;
    uint64_t body_sent;
    koc_reader *reader;
    void (*sent)(void *self, uint64_t bytes);
    void *sent_self;
    /* Receiving. */
    koc__headers head;
    int status;
    bool head_done;
    char *dest; /* where the body goes first; what does not fit waits in spill */
    size_t dest_len;
    size_t dest_used;
    koc__dynbuf spill;
    size_t spill_off;
    bool paused;
    uint64_t received;
    /* The end. */
    bool done;
    int result;       /* a CURLcode, once done */
    bool too_large;   /* the head went past its limits */
    koc_error *error; /* from a callback of ours: reader, memory, refused address */
    /* The watch. */
    int64_t opened_ms;
    int64_t active_ms;     /* last byte sent or received */
    int64_t first_read_ms; /* when libcurl first asked for the body */
    int64_t window_ms;     /* start of the window in which speed is measured */
    uint64_t window_bytes;
    int64_t connect_timeout_ms;
    int64_t response_timeout_ms;
    void (*quiet)(void *self, const char *reason, int64_t left_ms); /* NULL once it was called */
    void *quiet_self;
};

/* Sets every option for this request. */
int koc__easy_prepare(koc__exchange *x, const koc__http_request *rq, void *share, koc_error **err);
/* Turns x->result into an error and a kind. Never KOC_OK. */
int koc__easy_failure(koc__exchange *x, koc__failure *why, koc_error **err);
/* The error of a certificate: the server's, with its dates, names or authority, or the client's. KOC_ETLS. */
int koc__easy_certificate(koc__exchange *x, bool wants_client, koc_error **err);

#endif

/*
 * koc/transport.h: HTTP exchanges in the place of libcurl, and a look at each request.
 *
 * The library adds credentials, follows redirects, retries, resumes and verifies. A transport sends one request and gives
 * its reply: over another stack, through a company's gateway, out of an enclave, or from a recording in a test.
 */
#ifndef KOC_TRANSPORT_H
#define KOC_TRANSPORT_H

#include <koc/base.h>
#include <koc/context.h>
#include <koc/io.h>

KOC_BEGIN_DECLS

typedef struct koc_transport koc_transport;
typedef struct koc_transport_reply koc_transport_reply;

/** One request (RFC 9110). Everything is borrowed until the callback returns. */
typedef struct koc_transport_request {
    uint32_t struct_size;
    uint32_t flags;
    const char *method;    /**< "GET", "HEAD", "POST", "PATCH", "PUT", "DELETE" */
    const char *url;       /**< absolute */
    const koc_kv *headers; /**< n_headers; secrets are in them */
    size_t n_headers;
    koc_reader *body;   /**< or NULL */
    uint64_t body_size; /**< bytes */
    const koc_op *op;   /**< its cancel token and the time that is left; or NULL */
} koc_transport_request;
/* clang-format off */
#define KOC_TRANSPORT_REQUEST_INIT { sizeof(koc_transport_request), 0, NULL, NULL, NULL, 0, NULL, 0, NULL }
/* clang-format on */

/** The functions of a transport (koc_transport_new). */
typedef struct koc_transport_ops {
    uint32_t struct_size;
    uint32_t flags;
    /** Sends request and fills reply: status, headers, body. Runs on the thread of the call that needs it, one request at a
     * time. KOC_ENET, KOC_ETIMEOUT: the library may try again. Every other code ends the call. */
    int (*send)(void *self, const koc_transport_request *request, koc_transport_reply *reply,
                koc_error **err);
    void (*release)(void *self); /**< the last reference is gone; or NULL */
} koc_transport_ops;
/* clang-format off */
#define KOC_TRANSPORT_OPS_INIT { sizeof(koc_transport_ops), 0, NULL, NULL }
/* clang-format on */

/** A transport for koc_client_options. Copies ops and takes self on success only. */
KOC_API int koc_transport_new(const koc_transport_ops *ops, void *self, koc_transport **out,
                              koc_error **err);
KOC_API koc_transport *koc_transport_ref(koc_transport *t);
KOC_API void koc_transport_unref(koc_transport *t);

/** The status of the reply, 100 to 599; without it the exchange has failed. KOC_EINVAL. */
KOC_API int koc_transport_reply_set_status(koc_transport_reply *r, int status, koc_error **err);
/** Adds a header. KOC_EINVAL: name or value would break the message; KOC_ELIMIT: too many. */
KOC_API int koc_transport_reply_add_header(koc_transport_reply *r, const char *name,
                                           const char *value, koc_error **err);
/** The body, which the reply takes on success; without it there is none. It is read on the same thread. */
KOC_API int koc_transport_reply_set_body(koc_transport_reply *r, koc_reader *body, koc_error **err);

enum { KOC_TRACE_REQUEST = 1, KOC_TRACE_REPLY = 2, KOC_TRACE_FAILURE = 3 };
/** What a client sent or received. Everything is borrowed for the call of the callback. */
typedef struct koc_trace {
    uint32_t struct_size;
    uint32_t flags;     /**< 0 */
    int32_t kind;       /**< KOC_TRACE_* */
    int32_t status;     /**< of a reply */
    const char *method; /**< of the request */
    const char *url;    /**< secrets in it are left out */
    const koc_kv
        *headers; /**< n_headers; values of Authorization, Cookie and the like are left out */
    size_t n_headers;
    int64_t ms; /**< from the request to the head of its reply */
} koc_trace;
/* clang-format off */
#define KOC_TRACE_INIT { sizeof(koc_trace), 0, 0, 0, NULL, NULL, NULL, 0, 0 }
/* clang-format on */
/** Called on the thread of the call, before a request and after the head of its reply. A non-zero return ends the call with
 * KOC_EUSER. */
typedef int (*koc_trace_fn)(const koc_trace *event, void *payload);

KOC_END_DECLS
#endif

/* What a caller puts in the place of libcurl, or beside it. */
#ifndef KOC__USER_TRANSPORT_H
#define KOC__USER_TRANSPORT_H

#include <koc/transport.h>

#include "core/run/call.h"
#include "http/http_message.h"

/* Of a client. */
typedef struct koc__hooks {
    koc_transport *transport; /* NULL: libcurl */
    koc_trace_fn trace;       /* or NULL */
    void *trace_payload;
} koc__hooks;

/* The rest of a reply. */
typedef struct koc__user_exchange {
    koc_reader *body; /* NULL: there is none */
    bool has_length;
    uint64_t left; /* of its Content-Length */
} koc__user_exchange;

int koc__user_exchange_open(koc_transport *t, const koc__http_request *rq, koc__call *call,
                            koc__http_reply *reply, koc__user_exchange *out, koc_error **err);
int koc__user_exchange_read(koc__user_exchange *x, koc__call *call, void *buf, size_t len,
                            size_t *n, koc__failure *why, koc_error **err);
void koc__user_exchange_close(koc__user_exchange *x, koc__call *call);

typedef struct koc__traced {
    int status;
    int64_t ms;
} koc__traced;
/* Shows a request or its reply to the trace callback, if there is one. KOC_EUSER: it ends the call. */
int koc__trace_exchange(const koc__hooks *hooks, int32_t kind, const koc__http_request *rq,
                        const koc__headers *headers, const koc__traced *at, koc__call *call,
                        koc_error **err);

#endif

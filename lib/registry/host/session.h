/* Credentials of one request: sent when the host wants them, renewed when it rejects them. */
#ifndef KOC__SESSION_H
#define KOC__SESSION_H

#include "http/http_message.h"
#include "registry/host/host.h"

/* A request and how far its login got. */
typedef struct koc__session {
    koc__host *host;
    koc__call *call;
    const char *repository; /* decides credentials and scope; NULL: none */
    uint32_t actions;       /* KOC__ACT_* */
    const char *mount_from; /* another repository that must be readable too, or NULL */
    bool sent;              /* the request carried credentials */
    bool renewed;           /* it was repeated with other credentials or a new token */
} koc__session;

/* Adds Authorization when the host is known to want it. */
int koc__session_authorize(koc__session *s, koc__headers *headers, koc_error **err);
/* After a 401 from the registry itself, in reply to a request to at: *again when the request
 * should be repeated. */
int koc__session_challenged(koc__session *s, const koc__headers *reply, const koc__url *at,
                            bool *again, koc_error **err);
/* Adds a hint to *err: which credentials were used, or that there are none. */
void koc__session_explain(const koc__host *h, const char *repository, koc_error **err);

#endif

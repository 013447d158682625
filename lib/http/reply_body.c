#include "core/common.h"

#include "http/transport.h"

#define DROP_MAX ((size_t)1 << 20) /* an endless error page is not read beyond this */

int koc__exchange_read_all(koc__exchange *x, koc__call *call, bool may_cut, koc__dynbuf *body,
                           koc__failure *why, koc_error **err)
{
    char chunk[16384];
    size_t n = 1, total = 0;
    int rc = KOC_OK;
    while (rc == KOC_OK && n > 0 && !(may_cut && total > DROP_MAX && body->len >= body->max)) {
        size_t room = body->max - body->len;
        rc = koc__exchange_read(x, call, chunk, sizeof(chunk), &n, why, err);
        if (rc == KOC_OK && n > room && !may_cut) {
            *why = KOC__FAIL_LOCAL;
            rc = koc__error(err, KOC_ELIMIT, "the reply has more than %zu bytes", body->max);
        } else if (rc == KOC_OK) {
            total += n;
            rc = koc__dynbuf_append(body, chunk, KOC__MIN(n, room), err);
        }
    }
    koc__wipe(chunk, sizeof(chunk)); /* it may have held a token */
    return rc;
}

int koc__exchange_fetch(koc__http_pool *t, const koc__http_request *rq, koc__call *call,
                        koc__http_reply *reply, koc__dynbuf *body, koc_error **err)
{
    koc__http_request uncounted = *rq;
    KOC__AUTO(koc__exchange) x = NULL;
    uncounted.uncounted = true;
    KOC__TRY(koc__exchange_open(t, &uncounted, call, reply, &x, err));
    return koc__exchange_read_all(x, call, reply->status >= 300, body, &reply->failure, err);
}

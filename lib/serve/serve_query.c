/* The query of a request. */
#include "core/common.h"

#include "serve/serve.h"

char *koc__served_exchange_query(koc__served_exchange *x, const char *key, size_t nth)
{
    koc_error *err = NULL;
    char *value = NULL;
    if (koc__query_get(x->route.query, key, nth, &value, &err) != KOC_OK) {
        koc__served_reply_failure(&x->reply, x->server, &err);
    }
    return value;
}

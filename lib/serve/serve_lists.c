/* Lists of tags and repositories (distribution-spec, "Listing tags"), and the ping. */
#include "core/common.h"

#include "core/text.h"
#include "serve/serve.h"

enum { PAGE_MAX = 1000 };

/* The n of the query: at most PAGE_MAX, which is also the default. */
static size_t page_size(koc__served_exchange *x)
{
    KOC__AUTO_STR text = koc__served_exchange_query(x, "n", 0);
    uint64_t n = PAGE_MAX;
    if (text && !koc__str_u64(koc__str(text), &n)) {
        koc__served_reply_error(&x->reply, 400, "PAGINATION_NUMBER_INVALID", "n is not a number");
    }
    return (size_t)KOC__MIN(n, PAGE_MAX);
}

static int write_list(koc__served_exchange *x, const koc_strlist *list, koc_error **err)
{
    const char *name = x->route.name;
    koc__jw w;
    x->reply.body = (koc__dynbuf)KOC__DYNBUF_INIT(KOC__MANIFEST_MAX);
    koc__jw_begin(&w, &x->reply.body, 0, 0);
    koc__jw_object(&w);
    koc__jw_kv(&w, "name", *name ? name : NULL);
    koc__jw_key(&w, *name ? "tags" : "repositories");
    koc__jw_array(&w);
    for (size_t i = 0; i < koc_strlist_count(list); i++) {
        koc__jw_str(&w, koc_strlist_get(list, i));
    }
    koc__jw_array_end(&w);
    koc__jw_object_end(&w);
    return koc__jw_end(&w, err);
}

static int link_next(koc__served_exchange *x, const koc_strlist *list, size_t n, koc_error **err)
{
    const char *name = x->route.name;
    KOC__AUTO_VAL(koc__dynbuf) last = KOC__DYNBUF_INIT(4096);
    KOC__TRY(
        koc__percent(&last, koc__str(koc_strlist_get(list, koc_strlist_count(list) - 1)), "", err));
    koc__served_reply_header(&x->reply, "Link", "</v2/%s%s?n=%zu&last=%s>; rel=\"next\"", name,
                             *name ? "/tags/list" : "_catalog", n, koc__dynbuf_cstr(&last));
    return KOC_OK;
}

static int list(koc__served_exchange *x, size_t n, const char *last, koc_error **err)
{
    KOC__AUTO(koc_strlist) found = NULL;
    const char *name = *x->route.name ? x->route.name : NULL;
    bool more = false;
    KOC__TRY(koc__names_list(x->server->names, name, last, n, &found, &more, err));
    KOC__TRY(write_list(x, found, err));
    return more && n > 0 ? link_next(x, found, n, err) : KOC_OK;
}

void koc__serve_list(koc__served_exchange *x)
{
    KOC__AUTO_STR last = koc__served_exchange_query(x, "last", 0);
    size_t n = page_size(x);
    koc_error *err = NULL;
    if (x->reply.status) {
        return;
    }
    int rc = list(x, n, last, &err);
    if (rc == KOC_ENOTFOUND) {
        koc__served_reply_error(&x->reply, 404, "NAME_UNKNOWN", "%s", koc_error_message(err));
        koc__error_clear(&err);
    } else if (rc != KOC_OK) {
        koc__served_reply_failure(&x->reply, x->server, &err);
    } else if (!x->reply.status) {
        x->reply.status = 200;
        koc__served_reply_header(&x->reply, "Content-Type", "application/json");
    }
}

void koc__serve_ping(koc__served_exchange *x)
{
    koc_error *err = NULL;
    x->reply.body = (koc__dynbuf)KOC__DYNBUF_INIT(16);
    if (koc__dynbuf_puts(&x->reply.body, "{}", &err) != KOC_OK) {
        koc__served_reply_failure(&x->reply, x->server, &err);
        return;
    }
    x->reply.status = 200;
    koc__served_reply_header(&x->reply, "Content-Type", "application/json");
}

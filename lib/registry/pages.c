/* Lists that come in pages, linked by the Link field. */
#include "core/common.h"

#include "registry/operations.h"

#define PAGES_MAX 20000

/* The URL of the next page, if there is one: at the same host, and not a page that was seen. */
static int next_page(const koc__response *resp, koc_strlist *seen, koc__url *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
    koc_str link;
    if (!koc__http_next_link(&resp->headers, &link)) {
        return KOC_OK;
    }
    int rc = koc__url_resolve(&resp->url, link, &u, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "the link to the next page");
    }
    if (!koc__url_same_origin(&u, &resp->url)) {
        return koc__error(err, KOC_EDENIED,
                          "the link to the next page names another host (%s): refused", u.host);
    }
    if (koc__strlist_has(seen, u.target)) {
        return koc__error(err, KOC_EFORMAT, "the pages of the registry form a circle");
    }
    if (koc_strlist_count(seen) >= PAGES_MAX) {
        return koc__error(err, KOC_ELIMIT, "more than %d pages", PAGES_MAX);
    }
    KOC__TRY(koc__strlist_add(seen, u.target, err));
    *out = u;
    u = (koc__url)KOC__URL_INIT;
    return KOC_OK;
}

int koc__each_page(koc__request *rq, koc__page_fn fn, void *self, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_strlist) seen = NULL;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    KOC__TRY(koc__strlist_new(&seen, err));
    for (;;) {
        KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
        koc__url next = KOC__URL_INIT;
        koc_error *failure = NULL;
        int rc = koc__request_run(rq, call, &resp, err);
        KOC__TRY(rc);
        KOC__TRY(fn(self, &resp, err));
        rc = next_page(&resp, seen, &next, &failure);
        koc__error_scrub(&failure, koc__login_scrub, rq->host->login);
        if (rc != KOC_OK) {
            return koc__error_move(err, &failure);
        }
        if (!next.host) {
            return KOC_OK;
        }
        koc__url_dispose(&url);
        url = next;
        rq->url = &url;
    }
}

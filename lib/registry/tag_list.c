/* Tags listed, manifests deleted (distribution-spec, "Content Discovery", "Content Management"). */
#include "core/common.h"

#include "core/clean.h"
#include "registry/operations.h"

#define TAGS_PAGE_MAX ((size_t)64 << 20)
#define TAGS_MAX      1000000
#define NAMES_MAX     100000
#define PAGES_MAX     20000

/* The next page, when there is one: only at the registry itself, and never one that was seen. */
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
                          "the next page is said to be at another host (%s): refused", u.host);
    }
    if (koc__strlist_has(seen, u.target)) {
        return koc__error(err, KOC_EFORMAT, "the registry's pages go round in a circle");
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
        koc__error_scrub(&failure, koc__session_scrub, rq->host);
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

int koc__listing_read(koc_str text, const char *member, bool (*is_name)(koc_str s), size_t max,
                      koc_strlist *out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;

    KOC__TRY(koc__json_parse(text, TAGS_PAGE_MAX, "list", &doc, err));
    const koc__jnode *names = koc__json_get(koc__json_root(doc), member);
    for (const koc__jnode *n = koc__json_child(names); n; n = koc__json_next(n)) {
        const char *name = koc__json_str(n);
        if (!name || !is_name(koc__str(name))) { /* somebody will make a path of it */
            char clean[300];
            koc__clean_text(koc__str(name ? name : "something else"), clean, sizeof(clean));
            return koc__error(err, KOC_EFORMAT, "the list of %s holds what is no name: %s", member,
                              clean);
        }
        if (koc_strlist_count(out) >= max) {
            return koc__error(err, KOC_ELIMIT, "more than %zu %s", max, member);
        }
        KOC__TRY(koc__strlist_add(out, name, err));
    }
    return KOC_OK;
}

/* A list that is being read: one member of each page. */
typedef struct listing {
    koc_strlist *out;
    const char *member; /* "tags" */
    bool (*is_name)(koc_str s);
    size_t max;
    koc__host *host;
} listing;

static int add_names(void *self, const koc__response *resp, koc_error **err)
{
    const listing *l = self;

    koc_error *failure = NULL;
    int rc = koc__listing_read(koc__dynbuf_view(&resp->body), l->member, l->is_name, l->max, l->out,
                               &failure);

    koc__error_scrub(&failure, koc__session_scrub, l->host);
    return rc == KOC_OK ? KOC_OK : koc__error_move(err, &failure);
}

int koc_client_list_tags(koc_client *c, const koc_reference *repo, const koc_op *user,
                         koc_strlist **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO(koc_strlist) tags = NULL;
    KOC__AUTO_STR path = NULL;
    koc__request rq;

    if (!c || !repo || !out) {
        return koc__misuse(err, "koc_client_list_tags: c, repo or out is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    KOC__TRY(koc__strlist_new(&tags, err));
    KOC__TRY(koc__ref_request(c, repo, "GET", KOC__ACT_PULL, &rq, &path, err, "tags/list"));
    rq.max_reply = TAGS_PAGE_MAX;
    listing l = {tags, "tags", koc__is_tag, TAGS_MAX, rq.host};
    int rc = koc__each_page(&rq, add_names, &l, &call, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "cannot list the tags of %s",
                                 koc__reference_context(repo));
    }
    koc__strlist_sort(tags);
    *out = koc__steal(&tags);
    return KOC_OK;
}

static int refused_to_delete(const koc_reference *r, const koc__response *resp, int rc,
                             koc_error **err)
{
    if (resp->status != 405 && resp->status != 400) {
        return koc__error_prefix(err, rc, "cannot delete %s", koc_reference_string(r));
    }
    koc__error(err, KOC_EUNSUPPORTED, "%s: the registry does not delete %s",
               koc_reference_string(r), koc_reference_digest(r) ? "manifests" : "tags");
    if (!koc_reference_digest(r)) {
        koc__error_hint(err, "deleting it by digest removes all its tags");
    }
    return KOC_EUNSUPPORTED;
}

static int delete_manifest(koc_client *c, const koc_reference *r, koc__call *call, koc_error **err)
{
    static const int also[] = {404, 0};
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    KOC__AUTO_STR target = koc__ref_target(r);
    KOC__AUTO_STR path = NULL;
    koc__request rq;

    if (!target) {
        return koc__oom(err);
    }
    KOC__TRY(koc__ref_request(c, r, "DELETE", KOC__ACT_PULL | KOC__ACT_PUSH | KOC__ACT_DELETE, &rq,
                              &path, err, "manifests/%s", target));
    rq.also = also;
    int rc = koc__request_run(&rq, call, &resp, err);
    if (rc != KOC_OK) {
        return refused_to_delete(r, &resp, rc, err);
    }
    return resp.status == 404
               ? koc__error(err, KOC_ENOTFOUND, "%s: no such image", koc_reference_string(r))
               : KOC_OK;
}

int koc_client_list_repositories(koc_client *c, const char *registry, const koc_op *user,
                                 koc_strlist **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO(koc_strlist) names = NULL;
    koc_error *why = NULL;
    koc__request rq = {
        .method = "GET", .target = "/v2/_catalog?n=1000", .max_reply = TAGS_PAGE_MAX};
    koc_str host;
    uint16_t port;

    if (!c || !registry || !out) {
        return koc__misuse(err, "koc_client_list_repositories: c, registry or out is NULL");
    }
    if (!koc__authority_split(koc__str(registry), &host, &port)) {
        return koc__error(err, KOC_EINVAL, "not a registry: %s", registry);
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    KOC__TRY(koc__strlist_new(&names, err));
    KOC__TRY(koc__client_host(c, registry, &rq.host, err));
    listing l = {names, "repositories", koc__is_repository, NAMES_MAX, rq.host};
    int rc = koc__each_page(&rq, add_names, &l, &call, &why);
    int status = koc_error_http_status(why);
    if (rc != KOC_OK && (status == 404 || status == 405)) {
        koc_error_free(why);
        return koc__error(err, KOC_EUNSUPPORTED, "%s does not list its repositories", registry);
    }
    if (rc != KOC_OK) {
        koc__error_prefix(&why, rc, "cannot list the repositories of %s", registry);
        return koc__error_move(err, &why);
    }
    koc__strlist_sort(names);
    *out = koc__steal(&names);
    return KOC_OK;
}

int koc_client_delete_manifest(koc_client *c, const koc_reference *r, const koc_op *user,
                               koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_VAL(koc_buf) bytes = KOC_BUF_INIT;
    koc_digest digest;

    if (!c || !r) {
        return koc__misuse(err, "koc_client_delete_manifest: c or r is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    /* What it refers to, as long as it can be read. A tag that goes leaves the manifest. */
    bool known = koc_reference_digest(r) &&
                 koc__client_get_manifest(c, r, &call, &bytes, NULL, &digest, NULL) == KOC_OK;
    KOC__TRY(delete_manifest(c, r, &call, err));
    if (!known || !memmem(bytes.ptr, bytes.len, "\"subject\"", 9)) {
        return KOC_OK;
    }
    int rc = koc__referrers_withdraw(c, r, koc__str_n(bytes.ptr, bytes.len), &digest, &call, err);
    return koc__error_prefix(err, rc, "%s is deleted, but not its place among the referrers",
                             koc_reference_string(r));
}

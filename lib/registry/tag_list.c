/* Lists of tags and of repositories (distribution-spec, "Content Discovery"). */
#include "core/common.h"

#include "core/clean.h"
#include "registry/operations.h"

#define TAGS_PAGE_MAX ((size_t)64 << 20)
#define TAGS_MAX      1000000
#define NAMES_MAX     100000

int koc__listing_read(koc_str text, const char *member, bool (*is_name)(koc_str s), size_t max,
                      koc_strlist *out, koc_error **err)
{
    KOC__AUTO(koc__json) doc = NULL;
    KOC__TRY(koc__json_parse(text, TAGS_PAGE_MAX, "list", &doc, err));
    const koc__jnode *names = koc__json_get(koc__json_root(doc), member);
    for (const koc__jnode *n = koc__json_child(names); n; n = koc__json_next(n)) {
        const char *name = koc__json_str(n);
        if (!name || !is_name(koc__str(name))) { /* it becomes a part of URLs and paths */
            char clean[300];
            koc__clean_text(koc__str(name ? name : "not a string"), clean, sizeof(clean));
            return koc__error(err, KOC_EFORMAT, "the list of %s contains an invalid name: %s",
                              member, clean);
        }
        if (koc_strlist_count(out) >= max) {
            return koc__error(err, KOC_ELIMIT, "more than %zu %s", max, member);
        }
        KOC__TRY(koc__strlist_add(out, name, err));
    }
    return KOC_OK;
}

/* A list that is being read. */
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

    koc__error_scrub(&failure, koc__login_scrub, l->host->login);
    return rc == KOC_OK ? KOC_OK : koc__error_move(err, &failure);
}

int koc_client_list_tags(koc_client *c, const koc_reference *repo, const koc_op *user,
                         koc_strlist **out, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO(koc_strlist) tags = NULL;
    KOC__AUTO_STR path = NULL;
    koc__request rq = {.method = "GET", .actions = KOC__ACT_PULL};
    if (!c || !repo || !out) {
        return koc__misuse(err, "koc_client_list_tags: c, repo or out is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    KOC__TRY(koc__strlist_new(&tags, err));
    KOC__TRY(koc__ref_request(&rq, c, repo, &path, err, "tags/list"));
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

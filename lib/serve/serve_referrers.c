/* The referrers of a manifest in this repository (distribution-spec, "Listing referrers"). */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/text.h"
#include "model/model.h"
#include "serve/serve.h"

static const char before_list[] =
    "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX "\",\"manifests\":[";

static int link_next(koc__served_exchange *x, const koc_digest *last, const char *type,
                     koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) filter = KOC__DYNBUF_INIT(2048);
    if (type) {
        KOC__TRY(koc__dynbuf_puts(&filter, "&artifactType=", err));
        KOC__TRY(koc__percent(&filter, koc__str(type), "", err));
    }
    koc__served_reply_header(&x->reply, "Link", "</v2/%s/referrers/%s?last=%s%s>; rel=\"next\"",
                             x->route.name, koc__digest_str(&x->route.digest).s,
                             koc__digest_str(last).s, koc__dynbuf_cstr(&filter));
    return KOC_OK;
}

/* One page of referrers, after `last`. */
static int write_page(koc__served_exchange *x, const koc__node *const *nodes, size_t n,
                      const char *type, const char *last, koc_error **err)
{
    koc__dynbuf *out = &x->reply.body;
    const koc__node *before = NULL;
    KOC__TRY(koc__dynbuf_puts(out, before_list, err));
    for (size_t i = 0; i < n; i++) {
        const char *text = nodes[i]->referrer;
        if (last && strcmp(koc__digest_str(&nodes[i]->digest).s, last) <= 0) {
            continue;
        }
        if (before && out->len + strlen(text) + 8 > KOC__MANIFEST_MAX) {
            KOC__TRY(link_next(x, &before->digest, type, err));
            break;
        }
        KOC__TRY(koc__dynbuf_puts(out, before ? "," : "", err));
        KOC__TRY(koc__dynbuf_puts(out, text, err));
        before = nodes[i];
    }
    return koc__dynbuf_puts(out, "]}", err);
}

/* With the graph locked. */
static int list_referrers(koc__served_exchange *x, const char *type, const char *last,
                          koc_error **err)
{
    const koc__node **nodes = NULL;
    size_t n = 0;
    KOC__TRY(koc__graph_referrers(x->server->graph, x->route.name, &x->route.digest, type, &nodes,
                                  &n, err));
    int rc = write_page(x, nodes, n, type, last, err);
    koc__free(nodes);
    return rc;
}

void koc__serve_referrers(koc__served_exchange *x)
{
    KOC__AUTO_STR type = koc__served_exchange_query(x, "artifactType", 0);
    KOC__AUTO_STR last = koc__served_exchange_query(x, "last", 0);
    koc__graph *graph = x->server->graph;
    koc_error *err = NULL;
    if (x->reply.status) {
        return;
    }
    x->reply.status = 200;
    x->reply.body = (koc__dynbuf)KOC__DYNBUF_INIT(3 * KOC__MANIFEST_MAX);
    int rc = koc__graph_lock(graph, &err);
    if (rc == KOC_OK) {
        rc = list_referrers(x, type, last, &err);
    }
    koc__graph_unlock(graph);
    if (rc != KOC_OK) {
        koc__served_reply_failure(&x->reply, x->server, &err);
        return;
    }
    koc__served_reply_header(&x->reply, "Content-Type", KOC_MT_OCI_INDEX);
    if (type) {
        koc__served_reply_header(&x->reply, "OCI-Filters-Applied", "artifactType");
    }
}

/* Manifests and tags (distribution-spec, "Pulling manifests", "Pushing manifests"). The type of a document is
 * the one in the document, not the Content-Type of the request, so every reader of the layout sees the same.
 * */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/text.h"
#include "model/model.h"
#include "serve/serve.h"
#include "store/layout.h"

/* A manifest or index of the layout. */
typedef struct document {
    koc_digest digest;
    koc_buf bytes;
    koc__json *doc;
    const char *type; /* static */
} document;

static void document_dispose(document *d)
{
    koc_buf_dispose(&d->bytes);
    koc__json_free(d->doc);
}
KOC__DEFINE_AUTO_VAL(document, document_dispose);

static int parse(document *d, const char *content_type, koc_error **err)
{
    const koc__digest_text name = koc__digest_str(&d->digest);
    koc_str text = koc__str_n(d->bytes.ptr, d->bytes.len);
    KOC__TRY(koc__json_parse(text, KOC__MANIFEST_MAX, name.s, &d->doc, err));
    return koc__mt_of_document(d->doc, content_type, name.s, &d->type, err);
}

/* KOC_ENOTFOUND also if the digest is that of other content, such as a layer. */
static int load_document(const koc__server *s, const koc_digest *digest, document *out,
                         koc_error **err)
{
    out->digest = *digest;
    int rc = koc__content_read(s->content, digest, KOC__MANIFEST_MAX, &out->bytes, err);
    if (rc == KOC_OK) {
        rc = parse(out, NULL, err);
        rc = rc == KOC_EFORMAT || rc == KOC_EUNSUPPORTED ? KOC_ELIMIT : rc;
    }
    if (rc == KOC_ELIMIT) {
        return koc__error(err, KOC_ENOTFOUND, "%s is not a manifest", koc__digest_str(digest).s);
    }
    return rc;
}

/* --- pulling --- */

/* Whether an index of the repository contains it. */
static int is_led_to(koc__server *s, const char *repository, const koc_digest *d, bool *out,
                     koc_error **err)
{
    const koc__node *node = NULL;
    int rc = koc__graph_lock(s->graph, err);
    if (rc == KOC_OK) {
        rc = koc__graph_find(s->graph, repository, d, &node, err);
    }
    *out = node != NULL;
    koc__graph_unlock(s->graph);
    return rc;
}

/* A repository holds only what was pushed to it, although all share their files: a client does not push what
 * HEAD finds, and then tags and referrers would be missing. */
static int check_holds(const koc__served_exchange *x, const koc_digest *d, koc_error **err)
{
    koc__server *s = x->server;
    KOC__AUTO(koc__served_listing) l = NULL;
    bool here = false;
    KOC__TRY(koc__names_listing(s->names, &l, err));
    if (koc__served_listing_has(l, x->route.name, d)) {
        return KOC_OK;
    }
    KOC__TRY(is_led_to(s, x->route.name, d, &here, err));
    return here ? KOC_OK
                : koc__error(err, KOC_ENOTFOUND, "there is no %s@%s", x->route.name,
                             koc__digest_str(d).s);
}

/* The digest of the manifest that the request names. */
static int resolve(const koc__served_exchange *x, koc_digest *out, koc_error **err)
{
    if (!*x->route.tag) {
        *out = x->route.digest;
        return check_holds(x, out, err);
    }
    return koc__names_find(x->server->names, x->route.name, x->route.tag, out, err);
}

void koc__serve_manifest(koc__served_exchange *x)
{
    KOC__AUTO_VAL(document) d = {0};
    koc__served_reply *r = &x->reply;
    koc_digest digest;
    koc_error *err = NULL;
    if (resolve(x, &digest, &err) != KOC_OK ||
        load_document(x->server, &digest, &d, &err) != KOC_OK) {
        koc__served_reply_unknown(r, x->server, "MANIFEST_UNKNOWN", &err);
        return;
    }
    const koc__digest_text text = koc__digest_str(&digest);
    r->status = 200;
    r->body = (koc__dynbuf){d.bytes.ptr, d.bytes.len, d.bytes.capacity, KOC__MANIFEST_MAX};
    d.bytes = (koc_buf)KOC_BUF_INIT;
    koc__served_reply_header(r, "Content-Type", "%s", d.type);
    koc__served_reply_header(r, "Docker-Content-Digest", "%s", text.s);
    koc__served_reply_header(r, "ETag", "\"%s\"", text.s);
}

/* --- pushing --- */

void koc__serve_manifest_put(koc__served_exchange *x)
{
    if (x->has_length && x->length > KOC__MANIFEST_MAX) {
        koc__served_reply_error(&x->reply, 413, "SIZE_INVALID", "a manifest has at most %zu bytes",
                                KOC__MANIFEST_MAX);
    }
}

/* A descriptor in a document. Its type and size are not checked: registries accept a type such as
 * "referrer.index". */
typedef struct part {
    koc_digest digest;
    bool foreign;
} part;

static int read_part(const koc__jnode *descriptor, part *out, koc_error **err)
{
    const char *digest = koc__json_get_str(descriptor, "digest");
    const char *type = koc__json_get_str(descriptor, "mediaType");
    if (!type || !digest || !koc__digest_read(koc__str(digest), &out->digest)) {
        return koc__error(err, KOC_EFORMAT, "a descriptor needs a media type and a digest");
    }
    out->foreign = koc__mt_is_foreign(type);
    return KOC_OK;
}

/* Checks that the content of a descriptor is in the layout, so that no manifest is incomplete. what: for
 * messages. hash: verify its bytes too. */
static int check_part(const koc__server *s, const koc__jnode *descriptor, const char *what,
                      bool hash, koc_error **err)
{
    part p = {0};
    uint64_t size = 0;
    KOC__TRY(read_part(descriptor, &p, err));
    const koc__digest_text name = koc__digest_str(&p.digest);
    if (p.foreign) {
        return KOC_OK;
    }
    if (!koc__content_present(s->content, &p.digest)) {
        return koc__error(err, KOC_ENOTFOUND, "%s%s is not here: push it first", what, name.s);
    }
    if (!hash) {
        return KOC_OK;
    }
    return koc__content_check(s->content, &p.digest, &size, err);
}

static int check_parts(const koc__server *s, const document *d, bool hash, koc_error **err)
{
    const koc__jnode *root = koc__json_root(d->doc);
    bool index = koc__mt_is_index(d->type);
    const koc__jnode *list = koc__json_get(root, index ? "manifests" : "layers");
    if (!index) {
        KOC__TRY(check_part(s, koc__json_get(root, "config"), "the config ", hash, err));
    }
    for (const koc__jnode *n = koc__json_child(list); n; n = koc__json_next(n)) {
        KOC__TRY(check_part(s, n, "", hash, err));
    }
    return KOC_OK;
}

/* The subject of a document; false: it has none. */
static bool subject_of(const koc__json *doc, koc_digest *out)
{
    const char *text = koc__json_get_str(koc__json_get(koc__json_root(doc), "subject"), "digest");
    return text && koc__digest_read(koc__str(text), out);
}

static bool is_referrer(const koc__server *s, const char *digest)
{
    KOC__AUTO_VAL(document) d = {0};
    koc_digest at;
    koc_digest subject;
    return koc__digest_read(koc__str(digest), &at) && load_document(s, &at, &d, NULL) == KOC_OK &&
           subject_of(d.doc, &subject);
}

/* The entries of an index that need no line of their own. Referrers keep theirs: other tools find them only
 * in index.json. */
static int children_of(const koc__server *s, const document *d, koc_strlist **out, koc_error **err)
{
    KOC__TRY(koc__strlist_new(out, err));
    const koc__jnode *list = koc__json_get(koc__json_root(d->doc), "manifests");
    for (const koc__jnode *n = koc__json_child(list); n; n = koc__json_next(n)) {
        const char *digest = koc__json_get_str(n, "digest");
        if (!is_referrer(s, digest)) {
            KOC__TRY(koc__strlist_add(*out, digest, err));
        }
    }
    return KOC_OK;
}

/* Writes the file, then the lines of index.json. tags: in addition to the one in the path. */
static int store_document(koc__served_exchange *x, const document *d, const koc_strlist *tags,
                          koc_error **err)
{
    koc__server *s = x->server;
    const char *repository = x->route.name;
    const char *tag = *x->route.tag ? x->route.tag : NULL;
    KOC__AUTO_FD lock = -1;
    KOC__AUTO(koc_strlist) children = NULL;
    koc_descriptor line = KOC_DESCRIPTOR_INIT;
    KOC__TRY(koc__content_prepare(s->content, d->digest.algorithm, err));
    KOC__TRY(children_of(s, d, &children, err));
    KOC__TRY(koc__layout_lock(s->layout, s->call, &lock, err));
    /* Again: under the lock nothing is removed. */
    KOC__TRY(check_parts(s, d, false, err));
    /* Replaces a link that the layout may have there instead of following it. */
    KOC__TRY(koc__layout_replace_bytes(s->layout, koc__str_n(d->bytes.ptr, d->bytes.len),
                                       &d->digest, err));
    line.media_type = d->type;
    line.digest = d->digest;
    line.size = d->bytes.len;
    if (tag || koc_strlist_count(tags) == 0) {
        KOC__TRY(koc__names_put(s->names, repository, tag, &line, children, err));
    }
    for (size_t i = 0; i < koc_strlist_count(tags); i++) {
        KOC__TRY(
            koc__names_put(s->names, repository, koc_strlist_get(tags, i), &line, children, err));
    }
    return KOC_OK;
}

/* ?tag=…&tag=… in addition to a digest. false: a reply is set. */
static bool read_tags(koc__served_exchange *x, koc_strlist **out)
{
    koc_error *err = NULL;
    int rc = koc__strlist_new(out, &err);
    for (size_t i = 0; rc == KOC_OK; i++) {
        KOC__AUTO_STR tag = koc__served_exchange_query(x, "tag", i);
        if (!tag || x->reply.status) {
            break;
        }
        if (!koc__is_tag(koc__str(tag)) || i >= KOC__QUERY_TAGS) {
            koc__served_reply_error(&x->reply, i >= KOC__QUERY_TAGS ? 414 : 400, "TAG_INVALID",
                                    "tag: not a tag, or more than %d of them", KOC__QUERY_TAGS);
            break;
        }
        rc = koc__strlist_add(*out, tag, &err);
    }
    if (rc != KOC_OK) {
        koc__served_reply_failure(&x->reply, x->server, &err);
    }
    return !x->reply.status;
}

/* The digest by the algorithm of the path, sha256 for a tag. */
static int hash_document(const koc__served_exchange *x, document *d, koc_error **err)
{
    koc_hasher *h = NULL;
    int32_t algorithm = *x->route.tag ? KOC_DIGEST_SHA256 : x->route.digest.algorithm;
    KOC__TRY(koc_hasher_new(algorithm, &h, err));
    koc_hasher_update(h, koc__str_n(d->bytes.ptr, d->bytes.len));
    int rc = koc_hasher_finish(h, &d->digest, err);
    koc_hasher_free(h);
    return rc;
}

/* The reply to a document that is rejected. Takes *why. */
static void reply_refusal(koc__served_exchange *x, koc_error **why)
{
    const char *message = koc_error_message(*why);
    switch (koc_error_code(*why)) {
    case KOC_EFORMAT:
    case KOC_EUNSUPPORTED:
    case KOC_EINVAL:
        koc__served_reply_error(&x->reply, 400, "MANIFEST_INVALID", "%s", message);
        break;
    case KOC_EDIGEST:
        koc__server_log(x->server, KOC_LOG_WARN, message);
        koc__served_reply_error(&x->reply, 400, "MANIFEST_BLOB_UNKNOWN", "%s", message);
        break;
    case KOC_ELIMIT: koc__served_reply_error(&x->reply, 507, "UNKNOWN", "%s", message); break;
    case KOC_ENOTFOUND:
        koc__served_reply_error(&x->reply, 400, "MANIFEST_BLOB_UNKNOWN", "%s", message);
        break;
    default: koc__served_reply_failure(&x->reply, x->server, why); return;
    }
    koc__error_clear(why);
}

/* false: a reply is set. */
static bool accept_document(koc__served_exchange *x, document *d)
{
    koc_error *err = NULL;
    koc__dynbuf_give(&x->document, &d->bytes);
    if (hash_document(x, d, &err) != KOC_OK) {
        koc__served_reply_failure(&x->reply, x->server, &err);
        return false;
    }
    if (!*x->route.tag && !koc_digest_equal(&d->digest, &x->route.digest)) {
        koc__served_reply_error(&x->reply, 400, "DIGEST_INVALID", "the content has the digest %s",
                                koc__digest_str(&d->digest).s);
        return false;
    }
    int rc = parse(d, x->type, &err);
    rc = rc == KOC_OK ? check_parts(x->server, d, true, &err) : rc;
    if (rc != KOC_OK) {
        reply_refusal(x, &err);
    }
    return rc == KOC_OK;
}

/* The header that names the tags of the query. */
static int name_tags(koc__served_exchange *x, const koc_strlist *tags, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) names = KOC__DYNBUF_INIT(KOC__QUERY_TAGS * (KOC__TAG_MAX + 2));
    for (size_t i = 0; i < koc_strlist_count(tags); i++) {
        KOC__TRY(koc__dynbuf_printf(&names, err, "%s%s", i ? ", " : "", koc_strlist_get(tags, i)));
    }
    if (names.len > 0) {
        koc__served_reply_header(&x->reply, "OCI-Tag", "%s", koc__dynbuf_cstr(&names));
    }
    return KOC_OK;
}

void koc__serve_manifest_finish(koc__served_exchange *x)
{
    KOC__AUTO_VAL(document) d = {0};
    KOC__AUTO(koc_strlist) tags = NULL;
    koc_error *err = NULL;
    koc_digest subject;
    if (!read_tags(x, &tags) || !accept_document(x, &d)) {
        return;
    }
    if (store_document(x, &d, tags, &err) != KOC_OK) {
        reply_refusal(x, &err);
        return;
    }
    const koc__digest_text digest = koc__digest_str(&d.digest);
    x->reply.status = 201;
    koc__served_reply_header(&x->reply, "Location", "/v2/%s/manifests/%s", x->route.name, digest.s);
    koc__served_reply_header(&x->reply, "Docker-Content-Digest", "%s", digest.s);
    if (subject_of(d.doc, &subject)) {
        koc__served_reply_header(&x->reply, "OCI-Subject", "%s", koc__digest_str(&subject).s);
    }
    if (name_tags(x, tags, &err) != KOC_OK) {
        koc__served_reply_failure(&x->reply, x->server, &err);
    }
}

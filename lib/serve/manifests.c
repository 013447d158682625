/* Manifests, tags and referrers (distribution-spec, "Pulling manifests", "Pushing manifests", "Listing
 * referrers"). A document's type is what it says itself, so that it is the same for whoever reads the layout. */
#include "core/common.h"

#include "core/digests.h"
#include "core/fs.h"
#include "core/text.h"
#include "model/model.h"
#include "serve/serve.h"
#include "store/layout.h"

enum { FILE_MODE = 0644 };

/* A manifest or index as it lies in the layout. */
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

/* KOC_ENOTFOUND also where the digest is that of something else, a layer say. */
static int load(const koc__server *s, const koc_digest *digest, document *out, koc_error **err)
{
    KOC__AUTO_STR path = koc__layout_blob_path(s->layout, digest);
    KOC__AUTO(koc_blob) blob = NULL;
    if (!path) {
        return koc__oom(err);
    }
    if (!koc__fs_is_file(path)) {
        return koc__error(err, KOC_ENOTFOUND, "%s is not here", koc__digest_str(digest).s);
    }
    out->digest = *digest;
    KOC__TRY(koc_blob_from_file(path, digest, &blob, err));
    int rc = koc_blob_read_all(blob, KOC__MANIFEST_MAX, NULL, &out->bytes, err);
    if (rc == KOC_OK) {
        rc = parse(out, NULL, err);
    }
    if (rc == KOC_EFORMAT || rc == KOC_EUNSUPPORTED || rc == KOC_ELIMIT) {
        return koc__error(err, KOC_ENOTFOUND, "%s is no manifest", koc__digest_str(digest).s);
    }
    return rc;
}

/* --- pulling --- */

/* The digest that the request's tag or digest stands for. */
static int resolve(const koc__exchange *x, koc_digest *out, koc_error **err)
{
    if (!*x->route.tag) {
        *out = x->route.digest;
        return KOC_OK;
    }
    return koc__names_find(x->server->names, x->route.name, x->route.tag, out, err);
}

static void unknown_manifest(koc__exchange *x, koc_error **why)
{
    if (koc_error_code(*why) != KOC_ENOTFOUND) {
        koc__reply_failure(&x->reply, x->server, why);
        return;
    }
    koc__reply_error(&x->reply, 404, "MANIFEST_UNKNOWN", "%s", koc_error_message(*why));
    koc__error_clear(why);
}

void koc__serve_manifest(koc__exchange *x)
{
    KOC__AUTO_VAL(document) d = {0};
    koc__reply *r = &x->reply;
    koc_digest digest;
    koc_error *err = NULL;
    if (resolve(x, &digest, &err) != KOC_OK || load(x->server, &digest, &d, &err) != KOC_OK) {
        unknown_manifest(x, &err);
        return;
    }
    const koc__digest_text text = koc__digest_str(&digest);
    r->status = 200;
    r->body = (koc__buf){d.bytes.ptr, d.bytes.len, d.bytes.capacity, KOC__MANIFEST_MAX};
    d.bytes = (koc_buf)KOC_BUF_INIT;
    koc__reply_header(r, "Content-Type", "%s", d.type);
    koc__reply_header(r, "Docker-Content-Digest", "%s", text.s);
    koc__reply_header(r, "ETag", "\"%s\"", text.s);
}

/* --- pushing --- */

void koc__serve_manifest_put(koc__exchange *x)
{
    if (x->has_length && x->length > KOC__MANIFEST_MAX) {
        koc__reply_error(&x->reply, 413, "SIZE_INVALID", "a manifest has at most %zu bytes",
                         KOC__MANIFEST_MAX);
    }
}

static int has_content(const koc__server *s, const koc__jnode *descriptor, bool *out,
                       koc_error **err)
{
    KOC__AUTO(koc_descriptor) d = NULL;
    KOC__TRY(koc__descriptor_read(descriptor, "a descriptor", &d, err));
    KOC__AUTO_STR path = koc__layout_blob_path(s->layout, &d->digest);
    if (!path) {
        return koc__oom(err);
    }
    *out = koc__mt_is_foreign(d->media_type) || koc__fs_is_file(path);
    return KOC_OK;
}

/* Whether all that a document names is in the layout, so that what is handed over is whole. */
static int check_list(const koc__server *s, const koc__jnode *list, koc_error **err)
{
    for (const koc__jnode *n = koc__json_child(list); n; n = koc__json_next(n)) {
        bool here = false;
        KOC__TRY(has_content(s, n, &here, err));
        if (!here) {
            return koc__error(err, KOC_ENOTFOUND, "%s is not here: push it first",
                              koc__json_get_str(n, "digest"));
        }
    }
    return KOC_OK;
}

static int check_content(const koc__server *s, const document *d, koc_error **err)
{
    const koc__jnode *root = koc__json_root(d->doc);
    bool here = true;
    if (koc__mt_is_index(d->type)) {
        return check_list(s, koc__json_get(root, "manifests"), err);
    }
    const koc__jnode *config = koc__json_get(root, "config");
    KOC__TRY(has_content(s, config, &here, err));
    if (!here) {
        return koc__error(err, KOC_ENOTFOUND, "the config %s is not here: push it first",
                          koc__json_get_str(config, "digest"));
    }
    return check_list(s, koc__json_get(root, "layers"), err);
}

/* What a document refers to; false: nothing. */
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
    return koc__digest_read(koc__str(digest), &at) && load(s, &at, &d, NULL) == KOC_OK &&
           subject_of(d.doc, &subject);
}

/* The entries of an index that need no line of their own: referrers are found by theirs. */
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

/* The file, then the lines of index.json. tags: beside the one in the path. */
static int store(koc__exchange *x, const document *d, const koc_strlist *tags, koc_error **err)
{
    koc__server *s = x->server;
    KOC__AUTO(koc_strlist) children = NULL;
    KOC__AUTO_STR path = koc__layout_blob_path(s->layout, &d->digest);
    KOC__AUTO_STR folder =
        koc__format("%s/blobs/%s", s->layout->dir,
                    d->digest.algorithm == KOC_DIGEST_SHA512 ? "sha512" : "sha256");
    koc_descriptor line = KOC_DESCRIPTOR_INIT;
    if (!path || !folder) {
        return koc__oom(err);
    }
    KOC__TRY(koc__fs_mkdirs(folder, 0755, err));
    KOC__TRY(koc__fs_write_file(path, koc__str_n(d->bytes.ptr, d->bytes.len), FILE_MODE, err));
    KOC__TRY(children_of(s, d, &children, err));
    line.media_type = d->type;
    line.digest = d->digest;
    line.size = d->bytes.len;
    const char *tag = *x->route.tag ? x->route.tag : NULL;
    if (tag || koc_strlist_count(tags) == 0) {
        KOC__TRY(koc__names_put(s->names, x->route.name, tag, &line, children, s->op, err));
    }
    for (size_t i = 0; i < koc_strlist_count(tags); i++) {
        KOC__TRY(koc__names_put(s->names, x->route.name, koc_strlist_get(tags, i), &line, children,
                                s->op, err));
    }
    return KOC_OK;
}

/* ?tag=…&tag=… beside a digest. false: there is a reply. */
static bool read_tags(koc__exchange *x, koc_strlist **out)
{
    koc_error *err = NULL;
    int rc = koc__strlist_new(out, &err);
    for (size_t i = 0; rc == KOC_OK; i++) {
        KOC__AUTO_STR tag = koc__exchange_query(x, "tag", i);
        if (!tag || x->reply.status) {
            break;
        }
        if (!koc__is_tag(koc__str(tag)) || i >= KOC__QUERY_TAGS) {
            koc__reply_error(&x->reply, i >= KOC__QUERY_TAGS ? 414 : 400, "TAG_INVALID",
                             "tag: not a tag, or more than %d of them", KOC__QUERY_TAGS);
            break;
        }
        rc = koc__strlist_add(*out, tag, &err);
    }
    if (rc != KOC_OK) {
        koc__reply_failure(&x->reply, x->server, &err);
    }
    return !x->reply.status;
}

/* The digest by the algorithm of the path, sha256 for a tag. */
static int hash_document(const koc__exchange *x, document *d, koc_error **err)
{
    koc_hasher *h = NULL;
    int32_t algorithm = *x->route.tag ? KOC_DIGEST_SHA256 : x->route.digest.algorithm;
    KOC__TRY(koc_hasher_new(algorithm, &h, err));
    koc_hasher_update(h, koc__str_n(d->bytes.ptr, d->bytes.len));
    int rc = koc_hasher_finish(h, &d->digest, err);
    koc_hasher_free(h);
    return rc;
}

/* false: there is a reply. */
static bool accept_document(koc__exchange *x, document *d)
{
    koc_error *err = NULL;
    koc__buf_give(&x->document, &d->bytes);
    if (hash_document(x, d, &err) != KOC_OK) {
        koc__reply_failure(&x->reply, x->server, &err);
        return false;
    }
    if (!*x->route.tag && !koc_digest_equal(&d->digest, &x->route.digest)) {
        koc__reply_error(&x->reply, 400, "DIGEST_INVALID", "the content has the digest %s",
                         koc__digest_str(&d->digest).s);
        return false;
    }
    int rc = parse(d, x->type, &err);
    const char *code = "MANIFEST_INVALID";
    if (rc == KOC_OK) {
        rc = check_content(x->server, d, &err);
        code = rc == KOC_ENOTFOUND ? "MANIFEST_BLOB_UNKNOWN" : code;
    }
    if (rc == KOC_ENOMEM) {
        koc__reply_failure(&x->reply, x->server, &err);
    } else if (rc != KOC_OK) {
        koc__reply_error(&x->reply, 400, code, "%s", koc_error_message(err));
    }
    koc__error_clear(&err);
    return rc == KOC_OK;
}

void koc__serve_manifest_finish(koc__exchange *x)
{
    KOC__AUTO_VAL(document) d = {0};
    KOC__AUTO(koc_strlist) tags = NULL;
    koc_error *err = NULL;
    koc_digest subject;
    if (!read_tags(x, &tags) || !accept_document(x, &d)) {
        return;
    }
    if (store(x, &d, tags, &err) != KOC_OK) {
        koc__reply_failure(&x->reply, x->server, &err);
        return;
    }
    const koc__digest_text digest = koc__digest_str(&d.digest);
    x->reply.status = 201;
    koc__reply_header(&x->reply, "Location", "/v2/%s/manifests/%s", x->route.name, digest.s);
    koc__reply_header(&x->reply, "Docker-Content-Digest", "%s", digest.s);
    if (subject_of(d.doc, &subject)) {
        koc__reply_header(&x->reply, "OCI-Subject", "%s", koc__digest_str(&subject).s);
    }
    KOC__AUTO_VAL(koc__buf) names = KOC__BUF_INIT(KOC__QUERY_TAGS * (KOC__TAG_MAX + 2));
    for (size_t i = 0; i < koc_strlist_count(tags); i++) {
        (void)koc__buf_printf(&names, NULL, "%s%s", i ? ", " : "", koc_strlist_get(tags, i));
    }
    if (names.len > 0) {
        koc__reply_header(&x->reply, "OCI-Tag", "%s", koc__buf_cstr(&names));
    }
}

/* --- removing --- */

static int remove_document(koc__exchange *x, koc_error **err)
{
    koc__server *s = x->server;
    const koc_digest *digest = &x->route.digest;
    KOC__AUTO_VAL(document) d = {0};
    KOC__AUTO_STR path = koc__layout_blob_path(s->layout, digest);
    bool other = false;
    if (!path) {
        return koc__oom(err);
    }
    KOC__TRY(load(s, digest, &d, err));
    KOC__TRY(koc__names_remove_digest(s->names, x->route.name, digest, s->op, &other, err));
    if (!other && unlink(path) != 0) {
        return koc__error_errno(err, errno, "cannot remove %s", path);
    }
    return KOC_OK;
}

void koc__serve_manifest_delete(koc__exchange *x)
{
    koc__server *s = x->server;
    koc_error *err = NULL;
    int rc = *x->route.tag
                 ? koc__names_remove_tag(s->names, x->route.name, x->route.tag, s->op, &err)
                 : remove_document(x, &err);
    if (rc != KOC_OK) {
        unknown_manifest(x, &err);
        return;
    }
    x->reply.status = 202;
}

/* --- referrers --- */

/* An image without one says it by its config's type; an index cannot. NULL: it has none. */
static const char *artifact_type_of(const document *d)
{
    const koc__jnode *root = koc__json_root(d->doc);
    const char *type = koc__json_get_str(root, "artifactType");
    return type && *type ? type : koc__json_get_str(koc__json_get(root, "config"), "mediaType");
}

static void write_referrer(koc__jw *w, const document *d)
{
    const koc__jnode *annotations = koc__json_get(koc__json_root(d->doc), "annotations");
    koc__jw_object(w);
    koc__jw_kv(w, "mediaType", d->type);
    koc__jw_key(w, "size");
    koc__jw_u64(w, d->bytes.len);
    koc__jw_kv(w, "digest", koc__digest_str(&d->digest).s);
    koc__jw_kv(w, "artifactType", artifact_type_of(d));
    if (annotations) {
        koc__jw_key(w, "annotations");
        koc__jw_node(w, annotations);
    }
    koc__jw_object_end(w);
}

/* Adds the document of one line, if it refers to the subject and there is room; *full: there is none. */
static int add_referrer(koc__exchange *x, const char *digest, const char *type, koc__buf *out,
                        bool *full, koc_error **err)
{
    KOC__AUTO_VAL(document) d = {0};
    KOC__AUTO_VAL(koc__buf) text = KOC__BUF_INIT(2 * KOC__MANIFEST_MAX);
    koc_digest subject;
    koc_digest of;
    koc__jw w;
    if (!koc__digest_read(koc__str(digest), &of)) {
        return KOC_OK;
    }
    koc_error *why = NULL;
    int rc = load(x->server, &of, &d, &why);
    if (rc != KOC_OK) { /* a line whose document went away does not hide the others */
        if (rc == KOC_ENOMEM) {
            return koc__error_move(err, &why);
        }
        koc__error_clear(&why);
        return KOC_OK;
    }
    if (!subject_of(d.doc, &subject) || !koc_digest_equal(&subject, &x->route.digest) ||
        (type && !koc__streq(artifact_type_of(&d), type))) {
        return KOC_OK;
    }
    koc__jw_begin(&w, &text, 0, 0);
    write_referrer(&w, &d);
    KOC__TRY(koc__jw_end(&w, err));
    bool first = out->ptr[out->len - 1] == '[';
    *full = !first && out->len + text.len + 8 > KOC__MANIFEST_MAX;
    if (*full) {
        return KOC_OK;
    }
    KOC__TRY(koc__buf_puts(out, first ? "" : ",", err));
    return koc__buf_put(out, koc__buf_view(&text), err);
}

static int list_referrers(koc__exchange *x, const char *type, const char *last, koc_error **err)
{
    KOC__AUTO(koc_strlist) digests = NULL;
    koc__reply *r = &x->reply;
    const char *before = last;
    bool full = false;
    r->body = (koc__buf)KOC__BUF_INIT(3 * KOC__MANIFEST_MAX);
    KOC__TRY(koc__names_digests(x->server->names, &digests, err));
    KOC__TRY(koc__buf_puts(
        &r->body, "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX "\",\"manifests\":[",
        err));
    for (size_t i = 0; i < koc_strlist_count(digests) && !full; i++) {
        const char *digest = koc_strlist_get(digests, i);
        if (last && strcmp(digest, last) <= 0) {
            continue;
        }
        KOC__TRY(add_referrer(x, digest, type, &r->body, &full, err));
        before = full ? before : digest;
    }
    KOC__TRY(koc__buf_puts(&r->body, "]}", err));
    if (full) {
        KOC__AUTO_VAL(koc__buf) filter = KOC__BUF_INIT(2048);
        if (type) {
            KOC__TRY(koc__buf_puts(&filter, "&artifactType=", err));
            KOC__TRY(koc__percent(&filter, koc__str(type), "", err));
        }
        koc__reply_header(r, "Link", "</v2/%s/referrers/%s?last=%s%s>; rel=\"next\"", x->route.name,
                          koc__digest_str(&x->route.digest).s, before, koc__buf_cstr(&filter));
    }
    return KOC_OK;
}

void koc__serve_referrers(koc__exchange *x)
{
    KOC__AUTO_STR type = koc__exchange_query(x, "artifactType", 0);
    KOC__AUTO_STR last = koc__exchange_query(x, "last", 0);
    koc_error *err = NULL;
    if (x->reply.status) {
        return;
    }
    x->reply.status = 200;
    if (list_referrers(x, type, last, &err) != KOC_OK) {
        koc__reply_failure(&x->reply, x->server, &err);
        return;
    }
    koc__reply_header(&x->reply, "Content-Type", KOC_MT_OCI_INDEX);
    if (type) {
        koc__reply_header(&x->reply, "OCI-Filters-Applied", "artifactType");
    }
}

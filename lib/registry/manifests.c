/* Manifests: resolve, read, write (distribution-spec, "Pulling", "Pushing"). */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "registry/operations.h"

/* Every media type that koc reads; never schema 1. */
#define ACCEPT_MANIFESTS                                                                           \
    KOC_MT_OCI_INDEX ", " KOC_MT_OCI_MANIFEST ", " KOC_MT_DOCKER_LIST ", " KOC_MT_DOCKER_MANIFEST

char *koc__ref_target(const koc_reference *r)
{
    if (koc_reference_digest(r)) {
        return koc__strdup(koc__digest_str(koc_reference_digest(r)).s);
    }
    return koc__strdup(koc_reference_tag(r) ? koc_reference_tag(r) : "latest");
}

int koc__ref_request(koc__request *rq, koc_client *c, const koc_reference *r, char **path,
                     koc_error **err, const char *fmt, ...)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(KOC__URL_MAX);
    va_list args;
    rq->what = koc__operation_of(rq->method, fmt);
    rq->repository = koc_reference_repository(r);
    KOC__TRY(koc__client_host(c, koc_reference_registry(r), &rq->host, err));
    KOC__TRY(koc__dynbuf_printf(&b, err, "/v2/%s/", rq->repository));
    va_start(args, fmt);
    int rc = koc__dynbuf_vprintf(&b, err, fmt, args);
    va_end(args);
    KOC__TRY(rc);
    *path = koc__dynbuf_steal(&b);
    if (!*path) {
        return koc__oom(err);
    }
    rq->target = *path;
    return KOC_OK;
}

/* The digest that the registry reports, if koc knows its algorithm. */
static bool claimed_digest(const koc__headers *h, koc_digest *out)
{
    const char *value = koc__headers_get(h, "Docker-Content-Digest");
    return value && koc__digest_read(koc__str_trim(koc__str(value)), out);
}

static int digest_as(const koc_digest *like, koc_str bytes, koc_digest *out, koc_error **err)
{
    koc_hasher *h = NULL;
    if (!like || like->algorithm == KOC_DIGEST_SHA256) {
        koc__sha256_of(bytes.ptr, bytes.len, out);
        return KOC_OK;
    }
    KOC__TRY(koc_hasher_new(like->algorithm, &h, err));
    koc_hasher_update(h, bytes);
    int rc = koc_hasher_finish(h, out, err);
    koc_hasher_free(h);
    return rc;
}

/* Compares the digest of the body with the one of r and the one that the registry reports
 * (R-112). */
static int check_digest(const koc_reference *r, const koc__response *resp, koc_digest *out,
                        koc_error **err)
{
    const koc_digest *wanted = koc_reference_digest(r);
    koc_str bytes = koc__dynbuf_view(&resp->body);
    koc_digest claimed, actual;
    KOC__TRY(digest_as(wanted, bytes, &actual, err));
    if (wanted && !koc_digest_equal(wanted, &actual)) {
        return koc__error(err, KOC_EDIGEST, "the registry sent a manifest with the digest %s",
                          koc__digest_str(&actual).s);
    }
    if (claimed_digest(&resp->headers, &claimed)) {
        koc_digest same;
        KOC__TRY(digest_as(&claimed, bytes, &same, err));
        if (!koc_digest_equal(&same, &claimed)) {
            return koc__error(err, KOC_EDIGEST,
                              "the registry says %s, but sent a manifest with the digest %s",
                              koc__digest_str(&claimed).s, koc__digest_str(&same).s);
        }
    }
    *out = actual;
    return KOC_OK;
}

static int fetch_manifest(koc_client *c, const koc_reference *r, koc__call *call, const int *also,
                          koc__response *resp, koc_error **err)
{
    KOC__AUTO_STR target = koc__ref_target(r);
    KOC__AUTO_STR path = NULL;
    koc_digest actual;
    koc__request rq = {.method = "GET", .actions = KOC__ACT_PULL};
    if (!target) {
        return koc__oom(err);
    }
    KOC__TRY(koc__ref_request(&rq, c, r, &path, err, "manifests/%s", target));
    rq.accept = ACCEPT_MANIFESTS;
    rq.max_reply = KOC__MANIFEST_MAX;
    rq.also = also;
    KOC__TRY(koc__request_run(&rq, call, resp, err));
    if (resp->status < 300 && check_digest(r, resp, &actual, NULL) == KOC_EDIGEST &&
        koc__mirrors_distrust(rq.host)) {
        /* A mirror may be broken: ask the registry itself. */
        return koc__request_run(&rq, call, resp, err);
    }
    return KOC_OK;
}

int koc__client_get_manifest(koc_client *c, const koc_reference *r, koc__call *call, koc_buf *bytes,
                             koc_buf *media_type, koc_digest *digest, koc_error **err)
{
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    KOC__AUTO(koc__json) doc = NULL;
    char content_type[160] = "";
    const char *type = NULL;
    koc_digest actual;
    KOC__TRY(fetch_manifest(c, r, call, NULL, &resp, err));
    KOC__TRY(check_digest(r, &resp, &actual, err));
    koc__http_media_type(&resp.headers, content_type, sizeof(content_type));
    KOC__TRY(
        koc__json_parse(koc__dynbuf_view(&resp.body), KOC__MANIFEST_MAX, "manifest", &doc, err));
    KOC__TRY(
        koc__mt_of_document(doc, content_type[0] ? content_type : NULL, "manifest", &type, err));
    if (media_type) {
        KOC__TRY(koc_buf_set(media_type, koc__str(type), err));
    }
    koc__dynbuf_give(&resp.body, bytes);
    if (digest) {
        *digest = actual;
    }
    return KOC_OK;
}

/* The reply to HEAD does not have everything: reads the manifest itself. */
static int head_by_get(koc_client *c, const koc_reference *r, koc__call *call, koc__found *out,
                       koc_error **err)
{
    static const int also[] = {404, 0};
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    koc__found f = {.found = true};
    KOC__TRY(fetch_manifest(c, r, call, also, &resp, err));
    if (resp.status == 404) {
        *out = (koc__found){.found = false};
        return KOC_OK;
    }
    KOC__TRY(check_digest(r, &resp, &f.digest, err));
    f.size = resp.body.len;
    koc__http_media_type(&resp.headers, f.media_type, sizeof(f.media_type));
    *out = f;
    return KOC_OK;
}

int koc__client_head_manifest(koc_client *c, const koc_reference *r, bool pushing, koc__call *call,
                              koc__found *out, koc_error **err)
{
    static const int also[] = {400, 403, 404, 405, 0};
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    KOC__AUTO_STR target = koc__ref_target(r);
    KOC__AUTO_STR path = NULL;
    koc__found f = {.found = true};
    koc__request rq = {.method = "HEAD",
                       .actions = pushing ? KOC__ACT_PULL | KOC__ACT_PUSH : KOC__ACT_PULL};
    if (!target) {
        return koc__oom(err);
    }
    KOC__TRY(koc__ref_request(&rq, c, r, &path, err, "manifests/%s", target));
    rq.accept = ACCEPT_MANIFESTS;
    rq.also = also;
    KOC__TRY(koc__request_run(&rq, call, &resp, err));
    if (resp.status == 404 || (pushing && resp.status == 403)) {
        *out = (koc__found){.found = false};
        return KOC_OK;
    }
    bool complete = resp.status < 300 && claimed_digest(&resp.headers, &f.digest) &&
                    koc__http_length(&resp.headers, &f.size);
    if (!complete) {
        /* a failed HEAD has no body that explains it */
        return head_by_get(c, r, call, out, err);
    }
    if (koc_reference_digest(r) && koc_reference_digest(r)->algorithm == f.digest.algorithm &&
        !koc_digest_equal(koc_reference_digest(r), &f.digest)) {
        return koc__error(err, KOC_EDIGEST, "the registry answers with %s",
                          koc__digest_str(&f.digest).s);
    }
    koc__http_media_type(&resp.headers, f.media_type, sizeof(f.media_type));
    *out = f;
    return KOC_OK;
}

static bool has_digest(koc_client *c, const koc_reference *r, const koc_digest *d, koc__call *call)
{
    koc__found f;
    return koc__client_head_manifest(c, r, true, call, &f, NULL) == KOC_OK && f.found &&
           koc_digest_equal(&f.digest, d);
}

int koc__manifest_put(koc_client *c, const koc_reference *r, const char *media_type, koc_str bytes,
                      koc__call *call, koc__stored *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__response) resp = KOC__RESPONSE_INIT;
    KOC__AUTO_STR target = koc__ref_target(r);
    KOC__AUTO_STR path = NULL;
    koc_digest ours, claimed;
    koc__request rq = {.method = "PUT", .actions = KOC__ACT_PULL | KOC__ACT_PUSH};
    if (!target) {
        return koc__oom(err);
    }
    KOC__TRY(digest_as(koc_reference_digest(r), bytes, &ours, err));
    if (koc_reference_digest(r) && !koc_digest_equal(koc_reference_digest(r), &ours)) {
        return koc__error(err, KOC_EDIGEST,
                          "the manifest's digest is %s, not the one of the reference",
                          koc__digest_str(&ours).s);
    }
    KOC__TRY(koc__ref_request(&rq, c, r, &path, err, "manifests/%s", target));
    rq.content_type = media_type;
    rq.bytes = bytes;
    rq.has_body = true;
    rq.flags = KOC__RQ_SLOW;
    int rc = koc__request_run(&rq, call, &resp, err);
    if (rc != KOC_OK) {
        /* Immutable tags refuse even their own content, and a lost answer may have been a
         * success. */
        bool perhaps =
            resp.status == 400 || resp.status == 409 || resp.status == 0 || resp.status >= 500;
        if (!perhaps || rc == KOC_ECANCELLED || !has_digest(c, r, &ours, call)) {
            if (strcmp(resp.error.code, "TAG_INVALID") == 0 || resp.status == 409) {
                koc__error_prefix(err, rc, "the tag cannot be moved to another image");
            }
            return rc;
        }
        koc__error_clear(err);
    } else if (claimed_digest(&resp.headers, &claimed) && claimed.algorithm == ours.algorithm &&
               !koc_digest_equal(&claimed, &ours)) {
        return koc__error(err, KOC_EDIGEST, "the registry stored %s instead of %s",
                          koc__digest_str(&claimed).s, koc__digest_str(&ours).s);
    }
    out->digest = ours;
    out->keeps_referrers = koc__headers_get(&resp.headers, "OCI-Subject") != NULL;
    return KOC_OK;
}

/* --- public --- */

int koc__missing_image(const koc_reference *r, koc_error **err)
{
    const char *repository = koc__reference_context(r);
    koc__error(err, KOC_ENOTFOUND, "no such image");
    koc__error_http(err, 404, NULL);
    if (!koc_reference_digest(r)) {
        koc__error_hint_on(err, KOC_HINT_LIST_TAGS, repository, "list the tags of %s", repository);
    }
    return KOC_ENOTFOUND;
}

int koc_client_resolve(koc_client *c, const koc_reference *r, const koc_op *user, koc_buf *storage,
                       koc_descriptor *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_descriptor d;
    koc__found f;
    if (!c || !r || !storage || !out) {
        return koc__misuse(err, "koc_client_resolve: c, r, storage or out is NULL");
    }
    KOC__TRY(koc__options_copy(&d, sizeof(d), out, "koc_descriptor", err));
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    int rc = koc__client_head_manifest(c, r, false, &call, &f, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "cannot resolve %s", koc_reference_string(r));
    }
    if (!f.found) {
        return koc__error_prefix(err, koc__missing_image(r, err), "%s", koc_reference_string(r));
    }
    KOC__TRY(koc_buf_set(storage, koc__str(f.media_type), err));
    d.digest = f.digest;
    d.size = f.size;
    d.media_type = f.media_type[0] ? storage->ptr : NULL;
    koc__options_give(out, sizeof(d), &d);
    return KOC_OK;
}

int koc_client_get_manifest(koc_client *c, const koc_reference *r, const koc_op *user,
                            koc_buf *bytes, koc_buf *media_type, koc_digest *digest,
                            koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    if (!c || !r || !bytes) {
        return koc__misuse(err, "koc_client_get_manifest: c, r or bytes is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    int rc = koc__client_get_manifest(c, r, &call, bytes, media_type, digest, err);
    return koc__error_prefix(err, rc, "cannot read %s", koc_reference_string(r));
}

/* Manifests written and deleted, with the list of referrers of their subject (distribution-spec,
 * "Pushing", "Content Management"). */
#include "core/common.h"

#include "registry/operations.h"

static bool has_subject(koc_str manifest)
{
    return manifest.len > 0 && memmem(manifest.ptr, manifest.len, "\"subject\"", 9);
}

int koc__client_put_manifest(koc_client *c, const koc_reference *r, const char *media_type,
                             koc_str bytes, koc__call *call, koc_digest *out, koc_error **err)
{
    koc__stored stored;
    KOC__TRY(koc__manifest_put(c, r, media_type, bytes, call, &stored, err));
    if (has_subject(bytes) && !stored.keeps_referrers) {
        KOC__TRY(koc__referrers_add(c, r, media_type, bytes, &stored.digest, call, err));
    }
    if (out) {
        *out = stored.digest;
    }
    return KOC_OK;
}

int koc_client_put_manifest(koc_client *c, const koc_reference *r, const char *media_type,
                            koc_str bytes, const koc_op *user, koc_digest *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__call) call = {0};
    if (!c || !r || !media_type || (bytes.len > 0 && !bytes.ptr)) {
        return koc__misuse(err, "koc_client_put_manifest: c, r, media_type or bytes.ptr is NULL");
    }
    KOC__TRY(koc__call_begin(&call, c->ctx, user, err));
    int rc = koc__client_put_manifest(c, r, media_type, bytes, &call, out, err);
    return koc__error_prefix(err, rc, "cannot write %s", koc_reference_string(r));
}

static int delete_error(const koc_reference *r, const koc__response *resp, int rc, koc_error **err)
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
    koc__request rq = {.method = "DELETE",
                       .actions = KOC__ACT_PULL | KOC__ACT_PUSH | KOC__ACT_DELETE};

    if (!target) {
        return koc__oom(err);
    }
    KOC__TRY(koc__ref_request(&rq, c, r, &path, err, "manifests/%s", target));
    rq.also = also;
    int rc = koc__request_run(&rq, call, &resp, err);
    if (rc != KOC_OK) {
        return delete_error(r, &resp, rc, err);
    }
    return resp.status == 404
               ? koc__error(err, KOC_ENOTFOUND, "%s: no such image", koc_reference_string(r))
               : KOC_OK;
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
    /* Reads its subject while it can be read. Deleting a tag keeps the manifest. */
    bool known = koc_reference_digest(r) &&
                 koc__client_get_manifest(c, r, &call, &bytes, NULL, &digest, NULL) == KOC_OK;
    KOC__TRY(delete_manifest(c, r, &call, err));
    koc_str text = koc__str_n(bytes.ptr, bytes.len);
    if (!known || !has_subject(text)) {
        return KOC_OK;
    }
    int rc = koc__referrers_remove(c, r, text, &digest, &call, err);
    return koc__error_prefix(err, rc, "%s is deleted, but the list of referrers still names it",
                             koc_reference_string(r));
}

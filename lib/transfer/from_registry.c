/* Reads from registries. */
#include "core/common.h"

#include "transfer/transfer.h"

static int get(koc_source *s, const koc_reference *r, koc__call *call, koc__document *out,
               koc_error **err)
{
    return koc__client_get_manifest(s->client, r, call, &out->bytes, &out->media_type, &out->digest,
                                    err);
}

static int top(koc_source *s, const koc_place *p, koc__call *call, koc__document *out,
               koc_error **err)
{
    return get(s, p->reference, call, out, err);
}

static int manifest(koc_source *s, const koc_digest *d, koc__call *call, koc__document *out,
                    koc_error **err)
{
    KOC__AUTO(koc_reference) r = NULL;
    KOC__TRY(koc_reference_with_digest(s->repo, d, &r, err));
    return get(s, r, call, out, err);
}

static int blob(koc_source *s, const koc_descriptor *d, koc_blob **out, koc_error **err)
{
    *out = NULL;
    if (koc__mt_is_foreign(d->media_type)) {
        return KOC_OK; /* a foreign layer: registries do not have it */
    }
    return koc_client_get_blob(s->client, s->repo, d, out, err);
}

static int referrers(koc_source *s, const koc_digest *subject, const char *type, koc__call *call,
                     koc_index **out, koc_error **err)
{
    KOC__AUTO(koc_reference) r = NULL;
    KOC__TRY(koc_reference_with_digest(s->repo, subject, &r, err));
    return koc__client_list_referrers(s->client, r, type, call, out, err);
}

static const koc__source_vt vt = {top, manifest, blob, referrers};

int koc__source_registry(koc_source *s, const koc_place *p, koc_error **err)
{
    KOC__AUTO(koc_reference) untagged = NULL;
    s->vt = &vt;
    KOC__TRY(koc_reference_with_tag(p->reference, NULL, &untagged, err));
    return koc_reference_with_digest(untagged, NULL, &s->repo, err);
}

/* Writes to registries. */
#include "core/common.h"

#include "transfer/transfer.h"

#include "registry/blob_claims.h"

typedef struct registry_dest {
    koc__dest base;
    koc__blob_claims *manifests; /* those that this call writes by digest */
} registry_dest;

/* p's repository with the digest d. */
static int reference_by_digest(const koc_place *p, const koc_digest *d, koc_reference **out,
                               koc_error **err)
{
    KOC__AUTO(koc_reference) untagged = NULL;
    KOC__TRY(koc_reference_with_tag(p->reference, NULL, &untagged, err));
    return koc_reference_with_digest(untagged, d, out, err);
}

static int has(koc__dest *t, const koc_reference *r, const koc_digest *d, koc__call *call,
               bool *out, koc_error **err)
{
    koc__found f;
    KOC__TRY(koc__client_head_manifest(t->client, r, true, call, &f, err));
    *out = f.found && koc_digest_equal(&f.digest, d);
    return KOC_OK;
}

/* The name of the copy: a tag, unless the place names exactly this digest. */
static int reference_for(const koc_place *p, const koc_digest *d, koc_reference **out,
                         koc_error **err)
{
    const koc_digest *asked = koc_reference_digest(p->reference);
    if (asked && !koc_digest_equal(asked, d)) {
        return koc__error(err, KOC_EDIGEST, "%s: the image to be written has another digest",
                          koc_reference_string(p->reference));
    }
    if (asked && !koc_reference_tag(p->reference)) {
        *out = koc_reference_ref(p->reference);
        return KOC_OK;
    }
    return koc_reference_with_digest(p->reference, NULL, out, err);
}

static int has_top(koc__dest *t, const koc_place *p, const koc_digest *d, koc__call *call,
                   bool *out, koc_error **err)
{
    KOC__AUTO(koc_reference) r = NULL;
    KOC__TRY(reference_for(p, d, &r, err));
    return has(t, r, d, call, out, err);
}

static int has_manifest(koc__dest *t, const koc_place *p, const koc_digest *d, koc__call *call,
                        bool *out, koc_error **err)
{
    KOC__AUTO(koc_reference) r = NULL;
    KOC__TRY(reference_by_digest(p, d, &r, err));
    return has(t, r, d, call, out, err);
}

static int put_blob(koc__dest *t, const koc_place *p, const koc__known_blob *b, koc__call *call,
                    int32_t *state, koc_error **err)
{
    return koc__client_copy_blob(t->client, p->reference, b, call, state, err);
}

static int put_at(koc__dest *t, const koc_reference *r, const koc__document *d, koc__call *call,
                  koc_error **err)
{
    return koc__client_put_manifest(t->client, r, d->media_type.ptr, koc__document_text(d), call,
                                    NULL, err);
}

/* Once for all pairs of a call: some registries lose a manifest for a moment while they replace it, and refuse an
 * index that names it. */
static int put_by_digest(registry_dest *t, const koc_place *p, const koc__document *d,
                         koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_reference) r = NULL;
    const char *repository = koc__reference_context(p->reference);
    koc__claim claim;
    KOC__TRY(reference_by_digest(p, &d->digest, &r, err));
    KOC__TRY(koc__claim_begin(t->manifests, repository, &d->digest, false, call, &claim, err));
    if (claim == KOC__CLAIM_PRESENT) {
        return KOC_OK;
    }
    int rc = put_at(&t->base, r, d, call, err);
    koc__claim_end(t->manifests, repository, &d->digest, rc == KOC_OK);
    return rc;
}

static int put_manifest(koc__dest *t, const koc_place *p, const koc__document *d, bool named,
                        bool listed, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_reference) r = NULL;
    (void)listed; /* the client lists referrers */
    if (!named) {
        return put_by_digest((registry_dest *)t, p, d, call, err);
    }
    KOC__TRY(reference_for(p, &d->digest, &r, err));
    return put_at(t, r, d, call, err);
}

static void release(koc__dest *base)
{
    registry_dest *t = (registry_dest *)base;
    koc__claims_free(t->manifests);
    koc__free(t);
}

static const koc__dest_vt vt = {.has_top = has_top,
                                .has_manifest = has_manifest,
                                .put_blob = put_blob,
                                .put_manifest = put_manifest,
                                .release = release};

int koc__dest_registry(koc_ctx *ctx, koc_client *client, koc__dest **out, koc_error **err)
{
    registry_dest *t = koc__calloc(1, sizeof(*t));
    koc__blob_claims *manifests = koc__claims_new();
    if (!t || !manifests) {
        koc__claims_free(manifests);
        koc__free(t);
        return koc__oom(err);
    }
    t->base = (koc__dest){.vt = &vt, .ctx = ctx, .client = client, .kind = KOC_PLACE_REGISTRY};
    t->manifests = manifests;
    *out = &t->base;
    return KOC_OK;
}

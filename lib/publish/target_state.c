/*
 * What the target has of each image. It is asked while the bases are looked up, so that a build that changes
 * nothing sends no request after that.
 */
#include "core/common.h"

#include "publish/publish.h"

#include "core/hash/digests.h"
#include "model/model.h"
#include "sbom/sbom.h"

int koc__work_sbom_reference(const koc__work *w, const koc_digest *subject, koc_reference **out,
                             koc_error **err)
{
    KOC__AUTO(koc_reference) repository = NULL;
    const char *name = w->plan->sbom_repository ? w->plan->sbom_repository : w->name;
    KOC__TRY(koc__reference_parse_repository(name, &repository, err));
    return koc__subject_reference(repository, subject, ".sbom", out, err);
}

static int fetch(koc__work *w, koc__call *call, koc_error **err)
{
    const koc__plan *p = w->plan;
    koc__target_state *a = &w->target_state;
    KOC__AUTO(koc_reference) repository = NULL;
    KOC__AUTO(koc_reference) sbom = NULL;
    koc__found found = {0};
    KOC__TRY(koc__reference_parse_repository(w->name, &repository, err));
    for (size_t i = 0; i < koc_strlist_count(p->tags); i++) {
        KOC__AUTO(koc_reference) tagged = NULL;
        KOC__TRY(koc_reference_with_tag(repository, koc_strlist_get(p->tags, i), &tagged, err));
        KOC__TRY(koc__client_head_manifest(p->client, tagged, true, call, &found, err));
        a->lacks_image = !found.found;
        if (!found.found || (i > 0 && !koc_digest_equal(&found.digest, &a->image))) {
            return KOC_OK; /* something has to be sent */
        }
        a->image = found.digest;
    }
    a->has_image = true;
    if (p->o.sbom == KOC_SBOM_NONE) {
        return KOC_OK;
    }
    KOC__TRY(koc__work_sbom_reference(w, &a->image, &sbom, err));
    KOC__TRY(koc__client_head_manifest(p->client, sbom, true, call, &found, err));
    a->has_sbom = found.found;
    a->sbom = found.digest;
    return KOC_OK;
}

int koc__target_state_fetch(void *work, koc__call *call, koc_error **err)
{
    KOC__AUTO(koc_error) why = NULL;
    int rc = fetch(work, call, &why);
    if (rc == KOC_ECANCELLED || rc == KOC_ENOMEM || rc == KOC_ETIMEOUT || rc == KOC_EUSER) {
        return koc__error_move(err, &why);
    }
    return KOC_OK; /* ignore other errors: the push reports them */
}

/* A compile makes the answer stale: another process may have pushed meanwhile. */
static bool is_fresh(const koc__work *w)
{
    for (size_t i = 0; i < w->n_units; i++) {
        if (!w->units[i].binary->go_skipped) {
            return false;
        }
    }
    return true;
}

bool koc__target_has_image(const koc__work *w)
{
    return w->target_state.has_image && is_fresh(w) &&
           koc_digest_equal(&w->target_state.image, &koc__work_descriptor(w)->digest);
}

bool koc__target_has_sbom(const koc__work *w, const koc_digest *subject, const koc_digest *sbom)
{
    return w->target_state.has_sbom && is_fresh(w) &&
           koc_digest_equal(&w->target_state.image, subject) &&
           koc_digest_equal(&w->target_state.sbom, sbom);
}

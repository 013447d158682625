/* Reads OCI layouts. */
#include "core/common.h"

#include "transfer/transfer.h"

static int manifest(koc_source *s, const koc_digest *d, koc__call *call, koc__document *out,
                    koc_error **err)
{
    (void)call;
    out->digest = *d;
    KOC__TRY(koc__layout_read(s->layout, d, KOC__MANIFEST_MAX, &out->bytes, err));
    return koc__document_describe(out, "manifest", err);
}

static int top(koc_source *s, const koc_place *p, koc__call *call, koc__document *out,
               koc_error **err)
{
    KOC__AUTO(koc_index) list = NULL;
    const koc_descriptor *d = NULL;
    KOC__TRY(koc_layout_list(s->layout, &list, err));
    KOC__TRY(koc__select_entry(list, p, s->what, &d, err));
    return manifest(s, d ? &d->digest : p->digest, call, out, err);
}

static int blob(koc_source *s, const koc_descriptor *d, koc_blob **out, koc_error **err)
{
    return koc__layout_get(s->layout, &d->digest, out, err);
}

static int referrers(koc_source *s, const koc_digest *subject, const char *type, koc__call *call,
                     koc_index **out, koc_error **err)
{
    KOC__AUTO(koc_index) list = NULL;
    KOC__TRY(koc_layout_list(s->layout, &list, err));
    return koc__listed_referrers(s, list, subject, type, call, out, err);
}

static const koc__source_vt vt = {top, manifest, blob, referrers};

int koc__source_layout(koc_source *s, const koc_place *p, koc_error **err)
{
    s->vt = &vt;
    return koc_layout_open(s->ctx, p->path, 0, &s->layout, err);
}

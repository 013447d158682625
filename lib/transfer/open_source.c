/* Opens a place to read from. */
#include "core/common.h"

#include "transfer/transfer.h"

#include "core/run/context.h"
#include "core/str.h"

static char *name_of(const koc_place *p)
{
    switch (p->kind) {
    case KOC_PLACE_REGISTRY: return koc__strdup(koc_reference_string(p->reference));
    case KOC_PLACE_MEMORY: return koc__strdup("the new image");
    default: return koc__strdup(p->path);
    }
}

static int open_kind(koc_source *s, const koc_place *p, koc__call *call, koc_error **err)
{
    switch (p->kind) {
    case KOC_PLACE_REGISTRY: return koc__source_registry(s, p, err);
    case KOC_PLACE_LAYOUT: return koc__source_layout(s, p, err);
    case KOC_PLACE_MEMORY: koc__source_memory(s, p); return KOC_OK;
    default: return koc__source_archive(s, p, call, err);
    }
}

int koc__source_open(koc_ctx *ctx, koc_client *client, const koc_place *p, koc__call *call,
                     koc_source **out, koc_error **err)
{
    koc_place at;
    KOC__TRY(koc__place_check(p, client, &at, err));
    KOC__AUTO(koc_source) s = koc__calloc(1, sizeof(*s));
    if (!s) {
        return koc__oom(err);
    }
    s->ctx = koc_ctx_ref(ctx);
    s->client = client ? koc_client_ref(client) : NULL;
    s->what = name_of(&at);
    if (!s->what) {
        return koc__oom(err);
    }
    if (koc__place_is_stream(&at)) {
        KOC__TRY(koc__stream_keep(at.path, call, &s->stream, err));
        at.path = s->stream.file;
    }
    KOC__TRY(open_kind(s, &at, call, err));
    int rc = s->vt->top(s, &at, call, &s->top, err);
    if (rc != KOC_OK) {
        return koc__error_prefix(err, rc, "cannot read %s", s->what);
    }
    const koc_descriptor d = koc__document_descriptor(&s->top);
    s->descriptor = koc__descriptor_dup(&d);
    if (!s->descriptor) {
        return koc__oom(err);
    }
    *out = koc__steal(&s);
    return KOC_OK;
}

int koc_source_open(koc_ctx *ctx, koc_client *client, const koc_place *p, const koc_op *op,
                    koc_source **out, koc_error **err)
{
    if (!ctx || !p || !out) {
        return koc__misuse(err, "koc_source_open: ctx, p or out is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, ctx, op, err));
    return koc__source_open(ctx, client, p, &call, out, err);
}

void koc_source_free(koc_source *s)
{
    if (!s) {
        return;
    }
    koc__document_dispose(&s->top);
    koc__descriptor_free(s->descriptor);
    koc_reference_unref(s->repo);
    koc_layout_unref(s->layout);
    koc__contents_free(s->contents);
    koc__stream_dispose(&s->stream);
    koc_image_unref(s->image);
    koc_index_unref(s->index);
    koc_artifact_unref(s->artifact);
    koc_client_unref(s->client);
    koc_ctx_unref(s->ctx);
    koc__free(s->what);
    koc__free(s);
}

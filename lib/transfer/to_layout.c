/* Writes to OCI layouts. */
#include "core/common.h"

#include "transfer/transfer.h"

typedef struct layout_dest {
    koc__dest base;
    pthread_mutex_t mutex; /* guards layout until it is open */
    koc_layout *layout;
} layout_dest;

/* Creates the directory only when something is written: an unreadable source leaves none behind. */
static int open_once(layout_dest *t, koc_error **err)
{
    pthread_mutex_lock(&t->mutex);
    int rc = t->layout
                 ? KOC_OK
                 : koc_layout_open(t->base.ctx, t->base.path, KOC_LAYOUT_CREATE, &t->layout, err);
    pthread_mutex_unlock(&t->mutex);
    return rc;
}

static int put_blob(koc__dest *base, const koc_place *p KOC__UNUSED, const koc__known_blob *b,
                    koc__call *call, int32_t *state, koc_error **err)
{
    layout_dest *t = (layout_dest *)base;
    KOC__TRY(open_once(t, err));
    return koc__layout_put_blob(t->layout, b->descriptor, b->blob, call, state, err);
}

static int put_manifest(koc__dest *base, const koc_place *p, const koc__document *d, bool named,
                        bool listed, koc__call *call, koc_error **err)
{
    layout_dest *t = (layout_dest *)base;
    const koc_descriptor as = koc__document_descriptor(d);
    KOC__TRY(open_once(t, err));
    if (named && p->digest && !koc_digest_equal(p->digest, &d->digest)) {
        return koc__error(err, KOC_EDIGEST, "%s: the image to be written has another digest",
                          p->path);
    }
    KOC__TRY(koc__layout_put_bytes(t->layout, koc__document_text(d), &as, err));
    if (!named && !listed) {
        return KOC_OK;
    }
    return koc__layout_put_entry(t->layout, &as, named ? p->name : NULL, call, err);
}

static void release(koc__dest *base)
{
    layout_dest *t = (layout_dest *)base;
    koc_layout_unref(t->layout);
    pthread_mutex_destroy(&t->mutex);
    koc__free(base->path);
    koc__free(t);
}

/* Looking at each blob of a layout costs little, so no manifest is taken for complete. */
static const koc__dest_vt vt = {
    .put_blob = put_blob, .put_manifest = put_manifest, .release = release};

int koc__dest_layout(koc_ctx *ctx, const char *path, koc__dest **out, koc_error **err)
{
    layout_dest *t = koc__calloc(1, sizeof(*t));
    if (!t) {
        return koc__oom(err);
    }
    t->base = (koc__dest){.vt = &vt, .ctx = ctx, .kind = KOC_PLACE_LAYOUT};
    t->base.path = koc__strdup(path);
    pthread_mutex_init(&t->mutex, NULL);
    if (!t->base.path) {
        release(&t->base);
        return koc__oom(err);
    }
    *out = &t->base;
    return KOC_OK;
}

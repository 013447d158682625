#include "core/common.h"

#include "store/tar_parts.h"

int koc__parts_put(void *self, const void *data, size_t len, koc_error **err)
{
    koc__parts *p = self;
    return koc__dynbuf_append(&p->bytes, data, len, err);
}

static int push(koc__parts *p, koc_blob *blob, koc_error **err)
{
    if (!koc__grow((void **)&p->list, &p->capacity, p->n + 1, sizeof(koc_blob *))) {
        return koc__oom(err);
    }
    p->list[p->n++] = koc_blob_ref(blob);
    return KOC_OK;
}

/* Makes the bytes that were put a part. */
static int flush(koc__parts *p, koc_error **err)
{
    KOC__AUTO(koc_blob) blob = NULL;
    if (p->bytes.len == 0) {
        return KOC_OK;
    }
    KOC__TRY(koc_blob_from_bytes(koc__dynbuf_view(&p->bytes), &blob, err));
    koc__dynbuf_clear(&p->bytes);
    return push(p, blob, err);
}

int koc__parts_add(koc__parts *p, koc_blob *blob, koc_error **err)
{
    KOC__TRY(flush(p, err));
    return push(p, blob, err);
}

int koc__parts_blob(koc__parts *p, koc_blob **out, koc_error **err)
{
    KOC__TRY(flush(p, err));
    return koc__blob_concat(p->list, p->n, out, err);
}

void koc__parts_dispose(koc__parts *p)
{
    for (size_t i = 0; i < p->n; i++) {
        koc_blob_unref(p->list[i]);
    }
    koc__free(p->list);
    koc__dynbuf_dispose(&p->bytes);
}

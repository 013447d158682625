/* A blob that concatenates blobs: an archive that is not copied together from its layers. */
#include "core/common.h"

#include "core/io/io.h"

typedef struct concat_blob {
    koc_blob **parts;
    size_t n;
} concat_blob;

typedef struct concat_reader {
    const concat_blob *blob; /* kept by the koc_reader */
    koc__call *call;
    koc_reader *current; /* of parts[next - 1], or NULL */
    size_t next;
    uint64_t skip; /* bytes of parts[next] that the reader skips */
} concat_reader;

static int concat_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    concat_reader *r = self;
    for (;;) {
        if (r->current) {
            KOC__TRY(koc_reader_read(r->current, buf, len, n_read, err));
            if (*n_read > 0 || len == 0) {
                return KOC_OK;
            }
            koc_reader_free(r->current);
            r->current = NULL;
        }
        if (r->next == r->blob->n) {
            *n_read = 0;
            return KOC_OK;
        }
        KOC__TRY(koc__blob_open(r->blob->parts[r->next], r->skip, r->call, &r->current, err));
        r->next++;
        r->skip = 0;
    }
}

static void concat_close(void *self)
{
    concat_reader *r = self;
    koc_reader_free(r->current);
    koc__free(r);
}

static const koc__reader_vt concat_reader_vt = {concat_read, concat_close};

static int concat_open(void *self, uint64_t offset, koc__call *call, koc_reader **out,
                       koc_error **err)
{
    const concat_blob *b = self;
    concat_reader *r = koc__calloc(1, sizeof(*r));
    if (!r) {
        return koc__oom(err);
    }
    r->blob = b;
    r->call = call;
    while (r->next < b->n && offset >= koc_blob_size(b->parts[r->next])) {
        offset -= koc_blob_size(b->parts[r->next]);
        r->next++;
    }
    r->skip = offset;
    int rc = koc__reader_make(&concat_reader_vt, r, out, err);
    if (rc != KOC_OK) {
        concat_close(r);
    }
    return rc;
}

static void concat_release(void *self)
{
    concat_blob *b = self;
    for (size_t i = 0; i < b->n; i++) {
        koc_blob_unref(b->parts[i]);
    }
    koc__free(b->parts);
    koc__free(b);
}

static const koc__blob_vt concat_vt = {concat_open, concat_release, NULL};

int koc__blob_concat(koc_blob *const *parts, size_t n, koc_blob **out, koc_error **err)
{
    concat_blob *b = koc__calloc(1, sizeof(*b));
    uint64_t size = 0;
    if (!b) {
        return koc__oom(err);
    }
    b->parts = koc__calloc(n + 1, sizeof(koc_blob *));
    if (!b->parts) {
        koc__free(b);
        return koc__oom(err);
    }
    for (; b->n < n; b->n++) {
        b->parts[b->n] = koc_blob_ref(parts[b->n]);
        size += koc_blob_size(parts[b->n]);
    }
    int rc = koc__blob_make(&concat_vt, b, size, NULL, out, err);
    if (rc != KOC_OK) {
        concat_release(b);
    }
    return rc;
}

/* Reads finished layers: decompresses the tar, and finds the DiffID from it. */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "layer/layer.h"
#include "layer/packer.h"

enum { CHUNK = 128 * 1024 };

/* A small layer may decompress to CONTENT_MIN, a large one by CONTENT_RATIO: that stops a decompression bomb
 * of a few kilobytes, and a layer of zeros still opens. */
#define CONTENT_MIN   (UINT64_C(8) << 30)
#define CONTENT_MAX   (UINT64_C(1) << 40)
#define CONTENT_RATIO 200

static uint64_t ceiling(uint64_t compressed)
{
    uint64_t most =
        compressed > CONTENT_MAX / CONTENT_RATIO ? CONTENT_MAX : compressed * CONTENT_RATIO;
    return KOC__MAX(most, CONTENT_MIN);
}

/* --- a reader that gives back the first bytes, which were read to see what follows --- */

enum { MAGIC = 4 };
typedef struct peeked {
    koc_reader *in;
    uint8_t head[MAGIC];
    size_t at, len;
} peeked;

static int peeked_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    peeked *p = self;
    if (p->at == p->len) {
        return koc_reader_read(p->in, buf, len, n_read, err);
    }
    size_t n = KOC__MIN(len, p->len - p->at);
    memcpy(buf, p->head + p->at, n);
    p->at += n;
    *n_read = n;
    return KOC_OK;
}

static void peeked_close(void *self)
{
    peeked *p = self;
    koc_reader_free(p->in);
    koc__free(p);
}

/* Takes *in. head gets a copy of the first bytes. */
static int peek(koc_reader **in, uint8_t head[MAGIC], size_t *len, koc_reader **out,
                koc_error **err)
{
    static const koc__reader_vt vt = {peeked_read, peeked_close};
    KOC__TRY(koc__reader_fill(*in, head, MAGIC, len, err));
    peeked *p = koc__calloc(1, sizeof(*p));
    if (!p) {
        return koc__oom(err);
    }
    memcpy(p->head, head, *len);
    p->len = *len;
    int rc = koc__reader_make(&vt, p, out, err);
    if (rc != KOC_OK) {
        koc__free(p);
        return rc;
    }
    p->in = koc__steal(in);
    return KOC_OK;
}

/* --- the tar --- */

/* Decompresses raw. The first bytes decide the format, since media types are not always right. Takes *raw,
 * also on failure. */
static int decompress(koc_reader **raw, uint64_t size, koc_reader **out, koc_error **err)
{
    static const uint8_t zstd[4] = {0x28, 0xb5, 0x2f, 0xfd};
    KOC__AUTO(koc_reader) taken = koc__steal(raw);
    KOC__AUTO(koc_reader) in = NULL;
    uint8_t head[MAGIC] = {0};
    size_t len = 0;
    KOC__TRY(peek(&taken, head, &len, &in, err));
    if (len >= 2 && head[0] == 0x1f && head[1] == 0x8b) {
        KOC__TRY(koc__gunzip_new(in, ceiling(size), out, err));
    } else if (len == sizeof(zstd) && memcmp(head, zstd, sizeof(zstd)) == 0) {
        KOC__TRY(koc__unzstd_new(in, ceiling(size), out, err));
    } else {
        *out = in;
    }
    koc__steal(&in);
    return KOC_OK;
}

/* Decompresses *raw, a reader of the layer's blob. At the end the compressed bytes are verified against the
 * descriptor, and the tar against the DiffID if that is known. Takes *raw on success. */
static int open_checked(koc_layer *l, koc_reader **raw, bool has_diff_id, koc_reader **out,
                        koc_error **err)
{
    KOC__AUTO(koc_reader) bytes = NULL;
    KOC__AUTO(koc_reader) tar = NULL;
    KOC__TRY(
        koc__blob_checked(l->blob, l->descriptor->size, &l->descriptor->digest, *raw, &bytes, err));
    koc__steal(raw);
    KOC__TRY(decompress(&bytes, l->descriptor->size, &tar, err));
    if (has_diff_id) {
        KOC__AUTO(koc_reader) plain = koc__steal(&tar);
        KOC__TRY(koc__reader_verify(plain, l->tar_size, &l->diff_id, &tar, err));
        koc__steal(&plain);
    }
    *out = koc__steal(&tar);
    return KOC_OK;
}

static bool knows_diff_id(koc_layer *l)
{
    pthread_mutex_lock(&l->mutex);
    bool known = l->has_diff_id;
    pthread_mutex_unlock(&l->mutex);
    return known;
}

int koc__layer_open_tar(koc_layer *l, koc__call *call, koc_reader **out, koc_error **err)
{
    KOC__AUTO(koc_reader) raw = NULL;
    if (!l->blob) {
        return koc__layer_missing(l, err);
    }
    KOC__TRY(koc__blob_open(l->blob, 0, call, &raw, err));
    return open_checked(l, &raw, knows_diff_id(l), out, err);
}

int koc_layer_open_tar(koc_layer *l, const koc_op *op, koc_reader **out, koc_error **err)
{
    KOC__AUTO(koc_reader) raw = NULL;
    if (!l || !out) {
        return koc__misuse(err, "koc_layer_open_tar: l or out is NULL");
    }
    if (!l->blob) {
        return koc__layer_missing(l, err);
    }
    KOC__TRY(koc_blob_open(l->blob, 0, op, &raw, err));
    return open_checked(l, &raw, knows_diff_id(l), out, err);
}

/* Called with the layer's mutex held. */
static int find_diff_id(koc_layer *l, koc__call *call, koc_digest *out, koc_error **err)
{
    KOC__AUTO(koc_reader) raw = NULL;
    KOC__AUTO(koc_reader) tar = NULL;
    if (!l->blob) {
        return koc__layer_missing(l, err);
    }
    KOC__TRY(koc__blob_open(l->blob, 0, call, &raw, err));
    KOC__TRY(open_checked(l, &raw, false, &tar, err));
    KOC__AUTO_STR buf = koc__malloc(CHUNK);
    if (!buf) {
        return koc__oom(err);
    }
    koc__sha256 hash;
    koc__sha256_init(&hash);
    size_t n = 0;
    do {
        KOC__TRY(koc__call_check(call, err));
        KOC__TRY(koc_reader_read(tar, buf, CHUNK, &n, err));
        koc__sha256_update(&hash, buf, n);
    } while (n > 0);
    koc__sha256_digest(&hash, out);
    return KOC_OK;
}

/* --- a layer from a blob --- */

int koc_layer_from_blob(koc_ctx *ctx, const koc_descriptor *d, const koc_digest *diff_id,
                        koc_blob *compressed, koc_layer **out, koc_error **err)
{
    if (!d || !d->media_type || !out) {
        return koc__misuse(err, "koc_layer_from_blob: d, its media_type or out is NULL");
    }
    if (d->digest.algorithm == KOC_DIGEST_NONE) {
        return koc__misuse(err, "koc_layer_from_blob: d has no digest");
    }
    if (compressed && koc_blob_size(compressed) != d->size) {
        return koc__error(
            err, KOC_EINVAL, "layer %s has %llu bytes, not the %llu of its descriptor",
            koc__digest_str(&d->digest).s, (unsigned long long)koc_blob_size(compressed),
            (unsigned long long)d->size);
    }
    KOC__TRY(koc__layer_new(d, diff_id, UINT64_MAX, compressed, NULL, out, err));
    (*out)->find_diff_id = find_diff_id;
    return KOC_OK;
}

/* --- a layer from a tar --- */

int koc__layer_from_tar(koc_ctx *ctx, koc_blob *tar, const koc_layer_options *opts, koc__call *call,
                        koc_layer **out, koc_error **err)
{
    KOC__AUTO(koc_reader) in = NULL;
    KOC__AUTO(koc__packer) packer = NULL;
    KOC__TRY(koc__blob_open(tar, 0, call, &in, err));
    KOC__TRY(koc__packer_new(ctx, opts, "layer", koc_blob_size(tar), call, &packer, err));
    for (;;) {
        uint8_t *space = NULL;
        size_t room = 0;
        size_t n = 0;
        KOC__TRY(koc__packer_space(packer, &space, &room, err));
        KOC__TRY(koc_reader_read(in, space, room, &n, err));
        if (n == 0) {
            return koc__packer_finish(packer, out, err);
        }
        KOC__TRY(koc__packer_commit(packer, n, err));
    }
}

int koc_layer_from_tar(koc_ctx *ctx, koc_blob *tar, const koc_layer_options *opts, const koc_op *op,
                       koc_layer **out, koc_error **err)
{
    if (!ctx || !tar || !out) {
        return koc__misuse(err, "koc_layer_from_tar: ctx, tar or out is NULL");
    }
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__TRY(koc__call_begin(&call, ctx, op, err));
    return koc__layer_from_tar(ctx, tar, opts, &call, out, err);
}

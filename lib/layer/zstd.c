/*
 * zstd (RFC 8878), if the build has libzstd: one frame, one thread, no checksum, so that the bytes depend
 * only on content, level and the version of libzstd.
 */
#include "core/common.h"

#include "core/io/io.h"
#include "layer/layer.h"
#include "layer/packer.h"

#ifdef KOC__HAVE_ZSTD

#include <zstd.h>

enum { IN_SIZE = 128 * 1024, OUT_SIZE = 132 * 1024 };

const char *koc__zstd_version(void)
{
    return "libzstd/" ZSTD_VERSION_STRING;
}

typedef struct encoder {
    koc__encoder base;
    koc__spool *out; /* borrowed */
    ZSTD_CCtx *zstd;
    size_t in_len;
    uint8_t in[IN_SIZE];
    uint8_t compressed[OUT_SIZE];
} encoder;

/* Compresses the input; at the end until all output is written. */
static int compress(encoder *e, bool end, koc_error **err)
{
    ZSTD_inBuffer in = {e->in, e->in_len, 0};
    size_t left = 0;
    do {
        ZSTD_outBuffer out = {e->compressed, sizeof(e->compressed), 0};
        left = ZSTD_compressStream2(e->zstd, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left)) {
            return koc__error(err, KOC_EFORMAT, "zstd: %s", ZSTD_getErrorName(left));
        }
        KOC__TRY(koc__spool_write(e->out, e->compressed, out.pos, err));
    } while (end ? left != 0 : in.pos < in.size);
    e->in_len = 0;
    return KOC_OK;
}

static int encoder_space(koc__encoder *self, uint8_t **ptr, size_t *len, koc_error **err)
{
    encoder *e = (encoder *)self;
    if (e->in_len == sizeof(e->in)) {
        KOC__TRY(compress(e, false, err));
    }
    *ptr = e->in + e->in_len;
    *len = sizeof(e->in) - e->in_len;
    return KOC_OK;
}

static int encoder_commit(koc__encoder *self, size_t n, koc_error **err KOC__UNUSED)
{
    ((encoder *)self)->in_len += n;
    return KOC_OK;
}

static int encoder_finish(koc__encoder *self, koc_error **err)
{
    return compress((encoder *)self, true, err);
}

static void encoder_free(koc__encoder *self)
{
    encoder *e = (encoder *)self;
    ZSTD_freeCCtx(e->zstd);
    koc__free(e);
}

int koc__zstd_check(int level, koc_error **err)
{
    if (level < 1 || level > ZSTD_maxCLevel()) {
        return koc__error(err, KOC_EINVAL, "zstd level %d: levels are 1 to %d", level,
                          ZSTD_maxCLevel());
    }
    return KOC_OK;
}

int koc__zstd_new(int level, koc__spool *out, koc__encoder **result, koc_error **err)
{
    static const koc__encoder_vt vt = {encoder_space, encoder_commit, encoder_finish, encoder_free};
    encoder *e = koc__malloc(sizeof(*e));
    if (!e) {
        return koc__oom(err);
    }
    e->base.vt = &vt;
    e->out = out;
    e->in_len = 0;
    e->zstd = ZSTD_createCCtx();
    if (!e->zstd || ZSTD_isError(ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_compressionLevel, level))) {
        encoder_free(&e->base);
        return koc__oom(err);
    }
    *result = &e->base;
    return KOC_OK;
}

typedef struct decoder {
    koc_reader *in;
    ZSTD_DCtx *zstd;
    uint64_t left;  /* of content that are still allowed */
    size_t at, len; /* in buffer */
    size_t hint;    /* 0: a frame has ended */
    bool pending;   /* the decoder may have more output than there was room for */
    bool ended;
    uint8_t buffer[IN_SIZE];
} decoder;

static int refill(decoder *d, koc_error **err)
{
    d->at = 0;
    d->len = 0;
    KOC__TRY(koc_reader_read(d->in, d->buffer, sizeof(d->buffer), &d->len, err));
    if (d->len == 0) {
        d->ended = true;
        if (d->hint != 0) {
            return koc__error(err, KOC_EFORMAT, "zstd data: it ends too early");
        }
    }
    return KOC_OK;
}

static int decoder_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    decoder *d = self;
    ZSTD_outBuffer out = {buf, len, 0};
    while (out.pos == 0 && !d->ended) {
        if (d->at == d->len && !d->pending) {
            KOC__TRY(refill(d, err));
            continue;
        }
        ZSTD_inBuffer in = {d->buffer, d->len, d->at};
        size_t hint = ZSTD_decompressStream(d->zstd, &out, &in);
        if (ZSTD_isError(hint)) {
            return koc__error(err, KOC_EFORMAT, "zstd data: %s", ZSTD_getErrorName(hint));
        }
        d->hint = hint;
        d->at = in.pos;
        d->pending = hint && out.pos == out.size;
    }
    if (out.pos > d->left) {
        return koc__error(err, KOC_ELIMIT, "zstd data: the decompressed size exceeds the limit");
    }
    d->left -= out.pos;
    *n_read = out.pos;
    return KOC_OK;
}

static void decoder_close(void *self)
{
    decoder *d = self;
    koc_reader_free(d->in);
    ZSTD_freeDCtx(d->zstd);
    koc__free(d);
}

int koc__unzstd_new(koc_reader *in, uint64_t max, koc_reader **out, koc_error **err)
{
    static const koc__reader_vt vt = {decoder_read, decoder_close};
    decoder *d = koc__malloc(sizeof(*d));
    if (!d) {
        return koc__oom(err);
    }
    d->in = NULL;
    d->left = max;
    d->at = d->len = d->hint = 0;
    d->pending = d->ended = false;
    d->zstd = ZSTD_createDCtx();
    int rc = d->zstd ? koc__reader_make(&vt, d, out, err) : koc__oom(err);
    if (rc != KOC_OK) {
        decoder_close(d);
        return rc;
    }
    d->in = in;
    return KOC_OK;
}

#else

const char *koc__zstd_version(void)
{
    return NULL;
}

static int missing(koc_error **err)
{
    return koc__error(err, KOC_EUNSUPPORTED, "this build of koc has no zstd");
}

int koc__zstd_check(int level KOC__UNUSED, koc_error **err)
{
    return missing(err);
}

int koc__zstd_new(int level KOC__UNUSED, koc__spool *out KOC__UNUSED,
                  koc__encoder **encoder KOC__UNUSED, koc_error **err)
{
    return missing(err);
}

int koc__unzstd_new(koc_reader *in KOC__UNUSED, uint64_t max KOC__UNUSED,
                    koc_reader **out KOC__UNUSED, koc_error **err)
{
    return missing(err);
}

#endif

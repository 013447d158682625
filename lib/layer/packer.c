/* From tar bytes to a layer: hashes them for the DiffID, encodes them, and spools the result. See packer.h.
 * */
#include "core/common.h"

#include "core/hash/digests.h"
#include "layer/layer.h"
#include "layer/packer.h"
#include "model/model.h"

enum { CHUNK = 1 << 20, CHUNK_MIN = 512, CHUNK_MAX = 64 << 20 };
enum { FORMAT_VERSION = 1 }; /* koc-layer-1, docs/layer-format.md */
enum { PLAIN_BUFFER = 256 * 1024 };

/* --- no compression --- */

typedef struct plain {
    koc__encoder base;
    koc__spool *out;
    size_t len;
    uint8_t buffer[PLAIN_BUFFER];
} plain;

static int plain_finish(koc__encoder *e, koc_error **err)
{
    plain *p = (plain *)e;
    KOC__TRY(koc__spool_write(p->out, p->buffer, p->len, err));
    p->len = 0;
    return KOC_OK;
}

static int plain_space(koc__encoder *e, uint8_t **ptr, size_t *len, koc_error **err)
{
    plain *p = (plain *)e;
    if (p->len == sizeof(p->buffer)) {
        KOC__TRY(plain_finish(e, err));
    }
    *ptr = p->buffer + p->len;
    *len = sizeof(p->buffer) - p->len;
    return KOC_OK;
}

static int plain_commit(koc__encoder *e, size_t n, koc_error **err KOC__UNUSED)
{
    ((plain *)e)->len += n;
    return KOC_OK;
}

static void plain_free(koc__encoder *e)
{
    koc__free(e);
}

static int new_plain(koc__spool *out, koc__encoder **encoder, koc_error **err)
{
    static const koc__encoder_vt vt = {plain_space, plain_commit, plain_finish, plain_free};
    plain *p = koc__malloc(sizeof(*p));
    if (!p) {
        return koc__oom(err);
    }
    p->base.vt = &vt;
    p->out = out;
    p->len = 0;
    *encoder = &p->base;
    return KOC_OK;
}

/* --- options --- */

static int check_options(const koc_layer_options *o, koc_error **err)
{
    const uint32_t known = KOC_LAYER_DOCKER_TYPES | KOC_LAYER_VERBATIM | KOC_LAYER_IN_MEMORY;
    if (o->flags & ~known || o->reserved) {
        return koc__misuse(err, "koc_layer_options: unknown flags, or reserved is not 0");
    }
    if (o->compression < KOC_COMPRESS_GZIP || o->compression > KOC_COMPRESS_ZSTD) {
        return koc__error(err, KOC_EINVAL, "layer compression %d: it must be one of KOC_COMPRESS_*",
                          o->compression);
    }
    if (o->format_version > FORMAT_VERSION) {
        return koc__error(err, KOC_EUNSUPPORTED, "layer format %u: this library writes up to %d",
                          o->format_version, FORMAT_VERSION);
    }
    if (o->chunk_size && (o->chunk_size < CHUNK_MIN || o->chunk_size > CHUNK_MAX)) {
        return koc__error(err, KOC_EINVAL, "layer chunk size %llu: it must be %d bytes to 64 MiB",
                          (unsigned long long)o->chunk_size, CHUNK_MIN);
    }
    return KOC_OK;
}

static int fill_level(koc_layer_options *o, koc_error **err)
{
    switch (o->compression) {
    case KOC_COMPRESS_GZIP:
        o->level = o->level ? o->level : 1;
        return koc__gzip_check(o->level, err);
    case KOC_COMPRESS_ZSTD:
        o->level = o->level ? o->level : 3;
        return koc__zstd_check(o->level, err);
    default: return KOC_OK;
    }
}

int koc__layer_options_fill(const koc_layer_options *from, koc_layer_options *out, koc_error **err)
{
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    KOC__TRY(koc__options_copy(&o, sizeof(o), from, "koc_layer_options", err));
    KOC__TRY(check_options(&o, err));
    int32_t family = o.flags & KOC_LAYER_DOCKER_TYPES ? KOC_FORMAT_DOCKER : KOC_FORMAT_OCI;
    if (o.media_type && !koc__mt_is_valid(o.media_type)) {
        return koc__error(err, KOC_EINVAL, "layer media type \"%.200s\" is not a media type",
                          o.media_type);
    }
    if (!o.media_type) {
        o.media_type = koc__mt_layer(family, o.compression);
    }
    if (!o.media_type) {
        return koc__error(err, KOC_EUNSUPPORTED, "Docker has no media type for layers in zstd");
    }
    KOC__TRY(fill_level(&o, err));
    o.chunk_size = o.chunk_size ? o.chunk_size : CHUNK;
    *out = o;
    return KOC_OK;
}

/* --- the whole --- */

struct koc__packer {
    koc__call *call;
    koc__encoder *encoder;
    koc__spool spool;
    koc__sha256 tar_hash;
    uint64_t tar_size;
    const uint8_t *at; /* the last room that was returned */
    char *media_type;
    bool plain; /* digest and DiffID are the same */
    char *what;
    koc_progress event;
    bool finished;
};

static void report(koc__packer *p, int32_t state)
{
    p->event.state = state;
    p->event.done = p->event.total ? KOC__MIN(p->tar_size, p->event.total) : p->tar_size;
    koc__call_progress(p->call, &p->event);
}

static int make_encoder(koc__packer *p, koc_ctx *ctx, const koc_layer_options *o, koc_error **err)
{
    switch (o->compression) {
    case KOC_COMPRESS_NONE: return new_plain(&p->spool, &p->encoder, err);
    case KOC_COMPRESS_ZSTD: return koc__zstd_new(o->level, &p->spool, &p->encoder, err);
    default:
        return koc__gzip_new(ctx, o->level, (size_t)o->chunk_size, &p->spool, &p->encoder, err);
    }
}

int koc__packer_new(koc_ctx *ctx, const koc_layer_options *opts, const char *what, uint64_t total,
                    koc__call *call, koc__packer **out, koc_error **err)
{
    koc_layer_options o = KOC_LAYER_OPTIONS_INIT;
    KOC__TRY(koc__layer_options_fill(opts, &o, err));
    KOC__AUTO(koc__packer) p = koc__calloc(1, sizeof(*p));
    if (!p) {
        return koc__oom(err);
    }
    p->spool.file = (koc__tempfile)KOC__TEMPFILE_INIT;
    p->finished = true; /* nothing to report yet */
    p->call = call;
    p->plain = o.compression == KOC_COMPRESS_NONE;
    p->media_type = koc__strdup(o.media_type);
    p->what = koc__strdup(what);
    if (!p->media_type || !p->what) {
        return koc__oom(err);
    }
    KOC__TRY(koc__spool_init(&p->spool, ctx, o.flags & KOC_LAYER_IN_MEMORY, err));
    KOC__TRY(make_encoder(p, ctx, &o, err));
    koc__sha256_init(&p->tar_hash);
    p->event = (koc_progress)KOC_PROGRESS_INIT;
    p->event.kind = KOC_PROGRESS_LAYER;
    p->event.what = p->what;
    p->event.total = total;
    p->event.id = koc__call_new_id(call);
    p->finished = false;
    report(p, KOC_STATE_STARTED);
    *out = koc__steal(&p);
    return KOC_OK;
}

int koc__packer_space(koc__packer *p, uint8_t **ptr, size_t *len, koc_error **err)
{
    KOC__TRY(p->encoder->vt->space(p->encoder, ptr, len, err));
    p->at = *ptr;
    return KOC_OK;
}

int koc__packer_commit(koc__packer *p, size_t n, koc_error **err)
{
    uint64_t before = p->tar_size >> 20;
    if (!p->plain) {
        koc__sha256_update(&p->tar_hash, p->at, n);
    }
    p->tar_size += n;
    KOC__TRY(p->encoder->vt->commit(p->encoder, n, err));
    if (p->tar_size >> 20 != before) {
        KOC__TRY(koc__call_check(p->call, err));
        report(p, KOC_STATE_ACTIVE);
    }
    return KOC_OK;
}

int koc__packer_write(void *packer, const void *data, size_t len, koc_error **err)
{
    koc__packer *p = packer;
    const uint8_t *from = data;
    while (len > 0) {
        uint8_t *space = NULL;
        size_t room = 0;
        KOC__TRY(koc__packer_space(p, &space, &room, err));
        size_t n = KOC__MIN(len, room);
        memcpy(space, from, n);
        KOC__TRY(koc__packer_commit(p, n, err));
        from += n;
        len -= n;
    }
    return KOC_OK;
}

int koc__packer_finish(koc__packer *p, koc_layer **out, koc_error **err)
{
    KOC__TRY(koc__call_check(p->call, err));
    KOC__TRY(p->encoder->vt->finish(p->encoder, err));
    KOC__AUTO(koc_blob) blob = NULL;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    d.size = p->spool.size;
    d.media_type = p->media_type;
    KOC__TRY(koc__spool_finish(&p->spool, &blob, &d.digest, err));
    koc_digest diff_id = d.digest;
    if (!p->plain) {
        koc__sha256_digest(&p->tar_hash, &diff_id);
    }
    KOC__TRY(koc__layer_new(&d, &diff_id, p->tar_size, blob, NULL, out, err));
    p->event.digest = &d.digest;
    p->finished = true;
    report(p, KOC_STATE_FINISHED);
    return KOC_OK;
}

void koc__packer_free(koc__packer *p)
{
    if (!p) {
        return;
    }
    if (!p->finished) {
        report(p, KOC_STATE_FAILED);
    }
    if (p->encoder) {
        p->encoder->vt->free(p->encoder);
    }
    koc__spool_dispose(&p->spool);
    koc__free(p->media_type);
    koc__free(p->what);
    koc__free(p);
}

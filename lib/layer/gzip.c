/*
 * One gzip member (RFC 1952) from chunks that are compressed in parallel.
 *
 * libdeflate compresses whole buffers and ends each with a final block. So every chunk but the last has
 * that mark cleared and is brought to a byte's border by an empty stored block (deflate_scan.c), which
 * lets the chunks be written one after the other; their CRCs are combined. At level 1 pieces that look
 * compressed already are stored (entropy.c): nothing is lost but the time that trying would cost. The bytes
 * depend on content, level, chunk size and libdeflate's version, never on the number of threads.
 *
 * Chunks go through a ring: this thread fills one, hands it to the pool, and writes the oldest when all are
 * taken.
 */
#include "core/common.h"

#include <libdeflate.h>

#include "core/run/pool.h"
#include "layer/deflate.h"
#include "layer/layer.h"
#include "layer/packer.h"

enum {
    SLOTS_MAX = 34,
    LEVEL_MAX = 12,
    PIECE = 32 * 1024,   /* the unit of that decision; part of the layer format */
    STORED_MAX = 0xffff, /* bytes in a stored block (RFC 1951, 3.2.4) */
    STORED_HEAD = 5,
};

typedef struct gzip gzip;
typedef struct slot {
    koc__job job; /* first: run() gets a pointer to it */
    gzip *owner;
    struct libdeflate_compressor *compressor;
    koc__deflate_codes *codes;
    uint8_t *in;  /* a chunk */
    uint8_t *out; /* the compressed size of an incompressible chunk */
    size_t in_len, out_len;
    uint32_t crc;
    bool last;
    bool submitted;
    koc_error *error;
} slot;

struct gzip {
    koc__encoder base;
    koc__pool *pool;
    koc__spool *out; /* borrowed */
    int level;
    size_t chunk, out_size;
    uint64_t total; /* bytes that went into the stream */
    uint32_t crc;
    unsigned n_slots;
    unsigned current; /* the one that is being filled */
    slot slots[SLOTS_MAX];
};

const char *koc__deflate_version(void)
{
    return "libdeflate/" LIBDEFLATE_VERSION_STRING;
}

/* --- one chunk: runs of pieces that are worth compressing, and of those that are not --- */

static int compress_run(slot *s, const uint8_t *in, size_t len, bool last, koc_error **err)
{
    gzip *g = s->owner;
    uint8_t *out = s->out + s->out_len;
    size_t n = libdeflate_deflate_compress(s->compressor, in, len, out,
                                           g->out_size - s->out_len - KOC__REOPEN_MAX);
    koc__deflate_scan scan = {0};
    KOC__TRY(koc__deflate_scan_run(out, n, s->codes, &scan, err));
    if (scan.out_size != len) {
        return koc__error(err, KOC_EFORMAT, "%s produced a stream of the wrong length",
                          koc__deflate_version());
    }
    s->out_len += last ? n : koc__deflate_reopen(out, n, &scan);
    return KOC_OK;
}

static void store_run(slot *s, const uint8_t *in, size_t len, bool last)
{
    while (len > 0) {
        size_t n = KOC__MIN(len, (size_t)STORED_MAX);
        uint8_t *out = s->out + s->out_len;
        out[0] = last && n == len;
        out[1] = (uint8_t)n;
        out[2] = (uint8_t)(n >> 8);
        out[3] = (uint8_t)~out[1];
        out[4] = (uint8_t)~out[2];
        memcpy(out + STORED_HEAD, in, n);
        s->out_len += STORED_HEAD + n;
        in += n;
        len -= n;
    }
}

static bool is_stored(const gzip *g, const uint8_t *piece, size_t len)
{
    return g->level == 1 && koc__looks_compressed(piece, KOC__MIN(len, (size_t)PIECE));
}

static int compress_chunk(slot *s, koc_error **err)
{
    s->crc = libdeflate_crc32(0, s->in, s->in_len);
    s->out_len = 0;
    size_t start = 0;
    bool stored = is_stored(s->owner, s->in, s->in_len);
    do {
        bool next = stored; /* the kind of the piece that ends the run: each is examined once */
        size_t end = start + KOC__MIN(s->in_len - start, (size_t)PIECE);
        while (end < s->in_len) {
            next = is_stored(s->owner, s->in + end, s->in_len - end);
            if (next != stored) {
                break;
            }
            end += KOC__MIN(s->in_len - end, (size_t)PIECE);
        }
        bool last = s->last && end == s->in_len;
        if (stored) {
            store_run(s, s->in + start, end - start, last);
        } else {
            KOC__TRY(compress_run(s, s->in + start, end - start, last, err));
        }
        start = end;
        stored = next;
    } while (start < s->in_len);
    return KOC_OK;
}

static void run(koc__job *job)
{
    slot *s = (slot *)job;
    compress_chunk(s, &s->error);
}

/* Waits for s and writes its result. */
static int drain(gzip *g, slot *s, koc_error **err)
{
    koc__pool_wait(g->pool, &s->job);
    s->submitted = false;
    if (s->error) {
        return koc__error_move(err, &s->error);
    }
    KOC__TRY(koc__spool_write(g->out, s->out, s->out_len, err));
    g->crc = koc__crc32_combine(g->crc, s->crc, s->in_len);
    g->total += s->in_len;
    s->in_len = 0;
    return KOC_OK;
}

/* Slots are allocated on first use: most layers fit one. */
static int prepare(gzip *g, slot *s, koc_error **err)
{
    s->owner = g;
    s->job.run = run;
    if (!s->in) {
        s->in = koc__malloc(g->chunk);
        s->out = koc__malloc(g->out_size);
        s->codes = koc__malloc(sizeof(*s->codes));
        s->compressor = libdeflate_alloc_compressor(g->level);
    }
    return s->in && s->out && s->codes && s->compressor ? KOC_OK : koc__oom(err);
}

static void submit(gzip *g, bool last)
{
    slot *s = &g->slots[g->current];
    s->last = last;
    s->submitted = true;
    koc__pool_submit(g->pool, &s->job);
    g->current = (g->current + 1) % g->n_slots;
}

static int gzip_space(koc__encoder *e, uint8_t **ptr, size_t *len, koc_error **err)
{
    gzip *g = (gzip *)e;
    /* A full chunk is not submitted until more data arrives: the last chunk is finished differently. */
    if (g->slots[g->current].in_len == g->chunk) {
        submit(g, false);
    }
    slot *s = &g->slots[g->current];
    if (s->submitted) {
        KOC__TRY(drain(g, s, err));
    }
    KOC__TRY(prepare(g, s, err));
    *ptr = s->in + s->in_len;
    *len = g->chunk - s->in_len;
    return KOC_OK;
}

static int gzip_commit(koc__encoder *e, size_t n, koc_error **err KOC__UNUSED)
{
    gzip *g = (gzip *)e;
    g->slots[g->current].in_len += n;
    return KOC_OK;
}

static void put_u32(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(v >> 8 * i);
    }
}

static int gzip_finish(koc__encoder *e, koc_error **err)
{
    gzip *g = (gzip *)e;
    KOC__TRY(prepare(g, &g->slots[g->current], err));
    submit(g, true);
    for (unsigned i = 0; i < g->n_slots; i++) {
        slot *s = &g->slots[(g->current + i) % g->n_slots];
        if (s->submitted) {
            KOC__TRY(drain(g, s, err));
        }
    }
    uint8_t trailer[8];
    put_u32(trailer, g->crc);
    put_u32(trailer + 4, (uint32_t)g->total);
    return koc__spool_write(g->out, trailer, sizeof(trailer), err);
}

static void gzip_free(koc__encoder *e)
{
    gzip *g = (gzip *)e;
    for (unsigned i = 0; i < g->n_slots; i++) {
        slot *s = &g->slots[i];
        if (s->submitted) {
            koc__pool_wait(g->pool, &s->job);
        }
        koc_error_free(s->error);
        libdeflate_free_compressor(s->compressor);
        koc__free(s->codes);
        koc__free(s->in);
        koc__free(s->out);
    }
    koc__free(g);
}

/* As many chunks in progress as threads and memory allow, one being filled, one being written, and two
 * queued, so that no thread idles while this one reads and writes: two cores are then 1.9 times as fast as
 * one, 1.75 without. */
static unsigned count_slots(koc_ctx *ctx, size_t chunk)
{
    uint64_t each = 2 * (uint64_t)chunk + 512 * 1024;
    uint64_t at_work = KOC__MIN(ctx->max_memory / each, koc__pool_threads(ctx->pool));
    return (unsigned)KOC__MIN(at_work, SLOTS_MAX - 4) + 4;
}

int koc__gzip_check(int level, koc_error **err)
{
    if (level < 1 || level > LEVEL_MAX) {
        return koc__error(err, KOC_EINVAL, "gzip level %d: levels are 1 to %d", level, LEVEL_MAX);
    }
    return KOC_OK;
}

int koc__gzip_new(koc_ctx *ctx, int level, size_t chunk, koc__spool *out, koc__encoder **encoder,
                  koc_error **err)
{
    static const koc__encoder_vt vt = {gzip_space, gzip_commit, gzip_finish, gzip_free};
    /* No name, no time, unknown system; XFL marks the fastest and the slowest method. */
    const uint8_t xfl = level == 1 ? 4 : level >= 8 ? 2 : 0;
    const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, xfl, 0xff};
    KOC__TRY(koc__spool_write(out, header, sizeof(header), err));
    gzip *g = koc__calloc(1, sizeof(*g));
    if (!g) {
        return koc__oom(err);
    }
    g->base.vt = &vt;
    g->pool = ctx->pool;
    g->out = out;
    g->level = level;
    g->chunk = chunk;
    size_t runs = chunk / PIECE + 1; /* at most, each with an end of its own */
    g->out_size = libdeflate_deflate_compress_bound(NULL, chunk) + runs * (KOC__REOPEN_MAX + 64);
    g->n_slots = count_slots(ctx, chunk);
    *encoder = &g->base;
    return KOC_OK;
}

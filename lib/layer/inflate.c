/*
 * Reads gzip (RFC 1952): any number of members (eStargz layers have many), each checked against its CRC and
 * length, up to a limit. No data may follow the last member.
 */
#include "core/common.h"

#include <libdeflate.h>

#include "core/io/io.h"
#include "layer/deflate.h"
#include "layer/packer.h"

enum { INPUT = 64 * 1024, FIELD_MAX = 64 * 1024 };
enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, RESERVED = 0xe0 };

typedef struct gunzip {
    koc__inflate inflate;
    koc_reader *in;
    uint64_t left; /* of content that are still allowed */
    uint32_t crc, size;
    const uint8_t *ready; /* decoded and not returned yet */
    size_t n_ready;
    bool in_member;
    bool ended;
    int code; /* the result of the input: KOC_OK, or the error of its reader */
    koc_error *error;
    uint8_t input[INPUT];
} gunzip;

static bool more(koc__bits *b)
{
    gunzip *g = (gunzip *)(void *)((char *)b - offsetof(gunzip, inflate.bits));
    size_t n = 0;
    if (g->code == KOC_OK) {
        g->code = koc_reader_read(g->in, g->input, sizeof(g->input), &n, &g->error);
    }
    if (g->code != KOC_OK || n == 0) {
        return false;
    }
    b->next = g->input;
    b->end = g->input + n;
    return true;
}

/* The error of the input if it failed, else "gzip data: <wrong>". */
static int fail(gunzip *g, const char *wrong, koc_error **err)
{
    if (g->error) {
        return koc__error_move(err, &g->error);
    }
    if (g->code != KOC_OK) {
        return koc__error(err, g->code, "gzip data: reading it failed before");
    }
    return koc__error(err, KOC_EFORMAT, "gzip data: %s", wrong);
}

/* Reads n bytes (at most 4), little endian; the bits are at a byte boundary. */
static bool take_bits(gunzip *g, unsigned n, uint32_t *out)
{
    koc__bits *b = &g->inflate.bits;
    if (!koc__bits_need(b, 8 * n)) {
        return false;
    }
    *out = (uint32_t)(b->hold & ((UINT64_C(1) << 8 * n) - 1));
    koc__bits_drop(b, 8 * n);
    return true;
}

static bool skip_string(gunzip *g)
{
    uint32_t c = 1;
    for (size_t i = 0; i < FIELD_MAX && c; i++) {
        if (!take_bits(g, 1, &c)) {
            return false;
        }
    }
    return !c;
}

static bool skip_extra(gunzip *g)
{
    uint32_t len = 0;
    uint32_t c = 0;
    if (!take_bits(g, 2, &len)) {
        return false;
    }
    for (; len > 0; len--) {
        if (!take_bits(g, 1, &c)) {
            return false;
        }
    }
    return true;
}

/* Reads the header of the next member; there may be none if there was one before. */
static int begin_member(gunzip *g, bool first, koc_error **err)
{
    uint32_t v = 0;
    uint32_t flags = 0;
    if (!take_bits(g, 1, &v)) {
        g->ended = !first && g->code == KOC_OK;
        return g->ended ? KOC_OK : fail(g, "there is none", err);
    }
    uint32_t magic = v;
    if (!take_bits(g, 1, &v) || magic != 0x1f || v != 0x8b) {
        return fail(g, first ? "not a gzip header" : "something follows its end", err);
    }
    if (!take_bits(g, 1, &v) || v != 8 || !take_bits(g, 1, &flags) || flags & RESERVED) {
        return fail(g, "unknown compression method or flags", err);
    }
    if (!take_bits(g, 4, &v) || !take_bits(g, 2, &v) || (flags & FEXTRA && !skip_extra(g)) ||
        (flags & FNAME && !skip_string(g)) || (flags & FCOMMENT && !skip_string(g)) ||
        (flags & FHCRC && !take_bits(g, 2, &v))) {
        return fail(g, "it ends too early", err);
    }
    koc__inflate_reset(&g->inflate);
    g->crc = 0;
    g->size = 0;
    g->in_member = true;
    return KOC_OK;
}

static int end_member(gunzip *g, koc_error **err)
{
    uint32_t crc = 0;
    uint32_t size = 0;
    if (!take_bits(g, 4, &crc) || !take_bits(g, 4, &size)) {
        return fail(g, "it ends too early", err);
    }
    if (crc != g->crc || size != g->size) {
        return fail(g, "its checksum is wrong", err);
    }
    g->in_member = false;
    return begin_member(g, false, err);
}

static int decode(gunzip *g, koc_error **err)
{
    const char *wrong = koc__inflate_next(&g->inflate, &g->ready, &g->n_ready);
    if (wrong) {
        g->n_ready = 0;
        return fail(g, wrong, err);
    }
    if (g->n_ready > g->left) {
        g->n_ready = 0;
        return koc__error(err, KOC_ELIMIT, "gzip data: the decompressed size exceeds the limit");
    }
    g->left -= g->n_ready;
    g->crc = libdeflate_crc32(g->crc, g->ready, g->n_ready);
    g->size += (uint32_t)g->n_ready;
    return g->inflate.done && g->n_ready == 0 ? end_member(g, err) : KOC_OK;
}

static int gunzip_read(void *self, void *buf, size_t len, size_t *n_read, koc_error **err)
{
    gunzip *g = self;
    while (g->n_ready == 0 && !g->ended) {
        KOC__TRY(g->in_member ? decode(g, err) : begin_member(g, true, err));
    }
    size_t n = KOC__MIN(len, g->n_ready);
    if (n > 0) {
        memcpy(buf, g->ready, n);
    }
    g->ready += n;
    g->n_ready -= n;
    *n_read = n;
    return KOC_OK;
}

static void gunzip_close(void *self)
{
    gunzip *g = self;
    koc_reader_free(g->in);
    koc__inflate_dispose(&g->inflate);
    koc_error_free(g->error);
    koc__free(g);
}

int koc__gunzip_new(koc_reader *in, uint64_t max, koc_reader **out, koc_error **err)
{
    static const koc__reader_vt vt = {gunzip_read, gunzip_close};
    gunzip *g = koc__malloc(sizeof(*g));
    if (!g) {
        return koc__oom(err);
    }
    memset(g, 0, offsetof(gunzip, input));
    int rc = koc__inflate_init(&g->inflate, err);
    if (rc == KOC_OK) {
        g->inflate.bits.more = more;
        g->left = max;
        rc = koc__reader_make(&vt, g, out, err);
    }
    if (rc != KOC_OK) {
        gunzip_close(g);
        return rc;
    }
    g->in = in;
    return KOC_OK;
}

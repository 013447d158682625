/*
 * Finds the begin of a deflate stream's last block and the end of its bits by decoding without output. With
 * these gzip.c joins chunks that were compressed separately to one gzip member. The scan also returns the
 * decoded length, which detects a faulty encoder.
 */
#include "core/common.h"

#include "layer/deflate.h"

static uint64_t position(const koc__bits *b, const uint8_t *data)
{
    return (uint64_t)(b->next - data) * 8 - b->count;
}

/* Decodes symbols while the input cannot end within one. True: the block has ended. This takes about a
 * quarter of the time of compression at level 1, so the state is kept in registers. */
static bool scan_fast(koc__bits *bits, const koc__deflate_codes *codes, uint64_t *out_size,
                      bool *bad)
{
    koc__bits b = *bits;
    uint64_t n = *out_size;
    uint32_t e = 0;
    /* 56 bits hold a length and a distance (48), or two literals and the next code (at most 15 each). */
    while (b.end - b.next >= 16) {
        koc__bits_refill(&b);
        e = koc__huff_follow(codes->litlen, KOC__LITLEN_BITS, &b);
        for (int i = 0; i < 2 && !(e & KOC__HUFF_SPECIAL); i++) {
            koc__bits_drop(&b, koc__huff_total(e));
            n++;
            e = koc__huff_follow(codes->litlen, KOC__LITLEN_BITS, &b);
        }
        if (!(e & KOC__HUFF_SPECIAL)) {
            koc__bits_drop(&b, koc__huff_total(e));
            n++;
            continue;
        }
        if (e & (KOC__HUFF_END | KOC__HUFF_BAD)) {
            koc__bits_drop(&b, koc__huff_total(e));
            break;
        }
        koc__bits_refill(&b);
        n += koc__huff_take(&b, e);
        e = koc__huff_follow(codes->dist, KOC__DIST_BITS, &b);
        koc__bits_drop(&b, koc__huff_total(e));
        if (e & KOC__HUFF_BAD) {
            break;
        }
    }
    *bits = b;
    *out_size = n;
    *bad = e & KOC__HUFF_BAD;
    return e & (KOC__HUFF_END | KOC__HUFF_BAD);
}

static const char *scan_slow(koc__bits *b, const koc__deflate_codes *codes, uint64_t *out_size)
{
    for (;;) {
        uint32_t e = 0;
        uint32_t value = 0;
        if (!koc__huff_next(b, codes->litlen, KOC__LITLEN_BITS, &e, &value)) {
            return "it ends too early";
        }
        if (e & KOC__HUFF_END) {
            return NULL;
        }
        if (e & KOC__HUFF_BAD) {
            return "an unknown code";
        }
        if (!(e & KOC__HUFF_BASE)) {
            *out_size += 1;
            continue;
        }
        *out_size += value;
        if (!koc__huff_next(b, codes->dist, KOC__DIST_BITS, &e, &value)) {
            return "it ends too early";
        }
        if (e & KOC__HUFF_BAD) {
            return "an unknown code";
        }
    }
}

static const char *scan_block(koc__bits *b, const koc__deflate_codes *codes,
                              const koc__deflate_block *block, koc__deflate_scan *out)
{
    if (block->type == KOC__BLOCK_STORED) {
        b->next -= b->count / 8;
        b->hold = 0;
        b->count = 0;
        if ((size_t)(b->end - b->next) < block->stored) {
            return "it ends too early";
        }
        b->next += block->stored;
        out->out_size += block->stored;
        return NULL;
    }
    bool bad = false;
    if (scan_fast(b, codes, &out->out_size, &bad)) {
        return bad ? "an unknown code" : NULL;
    }
    return scan_slow(b, codes, &out->out_size);
}

int koc__deflate_scan_run(const uint8_t *data, size_t len, koc__deflate_codes *codes,
                          koc__deflate_scan *out, koc_error **err)
{
    koc__bits b = {.next = data, .end = data + len};
    koc__deflate_scan scan = {0};
    koc__deflate_block block = {0};
    while (!block.last) {
        scan.final_bit = position(&b, data);
        const char *wrong = koc__deflate_header(&b, codes, &block);
        if (!wrong) {
            wrong = scan_block(&b, codes, &block, &scan);
        }
        if (wrong) {
            return koc__error(err, KOC_EFORMAT, "deflate stream: %s", wrong);
        }
    }
    scan.end_bit = position(&b, data);
    if ((scan.end_bit + 7) / 8 != len) {
        return koc__error(err, KOC_EFORMAT, "deflate stream: data after its end");
    }
    *out = scan;
    return KOC_OK;
}

size_t koc__deflate_reopen(uint8_t *data, size_t len, const koc__deflate_scan *scan)
{
    data[scan->final_bit / 8] &= (uint8_t) ~(1u << (scan->final_bit % 8));
    unsigned free_bits = (unsigned)((uint64_t)len * 8 - scan->end_bit);
    if (free_bits < 3) {
        data[len++] = 0; /* the three bits of a block header do not fit */
    }
    /* The padding of the last byte is zeros already, which reads as "stored, not the last". Then its length,
     * 0. */
    static const uint8_t empty[4] = {0, 0, 0xff, 0xff};
    memcpy(data + len, empty, sizeof(empty));
    return len + sizeof(empty);
}

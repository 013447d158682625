/*
 * DEFLATE (RFC 1951): Huffman tables, a scan without output, a streaming decoder and CRC-32 arithmetic. The
 * base of gzip.c and inflate.c; independent of layers.
 */
#ifndef KOC__DEFLATE_H
#define KOC__DEFLATE_H

#include <koc/base.h>

#include "core/common.h"

/* --- bits (inline) --- */

/* Bits are taken from the low end of hold; above count it may already have the following bits. */
typedef struct koc__bits {
    const uint8_t *next, *end;
    uint64_t hold;
    unsigned count;
    /* Sets next and end to more input; false: there is none (or an error, which the owner keeps). NULL: the
     * input is complete. */
    bool (*more)(struct koc__bits *b);
} koc__bits;

static inline uint64_t koc__load64le(const uint8_t *p)
{
    uint64_t v = 0;
    memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* Loads at least 56 bits; the caller has checked that eight bytes of input are left. */
static inline void koc__bits_refill(koc__bits *b)
{
    b->hold |= koc__load64le(b->next) << b->count;
    b->next += (63 - b->count) >> 3;
    b->count |= 56;
}

static inline void koc__bits_drop(koc__bits *b, unsigned n)
{
    b->hold >>= n;
    b->count -= n;
}

/* Loads n bits near the end of the input; false: it ends before n (n <= 56). */
bool koc__bits_need(koc__bits *b, unsigned n);

/* --- codes (huffman.c) --- */

/*
 * A table entry:
 *   bits 0-7    how far one step goes: code and extra bits (a link: the root's bits)
 *   bits 8-11   the code's own part of that (a link: the subtable's bits)
 *   bits 12-15  kind
 *   bits 16-31  literal, base of a length or distance, or where the subtable starts
 */
enum {
    KOC__HUFF_LITERAL = 0,
    KOC__HUFF_BASE = 1 << 12, /* a length or a distance: base + extra bits */
    KOC__HUFF_END = 2 << 12,  /* end of block */
    KOC__HUFF_LINK = 4 << 12, /* to a subtable */
    KOC__HUFF_BAD = 8 << 12   /* no code has these bits */
};
static inline unsigned koc__huff_total(uint32_t e)
{
    return e & 0xff;
}
static inline unsigned koc__huff_code(uint32_t e)
{
    return e >> 8 & 0xf;
}
static inline uint32_t koc__huff_value(uint32_t e)
{
    return e >> 16;
}

/* The entry for the next bits; for a longer code, drops the bits of the root. */
static inline uint32_t koc__huff_follow(const uint32_t *table, unsigned root, koc__bits *b)
{
    uint32_t e = table[b->hold & ((1u << root) - 1)];
    if (e & KOC__HUFF_LINK) {
        koc__bits_drop(b, root);
        e = table[koc__huff_value(e) + (b->hold & ((1u << koc__huff_code(e)) - 1))];
    }
    return e;
}

/* Base and extra bits of entry e (a literal has no extra bits); drops its bits. */
static inline uint32_t koc__huff_take(koc__bits *b, uint32_t e)
{
    uint64_t bits = b->hold;
    unsigned total = koc__huff_total(e);
    unsigned code = koc__huff_code(e);
    koc__bits_drop(b, total);
    return koc__huff_value(e) + (uint32_t)(bits >> code & ((UINT64_C(1) << (total - code)) - 1));
}

/* Both, near the end of the input; false: the input has ended. */
bool koc__huff_next(koc__bits *b, const uint32_t *table, unsigned root, uint32_t *entry,
                    uint32_t *value);

/* Anything but a literal. */
#define KOC__HUFF_SPECIAL (uint32_t)(KOC__HUFF_BASE | KOC__HUFF_END | KOC__HUFF_BAD)

/* Root bits and the most entries that any code of that alphabet needs with them. */
enum {
    KOC__LITLEN_BITS = 11,
    KOC__LITLEN_SIZE = 2342,
    KOC__DIST_BITS = 8,
    KOC__DIST_SIZE = 402,
    KOC__PRECODE_BITS = 7,
    KOC__PRECODE_SIZE = 128
};
typedef struct koc__deflate_codes {
    uint32_t litlen[KOC__LITLEN_SIZE];
    uint32_t dist[KOC__DIST_SIZE];
} koc__deflate_codes;

enum { KOC__BLOCK_STORED = 0, KOC__BLOCK_FIXED = 1, KOC__BLOCK_DYNAMIC = 2 };
typedef struct koc__deflate_block {
    bool last;       /* BFINAL */
    int type;        /* KOC__BLOCK_* */
    uint32_t stored; /* for a stored block: its length; the bits are then at a byte boundary */
} koc__deflate_block;

/* Reads a block's header and builds its tables. NULL, or an error message (static). */
const char *koc__deflate_header(koc__bits *b, koc__deflate_codes *codes, koc__deflate_block *out);

/* --- scan (deflate_scan.c) --- */
typedef struct koc__deflate_scan {
    uint64_t final_bit; /* position of the last block's BFINAL */
    uint64_t end_bit;   /* position after the last significant bit */
    uint64_t out_size;  /* bytes the stream decodes to */
} koc__deflate_scan;
/* codes is scratch space. KOC_EFORMAT: data is not one complete deflate stream. */
int koc__deflate_scan_run(const uint8_t *data, size_t len, koc__deflate_codes *codes,
                          koc__deflate_scan *out, koc_error **err);
/* The most that koc__deflate_reopen appends. */
#define KOC__REOPEN_MAX 5
/* Turns a complete stream into the beginning of a longer one: clears its BFINAL and appends an empty stored
 * block, which ends at a byte boundary. data has room for KOC__REOPEN_MAX more bytes; returns the new length.
 * */
size_t koc__deflate_reopen(uint8_t *data, size_t len, const koc__deflate_scan *scan);

/* --- CRC-32 (crc32_combine.c) --- */
/* The CRC of A then B from those of A and B and the length of B. */
uint32_t koc__crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b);

/* --- streaming decoder (inflate_stream.c): 32 KiB of history and no more, whatever the size --- */
typedef struct koc__inflate {
    koc__bits bits; /* the input; the owner sets next, end, more */
    koc__deflate_codes codes;
    koc__deflate_block block;
    bool in_block;
    bool done;   /* the last block has ended */
    size_t from; /* window[from, to) is decoded and not returned yet */
    size_t to;
    uint8_t *window;
} koc__inflate;
int koc__inflate_init(koc__inflate *i, koc_error **err);
void koc__inflate_dispose(koc__inflate *i);
/* Prepares for another stream; the input continues at its position. */
void koc__inflate_reset(koc__inflate *i);
/* The next decoded bytes, valid until the next call; *len 0 is the end of the stream. NULL, or an error
 * message (static). The input's position is exact at the end: whole bytes in hold are given back. */
const char *koc__inflate_next(koc__inflate *i, const uint8_t **out, size_t *len);

/* --- entropy.c --- */

/* Whether deflate would not compress the data: a sample has an even distribution and no repeats. False below
 * 4 KiB. */
bool koc__looks_compressed(const uint8_t *data, size_t len);

#endif

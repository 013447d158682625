/* Huffman tables for DEFLATE and the block headers that describe them (RFC 1951, 3.2). */
#include "core/common.h"

#include "layer/deflate.h"

enum { LITLEN, DIST, PRECODE };
enum { MAX_BITS = 15, MAX_SYMBOLS = 288 };

static const uint16_t length_base[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                         15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                         2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t dist_base[30] = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
static const uint8_t dist_extra[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                       6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

bool koc__bits_need(koc__bits *b, unsigned n)
{
    while (b->count < n) {
        if (b->next == b->end && (!b->more || !b->more(b))) {
            return false;
        }
        b->hold |= (uint64_t)*b->next++ << b->count;
        b->count += 8;
    }
    return true;
}

bool koc__huff_next(koc__bits *b, const uint32_t *table, unsigned root, uint32_t *entry,
                    uint32_t *value)
{
    koc__bits_need(b, 48); /* or what is left */
    unsigned before = b->count;
    b->hold &= (UINT64_C(1) << before) - 1; /* bytes after the end must not look like data */
    *entry = koc__huff_follow(table, root, b);
    if (b->count > before || koc__huff_total(*entry) > b->count) {
        return false;
    }
    *value = koc__huff_take(b, *entry);
    return true;
}

/* The meaning of a symbol, without the length of its code. */
static uint32_t meaning(int alphabet, unsigned symbol)
{
    if (alphabet == PRECODE || (alphabet == LITLEN && symbol < 256)) {
        return symbol << 16 | KOC__HUFF_LITERAL;
    }
    if (alphabet == LITLEN) {
        if (symbol == 256) {
            return KOC__HUFF_END;
        }
        symbol -= 257;
        return symbol < KOC__COUNT(length_base)
                   ? (uint32_t)length_base[symbol] << 16 | KOC__HUFF_BASE | length_extra[symbol]
                   : KOC__HUFF_BAD;
    }
    return symbol < KOC__COUNT(dist_base)
               ? (uint32_t)dist_base[symbol] << 16 | KOC__HUFF_BASE | dist_extra[symbol]
               : KOC__HUFF_BAD;
}

typedef struct builder {
    uint32_t *table;
    unsigned root;                /* bits of the first level */
    size_t size, used;            /* entries there are, and those taken */
    unsigned count[MAX_BITS + 1]; /* codes of each length that are left */
    unsigned max;                 /* the longest code */
    uint32_t prefix;              /* the subtable that is being filled: its root bits, */
    size_t sub_start;             /* where it starts, */
    unsigned sub_bits;            /* and how wide it is; 0: none yet */
} builder;

/* The code after this one of len bits, both written in the order of the stream (low bit first). */
static uint32_t next_code(uint32_t code, unsigned len)
{
    uint32_t bit = 1u << (len - 1);
    while (code & bit) {
        bit >>= 1;
    }
    return bit ? (code & (bit - 1)) | bit : 0;
}

/* Starts the subtable for the codes with this prefix, as wide as the longest of them. */
static bool open_subtable(builder *t, uint32_t prefix, unsigned len)
{
    unsigned bits = len - t->root;
    int left = 1 << bits;
    while (bits + t->root < t->max) {
        left -= (int)t->count[bits + t->root];
        if (left <= 0) {
            break;
        }
        bits++;
        left <<= 1;
    }
    if (t->size - t->used < (size_t)1 << bits) {
        return false;
    }
    t->prefix = prefix;
    t->sub_start = t->used;
    t->sub_bits = bits;
    t->used += (size_t)1 << bits;
    t->table[prefix] = (uint32_t)t->sub_start << 16 | KOC__HUFF_LINK | bits << 8 | t->root;
    return true;
}

static bool put(builder *t, uint32_t code, unsigned len, uint32_t entry)
{
    uint32_t *table = t->table;
    unsigned width = t->root;
    unsigned used = len;
    if (len > t->root) {
        uint32_t prefix = code & ((1u << t->root) - 1);
        if ((!t->sub_bits || prefix != t->prefix) && !open_subtable(t, prefix, len)) {
            return false;
        }
        table += t->sub_start;
        width = t->sub_bits;
        used = len - t->root;
        code >>= t->root;
    }
    entry += used; /* the total, which includes the extra bits */
    entry |= used << 8;
    for (uint32_t i = code; i < 1u << width; i += 1u << used) {
        table[i] = entry;
    }
    return true;
}

/* Whether the lengths form a complete code: every bit pattern has one meaning. A single code of one bit, or
 * none at all, may leave patterns without one (RFC 1951, 3.2.7). */
static bool usable(builder *t, size_t symbols)
{
    int left = 1;
    for (unsigned len = 1; len <= MAX_BITS; len++) {
        left = (left << 1) - (int)t->count[len];
        if (left < 0) {
            return false;
        }
        if (t->count[len]) {
            t->max = len;
        }
    }
    return left == 0 || symbols == t->count[0] || (t->max == 1 && t->count[1] == 1);
}

static bool build(uint32_t *table, unsigned root, size_t size, const uint8_t *lengths, size_t n,
                  int alphabet)
{
    builder t = {.table = table, .root = root, .size = size, .used = (size_t)1 << root};
    uint16_t sorted[MAX_SYMBOLS];
    uint16_t start[MAX_BITS + 2] = {0};
    for (size_t i = 0; i < n; i++) {
        t.count[lengths[i]]++;
    }
    if (!usable(&t, n)) {
        return false;
    }
    for (unsigned len = 1; len <= MAX_BITS; len++) {
        start[len + 1] = (uint16_t)(start[len] + t.count[len]);
    }
    size_t used = start[MAX_BITS + 1];
    for (size_t i = 0; i < n; i++) {
        if (lengths[i]) {
            sorted[start[lengths[i]]++] = (uint16_t)i;
        }
    }
    if (used < 2) {
        for (size_t i = 0; i < (size_t)1 << root; i++) {
            table[i] = KOC__HUFF_BAD | 1; /* advances, so that no loop is endless */
        }
    }
    uint32_t code = 0;
    for (size_t i = 0; i < used; i++) {
        unsigned len = lengths[sorted[i]];
        if (!put(&t, code, len, meaning(alphabet, sorted[i]))) {
            return false;
        }
        t.count[len]--;
        code = next_code(code, len);
    }
    return true;
}

static bool fixed_codes(koc__deflate_codes *codes)
{
    uint8_t lengths[MAX_SYMBOLS];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    uint8_t distances[32];
    memset(distances, 5, sizeof(distances));
    return build(codes->litlen, KOC__LITLEN_BITS, KOC__LITLEN_SIZE, lengths, MAX_SYMBOLS, LITLEN) &&
           build(codes->dist, KOC__DIST_BITS, KOC__DIST_SIZE, distances, 32, DIST);
}

/* Reads n code lengths, run-length coded under the precode (RFC 1951, 3.2.7). */
static const char *read_lengths(koc__bits *b, const uint32_t *precode, uint8_t *lengths, size_t n)
{
    size_t i = 0;
    while (i < n) {
        /* 7 bits of code and at most 7 more; the stream is longer than that, as an end of block follows. */
        koc__bits_need(b, 14);
        uint32_t e = precode[b->hold & ((1u << KOC__PRECODE_BITS) - 1)];
        if (e & KOC__HUFF_BAD || koc__huff_total(e) > b->count) {
            return "bad code lengths";
        }
        koc__bits_drop(b, koc__huff_total(e));
        unsigned symbol = koc__huff_value(e);
        if (symbol < 16) {
            lengths[i++] = (uint8_t)symbol;
            continue;
        }
        static const uint8_t extra[3] = {2, 3, 7};
        static const uint8_t least[3] = {3, 3, 11};
        unsigned bits = extra[symbol - 16];
        if (!koc__bits_need(b, bits)) {
            return "it ends too early";
        }
        size_t run = least[symbol - 16] + (size_t)(b->hold & ((1u << bits) - 1));
        koc__bits_drop(b, bits);
        if (run > n - i || (symbol == 16 && i == 0)) {
            return "bad repeat of a code length";
        }
        memset(lengths + i, symbol == 16 ? lengths[i - 1] : 0, run);
        i += run;
    }
    return NULL;
}

static const char *dynamic_codes(koc__bits *b, koc__deflate_codes *codes)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    if (!koc__bits_need(b, 14)) {
        return "it ends too early";
    }
    size_t n_litlen = 257 + (b->hold & 31);
    size_t n_dist = 1 + (b->hold >> 5 & 31);
    size_t n_precode = 4 + (b->hold >> 10 & 15);
    koc__bits_drop(b, 14);
    if (n_litlen > 286 || n_dist > 30) {
        return "too many codes";
    }
    uint8_t pre_lengths[19] = {0};
    for (size_t i = 0; i < n_precode; i++) {
        if (!koc__bits_need(b, 3)) {
            return "it ends too early";
        }
        pre_lengths[order[i]] = b->hold & 7;
        koc__bits_drop(b, 3);
    }
    uint32_t precode[KOC__PRECODE_SIZE];
    if (!build(precode, KOC__PRECODE_BITS, KOC__PRECODE_SIZE, pre_lengths, 19, PRECODE)) {
        return "bad code lengths";
    }
    uint8_t lengths[286 + 30];
    const char *wrong = read_lengths(b, precode, lengths, n_litlen + n_dist);
    if (wrong) {
        return wrong;
    }
    if (!lengths[256]) {
        return "a block without an end-of-block code";
    }
    if (!build(codes->litlen, KOC__LITLEN_BITS, KOC__LITLEN_SIZE, lengths, n_litlen, LITLEN) ||
        !build(codes->dist, KOC__DIST_BITS, KOC__DIST_SIZE, lengths + n_litlen, n_dist, DIST)) {
        return "bad code lengths";
    }
    return NULL;
}

static const char *stored_header(koc__bits *b, koc__deflate_block *out)
{
    koc__bits_drop(b, b->count & 7);
    if (!koc__bits_need(b, 32)) {
        return "it ends too early";
    }
    uint32_t len = b->hold & 0xffff;
    uint32_t complement = b->hold >> 16 & 0xffff;
    if (len != (complement ^ 0xffff)) {
        return "bad length of a stored block";
    }
    koc__bits_drop(b, 32);
    out->stored = len;
    return NULL;
}

const char *koc__deflate_header(koc__bits *b, koc__deflate_codes *codes, koc__deflate_block *out)
{
    if (!koc__bits_need(b, 3)) {
        return "it ends too early";
    }
    *out = (koc__deflate_block){.last = b->hold & 1, .type = b->hold >> 1 & 3};
    koc__bits_drop(b, 3);
    switch (out->type) {
    case KOC__BLOCK_STORED: return stored_header(b, out);
    case KOC__BLOCK_FIXED: return fixed_codes(codes) ? NULL : "bad code lengths";
    case KOC__BLOCK_DYNAMIC: return dynamic_codes(b, codes);
    default: return "unknown block type";
    }
}

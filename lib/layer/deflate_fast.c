/*
 * A deflate encoder (RFC 1951) for the fastest level, about twice as fast as libdeflate's on programs and a
 * little less dense. A layer is compressed once and pushed once, and that is most of what koc adds to a
 * `go build`.
 *
 * A chunk becomes blocks. In each, a greedy search with one candidate a hash finds matches; then one pass
 * counts, a dynamic Huffman code is made, and a second pass writes. Where that would not pay, the block is
 * stored. As it is known here where the last bit is, chunks are joined without a scan (deflate_scan.c).
 *
 * Integers only, and no word of the machine's size or order decides anything: the bytes are part of the
 * layer format (docs/layer-format.md) and the same everywhere.
 */
#include "core/common.h"

#include "layer/deflate_fast.h"

enum {
    HASH_BITS = 14,
    MATCH_MIN = 5,
    MATCH_MAX = 258,
    WINDOW = 32768,
    BLOCK = 128 * 1024, /* bytes in a block, but for the match that crosses its end */
    SKIP_SHIFT = 5, /* after 2^SKIP_SHIFT places without a match every second is looked at, ... */
    LITLENS = 286,
    DISTANCES = 30,
    PRECODES = 19,
    SYMBOLS_MAX = LITLENS,
    CODE_MAX = 14, /* bits: four literals and what is left of a byte fit 64 */
    PRECODE_MAX = 7,
    END = 256,
    STORED_MAX = 0xffff,
    STORED_HEAD = 5,
    LOOKAHEAD = 8 /* bytes that are loaded at once */
};

typedef struct sequence { /* literals, then a match (length 0: none, the block ends) */
    uint32_t literals;
    uint16_t length, distance;
} sequence;

typedef struct code {
    uint16_t bits; /* the first bit lowest */
    uint8_t length;
} code;

struct koc__deflate_fast {
    uint16_t head
        [1 << HASH_BITS]; /* low bits of the last place with this hash: verified, never trusted */
    uint32_t litlen_count[LITLENS], dist_count[DISTANCES];
    code litlen[LITLENS], dist[DISTANCES];
    uint32_t length_code[MATCH_MAX + 1]; /* code and extra bits; the number of them from bit 24 */
    sequence list[BLOCK / MATCH_MIN + 2];
    size_t n;
};

/* --- lengths and distances (3.2.5) --- */

static const uint16_t length_base[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                         15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                         2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};

static unsigned length_slot(unsigned length)
{
    if (length == MATCH_MAX) {
        return 28;
    }
    unsigned v = length - 3;
    if (v < 8) {
        return v;
    }
    unsigned top = 31 - (unsigned)__builtin_clz(v);
    return 4 * (top - 1) + (v >> (top - 2) & 3);
}

/* The slot; *extra: how many bits follow its code. */
static inline unsigned distance_slot(unsigned distance, unsigned *extra)
{
    unsigned v = distance - 1;
    if (v < 4) {
        *extra = 0;
        return v;
    }
    unsigned top = 31 - (unsigned)__builtin_clz(v);
    *extra = top - 1;
    return 2 * top + (v >> (top - 1) & 1);
}

/* --- matches --- */

static inline uint32_t hash_of(uint64_t eight)
{
    return (uint32_t)((eight << (64 - 8 * MATCH_MIN)) * UINT64_C(0x9e3779b185ebca87) >>
                      (64 - HASH_BITS));
}

/* How many bytes are equal, from the n-th on; those before are known to be. */
static inline size_t match_length(const uint8_t *a, const uint8_t *b, size_t n, size_t max)
{
    while (n + 8 <= max) {
        uint64_t differs = koc__load64le(a + n) ^ koc__load64le(b + n);
        if (differs) {
            return n + (size_t)(__builtin_ctzll(differs) >> 3);
        }
        n += 8;
    }
    while (n < max && a[n] == b[n]) {
        n++;
    }
    return n;
}

static inline void remember(koc__deflate_fast *f, const uint8_t *in, size_t at)
{
    f->head[hash_of(koc__load64le(in + at))] = (uint16_t)at;
}

/* Fills f->list with the block at in + at; returns where it ends. */
static size_t find_matches(koc__deflate_fast *f, const uint8_t *in, size_t at, size_t len)
{
    const size_t end = len - at > BLOCK ? at + BLOCK : len;
    const size_t last = len > LOOKAHEAD ? len - LOOKAHEAD : 0; /* no load behind it */
    size_t literals = at, misses = 0;
    f->n = 0;
    while (at < end && at < last) {
        uint64_t here = koc__load64le(in + at);
        uint16_t *head = &f->head[hash_of(here)];
        size_t distance = (uint16_t)(at - *head);
        *head = (uint16_t)at;
        /* One test where two would be guessed wrong more often. */
        if ((distance - 1 >= WINDOW) | (distance > at) || (koc__load64le(in + at - distance) ^ here)
                                                              << (64 - 8 * MATCH_MIN)) {
            at += 1 + (misses++ >> SKIP_SHIFT);
            continue;
        }
        size_t length = match_length(in + at, in + at - distance, MATCH_MIN,
                                     KOC__MIN(len - at, (size_t)MATCH_MAX));
        f->list[f->n++] =
            (sequence){(uint32_t)(at - literals), (uint16_t)length, (uint16_t)distance};
        literals = at + length;
        if (literals < last) { /* a few of the places that are passed over */
            remember(f, in, at + 1);
            remember(f, in, at + 2);
            remember(f, in, literals - 2);
            remember(f, in, literals - 1);
        }
        at = literals;
        misses = 0;
    }
    size_t stop = KOC__MIN(KOC__MAX(end, literals), len);
    f->list[f->n++] = (sequence){(uint32_t)(stop - literals), 0, 0};
    return stop;
}

/* --- Huffman codes --- */

/* Sorts n keys by their bits from 16 on. */
static void sort(uint32_t *keys, uint32_t *other, unsigned n)
{
    for (int shift = 16; shift < 32; shift += 8) {
        unsigned start[257] = {0};
        for (unsigned i = 0; i < n; i++) {
            start[(keys[i] >> shift & 0xff) + 1]++;
        }
        for (unsigned i = 0; i < 256; i++) {
            start[i + 1] += start[i];
        }
        for (unsigned i = 0; i < n; i++) {
            other[start[keys[i] >> shift & 0xff]++] = keys[i];
        }
        uint32_t *swap = keys;
        keys = other;
        other = swap;
    }
}

/* How many codes have each length, for n sorted weights (at least two): Huffman's tree by two queues. */
static void tree(const uint32_t *keys, unsigned n, unsigned max, unsigned count[CODE_MAX + 2])
{
    uint32_t weight[SYMBOLS_MAX];
    uint16_t parent[2 * SYMBOLS_MAX]; /* leaves, then inner nodes */
    uint8_t depth[2 * SYMBOLS_MAX];
    unsigned leaf = 0, inner = 0;
    for (unsigned made = 0; made < n - 1; made++) {
        weight[made] = 0;
        for (int i = 0; i < 2; i++) {
            bool take_leaf = leaf < n && (inner == made || keys[leaf] >> 16 <= weight[inner]);
            weight[made] += take_leaf ? keys[leaf] >> 16 : weight[inner];
            parent[take_leaf ? leaf++ : n + inner++] = (uint16_t)(n + made);
        }
    }
    memset(count, 0, (CODE_MAX + 2) * sizeof(*count));
    depth[2 * n - 2] = 0;
    for (unsigned i = 2 * n - 2; i-- > 0;) {
        depth[i] = (uint8_t)(depth[parent[i]] + 1);
        if (i < n) {
            count[KOC__MIN(depth[i], max)]++;
        }
    }
}

/* Lengthens codes until all that were cut to max fit. */
static void limit(unsigned count[CODE_MAX + 2], unsigned max)
{
    uint32_t used = 0;
    for (unsigned i = 1; i <= max; i++) {
        used += count[i] << (max - i);
    }
    while (used > 1u << max) {
        unsigned i = max - 1;
        while (count[i] == 0) {
            i--;
        }
        count[i]--;
        count[i + 1] += 2;
        count[max]--;
        used--;
    }
}

static uint16_t reversed(unsigned v, unsigned n)
{
    unsigned out = 0;
    for (unsigned i = 0; i < n; i++) {
        out |= (v >> i & 1) << (n - 1 - i);
    }
    return (uint16_t)out;
}

/* A complete code of at most max bits for the n symbols that occur; two more get one if fewer do. */
static void make_code(const uint32_t *count, unsigned n, unsigned max, code *out)
{
    uint32_t keys[SYMBOLS_MAX], other[SYMBOLS_MAX];
    unsigned used = 0, lengths[CODE_MAX + 2];
    memset(out, 0, n * sizeof(*out));
    for (unsigned i = 0; i < n; i++) {
        if (count[i] > 0) {
            keys[used++] = KOC__MIN(count[i], 0xffffu) << 16 | i;
        }
    }
    for (unsigned i = 0; used < 2; i++) {
        if (count[i] == 0) {
            keys[used++] = 1u << 16 | i;
        }
    }
    sort(keys, other, used);
    tree(keys, used, max, lengths);
    limit(lengths, max);
    for (unsigned length = max, i = 0; length > 0; length--) {
        for (unsigned k = lengths[length]; k > 0; k--) {
            out[keys[i++] & 0xffff].length = (uint8_t)length;
        }
    }
    unsigned next[CODE_MAX + 2] = {0};
    for (unsigned i = 1; i <= max; i++) {
        next[i + 1] = (next[i] + lengths[i]) << 1;
    }
    for (unsigned i = 0; i < n; i++) {
        if (out[i].length) {
            out[i].bits = reversed(next[out[i].length]++, out[i].length);
        }
    }
}

/* --- bits --- */

typedef struct bits {
    uint8_t *at;
    uint64_t hold;
    unsigned count;
} bits;

/* At most 56 bits between two flushes. */
static inline void put(bits *b, uint64_t v, unsigned n)
{
    b->hold |= v << b->count;
    b->count += n;
}

static inline void flush(bits *b)
{
    uint64_t v = b->hold;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(b->at, &v, sizeof(v));
    b->at += b->count >> 3;
    b->hold >>= b->count & ~7u;
    b->count &= 7;
}

/* --- a block's header (3.2.7) --- */

typedef struct header {
    unsigned n_litlen, n_dist, n_precode, n;
    uint8_t symbol[LITLENS + DISTANCES], extra[LITLENS + DISTANCES];
    code precode[PRECODES];
    uint64_t size; /* bits */
} header;

static const uint8_t precode_order[PRECODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                11, 4,  12, 3, 13, 2, 14, 1, 15};
static const uint8_t precode_extra[PRECODES] = {[16] = 2, [17] = 3, [18] = 7};

static void add_run(header *h, uint32_t *count, uint8_t length, unsigned run)
{
    unsigned repeat = length ? 16 : 18, most = length ? 6 : 138, least = length ? 3 : 11;
    if (length && run > 0) {
        h->symbol[h->n++] = length;
        count[length]++;
        run--;
    }
    while (run >= 3) {
        unsigned n = KOC__MIN(run, most);
        bool few = !length && n < least;
        unsigned symbol = few ? 17 : repeat;
        h->symbol[h->n] = (uint8_t)symbol;
        h->extra[h->n++] = (uint8_t)(n - (few ? 3 : least));
        count[symbol]++;
        run -= n;
    }
    for (; run > 0; run--) {
        h->symbol[h->n++] = length;
        count[length]++;
    }
}

static void make_header(const koc__deflate_fast *f, header *h)
{
    uint8_t lengths[LITLENS + DISTANCES];
    uint32_t count[PRECODES] = {0};
    h->n_litlen = LITLENS;
    h->n_dist = DISTANCES;
    h->n_precode = PRECODES;
    h->n = 0;
    while (f->litlen[h->n_litlen - 1].length == 0) {
        h->n_litlen--;
    }
    while (f->dist[h->n_dist - 1].length == 0) {
        h->n_dist--;
    }
    unsigned all = h->n_litlen + h->n_dist;
    for (unsigned i = 0; i < all; i++) {
        lengths[i] = i < h->n_litlen ? f->litlen[i].length : f->dist[i - h->n_litlen].length;
    }
    for (unsigned i = 0, run; i < all; i += run) {
        for (run = 1; i + run < all && lengths[i + run] == lengths[i]; run++) {
        }
        add_run(h, count, lengths[i], run);
    }
    make_code(count, PRECODES, PRECODE_MAX, h->precode);
    while (h->precode[precode_order[h->n_precode - 1]].length == 0) {
        h->n_precode--;
    }
    h->size = 3 + 5 + 5 + 4 + 3 * h->n_precode;
    for (unsigned i = 0; i < h->n; i++) {
        h->size += h->precode[h->symbol[i]].length + precode_extra[h->symbol[i]];
    }
}

static void write_header(const header *h, bool last, bits *b)
{
    put(b, last, 1);
    put(b, 2, 2);
    put(b, h->n_litlen - 257, 5);
    put(b, h->n_dist - 1, 5);
    put(b, h->n_precode - 4, 4);
    flush(b);
    for (unsigned i = 0; i < h->n_precode; i++) {
        put(b, h->precode[precode_order[i]].length, 3);
        flush(b);
    }
    for (unsigned i = 0; i < h->n; i++) {
        const code *c = &h->precode[h->symbol[i]];
        put(b, c->bits, c->length);
        if (precode_extra[h->symbol[i]]) {
            put(b, h->extra[i], precode_extra[h->symbol[i]]);
        }
        flush(b);
    }
}

/* --- a block --- */

static void count_symbols(koc__deflate_fast *f, const uint8_t *in)
{
    uint32_t lengths[MATCH_MAX + 1] = {0};
    memset(f->litlen_count, 0, sizeof(f->litlen_count));
    memset(f->dist_count, 0, sizeof(f->dist_count));
    for (size_t i = 0; i < f->n; i++) {
        const sequence *s = &f->list[i];
        for (uint32_t k = 0; k < s->literals; k++) {
            f->litlen_count[in[k]]++;
        }
        in += s->literals + s->length;
        if (s->length) {
            unsigned extra;
            lengths[s->length]++;
            f->dist_count[distance_slot(s->distance, &extra)]++;
        }
    }
    for (unsigned i = 3; i <= MATCH_MAX; i++) {
        f->litlen_count[257 + length_slot(i)] += lengths[i];
    }
    f->litlen_count[END] = 1;
}

static uint64_t block_size(const koc__deflate_fast *f, const header *h)
{
    uint64_t n = h->size;
    for (unsigned i = 0; i < LITLENS; i++) {
        unsigned extra = i > END ? length_extra[i - 257] : 0;
        n += (uint64_t)f->litlen_count[i] * (f->litlen[i].length + extra);
    }
    for (unsigned i = 0; i < DISTANCES; i++) {
        unsigned extra = i < 4 ? 0 : i / 2 - 1;
        n += (uint64_t)f->dist_count[i] * (f->dist[i].length + extra);
    }
    return n;
}

static void make_length_codes(koc__deflate_fast *f)
{
    for (unsigned i = 3; i <= MATCH_MAX; i++) {
        unsigned slot = length_slot(i);
        const code *c = &f->litlen[257 + slot];
        f->length_code[i] = (uint32_t)c->bits | (uint32_t)(i - length_base[slot]) << c->length |
                            (uint32_t)(c->length + length_extra[slot]) << 24;
    }
}

static void write_symbols(const koc__deflate_fast *f, const uint8_t *in, bits *out)
{
    bits b = *out;
    const code *litlen = f->litlen;
    for (size_t i = 0; i < f->n; i++) {
        const sequence *s = &f->list[i];
        uint32_t left = s->literals;
        for (; left >= 4; left -= 4, in += 4) {
            put(&b, litlen[in[0]].bits, litlen[in[0]].length);
            put(&b, litlen[in[1]].bits, litlen[in[1]].length);
            put(&b, litlen[in[2]].bits, litlen[in[2]].length);
            put(&b, litlen[in[3]].bits, litlen[in[3]].length);
            flush(&b);
        }
        for (; left > 0; left--, in++) {
            put(&b, litlen[*in].bits, litlen[*in].length);
        }
        flush(&b);
        if (s->length) {
            unsigned extra;
            unsigned slot = distance_slot(s->distance, &extra);
            uint32_t l = f->length_code[s->length];
            put(&b, l & 0xffffff, l >> 24);
            put(&b, f->dist[slot].bits, f->dist[slot].length);
            put(&b, (s->distance - 1u) & ((1u << extra) - 1), extra);
            flush(&b);
            in += s->length;
        }
    }
    put(&b, litlen[END].bits, litlen[END].length);
    flush(&b);
    *out = b;
}

static void write_stored(const uint8_t *in, size_t len, bool last, bits *b)
{
    while (len > 0) {
        size_t n = KOC__MIN(len, (size_t)STORED_MAX);
        put(b, last && n == len, 3);
        b->count = (b->count + 7) & ~7u;
        put(b, n | (n ^ 0xffff) << 16, 32);
        flush(b);
        memcpy(b->at, in, n);
        b->at += n;
        in += n;
        len -= n;
    }
}

/* --- the whole --- */

koc__deflate_fast *koc__deflate_fast_new(void)
{
    return koc__malloc(sizeof(koc__deflate_fast));
}

void koc__deflate_fast_free(koc__deflate_fast *f)
{
    koc__free(f);
}

size_t koc__deflate_fast_bound(size_t len)
{
    return len + 3 * (len / BLOCK + 2) * STORED_HEAD + LOOKAHEAD;
}

size_t koc__deflate_fast_run(koc__deflate_fast *f, const uint8_t *in, size_t len, bool last,
                             uint8_t *out)
{
    bits b = {.at = out};
    size_t at = 0;
    memset(f->head, 0, sizeof(f->head));
    while (at < len) {
        header h;
        size_t end = find_matches(f, in, at, len);
        bool last_block = last && end == len;
        count_symbols(f, in + at);
        make_code(f->litlen_count, LITLENS, CODE_MAX, f->litlen);
        make_code(f->dist_count, DISTANCES, CODE_MAX, f->dist);
        make_header(f, &h);
        if (block_size(f, &h) >= 8 * (uint64_t)(end - at)) {
            write_stored(in + at, end - at, last_block, &b);
        } else {
            make_length_codes(f);
            write_header(&h, last_block, &b);
            write_symbols(f, in + at, &b);
        }
        at = end;
    }
    if (!last || len == 0) { /* an empty stored block leads to a byte's border */
        put(&b, last, 3);
        b.count = (b.count + 7) & ~7u;
        put(&b, 0xffff0000, 32);
    }
    b.count = (b.count + 7) & ~7u;
    flush(&b);
    return (size_t)(b.at - out);
}

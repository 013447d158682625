/*
 * A streaming DEFLATE decoder (RFC 1951). libdeflate needs the whole input and output in memory, but layers
 * may have any size. This decoder needs 32 KiB of history and a small buffer.
 */
#include "core/common.h"

#include "layer/deflate.h"

enum {
    HISTORY = 32 * 1024,
    ROOM = 64 * 1024,     /* decoded before it is returned */
    LONGEST = 258,        /* match */
    SLACK = LONGEST + 16, /* a copy in steps of eight bytes may write past its end */
    WINDOW = HISTORY + ROOM + SLACK,
    FULL = HISTORY + ROOM - 3 /* from here on two literals and a match may not fit */
};

int koc__inflate_init(koc__inflate *i, koc_error **err)
{
    i->window = koc__malloc(WINDOW);
    if (!i->window) {
        return koc__oom(err);
    }
    i->bits = (koc__bits){0};
    koc__inflate_reset(i);
    return KOC_OK;
}

void koc__inflate_dispose(koc__inflate *i)
{
    koc__free(i->window);
    i->window = NULL;
}

void koc__inflate_reset(koc__inflate *i)
{
    i->block = (koc__deflate_block){0};
    i->in_block = false;
    i->done = false;
    i->from = 0;
    i->to = 0;
}

/* Copies length bytes from distance back to `to`; up to 15 bytes after them may be overwritten. */
static inline void copy_match(uint8_t *to, size_t distance, size_t length)
{
    const uint8_t *from = to - distance;
    const uint8_t *end = to + length;
    if (distance >= 8) {
        for (; to < end; to += 8, from += 8) {
            memcpy(to, from, 8);
        }
    } else if (distance == 1) {
        memset(to, *from, length);
    } else {
        while (to < end) {
            *to++ = *from++;
        }
    }
}

/* Decodes symbols while neither input nor buffer can end within one. True: the block has ended, or *wrong is
 * set. */
static bool decode_fast(koc__inflate *i, const char **wrong)
{
    koc__bits b = i->bits;
    uint8_t *window = i->window;
    size_t to = i->to;
    bool ended = false;
    while (b.end - b.next >= 16 && to < FULL) {
        koc__bits_refill(&b);
        uint32_t e = koc__huff_follow(i->codes.litlen, KOC__LITLEN_BITS, &b);
        for (int n = 0; n < 2 && !(e & KOC__HUFF_SPECIAL); n++) {
            koc__bits_drop(&b, koc__huff_total(e));
            window[to++] = (uint8_t)koc__huff_value(e);
            e = koc__huff_follow(i->codes.litlen, KOC__LITLEN_BITS, &b);
        }
        if (!(e & KOC__HUFF_SPECIAL)) {
            koc__bits_drop(&b, koc__huff_total(e));
            window[to++] = (uint8_t)koc__huff_value(e);
            continue;
        }
        if (e & (KOC__HUFF_END | KOC__HUFF_BAD)) {
            koc__bits_drop(&b, koc__huff_total(e));
            *wrong = e & KOC__HUFF_BAD ? "an unknown code" : NULL;
            ended = true;
            break;
        }
        koc__bits_refill(&b);
        size_t length = koc__huff_take(&b, e);
        e = koc__huff_follow(i->codes.dist, KOC__DIST_BITS, &b);
        size_t distance = koc__huff_take(&b, e);
        if (e & KOC__HUFF_BAD || distance > to) {
            *wrong = "a distance before the start of the data";
            ended = true;
            break;
        }
        copy_match(window + to, distance, length);
        to += length;
    }
    i->bits = b;
    i->to = to;
    return ended;
}

/* As decode_fast, symbol by symbol. */
static bool decode_slow(koc__inflate *i, const char **wrong)
{
    koc__bits *b = &i->bits;
    uint32_t e = 0;
    uint32_t length = 0;
    uint32_t distance = 0;
    if (!koc__huff_next(b, i->codes.litlen, KOC__LITLEN_BITS, &e, &length)) {
        *wrong = "it ends too early";
        return true;
    }
    if (e & (KOC__HUFF_END | KOC__HUFF_BAD)) {
        *wrong = e & KOC__HUFF_BAD ? "an unknown code" : NULL;
        return true;
    }
    if (!(e & KOC__HUFF_BASE)) {
        i->window[i->to++] = (uint8_t)length;
        return false;
    }
    if (!koc__huff_next(b, i->codes.dist, KOC__DIST_BITS, &e, &distance)) {
        *wrong = "it ends too early";
        return true;
    }
    if (e & KOC__HUFF_BAD || distance > i->to) {
        *wrong = "a distance before the start of the data";
        return true;
    }
    copy_match(i->window + i->to, distance, length);
    i->to += length;
    return false;
}

/* Copies bytes of a stored block, first those that were read ahead as bits. True: the block has ended. */
static bool copy_stored(koc__inflate *i, const char **wrong)
{
    koc__bits *b = &i->bits;
    while (b->count >= 8 && i->block.stored && i->to < FULL) {
        i->window[i->to++] = (uint8_t)b->hold;
        koc__bits_drop(b, 8);
        i->block.stored--;
    }
    if (!b->count) {
        b->hold = 0; /* hold may have the bytes that are copied below */
    }
    while (i->block.stored && i->to < FULL) {
        if (b->next == b->end && (!b->more || !b->more(b))) {
            *wrong = "it ends too early";
            return true;
        }
        size_t n = KOC__MIN((size_t)(b->end - b->next), FULL - i->to);
        n = KOC__MIN(n, i->block.stored);
        memcpy(i->window + i->to, b->next, n);
        b->next += n;
        i->to += n;
        i->block.stored -= (uint32_t)n;
    }
    return i->block.stored == 0;
}

static const char *decode_some(koc__inflate *i)
{
    const char *wrong = NULL;
    if (!i->in_block) {
        if (i->block.last) {
            i->done = true;
            return NULL;
        }
        wrong = koc__deflate_header(&i->bits, &i->codes, &i->block);
        i->in_block = !wrong;
        return wrong;
    }
    bool ended = false;
    if (i->block.type == KOC__BLOCK_STORED) {
        ended = copy_stored(i, &wrong);
    } else {
        ended = decode_fast(i, &wrong) || (i->to < FULL && decode_slow(i, &wrong));
    }
    i->in_block = !ended;
    return wrong;
}

const char *koc__inflate_next(koc__inflate *i, const uint8_t **out, size_t *len)
{
    if (i->to >= FULL) {
        memmove(i->window, i->window + i->to - HISTORY, HISTORY);
        i->to = HISTORY;
    }
    i->from = i->to;
    while (!i->done && i->to < FULL) {
        const char *wrong = decode_some(i);
        if (wrong) {
            return wrong;
        }
    }
    *out = i->window + i->from;
    *len = i->to - i->from;
    if (i->done) {
        koc__bits_drop(&i->bits, i->bits.count & 7);
    }
    return NULL;
}

#include "core/common.h"

#include "core/str.h"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool koc__str_eq(koc_str a, koc_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool koc__str_is(koc_str a, const char *b)
{
    return koc__str_eq(a, koc__str(b));
}

bool koc__streq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool koc__str_ieq(koc_str a, koc_str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

int koc__str_cmp(koc_str a, koc_str b)
{
    size_t common = KOC__MIN(a.len, b.len);
    int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool koc__str_starts(koc_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && (n == 0 || memcmp(s.ptr, prefix, n) == 0);
}

bool koc__str_ends(koc_str s, const char *suffix)
{
    size_t n = strlen(suffix);
    return s.len >= n && (n == 0 || memcmp(s.ptr + s.len - n, suffix, n) == 0);
}

koc_str koc__str_from(koc_str s, size_t start)
{
    return start < s.len ? (koc_str){s.ptr + start, s.len - start} : (koc_str){"", 0};
}

koc_str koc__str_trim(koc_str s)
{
    while (s.len > 0 && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

static void cut_at(koc_str s, size_t at, koc_str *before, koc_str *after)
{
    *before = (koc_str){s.ptr, at};
    *after = koc__str_from(s, at + 1);
}

bool koc__str_cut(koc_str s, char c, koc_str *before, koc_str *after)
{
    const char *at = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;
    if (!at) {
        return false;
    }
    cut_at(s, (size_t)(at - s.ptr), before, after);
    return true;
}

bool koc__str_rcut(koc_str s, char c, koc_str *before, koc_str *after)
{
    for (size_t i = s.len; i > 0; i--) {
        if (s.ptr[i - 1] == c) {
            cut_at(s, i - 1, before, after);
            return true;
        }
    }
    return false;
}

bool koc__str_split(koc_str *rest, char separator, koc_str *piece)
{
    /* rest points here if only the empty piece after a final separator is left. Not "": equal constants may share one
     * address, and every empty text would seem to have such a piece. */
    static const char last_is_empty[] = "the last piece is empty";
    koc_str all = *rest;

    if (all.len == 0) {
        *rest = (koc_str){"", 0};
        *piece = *rest;
        return all.ptr == last_is_empty;
    }
    if (!koc__str_cut(all, separator, piece, rest)) {
        *piece = all;
        *rest = (koc_str){"", 0};
    } else if (rest->len == 0) {
        *rest = (koc_str){last_is_empty, 0};
    }
    return true;
}

bool koc__str_word(koc_str *rest, koc_str *word)
{
    koc_str s = koc__str_trim(*rest);
    size_t n = 0;
    while (n < s.len && !is_space(s.ptr[n])) {
        n++;
    }
    *rest = koc__str_from(s, n);
    if (n == 0) {
        return false;
    }
    *word = (koc_str){s.ptr, n};
    return true;
}

bool koc__str_u64(koc_str s, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';

        if (digit > 9 || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value)) {
            return false;
        }
    }
    if (s.len == 0) {
        return false;
    }
    *out = value;
    return true;
}

bool koc__str_i64(koc_str s, int64_t *out)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    bool sign = negative || (s.len > 0 && s.ptr[0] == '+');
    uint64_t magnitude;
    if (!koc__str_u64(koc__str_from(s, sign ? 1 : 0), &magnitude)) {
        return false;
    }
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        return false;
    }
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

char *koc__str_dup(koc_str s)
{
    return koc__strndup(s.ptr, s.len);
}

char *koc__str_lower(koc_str s)
{
    char *copy = koc__str_dup(s);
    for (size_t i = 0; copy && i < s.len; i++) {
        copy[i] = lower(copy[i]);
    }
    return copy;
}

/* The length of the sequence that a byte starts, and the bits of the code point in it. 0: not a first byte.
 * */
static size_t lead(unsigned char c, uint32_t *bits)
{
    if (c < 0x80) {
        *bits = c;
        return 1;
    }
    if (c >= 0xc2 && c <= 0xdf) {
        *bits = c & 0x1fu;
        return 2;
    }
    if (c >= 0xe0 && c <= 0xef) {
        *bits = c & 0x0fu;
        return 3;
    }
    if (c >= 0xf0 && c <= 0xf4) {
        *bits = c & 0x07u;
        return 4;
    }
    return 0;
}

size_t koc__str_rune(koc_str s, uint32_t *code_point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t value = 0;
    size_t n = s.len > 0 ? lead((unsigned char)s.ptr[0], &value) : 0;
    if (n == 0 || n > s.len) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if ((c & 0xc0u) != 0x80u) {
            return 0;
        }
        value = value << 6 | (c & 0x3fu);
    }
    if (value < smallest[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0; /* overlong, past the end, or half of a surrogate pair */
    }
    *code_point = value;
    return n;
}

bool koc__str_utf8(koc_str s)
{
    uint32_t code_point;
    while (s.len > 0) {
        size_t n = koc__str_rune(s, &code_point);

        if (n == 0) {
            return false;
        }
        s.ptr += n;
        s.len -= n;
    }
    return true;
}

size_t koc__str_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    if (a_len > LONGEST || b_len > LONGEST) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b_len; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *spare = before;

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

            best = KOC__MIN(best, last[j] + 1);
            best = KOC__MIN(best, row[j - 1] + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                best = KOC__MIN(best, before[j - 2] + 1); /* two letters swapped */
            }
            row[j] = best;
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[b_len];
}

#include "core/common.h"

#include "core/clean.h"

#include "core/str.h"

#define ESC 0x1b
#define BEL 0x07

static bool is_harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) ||      /* C0, DEL, C1 */
           c == 0x061c || c == 0x200e || c == 0x200f || /* direction marks */
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* The length of the character that s starts with. A byte that is not UTF-8 is one harmful byte. */
static size_t next(koc_str s, bool *harmful)
{
    uint32_t c = 0;
    size_t n = koc__str_rune(s, &c);
    *harmful = n == 0 || is_harmful(c);
    return n ? n : 1;
}

void koc__str_printable(char *s)
{
    koc_str rest = koc__str(s);
    char *to = s;
    while (rest.len > 0) {
        bool harmful;
        size_t n = next(rest, &harmful);

        if (harmful) {
            *to++ = '?';
        } else {
            memmove(to, rest.ptr, n);
            to += n;
        }
        rest = koc__str_from(rest, n);
    }
    *to = '\0';
}

/* --- one line of a reply */

/* The length of the HTML tag that s starts with; 0: it is not a tag. */
static size_t tag_length(koc_str s)
{
    if (s.ptr[0] != '<' || s.len < 3) {
        return 0;
    }
    char c = s.ptr[1];
    if (c != '/' && c != '!' && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z')) {
        return 0;
    }
    const char *end = memchr(s.ptr, '>', s.len);
    return end ? (size_t)(end - s.ptr) + 1 : 0;
}

void koc__clean_text(koc_str text, char *out, size_t size)
{
    size_t used = 0;
    bool space = false;
    while (text.len > 0) {
        bool harmful = true;
        size_t tag = tag_length(text);
        size_t n = tag ? tag : next(text, &harmful);
        const char *from = text.ptr;

        text = koc__str_from(text, n);
        if (harmful || *from == ' ') {
            space = used > 0;
            continue;
        }
        if (used + n + (space ? 1 : 0) >= size) {
            break;
        }
        if (space) {
            out[used++] = ' ';
            space = false;
        }
        memcpy(out + used, from, n);
        used += n;
    }
    out[used] = '\0';
}

/* --- output of a program */

static size_t span(koc_str s, size_t i, unsigned char first, unsigned char last)
{
    while (i < s.len && (unsigned char)s.ptr[i] >= first && (unsigned char)s.ptr[i] <= last) {
        i++;
    }
    return i;
}

/* The length of a sequence whose last byte is at i; 0: it is not a sequence. */
static size_t ends_at(koc_str s, size_t i, unsigned char first)
{
    return span(koc__str_n(s.ptr, KOC__MIN(s.len, i + 1)), i, first, 0x7e) > i ? i + 1 : 0;
}

/* The length of a sequence with text in it (a title, a link), up to BEL or ESC \. It never spans lines. */
static size_t string_length(koc_str s)
{
    for (size_t i = 2; i < s.len && s.ptr[i] != '\n'; i++) {
        if (s.ptr[i] == BEL) {
            return i + 1;
        }
        if (s.ptr[i] == ESC && i + 1 < s.len && s.ptr[i + 1] == '\\') {
            return i + 2;
        }
    }
    return 0;
}

/* The length of the escape sequence that s starts with (ECMA-48); 0: it is not one. */
static size_t escape_length(koc_str s)
{
    if (s.len < 2 || s.ptr[0] != ESC) {
        return 0;
    }
    switch (s.ptr[1]) {
    case '[': return ends_at(s, span(s, span(s, 2, 0x30, 0x3f), 0x20, 0x2f), 0x40);
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_': return string_length(s);
    default: return ends_at(s, span(s, 1, 0x20, 0x2f), 0x30);
    }
}

/* ESC [ numbers m */
static bool sets_color(koc_str sequence)
{
    return sequence.ptr[1] == '[' && sequence.ptr[sequence.len - 1] == 'm' &&
           span(sequence, 2, '0', ';') == sequence.len - 1;
}

static bool is_reset(koc_str sequence)
{
    return koc__str_is(sequence, "\033[0m") || koc__str_is(sequence, "\033[m");
}

static char *append(char *to, const char *from, size_t len)
{
    memcpy(to, from, len);
    return to + len;
}

/* Before the end of the last line, if it has one. */
static char *append_reset(char *to, bool after_line_end)
{
    return after_line_end ? append(to - 1, "\033[0m\n", 5) : append(to, "\033[0m", 4);
}

/* The length of the line end at s. A lone CR is one, too: after it a terminal would overwrite the line. */
static size_t line_end(koc_str s)
{
    return koc__str_starts(s, "\r\n") ? 2 : *s.ptr == '\r' || *s.ptr == '\n' ? 1 : 0;
}

/* Appends one character, or the line end, that text starts with; *len: its bytes. */
static char *append_clean(char *to, koc_str text, size_t *len)
{
    bool harmful;
    *len = line_end(text);
    if (*len) {
        return append(to, "\n", 1);
    }
    *len = next(text, &harmful);
    return harmful && *text.ptr != '\t' ? append(to, "?", 1) : append(to, text.ptr, *len);
}

size_t koc__clean_output(koc_str text, bool colors, char *out)
{
    bool colored = false;
    char *to = out;
    while (text.len > 0) {
        size_t n = escape_length(text);
        koc_str sequence = koc__str_n(text.ptr, n);

        if (n == 0) {
            to = append_clean(to, text, &n);
        } else if (colors && sets_color(sequence)) {
            colored = !is_reset(sequence);
            to = append(to, sequence.ptr, sequence.len);
        }
        text = koc__str_from(text, n);
    }
    if (colored) {
        to = append_reset(to, to[-1] == '\n');
    }
    *to = '\0';
    return (size_t)(to - out);
}

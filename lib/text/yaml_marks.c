/* Positions in YAML text: libyaml's character indexes as bytes, bytes as lines and columns. */
#include "core/common.h"

#include "core/str.h"
#include "text/yaml_events.h"

#define BOM "\xEF\xBB\xBF"

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

size_t koc__ymarks_begin(koc_str text)
{
    return koc__str_starts(text, BOM) ? strlen(BOM) : 0;
}

/* Eight bytes at a time: for ASCII, as most texts are, this pass is enough. */
static bool is_ascii(koc_str text)
{
    uint64_t high = 0;
    size_t i = 0;
    for (; i + sizeof(high) <= text.len; i += sizeof(high)) {
        uint64_t word;
        memcpy(&word, text.ptr + i, sizeof(word));
        high |= word;
    }
    for (; i < text.len; i++) {
        high |= (unsigned char)text.ptr[i];
    }
    return (high & UINT64_C(0x8080808080808080)) == 0;
}

void koc__ymarks_init(koc__ymarks *m, koc_str text)
{
    *m = (koc__ymarks){.text = text, .byte = koc__ymarks_begin(text), .ascii = is_ascii(text)};
}

size_t koc__ymarks_walk(koc__ymarks *m, size_t index)
{
    const char *p = m->text.ptr;
    while (m->index < index && m->byte < m->text.len) {
        do {
            m->byte++;
        } while (m->byte < m->text.len && is_continuation(p[m->byte]));
        m->index++;
    }
    while (m->index > index) {
        do {
            m->byte--;
        } while (is_continuation(p[m->byte]));
        m->index--;
    }
    return m->byte;
}

void koc__ymarks_place(koc_str text, size_t byte, size_t *line, size_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = koc__ymarks_begin(text); i < byte && i < text.len; i++) {
        char c = text.ptr[i];
        bool half_of_crlf = c == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n';
        if (c == '\n' || (c == '\r' && !half_of_crlf)) {
            ++*line;
            *column = 1;
        } else if (!is_continuation(c)) {
            ++*column;
        }
    }
}

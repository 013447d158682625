#include "core/common.h"

#include "text/ini.h"

#include "core/str.h"

koc_str koc__ini_value(koc_str text, const char *section, const char *key)
{
    koc_str line, name, value;
    bool inside = false;
    while (koc__str_split(&text, '\n', &line)) {
        line = koc__str_trim(line);
        if (koc__str_starts(line, "[") && koc__str_ends(line, "]")) {
            inside = koc__str_is(koc__str_trim(koc__str_n(line.ptr + 1, line.len - 2)), section);
        } else if (inside && koc__str_cut(line, '=', &name, &value) &&
                   koc__str_is(koc__str_trim(name), key)) {
            return koc__str_trim(value);
        }
    }
    return (koc_str){"", 0};
}

/* The position of needle in text, or the length of text. */
static size_t find(koc_str text, const char *needle)
{
    size_t n = strlen(needle);
    for (size_t i = 0; i + n <= text.len; i++) {
        if (memcmp(text.ptr + i, needle, n) == 0) {
            return i;
        }
    }
    return text.len;
}

koc_str koc__xml_text(koc_str text, const char *name)
{
    char open[64], close[64];
    if (strlen(name) > 48) {
        return (koc_str){"", 0};
    }
    snprintf(open, sizeof(open), "<%s>", name);
    snprintf(close, sizeof(close), "</%s>", name);
    koc_str rest = koc__str_from(text, find(text, open));
    if (rest.len == 0) {
        return (koc_str){"", 0};
    }
    rest = koc__str_from(rest, strlen(open));
    size_t end = find(rest, close);
    return end < rest.len ? koc__str_trim(koc__str_n(rest.ptr, end)) : (koc_str){"", 0};
}

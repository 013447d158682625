/*
 * Where a stream can be cut. "---" at the beginning of a line is never part of a scalar, whatever its
 * style (YAML 1.2, rule 206, c-forbidden), so nothing has to be parsed to find the place.
 */
#include "core/common.h"

#include "resolve/resolve.h"

static bool is_marker(koc_str text, size_t at)
{
    if (text.len - at < 3 || memcmp(text.ptr + at, "---", 3) != 0) {
        return false;
    }
    return at + 3 == text.len || strchr(" \t\r\n", text.ptr[at + 3]) != NULL;
}

/* A directive speaks about the document behind the next marker. */
bool koc__split_allowed(koc_str text)
{
    size_t start = koc__ymarks_begin(text);
    bool begins = start < text.len && text.ptr[start] == '%';
    return !begins && (text.len < 2 || !memmem(text.ptr, text.len, "\n%", 2));
}

size_t koc__split_next(koc_str text, size_t start, size_t least)
{
    if (text.len - start <= least) {
        return text.len;
    }
    size_t at = start + least;
    for (;;) {
        const char *found = memmem(text.ptr + at, text.len - at, "\n---", 4);
        if (!found) {
            return text.len;
        }
        at = (size_t)(found - text.ptr) + 1;
        if (is_marker(text, at)) {
            return at;
        }
    }
}

size_t koc__split_before(koc_str text, size_t at)
{
    for (;;) {
        while (at > 0 && text.ptr[at - 1] != '\n') {
            at--;
        }
        if (at == 0 || is_marker(text, at)) {
            return at;
        }
        at--; /* into the line before */
    }
}

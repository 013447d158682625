/*
 * Splits a stream between documents. "---" at the start of a line is never part of a scalar, whatever its
 * style (YAML 1.2, rule 206, c-forbidden), so that a split needs no parsing.
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

/* A directive, a line that starts with "%", applies to the document after the next marker. Searches for
 * the character, not for the line: it is rare, and memchr is ten times as fast as memmem. */
bool koc__split_allowed(koc_str text)
{
    size_t at = koc__ymarks_begin(text);
    size_t begin = at;
    while (at < text.len) {
        const char *sign = memchr(text.ptr + at, '%', text.len - at);
        if (!sign) {
            return true;
        }
        at = (size_t)(sign - text.ptr);
        if (at == begin || sign[-1] == '\n') {
            return false;
        }
        at++;
    }
    return true;
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
        at--; /* to the line before */
    }
}

size_t koc__split_first(koc_str text)
{
    size_t at = koc__ymarks_begin(text);
    while (at < text.len) {
        if (text.ptr[at] == '#') {
            const char *end = memchr(text.ptr + at, '\n', text.len - at);
            at = end ? (size_t)(end - text.ptr) : text.len;
        } else if (strchr(" \t\r\n", text.ptr[at])) {
            at++;
        } else {
            break;
        }
    }
    return at;
}

size_t koc__split_json(koc_str text, size_t at)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = at; i < text.len; i++) {
        char c = text.ptr[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth-- <= 1) {
                return i + 1;
            }
        }
    }
    return at;
}

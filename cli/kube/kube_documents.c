/* A "---" at the beginning of a line is never part of a scalar, so documents can be split without parsing. */
#include "kube/kube_documents.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

static size_t line_end(const char *text, size_t len, size_t at)
{
    const char *end = memchr(text + at, '\n', len - at);
    return end ? (size_t)(end - text) + 1 : len;
}

/* Whether a line begins with "---" or "...", followed by white space or its end. */
static bool is_marker(const char *line, size_t len, char mark)
{
    return len >= 3 && line[0] == mark && line[1] == mark && line[2] == mark &&
           (len == 3 || strchr(" \t\r\n", line[3]));
}

/* Whether text has more than markers, comments and white space. */
static bool has_content(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t end = line_end(text, len, at);
        size_t from = at;
        if (is_marker(text + at, end - at, '-') || is_marker(text + at, end - at, '.')) {
            from += 3;
        }
        while (from < end && strchr(" \t\r\n", text[from])) {
            from++;
        }
        if (from < end && text[from] != '#') {
            return true;
        }
        at = end;
    }
    return false;
}

static bool has_directive(const char *text, size_t len)
{
    for (size_t at = 0; at < len; at = line_end(text, len, at)) {
        if (text[at] == '%') {
            return true;
        }
    }
    return false;
}

static bool add_document(documents *d, const char *text, size_t len)
{
    if (!has_content(text, len)) {
        return true;
    }
    if (d->count == d->capacity) {
        size_t capacity = d->capacity ? 2 * d->capacity : 64;
        document *items = realloc(d->items, capacity * sizeof(*items));
        if (!items) {
            return false;
        }
        d->items = items;
        d->capacity = capacity;
    }
    d->items[d->count++] = (document){text, len, hash_of(text, len)};
    return true;
}

bool documents_read(documents *d, const char *text, size_t len)
{
    size_t start = 0;
    bool single = has_directive(text, len);
    for (size_t at = 0; at < len; at = line_end(text, len, at)) {
        if (!single && at > start && is_marker(text + at, len - at, '-')) {
            if (!add_document(d, text + start, at - start)) {
                return false;
            }
            start = at;
        }
    }
    return len == start || add_document(d, text + start, len - start);
}

bool documents_keep(documents *d, const char *text, size_t len)
{
    documents_free(d);
    d->own = malloc(len + 1);
    if (!d->own) {
        return false;
    }
    memcpy(d->own, text, len);
    return documents_read(d, d->own, len);
}

bool documents_have(const documents *d, const document *one)
{
    for (size_t i = 0; i < d->count; i++) {
        const document *x = &d->items[i];
        if (x->hash == one->hash && x->len == one->len &&
            memcmp(x->text, one->text, one->len) == 0) {
            return true;
        }
    }
    return false;
}

void documents_free(documents *d)
{
    free(d->items);
    free(d->own);
    *d = (documents){0};
}

/*
 * The part of a Go file that decides which other files go reads: build constraints, package clause,
 * imports (with the comments between them, since cgo's preamble is one) and the lines with directives.
 * Two files with the same header make go read the same other files.
 */
#include "core/common.h"

#include "core/hash/sha256.h"
#include "golang/record/input_record.h"

typedef struct cursor {
    const char *at, *end;
} cursor;

static bool skip_line_comment(cursor *c)
{
    const char *nl = memchr(c->at, '\n', (size_t)(c->end - c->at));
    c->at = nl ? nl : c->end;
    return true;
}

static bool skip_block_comment(cursor *c)
{
    const char *stop = memmem(c->at + 2, (size_t)(c->end - c->at - 2), "*/", 2);
    c->at = stop ? stop + 2 : c->end;
    return stop != NULL;
}

/* White space, semicolons and comments. False: a comment has no end. */
static bool skip_space(cursor *c)
{
    while (c->at < c->end) {
        if (strchr(" \t\r\n;", *c->at) && *c->at) {
            c->at++;
        } else if (c->end - c->at >= 2 && c->at[0] == '/' && c->at[1] == '/') {
            skip_line_comment(c);
        } else if (c->end - c->at >= 2 && c->at[0] == '/' && c->at[1] == '*') {
            if (!skip_block_comment(c)) {
                return false;
            }
        } else {
            return true;
        }
    }
    return true;
}

/* "…" or `…`, as import paths are written. */
static bool skip_string(cursor *c)
{
    char quote = *c->at++;
    while (c->at < c->end && *c->at != quote) {
        if (quote == '"' && (*c->at == '\n' || *c->at == '\\')) {
            return false; /* no import path has these; go reports the error */
        }
        c->at++;
    }
    return c->at++ < c->end;
}

static bool is_word(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
           ch == '_' || (unsigned char)ch >= 0x80;
}

static koc_str word_at(const cursor *c)
{
    size_t n = 0;
    while (c->at + n < c->end && is_word(c->at[n])) {
        n++;
    }
    return koc__str_n(c->at, n);
}

/* One import: an optional name or dot, then a path. */
static bool skip_spec(cursor *c)
{
    c->at += word_at(c).len;
    if (c->at < c->end && *c->at == '.') {
        c->at++;
    }
    return skip_space(c) && c->at < c->end && (*c->at == '"' || *c->at == '`') && skip_string(c);
}

/* The rest of an import declaration, after the word import. */
static bool skip_import(cursor *c)
{
    if (!skip_space(c) || c->at == c->end) {
        return false;
    }
    if (*c->at != '(') {
        return skip_spec(c);
    }
    c->at++;
    for (;;) {
        if (!skip_space(c) || c->at == c->end) {
            return false;
        }
        if (*c->at == ')') {
            c->at++;
            return true;
        }
        if (!skip_spec(c)) {
            return false;
        }
    }
}

/* Moves c past the last import. */
static bool skip_imports(cursor *c)
{
    if (c->end - c->at >= 3 && memcmp(c->at, "\xef\xbb\xbf", 3) == 0) {
        c->at += 3;
    }
    if (!skip_space(c) || !koc__str_is(word_at(c), "package")) {
        return false;
    }
    c->at += strlen("package");
    if (!skip_space(c) || word_at(c).len == 0) {
        return false;
    }
    c->at += word_at(c).len;
    for (;;) {
        cursor next = *c;
        if (!skip_space(&next)) {
            return false;
        }
        if (!koc__str_is(word_at(&next), "import")) {
            return true;
        }
        next.at += strlen("import");
        if (!skip_import(&next)) {
            return false;
        }
        *c = next;
    }
}

bool koc__go_source_header(koc_str text, koc__hash *out)
{
    cursor c = {text.ptr, text.ptr + text.len};
    if (text.len == 0 || !skip_imports(&c)) {
        return false;
    }
    koc__sha256 h;
    uint8_t sum[32];
    koc__sha256_init(&h);
    koc__sha256_update(&h, text.ptr, (size_t)(c.at - text.ptr));
    for (;;) { /* every line with a directive, anywhere in the file */
        const char *found = memmem(c.at, (size_t)(c.end - c.at), "//go:", 5);
        if (!found) {
            break;
        }
        cursor line = {found, c.end};
        skip_line_comment(&line);
        koc__sha256_update(&h, "\n", 1);
        koc__sha256_update(&h, found, (size_t)(line.at - found));
        c.at = line.at;
    }
    koc__sha256_final(&h, sum);
    memcpy(out->bytes, sum, sizeof(out->bytes));
    return true;
}

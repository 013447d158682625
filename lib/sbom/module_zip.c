/*
 * The hash of a module's zip as go computes it (golang.org/x/mod/sumdb/dirhash, "h1:"): the SHA-256 of lines with the
 * SHA-256 and the name of each file, in the order of the names.
 */
#include "core/common.h"

#include <stdlib.h>

#include "core/hash/sha256.h"
#include "core/str.h"
#include "core/text.h"
#include "layer/deflate.h"
#include "sbom/module.h"

enum { END_SIZE = 22, ENTRY_SIZE = 46, LOCAL_SIZE = 30, STORED = 0, DEFLATED = 8 };
#define COMMENT_MAX ((size_t)65535)

typedef struct entry {
    koc_str name, data;
    unsigned method;
    uint64_t size;
} entry;

static uint32_t u16(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return (uint32_t)(b[0] | b[1] << 8);
}

static uint32_t u32(const char *p)
{
    return u16(p) | u16(p + 2) << 16;
}

static int bad(koc_error **err, const char *what)
{
    return koc__error(err, KOC_EFORMAT, "not the zip of a module: %s", what);
}

/* The record at the end of the file, or NULL. */
static const char *find_end(koc_str zip)
{
    for (size_t back = END_SIZE; back <= zip.len && back <= END_SIZE + COMMENT_MAX; back++) {
        const char *p = zip.ptr + zip.len - back;
        if (memcmp(p, "PK\5\6", 4) == 0) {
            return p;
        }
    }
    return NULL;
}

/* The data of an entry begin after a header of their own. */
static int read_entry(koc_str zip, const char *p, size_t left, entry *out, size_t *used,
                      koc_error **err)
{
    if (left < ENTRY_SIZE || memcmp(p, "PK\1\2", 4) != 0) {
        return bad(err, "its directory is cut off");
    }
    size_t name = u16(p + 28), more = (size_t)u16(p + 30) + u16(p + 32), at = u32(p + 42);
    size_t packed = u32(p + 20);
    *used = ENTRY_SIZE + name + more;
    if (*used > left || zip.len < LOCAL_SIZE || at > zip.len - LOCAL_SIZE ||
        memcmp(zip.ptr + at, "PK\3\4", 4) != 0) {
        return bad(err, "an entry is cut off");
    }
    size_t from = at + LOCAL_SIZE + u16(zip.ptr + at + 26) + u16(zip.ptr + at + 28);
    if (from > zip.len || packed > zip.len - from) {
        return bad(err, "a file is cut off");
    }
    *out = (entry){.name = koc__str_n(p + ENTRY_SIZE, name),
                   .data = koc__str_n(zip.ptr + from, packed),
                   .method = u16(p + 10),
                   .size = u32(p + 24)};
    return KOC_OK;
}

static int hash_deflated(const entry *e, koc__inflate *inflate, koc__sha256 *h, koc_error **err)
{
    const uint8_t *piece = NULL;
    size_t n = 1;
    uint64_t total = 0;
    koc__inflate_reset(inflate);
    inflate->bits = (koc__bits){.next = (const uint8_t *)e->data.ptr,
                                .end = (const uint8_t *)e->data.ptr + e->data.len};
    while (n > 0) {
        const char *wrong = koc__inflate_next(inflate, &piece, &n);
        if (wrong) {
            return bad(err, wrong);
        }
        koc__sha256_update(h, piece, n);
        total += n;
    }
    return total == e->size ? KOC_OK : bad(err, "a file has another size");
}

static int hash_entry(const entry *e, koc__inflate *inflate, koc__sha256 *all, koc_error **err)
{
    koc__sha256 h;
    uint8_t hash[32];
    char hex[65];
    koc__sha256_init(&h);
    if (e->method == DEFLATED) {
        KOC__TRY(hash_deflated(e, inflate, &h, err));
    } else if (e->method == STORED && e->data.len == e->size) {
        koc__sha256_update(&h, e->data.ptr, e->data.len);
    } else {
        return bad(err, "a file is compressed in an unknown way");
    }
    koc__sha256_final(&h, hash);
    koc__hex(hash, sizeof(hash), hex);
    koc__sha256_update(all, hex, 64);
    koc__sha256_update(all, "  ", 2);
    koc__sha256_update(all, e->name.ptr, e->name.len);
    koc__sha256_update(all, "\n", 1);
    return KOC_OK;
}

static int by_name(const void *a, const void *b)
{
    return koc__str_cmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static int hash_all(entry *entries, size_t n, uint8_t out[32], koc_error **err)
{
    koc__inflate inflate;
    koc__sha256 all;
    int rc = koc__inflate_init(&inflate, err);
    koc__sha256_init(&all);
    if (n > 0) {
        qsort(entries, n, sizeof(*entries), by_name);
    }
    for (size_t i = 0; i < n && rc == KOC_OK; i++) {
        rc = hash_entry(&entries[i], &inflate, &all, err);
    }
    koc__inflate_dispose(&inflate);
    koc__sha256_final(&all, out);
    return rc;
}

static int list(koc_str zip, const char *end, entry *entries, size_t count, size_t *n,
                koc_error **err)
{
    size_t at = u32(end + 16), used = 0;
    for (size_t i = 0; i < count; i++, at += used) {
        if (at > zip.len) {
            return bad(err, "its directory is cut off");
        }
        KOC__TRY(read_entry(zip, zip.ptr + at, zip.len - at, &entries[*n], &used, err));
        *n += !koc__str_ends(entries[*n].name, "/"); /* directories do not count */
    }
    return KOC_OK;
}

int koc__module_zip_sum(koc_str zip, char **out, koc_error **err)
{
    const char *end = find_end(zip);
    uint8_t hash[32];
    size_t n = 0;
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(128);
    if (!end) {
        return bad(err, "its end is missing");
    }
    size_t count = u16(end + 10);
    entry *entries = koc__calloc(count + 1, sizeof(*entries));
    if (!entries) {
        return koc__oom(err);
    }
    int rc = list(zip, end, entries, count, &n, err);
    rc = rc == KOC_OK ? hash_all(entries, n, hash, err) : rc;
    koc__free(entries);
    KOC__TRY(rc);
    KOC__TRY(koc__dynbuf_puts(&text, "h1:", err));
    KOC__TRY(koc__base64(&text, koc__str_n((const char *)hash, 32), false, err));
    *out = koc__dynbuf_steal(&text);
    return *out ? KOC_OK : koc__oom(err);
}

/* Request targets, queries and ranges (distribution-spec 1.1; RFC 9110). */
#include "core/common.h"

#include "core/dynbuf.h"
#include "core/hash/digests.h"
#include "model/model.h"
#include "serve/route.h"

enum { TARGET_MAX = 8192 };

/* --- grammars --- */

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_word(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

bool koc__served_is_upload_id(koc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f'))) {
            return false;
        }
    }
    return s.len == KOC__UPLOAD_ID_LEN;
}

/* --- percent encoding --- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes s into out, which has room for s.len bytes. false: s is not percent-encoded, or has a NUL. */
static bool decode(koc_str s, bool plus, char *out, size_t *len)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '%') {
            int high = i + 2 < s.len ? hex_value(s.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_value(s.ptr[i + 2]) : -1;
            if (low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        if (c == '\0') {
            return false;
        }
        out[n++] = c;
    }
    *len = n;
    return true;
}

int koc__query_get(koc_str query, const char *key, size_t nth, char **out, koc_error **err)
{
    koc_str pair = {0};
    while (koc__str_split(&query, '&', &pair)) {
        koc_str name = pair;
        koc_str value = {0};
        koc__str_cut(pair, '=', &name, &value);
        if (!koc__str_is(name, key) || nth-- > 0) {
            continue;
        }
        KOC__AUTO_STR text = koc__calloc(1, value.len + 1);
        size_t len = 0;
        if (!text) {
            return koc__oom(err);
        }
        if (decode(value, true, text, &len)) {
            text[len] = '\0';
            *out = koc__steal(&text);
        }
        return KOC_OK;
    }
    return KOC_OK;
}

/* --- paths --- */

static void set_no_route(koc__route *out, int problem)
{
    out->kind = KOC__ROUTE_NONE;
    out->problem = problem;
}

static void set_name(koc__route *out, koc_str name)
{
    if (!koc__is_repository(name)) {
        set_no_route(out, KOC__BAD_NAME);
        return;
    }
    memcpy(out->name, name.ptr, name.len);
}

static void set_digest(koc__route *out, koc_str text)
{
    if (!koc__digest_read(text, &out->digest)) {
        set_no_route(out, KOC__BAD_DIGEST);
    }
}

static void set_reference(koc__route *out, koc_str text)
{
    if (memchr(text.ptr, ':', text.len)) { /* tags have none */
        set_digest(out, text);
    } else if (koc__is_tag(text)) {
        memcpy(out->tag, text.ptr, text.len);
    } else {
        set_no_route(out, KOC__BAD_TAG);
    }
}

static void set_upload(koc__route *out, koc_str id)
{
    if (!koc__served_is_upload_id(id)) {
        set_no_route(out, KOC__BAD_UPLOAD);
        return;
    }
    memcpy(out->upload, id.ptr, id.len);
}

/* <name>/blobs/uploads/<id>; false: the path has another form. */
static bool read_upload(koc_str path, koc__route *out)
{
    koc_str rest = path;
    koc_str id = {0};
    if (koc__str_ends(path, "/blobs/uploads")) { /* some clients leave the slash out */
        rest = path;
    } else if (!koc__str_rcut(path, '/', &rest, &id) || !koc__str_ends(rest, "/blobs/uploads")) {
        return false;
    }
    out->kind = id.len > 0 ? KOC__ROUTE_UPLOAD : KOC__ROUTE_UPLOADS;
    if (id.len > 0) {
        set_upload(out, id);
    }
    rest.len -= strlen("/blobs/uploads");
    set_name(out, rest);
    return true;
}

/* path: what comes after "/v2/". */
static void read_path(koc_str path, koc__route *out)
{
    koc_str rest = {0};
    koc_str last = {0};
    koc_str word = {0};
    koc_str name = {0};
    if (koc__str_is(path, "_catalog")) {
        out->kind = KOC__ROUTE_CATALOG;
        return;
    }
    if (read_upload(path, out) || !koc__str_rcut(path, '/', &rest, &last) ||
        !koc__str_rcut(rest, '/', &name, &word)) {
        return;
    }
    if (koc__str_is(word, "tags") && koc__str_is(last, "list")) {
        out->kind = KOC__ROUTE_TAGS;
    } else if (koc__str_is(word, "manifests")) {
        out->kind = KOC__ROUTE_MANIFEST;
        set_reference(out, last);
    } else if (koc__str_is(word, "blobs")) {
        out->kind = KOC__ROUTE_BLOB;
        set_digest(out, last);
    } else if (koc__str_is(word, "referrers")) {
        out->kind = KOC__ROUTE_REFERRERS;
        set_digest(out, last);
    } else {
        return;
    }
    set_name(out, name);
}

void koc__route_read(koc_str target, koc__route *out)
{
    char path[TARGET_MAX];
    size_t len = 0;
    koc_str encoded = target;
    *out = (koc__route){0};
    koc__str_cut(target, '?', &encoded, &out->query);
    if (target.len > TARGET_MAX || !decode(encoded, false, path, &len)) {
        return;
    }
    koc_str text = koc__str_n(path, len);
    if (koc__str_is(text, "/v2/") || koc__str_is(text, "/v2")) {
        out->kind = KOC__ROUTE_PING;
    } else if (koc__str_starts(text, "/v2/")) {
        read_path(koc__str_from(text, strlen("/v2/")), out);
    }
}

/* --- ranges --- */

int koc__range_read(koc_str header, uint64_t size, uint64_t *first, uint64_t *length)
{
    koc_str from = {0};
    koc_str to = {0};
    uint64_t a = 0;
    uint64_t b = 0;
    if (!koc__str_starts(header, "bytes=") ||
        !koc__str_cut(koc__str_from(header, strlen("bytes=")), '-', &from, &to) ||
        (from.len > 0 && !koc__str_u64(from, &a)) || (to.len > 0 && !koc__str_u64(to, &b)) ||
        from.len + to.len == 0) {
        return KOC__RANGE_WHOLE;
    }
    if (from.len == 0) { /* the last b bytes */
        a = b < size ? size - b : 0;
        b = size - 1;
    } else if (to.len == 0 || b >= size) {
        b = size - 1;
    }
    if (a >= size || b < a) {
        return KOC__RANGE_OUTSIDE;
    }
    *first = a;
    *length = b - a + 1;
    return KOC__RANGE_PART;
}

bool koc__served_chunk_range(koc_str header, uint64_t *first, uint64_t *length)
{
    koc_str from = {0};
    koc_str to = {0};
    koc_str total = {0};
    uint64_t a = 0;
    uint64_t b = 0;
    if (koc__str_starts(header, "bytes ")) {
        header = koc__str_from(header, strlen("bytes "));
    }
    koc__str_cut(header, '/', &header, &total);
    if (!koc__str_cut(header, '-', &from, &to) || !koc__str_u64(from, &a) ||
        !koc__str_u64(to, &b) || b < a || b > INT64_MAX) {
        return false;
    }
    *first = a;
    *length = b - a + 1;
    return true;
}

/* --- names in layouts --- */

static bool is_host(koc_str s)
{
    if (!is_word(s.ptr[0]) && s.ptr[0] != '[') {
        return false;
    }
    return memchr(s.ptr, '.', s.len) || memchr(s.ptr, ':', s.len) || koc__str_is(s, "localhost");
}

bool koc__served_name_split(koc_str ref_name, const char *fallback, koc_str *repository,
                            koc_str *tag)
{
    koc_str name = ref_name;
    koc_str host = {0};
    koc_str rest = {0};
    koc_str version = {0};
    if (koc__is_tag(ref_name)) {
        *repository = koc__str(fallback);
        *tag = ref_name;
        return true;
    }
    if (koc__str_cut(name, '/', &host, &rest) && host.len > 0 && is_host(host)) {
        name = rest;
    }
    if (!koc__str_rcut(name, ':', &name, &version)) {
        version = KOC__STR("latest");
    }
    if (!koc__is_repository(name) || !koc__is_tag(version)) {
        return false;
    }
    *repository = name;
    *tag = version;
    return true;
}

#include "core/common.h"

#include "http/http_message.h"

#include "core/str.h"

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_field_value(koc_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\r' || value.ptr[i] == '\n' || value.ptr[i] == '\0') {
            return false;
        }
    }
    return true;
}

int koc__headers_add(koc__headers *h, koc_str name, koc_str value, koc_error **err)
{
    bool token = name.len > 0;
    for (size_t i = 0; i < name.len; i++) {
        token = token && is_token_char(name.ptr[i]);
    }
    if (!token || !is_field_value(value)) {
        return koc__error(err, KOC_EINVAL, "not a header field: %.*s", KOC__FMT(name));
    }
    if (h->count >= KOC__HEADERS_COUNT_MAX || value.len > KOC__HEADERS_BYTES_MAX ||
        h->bytes + name.len + value.len > KOC__HEADERS_BYTES_MAX) {
        return koc__error(err, KOC_ELIMIT, "more than %d header fields or %zu bytes of them",
                          KOC__HEADERS_COUNT_MAX, KOC__HEADERS_BYTES_MAX);
    }
    if (!koc__grow((void **)&h->list, &h->capacity, h->count + 1, sizeof(h->list[0]))) {
        return koc__oom(err);
    }
    koc__header field = {koc__str_dup(name), koc__str_dup(value)};
    if (!field.name || !field.value) {
        koc__free(field.name);
        koc__free(field.value);
        return koc__oom(err);
    }
    h->list[h->count++] = field;
    h->bytes += name.len + value.len;
    return KOC_OK;
}

int koc__headers_put(koc__headers *h, const char *name, const char *value, koc_error **err)
{
    return koc__headers_add(h, koc__str(name), koc__str(value), err);
}

int koc__headers_printf(koc__headers *h, const char *name, koc_error **err, const char *fmt, ...)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(KOC__HEADERS_BYTES_MAX);
    va_list args;
    va_start(args, fmt);
    int rc = koc__dynbuf_vprintf(&b, err, fmt, args);
    va_end(args);
    KOC__TRY(rc);
    rc = koc__headers_add(h, koc__str(name), koc__dynbuf_view(&b), err);
    koc__dynbuf_wipe(&b);
    return rc;
}

const char *koc__headers_get(const koc__headers *h, const char *name)
{
    for (size_t i = 0; i < h->count; i++) {
        if (koc__str_ieq(koc__str(h->list[i].name), koc__str(name))) {
            return h->list[i].value;
        }
    }
    return NULL;
}

size_t koc__headers_count(const koc__headers *h, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < h->count; i++) {
        n += koc__str_ieq(koc__str(h->list[i].name), koc__str(name));
    }
    return n;
}

void koc__headers_clear(koc__headers *h)
{
    for (size_t i = 0; i < h->count; i++) {
        koc__wipe(h->list[i].value, strlen(h->list[i].value));
        koc__free(h->list[i].name);
        koc__free(h->list[i].value);
    }
    h->count = 0;
    h->bytes = 0;
}

void koc__headers_dispose(koc__headers *h)
{
    koc__headers_clear(h);
    koc__free(h->list);
    *h = (koc__headers)KOC__HEADERS_INIT;
}

void koc__http_reply_dispose(koc__http_reply *r)
{
    koc__headers_dispose(&r->headers);
    r->status = 0;
}

static koc__line status_line(koc_str line, int *status)
{
    koc_str version, rest, code, reason;
    uint64_t n;
    if (!koc__str_cut(line, ' ', &version, &rest)) {
        return KOC__LINE_BAD;
    }
    rest = koc__str_trim(rest);
    if (!koc__str_cut(rest, ' ', &code, &reason)) {
        code = rest;
    }
    if (code.len != 3 || !koc__str_u64(code, &n) || n < 100) {
        return KOC__LINE_BAD;
    }
    *status = (int)n;
    return KOC__LINE_STATUS;
}

koc__line koc__http_line(koc_str line, int *status, koc_str *name, koc_str *value)
{
    koc_str n, v;
    while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r')) {
        line.len--;
    }
    if (line.len == 0) {
        return KOC__LINE_END;
    }
    if (koc__str_starts(line, "HTTP/")) {
        return status_line(line, status);
    }
    if (!koc__str_cut(line, ':', &n, &v)) {
        return KOC__LINE_BAD;
    }
    *name = koc__str_trim(n);
    *value = koc__str_trim(v);
    return KOC__LINE_FIELD;
}

bool koc__http_length(const koc__headers *h, uint64_t *out)
{
    const char *value = koc__headers_get(h, "Content-Length");
    return value && koc__str_u64(koc__str(value), out);
}

bool koc__http_content_range(const char *value, uint64_t *first, uint64_t *last, uint64_t *total)
{
    koc_str unit, rest, range, size, a, b;
    uint64_t from, to, all = UINT64_MAX;
    if (!value || !koc__str_cut(koc__str(value), ' ', &unit, &rest) ||
        !koc__str_ieq(unit, KOC__STR("bytes")) ||
        !koc__str_cut(koc__str_trim(rest), '/', &range, &size) ||
        !koc__str_cut(range, '-', &a, &b)) {
        return false;
    }
    if (!koc__str_u64(a, &from) || !koc__str_u64(b, &to) || to < from) {
        return false;
    }
    if (!koc__str_is(size, "*") && (!koc__str_u64(size, &all) || to >= all)) {
        return false;
    }
    *first = from;
    *last = to;
    *total = all;
    return true;
}

bool koc__http_warning(const char *value, koc_str *text)
{
    koc_str v = koc__str_trim(koc__str(value));
    if (!koc__str_starts(v, "299 - \"") || !koc__str_ends(v, "\"") || v.len < 9) {
        return false;
    }
    *text = koc__str_n(v.ptr + 7, v.len - 8);
    return true;
}

/* Whether the parameters after a link's target contain rel=next, with or without quotes. */
static bool says_next(koc_str parameters)
{
    koc_str parameter, name, value, word;
    while (koc__str_split(&parameters, ';', &parameter)) {
        if (!koc__str_cut(parameter, '=', &name, &value) ||
            !koc__str_ieq(koc__str_trim(name), KOC__STR("rel"))) {
            continue;
        }
        value = koc__str_trim(value);
        if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"') {
            value = koc__str_n(value.ptr + 1, value.len - 2);
        }
        while (koc__str_word(&value, &word)) {
            if (koc__str_ieq(word, KOC__STR("next"))) {
                return true;
            }
        }
    }
    return false;
}

bool koc__http_next_link(const koc__headers *h, koc_str *url)
{
    for (size_t i = 0; i < h->count; i++) {
        koc_str rest = koc__str(h->list[i].value), before, target, parameters;
        if (!koc__str_ieq(koc__str(h->list[i].name), KOC__STR("Link"))) {
            continue;
        }
        while (koc__str_cut(rest, '<', &before, &rest) && koc__str_cut(rest, '>', &target, &rest)) {
            const char *next = memchr(rest.ptr, '<', rest.len);
            parameters = koc__str_n(rest.ptr, next ? (size_t)(next - rest.ptr) : rest.len);
            while (parameters.len > 0 && strchr(", \t", parameters.ptr[parameters.len - 1])) {
                parameters.len--;
            }
            if (says_next(parameters)) {
                *url = target;
                return true;
            }
        }
    }
    return false;
}

bool koc__http_media_type(const koc__headers *h, char *out, size_t size)
{
    const char *value = koc__headers_get(h, "Content-Type");
    koc_str parameters;
    if (!value) {
        return false;
    }
    koc_str type = koc__str(value);
    koc__str_cut(type, ';', &type, &parameters);
    type = koc__str_trim(type);
    if (type.len == 0 || type.len >= size) {
        return false;
    }
    for (size_t i = 0; i < type.len; i++) {
        char c = type.ptr[i];
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    out[type.len] = '\0';
    return true;
}

bool koc__http_is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

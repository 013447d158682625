#include "core/common.h"

#include "http/url.h"

#include "core/dynbuf.h"
#include "core/str.h"
#include "core/text.h"

/* Query parameters whose values may be shown. Others may be a signature or the state of a
 * session. */
static const char *const harmless[] = {
    "account", "artifactType", "client_id", "digest",  "from",  "last", "mount",
    "n",       "ns",           "origin",    "service", "scope", "tag",
};

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

static bool is_ip6_char(char c)
{
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == '.' ||
           c == ':';
}

static bool all_of(koc_str s, bool (*is)(char))
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is(s.ptr[i])) {
            return false;
        }
    }
    return s.len > 0;
}

static bool read_port(koc_str text, uint16_t *port)
{
    uint64_t n;
    if (!koc__str_u64(text, &n) || n == 0 || n > 65535) {
        return false;
    }
    *port = (uint16_t)n;
    return true;
}

bool koc__authority_split(koc_str text, koc_str *host, uint16_t *port)
{
    koc_str name = text, rest = {"", 0}, after;
    uint16_t number = 0;
    if (koc__str_starts(text, "[")) {
        if (!koc__str_cut(koc__str_from(text, 1), ']', &name, &after)) {
            return false;
        }
        if (after.len > 0 && after.ptr[0] != ':') {
            return false;
        }
        rest = koc__str_from(after, 1);
        if (!all_of(name, is_ip6_char) || (after.len > 0 && !read_port(rest, &number))) {
            return false;
        }
    } else {
        bool has_port = koc__str_cut(text, ':', &name, &rest);
        if (!all_of(name, is_host_char) || (has_port && !read_port(rest, &number))) {
            return false;
        }
    }
    *host = name;
    *port = number;
    return true;
}

void koc__url_dispose(koc__url *u)
{
    koc__free(u->host);
    koc__free(u->target);
    *u = (koc__url)KOC__URL_INIT;
}

static int make_url(bool https, koc_str authority, koc_str target, koc__url *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
    koc_str host;
    if (!koc__authority_split(authority, &host, &u.port)) {
        return koc__error(err, KOC_EINVAL, "not a host name in a URL: %.*s", KOC__FMT(authority));
    }
    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.ptr[i];
        if (c <= ' ' || c >= 0x7f) {
            return koc__error(err, KOC_EINVAL, "a URL of %.*s contains an invalid character",
                              KOC__FMT(host));
        }
    }
    if (u.port == 0) {
        u.port = https ? 443 : 80;
    }
    u.https = https;
    u.host = koc__str_lower(host);
    if (target.len > 0 && target.ptr[0] == '/') {
        u.target = koc__str_dup(target);
    } else {
        u.target = koc__format("/%.*s", (int)target.len, target.ptr);
    }
    if (!u.host || !u.target) {
        return koc__oom(err);
    }
    *out = u;
    u = (koc__url)KOC__URL_INIT;
    return KOC_OK;
}

/* The length of "scheme" when text begins with "scheme:", else 0. */
static size_t scheme_length(koc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c == ':') {
            return i;
        }
        if (!alpha && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'))) {
            return 0;
        }
    }
    return 0;
}

/* Parses the text after "//". */
static int parse_hierarchy(bool https, koc_str rest, koc__url *out, koc_error **err)
{
    size_t end = 0;
    while (end < rest.len && !memchr("/?#", rest.ptr[end], 3)) {
        end++;
    }
    koc_str authority = koc__str_n(rest.ptr, end), target = koc__str_from(rest, end), ignored;
    koc__str_cut(target, '#', &target, &ignored);
    if (memchr(authority.ptr, '@', authority.len)) {
        return koc__error(err, KOC_EINVAL, "koc does not use URLs with a user name");
    }
    return make_url(https, authority, target, out, err);
}

int koc__url_parse(koc_str text, koc__url *out, koc_error **err)
{
    size_t n = scheme_length(text);
    koc_str scheme = koc__str_n(text.ptr, n), rest = koc__str_from(text, n + 1);
    bool https = koc__str_ieq(scheme, KOC__STR("https"));
    if (text.len > KOC__URL_MAX) {
        return koc__error(err, KOC_ELIMIT, "a URL is longer than %zu bytes", KOC__URL_MAX);
    }
    if (n == 0 || (!https && !koc__str_ieq(scheme, KOC__STR("http"))) ||
        !koc__str_starts(rest, "//")) {
        return koc__error(err, KOC_EINVAL, "not an http or https URL");
    }
    return parse_hierarchy(https, koc__str_from(rest, 2), out, err);
}

int koc__url_make(bool https, const char *authority, const char *target, koc__url *out,
                  koc_error **err)
{
    return make_url(https, koc__str(authority), koc__str(target), out, err);
}

/* Appends path to out without "." and ".." segments (RFC 3986, 5.2.4). path begins with '/'. */
static int put_clean_path(koc__dynbuf *out, koc_str path, koc_error **err)
{
    koc_str rest = koc__str_from(path, 1), segment;
    size_t base = out->len;
    bool directory = true;
    while (koc__str_split(&rest, '/', &segment)) {
        bool dot = koc__str_is(segment, ".");
        bool up = koc__str_is(segment, "..");
        directory = dot || up;
        if (up) {
            while (out->len > base && out->ptr[--out->len] != '/') {
            }
            continue;
        }
        if (!dot) {
            KOC__TRY(koc__dynbuf_putc(out, '/', err));
            KOC__TRY(koc__dynbuf_put(out, segment, err));
        }
    }
    if (directory || path.ptr[path.len - 1] == '/') {
        if (out->len == base || out->ptr[out->len - 1] != '/') {
            KOC__TRY(koc__dynbuf_putc(out, '/', err));
        }
    }
    return KOC_OK;
}

static koc_str path_of(koc_str target)
{
    koc_str path = target, query;
    koc__str_cut(target, '?', &path, &query);
    return path;
}

int koc__url_resolve(const koc__url *base, koc_str reference, koc__url *out, koc_error **err)
{
    koc_str ref = koc__str_trim(reference), ignored;
    koc__url result = KOC__URL_INIT;
    KOC__AUTO_VAL(koc__dynbuf) target = KOC__DYNBUF_INIT(2 * KOC__URL_MAX);
    KOC__AUTO_VAL(koc__dynbuf) merged = KOC__DYNBUF_INIT(2 * KOC__URL_MAX);
    if (ref.len == 0) {
        return koc__error(err, KOC_EINVAL, "an empty URL");
    }
    if (ref.len > KOC__URL_MAX) {
        return koc__error(err, KOC_ELIMIT, "a URL is longer than %zu bytes", KOC__URL_MAX);
    }
    if (scheme_length(ref) > 0) {
        return koc__url_parse(ref, out, err);
    }
    if (koc__str_starts(ref, "//")) {
        return parse_hierarchy(base->https, koc__str_from(ref, 2), out, err);
    }
    koc__str_cut(ref, '#', &ref, &ignored);
    koc_str path = path_of(ref), base_path = path_of(koc__str(base->target));
    if (path.len == 0) {
        KOC__TRY(koc__dynbuf_put(&target, base_path, err));
    } else {
        if (path.ptr[0] != '/') {
            size_t cut = base_path.len;
            while (cut > 1 && base_path.ptr[cut - 1] != '/') {
                cut--;
            }
            KOC__TRY(koc__dynbuf_append(&merged, base_path.ptr, cut, err));
        }
        KOC__TRY(koc__dynbuf_put(&merged, path, err));
        KOC__TRY(put_clean_path(&target, koc__dynbuf_view(&merged), err));
    }
    KOC__TRY(koc__dynbuf_put(&target, koc__str_from(ref, path.len), err));
    KOC__TRY(koc__url_copy(base, &result, err));
    koc__free(result.target);
    result.target = NULL;
    KOC__AUTO_VAL(koc__url) owner = result;
    KOC__AUTO_STR authority = koc__url_origin(&owner);
    if (!authority) {
        return koc__oom(err);
    }
    return make_url(owner.https, koc__str(authority + (owner.https ? 8 : 7)),
                    koc__dynbuf_view(&target), out, err);
}

int koc__url_copy(const koc__url *from, koc__url *out, koc_error **err)
{
    KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
    u.https = from->https;
    u.port = from->port;
    u.host = koc__strdup(from->host);
    u.target = koc__strdup(from->target);
    if (!u.host || !u.target) {
        return koc__oom(err);
    }
    *out = u;
    u = (koc__url)KOC__URL_INIT;
    return KOC_OK;
}

int koc__url_add_query(koc__url *u, const char *name, koc_str value, koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(2 * KOC__URL_MAX);
    KOC__TRY(koc__dynbuf_puts(&b, u->target, err));
    const char *query = strchr(u->target, '?');
    if (!query) {
        KOC__TRY(koc__dynbuf_putc(&b, '?', err));
    } else if (query[1] && b.ptr[b.len - 1] != '&') {
        KOC__TRY(koc__dynbuf_putc(&b, '&', err));
    }
    KOC__TRY(koc__dynbuf_puts(&b, name, err));
    KOC__TRY(koc__dynbuf_putc(&b, '=', err));
    KOC__TRY(koc__percent(&b, value, ":/", err));
    char *target = koc__dynbuf_steal(&b);
    if (!target) {
        return koc__oom(err);
    }
    koc__free(u->target);
    u->target = target;
    return KOC_OK;
}

bool koc__url_same_origin(const koc__url *a, const koc__url *b)
{
    return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

char *koc__url_origin(const koc__url *u)
{
    bool ip6 = strchr(u->host, ':') != NULL;
    const char *scheme = u->https ? "https" : "http";
    const char *open = ip6 ? "[" : "", *close = ip6 ? "]" : "";
    if (u->port == (u->https ? 443 : 80)) {
        return koc__format("%s://%s%s%s", scheme, open, u->host, close);
    }
    return koc__format("%s://%s%s%s:%u", scheme, open, u->host, close, (unsigned)u->port);
}

char *koc__url_string(const koc__url *u)
{
    KOC__AUTO_STR origin = koc__url_origin(u);
    return origin ? koc__format("%s%s", origin, u->target) : NULL;
}

static bool is_harmless(koc_str name)
{
    for (size_t i = 0; i < KOC__COUNT(harmless); i++) {
        if (koc__str_is(name, harmless[i])) {
            return true;
        }
    }
    return false;
}

char *koc__url_redacted(const koc__url *u)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(4 * KOC__URL_MAX);
    KOC__AUTO_STR origin = koc__url_origin(u);
    koc_str path = path_of(koc__str(u->target));
    koc_str query = koc__str_from(koc__str(u->target), path.len + 1), item, name, value;
    char separator = '?';
    if (!origin || koc__dynbuf_puts(&b, origin, NULL) || koc__dynbuf_put(&b, path, NULL)) {
        return NULL;
    }
    while (koc__str_split(&query, '&', &item)) {
        bool has_value = koc__str_cut(item, '=', &name, &value);
        if (!has_value) {
            name = item;
        }
        if (koc__dynbuf_putc(&b, separator, NULL) || koc__dynbuf_put(&b, name, NULL)) {
            return NULL;
        }
        separator = '&';
        if (!has_value) {
            continue;
        }
        if (koc__dynbuf_putc(&b, '=', NULL) ||
            koc__dynbuf_put(&b, is_harmless(name) ? value : KOC__STR("..."), NULL)) {
            return NULL;
        }
    }
    return koc__dynbuf_steal(&b);
}

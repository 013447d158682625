/* Package URLs (purl-spec), the global names of components. */
#include "core/common.h"

#include <fnmatch.h>

#include "core/dynbuf.h"
#include "core/hash/digests.h"
#include "core/str.h"
#include "core/text.h"
#include "sbom/bom.h"

#define PURL_MAX ((size_t)64 << 10)

char *koc__purl_go(const char *path, const char *version)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(PURL_MAX);
    int rc = koc__dynbuf_puts(&b, "pkg:golang/", NULL);
    rc = rc ? rc : koc__percent(&b, koc__str(path), ":/", NULL);
    if (version && *version) {
        rc = rc ? rc : koc__dynbuf_putc(&b, '@', NULL);
        rc = rc ? rc : koc__percent(&b, koc__str(version), ":", NULL);
    }
    return rc == KOC_OK ? koc__dynbuf_steal(&b) : NULL;
}

char *koc__purl_oci(const char *name, const koc_digest *d, const koc_kv *qualifiers, size_t n)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(PURL_MAX);
    char separator = '?';
    KOC__AUTO_STR lower = koc__str_lower(koc__str(name));
    int rc = lower ? koc__dynbuf_puts(&b, "pkg:oci/", NULL) : KOC_ENOMEM;
    rc = rc ? rc : koc__percent(&b, koc__str(lower), ":", NULL);
    rc = rc ? rc : koc__dynbuf_printf(&b, NULL, "@%s", koc__digest_str(d).s);
    for (size_t i = 0; i < n; i++) {
        if (qualifiers[i].value && *qualifiers[i].value) {
            rc = rc ? rc : koc__dynbuf_printf(&b, NULL, "%c%s=", separator, qualifiers[i].key);
            rc = rc ? rc : koc__percent(&b, koc__str(qualifiers[i].value), ":", NULL);
            separator = '&';
        }
    }
    return rc == KOC_OK ? koc__dynbuf_steal(&b) : NULL;
}

char *koc__purl_ko_go(const char *path, const char *version)
{
    char *purl = koc__format("pkg:golang/%s@%s?type=module", path, version);
    size_t slashes = 0, lower = 0, prefix = sizeof("pkg:golang/") - 1, n = strlen(path);
    for (size_t i = 0; i < n; i++) {
        slashes += path[i] == '/';
        lower = slashes < 2 ? i + 1 : lower;
    }
    for (size_t i = 0; purl && slashes > 1 && i < lower; i++) {
        char *c = purl + prefix + i;
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char)(*c + 32);
        }
    }
    return purl;
}

/* Like Go's url.QueryEscape: a space becomes a plus. */
static int put_form(koc__dynbuf *b, const char *text)
{
    size_t start = b->len;
    int rc = koc__percent(b, koc__str(text), "", NULL);
    size_t to = start;
    for (size_t i = start; rc == KOC_OK && i < b->len; i++) {
        bool space = b->len - i >= 3 && memcmp(b->ptr + i, "%20", 3) == 0;
        b->ptr[to++] = b->ptr[i];
        if (space) {
            b->ptr[to - 1] = '+';
            i += 2;
        }
    }
    if (rc == KOC_OK && b->ptr) {
        b->len = to;
        b->ptr[to] = '\0';
    }
    return rc;
}

char *koc__purl_ko_oci(const char *name, const koc_digest *d, const koc_kv *qualifiers, size_t n)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(PURL_MAX);
    int rc = koc__dynbuf_printf(&b, NULL, "pkg:oci/%s@%s", name, koc__digest_str(d).s);
    char separator = '?';
    for (size_t i = 0; i < n; i++) {
        if (qualifiers[i].value) {
            rc = rc ? rc : koc__dynbuf_printf(&b, NULL, "%c%s=", separator, qualifiers[i].key);
            rc = rc ? rc : put_form(&b, qualifiers[i].value);
            separator = '&';
        }
    }
    return rc == KOC_OK ? koc__dynbuf_steal(&b) : NULL;
}

static int put_escaped_case(koc__dynbuf *b, const char *text)
{
    int rc = KOC_OK;
    for (const char *p = text; *p && rc == KOC_OK; p++) {
        if (*p >= 'A' && *p <= 'Z') {
            rc = koc__dynbuf_printf(b, NULL, "!%c", *p + 32);
        } else {
            rc = koc__percent(b, koc__str_n(p, 1), "/", NULL);
        }
    }
    return rc;
}

char *koc__purl_module_zip(const char *proxy, const char *path, const char *version)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(PURL_MAX);
    int rc = koc__dynbuf_printf(&b, NULL, "%s/", proxy);
    rc = rc ? rc : put_escaped_case(&b, path);
    rc = rc ? rc : koc__dynbuf_puts(&b, "/@v/", NULL);
    rc = rc ? rc : put_escaped_case(&b, version);
    rc = rc ? rc : koc__dynbuf_puts(&b, ".zip", NULL);
    return rc == KOC_OK ? koc__dynbuf_steal(&b) : NULL;
}

int koc__sbom_proxy(const char *goproxy, char **out, koc_error **err)
{
    koc_str rest = koc__str(goproxy ? goproxy : "");
    *out = NULL;
    while (rest.len > 0) {
        size_t n = 0;
        while (n < rest.len && rest.ptr[n] != ',' && rest.ptr[n] != '|') {
            n++;
        }
        koc_str item = koc__str_trim(koc__str_n(rest.ptr, n));
        if (koc__str_is(item, "direct") || koc__str_is(item, "off")) {
            return KOC_OK; /* go never uses what follows */
        }
        while (koc__str_ends(item, "/")) {
            item.len--;
        }
        bool web = koc__str_starts(item, "https://") || koc__str_starts(item, "http://");
        bool secret = item.len > 0 && memchr(item.ptr, '@', item.len) != NULL;
        if (web && !secret) {
            *out = koc__str_dup(item);
            return *out ? KOC_OK : koc__oom(err);
        }
        rest = koc__str_from(rest, n + 1);
    }
    return KOC_OK;
}

/* Whether pattern matches the first elements of path, as many as it has itself. */
static bool matches(koc_str pattern, const char *path)
{
    size_t slashes = 0, n = 0;
    KOC__AUTO_STR glob = koc__str_dup(pattern);
    for (size_t i = 0; i < pattern.len; i++) {
        slashes += pattern.ptr[i] == '/';
    }
    while (path[n] && (path[n] != '/' || slashes > 0)) {
        slashes -= path[n] == '/';
        n++;
    }
    KOC__AUTO_STR prefix = koc__strndup(path, n);
    return glob && prefix && slashes == 0 && fnmatch(glob, prefix, FNM_PATHNAME) == 0;
}

bool koc__purl_is_private(const char *patterns, const char *path)
{
    koc_str rest = koc__str(patterns), pattern;
    while (koc__str_split(&rest, ',', &pattern)) {
        while (koc__str_ends(pattern, "/")) {
            pattern.len--;
        }
        if (pattern.len > 0 && matches(pattern, path)) {
            return true;
        }
    }
    return false;
}

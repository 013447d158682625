#include "core/common.h"

#include "http/cookies.h"

#include "core/dynbuf.h"
#include "core/str.h"
#include "core/text.h"

#define FIELD_MAX ((size_t)32 << 10)

static void cookie_dispose(koc__cookie *k)
{
    if (k->value) {
        koc__wipe(k->value, strlen(k->value));
    }
    koc__url_dispose(&k->from);
    koc__free(k->name);
    koc__free(k->value);
    koc__free(k->path);
    *k = (koc__cookie){KOC__URL_INIT, NULL, NULL, NULL};
}

void koc__cookies_clear(koc__cookies *c)
{
    for (size_t i = 0; i < c->count; i++) {
        cookie_dispose(&c->list[i]);
    }
    c->count = 0;
}

static void drop(koc__cookies *c, size_t i)
{
    cookie_dispose(&c->list[i]);
    c->list[i] = c->list[--c->count];
}

static bool is_plain(koc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.ptr[i];
        if (ch <= 0x20 || ch >= 0x7f || ch == ';' || ch == ',') {
            return false;
        }
    }
    return true;
}

/* "; Path=/v2; Max-Age=0": the path, and whether the cookie is gone. */
static void read_attributes(koc_str rest, koc_str *path, bool *gone)
{
    koc_str part, name, value;
    while (koc__str_split(&rest, ';', &part)) {
        int64_t date;
        if (!koc__str_cut(koc__str_trim(part), '=', &name, &value)) {
            continue;
        }
        if (koc__str_ieq(name, KOC__STR("path")) && koc__str_starts(value, "/")) {
            *path = value;
        } else if (koc__str_ieq(name, KOC__STR("max-age"))) {
            *gone = koc__str_is(value, "0") || koc__str_starts(value, "-");
        } else if (koc__str_ieq(name, KOC__STR("expires")) && koc__parse_http_date(value, &date)) {
            *gone = *gone || date <= koc__now();
        }
    }
}

static int add_cookie(koc__cookies *c, const koc__url *url, koc_str name, koc_str value,
                      koc_str path, koc_error **err)
{
    koc__cookie k = {KOC__URL_INIT, koc__str_dup(name), koc__str_dup(value), koc__str_dup(path)};
    int rc = k.name && k.value && k.path ? koc__url_copy(url, &k.from, err) : koc__oom(err);
    if (rc != KOC_OK) {
        cookie_dispose(&k);
        return rc;
    }
    c->list[c->count++] = k;
    return KOC_OK;
}

static int take_one(koc__cookies *c, const koc__url *url, koc_str field, koc_error **err)
{
    koc_str pair = field, rest = {"", 0}, name, value, path = KOC__STR("/");
    bool gone = false;
    koc__str_cut(field, ';', &pair, &rest);
    if (!koc__str_cut(pair, '=', &name, &value)) {
        return KOC_OK;
    }
    name = koc__str_trim(name);
    value = koc__str_trim(value);
    /* Harbor's login session: a request with it also needs a CSRF token. */
    if (name.len == 0 || !is_plain(name) || !is_plain(value) ||
        name.len + value.len > KOC__COOKIE_TEXT_MAX || koc__str_is(name, "sid")) {
        return KOC_OK;
    }
    read_attributes(rest, &path, &gone);
    for (size_t i = 0; i < c->count; i++) {
        if (koc__str_is(name, c->list[i].name) && koc__url_same_origin(&c->list[i].from, url)) {
            drop(c, i);
            break;
        }
    }
    return gone || c->count >= KOC__COOKIES_MAX ? KOC_OK
                                                : add_cookie(c, url, name, value, path, err);
}

int koc__cookies_read(koc__cookies *c, const koc__url *url, const koc__headers *reply,
                      koc_error **err)
{
    for (size_t i = 0; i < reply->count; i++) {
        if (koc__str_ieq(koc__str(reply->list[i].name), KOC__STR("Set-Cookie"))) {
            KOC__TRY(take_one(c, url, koc__str(reply->list[i].value), err));
        }
    }
    return KOC_OK;
}

/* "/v2" serves "/v2", "/v2/a" and "/v2?b", not "/v2x". */
static bool path_fits(const char *path, const char *target)
{
    size_t n = strlen(path);
    if (strncmp(path, target, n) != 0) {
        return false;
    }
    return n == 0 || path[n - 1] == '/' || target[n] == '\0' || target[n] == '/' ||
           target[n] == '?';
}

int koc__cookies_put(const koc__cookies *c, const koc__url *url, koc__headers *request,
                     koc_error **err)
{
    KOC__AUTO_VAL(koc__dynbuf) line = KOC__DYNBUF_INIT(FIELD_MAX * 4);
    int rc = KOC_OK;
    for (size_t i = 0; i < c->count && rc == KOC_OK; i++) {
        const koc__cookie *k = &c->list[i];
        if (koc__url_same_origin(&k->from, url) && path_fits(k->path, url->target)) {
            rc = koc__dynbuf_printf(&line, err, "%s%s=%s", line.len ? "; " : "", k->name, k->value);
        }
    }
    if (rc == KOC_OK && line.len > 0) {
        rc = koc__headers_add(request, KOC__STR("Cookie"), koc__dynbuf_view(&line), err);
    }
    koc__dynbuf_wipe(&line);
    return rc;
}

/* What registries and token servers say: the first byte picks the reader. */
#include "fuzz.h"

#include "auth/auth.h"
#include "http/http_message.h"
#include "http/proxy.h"
#include "http/url.h"
#include "registry/host/retry.h"
#include "registry/host/token.h"
#include "registry/registry_error.h"
#include "registry/upload_state.h"

/* A URL that is read prints so that it reads back the same, and shows nothing of its query in logs. */
static void url(koc_str in)
{
    KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
    KOC__AUTO_VAL(koc__url) again = KOC__URL_INIT;
    koc_error *err = NULL;
    if (!fuzz_ok(koc__url_parse(in, &u, &err), &err)) {
        return;
    }
    KOC__AUTO_STR text = koc__url_string(&u);
    KOC__AUTO_STR redacted = koc__url_redacted(&u);
    FUZZ_CHECK(text && redacted);
    FUZZ_CHECK(fuzz_ok(koc__url_parse(koc__str(text), &again, &err), &err));
    FUZZ_CHECK(koc__url_same_origin(&u, &again) && strcmp(u.target, again.target) == 0);
}

/* Whatever a Location says, its target stays one line that begins with a slash. */
static void location(koc_str in)
{
    KOC__AUTO_VAL(koc__url) base = KOC__URL_INIT;
    KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
    koc_error *err = NULL;
    FUZZ_CHECK(koc__url_parse(KOC__STR("https://r:5000/v2/a/b?c"), &base, NULL) == KOC_OK);
    if (fuzz_ok(koc__url_resolve(&base, in, &u, &err), &err)) {
        FUZZ_CHECK(u.target[0] == '/' && !strpbrk(u.target, " \r\n") && u.port != 0);
        FUZZ_CHECK(koc__url_add_query(&u, "digest", KOC__STR("sha256:00"), NULL) == KOC_OK);
    }
}

static void head(koc_str in)
{
    KOC__AUTO_VAL(koc__headers) h = KOC__HEADERS_INIT;
    koc_str rest = in, line, name, value;
    uint64_t a, b, c;
    char type[64];
    int status = 0;
    while (koc__str_split(&rest, '\n', &line)) {
        koc__line kind = koc__http_line(line, &status, &name, &value);
        FUZZ_CHECK(kind != KOC__LINE_STATUS || (status >= 100 && status <= 999));
        if (kind == KOC__LINE_FIELD) {
            (void)koc__headers_add(&h, name, value, NULL);
        }
    }
    FUZZ_CHECK(h.count <= KOC__HEADERS_COUNT_MAX && h.bytes <= KOC__HEADERS_BYTES_MAX);
    koc__http_length(&h, &a);
    koc__http_next_link(&h, &value);
    koc__http_warning(koc__headers_get(&h, "Warning"), &value);
    if (koc__http_content_range(koc__headers_get(&h, "Content-Range"), &a, &b, &c)) {
        FUZZ_CHECK(a <= b && b < c);
    }
    if (koc__http_media_type(&h, type, sizeof(type))) {
        FUZZ_CHECK(strlen(type) > 0);
    }
}

static void token(koc_str in)
{
    KOC__AUTO_VAL(koc__token_reply) r = {NULL, 0};
    koc_error *err = NULL;
    if (fuzz_ok(koc__token_reply_read(in, &r, &err), &err)) {
        FUZZ_CHECK(koc__auth_is_token(koc__str(r.token)) && r.lifetime_ms > 0);
    }
}

static void error_body(koc_str in)
{
    koc__regerror e;
    koc_error *err = NULL;
    koc__regerror_read(in, &e);
    FUZZ_CHECK(koc__str_utf8(koc__str(e.message)) && koc__str_utf8(koc__str(e.code)));
    FUZZ_CHECK(!strpbrk(e.message, "\x1b\r\n\t"));
    FUZZ_CHECK(!fuzz_ok(
        koc__regerror_make(KOC__DO_OTHER, 400 + (in.len > 0 ? in.ptr[0] & 63 : 0), &e, &err),
        &err));
}

static void ranges(const char *text)
{
    uint64_t at = koc__upload_after_chunk(text, 100, 200);
    int64_t seconds;
    FUZZ_CHECK(at == KOC__OFFSET_LOST || (at > 100 && at <= 200));
    at = koc__upload_resume(text, 1000);
    FUZZ_CHECK(at == KOC__OFFSET_LOST || at <= 1000);
    if (koc__retry_after(text, 1700000000, &seconds)) {
        FUZZ_CHECK(seconds >= 0);
    }
    koc__proxy_is_excluded(text, "10.1.2.3", 443);
    koc__proxy_is_excluded(text, "a.b.example", 443);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    koc_str in = fuzz_str(data + 1, size - 1);
    KOC__AUTO_STR text = fuzz_text(data + 1, size - 1);
    switch (data[0]) {
    case 'u': url(in); break;
    case 'l': location(in); break;
    case 'h': head(in); break;
    case 't': token(in); break;
    case 'e': error_body(in); break;
    default: ranges(text); break;
    }
    return 0;
}

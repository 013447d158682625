#include "core/common.h"

#include "core/dynbuf.h"
#include "core/str.h"
#include "http/url.h"
#include "test.h"

static void check_string(const koc__url *u, const char *expected)
{
    KOC__AUTO_STR text = koc__url_string(u);
    assert_string_equal(text, expected);
}

KOC_TEST(url_parse_normalises_what_it_may)
{
    static const char *const table[][2] = {
        {"https://Registry.Example/v2/", "https://registry.example/v2/"},
        {"HTTPS://registry.example:443", "https://registry.example/"},
        {"http://registry.example:80/x?y=z", "http://registry.example/x?y=z"},
        {"http://127.0.0.1:5000/v2/?a=b%2Fc#frag", "http://127.0.0.1:5000/v2/?a=b%2Fc"},
        {"https://[::1]:5000/v2/", "https://[::1]:5000/v2/"},
        {"https://h?x", "https://h/?x"},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
        assert_int_equal(koc__url_parse(koc__str(table[i][0]), &u, NULL), KOC_OK);
        check_string(&u, table[i][1]);
    }
}

/* R-65, R-90: what is not plain http(s) is refused. */
KOC_TEST(url_parse_refuses)
{
    static const char *const table[] = {
        "",
        "registry.example/v2/",
        "ftp://registry.example/",
        "file:///etc/passwd",
        "https://user:secret@registry.example/",
        "https://user@registry.example/",
        "https:///v2/",
        "https://registry.example:0/",
        "https://registry.example:65536/",
        "https://registry.example:5000x/",
        "https://[::1/",
        "https://[::1]x/",
        "https://exa mple/",
        "https://example/a b",
        "https://example/\r\nHost: evil",
        "https://example/\x7f",
        "https://ex\xc3\xa4mple/",
        "https:/example",
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc__url u = KOC__URL_INIT;
        koc_error *err = NULL;
        assert_true(koc__url_parse(koc__str(table[i]), &u, &err) != KOC_OK);
        assert_non_null(err);
        assert_null(strstr(koc_error_message(err), "secret"));
        assert_null(u.host);
        koc_error_free(err);
    }
}

KOC_TEST(url_longer_than_the_limit_is_refused)
{
    KOC__AUTO_STR text = koc__malloc(KOC__URL_MAX + 64);
    koc__url u = KOC__URL_INIT;
    memset(text, 'a', KOC__URL_MAX + 63);
    memcpy(text, "https://h/", 10);
    text[KOC__URL_MAX + 63] = '\0';
    assert_int_equal(koc__url_parse(koc__str(text), &u, NULL), KOC_ELIMIT);
}

/* R-134: absolute, scheme-less, host-relative, path-relative, query only; the query byte for byte. */
KOC_TEST(url_resolve_R134)
{
    static const char *const table[][2] = {
        {"https://other.example/x?_state=a%2Bb", "https://other.example/x?_state=a%2Bb"},
        {"//other.example:8443/x", "https://other.example:8443/x"},
        {"/v2/a/blobs/uploads/1?_state=A==&b",
         "https://r.example:5000/v2/a/blobs/uploads/1?_state=A==&b"},
        {"uuid?x=/../y", "https://r.example:5000/v2/a/uuid?x=/../y"},
        {"../b/./c", "https://r.example:5000/v2/b/c"},
        {"../../../../x/", "https://r.example:5000/x/"},
        {"?digest=1", "https://r.example:5000/v2/a/start?digest=1"},
        {"  /trimmed ", "https://r.example:5000/trimmed"},
        {"..", "https://r.example:5000/v2/"},
        {".", "https://r.example:5000/v2/a/"},
        {"/a//b", "https://r.example:5000/a//b"},
        {"/x#fragment?", "https://r.example:5000/x"},
    };
    KOC__AUTO_VAL(koc__url) base = KOC__URL_INIT;

    assert_int_equal(koc__url_parse(KOC__STR("https://r.example:5000/v2/a/start?q=1"), &base, NULL),
                     KOC_OK);
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
        assert_int_equal(koc__url_resolve(&base, koc__str(table[i][0]), &u, NULL), KOC_OK);
        check_string(&u, table[i][1]);
    }
}

KOC_TEST(url_resolve_refuses_empty_and_foreign_schemes)
{
    static const char *const table[] = {"",   "   ",      "ftp://x/", "javascript:alert(1)",
                                        "//", "//u:p@h/", "/a b"};
    KOC__AUTO_VAL(koc__url) base = KOC__URL_INIT;

    assert_int_equal(koc__url_parse(KOC__STR("https://r.example/v2/"), &base, NULL), KOC_OK);
    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        koc__url u = KOC__URL_INIT;
        assert_true(koc__url_resolve(&base, koc__str(table[i]), &u, NULL) != KOC_OK);
        assert_null(u.host);
    }
}

KOC_TEST(url_resolve_keeps_brackets_of_ipv6)
{
    KOC__AUTO_VAL(koc__url) base = KOC__URL_INIT;
    KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
    assert_int_equal(koc__url_parse(KOC__STR("http://[::1]:5000/v2/"), &base, NULL), KOC_OK);
    assert_int_equal(koc__url_resolve(&base, KOC__STR("/x"), &u, NULL), KOC_OK);
    check_string(&u, "http://[::1]:5000/x");
}

/* R-91: other port, scheme or host is another origin; a default port may be left out. */
KOC_TEST(url_same_origin_R91)
{
    static const struct {
        const char *a, *b;
        bool same;
    } table[] = {
        {"https://r/x", "https://R:443/y", true},   {"http://r/x", "http://r:80/", true},
        {"https://r/x", "http://r/x", false},       {"https://r/x", "https://r:8443/x", false},
        {"https://r/x", "https://r.evil/x", false},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(koc__url) a = KOC__URL_INIT;
        KOC__AUTO_VAL(koc__url) b = KOC__URL_INIT;
        assert_int_equal(koc__url_parse(koc__str(table[i].a), &a, NULL), KOC_OK);
        assert_int_equal(koc__url_parse(koc__str(table[i].b), &b, NULL), KOC_OK);
        assert_int_equal(koc__url_same_origin(&a, &b), table[i].same);
    }
}

/* R-134: digest is appended with '?' or '&', nothing else changes. */
KOC_TEST(url_add_query_R134)
{
    static const char *const table[][2] = {
        {"https://r/u", "https://r/u?digest=sha256:ab"},
        {"https://r/u?", "https://r/u?digest=sha256:ab"},
        {"https://r/u?_state=a%3D", "https://r/u?_state=a%3D&digest=sha256:ab"},
        {"https://r/u?a&", "https://r/u?a&digest=sha256:ab"},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
        assert_int_equal(koc__url_parse(koc__str(table[i][0]), &u, NULL), KOC_OK);
        assert_int_equal(koc__url_add_query(&u, "digest", KOC__STR("sha256:ab"), NULL), KOC_OK);
        check_string(&u, table[i][1]);
    }
}

/* R-99: values that may be secrets do not reach logs. */
KOC_TEST(url_redacted_R99)
{
    KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
    assert_int_equal(
        koc__url_parse(
            KOC__STR("https://s3/x?X-Amz-Signature=planted&digest=sha256:ab&_state=planted"
                     "&sig=planted&flag&token=planted"),
            &u, NULL),
        KOC_OK);
    KOC__AUTO_STR text = koc__url_redacted(&u);
    assert_null(strstr(text, "planted"));
    assert_non_null(strstr(text, "digest=sha256:ab"));
    assert_non_null(strstr(text, "&flag"));
}

KOC_TEST(url_out_of_memory_leaves_nothing)
{
    for (uint64_t n = 1; n < 12; n++) {
        KOC__AUTO_VAL(koc__url) base = KOC__URL_INIT;
        KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
        assert_int_equal(koc__url_parse(KOC__STR("https://r/v2/x?y"), &base, NULL), KOC_OK);
        koc__alloc_fail_after(n);
        int rc = koc__url_resolve(&base, KOC__STR("../a/b?c"), &u, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || (rc == KOC_ENOMEM && !u.host));
    }
}

KOC_TEST(the_letters_of_a_host)
{
    static const char *const yes[] = {"a",     "z",       "A",     "Z",       "0",
                                      "9",     "a.b-c_d", "[::a]", "[::f]",   "[::A]",
                                      "[::F]", "[::0.9]", "a:1",   "a:65535", "[::1]:1"};
    static const char *const no[] = {"",     "a/",     "@",      "[",       "`",     "{",     "/",
                                     ":",    "a:",     "a:0",    "a:65536", "[::g]", "[::G]", "[]",
                                     "[::1", "[::1]a", "[::1]:", "[::1]:0", "a;b",   "a[b"};
    koc_str host;
    uint16_t port;
    for (size_t i = 0; i < KOC__COUNT(yes); i++) {
        if (!koc__authority_split(koc__str(yes[i]), &host, &port)) {
            fail_msg("%s", yes[i]);
        }
    }
    for (size_t i = 0; i < KOC__COUNT(no); i++) {
        if (koc__authority_split(koc__str(no[i]), &host, &port)) {
            fail_msg("%s", no[i]);
        }
    }
}

/* Each harmless parameter is shown, and nothing that only begins or ends like one. */
KOC_TEST(what_a_redacted_url_shows_R99)
{
    static const char *const shown[] = {"account", "artifactType", "client_id", "digest", "from",
                                        "last",    "mount",        "n",         "ns",     "origin",
                                        "service", "scope",        "tag"};
    static const char *const hidden[] = {"sig", "digests", "xn", "N", "token", ""};
    for (size_t i = 0; i < KOC__COUNT(shown) + KOC__COUNT(hidden); i++) {
        bool is_shown = i < KOC__COUNT(shown);
        KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
        KOC__AUTO_STR text = koc__format("https://r/x?%s=value",
                                         is_shown ? shown[i] : hidden[i - KOC__COUNT(shown)]);
        assert_int_equal(koc__url_parse(koc__str(text), &u, NULL), KOC_OK);
        KOC__AUTO_STR redacted = koc__url_redacted(&u);
        assert_int_equal(strstr(redacted, "=value") != NULL, is_shown);
        assert_int_equal(strstr(redacted, "=...") != NULL, !is_shown);
    }
}

KOC_TEST(a_scheme_begins_with_a_letter)
{
    static const char *const relative[] = {"1a:b", "-a:b", "a/b:c", "abc"};
    static const char *const schemes[] = {"z:b", "Z1+-.:b", "a:"};
    KOC__AUTO_VAL(koc__url) base = KOC__URL_INIT;
    assert_int_equal(koc__url_parse(KOC__STR("https://r/v2/"), &base, NULL), KOC_OK);
    for (size_t i = 0; i < KOC__COUNT(relative); i++) {
        KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
        KOC__AUTO_STR expected = koc__format("https://r/v2/%s", relative[i]);
        assert_int_equal(koc__url_resolve(&base, koc__str(relative[i]), &u, NULL), KOC_OK);
        check_string(&u, expected);
    }
    for (size_t i = 0; i < KOC__COUNT(schemes); i++) {
        KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
        assert_int_equal(koc__url_resolve(&base, koc__str(schemes[i]), &u, NULL), KOC_EINVAL);
    }
}

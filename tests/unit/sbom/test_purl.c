/* Package URLs, and what GOPROXY means for download locations. */
#include "core/common.h"

#include "core/hash/digests.h"
#include "core/str.h"
#include "sbom/bom.h"
#include "test.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static koc_digest digest(void)
{
    koc_digest d;
    assert_int_equal(koc_digest_parse("sha256:" HEX, &d, NULL), KOC_OK);
    return d;
}

static void check(char *got, const char *want)
{
    KOC__AUTO_STR text = got;
    assert_non_null(text);
    assert_string_equal(text, want);
}

KOC_TEST(purl_go_keeps_case_and_escapes)
{
    check(koc__purl_go("github.com/BurntSushi/toml", "v1.6.0"),
          "pkg:golang/github.com/BurntSushi/toml@v1.6.0");
    check(koc__purl_go("a.b/c", "v1.0.0+dirty"), "pkg:golang/a.b/c@v1.0.0%2Bdirty");
    check(koc__purl_go("a.b/c~d", NULL), "pkg:golang/a.b/c~d");
    check(koc__purl_go("a b/\xc3\xa9", ""), "pkg:golang/a%20b/%C3%A9");
}

KOC_TEST(purl_oci_leaves_out_what_is_not_known)
{
    koc_digest d = digest();
    koc_kv q[] = {{"arch", "amd64"}, {"repository_url", "127.0.0.1:5000/x/App"}, {"tag", NULL}};
    check(koc__purl_oci("App", &d, q, 3),
          "pkg:oci/app@sha256:" HEX "?arch=amd64&repository_url=127.0.0.1:5000%2Fx%2FApp");
    check(koc__purl_oci("app", &d, NULL, 0), "pkg:oci/app@sha256:" HEX);
}

KOC_TEST(purl_ko_lowers_two_elements_of_more)
{
    check(koc__purl_ko_go("GitHub.com/Foo/Bar/V2", "v1"),
          "pkg:golang/github.com/foo/Bar/V2@v1?type=module");
    check(koc__purl_ko_go("GitHub.com/Foo", "v1"), "pkg:golang/GitHub.com/Foo@v1?type=module");
    check(koc__purl_ko_go("X", "(devel)"), "pkg:golang/X@(devel)?type=module");
    check(koc__purl_ko_go("", ""), "pkg:golang/@?type=module");
    check(koc__purl_ko_go("A@Z[/AZ/AZ", "v1"), "pkg:golang/a@z[/az/AZ@v1?type=module");
    check(koc__purl_ko_go("//A", "v1"), "pkg:golang///A@v1?type=module");
}

KOC_TEST(purl_ko_oci_is_a_web_form)
{
    koc_digest d = digest();
    koc_kv q[] = {{"mediaType", "a/b+c d~e%20"}, {"os", ""}, {"variant", NULL}};
    koc_kv spaces[] = {{"a", " "}, {"b", " b "}, {"c", "%2"}};
    check(koc__purl_ko_oci("x", &d, spaces, 3), "pkg:oci/x@sha256:" HEX "?a=+&b=+b+&c=%252");
    check(koc__purl_ko_oci("image", &d, q, 3),
          "pkg:oci/image@sha256:" HEX "?mediaType=a%2Fb%2Bc+d~e%2520&os=");
}

KOC_TEST(purl_module_zip_escapes_capitals)
{
    check(koc__purl_module_zip("p", "@AZ[/a", "v1"), "p/%40!a!z%5B/a/@v/v1.zip");
    check(koc__purl_module_zip("https://p/x", "github.com/BurntSushi/toml", "v1.0.0+Inc"),
          "https://p/x/github.com/!burnt!sushi/toml/@v/v1.0.0%2B!inc.zip");
}

KOC_TEST(purl_proxy_is_the_first_that_is_asked)
{
    static const struct {
        const char *given, *want;
    } cases[] = {
        {"https://a.example,direct", "https://a.example"},
        {" https://a.example/go/ | https://b.example", "https://a.example/go"},
        {"https://user:secret@a.example,https://b.example", "https://b.example"},
        {"direct,https://a.example", NULL},
        {"off", NULL},
        {"o", NULL},
        {"@", NULL},
        {",https://a.example", "https://a.example"},
        {"|,https://a.example", "https://a.example"},
        {"https://a.example|", "https://a.example"},
        {"http://a.example//", "http://a.example"},
        {"ftp://a.example,http://b.example", "http://b.example"},
        {"", NULL},
        {"file:///x,https://b.example", "https://b.example"},
        {NULL, NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_STR got = NULL;
        assert_int_equal(koc__sbom_proxy(cases[i].given, &got, NULL), KOC_OK);
        assert_true(koc__streq(got, cases[i].want));
    }
}

KOC_TEST(purl_private_modules_match_by_prefix)
{
    assert_true(koc__purl_is_private("*.corp.example,rsc.io/private", "git.corp.example/xyzzy"));
    assert_true(koc__purl_is_private("*.corp.example,rsc.io/private", "rsc.io/private/quux"));
    assert_true(koc__purl_is_private("github.com/me/", "github.com/me/x/y"));
    assert_false(koc__purl_is_private("github.com/me", "github.com/you/x"));
    assert_false(koc__purl_is_private("github.com/me/x", "github.com/me"));
    assert_false(koc__purl_is_private("github.com/*", "github.com"));
    assert_false(koc__purl_is_private("*", "") && koc__purl_is_private("", "a"));
    assert_false(koc__purl_is_private(",,", "a/b"));
    assert_false(koc__purl_is_private(",,", ""));
    assert_false(koc__purl_is_private("/", "a"));
    assert_true(koc__purl_is_private("a", "a") && koc__purl_is_private("a", "a/b"));
    assert_true(koc__purl_is_private("a//", "a"));
    assert_true(koc__purl_is_private("?,b", "a/c") && koc__purl_is_private("b,a", "a/c"));
    assert_false(koc__purl_is_private("/a", "a/b"));
    assert_false(koc__purl_is_private("a/*/c", "a/b"));
    assert_true(koc__purl_is_private("a/*/c", "a/b/c/d"));
}

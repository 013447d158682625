#include "core/common.h"

#include "http/proxy.h"
#include "registry/host/host_rules.h"
#include "test.h"

KOC_TEST(host_on_wire_R2)
{
    assert_string_equal(koc__host_on_wire("index.docker.io"), "registry-1.docker.io");
    assert_string_equal(koc__host_on_wire("docker.io"), "registry-1.docker.io");
    assert_string_equal(koc__host_on_wire("registry-1.docker.io"), "registry-1.docker.io");
    assert_string_equal(koc__host_on_wire("ghcr.io"), "ghcr.io");
}

KOC_TEST(host_listed_R10)
{
    KOC__AUTO(koc_strlist) l = NULL;
    assert_int_equal(koc__strlist_new(&l, NULL), KOC_OK);
    assert_int_equal(koc__strlist_add(l, "Reg.Example:5000", NULL), KOC_OK);
    assert_int_equal(koc__strlist_add(l, "any.example", NULL), KOC_OK);
    assert_true(koc__host_listed(l, "reg.example:5000"));
    assert_false(koc__host_listed(l, "reg.example:5001"));
    assert_false(koc__host_listed(l, "reg.example"));
    assert_true(koc__host_listed(l, "any.example:123"));
    assert_true(koc__host_listed(l, "any.example"));
    assert_false(koc__host_listed(l, "sub.any.example"));
    assert_false(koc__host_listed(NULL, "any.example"));
}

/* Go's meaning of NO_PROXY. */
KOC_TEST(no_proxy_R31)
{
    static const struct {
        const char *list, *host;
        uint16_t port;
        bool matches;
    } table[] = {
        {"*", "a.example", 443, true},
        {"example", "example", 443, true},
        {"example", "a.example", 443, true},
        {"example", "aexample", 443, false},
        {".example", "a.example", 443, true},
        {"*.example", "a.b.example", 443, true},
        {"a.example:5000", "a.example", 5000, true},
        {"a.example:5000", "a.example", 443, false},
        {"x, 10.0.0.0/8 ,y", "10.2.3.4", 443, true},
        {"10.0.0.0/8", "11.2.3.4", 443, false},
        {"10.0.0.0/9", "10.127.0.1", 443, true},
        {"10.0.0.0/9", "10.128.0.1", 443, false},
        {"0.0.0.0/0", "1.2.3.4", 443, true},
        {"fd00::/8", "fd12::1", 443, true},
        {"fd00::/8", "10.0.0.1", 443, false},
        {"10.0.0.0/33", "10.0.0.0", 443, false},
        {"10.0.0.0/x", "10.0.0.0", 443, false},
        {"::1", "::1", 443, true},
        {"A.Example", "a.example", 443, true},
        {",, ,", "a.example", 443, false},
        {"", "a.example", 443, false},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        assert_int_equal(koc__proxy_is_excluded(table[i].list, table[i].host, table[i].port),
                         table[i].matches);
    }
}

/* by scheme; loopback never. */
KOC_TEST(proxies_for_R30_R31)
{
    char http[] = "http://p:1", https[] = "http://p:2", none[] = "direct.example";
    koc__proxies p = {{http, "http_proxy"}, {https, "https_proxy"}, {none, "no_proxy"}};
    static const struct {
        const char *url, *proxy;
    } table[] = {
        {"http://r.example/", "http://p:1"}, {"https://r.example/", "http://p:2"},
        {"https://direct.example/", NULL},   {"http://127.0.0.1:5000/", NULL},
        {"http://x.localhost/", NULL},       {"https://[::1]/", NULL},
    };

    for (size_t i = 0; i < KOC__COUNT(table); i++) {
        KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
        assert_int_equal(koc__url_parse(koc__str(table[i].url), &u, NULL), KOC_OK);
        const koc__proxy *proxy = koc__proxies_for(&p, &u);
        assert_true(koc__streq(proxy ? proxy->url : NULL, table[i].proxy));
        assert_true(!proxy || koc__streq(proxy->variable, u.https ? "https_proxy" : "http_proxy"));
    }
}

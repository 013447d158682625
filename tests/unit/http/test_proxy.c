#include "core/common.h"

#include "http/proxy.h"
#include "test.h"

#undef setenv
#undef unsetenv

static const char *const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                    "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

/* The proxies of an environment: "HTTP_PROXY=a all_proxy=b". */
static koc__proxies of(const char *environment)
{
    koc__proxies p = KOC__PROXIES_INIT;
    koc_str rest = koc__str(environment), item, name, value;
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        unsetenv(names[i]);
    }
    while (koc__str_word(&rest, &item)) {
        assert_true(koc__str_cut(item, '=', &name, &value));
        KOC__AUTO_STR n = koc__str_dup(name);
        KOC__AUTO_STR v = koc__str_dup(value);
        assert_int_equal(setenv(n, v, 1), 0);
    }
    assert_int_equal(koc__proxies_from_env(&p, NULL), KOC_OK);
    return p;
}

static const koc__proxy *for_url(const koc__proxies *p, const char *text)
{
    KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;
    assert_int_equal(koc__url_parse(koc__str(text), &u, NULL), KOC_OK);
    return koc__proxies_for(p, &u);
}

/* each variable in both spellings, and the one for all. */
KOC_TEST(proxies_come_from_their_variable_R30)
{
    static const struct {
        const char *environment, *http, *https, *http_from, *https_from;
    } cases[] = {
        {"", NULL, NULL, NULL, NULL},
        {"http_proxy=a", "a", NULL, "http_proxy", NULL},
        {"HTTP_PROXY=a", "a", NULL, "HTTP_PROXY", NULL},
        {"HTTP_PROXY=a http_proxy=b", "a", NULL, "HTTP_PROXY", NULL},
        {"HTTP_PROXY= http_proxy=b", "b", NULL, "http_proxy", NULL},
        {"https_proxy=c", NULL, "c", NULL, "https_proxy"},
        {"HTTPS_PROXY=c", NULL, "c", NULL, "HTTPS_PROXY"},
        {"all_proxy=d", "d", "d", "all_proxy", "all_proxy"},
        {"ALL_PROXY=d http_proxy=a", "a", "d", "http_proxy", "ALL_PROXY"},
        {"ALL_PROXY=d NO_PROXY=e", "d", "d", "ALL_PROXY", "ALL_PROXY"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc__proxies p = of(cases[i].environment);
        const koc__proxy *http = for_url(&p, "http://r.example/"),
                         *https = for_url(&p, "https://r.example/");
        assert_true(koc__streq(http ? http->url : NULL, cases[i].http));
        assert_true(koc__streq(http ? http->variable : NULL, cases[i].http_from));
        assert_true(koc__streq(https ? https->url : NULL, cases[i].https));
        assert_true(koc__streq(https ? https->variable : NULL, cases[i].https_from));
        koc__proxies_dispose(&p);
    }
}

/* */
KOC_TEST(proxies_leave_out_loopback_and_what_the_list_names_R31)
{
    koc__proxies p = of("http_proxy=a https_proxy=b no_proxy=r.example:5000,x.test");
    assert_null(for_url(&p, "http://localhost/"));
    assert_null(for_url(&p, "http://127.0.0.1:5000/"));
    assert_null(for_url(&p, "https://[::1]/"));
    assert_null(for_url(&p, "http://r.example:5000/"));
    assert_null(for_url(&p, "https://x.test/"));
    assert_non_null(for_url(&p, "http://r.example/"));
    assert_non_null(for_url(&p, "https://y.test/"));
    koc__proxies_dispose(&p);
}

KOC_TEST(the_list_of_hosts_without_a_proxy_R31)
{
    static const struct {
        const char *list, *host;
        uint16_t port;
        bool out;
    } cases[] = {
        {"", "r.example", 443, false},
        {"*", "r.example", 443, true},
        {"a, r.example ,b", "r.example", 443, true},
        {"R.Example", "r.example", 443, true},
        {"r.example:443", "r.example", 443, true},
        {"r.example:444", "r.example", 443, false},
        {"example", "r.example", 443, true},
        {".example", "r.example", 443, true},
        {"*.example", "r.example", 443, true},
        {".example", "example", 443, false},
        {"ample", "r.example", 443, false},
        {"r.example", "example", 443, false},
        {"other", "r.example", 443, false},
        {"not a host", "r.example", 443, false},
        {"10.0.0.0/8", "10.255.0.1", 80, true},
        {"10.0.0.0/8", "11.0.0.1", 80, false},
        {"10.128.0.0/9", "10.128.0.1", 80, true},
        {"10.128.0.0/9", "10.127.0.1", 80, false},
        {"10.1.2.3/32", "10.1.2.3", 80, true},
        {"10.1.2.3/32", "10.1.2.4", 80, false},
        {"10.1.2.3/33", "10.1.2.3", 80, false},
        {"0.0.0.0/0", "8.8.8.8", 80, true},
        {"10.0.0.0/x", "10.0.0.1", 80, false},
        {"10.0.0.0/8", "r.example", 80, false},
        {"10.0.0.0/8", "fd00::1", 80, false},
        {"fd00::/8", "fd12::1", 80, true},
        {"fd00::/8", "fe80::1", 80, false},
        {"fd00::/128", "fd00::", 80, true},
        {"fd00::/129", "fd00::", 80, false},
        {"fd00::1", "fd00::1", 80, true},
        {"/8", "10.0.0.1", 80, false},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        if (koc__proxy_is_excluded(cases[i].list, cases[i].host, cases[i].port) != cases[i].out) {
            fail_msg("\"%s\" and %s", cases[i].list, cases[i].host);
        }
    }
}

KOC_TEST(proxies_without_memory)
{
    bool done = false;
    koc__proxies p = of("http_proxy=a https_proxy=b no_proxy=c");
    koc__proxies_dispose(&p);
    for (uint64_t n = 1; n < 20 && !done; n++) {
        koc__alloc_fail_after(n);
        int rc = koc__proxies_from_env(&p, NULL);
        koc__alloc_fail_after(0);
        done = rc == KOC_OK;
        assert_true(done || rc == KOC_ENOMEM);
        koc__proxies_dispose(&p);
    }
    assert_true(done);
}

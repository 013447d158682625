#include "core/common.h"

#include "core/str.h"
#include "http/cookies.h"
#include "test.h"

static void set(koc__cookies *c, const char *from, const char *field)
{
    KOC__AUTO_VAL(koc__headers) reply = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    assert_int_equal(koc__url_parse(koc__str(from), &url, NULL), KOC_OK);
    assert_int_equal(koc__headers_put(&reply, "Set-Cookie", field, NULL), KOC_OK);
    assert_int_equal(koc__cookies_read(c, &url, &reply, NULL), KOC_OK);
}

static void sent(const koc__cookies *c, const char *to, const char *field)
{
    KOC__AUTO_VAL(koc__headers) request = KOC__HEADERS_INIT;
    KOC__AUTO_VAL(koc__url) url = KOC__URL_INIT;
    assert_int_equal(koc__url_parse(koc__str(to), &url, NULL), KOC_OK);
    assert_int_equal(koc__cookies_put(c, &url, &request, NULL), KOC_OK);
    assert_true(koc__streq(koc__headers_get(&request, "Cookie"), field));
}

KOC_TEST(cookies_stay_with_their_origin)
{
    koc__cookies c = {.count = 0};
    set(&c, "https://r.example/v2/", "route=a1; Path=/; HttpOnly");
    sent(&c, "https://r.example/v2/x?y", "route=a1");
    sent(&c, "https://r.example:443/v2/x", "route=a1");
    sent(&c, "https://r.example:5000/v2/x", NULL);
    sent(&c, "http://r.example/v2/x", NULL);
    sent(&c, "https://x.r.example/v2/x", NULL);
    sent(&c, "https://example/v2/x", NULL);
    set(&c, "https://x.r.example/", "other=2; Domain=r.example");
    sent(&c, "https://r.example/v2/x", "route=a1");
    koc__cookies_clear(&c);
    sent(&c, "https://r.example/v2/x", NULL);
}

KOC_TEST(cookies_are_replaced_dropped_and_bound_to_paths)
{
    koc__cookies c = {.count = 0};
    set(&c, "https://r.example/", "route=a1");
    set(&c, "https://r.example/", "route=b2");
    set(&c, "https://r.example/", "lb=3; path=/v2/team");
    sent(&c, "https://r.example/v2/team/x", "route=b2; lb=3");
    sent(&c, "https://r.example/v2/teams", "route=b2");
    set(&c, "https://r.example/", "route=; Max-Age=0");
    sent(&c, "https://r.example/", NULL);
    set(&c, "https://r.example/", "lb=; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    assert_int_equal(c.count, 0);
    set(&c, "https://r.example/", "sid=harbor");
    set(&c, "https://r.example/", "no value");
    set(&c, "https://r.example/", "=x");
    set(&c, "https://r.example/", "a=b c");
    set(&c, "https://r.example/", "a= b\x01");
    set(&c, "https://r.example/", "a=,b");
    set(&c, "https://r.example/", "a\x7f=b");
    assert_int_equal(c.count, 0);
    for (int i = 0; i < 100; i++) {
        char field[32];
        snprintf(field, sizeof(field), "c%d=1", i);
        set(&c, "https://r.example/", field);
    }
    assert_int_equal(c.count, KOC__COOKIES_MAX);
    koc__cookies_clear(&c);
}

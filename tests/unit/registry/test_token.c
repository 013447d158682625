#include "core/common.h"

#include "registry/host/token.h"
#include "test.h"

static koc__url url(const char *text)
{
    koc__url u = KOC__URL_INIT;
    assert_int_equal(koc__url_parse(koc__str(text), &u, NULL), KOC_OK);
    return u;
}

static koc_strlist *scopes(void)
{
    koc_strlist *l = NULL;
    assert_int_equal(koc__strlist_new(&l, NULL), KOC_OK);
    assert_int_equal(koc__scope_add(l, "team/api", KOC__ACT_PULL | KOC__ACT_PUSH, NULL), KOC_OK);
    assert_int_equal(koc__scope_add(l, "other", KOC__ACT_PULL, NULL), KOC_OK);
    return l;
}

KOC_TEST(scope_forms)
{
    KOC__AUTO(koc_strlist) l = scopes();
    assert_string_equal(koc_strlist_get(l, 0), "repository:team/api:pull,push");
    assert_string_equal(koc_strlist_get(l, 1), "repository:other:pull");
    assert_int_equal(koc__scope_add(l, "x", KOC__ACT_DELETE, NULL), KOC_OK);
    assert_string_equal(koc_strlist_get(l, 2), "repository:x:delete");
    assert_int_equal(koc__scope_add(l, "x", KOC__ACT_PULL | KOC__ACT_PUSH | KOC__ACT_DELETE, NULL),
                     KOC_OK);
    assert_string_equal(koc_strlist_get(l, 3), "repository:x:pull,push,delete");
}

/* what the challenge demands goes first, nothing twice. */
KOC_TEST(scope_demand_goes_first_R62_R70)
{
    koc_strlist *l = scopes();
    assert_int_equal(koc__scope_demand(&l, " repository:other:pull  repository:new:pull", NULL),
                     KOC_OK);
    assert_int_equal(koc_strlist_count(l), 3);
    assert_string_equal(koc_strlist_get(l, 0), "repository:other:pull");
    assert_string_equal(koc_strlist_get(l, 1), "repository:new:pull");
    assert_string_equal(koc_strlist_get(l, 2), "repository:team/api:pull,push");
    koc_strlist_free(l);
}

/* relative; R-65: scheme, user-info, host. */
KOC_TEST(realm_policy_R64_R65)
{
    KOC__AUTO_VAL(koc__url) https = url("https://r.example/v2/a/manifests/x");
    KOC__AUTO_VAL(koc__url) http = url("http://localhost:5000/v2/");
    static const char *const bad[] = {"http://auth.example/token",
                                      "https://u:p@auth.example/t",
                                      "ftp://x/",
                                      "",
                                      "http://r.example/token",
                                      "https:///token"};
    KOC__AUTO_VAL(koc__url) u = KOC__URL_INIT;

    assert_int_equal(koc__realm_resolve(&https, "/service/token", &u, NULL), KOC_OK);
    assert_true(u.https);
    assert_string_equal(u.host, "r.example");
    koc__url_dispose(&u);
    assert_int_equal(koc__realm_resolve(&http, "http://localhost:5001/token", &u, NULL), KOC_OK);
    koc__url_dispose(&u);
    assert_int_equal(koc__realm_resolve(&http, "https://auth.example/token", &u, NULL), KOC_OK);
    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        koc__url none = KOC__URL_INIT;
        assert_true(koc__realm_resolve(&https, bad[i], &none, NULL) != KOC_OK);
        assert_null(none.host);
    }
}

/* the realm's own query stays, scopes are repeated. R-64: no service, no parameter. */
KOC_TEST(token_query_R64_R70)
{
    KOC__AUTO(koc_strlist) l = scopes();
    KOC__AUTO_VAL(koc__url) u = url("https://a/token?realm=x%20y");
    KOC__AUTO_VAL(koc__url) v = url("https://a/token");
    assert_int_equal(koc__token_query(&u, "reg istry", l, "me&you", NULL), KOC_OK);
    assert_string_equal(u.target,
                        "/token?realm=x%20y&service=reg%20istry"
                        "&scope=repository:team/api:pull%2Cpush&scope=repository:other:pull"
                        "&account=me%26you&client_id=koc");
    assert_int_equal(koc__token_query(&v, NULL, l, NULL, NULL), KOC_OK);
    assert_null(strstr(v.target, "service"));
    assert_null(strstr(v.target, "account"));
}

/* POST has one scope, joined by one space. */
KOC_TEST(token_form_R70)
{
    KOC__AUTO(koc_strlist) l = scopes();
    KOC__AUTO_VAL(koc__dynbuf) refresh = KOC__DYNBUF_INIT(4096);
    assert_int_equal(koc__token_form(&refresh, "s", l, "to+ken", NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&refresh),
                        "grant_type=refresh_token&refresh_token=to%2Bken&service=s&client_id=koc"
                        "&scope=repository%3Ateam%2Fapi%3Apull%2Cpush%20repository%3Aother%3Apull");
}

/* */
KOC_TEST(token_post_fallback_R71)
{
    static const int always[] = {404, 405}, with_name[] = {400, 401, 403},
                     never[] = {200, 429, 500};

    for (size_t i = 0; i < KOC__COUNT(always); i++) {
        assert_true(koc__token_post_unsupported(always[i], false));
    }
    for (size_t i = 0; i < KOC__COUNT(with_name); i++) {
        assert_true(koc__token_post_unsupported(with_name[i], true));
        assert_false(koc__token_post_unsupported(with_name[i], false));
    }
    for (size_t i = 0; i < KOC__COUNT(never); i++) {
        assert_false(koc__token_post_unsupported(never[i], true));
    }
}

static void check_reply(const char *text, const char *token, int64_t lifetime_ms)
{
    KOC__AUTO_VAL(koc__token_reply) r = {NULL, 0};
    assert_int_equal(koc__token_reply_read(koc__str(text), &r, NULL), KOC_OK);
    assert_string_equal(r.token, token);
    assert_int_equal(r.lifetime_ms, lifetime_ms);
}

/* either name, access_token preferred; short, missing and absurd lifetimes. */
KOC_TEST(token_reply_R73_R74)
{
    check_reply("{\"token\":\"a\"}", "a", 54000);
    check_reply("{\"token\":\"a\",\"access_token\":\"b\",\"expires_in\":300}", "b", 270000);
    check_reply("{\"access_token\":\"\",\"token\":\"a\",\"expires_in\":5}", "a", 54000);
    check_reply("{\"token\":\"a\",\"expires_in\":\"300\"}", "a", 54000);
    check_reply("{\"token\":\"a\",\"expires_in\":-1}", "a", 54000);
    check_reply("{\"token\":\"a\",\"expires_in\":99999999999}", "a", 24 * 3600 * 900);
}

/* no token in a 200, and tokens that would break the header. */
KOC_TEST(token_reply_refuses_R73)
{
    static const char *const bad[] = {"",
                                      "{}",
                                      "[]",
                                      "{\"token\":1}",
                                      "{\"token\":\"\"}",
                                      "<html>",
                                      "{\"token\":\"a\\r\\nX: y\"}",
                                      "{\"token\":\"a b\"}",
                                      "{\"token\":\"\\u00e4\"}",
                                      "{\"token\":\"a\",\"token\":\"b\"}"};

    for (size_t i = 0; i < KOC__COUNT(bad); i++) {
        koc__token_reply r = {NULL, 0};
        assert_true(koc__token_reply_read(koc__str(bad[i]), &r, NULL) != KOC_OK);
        assert_null(r.token);
    }
}

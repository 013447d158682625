/* The public functions themselves: misuse, defaults, memory running out. The network is the bed's. */
#include "core/common.h"

#include <koc/koc.h>

#include "auth/auth.h"
#include "core/run/context.h"
#include "core/str.h"
#include "registry/client.h"
#include "scripted.h"
#include "test.h"

KOC__DEFINE_AUTO(koc_reference, koc_reference_unref);

static koc_ctx *context(void)
{
    koc_ctx *ctx = NULL;
    assert_int_equal(koc_ctx_new(NULL, &ctx, NULL), KOC_OK);
    return ctx;
}

static koc_reference *reference(const char *text)
{
    koc_reference *r = NULL;
    assert_int_equal(koc_reference_parse(text, 0, &r, NULL), KOC_OK);
    return r;
}

static koc_client *offline(koc_ctx *ctx)
{
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    koc_client *c = NULL;
    o.flags = KOC_CLIENT_OFFLINE | KOC_CLIENT_NO_PROXY_ENV;
    assert_int_equal(koc_client_new(ctx, &o, &c, NULL), KOC_OK);
    return c;
}

KOC_TEST(client_refuses_bad_options)
{
    KOC__AUTO(koc_ctx) ctx = context();
    koc_client *c = NULL;
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    const char *bad[] = {"not a host", NULL};
    assert_int_equal(koc_client_new(NULL, NULL, &c, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_new(ctx, NULL, NULL, NULL), KOC_EMISUSE);
    o.flags = 1u << 30;
    assert_int_equal(koc_client_new(ctx, &o, &c, NULL), KOC_EMISUSE);
    o.flags = 0;
    o.user_agent = "a\r\nEvil: b";
    assert_int_equal(koc_client_new(ctx, &o, &c, NULL), KOC_EINVAL);
    o.user_agent = NULL;
    o.allow_http = bad;
    assert_int_equal(koc_client_new(ctx, &o, &c, NULL), KOC_EINVAL);
    o.allow_http = NULL;
    o.ca_file = "/nonexistent/ca.pem";
    assert_int_equal(koc_client_new(ctx, &o, &c, NULL), KOC_ENOTFOUND);
    o.ca_file = NULL;
    o.connect_timeout_ms = -1;
    assert_int_equal(koc_client_new(ctx, &o, &c, NULL), KOC_EMISUSE);
    assert_null(c);
}

KOC_TEST(client_functions_take_null_as_misuse)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_client) c = offline(ctx);
    KOC__AUTO(koc_reference) r = reference("r.example/x:y");
    koc_buf buf = KOC_BUF_INIT;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    assert_int_equal(koc_client_resolve(NULL, r, NULL, &buf, &d, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_resolve(c, NULL, NULL, &buf, &d, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_resolve(c, r, NULL, NULL, &d, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_get_manifest(c, r, NULL, NULL, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_put_manifest(c, r, NULL, (koc_str){"", 0}, NULL, NULL, NULL),
                     KOC_EMISUSE);
    assert_int_equal(koc_client_get_image(c, r, NULL, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_get_index(c, r, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_push_image(c, r, NULL, NULL, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_push_index(c, r, NULL, NULL, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_get_blob(c, r, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_put_blob(c, r, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_list_tags(c, r, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_delete_manifest(c, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_list_referrers(c, r, NULL, NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_auth_lookup(NULL, "r", "x", NULL, NULL, NULL), KOC_EMISUSE);
    assert_int_equal(koc_auth_chain(NULL, 1, NULL, NULL), KOC_EMISUSE);
    koc_client_unref(NULL);
    koc_auth_unref(NULL);
    koc_credential_free(NULL);
}

/* Each argument alone. */
KOC_TEST(client_functions_take_each_null_as_misuse)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_client) c = offline(ctx);
    KOC__AUTO(koc_reference) r = reference("r.example/x:y");
    koc_buf buf = KOC_BUF_INIT;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_strlist *list = NULL;
    koc_image *img = NULL;
    koc_index *idx = NULL;
    koc_blob *blob = NULL, *made = NULL;
    koc_credential *cred = NULL;
    koc_str none = {NULL, 1};
    assert_int_equal(koc_blob_from_bytes(KOC__STR("x"), &blob, NULL), KOC_OK);
    const int results[] = {
        koc_client_resolve(c, r, NULL, &buf, NULL, NULL),
        koc_client_get_manifest(NULL, r, NULL, &buf, NULL, NULL, NULL),
        koc_client_get_manifest(c, NULL, NULL, &buf, NULL, NULL, NULL),
        koc_client_put_manifest(NULL, r, "a", KOC__STR(""), NULL, NULL, NULL),
        koc_client_put_manifest(c, NULL, "a", KOC__STR(""), NULL, NULL, NULL),
        koc_client_put_manifest(c, r, "a", none, NULL, NULL, NULL),
        koc_client_get_image(NULL, r, NULL, NULL, &img, NULL),
        koc_client_get_image(c, NULL, NULL, NULL, &img, NULL),
        koc_client_get_index(NULL, r, NULL, &idx, NULL),
        koc_client_get_index(c, NULL, NULL, &idx, NULL),
        koc_client_get_blob(NULL, r, &d, &made, NULL),
        koc_client_get_blob(c, NULL, &d, &made, NULL),
        koc_client_get_blob(c, r, &d, NULL, NULL),
        koc_client_put_blob(NULL, r, blob, NULL, NULL),
        koc_client_put_blob(c, NULL, blob, NULL, NULL),
        koc_client_list_tags(NULL, r, NULL, &list, NULL),
        koc_client_list_tags(c, NULL, NULL, &list, NULL),
        koc_client_list_repositories(NULL, "r", NULL, &list, NULL),
        koc_client_list_repositories(c, NULL, NULL, &list, NULL),
        koc_client_list_repositories(c, "r", NULL, NULL, NULL),
        koc_client_delete_manifest(NULL, r, NULL, NULL),
        koc_client_list_referrers(NULL, r, NULL, NULL, &idx, NULL),
        koc_client_list_referrers(c, NULL, NULL, NULL, &idx, NULL),
        koc_client_list_referrers(c, r, NULL, NULL, &idx, NULL),
        koc_client_check_login(NULL, "r", NULL, NULL, NULL),
        koc_client_check_login(c, NULL, NULL, NULL, NULL),
        koc_client_lookup(NULL, "r", "x", NULL, &cred, NULL),
        koc_client_lookup(c, NULL, "x", NULL, &cred, NULL),
        koc_client_lookup(c, "r", "x", NULL, NULL, NULL),
        koc_client_get_token(NULL, r, 1, NULL, NULL, &buf, NULL, NULL),
        koc_client_get_token(c, NULL, 1, NULL, NULL, &buf, NULL, NULL),
        koc_client_get_token(c, r, 1, NULL, NULL, NULL, NULL, NULL),
        koc_client_get_token(c, r, 0, NULL, NULL, &buf, NULL, NULL),
        koc_client_get_token(c, r, 8, NULL, NULL, &buf, NULL, NULL),
        koc_auth_registry(NULL, &buf, NULL),
        koc_auth_registry("r", NULL, NULL),
    };
    for (size_t i = 0; i < KOC__COUNT(results); i++) {
        if (results[i] != KOC_EMISUSE) {
            fail_msg("call %zu: %d", i, results[i]);
        }
    }
    koc_blob_unref(blob);
}

KOC_TEST(client_offline_opens_no_socket)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_client) c = offline(ctx);
    KOC__AUTO(koc_reference) r = reference("r.example/x:y");
    koc_buf buf = KOC_BUF_INIT;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_error *err = NULL;
    assert_int_equal(koc_client_resolve(c, r, NULL, &buf, &d, &err), KOC_ENET);
    assert_string_equal(koc_error_message(err), "cannot resolve r.example/x:y: not asked: offline");
    koc_error_free(err);
}

/* The scheme of a host on loopback is found out by asking. */
KOC_TEST(client_offline_does_not_find_out_a_scheme)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_client) c = offline(ctx);
    scripted *s = scripted_start((scripted_rule[]){{NULL, NULL, 200}, {0}});
    KOC__AUTO_STR name = koc__format("%s/x:y", scripted_host(s));
    KOC__AUTO(koc_reference) r = reference(name);
    koc_buf buf = KOC_BUF_INIT;
    koc_descriptor d = KOC_DESCRIPTOR_INIT;
    koc_error *err = NULL;
    assert_int_equal(koc_client_resolve(c, r, NULL, &buf, &d, &err), KOC_ENET);
    assert_non_null(strstr(koc_error_message(err), "not asked: offline"));
    assert_int_equal(scripted_count(s, NULL, NULL), 0);
    koc_error_free(err);
    scripted_stop(s);
}

/* only loopback may be asked by http without a word from the user. */
KOC_TEST(client_hosts_know_their_scheme_R10)
{
    KOC__AUTO(koc_ctx) ctx = context();
    const char *allow[] = {"old.example", NULL};
    koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
    KOC__AUTO(koc_client) c = NULL;
    koc__host *h = NULL, *again = NULL;
    bool https;
    o.allow_http = allow;
    assert_int_equal(koc_client_new(ctx, &o, &c, NULL), KOC_OK);
    assert_int_equal(koc__client_host(c, "r.example", &h, NULL), KOC_OK);
    assert_true(koc__reach_scheme(h->reach, &https) && https && !koc__reach_may_http(h->reach));
    assert_int_equal(koc__client_host(c, "r.example", &again, NULL), KOC_OK);
    assert_ptr_equal(h, again);
    assert_int_equal(koc__client_host(c, "192.168.1.1:5000", &h, NULL), KOC_OK);
    assert_true(koc__reach_scheme(h->reach, &https) && https);
    assert_int_equal(koc__client_host(c, "old.example:5000", &h, NULL), KOC_OK);
    assert_true(!koc__reach_scheme(h->reach, &https) && koc__reach_may_http(h->reach));
    assert_false(h->insecure);
    assert_int_equal(koc__client_host(c, "127.0.0.1:5000", &h, NULL), KOC_OK);
    assert_true(!koc__reach_scheme(h->reach, &https) && !koc__reach_may_http(h->reach));
    assert_true(koc__reach_is_loopback(h->reach));
    assert_int_equal(koc__client_host(c, "index.docker.io", &h, NULL), KOC_OK);
    assert_string_equal(h->wire, "registry-1.docker.io");
}

KOC_TEST(client_without_memory)
{
    KOC__AUTO(koc_ctx) ctx = context();
    KOC__AUTO(koc_reference) r = reference("127.0.0.1:1/x:y");
    bool done = false;
    for (uint64_t n = 1; n < 200 && !done; n++) {
        koc_client_options o = KOC_CLIENT_OPTIONS_INIT;
        koc_client *c = NULL;
        koc_buf bytes = KOC_BUF_INIT;
        koc_error *err = NULL;
        o.flags = KOC_CLIENT_OFFLINE;
        koc__alloc_fail_after(n);
        int rc = koc_client_new(ctx, &o, &c, &err);
        if (rc == KOC_OK) {
            rc = koc_client_get_manifest(c, r, NULL, &bytes, NULL, NULL, &err);
            done = rc == KOC_ENET;
        }
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_ENOMEM || rc == KOC_ENET);
        assert_null(bytes.ptr);
        koc_error_free(err);
        koc_client_unref(c);
    }
    assert_true(done);
}

KOC_TEST(auth_docker_without_memory)
{
    const char *text = "{\"auths\":{\"r.example\":{\"auth\":\"dTpw\"}}}";
    const char *path = koc_test_write("config.json", text, strlen(text));
    bool done = false;
    for (uint64_t n = 1; n < 200 && !done; n++) {
        koc_auth *a = NULL;
        koc_credential *found = NULL;
        koc__alloc_fail_after(n);
        int rc = koc_auth_docker(path, &a, NULL);
        if (rc == KOC_OK) {
            rc = koc_auth_lookup(a, "r.example", "x", NULL, &found, NULL);
            done = rc == KOC_OK;
        }
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || (rc == KOC_ENOMEM && !found));
        koc_credential_free(found);
        koc_auth_unref(a);
    }
    assert_true(done);
}

/* Requests without HTTP: what the server does to a layout, and what it answers. */
#include "core/common.h"

#include "core/io/fs.h"
#include "fixture.h"

KOC_TEST(exchange_upload_in_chunks)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    KOC__AUTO_STR path = start(&f);
    koc__served_exchange *x = request(&f, "PATCH", path, "hello ", "0-5", NULL);
    assert_int_equal(x->reply.status, 202);
    assert_string_equal(header(x, "Range"), "0-5");
    koc__served_exchange_free(x);
    x = request(&f, "PATCH", path, "again", "0-4", NULL); /* not where it must go on */
    assert_int_equal(x->reply.status, 416);
    assert_string_equal(header(x, "Range"), "0-5");
    koc__served_exchange_free(x);
    x = request(&f, "PATCH", path, "world", "6-11", NULL); /* shorter than it says */
    assert_int_equal(x->reply.status, 400);
    koc__served_exchange_free(x);
    x = request(&f, "GET", path, NULL, NULL, NULL);
    assert_int_equal(x->reply.status, 204);
    assert_string_equal(header(x, "Range"), "0-5");
    koc__served_exchange_free(x);
    KOC__AUTO_STR end = koc__format("%s?digest=%s", path, digest_of("hello world"));
    assert_int_equal(status_of(&f, "PUT", end, "world"), 201);
    assert_int_equal(status_of(&f, "PUT", end, ""), 404);
    KOC__AUTO_STR blob = koc__format("/v2/other/blobs/%s", digest_of("hello world"));
    assert_int_equal(status_of(&f, "HEAD", blob, NULL), 200);
    assert_int_equal(status_of(&f, "DELETE", blob, NULL), 405);
}

/* The hash of the first chunk is lost with the first server: the second reads the file. */
KOC_TEST(exchange_upload_outlives_the_server)
{
    KOC__AUTO_STR path = NULL;
    {
        KOC__AUTO_VAL(fixture) f = {0};
        begin(&f, 0, 0);
        path = start(&f);
        koc__served_exchange_free(request(&f, "PATCH", path, "hello ", NULL, NULL));
    }
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    KOC__AUTO_STR end = koc__format("%s?digest=%s", path, digest_of("hello world"));
    assert_int_equal(status_of(&f, "PUT", end, "world"), 201);
}

KOC_TEST(exchange_wrong_content_leaves_nothing)
{
    KOC__AUTO_VAL(fixture) f = {0};
    KOC__AUTO(koc_strlist) names = NULL;
    begin(&f, 0, 10);
    KOC__AUTO_STR target = koc__format("/v2/a/blobs/uploads/?digest=%s", digest_of("right"));
    assert_int_equal(status_of(&f, "POST", target, "wrong"), 400);
    assert_int_equal(status_of(&f, "POST", "/v2/a/blobs/uploads/?digest=sha256:x", "w"), 400);
    assert_int_equal(status_of(&f, "POST", target, "more than ten bytes"), 413);
    KOC__AUTO_STR path = start(&f);
    assert_int_equal(status_of(&f, "DELETE", path, NULL), 204);
    assert_int_equal(status_of(&f, "GET", path, NULL), 404);
    assert_int_equal(koc__fs_list(koc_test_path("layout/.koc-uploads"), &names, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(names), 0);
    koc_strlist_free(koc__steal(&names));
    assert_int_equal(koc__fs_list(koc_test_path("layout/blobs/sha256"), &names, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(names), 0);
}

KOC_TEST(exchange_manifests_must_be_whole)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    KOC__AUTO_STR m = manifest("{}", NULL);
    assert_int_equal(put(&f, "/v2/a/manifests/v1", m, KOC_MT_OCI_MANIFEST), 400); /* no config */
    push_blob(&f, "{}");
    assert_int_equal(put(&f, "/v2/a/manifests/v1", m, KOC_MT_OCI_INDEX), 400);
    assert_int_equal(put(&f, "/v2/a/manifests/v1", "{]", KOC_MT_OCI_MANIFEST), 400);
    assert_int_equal(put(&f, "/v2/a/manifests/v1", "[]", NULL), 400);
    KOC__AUTO_STR wrong = koc__format("/v2/a/manifests/%s", digest_of("x"));
    assert_int_equal(put(&f, wrong, m, KOC_MT_OCI_MANIFEST), 400);
    assert_int_equal(status_of(&f, "GET", "/v2/a/manifests/v1", NULL), 404);
    assert_int_equal(put(&f, "/v2/a/manifests/v1", m, KOC_MT_OCI_MANIFEST), 201);
    koc__served_exchange *x = request(&f, "GET", "/v2/a/manifests/v1", NULL, NULL, NULL);
    assert_string_equal(koc__dynbuf_cstr(&x->reply.body), m);
    assert_string_equal(header(x, "Content-Type"), KOC_MT_OCI_MANIFEST);
    koc__served_exchange_free(x);
    KOC__AUTO_STR config = koc__format("/v2/a/manifests/%s", digest_of("{}"));
    assert_int_equal(status_of(&f, "GET", config, NULL), 404); /* a blob, but no manifest */
}

/* What a repository is called must come back from index.json as it went in. */
KOC_TEST(exchange_tags_come_back)
{
    static const char *const names[] = {"home", "a", "a/b", "app.v1/x", "localhost/x"};
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, KOC_SERVE_DELETE, 0);
    KOC__AUTO_STR m = manifest("{}", NULL);
    push_blob(&f, "{}");
    for (size_t i = 0; i < KOC__COUNT(names); i++) {
        KOC__AUTO_STR target = koc__format("/v2/%s/manifests/v%zu", names[i], i);
        assert_int_equal(put(&f, target, m, NULL), 201);
        assert_int_equal(put(&f, target, m, NULL), 201);
        assert_int_equal(status_of(&f, "HEAD", target, NULL), 200);
    }
    koc__served_exchange *x = request(&f, "GET", "/v2/_catalog", NULL, NULL, NULL);
    assert_string_equal(koc__dynbuf_cstr(&x->reply.body),
                        "{\"repositories\":[\"a\",\"a/b\",\"app.v1/x\",\"home\",\"localhost/x\"]}");
    koc__served_exchange_free(x);
    assert_int_equal(status_of(&f, "DELETE", "/v2/a/manifests/v1", NULL), 202);
    assert_int_equal(status_of(&f, "DELETE", "/v2/a/manifests/v1", NULL), 404);
    assert_int_equal(status_of(&f, "GET", "/v2/a/tags/list", NULL), 200);
    assert_int_equal(status_of(&f, "GET", "/v2/never/tags/list", NULL), 404);
    assert_int_equal(status_of(&f, "HEAD", "/v2/a/b/manifests/v2", NULL), 200);
}

KOC_TEST(exchange_referrers_are_found)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR subject = koc__strdup(digest_of("subject"));
    KOC__AUTO_STR m = manifest("{}", subject);
    KOC__AUTO_STR target = koc__format("/v2/a/manifests/%s", digest_of(m));
    koc__served_exchange *x = request(&f, "PUT", target, m, NULL, NULL);
    assert_int_equal(x->reply.status, 201);
    assert_string_equal(header(x, "OCI-Subject"), subject);
    koc__served_exchange_free(x);
    KOC__AUTO_STR list = koc__format("/v2/a/referrers/%s", subject);
    x = request(&f, "GET", list, NULL, NULL, NULL);
    assert_non_null(strstr(koc__dynbuf_cstr(&x->reply.body), digest_of(m)));
    koc__served_exchange_free(x);
    KOC__AUTO_STR other = koc__format("%s?artifactType=c%%2Fd", list);
    x = request(&f, "GET", other, NULL, NULL, NULL);
    assert_null(strstr(koc__dynbuf_cstr(&x->reply.body), digest_of(m)));
    assert_string_equal(header(x, "OCI-Filters-Applied"), "artifactType");
    koc__served_exchange_free(x);
}

KOC_TEST(exchange_pages_have_links)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR m = manifest("{}", NULL);
    assert_int_equal(put(&f, "/v2/a/manifests/v1", m, NULL), 201);
    assert_int_equal(put(&f, "/v2/a/manifests/v2", m, NULL), 201);
    koc__served_exchange *x = request(&f, "GET", "/v2/a/tags/list?n=1", NULL, NULL, NULL);
    assert_string_equal(koc__dynbuf_cstr(&x->reply.body), "{\"name\":\"a\",\"tags\":[\"v1\"]}");
    assert_string_equal(header(x, "Link"), "</v2/a/tags/list?n=1&last=v1>; rel=\"next\"");
    koc__served_exchange_free(x);
    x = request(&f, "GET", "/v2/a/tags/list?n=1&last=v1", NULL, NULL, NULL);
    assert_string_equal(koc__dynbuf_cstr(&x->reply.body), "{\"name\":\"a\",\"tags\":[\"v2\"]}");
    assert_string_equal(header(x, "Link"), "");
    koc__served_exchange_free(x);
    assert_int_equal(status_of(&f, "GET", "/v2/a/tags/list?n=x", NULL), 400);
}

KOC_TEST(exchange_read_only_and_strangers)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, KOC_SERVE_READ_ONLY | KOC_SERVE_DELETE, 0);
    assert_int_equal(status_of(&f, "POST", "/v2/a/blobs/uploads/", NULL), 405);
    assert_int_equal(status_of(&f, "DELETE", "/v2/a/manifests/v1", NULL), 405);
    assert_int_equal(status_of(&f, "TRACE", "/v2/", NULL), 405);
    assert_int_equal(status_of(&f, "GET", "/v2/", NULL), 200);
    koc__served_exchange *x = koc__served_exchange_new(&f.server, "/v2/");
    koc__head head = {.method = "GET", .target = "/v2/", .origin = "https://evil.example"};
    koc__served_exchange_begin(x, &head);
    assert_int_equal(x->reply.status, 403);
    koc__served_exchange_free(x);
}

/* Each allocation in turn fails: the answer is then an error, and nothing leaks or crashes. */
KOC_TEST(exchange_without_memory)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR m = manifest("{}", NULL);
    for (uint64_t n = 1; n < 1000; n++) {
        koc__served_exchange *x = koc__served_exchange_new(&f.server, "/v2/a/manifests/v1");
        koc__head head = {.method = "PUT", .content_type = KOC_MT_OCI_MANIFEST};
        assert_non_null(x);
        koc__alloc_fail_after(n);
        koc__served_exchange_begin(x, &head);
        koc__served_exchange_body(x, m, strlen(m));
        koc__served_exchange_end(x);
        koc__alloc_fail_after(0);
        int status = x->reply.status;
        koc__served_exchange_free(x);
        if (status == 201) {
            return;
        }
        assert_in_range(status, 400, 500);
    }
    fail_msg("it never succeeds");
}

/* Repositories share one layout, and nobody's answers are another's. */
#include "fixture.h"

#include "core/io/fs.h"
#include "model/model.h"

/* Pushes a manifest by digest; its path. */
static char *push_manifest(fixture *f, const char *repository, const char *m)
{
    char *target = koc__format("/v2/%s/manifests/%s", repository, digest_of(m));
    assert_int_equal(put(f, target, m, NULL), 201);
    return target;
}

static char *index_of(const char *child, const char *type)
{
    return koc__format("{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX
                       "\",\"manifests\":[{\"mediaType\":\"%s\",\"size\":%zu,\"digest\":\"%s\"}]}",
                       type, strlen(child), digest_of(child));
}

static bool body_has(fixture *f, const char *target, const char *text)
{
    koc__served_exchange *x = request(f, "GET", target, NULL, NULL, NULL);
    assert_int_equal(x->reply.status, 200);
    bool found = strstr(koc__dynbuf_cstr(&x->reply.body), text) != NULL;
    koc__served_exchange_free(x);
    return found;
}

static void assert_refused(fixture *f, const char *target, const char *by)
{
    koc__served_exchange *x = request(f, "DELETE", target, NULL, NULL, NULL);
    assert_int_equal(x->reply.status, 409);
    assert_non_null(strstr(koc__dynbuf_cstr(&x->reply.body), by));
    koc__served_exchange_free(x);
}

KOC_TEST(repositories_have_their_own_referrers)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR subject = koc__strdup(digest_of("subject"));
    KOC__AUTO_STR m = manifest("{}", subject);
    koc__free(push_manifest(&f, "a", m));
    KOC__AUTO_STR in_a = koc__format("/v2/a/referrers/%s", subject);
    KOC__AUTO_STR in_b = koc__format("/v2/b/referrers/%s", subject);
    assert_true(body_has(&f, in_a, digest_of(m)));
    assert_false(body_has(&f, in_b, digest_of(m)));
    KOC__AUTO_STR at_b = koc__format("/v2/b/manifests/%s", digest_of(m));
    assert_int_equal(status_of(&f, "HEAD", at_b, NULL), 404); /* so that clients push it */
    koc__free(push_manifest(&f, "b", m));
    assert_int_equal(status_of(&f, "HEAD", at_b, NULL), 200);
    assert_true(body_has(&f, in_b, digest_of(m)));
    assert_true(body_has(&f, in_a, digest_of(m)));
}

/* One that only an index leads to is there as well. */
KOC_TEST(repositories_have_the_referrers_in_their_indexes)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR subject = koc__strdup(digest_of("subject"));
    KOC__AUTO_STR m = manifest("{}", subject);
    KOC__AUTO_STR index = index_of(m, KOC_MT_OCI_MANIFEST);
    push_blob(&f, m);
    assert_int_equal(put(&f, "/v2/a/manifests/v1", index, NULL), 201);
    KOC__AUTO_STR list = koc__format("/v2/a/referrers/%s", subject);
    assert_true(body_has(&f, list, digest_of(m)));
    KOC__AUTO_STR by_digest = koc__format("/v2/a/manifests/%s", digest_of(m));
    assert_int_equal(status_of(&f, "HEAD", by_digest, NULL), 200);
}

KOC_TEST(repositories_stay_when_they_are_emptied)
{
    {
        KOC__AUTO_VAL(fixture) f = {0};
        begin(&f, KOC_SERVE_DELETE, 0);
        push_blob(&f, "{}");
        KOC__AUTO_STR m = manifest("{}", NULL);
        KOC__AUTO_STR by_digest = koc__format("/v2/a/manifests/%s", digest_of(m));
        assert_int_equal(put(&f, "/v2/a/manifests/v1", m, NULL), 201);
        assert_int_equal(put(&f, "/v2/home/manifests/v1", m, NULL), 201);
        assert_int_equal(status_of(&f, "DELETE", "/v2/a/manifests/v1", NULL), 202);
        assert_true(body_has(&f, "/v2/a/tags/list", "\"tags\":[]"));
        assert_int_equal(status_of(&f, "GET", by_digest, NULL), 200);
        assert_int_equal(status_of(&f, "DELETE", by_digest, NULL), 202);
        assert_int_equal(status_of(&f, "GET", by_digest, NULL), 404);
        assert_true(body_has(&f, "/v2/a/tags/list", "\"tags\":[]"));
        assert_int_equal(status_of(&f, "GET", "/v2/home/manifests/v1", NULL), 200);
    }
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, KOC_SERVE_DELETE, 0);
    assert_true(body_has(&f, "/v2/a/tags/list", "\"tags\":[]"));
    assert_true(body_has(&f, "/v2/_catalog", "[\"a\",\"home\"]"));
    assert_int_equal(status_of(&f, "GET", "/v2/b/tags/list", NULL), 404);
    assert_int_equal(status_of(&f, "DELETE", "/v2/home/manifests/v1", NULL), 202);
    assert_true(body_has(&f, "/v2/home/tags/list", "\"tags\":[]")); /* and no "latest" */
    KOC__AUTO_STR m = manifest("{}", NULL);
    assert_int_equal(put(&f, "/v2/a/manifests/v2", m, NULL), 201);
    assert_true(body_has(&f, "/v2/a/tags/list", "[\"v2\"]"));
}

KOC_TEST(repositories_keep_what_a_tag_named_before)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, KOC_SERVE_DELETE, 0);
    push_blob(&f, "{}");
    push_blob(&f, "{ }");
    KOC__AUTO_STR one = manifest("{}", NULL);
    KOC__AUTO_STR two = manifest("{ }", NULL);
    KOC__AUTO_STR at_one = koc__format("/v2/a/manifests/%s", digest_of(one));
    assert_int_equal(put(&f, "/v2/a/manifests/v1", one, NULL), 201);
    assert_int_equal(put(&f, "/v2/a/manifests/v1", two, NULL), 201);
    assert_int_equal(status_of(&f, "GET", at_one, NULL), 200);
    assert_true(body_has(&f, "/v2/a/tags/list", "[\"v1\"]"));
    assert_int_equal(status_of(&f, "DELETE", at_one, NULL), 202);
    assert_int_equal(status_of(&f, "GET", at_one, NULL), 404);
    assert_int_equal(status_of(&f, "GET", "/v2/a/manifests/v1", NULL), 200);
}

KOC_TEST(removal_of_an_index_leaves_its_manifests)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, KOC_SERVE_DELETE, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR m = manifest("{}", NULL);
    KOC__AUTO_STR child = push_manifest(&f, "a", m);
    KOC__AUTO_STR inner = index_of(m, KOC_MT_OCI_MANIFEST);
    KOC__AUTO_STR in_a = push_manifest(&f, "a", inner);
    KOC__AUTO_STR outer = index_of(inner, KOC_MT_OCI_INDEX);
    assert_int_equal(put(&f, "/v2/a/manifests/v1", outer, NULL), 201);
    KOC__AUTO_STR top = koc__format("/v2/a/manifests/%s", digest_of(outer));
    assert_refused(&f, child, digest_of(inner));
    assert_refused(&f, in_a, "(a:v1)");
    assert_int_equal(status_of(&f, "GET", child, NULL), 200);
    assert_int_equal(status_of(&f, "DELETE", top, NULL), 202);
    assert_int_equal(status_of(&f, "GET", in_a, NULL), 200);
    assert_int_equal(status_of(&f, "GET", child, NULL), 200);
    assert_int_equal(status_of(&f, "DELETE", in_a, NULL), 202);
    assert_int_equal(status_of(&f, "GET", child, NULL), 200);
    assert_int_equal(status_of(&f, "DELETE", child, NULL), 202);
    KOC__AUTO_STR blob = koc__format("/v2/a/blobs/%s", digest_of(m));
    assert_int_equal(status_of(&f, "GET", blob, NULL), 404);
}

KOC_TEST(removal_of_a_blob_that_is_needed_is_refused)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, KOC_SERVE_DELETE, 0);
    push_blob(&f, "{}");
    push_blob(&f, "nobody's");
    push_blob(&f, "subject");
    KOC__AUTO_STR subject = koc__strdup(digest_of("subject"));
    KOC__AUTO_STR m = manifest("{}", subject);
    KOC__AUTO_STR index = index_of(m, KOC_MT_OCI_MANIFEST);
    KOC__AUTO_STR child = push_manifest(&f, "a", m);
    assert_int_equal(put(&f, "/v2/a/manifests/v1", index, NULL), 201);
    static const char *const repositories[] = {"a", "b"};
    for (size_t i = 0; i < KOC__COUNT(repositories); i++) {
        const char *r = repositories[i];
        KOC__AUTO_STR config = koc__format("/v2/%s/blobs/%s", r, digest_of("{}"));
        KOC__AUTO_STR about = koc__format("/v2/%s/blobs/%s", r, subject);
        KOC__AUTO_STR entry = koc__format("/v2/%s/blobs/%s", r, digest_of(m));
        KOC__AUTO_STR top = koc__format("/v2/%s/blobs/%s", r, digest_of(index));
        assert_refused(&f, config, digest_of(m));
        assert_refused(&f, about, digest_of(m));
        assert_refused(&f, entry, "a:v1");
        assert_refused(&f, top, "a:v1");
    }
    KOC__AUTO_STR free_one = koc__format("/v2/b/blobs/%s", digest_of("nobody's"));
    assert_int_equal(status_of(&f, "DELETE", free_one, NULL), 202);
    assert_int_equal(status_of(&f, "DELETE", free_one, NULL), 404);
    assert_int_equal(status_of(&f, "GET", "/v2/a/manifests/v1", NULL), 200);
    assert_int_equal(status_of(&f, "GET", child, NULL), 200);
}

KOC_TEST(removal_in_one_repository_is_not_removal_in_another)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, KOC_SERVE_DELETE, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR m = manifest("{}", NULL);
    KOC__AUTO_STR in_a = push_manifest(&f, "a", m);
    KOC__AUTO_STR in_b = push_manifest(&f, "b", m);
    assert_int_equal(status_of(&f, "DELETE", in_a, NULL), 202);
    assert_int_equal(status_of(&f, "DELETE", in_a, NULL), 404);
    assert_int_equal(status_of(&f, "GET", in_b, NULL), 200);
    assert_int_equal(status_of(&f, "DELETE", in_b, NULL), 202);
    KOC__AUTO_STR file =
        koc__format("%s/blobs/sha256/%s", koc_test_path("layout"), digest_of(m) + 7);
    assert_false(koc__fs_exists(file));
}

/* An entry whose manifest is damaged can be removed. */
KOC_TEST(removal_of_a_damaged_manifest)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, KOC_SERVE_DELETE, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR m = manifest("{}", NULL);
    KOC__AUTO_STR in_a = push_manifest(&f, "a", m);
    KOC__AUTO_STR name = koc__format("layout/blobs/sha256/%s", digest_of(m) + 7);
    koc_test_write(name, "x", 1);
    assert_int_equal(status_of(&f, "GET", in_a, NULL), 404);
    assert_int_equal(status_of(&f, "DELETE", in_a, NULL), 202);
    assert_int_equal(status_of(&f, "DELETE", in_a, NULL), 404);
}

/* As many entries as readers take. */
static void fill_index(void)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(KOC__LISTING_MAX);
    koc__dynbuf_puts(&b, "{\"schemaVersion\":2,\"manifests\":[", NULL);
    for (int i = 0; i < KOC__LISTED_MAX; i++) {
        koc__dynbuf_printf(&b, NULL,
                           "%s{\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                           "\",\"size\":1,\"digest\":\"sha256:%064x\"}",
                           i ? "," : "", (unsigned)i);
    }
    koc__dynbuf_puts(&b, "]}", NULL);
    koc_test_write("layout/index.json", b.ptr, b.len);
}

KOC_TEST(repositories_are_full_where_readers_would_refuse)
{
    KOC__AUTO_VAL(fixture) f = {0};
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(KOC__LISTING_MAX);
    KOC__AUTO(koc_index) list = NULL;
    begin(&f, 0, 0);
    push_blob(&f, "{}");
    fill_index();
    KOC__AUTO_STR m = manifest("{}", NULL);
    assert_int_equal(put(&f, "/v2/a/manifests/v1", m, NULL), 507);
    assert_int_equal(status_of(&f, "GET", "/v2/a/tags/list", NULL), 404);
    assert_int_equal(koc_layout_list(f.layout, &list, NULL), KOC_OK);
    assert_int_equal(koc_index_count(list), KOC__LISTED_MAX);
}

/* Request targets, queries, ranges and names in layouts: what is right is read, all else is refused. */
#include "core/common.h"

#include "core/hash/digests.h"
#include "serve/route.h"
#include "test.h"

#define HEX    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX
#define ID     "0123456789abcdef0123456789abcdef"

static koc__route route(const char *target)
{
    koc__route r;
    koc__route_read(koc__str(target), &r);
    return r;
}

KOC_TEST(route_knows_the_endpoints)
{
    static const struct {
        const char *target;
        int kind;
        const char *name, *tag, *upload;
    } cases[] = {
        {"/v2/", KOC__ROUTE_PING, "", "", ""},
        {"/v2", KOC__ROUTE_PING, "", "", ""},
        {"/v2/_catalog?n=3", KOC__ROUTE_CATALOG, "", "", ""},
        {"/v2/a/tags/list", KOC__ROUTE_TAGS, "a", "", ""},
        {"/v2/a/b-c/d__e/manifests/v1.0_x", KOC__ROUTE_MANIFEST, "a/b-c/d__e", "v1.0_x", ""},
        {"/v2/a/manifests/" DIGEST, KOC__ROUTE_MANIFEST, "a", "", ""},
        {"/v2/a/manifests/sha256%3a" HEX, KOC__ROUTE_MANIFEST, "a", "", ""},
        {"/v2/%61/manifests/v%31", KOC__ROUTE_MANIFEST, "a", "v1", ""}, /* one at the very end */
        {"/v2/a/blobs/" DIGEST, KOC__ROUTE_BLOB, "a", "", ""},
        {"/v2/a/b/blobs/uploads/", KOC__ROUTE_UPLOADS, "a/b", "", ""},
        {"/v2/a/b/blobs/uploads", KOC__ROUTE_UPLOADS, "a/b", "", ""},
        {"/v2/a/blobs/uploads/" ID "?digest=x", KOC__ROUTE_UPLOAD, "a", "", ID},
        {"/v2/a/referrers/" DIGEST, KOC__ROUTE_REFERRERS, "a", "", ""},
        {"/v2/manifests/manifests/manifests", KOC__ROUTE_MANIFEST, "manifests", "manifests", ""},
        {"/v2/blobs/uploads/tags/list", KOC__ROUTE_TAGS, "blobs/uploads", "", ""},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc__route r = route(cases[i].target);
        assert_int_equal(r.kind, cases[i].kind);
        assert_string_equal(r.name, cases[i].name);
        assert_string_equal(r.tag, cases[i].tag);
        assert_string_equal(r.upload, cases[i].upload);
    }
    assert_string_equal(koc__digest_str(&(koc_digest){0}).s, "");
    koc__route r = route("/v2/a/blobs/" DIGEST);
    assert_string_equal(koc__digest_str(&r.digest).s, DIGEST);
}

/* None of these may become a path. */
KOC_TEST(route_refuses_what_is_no_name)
{
    static const struct {
        const char *target;
        int problem;
    } cases[] = {
        {"", KOC__BAD_NOTHING},
        {"/", KOC__BAD_NOTHING},
        {"/v1/", KOC__BAD_NOTHING},
        {"/v2x", KOC__BAD_NOTHING},
        {"/v2/../../etc/passwd", KOC__BAD_NOTHING},
        {"/v2/..%2f..%2fetc/manifests/v1", KOC__BAD_NAME},
        {"/v2/../manifests/v1", KOC__BAD_NAME},
        {"/v2/a/../b/manifests/v1", KOC__BAD_NAME},
        {"/v2/a//b/manifests/v1", KOC__BAD_NAME},
        {"/v2//manifests/v1", KOC__BAD_NAME},
        {"/v2/A/manifests/v1", KOC__BAD_NAME},
        {"/v2/a.-b/manifests/v1", KOC__BAD_NAME},
        {"/v2/a___b/manifests/v1", KOC__BAD_NAME},
        {"/v2/-a/manifests/v1", KOC__BAD_NAME},
        {"/v2/a\\b/manifests/v1", KOC__BAD_NAME},
        {"/v2/a%00b/manifests/v1", KOC__BAD_NOTHING},
        {"/v2/a%zz/manifests/v1", KOC__BAD_NOTHING},
        {"/v2/a%2/manifests/v1", KOC__BAD_NOTHING},
        {"/v2/a/manifests/..", KOC__BAD_TAG},
        {"/v2/a/manifests/.x", KOC__BAD_TAG},
        {"/v2/a/manifests/", KOC__BAD_TAG},
        {"/v2/a/manifests/v%0d%0aX: y", KOC__BAD_DIGEST},
        {"/v2/a/manifests/sha256:..", KOC__BAD_DIGEST},
        {"/v2/a/blobs/sha256:../../../../etc/passwd", KOC__BAD_NOTHING},
        {"/v2/a/blobs/" HEX, KOC__BAD_DIGEST},
        {"/v2/a/blobs/md5:0123456789abcdef0123456789abcdef", KOC__BAD_DIGEST},
        {"/v2/a/blobs/uploads/../../x", KOC__BAD_NOTHING},
        {"/v2/a/blobs/uploads/..", KOC__BAD_UPLOAD},
        {"/v2/a/blobs/uploads/0123456789ABCDEF0123456789abcdef", KOC__BAD_UPLOAD},
        {"/v2/a/referrers/v1", KOC__BAD_DIGEST},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc__route r = route(cases[i].target);
        assert_int_equal(r.kind, KOC__ROUTE_NONE);
        if (r.problem != cases[i].problem) {
            fail_msg("%s: problem %d", cases[i].target, r.problem);
        }
    }
    char longest[KOC__NAME_MAX + 32] = "/v2/";
    memset(longest + 4, 'a', KOC__NAME_MAX);
    memcpy(longest + 4 + KOC__NAME_MAX, "/tags/list", 11);
    assert_int_equal(route(longest).kind, KOC__ROUTE_TAGS);
    char longer[KOC__NAME_MAX + 32] = "/v2/";
    memset(longer + 4, 'a', KOC__NAME_MAX + 1);
    memcpy(longer + 5 + KOC__NAME_MAX, "/tags/list", 11);
    assert_int_equal(route(longer).problem, KOC__BAD_NAME);
}

static char *query(const char *text, const char *key, size_t nth)
{
    char *value = NULL;
    assert_int_equal(koc__query_get(koc__str(text), key, nth, &value, NULL), KOC_OK);
    return value;
}

KOC_TEST(query_values_are_decoded)
{
    KOC__AUTO_STR digest = query("a=b&digest=sha256%3Aab+c&digest=two", "digest", 0);
    KOC__AUTO_STR second = query("a=b&digest=x&digest=two", "digest", 1);
    KOC__AUTO_STR empty = query("digest=&n", "digest", 0);
    KOC__AUTO_STR bare = query("digest=&n", "n", 0);
    assert_string_equal(digest, "sha256:ab c");
    assert_string_equal(second, "two");
    assert_string_equal(empty, "");
    assert_string_equal(bare, "");
    assert_null(query("digest=x", "dig", 0));
    assert_null(query("", "digest", 0));
    assert_null(query("digest=%0", "digest", 0));
    assert_null(query("digest=a%00b", "digest", 0));
}

static int range(const char *text, uint64_t size, uint64_t first, uint64_t length)
{
    uint64_t a = 99;
    uint64_t n = 99;
    int kind = koc__range_read(koc__str(text), size, &a, &n);
    if (kind == KOC__RANGE_PART) {
        assert_int_equal(a, first);
        assert_int_equal(n, length);
    }
    return kind;
}

KOC_TEST(range_is_read_as_http_says)
{
    assert_int_equal(range("bytes=0-9", 100, 0, 10), KOC__RANGE_PART);
    assert_int_equal(range("bytes=90-", 100, 90, 10), KOC__RANGE_PART);
    assert_int_equal(range("bytes=90-500", 100, 90, 10), KOC__RANGE_PART);
    assert_int_equal(range("bytes=-10", 100, 90, 10), KOC__RANGE_PART);
    assert_int_equal(range("bytes=-500", 100, 0, 100), KOC__RANGE_PART);
    assert_int_equal(range("bytes=99-18446744073709551615", 100, 99, 1), KOC__RANGE_PART);
    assert_int_equal(range("bytes=100-", 100, 0, 0), KOC__RANGE_OUTSIDE);
    assert_int_equal(range("bytes=9-5", 100, 0, 0), KOC__RANGE_OUTSIDE);
    assert_int_equal(range("bytes=-0", 100, 0, 0), KOC__RANGE_OUTSIDE);
    assert_int_equal(range("bytes=0-", 0, 0, 0), KOC__RANGE_OUTSIDE);
    assert_int_equal(range("bytes=-", 100, 0, 0), KOC__RANGE_WHOLE);
    assert_int_equal(range("bytes=0-1,5-9", 100, 0, 0), KOC__RANGE_WHOLE);
    assert_int_equal(range("bytes=0x1-5", 100, 0, 0), KOC__RANGE_WHOLE);
    assert_int_equal(range("lines=0-1", 100, 0, 0), KOC__RANGE_WHOLE);
    assert_int_equal(range("bytes=18446744073709551616-", 100, 0, 0), KOC__RANGE_WHOLE);
    assert_int_equal(range(NULL, 100, 0, 0), KOC__RANGE_WHOLE);
}

KOC_TEST(chunk_range_is_first_and_last_byte)
{
    uint64_t first = 0;
    uint64_t length = 0;
    assert_true(koc__served_chunk_range(KOC__STR("10-19"), &first, &length));
    assert_int_equal(first, 10);
    assert_int_equal(length, 10);
    assert_true(koc__served_chunk_range(KOC__STR("bytes 0-0/100"), &first, &length));
    assert_int_equal(first, 0);
    assert_int_equal(length, 1);
    assert_false(koc__served_chunk_range(KOC__STR("5-4"), &first, &length));
    assert_false(koc__served_chunk_range(KOC__STR("-4"), &first, &length));
    assert_false(koc__served_chunk_range(KOC__STR("0-18446744073709551615"), &first, &length));
    assert_false(koc__served_chunk_range(KOC__STR("a-b"), &first, &length));
    assert_false(koc__served_chunk_range(KOC__STR(""), &first, &length));
}

KOC_TEST(layout_names_become_repositories)
{
    static const struct {
        const char *name, *repository, *tag;
    } cases[] = {
        {"v1", "dir", "v1"},
        {"latest", "dir", "latest"},
        {"team/app:v1", "team/app", "v1"},
        {"team/app", "team/app", "latest"},
        {"app:v1", "app", "v1"},
        {"docker.io/library/alpine:3.18", "library/alpine", "3.18"},
        {"localhost/x:y", "x", "y"},
        {"127.0.0.1:5000/a/b:c", "a/b", "c"},
        {"../x:y", NULL, NULL},
        {"a:b:c", NULL, NULL},
        {"A/b:c", NULL, NULL},
        {"", NULL, NULL},
        {"a/b:", NULL, NULL},
        {"a b", NULL, NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc_str repository = {0};
        koc_str tag = {0};
        bool named = koc__served_name_split(koc__str(cases[i].name), "dir", &repository, &tag);
        assert_int_equal(named, cases[i].repository != NULL);
        if (named) {
            assert_true(koc__str_is(repository, cases[i].repository));
            assert_true(koc__str_is(tag, cases[i].tag));
        }
    }
}

/* Manifests and what leads to them: their parts, their referrers in pages, and memory that ends anywhere. */
#include "fixture.h"

#include <unistd.h>

#include "core/io/fs.h"

#define NO_DIGEST       "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define NO_LAYER(type_) "{\"mediaType\":\"" type_ "\",\"size\":1,\"digest\":\"" NO_DIGEST "\"}"

static bool is_reply(const koc__served_exchange *x, int status, const char *word)
{
    return x->reply.status == status &&
           strstr(x->reply.body.ptr ? koc__dynbuf_cstr(&x->reply.body) : "", word);
}

static void check(koc__served_exchange *x, int status, const char *word)
{
    if (!is_reply(x, status, word)) {
        fail_msg("%s: %d %s instead of %d %s", x->target, x->reply.status,
                 x->reply.body.ptr ? koc__dynbuf_cstr(&x->reply.body) : "", status, word);
    }
    koc__served_exchange_free(x);
}

static char *with_layers(const char *config, const char *layers)
{
    return koc__format("{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                       "\",\"config\":%s,\"layers\":[%s]}",
                       config, layers);
}

static char *descriptor(const char *content)
{
    return koc__format("{\"mediaType\":\"" KOC_MT_OCI_LAYER "\",\"size\":%zu,\"digest\":\"%s\"}",
                       strlen(content), digest_of(content));
}

/* Each part alone is missing, damaged or no descriptor. */
KOC_TEST(manifests_are_refused_without_any_of_their_parts)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    push_blob(&f, "{}");
    push_blob(&f, "one");
    push_blob(&f, "two");
    KOC__AUTO_STR config = descriptor("{}");
    KOC__AUTO_STR one = descriptor("one");
    KOC__AUTO_STR two = descriptor("two");
    KOC__AUTO_STR one_and_none = koc__format("%s,%s", one, NO_LAYER(KOC_MT_OCI_LAYER));
    KOC__AUTO_STR none_and_one = koc__format("%s,%s", NO_LAYER(KOC_MT_OCI_LAYER), one);
    KOC__AUTO_STR both = koc__format("%s,%s", one, two);
    const struct {
        const char *config, *layers;
        int status;
        const char *word;
    } cases[] = {
        {config, both, 201, ""},
        {config, "", 201, ""},
        {config, NO_LAYER("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"), 201, ""},
        {config, one_and_none, 400,
         "\"MANIFEST_BLOB_UNKNOWN\",\"message\":\"" NO_DIGEST " is not here"},
        {config, none_and_one, 400,
         "\"MANIFEST_BLOB_UNKNOWN\",\"message\":\"" NO_DIGEST " is not here"},
        {NO_LAYER(KOC_MT_OCI_CONFIG), one, 400,
         "\"MANIFEST_BLOB_UNKNOWN\",\"message\":\"the config " NO_DIGEST},
        {"null", one, 400, "\"MANIFEST_INVALID\""},
        {config, "{}", 400, "a descriptor needs a media type and a digest"},
        {config, "{\"digest\":\"" NO_DIGEST "\"}", 400,
         "a descriptor needs a media type and a digest"},
        {config, "{\"mediaType\":\"x/y\"}", 400, "a descriptor needs a media type and a digest"},
        {config, "{\"mediaType\":\"x/y\",\"digest\":\"sha256:00\"}", 400, "a descriptor needs"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_STR m = with_layers(cases[i].config, cases[i].layers);
        check(request(&f, "PUT", "/v2/a/manifests/v1", m, NULL, NULL), cases[i].status,
              cases[i].word);
    }
    KOC__AUTO_STR m = with_layers(config, both);
    KOC__AUTO_STR path = koc__format("layout/blobs/sha256/%s", digest_of("two") + 7);
    koc_test_write(path, "twO", 3);
    check(request(&f, "PUT", "/v2/a/manifests/v2", m, NULL, NULL), 400,
          "\"MANIFEST_BLOB_UNKNOWN\",\"message\":\"sha256:");
    assert_int_equal(status_of(&f, "GET", "/v2/a/manifests/v2", NULL), 404);
}

KOC_TEST(indexes_are_refused_without_any_of_their_images)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR m = manifest("{}", NULL);
    assert_int_equal(put(&f, "/v2/a/manifests/v1", m, NULL), 201);
    static const char form[] = "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX
                               "\",\"manifests\":[{\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                               "\",\"size\":%zu,\"digest\":\"%s\"}%s]}";
    KOC__AUTO_STR whole = koc__format(form, strlen(m), digest_of(m), "");
    KOC__AUTO_STR lacks =
        koc__format(form, strlen(m), digest_of(m), "," NO_LAYER(KOC_MT_OCI_MANIFEST));
    check(request(&f, "PUT", "/v2/a/manifests/i", lacks, NULL, NULL), 400,
          "\"MANIFEST_BLOB_UNKNOWN\",\"message\":\"" NO_DIGEST " is not here: push it first");
    check(request(&f, "PUT", "/v2/a/manifests/i", whole, NULL, KOC_MT_OCI_INDEX), 201, "");
    check(request(&f, "PUT", "/v2/a/manifests/i", whole, NULL, KOC_MT_OCI_MANIFEST), 400,
          "\"MANIFEST_INVALID\"");
}

/* Too large by its head, or by what arrives. */
KOC_TEST(manifests_have_a_limit)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    const koc__head too_long = {
        .method = "PUT", .target = "/v2/a/manifests/v1", .content_length = "4194305"};
    koc__served_exchange *x = koc__served_exchange_new(&f.server, too_long.target);
    koc__served_exchange_begin(x, &too_long);
    check(x, 413, "\"SIZE_INVALID\",\"message\":\"a manifest has at most 4194304 bytes\"");
    KOC__AUTO_STR text = koc__malloc(KOC__MANIFEST_MAX + 1);
    memset(text, ' ', KOC__MANIFEST_MAX + 1);
    for (size_t over = 0; over < 2; over++) {
        const koc__head chunked = {
            .method = "PUT", .target = too_long.target, .content_length = over ? NULL : "4194304"};
        x = koc__served_exchange_new(&f.server, chunked.target);
        koc__served_exchange_begin(x, &chunked);
        koc__served_exchange_body(x, text, KOC__MANIFEST_MAX - 1);
        koc__served_exchange_body(x, text, 1 + over);
        koc__served_exchange_end(x);
        check(x, over ? 413 : 400, over ? "\"SIZE_INVALID\"" : "\"MANIFEST_INVALID\"");
    }
}

KOC_TEST(a_manifest_may_get_several_tags_at_once)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR m = manifest("{}", NULL);
    KOC__AUTO_STR digest = koc__strdup(digest_of(m));
    KOC__AUTO_STR path = koc__format("/v2/a/manifests/%s", digest);
    KOC__AUTO_STR target = koc__format("%s?tag=v1&tag=v2", path);
    koc__served_exchange *x = request(&f, "PUT", target, m, NULL, NULL);
    assert_string_equal(header(x, "OCI-Tag"), "v1, v2");
    assert_string_equal(header(x, "Location"), path);
    assert_string_equal(header(x, "Docker-Content-Digest"), digest);
    assert_string_equal(header(x, "OCI-Subject"), "");
    check(x, 201, "");
    check(request(&f, "GET", "/v2/a/tags/list", NULL, NULL, NULL), 200, "[\"v1\",\"v2\"]");
    x = request(&f, "PUT", "/v2/a/manifests/v3?tag=v4", m, NULL, NULL);
    assert_string_equal(header(x, "Location"), path);
    assert_string_equal(header(x, "OCI-Tag"), "v4");
    check(x, 201, "");
    x = request(&f, "PUT", path, m, NULL, NULL);
    assert_string_equal(header(x, "OCI-Tag"), "");
    check(x, 201, "");
    check(request(&f, "GET", "/v2/a/tags/list", NULL, NULL, NULL), 200,
          "[\"v1\",\"v2\",\"v3\",\"v4\"]");
}

KOC_TEST(manifests_by_sha512_are_kept_under_it)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, KOC_SERVE_DELETE, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR m = manifest("{}", NULL);
    koc_hasher *h = NULL;
    koc_digest d = {0};
    assert_int_equal(koc_hasher_new(KOC_DIGEST_SHA512, &h, NULL), KOC_OK);
    koc_hasher_update(h, koc__str(m));
    assert_int_equal(koc_hasher_finish(h, &d, NULL), KOC_OK);
    koc_hasher_free(h);
    KOC__AUTO_STR path = koc__format("/v2/a/manifests/%s", koc__digest_str(&d).s);
    check(request(&f, "PUT", path, m, NULL, NULL), 201, "");
    check(request(&f, "GET", path, NULL, NULL, NULL), 200, m);
    KOC__AUTO_STR other = koc__format("/v2/a/manifests/%s", digest_of(m));
    check(request(&f, "GET", other, NULL, NULL, NULL), 404, "MANIFEST_UNKNOWN");
    check(request(&f, "DELETE", path, NULL, NULL, NULL), 202, "");
    check(request(&f, "GET", path, NULL, NULL, NULL), 404, "MANIFEST_UNKNOWN");
}

/* --- referrers --- */

static char *referrer(const char *subject, const char *type, size_t padding)
{
    KOC__AUTO_STR text = koc__malloc(padding + 1);
    memset(text, 'x', padding);
    text[padding] = '\0';
    return koc__format(
        "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_MANIFEST
        "\",\"config\":{\"mediaType\":\"config/type\",\"size\":2,\"digest\":\"%s\"},"
        "\"layers\":[]%s%s%s,\"annotations\":{\"a\":\"%s\"},\"subject\":{\"mediaType\":\"" KOC_MT_OCI_MANIFEST
        "\",\"size\":2,\"digest\":\"%s\"}}",
        digest_of("{}"), type ? ",\"artifactType\":\"" : "", type ? type : "", type ? "\"" : "",
        text, subject);
}

static char *push(fixture *f, const char *repository, const char *m)
{
    KOC__AUTO_STR target = koc__format("/v2/%s/manifests/%s", repository, digest_of(m));
    check(request(f, "PUT", target, m, NULL, NULL), 201, "");
    return koc__strdup(digest_of(m));
}

KOC_TEST(referrers_are_described_as_they_describe_themselves)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR subject = koc__strdup(digest_of("subject"));
    KOC__AUTO_STR list = koc__format("/v2/a/referrers/%s", subject);
    koc__served_exchange *x = request(&f, "GET", list, NULL, NULL, NULL);
    assert_string_equal(header(x, "Content-Type"), KOC_MT_OCI_INDEX);
    assert_string_equal(header(x, "OCI-Filters-Applied"), "");
    check(x, 200, "{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX "\",\"manifests\":[]}");
    KOC__AUTO_STR own = referrer(subject, "own/type", 1);
    KOC__AUTO_STR of_config = referrer(subject, NULL, 2);
    KOC__AUTO_STR empty = referrer(subject, "", 3);
    KOC__AUTO_STR a = push(&f, "a", own);
    KOC__AUTO_STR b = push(&f, "a", of_config);
    KOC__AUTO_STR c = push(&f, "a", empty);
    const struct {
        const char *type, *digest, *m, *padding;
    } all[] = {{"own/type", a, own, "x"},
               {"config/type", b, of_config, "xx"},
               {"config/type", c, empty, "xxx"}};
    for (size_t i = 0; i < KOC__COUNT(all); i++) {
        KOC__AUTO_STR entry = koc__format(
            "{\"mediaType\":\"" KOC_MT_OCI_MANIFEST
            "\",\"size\":%zu,\"digest\":\"%s\",\"artifactType\":\"%s\",\"annotations\":{\"a\":\"%s\"}}",
            strlen(all[i].m), all[i].digest, all[i].type, all[i].padding);
        check(request(&f, "GET", list, NULL, NULL, NULL), 200, entry);
        KOC__AUTO_STR filtered = koc__format("%s?artifactType=%s", list, all[i].type);
        check(request(&f, "GET", filtered, NULL, NULL, NULL), 200, entry);
    }
    KOC__AUTO_STR filtered = koc__format("%s?artifactType=own%%2Ftype", list);
    x = request(&f, "GET", filtered, NULL, NULL, NULL);
    assert_string_equal(header(x, "OCI-Filters-Applied"), "artifactType");
    assert_null(strstr(koc__dynbuf_cstr(&x->reply.body), b));
    check(x, 200, a);
    /* One that came later is found too, although the list was read before. */
    KOC__AUTO_STR late = referrer(subject, "late/type", 4);
    KOC__AUTO_STR d = push(&f, "a", late);
    check(request(&f, "GET", list, NULL, NULL, NULL), 200, d);
}

/* Pages: each referrer once, in the order of their digests, whatever the filter. */
KOC_TEST(referrers_come_in_pages_that_repeat_nothing)
{
    enum { N = 5 };
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR subject = koc__strdup(digest_of("subject"));
    char *digests[N];
    for (int i = 0; i < N; i++) {
        KOC__AUTO_STR m = referrer(subject, "a/b c", (size_t)3 << 19); /* 1.5 MiB: two to a page */
        memcpy(strstr(m, "xxx"), (const char *[]){"0xx", "1xx", "2xx", "3xx", "4xx"}[i], 3);
        digests[i] = push(&f, "a", m);
    }
    static const char *const filters[] = {"", "artifactType=a%2Fb+c"};
    for (int k = 0; k < 2; k++) {
        KOC__AUTO_STR next =
            koc__format("/v2/a/referrers/%s%s%s", subject, *filters[k] ? "?" : "", filters[k]);
        char before[KOC_DIGEST_TEXT_MAX] = "";
        size_t found = 0;
        size_t pages = 0;
        while (next) {
            koc__served_exchange *x = request(&f, "GET", next, NULL, NULL, NULL);
            assert_int_equal(x->reply.status, 200);
            const char *body = koc__dynbuf_cstr(&x->reply.body);
            assert_true(x->reply.body.len <= KOC__MANIFEST_MAX);
            size_t here = 0;
            for (const char *at = strstr(body, "\"digest\":\""); at;
                 at = strstr(at + 1, "\"digest\":\"")) {
                char digest[72];
                memcpy(digest, at + 10, 71);
                digest[71] = '\0';
                assert_true(strcmp(digest, before) > 0);
                memcpy(before, digest, 72);
                here++;
            }
            found += here;
            pages++;
            assert_int_equal(here, pages < 3 ? 2 : 1);
            const char *link = header(x, "Link");
            koc__free(koc__steal(&next));
            if (*link) {
                KOC__AUTO_STR expect =
                    koc__format("</v2/a/referrers/%s?last=%s%s>; rel=\"next\"", subject, before,
                                k ? "&artifactType=a%2Fb%20c" : "");
                assert_string_equal(link, expect);
                next = koc__strndup(link + 1, strlen(link) - strlen("<>; rel=\"next\""));
            }
            koc__served_exchange_free(x);
        }
        assert_int_equal(pages, 3);
        assert_int_equal(found, N);
    }
    for (int i = 0; i < N; i++) {
        koc__free(digests[i]);
    }
}

/* --- what one repository does to another --- */

KOC_TEST(removal_leaves_what_others_have_or_name)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, KOC_SERVE_DELETE, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR m = manifest("{}", NULL);
    KOC__AUTO_STR at_a = koc__format("/v2/a/manifests/%s", digest_of(m));
    KOC__AUTO_STR at_b = koc__format("/v2/b/manifests/%s", digest_of(m));
    assert_int_equal(put(&f, "/v2/a/manifests/v1", m, NULL), 201);
    assert_int_equal(put(&f, "/v2/a/manifests/v2", m, NULL), 201);
    assert_int_equal(put(&f, "/v2/b/manifests/v1", m, NULL), 201);
    assert_int_equal(status_of(&f, "DELETE", "/v2/a/manifests/v1", NULL), 202);
    assert_int_equal(status_of(&f, "GET", "/v2/b/manifests/v1", NULL), 200);
    assert_int_equal(status_of(&f, "GET", "/v2/a/manifests/v2", NULL), 200);
    assert_int_equal(status_of(&f, "DELETE", at_a, NULL), 202);
    check(request(&f, "GET", "/v2/a/tags/list", NULL, NULL, NULL), 200, "\"tags\":[]");
    check(request(&f, "GET", "/v2/b/tags/list", NULL, NULL, NULL), 200, "\"tags\":[\"v1\"]");
    check(request(&f, "GET", "/v2/b/manifests/v1", NULL, NULL, NULL), 200, m);
    check(request(&f, "GET", at_b, NULL, NULL, NULL), 200, m);
    check(request(&f, "DELETE", at_a, NULL, NULL, NULL), 404, "there is no a@sha256:");
    /* Only an index of another repository needs it. */
    KOC__AUTO_STR index = koc__format("{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX
                                      "\",\"manifests\":[{\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                                      "\",\"size\":%zu,\"digest\":\"%s\"}]}",
                                      strlen(m), digest_of(m));
    assert_int_equal(put(&f, "/v2/c/manifests/i", index, NULL), 201);
    assert_int_equal(status_of(&f, "DELETE", at_b, NULL), 202);
    KOC__AUTO_STR at_c = koc__format("/v2/c/manifests/%s", digest_of(m));
    check(request(&f, "GET", at_c, NULL, NULL, NULL), 200, m);
}

KOC_TEST(removal_of_a_damaged_manifest_leaves_the_file_that_others_have)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, KOC_SERVE_DELETE, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR m = manifest("{}", NULL);
    KOC__AUTO_STR in_a = koc__format("/v2/a/manifests/%s", digest_of(m));
    KOC__AUTO_STR in_b = koc__format("/v2/b/manifests/%s", digest_of(m));
    assert_int_equal(put(&f, in_a, m, NULL), 201);
    assert_int_equal(put(&f, in_b, m, NULL), 201);
    KOC__AUTO_STR name = koc__format("layout/blobs/sha256/%s", digest_of(m) + 7);
    KOC__AUTO_STR file = koc__strdup(koc_test_write(name, "x", 1));
    assert_int_equal(status_of(&f, "DELETE", in_a, NULL), 202);
    assert_true(koc__fs_exists(file));
    assert_int_equal(status_of(&f, "DELETE", in_b, NULL), 202);
    assert_false(koc__fs_exists(file));
}

KOC_TEST(removal_says_what_is_in_its_way)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, KOC_SERVE_DELETE, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR m = manifest("{}", NULL);
    assert_int_equal(put(&f, "/v2/a/manifests/v1", m, NULL), 201);
    KOC__AUTO_STR config = koc__format("/v2/a/blobs/%s", digest_of("{}"));
    KOC__AUTO_STR as_blob = koc__format("/v2/a/blobs/%s", digest_of(m));
    KOC__AUTO_STR needed = koc__format("is needed by %s (a:v1): remove that first", digest_of(m));
    check(request(&f, "DELETE", config, NULL, NULL, NULL), 409, needed);
    check(request(&f, "DELETE", config, NULL, NULL, NULL), 409, "\"DENIED\"");
    check(request(&f, "DELETE", as_blob, NULL, NULL, NULL), 409,
          "is the manifest of a:v1: remove that first");
    check(request(&f, "DELETE", "/v2/a/manifests/none", NULL, NULL, NULL), 404,
          "\"MANIFEST_UNKNOWN\",\"message\":\"there is no a:none");
    check(request(&f, "DELETE", "/v2/a/blobs/" NO_DIGEST, NULL, NULL, NULL), 404,
          "\"BLOB_UNKNOWN\"");
    check(request(&f, "DELETE", "/v2/a/manifests/" NO_DIGEST, NULL, NULL, NULL), 404,
          "\"MANIFEST_UNKNOWN\"");
}

/* --- memory --- */

/* The whole reply as one text. */
static void reply_text(const koc__served_exchange *x, koc__dynbuf *out)
{
    out->max = (size_t)64 << 20;
    assert_int_equal(koc__dynbuf_printf(out, NULL, "%d\n", x->reply.status), KOC_OK);
    for (size_t i = 0; i < x->reply.n_headers; i++) {
        if (!strstr(x->reply.values[i], "/uploads/") &&
            strcmp(x->reply.names[i], "Docker-Upload-UUID") != 0) {
            assert_int_equal(
                koc__dynbuf_printf(out, NULL, "%s: %s\n", x->reply.names[i], x->reply.values[i]),
                KOC_OK);
        }
    }
    if (x->reply.body.ptr) {
        assert_int_equal(koc__dynbuf_append(out, x->reply.body.ptr, x->reply.body.len, NULL),
                         KOC_OK);
    }
}

static koc__served_exchange *request_without_memory(fixture *f, const char *const *r, uint64_t n,
                                                    bool *all)
{
    koc__served_exchange *x = koc__served_exchange_new(&f->server, r[1]);
    koc__head head = {.method = r[0], .target = r[1]};
    uint64_t before = koc__alloc_count();
    if (n > 0) {
        koc__alloc_fail_after(n);
    }
    koc__served_exchange_begin(x, &head);
    if (r[2]) {
        koc__served_exchange_body(x, r[2], strlen(r[2]));
    }
    koc__served_exchange_end(x);
    koc__alloc_fail_after(0);
    *all = koc__alloc_count() - before < n;
    return x;
}

/* Wherever memory ends, the reply is a failure or the whole reply: never a part of it, never a wrong one. */
KOC_TEST(requests_without_memory)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, KOC_SERVE_DELETE, 0);
    push_blob(&f, "{}");
    KOC__AUTO_STR subject = koc__strdup(digest_of("subject"));
    KOC__AUTO_STR signature = referrer(subject, "a/b", 3);
    KOC__AUTO_STR other = referrer(subject, NULL, 4);
    KOC__AUTO_STR m = manifest("{}", NULL);
    KOC__AUTO_STR child = push(&f, "a", signature);
    koc__free(push(&f, "a", other));
    KOC__AUTO_STR index = koc__format("{\"schemaVersion\":2,\"mediaType\":\"" KOC_MT_OCI_INDEX
                                      "\",\"manifests\":[{\"mediaType\":\"" KOC_MT_OCI_MANIFEST
                                      "\",\"size\":%zu,\"digest\":\"%s\"}]}",
                                      strlen(m), digest_of(m));
    assert_int_equal(put(&f, "/v2/a/manifests/v1", m, NULL), 201);
    KOC__AUTO_STR blob = koc__format("/v2/a/blobs/%s", digest_of("{}"));
    KOC__AUTO_STR list = koc__format("/v2/a/referrers/%s?artifactType=a/b", subject);
    KOC__AUTO_STR by_digest = koc__format("/v2/a/manifests/%s", child);
    KOC__AUTO_STR mount = koc__format("/v2/b/blobs/uploads/?mount=%s", digest_of("{}"));
    KOC__AUTO_STR whole = koc__format("/v2/b/blobs/uploads/?digest=%s", digest_of("content"));
    const char *const requests[][3] = {
        {"GET", "/v2/", NULL},
        {"GET", "/v2/_catalog?n=1", NULL},
        {"GET", "/v2/a/tags/list", NULL},
        {"GET", "/v2/a/manifests/v1", NULL},
        {"GET", by_digest, NULL},
        {"GET", blob, NULL},
        {"GET", list, NULL},
        {"POST", mount, ""},
        {"POST", whole, "content"},
        {"POST", "/v2/b/blobs/uploads/", ""},
        {"PUT", "/v2/b/manifests/i?tag=x", index},
        {"PUT", by_digest, signature},
        {"DELETE", blob, NULL},
        {"GET", "/v2/none/tags/list", NULL},
    };
    for (size_t i = 0; i < KOC__COUNT(requests); i++) {
        KOC__AUTO_VAL(koc__dynbuf) expect = KOC__DYNBUF_INIT(0);
        bool all = false;
        koc__served_exchange *x = request_without_memory(&f, requests[i], 0, &all);
        reply_text(x, &expect);
        int usual = x->reply.status;
        koc__served_exchange_free(x);
        all = false;
        for (uint64_t n = 1; !all; n++) {
            KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(0);
            x = request_without_memory(&f, requests[i], n, &all);
            reply_text(x, &text);
            int status = x->reply.status;
            koc__served_exchange_free(x);
            /* The words of a refusal may be missing. */
            bool refused = !all && (status == 500 || (status >= 400 && status == usual));
            if (!refused && !koc__streq(koc__dynbuf_cstr(&text), koc__dynbuf_cstr(&expect))) {
                fail_msg("%s %s with %d allocations: %s\ninstead of %s", requests[i][0],
                         requests[i][1], (int)n - 1, text.ptr, expect.ptr);
            }
        }
    }
    check(request(&f, "GET", "/v2/b/tags/list", NULL, NULL, NULL), 200, "[\"i\",\"x\"]");
}

/* Each request and each refusal: the status, the code of the error, the headers that clients act on. */
#include "fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>

#include "core/io/fs.h"

#define NO_DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define NO_UPLOAD "0123456789abcdef0123456789abcdef"

/* A request whose head is as given: no Content-Length unless it is there. */
static koc__served_exchange *answer(fixture *f, koc__head head, const char *body)
{
    koc__served_exchange *x = koc__served_exchange_new(&f->server, head.target);
    assert_non_null(x);
    koc__served_exchange_begin(x, &head);
    if (body) {
        koc__served_exchange_body(x, body, strlen(body));
    }
    koc__served_exchange_end(x);
    return x;
}

static void check(koc__served_exchange *x, int status, const char *word)
{
    const char *text = x->reply.body.ptr ? koc__dynbuf_cstr(&x->reply.body) : "";
    if (x->reply.status != status || !strstr(text, word)) {
        fail_msg("%s: %d %s instead of %d %s", x->target, x->reply.status, text, status, word);
    }
    koc__served_exchange_free(x);
}

/* A server with a manifest at a:v1, its config "{}" and the blob "hello". */
static char *begin_full(fixture *f, uint32_t flags)
{
    begin(f, flags, 0);
    push_blob(f, "{}");
    push_blob(f, "hello");
    char *m = manifest("{}", NULL);
    assert_int_equal(put(f, "/v2/a/manifests/v1", m, NULL), 201);
    return m;
}

static const struct {
    const char *method, *target, *body, *range, *type;
    int status;
    const char *word;
} refusals[] = {
    {"GET", "/", NULL, NULL, NULL, 404, "\"UNSUPPORTED\",\"message\":\"nothing is served"},
    {"GET", "/v2/a/nothing/x", NULL, NULL, NULL, 404, "\"UNSUPPORTED\""},
    {"GET", "/v2/A/tags/list", NULL, NULL, NULL, 400, "\"NAME_INVALID\""},
    {"GET", "/v2/a/manifests/.x", NULL, NULL, NULL, 400, "\"TAG_INVALID\""},
    {"GET", "/v2/a/blobs/sha256:x", NULL, NULL, NULL, 400, "\"DIGEST_INVALID\""},
    {"GET", "/v2/a/blobs/uploads/x", NULL, NULL, NULL, 404, "\"BLOB_UPLOAD_UNKNOWN\""},
    {"POST", "/v2/a/tags/list", NULL, NULL, NULL, 405, "this method is not allowed here"},
    {"PUT", "/v2/", NULL, NULL, NULL, 405, "this method is not allowed here"},
    {"HEAD", "/v2/a/blobs/uploads/" NO_UPLOAD, NULL, NULL, NULL, 405, "not allowed"},
    {"PATCH", "/v2/a/manifests/v1", "{}", NULL, NULL, 405, "not allowed"},
    {"DELETE", "/v2/a/manifests/v1", NULL, NULL, NULL, 405, "does not delete"},
    {"DELETE", "/v2/a/blobs/" NO_DIGEST, NULL, NULL, NULL, 405, "does not delete"},
    {"GET", "/v2/a/manifests/none", NULL, NULL, NULL, 404,
     "\"MANIFEST_UNKNOWN\",\"message\":\"there is no a:none"},
    {"GET", "/v2/b/manifests/v1", NULL, NULL, NULL, 404, "there is no b:v1"},
    {"GET", "/v2/a/manifests/" NO_DIGEST, NULL, NULL, NULL, 404, "there is no a@sha256:0"},
    {"GET", "/v2/a/blobs/" NO_DIGEST, NULL, NULL, NULL, 404, "\"BLOB_UNKNOWN\""},
    {"GET", "/v2/none/tags/list", NULL, NULL, NULL, 404,
     "\"NAME_UNKNOWN\",\"message\":\"there is no repository none"},
    {"GET", "/v2/a/tags/list?n=x", NULL, NULL, NULL, 400, "\"PAGINATION_NUMBER_INVALID\""},
    {"POST", "/v2/a/blobs/uploads/?digest=x", "", NULL, NULL, 400, "digest: this is not a digest"},
    {"POST", "/v2/a/blobs/uploads/?mount=x", "", NULL, NULL, 400, "mount: this is not a digest"},
    {"POST", "/v2/a/blobs/uploads/?digest=" NO_DIGEST, "x", NULL, NULL, 400,
     "\"DIGEST_INVALID\",\"message\":\"the content has the digest sha256:2d711"},
    {"PATCH", "/v2/a/blobs/uploads/" NO_UPLOAD, "x", NULL, NULL, 404, "\"BLOB_UPLOAD_UNKNOWN\""},
    {"PUT", "/v2/a/blobs/uploads/" NO_UPLOAD "?digest=" NO_DIGEST, "", NULL, NULL, 404,
     "\"BLOB_UPLOAD_UNKNOWN\""},
    {"PUT", "/v2/a/blobs/uploads/" NO_UPLOAD, "", NULL, NULL, 400, "the query names no digest"},
    {"PUT", "/v2/a/blobs/uploads/" NO_UPLOAD "?digest=x", "", NULL, NULL, 400,
     "digest: this is not a digest"},
    {"GET", "/v2/a/blobs/uploads/" NO_UPLOAD, NULL, NULL, NULL, 404, "\"BLOB_UPLOAD_UNKNOWN\""},
    {"DELETE", "/v2/a/blobs/uploads/" NO_UPLOAD, NULL, NULL, NULL, 404, "\"BLOB_UPLOAD_UNKNOWN\""},
    {"PATCH", "/v2/a/blobs/uploads/" NO_UPLOAD, "x", "1", NULL, 416,
     "the Content-Range must be <first byte>-<last byte>"},
    {"PUT", "/v2/a/manifests/v2", "{]", NULL, NULL, 400, "\"MANIFEST_INVALID\""},
    {"PUT", "/v2/a/manifests/v2", "{}", NULL, NULL, 400, "\"MANIFEST_INVALID\""},
    {"PUT", "/v2/a/manifests/" NO_DIGEST, "{}", NULL, NULL, 400,
     "\"DIGEST_INVALID\",\"message\":\"the content has the digest sha256:44136"},
    {"PUT", "/v2/a/manifests/v2?tag=.x", "{}", NULL, NULL, 400, "\"TAG_INVALID\""},
    {"PUT",
     "/v2/a/manifests/v2?tag=1&tag=2&tag=3&tag=4&tag=5&tag=6&tag=7&tag=8&tag=9&tag=10&tag=11", "{}",
     NULL, NULL, 414, "\"TAG_INVALID\""},
};

KOC_TEST(requests_that_are_refused)
{
    KOC__AUTO_VAL(fixture) f = {0};
    KOC__AUTO_STR m = begin_full(&f, 0);
    for (size_t i = 0; i < KOC__COUNT(refusals); i++) {
        koc__served_exchange *x = request(&f, refusals[i].method, refusals[i].target,
                                          refusals[i].body, refusals[i].range, refusals[i].type);
        assert_string_equal(header(x, "Content-Type"), "application/json");
        check(x, refusals[i].status, refusals[i].word);
    }
    KOC__AUTO_STR list = koc__format("/v2/a/manifests/%s", digest_of(m));
    assert_int_equal(status_of(&f, "GET", list, NULL), 200); /* none of them did any harm */
}

KOC_TEST(requests_for_content)
{
    KOC__AUTO_VAL(fixture) f = {0};
    KOC__AUTO_STR m = begin_full(&f, 0);
    KOC__AUTO_STR digest = koc__strdup(digest_of(m));
    KOC__AUTO_STR quoted = koc__format("\"%s\"", digest);
    KOC__AUTO_STR by_digest = koc__format("/v2/a/manifests/%s", digest);
    const char *const targets[] = {"/v2/a/manifests/v1", by_digest};
    const char *const methods[] = {"GET", "HEAD"};
    for (size_t i = 0; i < 4; i++) {
        koc__served_exchange *x = request(&f, methods[i % 2], targets[i / 2], NULL, NULL, NULL);
        assert_string_equal(header(x, "Content-Type"), KOC_MT_OCI_MANIFEST);
        assert_string_equal(header(x, "Docker-Content-Digest"), digest);
        assert_string_equal(header(x, "ETag"), quoted);
        check(x, 200, m);
    }
    KOC__AUTO_STR blob = koc__format("/v2/b/blobs/%s", digest_of("hello"));
    static const struct {
        const char *range;
        int status;
        uint64_t start, length;
        const char *content_range;
    } cases[] = {
        {NULL, 200, 0, 5, ""},
        {"bytes=1-2", 206, 1, 2, "bytes 1-2/5"},
        {"bytes=0-0", 206, 0, 1, "bytes 0-0/5"},
        {"bytes=4-", 206, 4, 1, "bytes 4-4/5"},
        {"bytes=5-", 416, 0, 0, "bytes */5"},
        {"bytes=0-1,3-4", 200, 0, 5, ""},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc__served_exchange *x =
            answer(&f, (koc__head){.method = "GET", .target = blob, .range = cases[i].range}, NULL);
        assert_string_equal(header(x, "Content-Range"), cases[i].content_range);
        if (cases[i].status != 416) {
            assert_true(x->reply.fd >= 0);
            assert_int_equal(x->reply.start, cases[i].start);
            assert_int_equal(x->reply.length, cases[i].length);
            assert_string_equal(header(x, "Content-Type"), "application/octet-stream");
            assert_string_equal(header(x, "Docker-Content-Digest"), digest_of("hello"));
            assert_string_equal(header(x, "Accept-Ranges"), "bytes");
            assert_memory_equal(header(x, "ETag") + 1, digest_of("hello"), 71);
        }
        check(x, cases[i].status, cases[i].status == 416 ? "\"SIZE_INVALID\"" : "");
    }
}

KOC_TEST(requests_about_the_server)
{
    KOC__AUTO_VAL(fixture) f = {0};
    KOC__AUTO_STR m = begin_full(&f, 0);
    static const char *const pings[] = {"/v2/", "/v2"};
    for (size_t i = 0; i < 2; i++) {
        koc__served_exchange *x = request(&f, "GET", pings[i], NULL, NULL, NULL);
        assert_string_equal(header(x, "Content-Type"), "application/json");
        check(x, 200, "{}");
    }
    koc__served_exchange *x = request(&f, "GET", "/v2/a/tags/list", NULL, NULL, NULL);
    assert_string_equal(header(x, "Content-Type"), "application/json");
    assert_string_equal(header(x, "Link"), "");
    check(x, 200, "{\"name\":\"a\",\"tags\":[\"v1\"]}");
    x = request(&f, "GET", "/v2/a/tags/list?n=0", NULL, NULL, NULL);
    assert_string_equal(header(x, "Link"), "");
    check(x, 200, "{\"name\":\"a\",\"tags\":[]}");
    x = request(&f, "GET", "/v2/_catalog", NULL, NULL, NULL);
    check(x, 200, "{\"repositories\":[\"a\"]}");
    assert_int_equal(put(&f, "/v2/b/c/manifests/v1", m, NULL), 201);
    x = request(&f, "GET", "/v2/_catalog?n=1", NULL, NULL, NULL);
    assert_string_equal(header(x, "Link"), "</v2/_catalog?n=1&last=a>; rel=\"next\"");
    check(x, 200, "{\"repositories\":[\"a\"]}");
    x = request(&f, "GET", "/v2/_catalog?n=1&last=a", NULL, NULL, NULL);
    assert_string_equal(header(x, "Link"), "");
    check(x, 200, "{\"repositories\":[\"b/c\"]}");
    x = request(&f, "GET", "/v2/_catalog?last=a", NULL, NULL, NULL);
    check(x, 200, "[\"b/c\"]");
    x = request(&f, "GET", "/v2/a/tags/list?n=1&last=v0%2B", NULL, NULL, NULL);
    check(x, 200, "[\"v1\"]");
}

KOC_TEST(a_read_only_server_changes_nothing)
{
    static const char *const requests[][3] = {
        {"POST", "/v2/a/blobs/uploads/", ""},
        {"PUT", "/v2/a/manifests/v2", "{}"},
        {"DELETE", "/v2/a/manifests/v1", NULL},
        {"DELETE", "/v2/a/blobs/" NO_DIGEST, NULL},
        {"PATCH", "/v2/a/blobs/uploads/" NO_UPLOAD, "x"},
        {"PUT", "/v2/a/blobs/uploads/" NO_UPLOAD "?digest=" NO_DIGEST, ""},
        {"DELETE", "/v2/a/blobs/uploads/" NO_UPLOAD, NULL},
    };
    KOC__AUTO_VAL(fixture) f = {0};
    KOC__AUTO_STR m = begin_full(&f, 0);
    f.server.flags = KOC_SERVE_READ_ONLY | KOC_SERVE_DELETE;
    for (size_t i = 0; i < KOC__COUNT(requests); i++) {
        check(request(&f, requests[i][0], requests[i][1], requests[i][2], NULL, NULL), 405,
              "this registry is read-only");
    }
    check(request(&f, "GET", "/v2/a/blobs/uploads/" NO_UPLOAD, NULL, NULL, NULL), 404,
          "BLOB_UPLOAD_UNKNOWN");
    assert_int_equal(status_of(&f, "GET", "/v2/a/manifests/v1", NULL), 200);
}

/* --- uploads --- */

static void check_upload(koc__served_exchange *x, int status, const char *path, const char *range)
{
    assert_int_equal(x->reply.status, status);
    assert_string_equal(header(x, "Location"), path);
    assert_string_equal(header(x, "Range"), range);
    assert_string_equal(header(x, "Docker-Upload-UUID"), strrchr(path, '/') + 1);
    koc__served_exchange_free(x);
}

KOC_TEST(requests_of_an_upload)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    koc__served_exchange *x =
        answer(&f, (koc__head){.method = "POST", .target = "/v2/a/blobs/uploads/"}, NULL);
    KOC__AUTO_STR path = koc__strdup(header(x, "Location"));
    assert_memory_equal(path, "/v2/a/blobs/uploads/", 20);
    assert_int_equal(strlen(path), 20 + 32);
    check_upload(x, 202, path, "0-0");
    check_upload(answer(&f,
                        (koc__head){.method = "PATCH",
                                    .target = path,
                                    .content_range = "0-0",
                                    .content_length = "1"},
                        "h"),
                 202, path, "0-0");
    check_upload(
        answer(&f, (koc__head){.method = "PATCH", .target = path, .content_range = "1-2"}, "el"),
        202, path, "0-2");
    check_upload(answer(&f, (koc__head){.method = "PATCH", .target = path}, "l"), 202, path, "0-3");
    check_upload(request(&f, "GET", path, NULL, NULL, NULL), 204, path, "0-3");
    x = answer(&f, (koc__head){.method = "PATCH", .target = path, .content_range = "3-3"}, "l");
    assert_string_equal(header(x, "Location"), path);
    assert_string_equal(header(x, "Range"), "0-3");
    check(x, 416, "the next chunk must begin at byte 4");
    KOC__AUTO_STR end = koc__format("%s?digest=%s", path, digest_of("hello"));
    x = answer(&f, (koc__head){.method = "PUT", .target = end, .content_range = "4-4"}, "o");
    KOC__AUTO_STR blob = koc__format("/v2/a/blobs/%s", digest_of("hello"));
    assert_string_equal(header(x, "Location"), blob);
    assert_string_equal(header(x, "Docker-Content-Digest"), digest_of("hello"));
    check(x, 201, "");
    assert_int_equal(status_of(&f, "GET", path, NULL), 404);
    assert_int_equal(status_of(&f, "GET", blob, NULL), 200);
}

/* What a chunk promised is compared with what arrived: its Content-Length may be missing (chunked encoding). */
KOC_TEST(a_chunk_that_is_shorter_or_longer_than_it_says_is_dropped)
{
    static const struct {
        const char *range, *length, *body, *word;
    } cases[] = {
        {"5-9", "4", " wor", "Content-Range and Content-Length contradict each other"},
        {"5-9", "6", " world", "Content-Range and Content-Length contradict each other"},
        {"5-9", NULL, " wor", "the chunk does not have the length of its Content-Range"},
        {"5-9", NULL, " world", "the chunk does not have the length of its Content-Range"},
        {"5-9", NULL, NULL, "the chunk does not have the length of its Content-Range"},
        {"5-9", "5", " wor", "the chunk does not have the length of its Content-Range"},
    };
    static const char *const methods[] = {"PATCH", "PUT"};
    for (size_t i = 0; i < 2 * KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(fixture) f = {0};
        begin(&f, 0, 0);
        KOC__AUTO_STR path = start(&f);
        KOC__AUTO_STR end = koc__format("%s?digest=%s", path, digest_of("hello world"));
        koc__served_exchange_free(request(&f, "PATCH", path, "hello", NULL, NULL));
        koc__head head = {.method = methods[i % 2],
                          .target = i % 2 ? end : path,
                          .content_range = cases[i / 2].range,
                          .content_length = cases[i / 2].length};
        koc__served_exchange *x = answer(&f, head, cases[i / 2].body);
        assert_non_null(strstr(koc__dynbuf_cstr(&x->reply.body), "\"SIZE_INVALID\""));
        check(x, 400, cases[i / 2].word);
        check_upload(request(&f, "GET", path, NULL, NULL, NULL), 204, path, "0-4");
        assert_int_equal(status_of(&f, "PUT", end, " world"), 201); /* it goes on where it was */
    }
}

KOC_TEST(an_upload_that_is_larger_than_allowed_by_now_does_not_grow)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    KOC__AUTO_STR path = start(&f);
    koc__served_exchange_free(request(&f, "PATCH", path, "more than ten bytes", NULL, NULL));
    f.server.max_blob = 10;
    check(request(&f, "PATCH", path, "x", NULL, NULL), 413, "a blob has at most 10 bytes here");
    assert_int_equal(status_of(&f, "GET", path, NULL), 404);
    KOC__AUTO_STR exact = koc__format("/v2/a/blobs/uploads/?digest=%s", digest_of("0123456789"));
    assert_int_equal(status_of(&f, "POST", exact, "0123456789"), 201);
}

KOC_TEST(mounts_need_the_blob)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    push_blob(&f, "hello");
    KOC__AUTO_STR there = koc__format("/v2/b/blobs/uploads/?mount=%s&from=a", digest_of("hello"));
    KOC__AUTO_STR blob = koc__format("/v2/b/blobs/%s", digest_of("hello"));
    koc__served_exchange *x = request(&f, "POST", there, NULL, NULL, NULL);
    assert_string_equal(header(x, "Location"), blob);
    assert_string_equal(header(x, "Docker-Content-Digest"), digest_of("hello"));
    check(x, 201, "");
    x = request(&f, "POST", "/v2/b/blobs/uploads/?mount=" NO_DIGEST "&from=a", NULL, NULL, NULL);
    assert_memory_equal(header(x, "Location"), "/v2/b/blobs/uploads/", 20);
    check(x, 202, "");
}

/* How many descriptors of this process lead to a file. */
static int descriptors_of(const char *path)
{
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    struct stat want, st;
    int n = 0;
    assert_int_equal(stat(path, &want), 0);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        n += fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && st.st_ino == want.st_ino &&
             st.st_dev == want.st_dev;
    }
    closedir(dir);
    return n;
}

typedef struct waiter {
    fixture *f;
    const char *method, *target;
    int status;
} waiter;

static void *wait_for_upload(void *arg)
{
    waiter *w = arg;
    koc__served_exchange *x =
        answer(w->f, (koc__head){.method = w->method, .target = w->target}, " and more");
    w->status = x->reply.status;
    koc__served_exchange_free(x);
    return NULL;
}

/* The file that another request had opened by then is a blob, which nobody may write to. */
KOC_TEST(an_upload_that_was_finished_takes_nothing_from_one_that_waited)
{
    static const char *const methods[] = {"PATCH", "DELETE"};
    for (size_t i = 0; i < KOC__COUNT(methods); i++) {
        KOC__AUTO_VAL(fixture) f = {0};
        begin(&f, 0, 0);
        KOC__AUTO_STR path = start(&f);
        KOC__AUTO_STR end = koc__format("%s?digest=%s", path, digest_of("hello"));
        KOC__AUTO_STR file =
            koc__format("%s%s", koc_test_path("layout/.koc-uploads"), strrchr(path, '/'));
        koc__served_exchange *x = koc__served_exchange_new(&f.server, end);
        koc__head head = {.method = "PUT", .target = end};
        koc__served_exchange_begin(x, &head);
        assert_int_equal(descriptors_of(file), 1);
        waiter w = {&f, methods[i], path, 0};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, wait_for_upload, &w), 0);
        while (descriptors_of(file) < 2) {
            usleep(1000);
        }
        koc__served_exchange_body(x, "hello", 5);
        koc__served_exchange_end(x);
        pthread_join(thread, NULL);
        check(x, 201, "");
        assert_int_equal(w.status, 404);
        KOC__AUTO_STR blob = koc__format("/v2/a/blobs/%s", digest_of("hello"));
        assert_int_equal(status_of(&f, "GET", blob, NULL), 200);
    }
}

/* While a request writes, others wait for it, and not for ever. */
KOC_TEST(an_upload_that_is_written_to_is_a_conflict)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    KOC__AUTO_STR path = start(&f);
    koc__served_exchange *x = koc__served_exchange_new(&f.server, path);
    koc__head head = {.method = "PATCH", .target = path};
    koc__served_exchange_begin(x, &head);
    check(request(&f, "PATCH", path, "x", NULL, NULL), 409,
          "another request writes to this upload");
    koc__served_exchange_body(x, "hello", 5);
    koc__served_exchange_end(x);
    check(x, 202, "");
    assert_int_equal(status_of(&f, "GET", path, NULL), 204);
}

/* --- replies to failures --- */

KOC_TEST(failures_have_their_statuses)
{
    static const struct {
        koc_code code;
        int sys_errno, status;
        const char *word, *retry;
    } cases[] = {
        {KOC_ELIMIT, 0, 429, "\"TOOMANYREQUESTS\",\"message\":\"why\"", "1"},
        {KOC_ECONFLICT, 0, 409, "\"BLOB_UPLOAD_INVALID\",\"message\":\"why\"", ""},
        {KOC_ECANCELLED, 0, 503, "the server is stopping", "1"},
        {KOC_EIO, 0, 500, "the server failed; its log says why", ""},
        {KOC_ENOTFOUND, 0, 500, "the server failed", ""},
        {0, ENOSPC, 507, "there is no space left", ""},
        {0, EACCES, 500, "the server failed", ""},
    };
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc__served_exchange *x = koc__served_exchange_new(&f.server, "/");
        koc_error *err = NULL;
        if (cases[i].sys_errno) {
            (void)koc__error_errno(&err, cases[i].sys_errno, "/secret/path");
        } else {
            (void)koc__error(&err, cases[i].code, "why");
        }
        koc__served_reply_failure(&x->reply, &f.server, &err);
        assert_null(err);
        assert_string_equal(header(x, "Retry-After"), cases[i].retry);
        assert_null(strstr(koc__dynbuf_cstr(&x->reply.body), "secret"));
        check(x, cases[i].status, cases[i].word);
    }
}

KOC_TEST(what_is_unknown_is_404_and_failures_stay_failures)
{
    static const struct {
        koc_code code;
        int status;
        const char *word;
    } cases[] = {
        {KOC_ENOTFOUND, 404, "\"BLOB_UNKNOWN\",\"message\":\"why\""},
        {KOC_EFORMAT, 404, "\"BLOB_UNKNOWN\",\"message\":\"why\""},
        {KOC_EDIGEST, 404, "\"BLOB_UNKNOWN\",\"message\":\"why\""},
        {KOC_EIO, 500, "the server failed"},
        {KOC_ECANCELLED, 503, "the server is stopping"},
    };
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc__served_exchange *x = koc__served_exchange_new(&f.server, "/");
        koc_error *err = NULL;
        (void)koc__error(&err, cases[i].code, "why");
        koc__served_reply_unknown(&x->reply, &f.server, "BLOB_UNKNOWN", &err);
        assert_null(err);
        check(x, cases[i].status, cases[i].word);
    }
}

KOC_TEST(a_reply_has_room_for_ten_headers)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    koc__served_exchange *x = koc__served_exchange_new(&f.server, "/");
    x->reply.status = 200;
    for (int i = 0; i < KOC__REPLY_HEADERS; i++) {
        koc__served_reply_header(&x->reply, "X", "%d", i);
        assert_int_equal(x->reply.status, 200);
    }
    assert_string_equal(x->reply.values[9], "9");
    koc__served_reply_header(&x->reply, "X", "more");
    assert_int_equal(x->reply.n_headers, 0);
    check(x, 500, "");
    x = koc__served_exchange_new(&f.server, "/");
    koc__served_reply_busy(&x->reply);
    assert_string_equal(header(x, "Retry-After"), "1");
    assert_string_equal(header(x, "Connection"), "close");
    check(x, 503, "\"TOOMANYREQUESTS\"");
}

/* A request that no handler replied to, and one whose type is too long. */
KOC_TEST(every_request_has_a_reply)
{
    KOC__AUTO_VAL(fixture) f = {0};
    KOC__AUTO_STR m = begin_full(&f, 0);
    char type[300];
    koc__served_exchange *x = koc__served_exchange_new(&f.server, "/v2/");
    x->handler = &(const koc__handler){.method = "GET"};
    koc__served_exchange_end(x);
    check(x, 500, "the server has no reply to this request");
    memset(type, 'x', sizeof(type));
    type[257] = '\0';
    check(request(&f, "PUT", "/v2/a/manifests/v2", m, NULL, type), 400,
          "the Content-Type is too long");
    type[256] = '\0';
    check(request(&f, "PUT", "/v2/a/manifests/v2", m, NULL, type), 400, "\"MANIFEST_INVALID\"");
    assert_int_equal(atomic_load(&f.server.running), 0);
}

KOC_TEST(a_stopping_server_says_so)
{
    KOC__AUTO_VAL(fixture) f = {0};
    KOC__AUTO_STR m = begin_full(&f, 0);
    KOC__AUTO_STR blob = koc__format("/v2/a/blobs/%s", digest_of("hello"));
    koc__content_stop(f.server.content);
    koc__served_exchange *x = request(&f, "GET", blob, NULL, NULL, NULL);
    assert_string_equal(header(x, "Retry-After"), "1");
    check(x, 503, "the server is stopping");
}

/* Uploads of one blob: sessions, forms, what a refusal leads to. */
#include "bed.h"
#include "registry/upload_journal.h"

#define TEXT    "0123456789"
#define SESSION "Location: /v2/x/blobs/uploads/1?state=a%2Fb\r\n"
#define OPENED                                                                                     \
    {                                                                                              \
        "POST", "/blobs/uploads/", 202, .fields = SESSION                                          \
    }
#define MISSING                                                                                    \
    {                                                                                              \
        "HEAD", "/blobs/", 404                                                                     \
    }
#define KIB ((size_t)1 << 10)

static int put_text(bed *b)
{
    return bed_put_blob(b, KOC__STR(TEXT));
}

/* Bytes that differ from each other, so that a shifted chunk shows. */
static char *many(size_t n)
{
    char *data = koc__malloc(n);
    for (size_t i = 0; i < n; i++) {
        data[i] = (char)('a' + (i * 7 + i / 251) % 26);
    }
    return data;
}

static const scripted_request *nth(bed *b, const char *method, size_t n)
{
    const scripted_request *r = scripted_get(b->server, method, "/blobs/uploads/1", n);
    assert_non_null(r);
    return r;
}

KOC_TEST(a_blob_goes_in_one_put)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){MISSING, OPENED, {"PUT", NULL, 201}, {0}}, NULL);
    assert_int_equal(put_text(&b), KOC_OK);
    KOC__AUTO_STR head = koc__format("/v2/x/blobs/%s", bed_digest(TEXT));
    assert_string_equal(scripted_get(b.server, "HEAD", NULL, 0)->target, head);
    const scripted_request *post = scripted_get(b.server, "POST", NULL, 0),
                           *put = nth(&b, "PUT", 0);
    assert_string_equal(post->target, "/v2/x/blobs/uploads/");
    assert_string_equal(scripted_field(post, "Content-Length"), "0");
    KOC__AUTO_STR target =
        koc__format("/v2/x/blobs/uploads/1?state=a%%2Fb&digest=%s", bed_digest(TEXT));
    assert_string_equal(put->target, target);
    assert_string_equal(put->body, TEXT);
    assert_string_equal(scripted_field(put, "Content-Type"), "application/octet-stream");
    assert_string_equal(scripted_field(put, "Content-Range"), "");
    assert_int_equal(scripted_count(b.server, NULL, NULL), 3);
    /* The next time the client knows that it is there. */
    assert_int_equal(put_text(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 3);
}

KOC_TEST(a_blob_that_is_there_is_not_sent)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){{"HEAD", NULL, 200}, {0}}, NULL);
    assert_int_equal(put_text(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
}

KOC_TEST(a_session_that_failed_is_cancelled)
{
    static const int refusals[] = {401, 402, 403, 451};
    for (size_t i = 0; i < KOC__COUNT(refusals); i++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(&b,
                 (scripted_rule[]){
                     MISSING, OPENED, {"PUT", NULL, refusals[i]}, {"DELETE", NULL, 204}, {0}},
                 NULL);
        assert_int_equal(put_text(&b), refusals[i] == 401 ? KOC_EAUTH : KOC_EDENIED);
        assert_string_equal(nth(&b, "DELETE", 0)->target, "/v2/x/blobs/uploads/1?state=a%2Fb");
        assert_int_equal(scripted_count(b.server, "DELETE", NULL), 1);
        assert_int_equal(scripted_count(b.server, "PATCH", NULL), 0);
        assert_int_equal(scripted_count(b.server, "PUT", NULL), 1);
    }
}

KOC_TEST(what_a_cancel_is_answered_does_not_matter)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){MISSING, OPENED, {"PUT", NULL, 403}, {"DELETE", NULL, 503}, {0}},
             NULL);
    assert_int_equal(put_text(&b), KOC_EDENIED);
    assert_int_equal(scripted_count(b.server, "DELETE", NULL), 1);
}

KOC_TEST(a_session_that_is_not_opened_is_not_cancelled)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){MISSING, {"POST", NULL, 403}, {0}}, NULL);
    assert_int_equal(put_text(&b), KOC_EDENIED);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 2);
    scripted_set(b.server, (scripted_rule[]){MISSING, {"POST", NULL, 202}, {0}});
    assert_int_equal(put_text(&b), KOC_EFORMAT);
    assert_non_null(strstr(bed_message(&b), "opened an upload without a Location"));
    scripted_set(
        b.server,
        (scripted_rule[]){MISSING, {"POST", NULL, 202, .fields = "Location: ftp://a/b\r\n"}, {0}});
    assert_true(put_text(&b) != KOC_OK);
    assert_non_null(strstr(bed_message(&b), "the Location of the upload"));
}

KOC_TEST(another_digest_than_was_sent_is_an_error)
{
    static const struct {
        const char *field;
        int rc;
    } cases[] = {
        {"Docker-Content-Digest: sha256:84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882\r\n",
         KOC_OK},
        {"Docker-Content-Digest: sha256:84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7883\r\n",
         KOC_EDIGEST},
        {"Docker-Content-Digest: sha512:00\r\n", KOC_OK},
        {"Docker-Content-Digest: nonsense\r\n", KOC_OK},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(
            &b,
            (scripted_rule[]){MISSING, OPENED, {"PUT", NULL, 201, .fields = cases[i].field}, {0}},
            NULL);
        assert_int_equal(put_text(&b), cases[i].rc);
    }
}

KOC_TEST(a_put_with_an_unknown_outcome_is_not_repeated_when_the_blob_is_there)
{
    static const int unknown[] = {202, 500, 502, 0};
    for (size_t i = 0; i < KOC__COUNT(unknown); i++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(&b,
                 (scripted_rule[]){{"HEAD", NULL, 404, .times = 1},
                                   {"HEAD", NULL, 200},
                                   OPENED,
                                   {"PUT", NULL, unknown[i]},
                                   {0}},
                 NULL);
        assert_int_equal(put_text(&b), KOC_OK);
        /* libcurl repeats a request itself when a kept connection breaks */
        assert_int_equal(scripted_count(b.server, "PUT", NULL), unknown[i] ? 1 : 2);
        assert_int_equal(scripted_count(b.server, "HEAD", NULL), 2);
        assert_int_equal(scripted_count(b.server, "DELETE", NULL), 0);
    }
}

KOC_TEST(a_put_that_failed_gets_a_new_session)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(
        &b,
        (scripted_rule[]){MISSING, OPENED, {"PUT", NULL, 500, .times = 1}, {"PUT", NULL, 201}, {0}},
        NULL);
    assert_int_equal(put_text(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, "POST", NULL), 2);
    assert_int_equal(scripted_count(b.server, "PUT", NULL), 2);
    assert_non_null(strstr(b.waits, "500 Internal Server Error"));
}

KOC_TEST(a_put_that_is_refused_becomes_a_patch_and_that_is_remembered)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(
        &b,
        (scripted_rule[]){MISSING,
                          OPENED,
                          {"PATCH", NULL, 202,
                           .fields = "Location: /v2/x/blobs/uploads/1?step=2\r\nRange: 0-9\r\n"},
                          {"PUT", NULL, 201, .needs = "Content-Length: 0\r\n"},
                          {"PUT", NULL, 405},
                          {0}},
        NULL);
    assert_int_equal(put_text(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PUT", NULL), 2);
    const scripted_request *patch = nth(&b, "PATCH", 0);
    assert_string_equal(patch->body, TEXT);
    assert_string_equal(scripted_field(patch, "Content-Range"), "");
    assert_string_equal(scripted_field(patch, "Content-Type"), "application/octet-stream");
    KOC__AUTO_STR last = koc__format("/v2/x/blobs/uploads/1?step=2&digest=%s", bed_digest(TEXT));
    assert_string_equal(nth(&b, "PUT", 1)->target, last);
    assert_int_equal(bed_put_blob(&b, KOC__STR("abcdefghij")), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PUT", NULL), 3);
    assert_string_equal(nth(&b, "PATCH", 1)->body, "abcdefghij");
}

KOC_TEST(of_two_refusals_the_one_that_says_more_is_told)
{
    static const struct {
        int put, patch, rc;
        const char *words;
    } cases[] = {
        {415, 405, KOC_EUNSUPPORTED, "media type"},
        {405, 415, KOC_EUNSUPPORTED, "media type"},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(&b,
                 (scripted_rule[]){MISSING,
                                   OPENED,
                                   {"PUT", NULL, cases[i].put},
                                   {"PATCH", NULL, cases[i].patch},
                                   {"DELETE", NULL, 204},
                                   {0}},
                 NULL);
        assert_int_equal(put_text(&b), cases[i].rc);
        assert_non_null(strstr(bed_message(&b), cases[i].words));
        assert_int_equal(scripted_count(b.server, "DELETE", NULL), 1);
    }
}

KOC_TEST(other_bytes_at_the_registry_mean_one_more_try)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b,
             (scripted_rule[]){
                 MISSING,
                 OPENED,
                 {"PUT", NULL, 400, .body = "{\"errors\":[{\"code\":\"DIGEST_INVALID\"}]}"},
                 {0}},
             NULL);
    assert_int_equal(put_text(&b), KOC_EHTTP);
    assert_int_equal(scripted_count(b.server, "PUT", NULL), 2);
    assert_int_equal(scripted_count(b.server, "POST", NULL), 2);
    assert_int_equal(scripted_count(b.server, "PATCH", NULL), 0);
    assert_non_null(strstr(bed_message(&b), "DIGEST_INVALID"));
}

KOC_TEST(content_that_changed_is_told)
{
    KOC__AUTO_VAL(bed) b;
    koc_blob *blob = NULL;
    koc_digest d;
    bed_open(&b,
             (scripted_rule[]){
                 MISSING,
                 OPENED,
                 {"PUT", NULL, 400, .body = "{\"errors\":[{\"code\":\"DIGEST_INVALID\"}]}"},
                 {0}},
             NULL);
    KOC__AUTO(koc_reference) r = bed_reference(&b, "/x");
    koc__sha256_of(TEXT, 10, &d);
    assert_int_equal(koc_blob_from_file(koc_test_write("file", "0123456780", 10), &d, &blob, NULL),
                     KOC_OK);
    assert_int_equal(koc_client_put_blob(b.client, r, blob, &b.op, &b.err), KOC_EDIGEST);
    koc_blob_unref(blob);
}

/* --- chunks --- */

KOC_TEST(a_body_that_is_too_large_goes_in_chunks)
{
    const size_t n = 200 * KIB;
    char *data = many(n);
    KOC__AUTO_VAL(bed) b;
    /* 200 KiB is refused, 100 KiB is taken. */
    bed_open(&b,
             (scripted_rule[]){MISSING,
                               OPENED,
                               {"GET", NULL, 204, .fields = "Range: 0-0\r\n"},
                               {"PATCH", NULL, 202, .fields = "Range: 0-102399\r\n",
                                .needs = "Content-Range: 0-102399\r\n"},
                               {"PATCH", NULL, 202, .fields = "Range: 0-204799\r\n",
                                .needs = "Content-Range: 102400-204799\r\n"},
                               {"PUT", NULL, 201, .needs = "Content-Length: 0\r\n"},
                               {"PUT", NULL, 413},
                               {0}},
             NULL);
    assert_int_equal(bed_put_blob(&b, koc__str_n(data, n)), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PATCH", NULL), 2);
    assert_int_equal(scripted_count(b.server, "GET", NULL), 1);
    assert_memory_equal(nth(&b, "PATCH", 0)->body, data, n / 2);
    assert_memory_equal(nth(&b, "PATCH", 1)->body, data + n / 2, n / 2);
    assert_int_equal(scripted_count(b.server, "POST", NULL), 1);
    /* The limit holds for the next blob. */
    data[0] = '!';
    assert_int_equal(bed_put_blob(&b, koc__str_n(data, n)), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PATCH", NULL), 4);
    assert_int_equal(scripted_count(b.server, "PUT", NULL), 3);
    koc__free(data);
}

KOC_TEST(a_chunk_is_not_smaller_than_the_registry_says)
{
    const size_t n = 200 * KIB;
    char *data = many(n);
    KOC__AUTO_VAL(bed) b;
    bed_open(
        &b,
        (scripted_rule[]){MISSING,
                          {"POST", NULL, 202, .fields = SESSION "OCI-Chunk-Min-Length: 150000\r\n"},
                          {"GET", NULL, 204, .fields = "Range: 0-0\r\n"},
                          {"PATCH", NULL, 202},
                          {"PUT", NULL, 201, .needs = "Content-Length: 0\r\n"},
                          {"PUT", NULL, 413},
                          {0}},
        NULL);
    assert_int_equal(bed_put_blob(&b, koc__str_n(data, n)), KOC_OK);
    assert_int_equal(nth(&b, "PATCH", 0)->body_len, 150000);
    assert_int_equal(nth(&b, "PATCH", 1)->body_len, n - 150000);
    assert_string_equal(scripted_field(nth(&b, "PATCH", 1), "Content-Range"), "150000-204799");
    koc__free(data);
}

/* A PUT that breaks; the registry says what it has. */
KOC_TEST(a_put_that_broke_goes_on_where_the_registry_is)
{
    const size_t n = 300 * KIB;
    char *data = many(n);
    KOC__AUTO_VAL(bed) b;
    bed_open(
        &b,
        (scripted_rule[]){MISSING,
                          OPENED,
                          {"PUT", NULL, 0, .takes = 150 * KIB, .times = 2},
                          {"GET", NULL, 204,
                           .fields = "Range: 0-99999\r\nLocation: /v2/x/blobs/uploads/1?at=2\r\n"},
                          {"PUT", "at=2", 201},
                          {0}},
        NULL);
    assert_int_equal(bed_put_blob(&b, koc__str_n(data, n)), KOC_OK);
    const scripted_request *put = nth(&b, "PUT", 2);
    assert_string_equal(scripted_field(put, "Content-Range"), "100000-307199");
    assert_int_equal(put->body_len, n - 100000);
    assert_memory_equal(put->body, data + 100000, n - 100000);
    assert_int_equal(scripted_count(b.server, "POST", NULL), 1);
    assert_true(put->connection != nth(&b, "PUT", 1)->connection);
    koc__free(data);
}

KOC_TEST(a_put_that_broke_where_nothing_is_kept_begins_again)
{
    static const struct {
        int status;
        const char *range;
    } cases[] = {{404, ""},
                 {204, "Range: 0-0\r\n"},
                 {200, "Range: 0-99999\r\n"},
                 {204, "Range: 0-99999999\r\n"}};
    const size_t n = 300 * KIB;
    char *data = many(n);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        bed_open(&b,
                 (scripted_rule[]){MISSING,
                                   OPENED,
                                   {"PUT", NULL, 0, .takes = 150 * KIB, .times = 2},
                                   {"GET", NULL, cases[i].status, .fields = cases[i].range},
                                   {"PUT", NULL, 201},
                                   {0}},
                 NULL);
        assert_int_equal(bed_put_blob(&b, koc__str_n(data, n)), KOC_OK);
        assert_int_equal(scripted_count(b.server, "POST", NULL), 2);
        assert_int_equal(nth(&b, "PUT", 2)->body_len, n);
        assert_string_equal(scripted_field(nth(&b, "PUT", 2), "Content-Range"), "");
    }
    koc__free(data);
}

/* --- cookies --- */

KOC_TEST(a_registry_that_refuses_cookies_gets_none)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b,
             (scripted_rule[]){
                 MISSING,
                 {"POST", NULL, 202, .fields = SESSION "Set-Cookie: route=planted; Path=/\r\n"},
                 {"PUT", NULL, 403, .needs = "Cookie: route=planted"},
                 {"PUT", NULL, 201},
                 {0}},
             NULL);
    assert_int_equal(put_text(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PUT", NULL), 2);
    assert_string_equal(scripted_field(nth(&b, "PUT", 1), "Cookie"), "");
    assert_null(strstr(b.log, "planted"));
    /* A 403 without them is final. */
    scripted_set(b.server, (scripted_rule[]){MISSING,
                                             {"POST", NULL, 202,
                                              .fields = SESSION "Set-Cookie: route=a; Path=/\r\n"},
                                             {"PUT", NULL, 403},
                                             {0}});
    assert_int_equal(bed_put_blob(&b, KOC__STR("more")), KOC_EDENIED);
    assert_int_equal(scripted_count(b.server, "PUT", NULL), 4);
}

KOC_TEST(every_second_failure_changes_the_form)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b,
             (scripted_rule[]){MISSING,
                               OPENED,
                               {"PATCH", NULL, 202},
                               {"PUT", NULL, 201, .needs = "Content-Length: 0\r\n"},
                               {"PUT", NULL, 500},
                               {0}},
             NULL);
    assert_int_equal(put_text(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PUT", NULL), 3);
    assert_int_equal(scripted_count(b.server, "PATCH", NULL), 1);
}

KOC_TEST(a_small_body_that_is_too_large_goes_by_the_other_form)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b,
             (scripted_rule[]){MISSING,
                               OPENED,
                               {"PATCH", NULL, 202},
                               {"PUT", NULL, 201, .needs = "Content-Length: 0\r\n"},
                               {"PUT", NULL, 413},
                               {0}},
             NULL);
    assert_int_equal(put_text(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, "PATCH", NULL), 1);
    assert_string_equal(nth(&b, "PATCH", 0)->body, TEXT);
}

KOC_TEST(a_host_that_refuses_expect_gets_none)
{
    const size_t n = (KIB << 10) + 1;
    char *data = many(n);
    KOC__AUTO_VAL(bed) b;
    bed_open(&b,
             (scripted_rule[]){MISSING,
                               OPENED,
                               {NULL, NULL, 417, .needs = "Expect:", .unread = true},
                               {"PATCH", NULL, 202},
                               {"PUT", NULL, 201},
                               {0}},
             NULL);
    assert_int_equal(bed_put_blob(&b, koc__str_n(data, n)), KOC_OK);
    assert_string_equal(scripted_field(nth(&b, "PUT", 0), "Expect"), "100-continue");
    for (size_t i = 1; i < scripted_count(b.server, "PUT", NULL); i++) {
        assert_string_equal(scripted_field(nth(&b, "PUT", i), "Expect"), "");
    }
    koc__free(data);
}

KOC_TEST(a_head_that_is_refused_ends_the_upload)
{
    KOC__AUTO_VAL(bed) b;
    bed_open(&b, (scripted_rule[]){{"HEAD", NULL, 401}, OPENED, {"PUT", NULL, 201}, {0}}, NULL);
    assert_int_equal(put_text(&b), KOC_EAUTH);
    assert_int_equal(scripted_count(b.server, "POST", NULL), 0);
    /* What it may not say is taken for "not there". */
    scripted_set(b.server, (scripted_rule[]){{"HEAD", NULL, 403}, OPENED, {"PUT", NULL, 201}, {0}});
    assert_int_equal(put_text(&b), KOC_OK);
}

/* the first run ends without a word from the registry, the second one goes on. */
KOC_TEST(a_session_of_an_earlier_run_is_resumed)
{
    const size_t n = (size_t)KOC__JOURNAL_SMALLEST + 5000;
    char *data = many(n);
    KOC__AUTO_VAL(bed) b;
    bed_open_cached(
        &b,
        (scripted_rule[]){MISSING,
                          {"POST", NULL, 202, .fields = "Location: /v2/x/blobs/uploads/1?a=b\r\n"},
                          {"PUT", NULL, 403, .unread = true},
                          {"DELETE", NULL, 0},
                          {0}},
        NULL);
    assert_int_equal(bed_put_blob(&b, koc__str_n(data, n)), KOC_EDENIED);
    assert_true(scripted_count(b.server, "DELETE", NULL) > 0);
    size_t asked = scripted_count(b.server, "POST", NULL);
    scripted_set(b.server,
                 (scripted_rule[]){MISSING,
                                   {"GET", "/uploads/1", 204, .fields = "Range: 0-999\r\n"},
                                   {"PUT", NULL, 201},
                                   {0}});
    assert_int_equal(bed_put_blob(&b, koc__str_n(data, n)), KOC_OK);
    assert_int_equal(scripted_count(b.server, "POST", NULL), asked);
    size_t puts = scripted_count(b.server, "PUT", NULL);
    const scripted_request *put = nth(&b, "PUT", puts - 1);
    assert_int_equal(put->body_len, n - 1000);
    assert_memory_equal(put->body, data + 1000, n - 1000);
    assert_non_null(strstr(b.log, "resuming the upload of an earlier run at byte 1000"));
    koc__free(data);
}

/* --- the check before a build --- */

KOC_TEST(a_push_is_checked_by_a_session_that_is_cancelled)
{
    static const struct {
        int status, rc;
    } cases[] = {{202, KOC_OK}, {401, KOC_EAUTH}, {403, KOC_EDENIED}, {404, KOC_ENOTFOUND}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        koc__call call = {0};
        bed_open(&b,
                 (scripted_rule[]){{"POST", NULL, cases[i].status, .fields = SESSION},
                                   {"DELETE", NULL, 204},
                                   {0}},
                 NULL);
        KOC__AUTO(koc_reference) r = bed_reference(&b, "/x:v1");
        assert_int_equal(koc__call_begin(&call, b.ctx, &b.op, NULL), KOC_OK);
        assert_int_equal(koc__client_check_push(b.client, r, &call, &b.err), cases[i].rc);
        koc__call_end(&call);
        assert_int_equal(scripted_count(b.server, "DELETE", NULL), cases[i].rc == KOC_OK);
        assert_int_equal(strstr(bed_message(&b), "cannot push to 127.0.0.1") != NULL,
                         cases[i].rc != KOC_OK);
        assert_int_equal(strstr(bed_hint(&b), "create x there first") != NULL,
                         cases[i].status == 404);
    }
}

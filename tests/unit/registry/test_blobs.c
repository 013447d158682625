/* Blobs: what the registry says about them, mounts, downloads that break. */
#include "bed.h"

#define TEXT "0123456789"

static void open_blob(bed *b, const scripted_rule *rules)
{
    bed_open(b, rules, NULL);
}

static int read_it(bed *b)
{
    return bed_read_blob(b, TEXT, 10, 4);
}

/* 4 bytes, and the connection breaks. */
#define BROKEN                                                                                     \
    {                                                                                              \
        "GET", "/blobs/", 200, .body = TEXT, .breaks_at = 4, .times = 1                            \
    }
#define PART(range, text)                                                                          \
    {                                                                                              \
        "GET", "/blobs/", 206, .fields = "Content-Range: " range "\r\n", .body = text              \
    }

KOC_TEST(a_broken_download_goes_on_where_it_broke)
{
    KOC__AUTO_VAL(bed) b;
    open_blob(&b, (scripted_rule[]){BROKEN, PART("bytes 4-9/10", "456789"), {0}});
    assert_int_equal(read_it(&b), KOC_OK);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 2);
    const scripted_request *first = scripted_get(b.server, NULL, NULL, 0);
    KOC__AUTO_STR target = koc__format("/v2/x/blobs/%s", bed_digest(TEXT));
    assert_string_equal(first->target, target);
    assert_string_equal(scripted_field(first, "Range"), "");
    assert_string_equal(scripted_field(scripted_get(b.server, NULL, NULL, 1), "Range"),
                        "bytes=4-9");
    assert_non_null(strstr(b.waits, "at byte 4 of 10 (1, known)\nstate 5\n"));
}

/* Each of the numbers alone. */
KOC_TEST(a_part_must_be_the_one_that_was_asked_for)
{
    static const struct {
        const char *range;
        int rc;
    } cases[] = {
        {"bytes 4-9/10", KOC_OK},   {"bytes 4-9/*", KOC_OK},
        {"bytes 3-9/10", KOC_ENET}, {"bytes 5-9/10", KOC_ENET},
        {"bytes 0-9/10", KOC_ENET}, {"bytes 4-9/11", KOC_ENET},
        {"bytes 4-9/9", KOC_ENET},  {"bytes 4-3/10", KOC_ENET},
        {"bytes 4-9", KOC_ENET},    {"", KOC_ENET},
        {"items 4-9/10", KOC_ENET},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        KOC__AUTO_STR field = koc__format("Content-Range: %s\r\n", cases[i].range);
        open_blob(&b, (scripted_rule[]){
                          BROKEN, {"GET", "/blobs/", 206, .fields = field, .body = "456789"}, {0}});
        assert_int_equal(read_it(&b), cases[i].rc);
        assert_int_equal(scripted_count(b.server, NULL, NULL), 2);
        if (cases[i].rc) {
            assert_non_null(
                strstr(bed_message(&b), "the registry sent another range than koc asked for"));
        }
    }
}

KOC_TEST(a_part_has_one_range)
{
    static const char *const fields[] = {
        "", "Content-Range: bytes 4-9/10\r\nContent-Range: bytes 4-9/10\r\n"};
    for (size_t i = 0; i < KOC__COUNT(fields); i++) {
        KOC__AUTO_VAL(bed) b;
        open_blob(&b,
                  (scripted_rule[]){
                      BROKEN, {"GET", "/blobs/", 206, .fields = fields[i], .body = "456789"}, {0}});
        assert_int_equal(read_it(&b), KOC_ENET);
    }
}

KOC_TEST(a_part_that_is_shorter_is_completed_by_another)
{
    KOC__AUTO_VAL(bed) b;
    open_blob(&b,
              (scripted_rule[]){BROKEN,
                                {"GET", "/blobs/", 206, .fields = "Content-Range: bytes 4-5/10\r\n",
                                 .body = "45", .times = 1},
                                PART("bytes 6-9/10", "6789"),
                                {0}});
    assert_int_equal(read_it(&b), KOC_OK);
    assert_string_equal(scripted_field(scripted_get(b.server, NULL, NULL, 2), "Range"),
                        "bytes=6-9");
}

KOC_TEST(a_server_without_ranges_sends_it_all_again)
{
    for (int i = 0; i < 2; i++) {
        KOC__AUTO_VAL(bed) b;
        /* 416 to the range, or 200 */
        open_blob(&b, (scripted_rule[]){BROKEN,
                                        {"GET", "/blobs/", i ? 416 : 200, .body = i ? "" : TEXT,
                                         .needs = "Range:"},
                                        {"GET", "/blobs/", 200, .body = TEXT},
                                        {0}});
        assert_int_equal(read_it(&b), KOC_OK);
        assert_int_equal(scripted_count(b.server, NULL, NULL), i ? 3 : 2);
        assert_string_equal(scripted_field(scripted_get(b.server, NULL, NULL, 1), "Range"),
                            "bytes=4-9");
    }
}

KOC_TEST(a_second_416_is_an_error)
{
    KOC__AUTO_VAL(bed) b;
    open_blob(&b, (scripted_rule[]){BROKEN, {"GET", "/blobs/", 416}, {0}});
    assert_int_equal(read_it(&b), KOC_EHTTP);
    assert_non_null(strstr(bed_message(&b), "the registry refused the range"));
    assert_int_equal(scripted_count(b.server, NULL, NULL), 3);
}

KOC_TEST(what_is_skipped_may_break_too)
{
    KOC__AUTO_VAL(bed) b;
    open_blob(&b,
              (scripted_rule[]){BROKEN,
                                {"GET", "/blobs/", 200, .body = TEXT, .breaks_at = 2, .times = 1},
                                PART("bytes 4-9/10", "456789"),
                                {0}});
    assert_int_equal(read_it(&b), KOC_OK);
    assert_string_equal(scripted_field(scripted_get(b.server, NULL, NULL, 2), "Range"),
                        "bytes=4-9");
}

KOC_TEST(a_download_that_gets_no_further_is_given_up)
{
    KOC__AUTO_VAL(bed) b;
    open_blob(&b,
              (scripted_rule[]){BROKEN,
                                {"GET", "/blobs/", 206,
                                 .fields = "Content-Range: bytes 4-9/10\r\nContent-Length: 6\r\n",
                                 .body = "", .unread = true},
                                {0}});
    b.op.timeout_ms = 60000;
    assert_int_equal(read_it(&b), KOC_ENET);
    assert_int_equal(scripted_count(b.server, NULL, NULL),
                     6); /* five breaks without a byte, after the first */
    assert_non_null(strstr(b.waits, "(5, known)"));
    assert_null(strstr(b.waits, "(6, known)"));
}

KOC_TEST(a_blob_of_another_size_is_refused_at_once)
{
    static const struct {
        uint64_t size;
        int rc;
    } cases[] = {{9, KOC_EDIGEST}, {10, KOC_OK}, {11, KOC_EDIGEST}};
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        open_blob(&b, (scripted_rule[]){{"GET", "/blobs/", 200, .body = TEXT}, {0}});
        assert_int_equal(bed_read_blob(&b, TEXT, cases[i].size, 4), cases[i].rc);
        if (cases[i].rc) {
            char words[64];
            snprintf(words, sizeof(words), "the registry has it with 10 bytes instead of %d",
                     (int)cases[i].size);
            assert_non_null(strstr(bed_message(&b), words));
        }
    }
}

KOC_TEST(nothing_is_read_beyond_the_size)
{
    KOC__AUTO_VAL(bed) b;
    /* No length, and more than was said. */
    open_blob(&b, (scripted_rule[]){{"GET", "/blobs/", 1, .raw = true,
                                     .body = "HTTP/1.1 200 OK\r\n\r\n0123456789more"},
                                    {0}});
    assert_int_equal(read_it(&b), KOC_OK);
}

KOC_TEST(other_bytes_of_the_same_size_are_refused)
{
    KOC__AUTO_VAL(bed) b;
    open_blob(&b, (scripted_rule[]){{"GET", "/blobs/", 200, .body = "0123456780"}, {0}});
    assert_int_equal(read_it(&b), KOC_EDIGEST);
    /* Also when the wrong ones come after a break. */
    scripted_set(b.server, (scripted_rule[]){BROKEN, PART("bytes 4-9/10", "45678X"), {0}});
    assert_int_equal(read_it(&b), KOC_EDIGEST);
}

KOC_TEST(a_blob_that_is_not_there_is_asked_for_once)
{
    KOC__AUTO_VAL(bed) b;
    open_blob(&b, (scripted_rule[]){{0}});
    assert_int_equal(read_it(&b), KOC_ENOTFOUND);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
    assert_non_null(strstr(bed_message(&b), bed_digest(TEXT)));
}

KOC_TEST(a_blob_that_was_pushed_just_now_is_waited_for)
{
    KOC__AUTO_VAL(bed) b;
    koc__host *h = NULL;
    koc_digest d;
    koc__claim claim;
    open_blob(&b, (scripted_rule[]){{0}});
    koc__sha256_of(TEXT, 10, &d);
    assert_int_equal(koc__client_host(b.client, b.host, &h, NULL), KOC_OK);
    assert_int_equal(koc__claim_begin(h->claims, "x", &d, false, NULL, &claim, NULL), KOC_OK);
    koc__claim_end(h->claims, "x", &d, true);
    assert_int_equal(read_it(&b), KOC_ENOTFOUND);
    assert_int_equal(scripted_count(b.server, NULL, NULL), 3);
    assert_string_equal(b.waits,
                        "404 Not Found: a blob that was just pushed (1, known)\nstate 5\n"
                        "404 Not Found: a blob that was just pushed (2, known)\nstate 5\n");
}

/* --- existence --- */

static int stat_blob(bed *b, uint64_t *size)
{
    KOC__AUTO_STR rest = koc__format("/x@%s", bed_digest(TEXT));
    KOC__AUTO(koc_reference) r = bed_reference(b, rest);
    bed_forget_error(b);
    return koc_client_stat_blob(b->client, r, &b->op, size, &b->err);
}

KOC_TEST(the_size_of_a_blob_is_asked_by_head)
{
    KOC__AUTO_VAL(bed) b;
    uint64_t size = 0;
    open_blob(&b,
              (scripted_rule[]){{"HEAD", "/blobs/", 200, .fields = "Content-Length: 77\r\n"}, {0}});
    assert_int_equal(stat_blob(&b, &size), KOC_OK);
    assert_int_equal(size, 77);
    scripted_set(b.server, (scripted_rule[]){{0}});
    assert_int_equal(stat_blob(&b, &size), KOC_ENOTFOUND);
    assert_int_equal(koc_error_http_status(b.err), 404);
    assert_non_null(strstr(bed_message(&b), "no such blob"));
    scripted_set(b.server, (scripted_rule[]){{"HEAD", NULL, 403}, {0}});
    assert_int_equal(stat_blob(&b, &size), KOC_EDENIED);
    assert_non_null(strstr(bed_message(&b), "cannot look for the blob 127.0.0.1"));
    scripted_set(b.server, (scripted_rule[]){{"HEAD", NULL, 1, .raw = true, .body = ""}, {0}});
    KOC__AUTO(koc_reference) tag = bed_reference(&b, "/x:v1");
    assert_int_equal(koc_client_stat_blob(b.client, tag, NULL, &size, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_stat_blob(NULL, tag, NULL, &size, NULL), KOC_EMISUSE);
    assert_int_equal(koc_client_stat_blob(b.client, NULL, NULL, &size, NULL), KOC_EMISUSE);
}

/* --- mounts --- */

KOC_TEST(only_201_is_a_mount)
{
    static const struct {
        int status;
        const char *fields;
        bool mounted, session;
    } cases[] = {
        {201, NULL, true, false},  {202, "Location: /v2/x/blobs/uploads/1\r\n", false, true},
        {202, NULL, false, false}, {202, "Location: ftp://a/\r\n", false, false},
        {200, NULL, false, false}, {204, "Location: /v2/x/blobs/uploads/1\r\n", false, false},
        {404, NULL, false, false}, {500, NULL, false, false},
    };
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        KOC__AUTO_VAL(bed) b;
        koc_digest d;
        koc__call call = {0};
        bool mounted = !cases[i].mounted;
        open_blob(
            &b, (scripted_rule[]){
                    {"POST", "/blobs/uploads/", cases[i].status, .fields = cases[i].fields}, {0}});
        KOC__AUTO(koc_reference) r = bed_reference(&b, "/x");
        koc__sha256_of(TEXT, 10, &d);
        koc__blob_upload up = {.client = b.client, .repo = r, .digest = &d};
        assert_int_equal(koc__call_begin(&call, b.ctx, &b.op, NULL), KOC_OK);
        assert_int_equal(koc__mount(&up, "from/it", &call, &mounted, NULL), KOC_OK);
        koc__call_end(&call);
        assert_int_equal(mounted, cases[i].mounted);
        assert_int_equal(up.session.host != NULL, cases[i].session);
        koc__url_dispose(&up.session);
        const scripted_request *q = scripted_get(b.server, "POST", NULL, 0);
        KOC__AUTO_STR target =
            koc__format("/v2/x/blobs/uploads/?mount=%s&from=from/it", bed_digest(TEXT));
        assert_string_equal(q->target, target);
        assert_string_equal(scripted_field(q, "Content-Length"), "0");
        assert_int_equal(scripted_count(b.server, NULL, NULL), 1);
    }
}

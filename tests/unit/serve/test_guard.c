/* Which requests are answered at all. */
#include "fixture.h"

static int answer(fixture *f, const koc__head *head)
{
    koc__served_exchange *x = koc__served_exchange_new(&f->server, "/v2/");
    assert_non_null(x);
    koc__served_exchange_begin(x, head);
    koc__served_exchange_end(x);
    int status = x->reply.status;
    koc__served_exchange_free(x);
    return status;
}

static int answer_to_host(fixture *f, const char *host)
{
    koc__head head = {.method = "GET", .target = "/v2/", .host = host};
    return answer(f, &head);
}

static const char *const ours[] = {
    "localhost",      "localhost:5000",       "LocalHost",
    "localhost.",     "registry.localhost:1", "127.0.0.1",
    "127.0.0.1:5000", "127.9.9.9:1",          "[::1]",
    "[::1]:5000",     "localhost:",           NULL,
};
static const char *const foreign[] = {
    "evil.example",
    "evil.example:5000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evillocalhost",
    "10.0.0.1",
    "0.0.0.0",
    "128.0.0.1",
    "[::2]",
    "host.docker.internal",
    "2130706433",
    "127.1",
    "localhost.evil:5000",
    "0x7f.0.0.1",
};
static const char *const senseless[] = {
    "",     ":5000",  "localhost:x",   "localhost:99999",
    "[::1", "[::1]x", "localhost:1:2", "a@localhost:b",
};

KOC_TEST(guard_on_loopback_answers_to_its_names_alone)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    f.server.loopback = true;
    for (size_t i = 0; i < KOC__COUNT(ours); i++) {
        assert_int_equal(answer_to_host(&f, ours[i]), 200);
    }
    for (size_t i = 0; i < KOC__COUNT(foreign); i++) {
        assert_int_equal(answer_to_host(&f, foreign[i]), 403);
    }
    for (size_t i = 0; i < KOC__COUNT(senseless); i++) {
        assert_int_equal(answer_to_host(&f, senseless[i]), 400);
    }
}

KOC_TEST(guard_answers_to_names_that_were_allowed)
{
    static const char *const hosts[] = {"host.docker.internal", "10.0.2.2", NULL};
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    f.server.loopback = true;
    f.server.allow_hosts = hosts;
    assert_int_equal(answer_to_host(&f, "host.docker.internal:5000"), 200);
    assert_int_equal(answer_to_host(&f, "HOST.docker.internal"), 200);
    assert_int_equal(answer_to_host(&f, "10.0.2.2:5000"), 200);
    assert_int_equal(answer_to_host(&f, "localhost:5000"), 200);
    assert_int_equal(answer_to_host(&f, "evil.example"), 403);
    f.server.loopback = false; /* a list is a list there, too */
    assert_int_equal(answer_to_host(&f, "evil.example"), 403);
    f.server.allow_hosts = NULL;
    assert_int_equal(answer_to_host(&f, "registry.example:5000"), 200);
}

KOC_TEST(guard_refuses_what_other_sites_send)
{
    static const struct {
        const char *site;
        int status;
    } cases[] = {
        {"none", 200}, {"same-origin", 200}, {"same-site", 403}, {"cross-site", 403}, {"", 403}};
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    for (size_t i = 0; i < KOC__COUNT(cases); i++) {
        koc__head head = {.method = "GET", .target = "/v2/", .fetch_site = cases[i].site};
        assert_int_equal(answer(&f, &head), cases[i].status);
    }
}

KOC_TEST(guard_refuses_requests_with_two_ends)
{
    static const koc__head heads[] = {
        {.method = "GET", .content_length = "5", .transfer_encoding = "chunked"},
        {.method = "GET", .content_length = "-1"},
        {.method = "GET", .content_length = "5, 5"},
        {.method = "GET", .content_length = ""},
        {.method = "GET", .transfer_encoding = "gzip, chunked"},
        {.method = "GET", .repeated = true},
    };
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    for (size_t i = 0; i < KOC__COUNT(heads); i++) {
        assert_int_equal(answer(&f, &heads[i]), 400);
    }
    koc__head chunked = {.method = "GET", .transfer_encoding = "Chunked"};
    assert_int_equal(answer(&f, &chunked), 200);
}

/* Uploads that nobody comes back to, and disks that are full. */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <utime.h>

#include "core/io/fs.h"

enum { PLACES = 256 };

static size_t open_uploads(void)
{
    KOC__AUTO(koc_strlist) names = NULL;
    const char *dir = koc_test_path("layout/.koc-uploads");
    if (!koc__fs_exists(dir)) {
        return 0;
    }
    assert_int_equal(koc__fs_list(dir, &names, NULL), KOC_OK);
    return koc_strlist_count(names);
}

static char *file_of(const char *location)
{
    return koc__format("%s%s", koc_test_path("layout/.koc-uploads"), strrchr(location, '/'));
}

static void make_old(const char *location, time_t seconds)
{
    KOC__AUTO_STR path = file_of(location);
    struct utimbuf times = {time(NULL) - seconds, time(NULL) - seconds};
    assert_int_equal(utime(path, &times), 0);
}

KOC_TEST(uploads_the_longest_abandoned_makes_room)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    KOC__AUTO_STR first = start(&f);
    KOC__AUTO_STR second = start(&f);
    make_old(first, 10);
    make_old(second, 20);
    for (int i = 2; i < PLACES; i++) {
        koc__free(start(&f));
    }
    assert_int_equal(status_of(&f, "GET", second, NULL), 204);
    koc__free(start(&f));
    assert_int_equal(open_uploads(), PLACES);
    assert_int_equal(status_of(&f, "GET", second, NULL), 404);
    assert_int_equal(status_of(&f, "GET", first, NULL), 204);
}

KOC_TEST(uploads_being_written_are_not_taken_away)
{
    KOC__AUTO_VAL(fixture) f = {0};
    koc__served_exchange *busy[PLACES];
    koc__head head = {.method = "POST", .target = "/v2/a/blobs/uploads/"};
    begin(&f, 0, 0);
    for (int i = 0; i < PLACES; i++) {
        busy[i] = koc__served_exchange_new(&f.server, head.target);
        koc__served_exchange_begin(busy[i], &head);
        assert_int_equal(busy[i]->reply.status, 0);
    }
    koc__served_exchange *x = request(&f, "POST", head.target, NULL, NULL, NULL);
    assert_int_equal(x->reply.status, 429);
    assert_string_equal(header(x, "Retry-After"), "1");
    koc__served_exchange_free(x);
    for (int i = 0; i < PLACES; i++) {
        koc__served_exchange_end(busy[i]);
        assert_int_equal(busy[i]->reply.status, 202);
        koc__served_exchange_free(busy[i]);
    }
}

KOC_TEST(uploads_left_behind_go_when_a_server_starts)
{
    KOC__AUTO_STR empty = NULL;
    KOC__AUTO_STR old = NULL;
    KOC__AUTO_STR fresh = NULL;
    {
        KOC__AUTO_VAL(fixture) f = {0};
        begin(&f, 0, 0);
        empty = start(&f);
        old = start(&f);
        fresh = start(&f);
        koc__served_exchange_free(request(&f, "PATCH", old, "hello ", NULL, NULL));
        koc__served_exchange_free(request(&f, "PATCH", fresh, "hello ", NULL, NULL));
        make_old(empty, 100);
        make_old(old, 2 * 60 * 60);
        make_old(fresh, 100);
    }
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    assert_int_equal(open_uploads(), 1);
    assert_int_equal(status_of(&f, "GET", fresh, NULL), 204);
}

KOC_TEST(uploads_do_not_follow_a_link)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    KOC__AUTO_STR elsewhere = koc__strdup(koc_test_path("elsewhere"));
    assert_int_equal(koc__fs_mkdirs(elsewhere, 0755, NULL), KOC_OK);
    assert_int_equal(symlink(elsewhere, koc_test_path("layout/.koc-uploads")), 0);
    assert_int_equal(status_of(&f, "POST", "/v2/a/blobs/uploads/", NULL), 500);
    KOC__AUTO(koc_strlist) names = NULL;
    assert_int_equal(koc__fs_list(elsewhere, &names, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(names), 0);
}

/* The client sends its next request when it has the reply, before the server has freed the exchange. */
KOC_TEST(uploads_are_released_before_the_reply)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 10);
    KOC__AUTO_STR path = start(&f);
    KOC__AUTO_STR end = koc__format("%s?digest=%s", path, digest_of("hello world"));
    koc__served_exchange *first = request(&f, "PATCH", path, "hello ", NULL, NULL);
    koc__served_exchange *second = request(&f, "PATCH", path, "wo", NULL, NULL);
    koc__served_exchange *third = request(&f, "PATCH", path, "more than ten bytes", NULL, NULL);
    assert_int_equal(first->reply.status, 202);
    assert_int_equal(second->reply.status, 202);
    assert_string_equal(header(second, "Range"), "0-7");
    assert_int_equal(third->reply.status, 413);
    assert_int_equal(status_of(&f, "PUT", end, "rld"), 404);
    koc__served_exchange_free(first);
    koc__served_exchange_free(second);
    koc__served_exchange_free(third);
}

/* The reply to a POST that fails does not name the upload. */
KOC_TEST(uploads_of_a_failed_post_are_removed)
{
    koc__head head = {.method = "POST", .target = "/v2/a/blobs/uploads/"};
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    KOC__AUTO_STR target = koc__format("/v2/a/blobs/uploads/?digest=%s", digest_of("right"));
    koc__served_exchange *x = request(&f, "POST", target, "wrong", NULL, NULL);
    assert_int_equal(x->reply.status, 400);
    assert_int_equal(open_uploads(), 0);
    koc__served_exchange_free(x);
    x = koc__served_exchange_new(&f.server, head.target); /* the connection breaks */
    koc__served_exchange_begin(x, &head);
    assert_int_equal(open_uploads(), 1);
    koc__served_exchange_free(x);
    assert_int_equal(open_uploads(), 0);
}

/* Whether no other descriptor holds the lock of this file, and with it the space of a removed one. */
static bool is_closed(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* A limit to files stands for a full disk. */
KOC_TEST(uploads_on_a_full_disk_are_given_up)
{
    KOC__AUTO_VAL(fixture) f = {0};
    struct rlimit before;
    begin(&f, 0, 0);
    KOC__AUTO_STR path = start(&f);
    KOC__AUTO_STR idle = start(&f);
    koc__served_exchange_free(request(&f, "PATCH", idle, "idle", NULL, NULL));
    make_old(idle, 10 * 60);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {8, before.rlim_max};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction usual;
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &usual), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    KOC__AUTO_STR file = file_of(path);
    KOC__AUTO_FD fd = open(file, O_RDWR | O_CLOEXEC);
    koc__served_exchange *x = request(&f, "PATCH", path, "more than eight bytes", NULL, NULL);
    size_t left = open_uploads();
    bool closed = is_closed(fd);
    setrlimit(RLIMIT_FSIZE, &before);
    sigaction(SIGXFSZ, &usual, NULL);
    assert_int_equal(x->reply.status, 507);
    koc__served_exchange_free(x);
    assert_int_equal(left, 0);
    assert_true(closed);
    assert_int_equal(status_of(&f, "GET", path, NULL), 404);
}

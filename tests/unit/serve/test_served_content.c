/* Layouts of somebody else's: links, pipes, damaged files. */
#include "fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <utime.h>

#include "core/io/fs.h"

static char *path_of(const char *content)
{
    return koc__format("%s/blobs/sha256/%s", koc_test_path("layout"), digest_of(content) + 7);
}

static int get(fixture *f, const char *method, const char *content)
{
    KOC__AUTO_STR target = koc__format("/v2/a/blobs/%s", digest_of(content));
    return status_of(f, method, target, NULL);
}

static void write_file(const char *path, const char *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
}

/* A mount tells whether the server takes the blob for present. */
static bool is_mounted(fixture *f, const char *content)
{
    KOC__AUTO_STR target = koc__format("/v2/b/blobs/uploads/?mount=%s&from=a", digest_of(content));
    return status_of(f, "POST", target, NULL) == 201;
}

KOC_TEST(content_links_pipes_and_directories_are_not_blobs)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    KOC__AUTO_STR secret = koc__strdup(koc_test_write("secret", "s3cret", 6));
    KOC__AUTO_STR link = path_of("s3cret");
    KOC__AUTO_STR pipe = path_of("pipe");
    KOC__AUTO_STR directory = path_of("folder");
    assert_int_equal(symlink(secret, link), 0);
    assert_int_equal(mkfifo(pipe, 0644), 0);
    assert_int_equal(mkdir(directory, 0755), 0);
    static const char *const all[] = {"s3cret", "pipe", "folder"};
    for (size_t i = 0; i < KOC__COUNT(all); i++) {
        assert_int_equal(get(&f, "GET", all[i]), 404);
        assert_int_equal(get(&f, "HEAD", all[i]), 404);
        assert_false(is_mounted(&f, all[i]));
    }
    push_blob(&f, "s3cret"); /* in the place of the link, not through it */
    struct stat st;
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(get(&f, "GET", "s3cret"), 200);
}

KOC_TEST(content_directories_behind_links_are_not_entered)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    push_blob(&f, "hello");
    KOC__AUTO_STR from = koc__strdup(koc_test_path("layout/blobs/sha256"));
    KOC__AUTO_STR to = koc__strdup(koc_test_path("elsewhere"));
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(symlink(to, from), 0);
    assert_int_equal(get(&f, "GET", "hello"), 404);
    KOC__AUTO_STR target = koc__format("/v2/a/blobs/uploads/?digest=%s", digest_of("new"));
    assert_int_equal(status_of(&f, "POST", target, "new"), 500);
    KOC__AUTO_STR written = koc__format("%s/%s", to, digest_of("new") + 7);
    assert_false(koc__fs_exists(written));
}

KOC_TEST(content_wrong_bytes_never_go_out)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    KOC__AUTO_STR path = path_of("hello");
    push_blob(&f, "hello");
    assert_int_equal(get(&f, "GET", "hello"), 200);
    write_file(path, "hellO"); /* at once, and of the same size */
    assert_int_equal(get(&f, "GET", "hello"), 404);
    assert_int_equal(get(&f, "HEAD", "hello"), 404);
    assert_false(is_mounted(&f, "hello"));
    write_file(path, "hello, too long");
    assert_int_equal(get(&f, "GET", "hello"), 404);
    push_blob(&f, "hello"); /* which mends it */
    assert_int_equal(get(&f, "GET", "hello"), 200);
}

/* A verdict lasts as long as the file: one that is old when it is hashed is not hashed again. */
KOC_TEST(content_is_hashed_once_for_each_stamp)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    KOC__AUTO_STR path = path_of("hello");
    koc_digest d;
    uint64_t size = 0;
    push_blob(&f, "hello");
    assert_int_equal(koc_digest_parse(digest_of("hello"), &d, NULL), KOC_OK);
    koc__content_stop(f.server.content); /* hashing fails from here on */
    assert_int_equal(koc__content_check(f.server.content, &d, &size, NULL), KOC_ECANCELLED);
    koc__server_dispose(&f.server);
    koc_serve_options o = KOC_SERVE_OPTIONS_INIT;
    usleep(100 * 1000); /* until its times can tell */
    assert_int_equal(koc__server_init(&f.server, f.ctx, f.layout, &o, &f.call, NULL), KOC_OK);
    assert_int_equal(koc__content_check(f.server.content, &d, &size, NULL), KOC_OK);
    koc__content_stop(f.server.content);
    assert_int_equal(koc__content_check(f.server.content, &d, &size, NULL), KOC_OK);
    assert_int_equal(size, 5);
    write_file(path, "hello"); /* the same bytes: but who knows? */
    assert_int_equal(koc__content_check(f.server.content, &d, &size, NULL), KOC_ECANCELLED);
}

KOC_TEST(content_manifests_name_what_is_right)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    KOC__AUTO_STR m = manifest("{}", NULL);
    KOC__AUTO_STR path = path_of("{}");
    push_blob(&f, "{}");
    write_file(path, "[]");
    assert_int_equal(put(&f, "/v2/a/manifests/v1", m, NULL), 400);
    write_file(path, "{}");
    assert_int_equal(put(&f, "/v2/a/manifests/v1", m, NULL), 201);
    KOC__AUTO_STR own = path_of(m);
    write_file(own, "{\"schemaVersion\":2}");
    assert_int_equal(status_of(&f, "GET", "/v2/a/manifests/v1", NULL), 404);
}

KOC_TEST(content_index_json_is_a_file)
{
    KOC__AUTO_VAL(fixture) f = {0};
    begin(&f, 0, 0);
    KOC__AUTO_STR path = koc__strdup(koc_test_path("layout/index.json"));
    KOC__AUTO_STR other = koc__strdup(koc_test_path("other.json"));
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(mkfifo(path, 0644), 0);
    assert_int_equal(status_of(&f, "GET", "/v2/_catalog", NULL), 500);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(status_of(&f, "GET", "/v2/_catalog", NULL), 500);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(status_of(&f, "GET", "/v2/_catalog", NULL), 200);
}

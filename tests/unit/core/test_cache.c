#include "core/common.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/hash/digests.h"
#include "core/hash/sha256.h"
#include "core/io/cache_layout.h"
#include "core/io/io.h"
#include "core/path.h"
#include "core/run/call.h"
#include "core/str.h"
#include "core/text.h"
#include "test.h"

KOC__DEFINE_AUTO(koc__cache, koc__cache_free);

static koc__cache *open_cache(void)
{
    koc__cache *c = NULL;
    assert_int_equal(koc__cache_open(koc_test_path("cache"), &c, NULL), KOC_OK);
    return c;
}

static bool get_is(koc__cache *c, const char *kind, const char *key, const char *expected)
{
    koc_buf out = KOC_BUF_INIT;
    bool found = false, same;
    assert_int_equal(koc__cache_get(c, kind, koc__str(key), 1 << 20, &found, &out, NULL), KOC_OK);
    same = found && out.len == strlen(expected) && memcmp(out.ptr, expected, out.len) == 0;
    koc_buf_dispose(&out);
    return same;
}

static bool has_record(koc__cache *c, const char *kind, const char *key)
{
    koc_buf out = KOC_BUF_INIT;
    bool found = false;
    assert_int_equal(koc__cache_get(c, kind, koc__str(key), 1 << 20, &found, &out, NULL), KOC_OK);
    koc_buf_dispose(&out);
    return found;
}

static void put(koc__cache *c, const char *kind, const char *key, const char *value)
{
    assert_int_equal(koc__cache_put(c, kind, koc__str(key), koc__str(value), NULL), KOC_OK);
}

/* Where a record or blob lies; the caller frees it. */
static char *record_path(koc__cache *c, const char *kind, const char *key)
{
    koc_digest d;
    koc__sha256_of(key, strlen(key), &d);
    return koc__format("%s/v1/records/%s/%s", c->dir, kind, koc__digest_hex(&d).s);
}

static koc_digest digest_of(const char *text)
{
    koc_digest d;
    koc__sha256_of(text, strlen(text), &d);
    return d;
}

static char *blob_path(koc__cache *c, const char *text)
{
    koc_digest d = digest_of(text);
    return koc__format("%s/v1/blobs/sha256/%s", c->dir, koc__digest_hex(&d).s);
}

static void put_blob(koc__cache *c, const char *text)
{
    koc_digest d = digest_of(text);
    assert_int_equal(koc__cache_put_bytes(c, &d, koc__str(text), NULL), KOC_OK);
}

static bool has_blob(koc__cache *c, const char *text)
{
    koc_digest d = digest_of(text);
    return koc__cache_has_blob(c, &d, strlen(text));
}

static void set_age(const char *path, int64_t seconds)
{
    struct timespec times[2] = {{koc__now() - seconds, 0}, {koc__now() - seconds, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static int64_t atime_age(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return koc__now() - (int64_t)st.st_atime;
}

static void overwrite(const char *path, const void *data, size_t len)
{
    KOC__AUTO_FD fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(koc__fs_write_fd(fd, data, len, path, NULL), KOC_OK);
}

KOC_TEST(cache_keeps_records_between_openings)
{
    koc__cache *c = open_cache();
    assert_false(has_record(c, "kind", "key"));
    put(c, "kind", "key", "value");
    assert_true(get_is(c, "kind", "key", "value"));
    put(c, "kind", "key", "other");
    put(c, "kind", "empty", "");
    koc__cache_free(c);
    c = open_cache();
    assert_true(get_is(c, "kind", "key", "other"));
    assert_true(get_is(c, "kind", "empty", ""));
    assert_false(has_record(c, "kind2", "key"));
    assert_false(has_record(c, "kind", "key2"));
    assert_int_equal(koc__cache_drop(c, "kind", KOC__STR("key"), NULL), KOC_OK);
    assert_int_equal(koc__cache_drop(c, "kind", KOC__STR("key"), NULL), KOC_OK);
    assert_false(has_record(c, "kind", "key"));
    koc__cache_free(c);
}

KOC_TEST(cache_takes_any_bytes_as_key_and_value)
{
    KOC__AUTO(koc__cache) c = open_cache();
    koc_str key = {"../\0/\n", 6}, value = {"\0\n\xff", 3};
    koc_buf out = KOC_BUF_INIT;
    bool found = false;
    assert_int_equal(koc__cache_put(c, "kind", key, value, NULL), KOC_OK);
    assert_int_equal(koc__cache_get(c, "kind", key, 3, &found, &out, NULL), KOC_OK);
    assert_true(found);
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.ptr, value.ptr, 4); /* and the NUL behind it */
    assert_int_equal(koc__cache_get(c, "kind", key, 2, &found, &out, NULL), KOC_OK);
    assert_false(found);
    assert_int_equal(out.len, 3);
    koc_buf_dispose(&out);
}

KOC_TEST(cache_directory_is_private)
{
    KOC__AUTO(koc__cache) c = open_cache();
    struct stat st;
    put(c, "kind", "key", "value");
    assert_int_equal(stat(c->dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    KOC__AUTO_STR path = record_path(c, "kind", "key");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* Every single byte of a record that changes, and every length it may be cut to, must be noticed. */
KOC_TEST(cache_never_gives_a_damaged_record)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO_STR path = record_path(c, "kind", "key");
    KOC__AUTO_VAL(koc__dynbuf) whole = KOC__DYNBUF_INIT(1000);
    put(c, "kind", "key", "the value");
    assert_int_equal(koc__fs_read_file(path, &whole, NULL), KOC_OK);
    for (size_t i = 0; i < whole.len; i++) {
        whole.ptr[i] ^= 1;
        overwrite(path, whole.ptr, whole.len);
        assert_false(has_record(c, "kind", "key"));
        whole.ptr[i] ^= 1;
        overwrite(path, whole.ptr, i);
        assert_false(has_record(c, "kind", "key"));
    }
    KOC__AUTO_STR longer = koc__format("%sx", whole.ptr);
    overwrite(path, longer, whole.len + 1);
    assert_false(has_record(c, "kind", "key"));
    memset(longer, 0, whole.len); /* what a crash of the machine can leave */
    overwrite(path, longer, whole.len);
    assert_false(has_record(c, "kind", "key"));
    overwrite(path, whole.ptr, whole.len);
    assert_true(get_is(c, "kind", "key", "the value"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(has_record(c, "kind", "key"));
}

KOC_TEST(cache_does_not_take_one_record_for_another)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO_STR a = record_path(c, "kind", "a");
    KOC__AUTO_STR b = record_path(c, "kind", "b");
    put(c, "kind", "a", "value");
    put(c, "kind", "b", "other");
    assert_int_equal(rename(a, b), 0);
    assert_false(has_record(c, "kind", "b"));
    KOC__AUTO_STR directory = koc__format("%s/v1/records/kind2", c->dir);
    put(c, "kind", "a", "value");
    assert_int_equal(mkdir(directory, 0700), 0);
    KOC__AUTO_STR other_kind = record_path(c, "kind2", "a");
    assert_int_equal(rename(a, other_kind), 0);
    assert_false(has_record(c, "kind2", "a"));
}

KOC_TEST(cache_follows_no_link_to_a_record)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO_STR path = record_path(c, "kind", "key");
    const char *elsewhere = koc_test_path("elsewhere");
    put(c, "kind", "key", "value");
    assert_int_equal(rename(path, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, path), 0);
    assert_false(has_record(c, "kind", "key"));
}

KOC_TEST(cache_keeps_blobs)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO(koc_blob) b = NULL;
    koc_digest d = digest_of("hello");
    koc_buf out = KOC_BUF_INIT;
    assert_false(has_blob(c, "hello"));
    assert_int_equal(koc__cache_blob(c, &d, 5, &b, NULL), KOC_ENOTFOUND);
    put_blob(c, "hello");
    put_blob(c, "hello");
    assert_true(has_blob(c, "hello"));
    assert_int_equal(koc__cache_blob(c, &d, 5, &b, NULL), KOC_OK);
    assert_int_equal(koc_blob_read_all(b, 10, NULL, &out, NULL), KOC_OK);
    assert_string_equal(out.ptr, "hello");
    assert_non_null(koc__blob_path(b));
    koc_buf_dispose(&out);
}

KOC_TEST(cache_takes_blobs_as_files)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO_VAL(koc__tempfile) t = KOC__TEMPFILE_INIT;
    koc_digest d = digest_of("hello");
    koc_digest wide = {.algorithm = KOC_DIGEST_SHA512, .len = 64};
    assert_int_equal(koc__cache_tempfile(c, &t, NULL), KOC_OK);
    assert_int_equal(koc__fs_write_fd(t.fd, "hello", 5, "t", NULL), KOC_OK);
    assert_false(has_blob(c, "hello"));
    assert_int_equal(koc__cache_put_file(c, &d, &t, NULL), KOC_OK);
    assert_int_equal(t.fd, -1);
    assert_true(has_blob(c, "hello"));
    assert_int_equal(koc__cache_put_bytes(c, &wide, KOC__STR("x"), NULL), KOC_OK);
    assert_true(koc__cache_has_blob(c, &wide, 1));
}

KOC_TEST(cache_drops_a_blob_of_the_wrong_size)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO_STR path = blob_path(c, "hello");
    koc_digest d = digest_of("hello");
    koc_blob *b = NULL;
    put_blob(c, "hello");
    overwrite(path, "hell", 4);
    assert_int_equal(koc__cache_blob(c, &d, 5, &b, NULL), KOC_ENOTFOUND);
    assert_false(koc__fs_exists(path));
    put_blob(c, "hello");
    assert_true(has_blob(c, "hello"));
}

KOC_TEST(cache_drops_a_corrupted_blob_when_it_is_read)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO_STR path = blob_path(c, "hello");
    KOC__AUTO(koc_blob) b = NULL;
    koc_digest d = digest_of("hello");
    koc_buf out = KOC_BUF_INIT;
    put_blob(c, "hello");
    overwrite(path, "hellp", 5);
    assert_int_equal(koc__cache_blob(c, &d, 5, &b, NULL), KOC_OK);
    assert_int_equal(koc_blob_read_all(b, 10, NULL, &out, NULL), KOC_EDIGEST);
    assert_false(koc__fs_exists(path));
    assert_false(has_blob(c, "hello"));
}

KOC_TEST(cache_notes_use_when_the_last_one_is_long_ago)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO_STR blob = blob_path(c, "hello");
    KOC__AUTO_STR record = record_path(c, "kind", "key");
    put_blob(c, "hello");
    put(c, "kind", "key", "value");
    set_age(blob, 5 * 3600);
    set_age(record, 5 * 3600);
    assert_true(has_blob(c, "hello"));
    assert_true(has_record(c, "kind", "key"));
    assert_true(atime_age(blob) < 100);
    assert_true(atime_age(record) < 100);
    set_age(blob, -1000000); /* a clock set back */
    assert_true(has_blob(c, "hello"));
    assert_true(atime_age(blob) >= 0);
}

KOC_TEST(cache_without_a_cache_finds_and_keeps_nothing)
{
    koc_digest d = digest_of("hello");
    koc__tempfile t = KOC__TEMPFILE_INIT;
    koc_blob *b = NULL;
    put(NULL, "kind", "key", "value");
    assert_false(has_record(NULL, "kind", "key"));
    assert_int_equal(koc__cache_drop(NULL, "kind", KOC__STR("key"), NULL), KOC_OK);
    put_blob(NULL, "hello");
    assert_false(has_blob(NULL, "hello"));
    assert_int_equal(koc__cache_blob(NULL, &d, 5, &b, NULL), KOC_ENOTFOUND);
    assert_int_equal(koc__cache_tempfile(NULL, &t, NULL), KOC_EMISUSE);
    koc__cache_free(NULL);
}

/* --no-cache: what was kept before is not used, what this build keeps is. */
KOC_TEST(cache_that_is_off_gives_fresh_blobs_only)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO(koc_blob) b = NULL;
    koc_digest d = digest_of("hello");
    put_blob(c, "hello");
    koc__cache_set_off(c, true);
    assert_false(has_blob(c, "hello"));
    assert_int_equal(koc__cache_blob(c, &d, 5, &b, NULL), KOC_ENOTFOUND);
    koc__cache_set_off(c, false);
    assert_int_equal(koc__cache_blob(c, &d, 5, &b, NULL), KOC_OK);
}

KOC_TEST(cache_that_cannot_be_made_is_an_error)
{
    koc__cache *c = NULL;
    koc_error *err = NULL;
    koc_test_write("file", "", 0);
    assert_int_equal(koc__cache_open(koc_test_path("file/cache"), &c, &err), KOC_ENOTFOUND);
    assert_non_null(strstr(koc_error_message(err), "file"));
    koc_error_free(err);
    assert_null(c);
    if (geteuid() == 0) {
        return; /* may write anywhere */
    }
    assert_int_equal(mkdir(koc_test_path("locked"), 0500), 0);
    assert_int_equal(koc__cache_open(koc_test_path("locked"), &c, NULL), KOC_EIO);
}

KOC_TEST(cache_of_another_user_is_refused)
{
    koc__cache *c = open_cache();
    KOC__AUTO_STR root = koc__path_join(c->dir, "v1");
    koc__cache_free(c);
    c = NULL;
    if (geteuid() != 0) {
        print_message("skipped: root is needed\n");
        skip();
    }
    assert_int_equal(chown(root, 12345, 12345), 0);
    assert_int_equal(koc__cache_open(koc_test_path("cache"), &c, NULL), KOC_EINVAL);
    assert_int_equal(chown(root, 0, 0), 0);
}

KOC_TEST(cache_directory_is_made_once)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO_STR a = NULL;
    KOC__AUTO_STR b = NULL;
    assert_int_equal(koc__cache_directory(c, "bin", KOC__STR("key"), &a, NULL), KOC_OK);
    assert_true(koc__fs_is_dir(a));
    set_age(a, 5 * 3600);
    assert_int_equal(koc__cache_directory(c, "bin", KOC__STR("key"), &b, NULL), KOC_OK);
    assert_string_equal(a, b);
    assert_true(atime_age(a) < 100);
}

/* Processes. They are forked before any thread is started and end with _exit. */

static pid_t fork_child(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    return pid;
}

static void assert_child_good(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* A value of a length that depends on n, all of one letter. */
static size_t make_value(char *out, unsigned n)
{
    size_t len = 1 + (n * 7919) % 20000;
    memset(out, 'a' + (int)(n % 26), len);
    return len;
}

static bool value_is_whole(const char *p, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        if (p[i] != p[0]) {
            return false;
        }
    }
    return len > 0;
}

KOC_TEST(cache_two_processes_never_see_half_a_record)
{
    static char value[20001];
    KOC__AUTO(koc__cache) c = open_cache();
    pid_t pid = fork_child();
    if (pid == 0) {
        for (unsigned n = 0; n < 300; n++) {
            size_t len = make_value(value, n);

            if (koc__cache_put(c, "kind", KOC__STR("key"), koc__str_n(value, len), NULL) !=
                KOC_OK) {
                _exit(1);
            }
        }
        _exit(0);
    }
    bool seen = false;

    for (unsigned n = 0; n < 300; n++) {
        koc_buf out = KOC_BUF_INIT;
        bool found = false;

        assert_int_equal(koc__cache_get(c, "kind", KOC__STR("key"), 30000, &found, &out, NULL),
                         KOC_OK);
        assert_true(found || !seen); /* once there it stays: replacing leaves no gap */
        seen = found;
        assert_true(!found || value_is_whole(out.ptr, out.len));
        koc_buf_dispose(&out);
        make_value(value, n + 7);
        assert_int_equal(koc__cache_put(c, "kind", KOC__STR("key"),
                                        koc__str_n(value, make_value(value, n + 7)), NULL),
                         KOC_OK);
        seen = true;
    }
    assert_child_good(pid);
}

KOC_TEST(cache_survives_kill_9_at_any_moment)
{
    static char value[20001];
    KOC__AUTO(koc__cache) c = open_cache();
    for (unsigned round = 0; round < 40; round++) {
        pid_t pid = fork_child();

        if (pid == 0) {
            for (unsigned n = round;; n++) {
                koc_digest d;
                size_t len = make_value(value, n);

                (void)koc__cache_put(c, "kind", KOC__STR("key"), koc__str_n(value, len), NULL);
                koc__sha256_of(value, len, &d);
                (void)koc__cache_put_bytes(c, &d, koc__str_n(value, len), NULL);
            }
        }
        usleep(500 + round * 137);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        koc_buf out = KOC_BUF_INIT;
        bool found = false;

        assert_int_equal(koc__cache_get(c, "kind", KOC__STR("key"), 30000, &found, &out, NULL),
                         KOC_OK);
        assert_true(!found || value_is_whole(out.ptr, out.len));
        koc_buf_dispose(&out);
    }
    KOC__AUTO_STR blobs = koc__format("%s/v1/blobs/sha256", c->dir);
    KOC__AUTO(koc_strlist) names = NULL;

    assert_int_equal(koc__fs_list(blobs, &names, NULL), KOC_OK);
    for (size_t i = 0; i < koc_strlist_count(names); i++) {
        KOC__AUTO_STR path = koc__path_join(blobs, koc_strlist_get(names, i));
        KOC__AUTO_VAL(koc__dynbuf) content = KOC__DYNBUF_INIT(30000);
        koc_digest d;

        assert_int_equal(koc__fs_read_file(path, &content, NULL), KOC_OK);
        koc__sha256_of(content.ptr, content.len, &d);
        assert_string_equal(koc__digest_hex(&d).s, koc_strlist_get(names, i));
    }
}

KOC_TEST(cache_lock_excludes_another_process_until_it_is_killed)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_op user = KOC_OP_INIT;
    int ready[2], fd = -1;
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        int held = -1;

        if (koc__cache_lock(c, "link", KOC__STR("key"), NULL, &held, NULL) != KOC_OK ||
            write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        for (;;) {
            pause();
        }
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    user.timeout_ms = 100;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    assert_int_equal(koc__cache_lock(c, "link", KOC__STR("key"), &call, &fd, NULL), KOC_ETIMEOUT);
    assert_int_equal(fd, -1);
    assert_int_equal(koc__cache_lock(c, "link", KOC__STR("other"), NULL, &fd, NULL), KOC_OK);
    close(fd);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(koc__cache_lock(c, "link", KOC__STR("key"), NULL, &fd, NULL), KOC_OK);
    close(fd);
    close(ready[0]);
    close(ready[1]);
}

typedef struct counting {
    koc__cache *cache;
    const char *path; /* of the lock file */
    atomic_int *inside;
    bool good;
} counting;

static void *count_under_lock(void *arg)
{
    counting *s = arg;
    s->good = true;
    for (int i = 0; i < 20; i++) {
        int fd = -1;

        if (koc__cache_lock(s->cache, "link", KOC__STR("key"), NULL, &fd, NULL) != KOC_OK) {
            s->good = false;
            break;
        }
        s->good = s->good && ++*s->inside == 1;
        --*s->inside;
        /* A lock file that goes away under those who wait for it must not let two of them in. */
        if (i % 5 == 0) {
            s->good = s->good && unlink(s->path) == 0;
        }
        close(fd);
    }
    return NULL;
}

KOC_TEST(cache_lock_excludes_other_threads_even_when_its_file_is_removed)
{
    KOC__AUTO(koc__cache) c = open_cache();
    pthread_t threads[4];
    counting states[4];
    atomic_int inside = 0;
    koc_digest d = digest_of("key");
    KOC__AUTO_STR path = koc__format("%s/v1/locks/link.%s", c->dir, koc__digest_hex(&d).s);
    for (size_t i = 0; i < 4; i++) {
        states[i] = (counting){c, path, &inside, false};
        assert_int_equal(pthread_create(&threads[i], NULL, count_under_lock, &states[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(states[i].good);
    }
}

/* Pruning. */

KOC_TEST(cache_prune_removes_the_least_recently_used_first)
{
    KOC__AUTO(koc__cache) c = open_cache();
    static const char *const texts[] = {"one", "two", "three", "four"};
    uint64_t freed = 0;
    for (int i = 0; i < 4; i++) {
        put_blob(c, texts[i]);
        KOC__AUTO_STR path = blob_path(c, texts[i]);
        set_age(path, (10 - i) * 24 * 3600);
    }
    /* Each takes at least a block; looking one up makes it the youngest. */
    assert_true(has_blob(c, "one"));
    assert_int_equal(koc__cache_prune(c, UINT64_MAX, &freed, NULL), KOC_OK);
    assert_int_equal(freed, 0);
    struct stat st;
    KOC__AUTO_STR path = blob_path(c, "two");
    assert_int_equal(stat(path, &st), 0);
    uint64_t each = KOC__MAX((uint64_t)st.st_size, (uint64_t)st.st_blocks * 512);

    if (each < 512) {
        print_message("skipped: this file system does not tell what a small file takes\n");
        skip();
    }
    assert_int_equal(koc__cache_prune(c, 2 * each, &freed, NULL), KOC_OK);
    assert_int_equal(freed, 2 * each);
    assert_true(has_blob(c, "one"));
    assert_false(has_blob(c, "two"));
    assert_false(has_blob(c, "three"));
    assert_true(has_blob(c, "four"));
}

KOC_TEST(cache_prune_spares_what_was_used_within_the_hour)
{
    KOC__AUTO(koc__cache) c = open_cache();
    uint64_t freed = 7;
    put_blob(c, "young");
    put(c, "kind", "old", "value");
    put(c, "kind", "young", "value");
    KOC__AUTO_STR old = record_path(c, "kind", "old");
    KOC__AUTO_STR young = record_path(c, "kind", "young");
    set_age(old, 3700);
    set_age(young, 3500);
    assert_int_equal(koc__cache_prune(c, 0, &freed, NULL), KOC_OK);
    assert_true(freed > 0);
    assert_false(has_record(c, "kind", "old"));
    assert_true(has_record(c, "kind", "young"));
    assert_true(has_blob(c, "young"));
}

static char *old_directory(koc__cache *c, const char *key)
{
    char *directory = NULL;
    assert_int_equal(koc__cache_directory(c, "bin", koc__str(key), &directory, NULL), KOC_OK);
    KOC__AUTO_STR file = koc__path_join(directory, "deep/file");
    KOC__AUTO_STR deep = koc__path_join(directory, "deep");
    assert_int_equal(koc__fs_mkdirs(deep, 0700, NULL), KOC_OK);
    assert_int_equal(koc__fs_write_file(file, KOC__STR("0123456789"), 0600, NULL), KOC_OK);
    set_age(file, 7200);
    set_age(deep, 7200);
    set_age(directory, 7200);
    return directory;
}

KOC_TEST(cache_prune_removes_directories_whole_unless_locked_or_in_use)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO_STR idle = old_directory(c, "idle");
    KOC__AUTO_STR locked = old_directory(c, "locked");
    KOC__AUTO_STR active = old_directory(c, "active");
    KOC__AUTO_STR file = koc__path_join(active, "deep/file");
    KOC__AUTO_FD fd = -1;
    uint64_t freed = 0;
    assert_int_equal(koc__cache_lock(c, "bin", KOC__STR("locked"), NULL, &fd, NULL), KOC_OK);
    set_age(file, 10); /* a file in it was written just now */
    assert_int_equal(koc__cache_prune(c, 0, &freed, NULL), KOC_OK);
    assert_false(koc__fs_exists(idle));
    assert_true(koc__fs_exists(locked));
    assert_true(koc__fs_exists(file));
    assert_true(freed >= 10);
    /* Scanning is no use: a second look finds the same ages. */
    close(koc__steal_fd(&fd));
    assert_int_equal(koc__cache_prune(c, 0, &freed, NULL), KOC_OK);
    assert_false(koc__fs_exists(locked));
    KOC__AUTO_STR tmp = koc__format("%s/v1/tmp", c->dir);
    KOC__AUTO(koc_strlist) names = NULL;
    assert_int_equal(koc__fs_list(tmp, &names, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(names), 0);
}

KOC_TEST(cache_prune_sweeps_what_killed_processes_left)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO_STR stale = koc__format("%s/v1/tmp/.koc-stale", c->dir);
    KOC__AUTO_STR fresh = koc__format("%s/v1/tmp/.koc-fresh", c->dir);
    KOC__AUTO_STR locks = koc__format("%s/v1/locks", c->dir);
    KOC__AUTO(koc_strlist) names = NULL;
    int held = -1, released = -1;
    overwrite(stale, "x", 1);
    overwrite(fresh, "x", 1);
    set_age(stale, 25 * 3600);
    set_age(fresh, 23 * 3600);
    assert_int_equal(koc__cache_lock(c, "link", KOC__STR("held"), NULL, &held, NULL), KOC_OK);
    assert_int_equal(koc__cache_lock(c, "link", KOC__STR("free"), NULL, &released, NULL), KOC_OK);
    close(released);
    assert_int_equal(koc__fs_list(locks, &names, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(names), 2);
    for (size_t i = 0; i < 2; i++) {
        KOC__AUTO_STR path = koc__path_join(locks, koc_strlist_get(names, i));
        set_age(path, 25 * 3600);
    }
    assert_int_equal(koc__cache_prune(c, UINT64_MAX, NULL, NULL), KOC_OK);
    assert_false(koc__fs_exists(stale));
    assert_true(koc__fs_exists(fresh));
    koc_strlist_free(koc__steal(&names));
    assert_int_equal(koc__fs_list(locks, &names, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(names), 1);
    close(held);
}

KOC_TEST(cache_prune_does_nothing_while_another_prunes)
{
    KOC__AUTO(koc__cache) c = open_cache();
    KOC__AUTO_STR lock = koc__format("%s/v1/prune.lock", c->dir);
    KOC__AUTO_STR path = record_path(c, "kind", "old");
    KOC__AUTO_FD fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    uint64_t freed = 7;
    put(c, "kind", "old", "value");
    set_age(path, 7200);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(koc__cache_prune(c, 0, &freed, NULL), KOC_OK);
    assert_int_equal(freed, 0);
    assert_true(koc__fs_exists(path));
}

KOC_TEST(cache_survives_running_out_of_memory)
{
    int rc = KOC_ENOMEM;
    for (uint64_t n = 1; rc != KOC_OK && n < 200; n++) {
        KOC__AUTO(koc__cache) c = NULL;
        koc_digest d = digest_of("hello");
        KOC__AUTO(koc_blob) b = NULL;
        KOC__AUTO_STR directory = NULL;
        koc_buf out = KOC_BUF_INIT;
        bool found = false;
        int fd = -1;

        koc__alloc_fail_after(n);
        rc = koc__cache_open(koc_test_path("cache"), &c, NULL);
        rc = rc ? rc : koc__cache_put(c, "kind", KOC__STR("key"), KOC__STR("value"), NULL);
        rc = rc ? rc : koc__cache_get(c, "kind", KOC__STR("key"), 10, &found, &out, NULL);
        rc = rc ? rc : koc__cache_put_bytes(c, &d, KOC__STR("hello"), NULL);
        rc = rc ? rc : koc__cache_blob(c, &d, 5, &b, NULL);
        rc = rc ? rc : koc__cache_directory(c, "bin", KOC__STR("key"), &directory, NULL);
        rc = rc ? rc : koc__cache_lock(c, "bin", KOC__STR("key"), NULL, &fd, NULL);
        rc = rc ? rc : koc__cache_prune(c, 0, NULL, NULL);
        koc__alloc_fail_after(0);
        /* has_blob has no way to tell, so running out there looks like a missing blob. */
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM || rc == KOC_ENOTFOUND);
        if (fd >= 0) {
            close(fd);
        }
        koc_buf_dispose(&out);
    }
    assert_int_equal(rc, KOC_OK);
}

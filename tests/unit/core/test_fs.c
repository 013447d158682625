#include "core/common.h"

#include <unistd.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "core/io/fs.h"
#include "core/path.h"
#include "core/str.h"
#include "helper.h"

KOC_TEST(fs_read_file_appends_and_obeys_the_ceiling)
{
    const char *path = koc_test_write("f", "12345678", 8);
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(10);
    koc_error *err = NULL;
    assert_int_equal(koc__dynbuf_puts(&b, "ab", NULL), KOC_OK);
    assert_int_equal(koc__fs_read_file(path, &b, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&b), "ab12345678");
    assert_int_equal(koc__fs_read_file(path, &b, &err), KOC_ELIMIT);
    assert_non_null(strstr(koc_error_message(err), path));
    assert_string_equal(koc__dynbuf_cstr(&b), "ab12345678");
    koc_error_free(err);
}

KOC_TEST(fs_read_file_reads_every_size_around_its_steps)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 200000};
    char *data = malloc(200000);
    assert_non_null(data);
    memset(data, 'x', 200000);
    for (size_t i = 0; i < KOC__COUNT(sizes); i++) {
        const char *path = koc_test_write("f", data, sizes[i]);
        KOC__AUTO_VAL(koc__dynbuf) fits = KOC__DYNBUF_INIT(sizes[i]);
        KOC__AUTO_VAL(koc__dynbuf) small = KOC__DYNBUF_INIT(sizes[i] ? sizes[i] - 1 : 0);

        assert_int_equal(koc__fs_read_file(path, &fits, NULL), KOC_OK);
        assert_int_equal(fits.len, sizes[i]);
        if (sizes[i] > 0) {
            assert_int_equal(koc__fs_read_file(path, &small, NULL), KOC_ELIMIT);
        }
    }
    free(data);
}

/* Files without a size (pipes, /proc) must not get past the ceiling either. */
KOC_TEST(fs_read_file_limits_a_file_of_unknown_size)
{
    const char *path = koc_test_path("fifo");
    static const char data[3000] = {'x'};
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(2999);
    KOC__AUTO_FD fd = -1;
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDWR | O_CLOEXEC); /* both ends: nothing blocks */
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, sizeof(data)), sizeof(data));
    assert_int_equal(koc__fs_read_any(path, NULL, &b, NULL), KOC_ELIMIT);
    assert_int_equal(b.len, 0);
}

KOC_TEST(fs_open_read_refuses_directories_and_names_what_is_missing)
{
    KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(10);
    koc_error *err = NULL;
    int fd = -1;
    assert_int_equal(koc__fs_open_read(koc_test_dir(), &fd, NULL), KOC_EIO);
    KOC__AUTO(koc_error) dangling = NULL;
    assert_int_equal(symlink("nowhere", koc_test_path("dangling")), 0);
    assert_int_equal(koc__fs_open_read(koc_test_path("dangling"), &fd, &dangling), KOC_ENOTFOUND);
    assert_non_null(strstr(koc_error_message(dangling), "it is a dangling link"));
    assert_int_equal(koc__fs_read_file(koc_test_path("none"), &b, &err), KOC_ENOTFOUND);
    assert_non_null(strstr(koc_error_message(err), "none: No such file"));
    assert_int_equal(fd, -1);
    koc_error_free(err);
}

KOC_TEST(fs_write_file_replaces_and_leaves_nothing_behind)
{
    const char *path = koc_test_path("out");
    assert_int_equal(koc__fs_write_file(path, KOC__STR("one"), 0644, NULL), KOC_OK);
    assert_content(path, "one");
    assert_int_equal(koc__fs_write_file(path, KOC__STR(""), 0600, NULL), KOC_OK);
    assert_content(path, "");
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(count_files(koc_test_dir()), 1);
}

KOC_TEST(fs_write_file_honours_the_umask)
{
    const char *path = koc_test_path("out");
    mode_t before = umask(027);
    int rc = koc__fs_write_file(path, KOC__STR("x"), 0666, NULL);
    int exec_rc = koc__fs_write_file(koc_test_path("exec"), KOC__STR("x"), 0755, NULL);

    umask(before);
    assert_int_equal(rc, KOC_OK);
    assert_int_equal(exec_rc, KOC_OK);
    assert_int_equal(mode_of(path), 0640);
    assert_int_equal(mode_of(koc_test_path("exec")), 0750);
}

KOC_TEST(fs_write_file_fails_whole)
{
    const char *dir = koc_test_path("d");
    koc_error *err = NULL;
    assert_int_equal(mkdir(dir, 0700), 0);
    /* A directory is in the way. */
    assert_int_equal(koc__fs_write_file(dir, KOC__STR("x"), 0600, &err), KOC_EIO);
    assert_non_null(strstr(koc_error_message(err), dir));
    koc_error_free(err);
    assert_int_equal(count_files(koc_test_dir()), 1);
}

KOC_TEST(fs_tempfile_disappears_unless_published)
{
    koc__tempfile t = KOC__TEMPFILE_INIT;
    const char *dir = koc_test_path("a/b");
    KOC__AUTO_STR path = koc__path_join(dir, "named");
    assert_int_equal(koc__tempfile_new(dir, &t, NULL), KOC_OK);
    assert_int_equal(mode_of(t.path), 0600);
    assert_int_equal(fcntl(t.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    koc__tempfile_dispose(&t);
    assert_int_equal(count_files(dir), 0);
    assert_int_equal(t.fd, -1);
    assert_int_equal(koc__tempfile_new(dir, &t, NULL), KOC_OK);
    assert_int_equal(koc__fs_write_fd(t.fd, "hello", 5, "it", NULL), KOC_OK);
    assert_int_equal(koc__tempfile_publish(&t, koc_test_path("no/such/folder"), 0600, NULL),
                     KOC_ENOTFOUND);
    assert_int_equal(koc__tempfile_publish(&t, path, 0600, NULL), KOC_OK);
    assert_int_equal(t.fd, -1);
    assert_null(t.path);
    assert_content(path, "hello");
    assert_int_equal(count_files(dir), 1);
    koc__tempfile_dispose(&t);
}

KOC_TEST(fs_mkdirs_makes_parents_and_takes_what_is_there)
{
    const char *path = koc_test_path("x/y/z");
    koc_error *err = NULL;
    assert_int_equal(koc__fs_mkdirs(path, 0700, NULL), KOC_OK);
    assert_int_equal(mode_of(path), 0700);
    assert_int_equal(koc__fs_mkdirs(path, 0700, NULL), KOC_OK);
    assert_int_equal(koc__fs_mkdirs(koc_test_path("x/y/z2/"), 0700, NULL), KOC_OK);
    assert_true(koc__fs_is_dir(koc_test_path("x/y/z2")));
    koc_test_write("file", "", 0);
    assert_int_equal(koc__fs_mkdirs(koc_test_path("file"), 0700, &err), KOC_ENOTFOUND);
    assert_non_null(strstr(koc_error_message(err), "Not a directory"));
    koc__error_clear(&err);
    assert_int_equal(koc__fs_mkdirs(koc_test_path("file/below"), 0700, NULL), KOC_ENOTFOUND);
    assert_int_equal(koc__fs_mkdirs("", 0700, NULL), KOC_ENOTFOUND);
}

KOC_TEST(fs_predicates_follow_links)
{
    const char *file = koc_test_write("file", "", 0);
    const char *link = koc_test_path("link");
    const char *broken = koc_test_path("broken");
    assert_int_equal(symlink(file, link), 0);
    assert_int_equal(symlink("nowhere", broken), 0);
    assert_true(koc__fs_is_file(link));
    assert_true(koc__fs_exists(link));
    assert_false(koc__fs_is_dir(link));
    assert_false(koc__fs_exists(broken));
    assert_true(koc__fs_is_dir(koc_test_dir()));
}

KOC_TEST(fs_realpath_resolves_links)
{
    KOC__AUTO_STR expected = NULL;
    KOC__AUTO_STR actual = NULL;
    const char *file = koc_test_write("file", "", 0);
    const char *link = koc_test_path("link");
    assert_int_equal(symlink("file", link), 0);
    assert_int_equal(koc__fs_realpath(file, &expected, NULL), KOC_OK);
    assert_int_equal(koc__fs_realpath(link, &actual, NULL), KOC_OK);
    assert_string_equal(actual, expected);
    assert_int_equal(koc__fs_realpath(koc_test_path("none"), &actual, NULL), KOC_ENOTFOUND);
}

KOC_TEST(fs_remove_takes_a_tree_and_follows_no_link)
{
    KOC__AUTO_STR top = koc__strdup(koc_test_path("top"));
    KOC__AUTO_STR outside = koc__strdup(koc_test_path("outside"));
    assert_int_equal(koc__fs_mkdirs(koc_test_path("top/a/b/c"), 0700, NULL), KOC_OK);
    assert_int_equal(mkdir(outside, 0700), 0);
    koc_test_write("outside/precious", "1", 1);
    koc_test_write("top/a/file", "1", 1);
    assert_int_equal(symlink(outside, koc_test_path("top/a/link")), 0);
    assert_int_equal(symlink("../..", koc_test_path("top/a/b/up")), 0);
    assert_int_equal(chmod(koc_test_path("top/a/b"), 0500), 0); /* as in Go's module cache */
    assert_int_equal(koc__fs_remove(top, NULL), KOC_OK);
    assert_false(koc__fs_exists(top));
    assert_true(koc__fs_exists(koc_test_path("outside/precious")));
    assert_int_equal(koc__fs_remove(top, NULL), KOC_OK);
    assert_int_equal(symlink(outside, top), 0);
    assert_int_equal(koc__fs_remove(top, NULL), KOC_OK);
    assert_true(koc__fs_exists(koc_test_path("outside/precious")));
}

KOC_TEST(fs_remove_gives_up_on_absurd_depth)
{
    KOC__AUTO_FD here = open(".", O_RDONLY | O_CLOEXEC);
    koc_error *err = NULL;
    assert_int_equal(chdir(koc_test_dir()), 0);
    for (int i = 0; i < 220; i++) {
        assert_int_equal(mkdir("d", 0700), 0);
        assert_int_equal(chdir("d"), 0);
    }
    assert_int_equal(fchdir(here), 0);
    assert_int_equal(koc__fs_remove(koc_test_path("d"), &err), KOC_ELIMIT);
    koc_error_free(err);
}

KOC_TEST(fs_remove_names_what_it_cannot_remove)
{
    koc_error *err = NULL;
    KOC__AUTO_STR below = koc__strdup(koc_test_path("file/below"));
    koc_test_write("file", "1", 1);
    assert_int_equal(koc__fs_remove(below, &err), KOC_ENOTFOUND);
    assert_non_null(strstr(koc_error_message(err), "cannot remove "));
    assert_non_null(strstr(koc_error_message(err), "file/below: "));
    koc__error_clear(&err);
    assert_true(koc__fs_exists(koc_test_path("file")));
    if (!koc__fs_exists("/proc/self/cmdline")) {
        return;
    }
    /* No process may remove what is there, not even that of root. */
    assert_int_not_equal(koc__fs_remove("/proc/self/cmdline", &err), KOC_OK);
    assert_non_null(strstr(koc_error_message(err), "cannot remove /proc/self/cmdline: "));
    koc__error_clear(&err);
    assert_int_not_equal(koc__fs_remove("/proc/self/task", &err), KOC_OK);
    assert_non_null(strstr(koc_error_message(err), " in /proc/self/task: "));
    koc_error_free(err);
}

KOC_TEST(fs_list_sorts_by_bytes)
{
    KOC__AUTO(koc_strlist) names = NULL;
    static const char *const expected[] = {".hidden", "B", "a", "\xc3\xa4"};
    for (size_t i = 0; i < 4; i++) {
        koc_test_write(expected[3 - i], "", 0);
    }
    assert_int_equal(koc__fs_list(koc_test_dir(), &names, NULL), KOC_OK);
    assert_int_equal(koc_strlist_count(names), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(koc_strlist_get(names, i), expected[i]);
    }
    assert_int_equal(koc__fs_list(koc_test_path("none"), &names, NULL), KOC_ENOTFOUND);
}

KOC_TEST(fs_tempdir_makes_a_private_directory)
{
    KOC__AUTO_STR a = NULL;
    KOC__AUTO_STR b = NULL;
    assert_int_equal(koc__fs_tempdir("koc-unit-", &a, NULL), KOC_OK);
    assert_int_equal(koc__fs_tempdir("koc-unit-", &b, NULL), KOC_OK);
    assert_string_not_equal(a, b);
    assert_int_equal(mode_of(a), 0700);
    assert_non_null(strstr(a, "/koc-unit-"));
    assert_int_equal(koc__fs_remove(a, NULL), KOC_OK);
    assert_int_equal(koc__fs_remove(b, NULL), KOC_OK);
}

KOC_TEST(fs_stamp_sees_same_size_edits_modes_and_replacement)
{
    const char *path = koc_test_write("f", "one", 3);
    struct timespec past[2] = {{1000, 5}, {1000, 5}};
    koc__stamp a, b;
    assert_int_equal(utimensat(AT_FDCWD, path, past, 0), 0);
    assert_int_equal(koc__fs_stamp(path, true, &a, NULL), KOC_OK);
    assert_int_equal(a.size, 3);
    assert_int_equal(a.mtime_ns, 1000000000005);
    assert_int_equal(koc__fs_stamp(path, true, &b, NULL), KOC_OK);
    assert_true(koc__stamp_equal(&a, &b));
    usleep(20000); /* the clock behind ctime ticks slowly */
    koc_test_write("f", "two", 3);
    assert_int_equal(utimensat(AT_FDCWD, path, past, 0), 0);
    assert_int_equal(koc__fs_stamp(path, true, &b, NULL), KOC_OK);
    assert_false(koc__stamp_equal(&a, &b)); /* ctime tells, though mtime and size were put back */
    assert_int_equal(koc__fs_stamp(koc_test_path("none"), true, &b, NULL), KOC_ENOTFOUND);
}

KOC_TEST(fs_stamp_follows_links_only_when_asked)
{
    koc__stamp link, target;
    const char *path = koc_test_path("link");
    koc_test_write("f", "12345", 5);
    assert_int_equal(symlink("f", path), 0);
    assert_int_equal(koc__fs_stamp(path, false, &link, NULL), KOC_OK);
    assert_int_equal(koc__fs_stamp(path, true, &target, NULL), KOC_OK);
    assert_true(S_ISLNK(link.mode));
    assert_true(S_ISREG(target.mode));
    assert_int_equal(target.size, 5);
}

KOC_TEST(fs_write_fd_reports_a_full_device)
{
    KOC__AUTO_FD fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    koc_error *err = NULL;
    if (fd < 0) {
        print_message("skipped: there is no /dev/full\n");
        skip();
    }
    assert_int_equal(koc__fs_write_fd(fd, "x", 1, "the file", &err), KOC_EIO);
    assert_non_null(strstr(koc_error_message(err), "cannot write the file: No space left"));
    koc_error_free(err);
}

KOC_TEST(fs_survives_running_out_of_memory)
{
    const char *path = koc_test_write("f", "content", 7);
    int rc = KOC_ENOMEM;
    for (uint64_t n = 1; rc != KOC_OK && n < 30; n++) {
        KOC__AUTO_VAL(koc__dynbuf) b = KOC__DYNBUF_INIT(100);
        KOC__AUTO(koc_strlist) names = NULL;

        koc__alloc_fail_after(n);
        rc = koc__fs_read_file(path, &b, NULL);
        rc = rc == KOC_OK ? koc__fs_list(koc_test_dir(), &names, NULL) : rc;
        rc = rc == KOC_OK ? koc__fs_write_file(path, KOC__STR("content"), 0644, NULL) : rc;
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM);
        assert_int_equal(count_files(koc_test_dir()), 1);
    }
    assert_int_equal(rc, KOC_OK);
    assert_content(path, "content");
}

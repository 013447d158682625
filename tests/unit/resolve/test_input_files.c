/* Files and directories. */
#include "core/common.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "helper.h"
#include "test.h"

#include "core/dynbuf.h"
#include "core/io/fs.h"
#include "core/run/thread.h"
#include "core/str.h"

static koc_resolver *new_resolver(void)
{
    koc_resolver *r = NULL;
    assert_int_equal(koc_resolver_new(NULL, NULL, &r, NULL), KOC_OK);
    return r;
}

static void dir(const char *name)
{
    assert_int_equal(koc__fs_mkdirs(koc_test_path(name), 0755, NULL), KOC_OK);
}

KOC_TEST(dirs_give_their_manifests_in_byte_order)
{
    dir("sub");
    dir("c.yaml");
    koc_test_write("b.yaml", "b", 1);
    koc_test_write("a.json", "{}", 2);
    koc_test_write("A.yml", "a", 1);
    koc_test_write("x.txt", "[", 1);
    koc_test_write("sub/s.yaml", "s", 1);
    koc_resolver *r = new_resolver();
    koc_error *err = NULL;
    assert_int_equal(koc_resolver_add_dir(r, koc_test_dir(), false, &err), KOC_OK);
    assert_int_equal(koc_resolver_count(r), 3);
    assert_string_equal(koc_resolver_label(r, 0), koc_test_path("A.yml"));
    assert_string_equal(koc_resolver_label(r, 1), koc_test_path("a.json"));
    assert_string_equal(koc_resolver_label(r, 2), koc_test_path("b.yaml"));
    koc_resolver_free(r);
    r = new_resolver();
    assert_int_equal(koc_resolver_add_dir(r, koc_test_dir(), true, &err), KOC_OK);
    assert_int_equal(koc_resolver_count(r), 4);
    assert_string_equal(koc_resolver_label(r, 3), koc_test_path("sub/s.yaml"));
    koc_resolver_free(r);
}

KOC_TEST(a_fifo_in_a_dir_is_left_out)
{
    koc_test_write("a.yaml", "a", 1);
    assert_int_equal(mkfifo(koc_test_path("f.yaml"), 0600), 0);
    koc_resolver *r = new_resolver();
    assert_int_equal(koc_resolver_add_dir(r, koc_test_dir(), false, NULL), KOC_OK);
    assert_int_equal(koc_resolver_count(r), 1);
    assert_int_equal(koc_strlist_count(koc_resolver_warnings(r)), 1);
    KOC__AUTO_STR want = koc__format("skipping %s: not a regular file", koc_test_path("f.yaml"));
    assert_string_equal(koc_strlist_get(koc_resolver_warnings(r), 0), want);
    koc_resolver_free(r);
}

static void *feed(void *path)
{
    int fd = open(path, O_WRONLY);
    ssize_t n = write(fd, "a: ko://x\n", 10);
    close(fd);
    return n == 10 ? path : NULL;
}

KOC_TEST(a_fifo_by_name_is_read)
{
    KOC__AUTO_STR path = koc__strdup(koc_test_path("fifo"));
    pthread_t writer;
    koc_error *err = NULL;
    koc_strlist *l = NULL;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(koc__thread_start(&writer, feed, path), 0);
    koc_resolver *r = new_resolver();
    assert_int_equal(koc_resolver_add_file(r, path, &err), KOC_OK);
    pthread_join(writer, NULL);
    assert_int_equal(koc_resolver_references(r, &l, &err), KOC_OK);
    assert_int_equal(koc_strlist_count(l), 1);
    koc_strlist_free(l);
    koc_resolver_free(r);
}

KOC_TEST(what_is_missing_is_named)
{
    koc_error *err = NULL;
    koc_resolver *r = new_resolver();
    dir("empty");
    assert_int_equal(koc_resolver_add_dir(r, koc_test_path("empty"), false, &err), KOC_ENOTFOUND);
    KOC__AUTO_STR want =
        koc__format("%s: no .yaml, .yml or .json file in it", koc_test_path("empty"));
    assert_string_equal(koc_error_message(err), want);
    assert_string_equal(koc_error_hint(err), "recursive looks into its subdirectories also");
    koc__error_clear(&err);
    assert_int_equal(koc_resolver_add_file(r, koc_test_path("none.yaml"), &err), KOC_ENOTFOUND);
    koc__error_clear(&err);
    assert_int_equal(koc_resolver_add_dir(r, koc_test_path("none"), false, &err), KOC_ENOTFOUND);
    koc_error_free(err);
    koc_resolver_free(r);
}

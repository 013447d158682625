/* Files that people named: whole or not at all, whatever fails, and whoever is killed. */
#include "core/common.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/io/outfile.h"
#include "core/path.h"
#include "core/run/call.h"
#include "core/str.h"
#include "helper.h"

#ifdef __linux__
/* The library's calls, made to fail as those of a network file system or a full quota do. */
static int fail_fsync, fail_close, fail_rename; /* errno, or 0 */

int fsync(int fd)
{
    if (fail_fsync) {
        errno = fail_fsync;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    if (fail_rename) {
        errno = fail_rename;
        return -1;
    }
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

static bool is_temporary(int fd)
{
    char name[64], path[4096];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(name, path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *at = strstr(path, "/.koc-");
    return at && strlen(at) == strlen("/.koc-XXXXXX");
}

/* The next close, not the system call: ThreadSanitizer has one too, which notes what a descriptor's number is. */
int close(int fd)
{
    bool fails = fail_close && is_temporary(fd);
    int (*next)(int);
    *(void **)&next = dlsym(RTLD_NEXT, "close");
    int rc = next(fd);
    if (fails) {
        errno = fail_close;
        fail_close = 0;
        return -1;
    }
    return rc;
}
#endif

static int put(const char *path, const char *text, koc_error **err)
{
    return koc__fs_replace_file(path, koc__str(text), 0644, err);
}

KOC_TEST(outfile_is_there_only_when_it_is_finished)
{
    KOC__AUTO_VAL(koc__outfile) f = KOC__OUTFILE_INIT;
    KOC__AUTO_STR path = koc__strdup(koc_test_write("f", "old", 3));
    assert_int_equal(koc__outfile_open(path, 0644, NULL, &f, NULL), KOC_OK);
    assert_int_equal(count_files(koc_test_dir()), 1); /* nothing is made yet */
    assert_int_equal(koc__outfile_write(&f, "new", 3, NULL), KOC_OK);
    assert_content(path, "old");
    koc__outfile_dispose(&f);
    assert_content(path, "old");
    assert_int_equal(count_files(koc_test_dir()), 1);
    assert_int_equal(put(path, "new", NULL), KOC_OK);
    assert_content(path, "new");
}

KOC_TEST(outfile_keeps_mode_and_links)
{
    KOC__AUTO_STR path = koc__strdup(koc_test_write("d-f", "old", 3));
    KOC__AUTO_STR link = koc__strdup(koc_test_path("link"));
    KOC__AUTO_STR dangling = koc__strdup(koc_test_path("dangling"));
    struct stat st;
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(symlink("d-f", link), 0);
    assert_int_equal(symlink("deep/er/f", dangling), 0);
    assert_int_equal(put(link, "new", NULL), KOC_OK);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_content(path, "new");
    assert_int_equal(mode_of(path), 0640);
    assert_int_equal(put(dangling, "new", NULL), KOC_OK);
    assert_content(koc_test_path("deep/er/f"), "new");
    /* What is for the owner alone is made so. */
    assert_int_equal(koc__fs_replace_file(path, KOC__STR("secret"), 0600, NULL), KOC_OK);
    assert_int_equal(mode_of(path), 0600);
}

KOC_TEST(outfile_refuses_what_cannot_be_written)
{
    KOC__AUTO_STR path = koc__strdup(koc_test_write("ro", "old", 3));
    koc_error *err = NULL;
    assert_int_equal(put(koc_test_dir(), "x", &err), KOC_EINVAL);
    assert_non_null(strstr(koc_error_message(err), "it is a directory"));
    koc__error_clear(&err);
    if (geteuid() != 0) {
        assert_int_equal(chmod(path, 0444), 0);
        assert_int_equal(put(path, "new", &err), KOC_EIO);
        assert_non_null(strstr(koc_error_message(err), "Permission denied"));
        koc__error_clear(&err);
        assert_content(path, "old");
        /* The directory is not ours to write to, the file is. */
        assert_int_equal(chmod(path, 0644), 0);
        assert_int_equal(chmod(koc_test_dir(), 0555), 0);
        int rc = put(path, "new", &err);
        assert_int_equal(chmod(koc_test_dir(), 0755), 0);
        assert_int_equal(rc, KOC_OK);
        assert_content(path, "new");
    }
}

static void *read_fifo(void *path)
{
    char buf[64] = "";
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, buf, sizeof(buf) - 1);
    close(fd);
    return n > 0 ? koc__strdup(buf) : NULL;
}

KOC_TEST(outfile_writes_to_a_fifo_as_it_is)
{
    KOC__AUTO_STR path = koc__strdup(koc_test_path("fifo"));
    pthread_t reader;
    void *got = NULL;
    struct stat st;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_fifo, path), 0);
    assert_int_equal(put(path, "through", NULL), KOC_OK);
    assert_int_equal(pthread_join(reader, &got), 0);
    assert_string_equal(got, "through");
    koc__free(got);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(put("/dev/null", "away", NULL), KOC_OK);
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

KOC_TEST(outfile_stops_waiting_for_a_reader_when_cancelled)
{
    KOC__AUTO_VAL(koc__outfile) f = KOC__OUTFILE_INIT;
    KOC__AUTO_STR path = koc__strdup(koc_test_path("fifo"));
    koc_cancel *c = NULL;
    koc_error *err = NULL;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(koc_cancel_new(&c, NULL), KOC_OK);
    koc_cancel_trigger(c);
    assert_int_equal(koc__outfile_open(path, 0644, c, &f, NULL), KOC_OK);
    assert_int_equal(koc__outfile_write(&f, "x", 1, &err), KOC_ECANCELLED);
    koc_error_free(err);
    koc_cancel_unref(c);
}

#ifdef __linux__
/* Written out, closed, renamed: what had the name keeps it whatever fails. */
KOC_TEST(outfile_keeps_the_old_content_when_sync_close_or_rename_fail)
{
    static const int numbers[] = {EIO, EDQUOT, ENOSPC};
    int *const calls[] = {&fail_fsync, &fail_close, &fail_rename};
    KOC__AUTO_STR path = koc__strdup(koc_test_write("index.json", "old", 3));
    for (size_t i = 0; i < KOC__COUNT(calls); i++) {
        for (size_t k = 0; k < KOC__COUNT(numbers); k++) {
            koc_error *err = NULL;

            *calls[i] = numbers[k];
            int rc = put(path, "new", &err);
            *calls[i] = 0;
            assert_int_equal(rc, KOC_EIO);
            assert_non_null(strstr(koc_error_message(err), strerror(numbers[k])));
            koc__error_clear(&err);
            assert_content(path, "old");
            assert_int_equal(count_files(koc_test_dir()), 1);
        }
    }
    fail_fsync = EINVAL; /* a file system that has no such thing */
    int rc = put(path, "new", NULL);
    fail_fsync = 0;
    assert_int_equal(rc, KOC_OK);
    assert_content(path, "new");
}
#endif

/* A child makes a temporary file and is killed. */
static void be_killed_while_writing(const char *dir)
{
    pid_t pid = fork();
    int status = 0;
    if (pid == 0) {
        koc__tempfile t = KOC__TEMPFILE_INIT;

        (void)koc__tempfile_lasting(dir, &t, NULL);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

KOC_TEST(tempfile_of_a_killed_process_is_swept_and_that_of_a_living_one_is_not)
{
    KOC__AUTO_VAL(koc__tempfile) mine = KOC__TEMPFILE_INIT;
    KOC__AUTO_STR dir = koc__strdup(koc_test_dir());
    koc_test_write(".koc-notes.txt", "x", 1); /* somebody's, of nearly that name */
    for (int i = 0; i < 3; i++) {
        be_killed_while_writing(dir);
    }
    assert_int_equal(count_files(dir), 2); /* each swept what was there */
    assert_int_equal(koc__tempfile_lasting(dir, &mine, NULL), KOC_OK);
    assert_int_equal(count_files(dir), 2);
    assert_int_equal(put(koc_test_path("f"), "x", NULL), KOC_OK);
    assert_int_equal(count_files(dir), 3);
    assert_true(koc__fs_exists(mine.path));
    assert_int_equal(koc__tempfile_publish(&mine, koc_test_path("g"), 0644, NULL), KOC_OK);
    assert_int_equal(count_files(dir), 3);
}

KOC_TEST(fifo_is_refused_by_name_where_a_file_is_needed)
{
    KOC__AUTO_STR path = koc__strdup(koc_test_path("fifo"));
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(100);
    koc_error *err = NULL;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(koc__fs_read_file(path, &text, &err), KOC_EINVAL);
    assert_non_null(strstr(koc_error_message(err), "is a FIFO, not a regular file"));
    koc__error_clear(&err);
    assert_int_equal(koc__fs_read_file("/dev/null", &text, NULL), KOC_OK);
    assert_int_equal(text.len, 0);
}

KOC_TEST(stream_ends_when_the_call_is_cancelled)
{
    KOC__AUTO_STR path = koc__strdup(koc_test_path("fifo"));
    KOC__AUTO_VAL(koc__dynbuf) text = KOC__DYNBUF_INIT(100);
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_op user = KOC_OP_INIT;
    koc_error *err = NULL;
    assert_int_equal(mkfifo(path, 0600), 0);
    user.timeout_ms = 50; /* nobody ever writes */
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    assert_int_equal(koc__fs_read_any(path, &call, &text, &err), KOC_ETIMEOUT);
    koc_error_free(err);
}

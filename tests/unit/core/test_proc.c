#include "core/common.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/io/fs.h"
#include "core/run/proc.h"
#include "core/str.h"
#include "core/text.h"
#include "test.h"

/* Runs a shell script to the end. */
static int run_shell(const char *script, koc__proc *p, koc__call *call, koc__proc_result *result,
                     koc_error **err)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    koc__proc plain = *p;
    plain.argv = argv;
    return koc__proc_run(&plain, call, result, err);
}

static bool wait_gone(pid_t pid)
{
    for (int i = 0; i < 200; i++) {
        if (kill(pid, 0) != 0) {
            return true;
        }
        poll(NULL, 0, 10);
    }
    return false;
}

KOC_TEST(proc_gives_output_errors_and_the_exit_code)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    koc__proc p = {0};
    assert_int_equal(run_shell("echo out; echo err >&2; exit 3", &p, NULL, &r, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&r.output), "out\n");
    assert_string_equal(koc__dynbuf_cstr(&r.errors), "err\n");
    assert_int_equal(r.exit_code, 3);
    assert_int_equal(r.signal, 0);
    /* A second run replaces the first's result. */
    assert_int_equal(run_shell("true", &p, NULL, &r, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&r.output), "");
    assert_int_equal(r.exit_code, 0);
}

KOC_TEST(proc_merges_errors_into_the_output_in_order)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    koc__proc p = {.flags = KOC__PROC_MERGE};
    assert_int_equal(run_shell("echo 1; echo 2 >&2; echo 3", &p, NULL, &r, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&r.output), "1\n2\n3\n");
    assert_int_equal(r.errors.len, 0);
}

KOC_TEST(proc_tells_which_signal_ended_the_child)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    koc__proc p = {0};
    assert_int_equal(run_shell("kill -9 $$", &p, NULL, &r, NULL), KOC_OK);
    assert_int_equal(r.exit_code, -1);
    assert_int_equal(r.signal, 9);
}

KOC_TEST(proc_without_input_gives_dev_null)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    koc__proc p = {0};
    assert_int_equal(run_shell("cat; echo end", &p, NULL, &r, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&r.output), "end\n");
}

KOC_TEST(proc_passes_large_input_through_a_child_that_echoes_it)
{
    enum { SIZE = 3 << 20 };
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    char *data = malloc(SIZE);
    assert_non_null(data);
    for (size_t i = 0; i < SIZE; i++) {
        data[i] = (char)(i * 31 >> 3);
    }
    koc__proc p = {.input = {data, SIZE}};

    assert_int_equal(run_shell("cat", &p, NULL, &r, NULL), KOC_OK);
    assert_int_equal(r.output.len, SIZE);
    assert_memory_equal(r.output.ptr, data, SIZE);
    free(data);
}

/* The write fails with EPIPE; no SIGPIPE may come of it, and it is not the call's failure. */
KOC_TEST(proc_large_input_to_a_child_that_does_not_read)
{
    enum { SIZE = 1 << 20 };
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    char *data = calloc(1, SIZE);
    koc__proc p = {.input = {data, SIZE}};
    struct sigaction before, dfl = {.sa_handler = SIG_DFL};
    sigset_t pending;
    assert_non_null(data);
    sigaction(SIGPIPE, &dfl, &before);
    assert_int_equal(run_shell("exit 4", &p, NULL, &r, NULL), KOC_OK);
    assert_int_equal(r.exit_code, 4);
    assert_int_equal(run_shell("exec 0<&-; sleep 0.1; echo done", &p, NULL, &r, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&r.output), "done\n");
    sigpending(&pending);
    assert_false(sigismember(&pending, SIGPIPE));
    sigaction(SIGPIPE, &before, NULL);
    free(data);
}

KOC_TEST(proc_output_past_the_ceiling_ends_the_child)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    koc__proc p = {.max_output = 1000};
    koc_error *err = NULL;
    int64_t start = koc__monotonic_ms();
    assert_int_equal(run_shell("while :; do echo 0123456789; done", &p, NULL, &r, &err),
                     KOC_ELIMIT);
    assert_non_null(strstr(koc_error_message(err), "1000 bytes"));
    assert_null(r.output.ptr);
    assert_true(koc__monotonic_ms() - start < 20000);
    koc_error_free(err);
    p.max_output = 11;
    assert_int_equal(run_shell("echo 0123456789", &p, NULL, &r, NULL), KOC_OK);
    assert_int_equal(r.output.len, 11);
    p.max_output = 10;
    assert_int_equal(run_shell("echo 0123456789", &p, NULL, &r, NULL), KOC_ELIMIT);
}

KOC_TEST(proc_errors_past_the_ceiling_are_dropped)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    koc__proc p = {.max_errors = 100};
    assert_int_equal(
        run_shell("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done >&2; echo ok",
                  &p, NULL, &r, NULL),
        KOC_OK);
    assert_int_equal(r.errors.len, 100);
    assert_string_equal(koc__dynbuf_cstr(&r.output), "ok\n");
}

KOC_TEST(proc_missing_program_directory_and_permission)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    const char *argv[] = {"koc-no-such-program", NULL};
    koc__proc p = {.argv = argv};
    koc_error *err = NULL;
    assert_int_equal(koc__proc_run(&p, NULL, &r, &err), KOC_ENOTFOUND);
    assert_non_null(strstr(koc_error_message(err), "koc-no-such-program"));
    koc__error_clear(&err);
    argv[0] = koc_test_path("none");
    assert_int_equal(koc__proc_run(&p, NULL, &r, NULL), KOC_ENOTFOUND);
    argv[0] = koc_test_write("plain", "text", 4);
    assert_int_equal(koc__proc_run(&p, NULL, &r, NULL), KOC_EIO);
    argv[0] = "sh";
    p.dir = koc_test_path("none");
    assert_int_equal(koc__proc_run(&p, NULL, &r, &err), KOC_ENOTFOUND);
    assert_non_null(strstr(koc_error_message(err), "no such directory"));
    koc_error_free(err);
}

KOC_TEST(proc_uses_its_directory_and_environment)
{
    const char *argv[] = {"./tool", "x y", "", NULL};
    const char *env[] = {"A=1", "PATH=/nowhere", NULL};
    koc__proc p = {.argv = argv, .env = env, .dir = koc_test_dir()};
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    static const char script[] = "#!/bin/sh\necho \"$A:$#:$1:$2:${HOME-unset}\"\npwd -P\n";
    KOC__AUTO_STR real = NULL;
    KOC__AUTO_STR expected = NULL;
    assert_int_equal(chmod(koc_test_write("tool", script, sizeof(script) - 1), 0755), 0);
    assert_int_equal(koc__proc_run(&p, NULL, &r, NULL), KOC_OK);
    assert_int_equal(koc__fs_realpath(koc_test_dir(), &real, NULL), KOC_OK);
    expected = koc__format("1:2:x y::unset\n%s\n", real);
    assert_string_equal(koc__dynbuf_cstr(&r.output), expected);
    argv[0] = "sh"; /* is not in the PATH that the child was given */
    assert_int_equal(koc__proc_run(&p, NULL, &r, NULL), KOC_ENOTFOUND);
}

KOC_TEST(proc_find_searches_absolute_directories_only)
{
    KOC__AUTO_STR found = NULL;
    KOC__AUTO_STR path = koc__format("::.:relative:%s:/none", koc_test_dir());
    KOC__AUTO_FD here = open(".", O_RDONLY | O_CLOEXEC);
    assert_int_equal(koc__proc_find("sh", NULL, &found, NULL), KOC_OK);
    assert_int_equal(found[0], '/');
    koc__free(koc__steal(&found));
    koc_test_write("tool", "#!/bin/sh\n", 10);
    assert_int_equal(koc__proc_find("tool", path, &found, NULL), KOC_ENOTFOUND);
    assert_int_equal(chmod(koc_test_path("tool"), 0755), 0);
    assert_int_equal(chdir(koc_test_dir()), 0);
    int in_dot = koc__proc_find("tool", ".:", &found, NULL);
    int with_slash = koc__proc_find("./tool", NULL, &found, NULL);
    assert_int_equal(fchdir(here), 0);
    assert_int_equal(in_dot, KOC_ENOTFOUND);
    assert_int_equal(with_slash, KOC_OK);
    koc__free(koc__steal(&found));
    assert_int_equal(koc__proc_find("tool", path, &found, NULL), KOC_OK);
    assert_string_equal(found, koc_test_path("tool"));
    assert_int_equal(mkdir(koc_test_path("folder"), 0755), 0);
    assert_int_equal(koc__proc_find("folder", path, &found, NULL), KOC_ENOTFOUND);
    assert_int_equal(koc__proc_find("", path, &found, NULL), KOC_ENOTFOUND);
}

KOC_TEST(proc_deadline_ends_child_and_grandchildren)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    koc__proc p = {.timeout_ms = 1000};
    KOC__AUTO_STR script =
        koc__format("sleep 100 & echo $! >%s; echo why >&2; wait; sleep 100", koc_test_path("pid"));
    KOC__AUTO_VAL(koc__dynbuf) pid = KOC__DYNBUF_INIT(100);
    koc_error *err = NULL;
    int64_t start = koc__monotonic_ms(), ms;
    uint64_t number = 0;

    assert_int_equal(run_shell(script, &p, NULL, &r, &err), KOC_ETIMEOUT);
    ms = koc__monotonic_ms() - start;
    assert_true(ms >= 1000 && ms < 20000);
    assert_string_equal(koc_error_detail(err), "why\n");
    koc_error_free(err);
    assert_int_equal(koc__fs_read_file(koc_test_path("pid"), &pid, NULL), KOC_OK);
    assert_true(koc__str_u64(koc__str_trim(koc__dynbuf_view(&pid)), &number));
    assert_true(wait_gone((pid_t)number));
}

/* What a program leaves behind ends with it, unless it shares the terminal with us. */
KOC_TEST(proc_leaves_no_descendants_of_a_child_that_ended)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    koc__proc p = {0};
    KOC__AUTO_STR script =
        koc__format("sleep 100 >/dev/null 2>&1 & echo $! >%s", koc_test_path("pid"));
    KOC__AUTO_VAL(koc__dynbuf) pid = KOC__DYNBUF_INIT(100);
    uint64_t number = 0;
    assert_int_equal(run_shell(script, &p, NULL, &r, NULL), KOC_OK);
    assert_int_equal(koc__fs_read_file(koc_test_path("pid"), &pid, NULL), KOC_OK);
    assert_true(koc__str_u64(koc__str_trim(koc__dynbuf_view(&pid)), &number));
    assert_true(wait_gone((pid_t)number));
}

typedef struct when_ready {
    koc_cancel *cancel;
    const char *path;
    int64_t ms; /* when it was cancelled */
} when_ready;

/* Cancels once the child has made a file, however slow the machine is. */
static void *cancel_when_ready(void *arg)
{
    when_ready *w = arg;
    for (int i = 0; i < 2000 && !koc__fs_exists(w->path); i++) {
        poll(NULL, 0, 10);
    }
    w->ms = koc__monotonic_ms();
    koc_cancel_trigger(w->cancel);
    return NULL;
}

/* Cancels script after it has made the file "ready"; gives the milliseconds until the call ended. */
static int64_t run_and_cancel(const char *script)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    KOC__AUTO(koc_cancel) cancel = NULL;
    KOC__AUTO_VAL(koc__call) call = {0};
    KOC__AUTO_STR path = koc__strdup(koc_test_path("ready"));
    koc_op user = KOC_OP_INIT;
    koc__proc p = {.dir = koc_test_dir()};
    when_ready w = {.path = path};
    pthread_t thread;
    assert_int_equal(koc_cancel_new(&cancel, NULL), KOC_OK);
    user.cancel = w.cancel = cancel;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_ready, &w), 0);
    int rc = run_shell(script, &p, &call, &r, NULL);

    pthread_join(thread, NULL);
    assert_int_equal(rc, KOC_ECANCELLED);
    return koc__monotonic_ms() - w.ms;
}

KOC_TEST(proc_kills_what_ignores_sigterm)
{
    int64_t ms = run_and_cancel("trap '' TERM; echo >ready; while :; do sleep 0.05; done");

    assert_true(ms >= 2000 && ms < 20000);
}

KOC_TEST(proc_lets_a_child_clean_up_on_sigterm)
{
    int64_t ms = run_and_cancel("trap 'echo writes on; sleep 0.1; echo x >cleaned; exit' TERM;"
                                "echo >ready; while :; do sleep 0.02; done");

    assert_true(koc__fs_exists(koc_test_path("cleaned")));
    assert_true(ms < 2000);
}

static void *trigger_soon(void *arg)
{
    poll(NULL, 0, 200);
    koc_cancel_trigger(arg);
    return NULL;
}

KOC_TEST(proc_ends_when_cancelled_from_another_thread)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    KOC__AUTO(koc_cancel) cancel = NULL;
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_op user = KOC_OP_INIT;
    koc__proc p = {0};
    pthread_t thread;
    int64_t start = koc__monotonic_ms();
    assert_int_equal(koc_cancel_new(&cancel, NULL), KOC_OK);
    user.cancel = cancel;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    assert_int_equal(pthread_create(&thread, NULL, trigger_soon, cancel), 0);
    assert_int_equal(run_shell("sleep 100", &p, &call, &r, NULL), KOC_ECANCELLED);
    pthread_join(thread, NULL);
    assert_true(koc__monotonic_ms() - start < 20000);
    /* Once cancelled, nothing is started any more. */
    KOC__AUTO_STR script = koc__format("echo >%s", koc_test_path("started"));
    assert_int_equal(run_shell(script, &p, &call, &r, NULL), KOC_ECANCELLED);
    assert_false(koc__fs_exists(koc_test_path("started")));
}

KOC_TEST(proc_ends_with_the_time_limit_of_the_call)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    KOC__AUTO_VAL(koc__call) call = {0};
    koc_op user = KOC_OP_INIT;
    koc__proc p = {.timeout_ms = 60000};
    user.timeout_ms = 200;
    assert_int_equal(koc__call_begin(&call, NULL, &user, NULL), KOC_OK);
    assert_int_equal(run_shell("sleep 100", &p, &call, &r, NULL), KOC_ETIMEOUT);
}

/* A daemon that holds the pipes open must not hold us. */
KOC_TEST(proc_does_not_wait_for_who_else_holds_the_pipes)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    koc__proc p = {0};
    int64_t start = koc__monotonic_ms();
    assert_int_equal(run_shell("sleep 30 & echo out", &p, NULL, &r, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&r.output), "out\n");
    assert_true(koc__monotonic_ms() - start < 20000);
}

KOC_TEST(proc_gives_the_child_default_signals_and_none_of_our_files)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    KOC__AUTO_FD fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct sigaction before, ignore = {.sa_handler = SIG_IGN};
    sigset_t block, old;
    koc__proc p = {0};
    sigaction(SIGINT, &ignore, &before);
    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &block, &old);
    int rc = run_shell("kill -TERM $$; echo blocked", &p, NULL, &r, NULL);
    int rc_int = KOC_OK;
    int signal_one = r.signal;

    if (rc == KOC_OK) {
        rc_int = run_shell("kill -INT $$; echo ignored", &p, NULL, &r, NULL);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    sigaction(SIGINT, &before, NULL);
    assert_int_equal(rc, KOC_OK);
    assert_int_equal(signal_one, SIGTERM);
    assert_int_equal(rc_int, KOC_OK);
    assert_int_equal(r.signal, SIGINT);
#ifdef __linux__
    /* 0, 1, 2 and the one that ls itself has open. */
    const char *argv[] = {"ls", "/proc/self/fd", NULL};

    p.argv = argv;
    assert_int_equal(koc__proc_run(&p, NULL, &r, NULL), KOC_OK);
    assert_null(strstr(koc__dynbuf_cstr(&r.output), "4\n"));
#endif
}

KOC_TEST(proc_leaves_no_descriptors_and_no_zombies)
{
    int before = dup(0), after;
    koc__proc p = {.input = KOC__STR("x"), .timeout_ms = 20};
    close(before);
    for (int i = 0; i < 20; i++) {
        KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;

        (void)run_shell(i % 2 ? "sleep 5" : "true", &p, NULL, &r, NULL);
    }
    after = dup(0);
    close(after);
    assert_int_equal(after, before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* Somebody who starts us without standard streams must not get them mixed up. */
KOC_TEST(proc_works_when_our_standard_streams_are_closed)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    koc__proc p = {.input = KOC__STR("in")};
    int saved[3];
    fflush(NULL);
    for (int i = 0; i < 3; i++) {
        saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
        close(i);
    }
    int rc = run_shell("cat; echo err >&2", &p, NULL, &r, NULL);

    for (int i = 0; i < 3; i++) {
        dup2(saved[i], i);
        close(saved[i]);
    }
    assert_int_equal(rc, KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&r.output), "in");
    assert_string_equal(koc__dynbuf_cstr(&r.errors), "err\n");
}

KOC_TEST(proc_inherits_streams_but_takes_input_when_there_is_some)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    KOC__AUTO_VAL(koc__dynbuf) written = KOC__DYNBUF_INIT(100);
    koc__proc p = {.flags = KOC__PROC_INHERIT, .input = KOC__STR("in")};
    const char *path = koc_test_write("stdout", "", 0);
    int saved = fcntl(1, F_DUPFD_CLOEXEC, 10);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    fflush(NULL);
    dup2(fd, 1);
    close(fd);
    int rc = run_shell("cat; echo; exit 2", &p, NULL, &r, NULL);

    dup2(saved, 1);
    close(saved);
    assert_int_equal(rc, KOC_OK);
    assert_int_equal(r.exit_code, 2);
    assert_int_equal(r.output.len, 0);
    assert_int_equal(koc__fs_read_file(path, &written, NULL), KOC_OK);
    assert_string_equal(koc__dynbuf_cstr(&written), "in\n");
}

KOC_TEST(proc_measures_cpu_time)
{
    KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
    koc__proc p = {0};
    assert_int_equal(
        run_shell("i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done", &p, NULL, &r, NULL), KOC_OK);
    assert_true(r.cpu_us > 1000);
}

typedef struct many {
    int rc;
    bool right;
} many;

static void *run_many(void *arg)
{
    many *m = arg;
    m->right = true;
    for (int i = 0; i < 10; i++) {
        KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
        koc__proc p = {.input = KOC__STR("hello")};

        m->rc = run_shell("cat", &p, NULL, &r, NULL);
        m->right = m->right && m->rc == KOC_OK && koc__streq(koc__dynbuf_cstr(&r.output), "hello");
    }
    return NULL;
}

KOC_TEST(proc_runs_from_several_threads_at_once)
{
    pthread_t threads[4];
    many results[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, &results[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(results[i].right);
    }
}

KOC_TEST(proc_survives_running_out_of_memory)
{
    int rc = KOC_ENOMEM;
    for (uint64_t n = 1; rc != KOC_OK && n < 40; n++) {
        KOC__AUTO_VAL(koc__proc_result) r = KOC__PROC_RESULT_INIT;
        koc__proc p = {.input = KOC__STR("hello")};

        koc__alloc_fail_after(n);
        rc = run_shell("cat; echo err >&2", &p, NULL, &r, NULL);
        koc__alloc_fail_after(0);
        assert_true(rc == KOC_OK || rc == KOC_ENOMEM);
    }
    assert_int_equal(rc, KOC_OK);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}
